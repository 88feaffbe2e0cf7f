"""A small search, of which everything but the trainings is real."""

from __future__ import annotations

import json
from pathlib import Path

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
