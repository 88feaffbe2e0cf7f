"""A training that was killed ends with the bits of one that was not."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from eugene.train import read_checkpoint

HERE = Path(__file__).parent / "small_training.py"
run = runpy.run_path(str(HERE))["main"]


def run_and_kill(folder: Path, *, epoch: int, batch: int, scheduler: str = "none") -> None:
    killed = subprocess.run(
        [sys.executable, str(HERE), str(folder), str(epoch), str(batch), scheduler],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert killed.stdout == "", "a training says nothing where there is no terminal"


def rows(path: Path) -> list[list[str]]:
    """Return the table without the seconds, which differ."""
    return [line.split(",")[:-1] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("scheduler", ["reduce_lr_on_plateau", "cosine"])
def test_killed_and_resumed_is_bit_identical(tmp_path: Path, scheduler: str) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(str(whole), scheduler=scheduler)
    run_and_kill(cut, epoch=2, batch=3, scheduler=scheduler)
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


def test_killed_in_the_first_epoch_starts_again(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(str(whole))
    run_and_kill(cut, epoch=0, batch=2)
    run(str(cut), resume=True)
    assert (whole / "model.safetensors").read_bytes() == (cut / "model.safetensors").read_bytes()
    # a finished run taken up again changes nothing
    before = (whole / "checkpoints" / "last.ckpt").read_bytes()
    run(str(whole), resume=True)
    assert (whole / "checkpoints" / "last.ckpt").read_bytes() == before
