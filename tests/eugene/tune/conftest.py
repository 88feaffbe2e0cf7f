"""A small search, of which everything but the trainings is real."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eugene._folder import RunFolder
from eugene.config import RunConfig, load_run_config

SPACE = {
    "name": "small",
    "data": {"name": "zarr", "path": "rows.zarr", "split": "random", "target_vars": ["y"]},
    "model": {"name": "cnn", "dense_kwargs": {"hidden_dims": [8]}},
    "module": {
        "optimizer": {"search": "choice", "values": ["adam", "sgd"]},
        "optimizer_lr": {"search": "loguniform", "low": 1e-4, "high": 1e-1},
    },
    "trainer": {"max_epochs": 9, "patience": None},
}
# trial -> status, optimizer, learning rate, validation loss of each epoch
TRIALS = {
    "0001": ("done", "adam", 0.001, [3.0, 1.0, 2.0]),
    "0002": ("stopped", "sgd", 0.01, [4.0]),
    "0003": ("done", "adam", 0.02, [2.5, 0.5, 0.75]),
    "0004": ("failed", "sgd", 0.05, []),
    "0005": ("done", "sgd", 0.0002, [3.5, 3.25, 3.0]),
}

SMALL: dict[str, Any] = {
    "name": "small",
    "seed": 1,
    "data": {
        "name": "simulated",
        "n": 240,
        "length": 50,
        "motifs": ["MA0466.3", "MA0062.3"],
        "near": [0, 5],
        "far": [6, 20],
        "target_vars": ["label"],
        "split": "random",
        "batch_size": 64,
    },
    "model": {
        "name": "cnn",
        "conv_kwargs": {"conv_channels": [4], "conv_kernels": [9], "pool_kernels": [4]},
        "dense_kwargs": {"hidden_dims": [4]},
    },
    "module": {
        "task": "binary_classification",
        "optimizer_lr": {"search": "loguniform", "low": 1e-3, "high": 1e-1},
    },
    "trainer": {
        "max_epochs": 2,
        "accelerator": "cpu",
        "tensorboard": False,
        "patience": None,
        "fast": False,
    },
    "tune": {"num_samples": 2, "max_concurrent": 1},
}


@pytest.fixture
def config() -> RunConfig:
    return load_run_config(SPACE, searched=True)


@pytest.fixture
def searched(tmp_path: Path, config: RunConfig) -> RunFolder:
    """Return the folder of a search whose trials are over."""
    folder = RunFolder.create(tmp_path / "small_tune")
    folder.write_text("config.yaml", config.to_yaml())
    for trial, (status, optimizer, lr, losses) in TRIALS.items():
        values = {"module.optimizer": optimizer, "module.optimizer_lr": lr}
        record = {"trial": trial, "status": status, "values": values}
        folder.write_json(f"trials/{trial}.json", record)
        lines = [f"{i},{loss},{loss / 2},0.1,1.5" for i, loss in enumerate(losses)]
        if lines:
            text = "\n".join(["epoch,val_loss,train_loss,lr,seconds", *lines, ""])
            RunFolder(folder / "trials" / trial).write_text("metrics.csv", text)
    assert json.loads((folder / "trials" / "0001.json").read_text())["trial"] == "0001"
    return folder


@pytest.fixture
def small() -> Callable[..., dict[str, Any]]:
    """Return what makes the tree of a search that takes seconds."""

    def made(epochs: int = 2, **tune: object) -> dict[str, Any]:
        tree = copy.deepcopy(SMALL)
        tree["trainer"]["max_epochs"] = epochs
        tree["tune"] |= tune
        return tree

    return made
