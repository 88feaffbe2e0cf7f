"""A training that was killed ends with the bits of one that was not."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from eugene.train import read_checkpoint

HERE = Path(__file__).parent / "small_training.py"
run = runpy.run_path(str(HERE))["main"]


# when a training is killed: epoch and batch, by its schedule
KILLED = {"reduce_lr_on_plateau": (2, 3), "cosine": (2, 3), "none": (0, 2)}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of trainings that were killed, by their schedule."""
    folders = {name: tmp_path_factory.mktemp(name) / "cut" for name in KILLED}
    jobs = [f"{folders[n]}|{epoch}|{batch}|{n}" for n, (epoch, batch) in KILLED.items()]
    done = subprocess.run(
        [sys.executable, str(HERE), *jobs],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "", "a training says nothing where there is no terminal"
    return folders


def rows(path: Path) -> list[list[str]]:
    """Return the table without the seconds, which differ."""
    return [line.split(",")[:-1] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("scheduler", ["reduce_lr_on_plateau", "cosine"])
def test_killed_and_resumed_is_bit_identical(
    tmp_path: Path, killed: dict[str, Path], scheduler: str
) -> None:
    whole, cut = tmp_path / "whole", killed[scheduler]
    run(str(whole), scheduler=scheduler)
    assert read_checkpoint(cut / "checkpoints" / "last.ckpt")["eugene"]["epochs_done"] == 2
    assert run(str(cut), resume=True, scheduler=scheduler).epochs == 5

    assert rows(whole / "metrics.csv") == rows(cut / "metrics.csv")
    assert (whole / "model.safetensors").read_bytes() == (cut / "model.safetensors").read_bytes()
    for name in ("last.ckpt", "best.ckpt"):
        first = read_checkpoint(whole / "checkpoints" / name)
        second = read_checkpoint(cut / "checkpoints" / name)
        assert first["global_step"] == second["global_step"]
        for key, value in first["state_dict"].items():
            assert torch.equal(value, second["state_dict"][key]), (name, key)
        states = zip(
            first["optimizer_states"][0]["state"].values(),
            second["optimizer_states"][0]["state"].values(),
            strict=True,
        )
        for one, two in states:
            assert all(torch.equal(one[key], two[key]) for key in one)
        assert (
            first["optimizer_states"][0]["param_groups"]
            == second["optimizer_states"][0]["param_groups"]
        )


def test_killed_in_the_first_epoch_starts_again(tmp_path: Path, killed: dict[str, Path]) -> None:
    whole, cut = tmp_path / "whole", killed["none"]
    run(str(whole))
    run(str(cut), resume=True)
    assert (whole / "model.safetensors").read_bytes() == (cut / "model.safetensors").read_bytes()
    # a finished run taken up again changes nothing
    before = (whole / "checkpoints" / "last.ckpt").read_bytes()
    run(str(whole), resume=True)
    assert (whole / "checkpoints" / "last.ckpt").read_bytes() == before
