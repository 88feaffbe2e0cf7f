"""One run in which everything that can be registered is the user's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import eugene as eu
import seqdata as sd
from eugene.cli import main
from eugene.config import load_plugin, load_run_config, registries
from eugene.errors import ConfigError
from eugene.runs import run

PLUGIN = '''
"""A laboratory's own."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn

import eugene as eu
from eugene import augment
from eugene.augment.regularizers import Regularizer
from eugene.config import registries
from eugene.config.domains import Int
from eugene.config.marks import Least
from seqdata.loading import WeightedSampler
from seqdata.splits import random
from seqdata.targets import TargetTransform
from seqexplainer.references import zero


@eu.register("models", "lab_net")
class Net(nn.Module):
    """A linear network."""

    def __init__(self, input_len: int, output_dim: int, bias: bool = True):
        super().__init__()
        self.line = nn.Linear(4 * input_len, output_dim, bias=bias)

    def forward(self, x):
        return self.line(x.flatten(1))


@eu.register("modules", "lab_module")
class Module(eu.models.SequenceModule):
    """The usual module under another name."""


@eu.register("losses", "lab_loss")
def loss(mine, theirs, *, power: float = 2.0):
    """Return a power of the error."""
    return (mine - theirs).abs() ** power


@eu.register("metrics", "lab_metric")
def metric(prediction, target):
    """Return minus the mean error."""
    return -(prediction - target).abs().mean()


@eu.register("optimizers", "lab_optimizer")
def optimizer(weights, lr, *, momentum: float = 0.5):
    """Return plain descent."""
    return torch.optim.SGD(weights, lr=lr, momentum=momentum)


@eu.register("schedulers", "lab_scheduler")
def scheduler(optimizer, *, gamma: float = 0.9):
    """Let the rate decay."""
    return torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)


@eu.register("data_sources", "lab_source")
def source(*, n: Annotated[int, Least(10)] = 60, out=None, overwrite=False, seed: int = 0):
    """Make up some sequences."""
    from eugene.simulate import simulated

    ds = simulated(n, 150, seed=seed)
    return ds.assign(w=("_sequence", np.ones(n)), y=("_sequence", ds["label"].values * 1.0))


@eu.register("splits", "lab_split")
def split(ds, *, test: float = 0.2, seed: int = 0):
    """Deal rows."""
    codes = random(ds, fractions=(0.9 - test, 0.1, test), seed=seed)
    return np.array(["train", "val", "test"])[codes]


@eu.register("samplers", "lab_sampler")
def sampler(variable: str):
    """Draw by weights."""
    return WeightedSampler(variable)


@eu.register("target_transforms", "lab_half")
@dataclass(frozen=True)
class Half(TargetTransform):
    """Half of the target."""

    name: ClassVar[str] = "lab_half"
    by: float = 2.0

    def _learn(self, columns):
        return self

    def _forward(self, columns):
        return columns / self.by

    def _backward(self, columns):
        return columns * self.by


@eu.register("attributions", "lab_method")
def method(function, X, references):
    """Return the gradient once for each reference."""
    X = X.requires_grad_()
    return torch.autograd.grad(function(X).sum(), X)[0][:, None].expand_as(references)


@eu.register("references", "lab_reference")
def reference(X):
    """Return zeros."""
    return zero(X)


@eu.register("initializers", "lab_zeros")
def zeros(arch, *, seed: int = 0):
    """Begin with nothing."""
    with torch.no_grad():
        for weight in arch.parameters():
            weight.zero_()


@eu.register("baselines", "lab_mean")
class Mean:
    """Predict the mean."""

    def __init__(self, seed: int = 0):
        self.value = 0.0

    def fit(self, letters, values, verbose=False):
        self.value = float(np.mean(values))

    def predict(self, letters):
        return np.full(len(letters), self.value)


@eu.register("augmentations", "lab_fade")
@dataclass(frozen=True)
class Fade(augment.ValueAugmentation):
    """Make letters fainter."""

    strength: Annotated[float, Least(0)] = 0.1

    def change(self, x, draws):
        return x * (1 - self.strength * draws.uniform(1, x.shape[2]).to(x.dtype))


@eu.register("regularizers", "lab_small")
class Small(Regularizer):
    """Keep the weights small."""

    def __init__(self, weight: float = 0.1):
        super().__init__()
        self.weight = weight

    def penalty(self, module):
        return self.weight * sum(w.square().sum() for w in module.arch.parameters())


@eu.register("callbacks", "lab_listener")
class Listener(pl.Callback):
    """Log a number of its own."""

    def __init__(self, start: Annotated[int, Least(0)] = 0):
        self.start = start

    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("val_own", float(self.start + trainer.current_epoch))


@eu.register("loggers", "lab_log")
def lab_log(folder, *, file: str = "lab.csv"):
    """Write figures to a folder of ones own."""
    from pytorch_lightning.loggers import CSVLogger

    return CSVLogger(folder, name=file)


@eu.register("adapters", "lab_adapter")
def lab_adapter(arch, *, seed=None):
    """Adapt every layer by one direction."""
    return registries.ADAPTERS.get("lora")(arch, rank=1, seed=seed)


@eu.register("stage_hooks", "lab_hook")
def lab_hook(module, datamodule, *, by: float = 0.5):
    """Shrink the weights."""
    with torch.no_grad():
        for weight in module.arch.parameters():
            weight.mul_(by)
    return {"shrunk": by}


@eu.register("searches", "lab_even")
@dataclass(frozen=True)
class Even(Int):
    """Even numbers."""

    q: Annotated[int, Least(1)] = 2


@eu.register("steps", "lab_step")
def lab_step(run, *, n: Annotated[int, Least(1)] = 3, title: str = "rows"):
    """Count rows."""
    run.folder.interpretation.mkdir(exist_ok=True)
    run.folder.write_json("interpretation/lab.json", {title: min(n, len(run.rows("test")))})
'''
TREE = {
    "data": {
        "name": "lab_source",
        "target_vars": ["y"],
        "split": {"name": "lab_split", "test": 0.3},
        "sampler": {"name": "lab_sampler", "variable": "w"},
        "targets": [{"name": "lab_half", "by": 4.0}],
    },
    "model": {"name": "lab_net", "bias": False, "init": "lab_zeros"},
    "module": {
        "name": "lab_module",
        "loss_fxn": "lab_loss",
        "loss_kwargs": {"power": 1.5},
        "metric": ["lab_metric"],
        "optimizer": "lab_optimizer",
        "optimizer_kwargs": {"momentum": 0.1},
        "scheduler": "lab_scheduler",
    },
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "monitor": "val_lab_metric", "mode": "max"},
    "baselines": ["lab_mean"],
    "evaluate": {"n_bootstrap": 0},
    "interpret": {
        "attribute": {
            "methods": ["lab_method", "deep_lift"],
            "references": "lab_reference",
            "top": 4,
        },
        "lab_step": {"n": 2},
    },
}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the file; what it registers is forgotten afterwards."""
    path = tmp_path / "lab_plugin.py"
    path.write_text(PLUGIN)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield path
    forget()


def forget() -> None:
    sys.modules.pop("lab_plugin", None)
    for registry in registries.REGISTRIES.values():
        for name in [n for n in registry.entered if n.startswith("lab_")]:
            for part in (registry._entries, registry._objects, registry._origins):
                part.pop(name, None)


def test_a_run_of_ones_own(plugin: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = run(TREE, plugins=[plugin], run_dir=tmp_path / "run")
    assert folder.read_json("interpretation/lab.json") == {"rows": 2}
    assert folder.read_json("versions.json")["plugins"].keys() == {str(plugin)}
    assert "lab_mean" in folder.read_json("evaluation.json")["baselines"]
    split = sd.open_zarr(folder.predictions)["split"].values
    assert np.bincount(split).tolist() == [36, 6, 18]
    found = sd.open_zarr(folder.attributions)
    assert np.isfinite(found["lab_method"].values).all()
    assert folder.read_json("data.json")["transforms"]["y"][0]["by"] == 4.0
    module = eu.load(folder.path)
    assert type(module).__name__ == "Module"
    assert module.inverse_targets(np.ones((1, 1))).tolist() == [[4.0]]

    forget()
    said = f"--plugin {plugin}"
    with pytest.raises(ConfigError, match=f"no model is called 'lab_net'.*{said}"):
        eu.load(folder.path)
    assert main(["test", str(folder.path), "--overwrite"]) == 2
    assert said in capsys.readouterr().err
    assert main(["lab_step", str(folder.path)]) == 2
    assert "there is no verb 'lab_step'" in capsys.readouterr().err
    words = ["attribute", str(folder.path), "--overwrite", "--quiet"]
    assert main([*words, "--plugin", str(plugin)]) == 0
    forget()
    # whoever trusts the folder trusts what it lists
    assert eu.load(folder.path, allow_class_path=True).arch.line.bias is None
    assert json.loads((folder / "state.json").read_text())["steps"]["lab_step"]["status"] == "done"


def test_stages_of_ones_own(plugin: Path, tmp_path: Path) -> None:
    before = [
        {"name": "first", "before": ["lab_hook"]},
        {"name": "second", "adapters": "lab_adapter", "augment": {"active": False}},
    ]
    training = {
        "augment": {"augmentations": ["rc", {"name": "lab_fade", "strength": 0.5}], "max_augs": 2},
        "stages": before,
        "module": TREE["module"] | {"regularizers": [{"name": "lab_small", "weight": 0.5}]},
        "trainer": TREE["trainer"]
        | {
            "loggers": [{"name": "lab_log", "file": "own"}],
            "callbacks": [{"name": "lab_listener", "start": 7}],
            "monitor": "val_own",
        },
        "interpret": {},
    }
    folder = run(TREE | training, plugins=[plugin], run_dir=tmp_path / "run")
    first = folder.read_json("stages/1_first/stage.json")
    assert first["hook"] == {"lab_hook.shrunk": 0.5}
    assert list(folder.path.rglob("own/**/metrics.csv"))
    assert folder.table("metrics.csv")["val_own"].iloc[0] == first["best_score"] == 7
    module = eu.load(folder.path)
    drawn = [type(a).__name__ for a in module.augmenter.augmentations]
    assert drawn == ["ReverseComplement", "Fade"]
    assert [type(r).__name__ for r in module.regularizers] == ["Small"]

    place, space = "augment.augmentations.1.strength", {"search": "lab_even", "low": 0, "high": 4}
    load_run_config(TREE | training, overrides={place: space}, searched=True)
    with pytest.raises(ConfigError, match="expected 0 or more"):
        load_run_config(TREE | training, overrides={place: space | {"low": -2}}, searched=True)


def test_every_kind_of_thing_has_one_of_ones_own(plugin: Path) -> None:
    load_plugin(plugin)
    asked = {kind for kind, r in registries.REGISTRIES.items() if any("lab_" in n for n in r)}
    assert asked == set(registries.REGISTRIES)
