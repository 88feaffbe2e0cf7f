"""A training that cannot be taken up leaves the folder of its run as it was, byte for byte."""

from __future__ import annotations

import copy
import dataclasses
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from eugene.cli import main as program
from eugene.errors import ConfigError, EugeneError, ResumeError
from eugene.runs import RunFolder, run
from eugene.runs.steps import fit as fit_file

TREE: dict[str, Any] = {
    "data": {
        "name": "simulated",
        "n": 60,
        "length": 140,
        "target_vars": ["label"],
        "split": "random",
        "batch_size": 16,
    },
    "model": {
        "name": "cnn",
        "conv_kwargs": {"conv_channels": [4], "conv_kernels": [5], "pool_kernels": 20},
        "dense_kwargs": {"hidden_dims": [3]},
    },
    "module": {"task": "binary_classification", "scheduler": "one_cycle"},
    "trainer": {"max_epochs": 2, "patience": None, "accelerator": "cpu"},
    "evaluate": {"n_bootstrap": 0},
    "interpret": {"evolve": {"rounds": 1, "n": 2}},
}

# what is asked for now, and what is said of it
REFUSED: dict[str, tuple[dict[str, Any], type[EugeneError], str]] = {
    "more epochs of a schedule that is over": (
        {"trainer.max_epochs": 5},
        ResumeError,
        "one_cycle",
    ),
    "fewer epochs": ({"trainer.max_epochs": 1}, ResumeError, "asks for fewer"),
    "another batch size": ({"data.batch_size": 8}, ConfigError, "batch_size"),
    "another watched value": ({"trainer.monitor": "val_auroc"}, ConfigError, "monitor"),
    "another seed": ({"seed": 99}, ConfigError, "seed"),
    "another optimiser": ({"module.optimizer": "sgd"}, ConfigError, "optimizer"),
    "another network": ({"model.dense_kwargs.hidden_dims": [7]}, ConfigError, "hidden_dims"),
    "a step that needs what is not there": (
        {"trainer.max_epochs": 5, "interpret.filters": {"layer": "nowhere"}},
        EugeneError,
        "nowhere",
    ),
}
WALK = pytest.mark.parametrize("changes, kind, said", REFUSED.values(), ids=list(REFUSED))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refused") / "run"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(copy.deepcopy(TREE), run_dir=folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "runs" / "run"))


def files(folder: Path) -> dict[str, bytes | None]:
    """Return everything at and beside a folder."""
    place = folder.parent
    return {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else None
        for path in place.rglob("*")
    }


@WALK
def test_from_python(folder: Path, changes: Any, kind: type[EugeneError], said: str) -> None:
    before = files(folder)
    assert {"run/evaluation.json", "run/predictions.zarr", "run/state.json"} <= set(before)
    with pytest.raises(kind, match=said):
        run(copy.deepcopy(TREE), overrides=changes, run_dir=folder, resume=True)
    assert files(folder) == before


@WALK
@pytest.mark.parametrize("verb", ["fit", "run"])
def test_from_the_shell(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    changes: dict[str, Any],
    kind: type[EugeneError],
    said: str,
) -> None:
    if verb == "fit" and "interpret.filters" in changes:
        changes = {"trainer.max_epochs": 5}
        said = "one_cycle"
    file = folder.parent.parent / "tree.yaml"
    file.write_text(yaml.safe_dump(TREE))
    words = [w for k, v in changes.items() for w in (f"--{k}", yaml.safe_dump(v).split("\n...")[0])]
    before = files(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = program([verb, "--config", str(file), "--run_dir", str(folder), "--resume", *words])
    assert code == 2
    assert said in capsys.readouterr().err
    assert files(folder) == before


@pytest.mark.parametrize("damage", ["checkpoint", "network", "optimiser", "rows"])
@pytest.mark.parametrize("finished", [True, False])
def test_what_only_the_trainer_sees(
    folder: Path, monkeypatch: pytest.MonkeyPatch, damage: str, finished: bool
) -> None:
    run_folder = RunFolder(folder)
    if not finished:
        state = run_folder.state()
        state["steps"]["fit"]["status"] = "stopped"
        run_folder.write_json("state.json", state)
    tree = copy.deepcopy(TREE)
    tree["trainer"]["max_epochs"] = 3
    fit = fit_file.fit

    def changed(run: Any, **options: Any) -> Any:
        # the configuration is the same, and what is made of it is not: a later version's doing
        new = run.new_module

        def module() -> Any:
            made = new()
            if damage == "network":
                made.arch.more = torch.nn.Linear(2, 2)
            else:
                made.hparams["optimizer"] = "adamw"
            return made

        if damage in ("network", "optimiser"):
            monkeypatch.setattr(run, "new_module", module)
        else:
            run.datamodule.batch_size = 4
        return fit.function(run, **options)

    if damage == "checkpoint":
        content = run_folder.last.read_bytes()
        run_folder.last.write_bytes(content[: len(content) // 2])
    else:
        monkeypatch.setattr(fit_file, "fit", dataclasses.replace(fit, function=changed))
    before = files(folder)
    with pytest.raises(EugeneError):
        run(tree, run_dir=folder, resume=True)
    assert files(folder) == before


def test_what_is_taken_up_does_begin_anew_with_its_results(tmp_path: Path) -> None:
    tree = copy.deepcopy(TREE)
    tree["module"]["scheduler"] = None
    folder = run(tree, run_dir=tmp_path / "run")
    first = files(folder.path)
    again = run(tree, overrides={"trainer.max_epochs": 3}, run_dir=folder.path, resume=True)
    assert again.state()["training"]["epochs"] == 3
    after = files(folder.path)
    assert after["run/predictions.zarr/zarr.json"] is not None
    changed = {name for name in after if after[name] != first.get(name)}
    assert {"run/checkpoints/last.ckpt", "run/config.yaml", "run/state.json"} <= changed
    assert not [name for name in after if "replaced" in name]
    assert {again.status(step) for step in ("fit", "test", "evolve", "report")} == {"done"}


def test_replicates_are_left_as_they_were(tmp_path: Path) -> None:
    tree = {**copy.deepcopy(TREE), "replicates": {"seeds": [1, 2], "interpret": "none"}}
    folder = run(tree, run_dir=tmp_path / "run")
    before = files(folder.path)
    with pytest.raises(ResumeError, match="one_cycle"):
        run(tree, overrides={"trainer.max_epochs": 4}, run_dir=folder.path, resume=True)
    assert files(folder.path) == before
