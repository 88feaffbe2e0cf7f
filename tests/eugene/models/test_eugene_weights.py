"""Weights of EUGENe predict here as they did there; general nets are what one asks."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import eugene as eu
from eugene.errors import EugeneError, EugeneWarning
from eugene.models import build, load_eugene_checkpoint
from eugene.modules.tasks import TASKS
from eugene.train import load_checkpoint

State = dict[str, torch.Tensor]
TOWER = {"input_channels": 4, "conv_channels": [6], "conv_kernels": [7], "pool_kernels": [3]}
CASES: dict[str, dict[str, Any]] = {
    "kopp21_cnn": {"input_len": 120},
    "jores21_cnn": {"input_len": 40, "filters": 8, "kernel_size": 5, "hidden_dim": 6},
    "hybrid": {
        "input_len": 50,
        "conv_kwargs": TOWER,
        "recurrent_kwargs": {"hidden_dim": 5, "bidirectional": True},
    },
    "deepstarr": {"input_len": 30},
}


def norm(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    keys = ("running_mean", "running_var", "weight", "bias")
    return F.batch_norm(x, *(state[f"{name}.{key}"] for key in keys), eps=1e-5)


def kopp(s: State, x: torch.Tensor) -> torch.Tensor:
    ahead, back = (F.relu(F.conv1d(v, s["conv.weight"], s["conv.bias"])) for v in (x, x.flip(1, 2)))
    h = F.max_pool1d(torch.maximum(ahead, back), 30, stride=1)
    h = F.relu(F.conv1d(h, s["conv2.weight"], s["conv2.bias"])).amax(dim=2)
    return norm(s, "batchnorm2", h) @ s["linear.weight"].T + s["linear.bias"]


def jores(s: State, x: torch.Tensor) -> torch.Tensor:
    ahead = back = x
    for i in range(2):
        w, b = s[f"biconv.kernels.{i}"], s[f"biconv.biases.{i}"]
        ahead = F.relu(F.conv1d(ahead, w, b, padding=2))
        back = F.relu(F.conv1d(back, w.flip(0, 1), b, padding=2))
    h = F.relu(F.conv1d(ahead + back, s["conv.weight"], s["conv.bias"], padding=2))
    h = F.relu(norm(s, "batchnorm", h.flatten(1) @ s["fc.weight"].T + s["fc.bias"]))
    return h @ s["fc2.weight"].T + s["fc2.bias"]


def hybrid(s: State, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(F.conv1d(x, s["conv1d_tower.layers.0.weight"], s["conv1d_tower.layers.0.bias"]))
    lstm = nn.LSTM(6, 5, batch_first=True, bidirectional=True)
    start = "recurrent_block.layers."
    lstm.load_state_dict({k.removeprefix(start): v for k, v in s.items() if k.startswith(start)})
    last = lstm(F.max_pool1d(h, 3, stride=1).transpose(1, 2))[0][:, -1]
    return last @ s["dense_block.layers.0.weight"].T + s["dense_block.layers.0.bias"]


def deepstarr(s: State, x: torch.Tensor) -> torch.Tensor:
    for i, pad in enumerate((3, 1, 2, 1)):
        name = f"conv1d_tower.layers.{4 * i}"
        x = F.conv1d(x, s[f"{name}.weight"], s[f"{name}.bias"], padding=pad)
        x = F.max_pool1d(F.relu(norm(s, f"conv1d_tower.layers.{4 * i + 1}", x)), 2, stride=1)
    x = x.flatten(1)
    for i in (0, 4):
        name = f"dense_block.layers.{i}"
        x = F.relu(
            norm(
                s,
                f"dense_block.layers.{i + 1}",
                F.linear(x, s[f"{name}.weight"], s[f"{name}.bias"]),
            )
        )
    return F.linear(x, s["dense_block.layers.8.weight"], s["dense_block.layers.8.bias"])


ORACLES = {"kopp21_cnn": kopp, "jores21_cnn": jores, "hybrid": hybrid, "deepstarr": deepstarr}


def eugene_state(name: str) -> State:
    """Return random weights under the names that EUGENe gave them."""
    asked = build(name, output_dim=1, seed=3, **CASES[name])
    network = build(**{**asked.config, **asked.in_eugene()}, seed=3)
    state = {k: v.clone() for k, v in network.state_dict().items()}
    drawn = torch.Generator().manual_seed(0)
    for key, value in state.items():
        if key.endswith("running_mean"):
            value.normal_(generator=drawn)
        if key.endswith("running_var"):
            value.uniform_(0.5, 2.0, generator=drawn)
    for i in range(2 if name == "jores21_cnn" else 0):
        for old, new in (("kernels", "weight"), ("biases", "bias")):
            state[f"biconv.{old}.{i}"] = state.pop(f"biconv.convs.{i}.{new}")
    return state


def write(path: Path, state: State) -> Path:
    kept = {
        "task": "regression",
        "loss_fxn": "mse",
        "optimizer_lr": 0.001,
        "scheduler_monitor": "val_loss_epoch",
        "metric_kwargs": {},
        "save_hyperparams": True,
    }
    content = {"state_dict": {f"arch.{k}": v for k, v in state.items()}, "hyper_parameters": kept}
    torch.save(
        {**content, "pytorch-lightning_version": "2.0.0", "epoch": 0, "global_step": 0}, path
    )
    return path


DOORS: dict[str, Callable[[Path, nn.Module], nn.Module]] = {
    "load_eugene_checkpoint": load_eugene_checkpoint,
    "load_from_checkpoint": lambda path, arch: eu.models.SequenceModule.load_from_checkpoint(
        path, arch=arch
    ),
    "load_from_checkpoint, dict": lambda path, arch: eu.models.SequenceModule.load_from_checkpoint(
        path, arch=arch.config
    ),
    "load_checkpoint": lambda path, arch: load_checkpoint(path, arch=arch),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_eugene_s_weights_predict_as_in_eugene(name: str, door: str, tmp_path: Path) -> None:
    state = eugene_state(name)
    path = write(tmp_path / "old.ckpt", state)
    length = CASES[name]["input_len"]
    x = F.one_hot(torch.randint(4, (5, length), generator=torch.Generator().manual_seed(1)), 4)
    x = x.transpose(1, 2).float().contiguous()
    arch = build(name, output_dim=1, **CASES[name])
    with pytest.warns(EugeneWarning, match="was written by EUGENe"):
        found = DOORS[door](path, arch).eval()
    with torch.no_grad():
        torch.testing.assert_close(found(x), ORACLES[name](state, x), rtol=1e-4, atol=1e-5)
    # built so from the start, nothing is said
    arch = build(**{**arch.config, **arch.in_eugene()})
    with warnings.catch_warnings():
        warnings.simplefilter("error", EugeneWarning)
        DOORS[door](path, arch)


def test_our_own_checkpoints_keep_their_arrangement(tmp_path: Path) -> None:
    module = eu.models.SequenceModule({"name": "kopp21_cnn", "input_len": 120, "output_dim": 1})
    content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save({**content, "pytorch-lightning_version": "2.0.0"}, tmp_path / "ours.ckpt")
    with warnings.catch_warnings():
        warnings.simplefilter("error", EugeneWarning)
        again = eu.models.SequenceModule.load_from_checkpoint(tmp_path / "ours.ckpt")
    assert again.arch.config["variant"] == "corrected"


def test_bare_weights_under_eugene_s_names_are_told() -> None:
    network = build("jores21_cnn", output_dim=1, **CASES["jores21_cnn"])
    with pytest.warns(EugeneWarning, match='Build it with variant="eugene"'):
        network.load_state_dict(eugene_state("jores21_cnn"))


@pytest.mark.parametrize("name", ["cnn", "hybrid"])
@pytest.mark.parametrize(
    ("given", "linear", "dropout"),
    [
        ({"conv_kwargs": TOWER}, 1, []),
        ({"conv_kwargs": TOWER, "dense_kwargs": {"hidden_dims": [16]}}, 2, []),
        ({"dense_kwargs": {"hidden_dims": [16]}}, 2, []),
        (
            {"conv_kwargs": TOWER, "dense_kwargs": {"hidden_dims": [8], "dropout_rates": 0.5}},
            2,
            [0.5],
        ),
        ({}, 2, [0.25]),
    ],
)
def test_dense_layers_are_those_asked_for(
    name: str, given: dict[str, Any], linear: int, dropout: list[float]
) -> None:
    layers = list(build(name, input_len=60, output_dim=1, **given).dense_block.modules())
    assert sum(isinstance(layer, nn.Linear) for layer in layers) == linear
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == dropout


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_its_name(task: str) -> None:
    module = eu.models.SequenceModule(
        {"name": "deepbind", "input_len": 41, "output_dim": 3}, task=TASKS[task]
    )
    assert module.task == task
    assert module.task != "no task"
    assert f"{module.task}" == task
    for again in (copy.deepcopy(module.task), pickle.loads(pickle.dumps(module.task))):
        assert (again, again.loss, again.link) == (task, TASKS[task].loss, TASKS[task].link)
    assert type(module.hparams["task"]) is str


def test_what_a_module_says_of_itself() -> None:
    module = eu.models.SequenceModule(
        {"name": "deepbind", "input_len": 41, "output_dim": 3},
        optimizer_lr=0.02,
        metric="spearman",
        model_name="mine",
        metric_kwargs={"num_outputs": 3},
    )
    assert (module.input_len, module.output_dim) == (41, 3)
    assert (module.arch_name, module.model_name) == ("DeepBind", "mine")
    assert (module.optimizer, module.optimizer_lr, module.scheduler) == ("adam", 0.02, None)
    assert module.metric_name == "spearman"
    assert type(module.val_metric) is type(module.test_metric) is type(module.train_metric)
    module.optimizer_lr = 0.5
    assert module.configure_optimizers().param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", ["optimizer", "loss_fxn", "scheduler", "optimizer_kwargs", "seed"])
def test_what_would_not_be_heard_cannot_be_set(name: str) -> None:
    module = eu.models.SequenceModule({"name": "deepbind", "input_len": 41, "output_dim": 1})
    with pytest.raises(EugeneError, match=f"{name} is settled when the module is made"):
        setattr(module, name, "sgd")


def test_metric_arguments_that_would_not_be_heard_are_refused() -> None:
    with pytest.raises(EugeneError, match="average would not be heard"):
        eu.models.SequenceModule(
            {"name": "deepbind", "input_len": 41, "output_dim": 1},
            metric_kwargs={"average": "micro"},
        )
