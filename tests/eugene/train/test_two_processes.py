"""Training on two processes that talk through gloo."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from eugene.train import read_checkpoint
from seqdata.torch import get_torch_dataloader

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("two_processes.py")
REPO = Path(__file__).resolve().parents[3]


def train(folder: Path, devices: int, what: str = "sequence") -> list[dict[str, Any]]:
    env = os.environ | {"PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    env = {k: v for k, v in env.items() if not k.startswith("PYTEST")}
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(devices), what],
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if "," in what:
        assert run.returncode != 0
        return []
    assert run.returncode == 0, run.stderr[-3000:]
    history: list[dict[str, Any]] = json.loads((folder / "history.json").read_text())
    return history


def test_two_processes_train_like_one_with_batches_as_large(tmp_path):
    one, two = (train(tmp_path / str(n), n) for n in (1, 2))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        for key in ("train_loss", "val_loss", "val_pearson", "val_r2"):
            assert b[key] == pytest.approx(a[key], rel=1e-4, abs=1e-5), key
    weights = [
        read_checkpoint(tmp_path / n / "checkpoints" / "last.ckpt")["state_dict"] for n in "12"
    ]
    for name, values in weights[0].items():
        torch.testing.assert_close(weights[1][name], values, rtol=1e-5, atol=1e-5)
    with (tmp_path / "2" / "metrics.csv").open() as table:
        assert [row["epoch"] for row in csv.DictReader(table)] == ["0", "1", "2"]
    names = {p.relative_to(tmp_path / "2").as_posix() for p in (tmp_path / "2").rglob("*")}
    assert names == {
        "checkpoints",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "history.json",
        "metrics.csv",
        "model.safetensors",
    }


def assert_alike(one: list[dict[str, Any]], two: list[dict[str, Any]]) -> None:
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for key in set(a) - {"seconds"}:
            assert b[key] == pytest.approx(a[key], rel=1e-4, abs=1e-5), key


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_checkpoint(checkpoint)["state_dict"]
    return weights


@pytest.mark.parametrize("what", ["uneven", "profile", "stages"])
def test_uneven_parts_count_as_on_one_process(tmp_path, what):
    """157 rows do not halve, targets are missing, rows have weights: the means are the same."""
    one, two = (train(tmp_path / str(n), n, what) for n in (1, 2))
    assert_alike(one, two)
    last = "checkpoints/last.ckpt"
    found = [sorted((tmp_path / n).rglob(last)) for n in "12"]
    assert len(found[0]) == (2 if what == "stages" else 1)
    for a, b in zip(*found, strict=True):
        mine, other = weights_of(a), weights_of(b)
        for name, values in mine.items():
            torch.testing.assert_close(other[name], values, rtol=1e-4, atol=1e-5)


def test_two_processes_are_taken_up_in_the_middle_of_an_epoch(tmp_path):
    """One of them is told to end; both stop behind the same batch, and go on from there."""
    whole = train(tmp_path / "whole", 2, "uneven")
    train(tmp_path / "cut", 2, "uneven,1,2")
    ours = read_checkpoint(tmp_path / "cut/checkpoints/last.ckpt")["eugene"]
    assert (ours["epochs_done"], ours["batches_done"]) == (1, 4)
    cut = train(tmp_path / "cut", 2, "uneven")
    for a, b in zip(whole, cut, strict=True):
        # the sums of both processes are added up in another order
        assert {k: v for k, v in a.items() if k not in ("seconds", "train_loss")} == {
            k: v for k, v in b.items() if k not in ("seconds", "train_loss")
        }
        assert b["train_loss"] == pytest.approx(a["train_loss"], rel=1e-6)
    first, second = (weights_of(tmp_path / n / "checkpoints/last.ckpt") for n in ("whole", "cut"))
    for name, values in first.items():
        assert torch.equal(second[name], values), name


def gather_rows(rank: int, folder: str) -> None:
    """Show the rows of one rank to the other, and let rank 0 write down both."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    ds = xr.Dataset({"y": ("_sequence", np.arange(101.0))})
    loader = get_torch_dataloader(
        ds, batch_size=8, shuffle=True, seed=4, index="i", rank=rank, world_size=2
    )
    rows = torch.cat([batch["i"] for batch in loader])
    seen = [torch.empty_like(rows) for _ in range(2)]
    torch.distributed.all_gather(seen, rows)
    if rank == 0:
        Path(folder, "rows.json").write_text(json.dumps([r.tolist() for r in seen]))
    torch.distributed.destroy_process_group()


def test_every_row_over_both_ranks(tmp_path):
    torch.multiprocessing.spawn(gather_rows, (str(tmp_path),), nprocs=2)
    first, second = json.loads((tmp_path / "rows.json").read_text())
    assert len(first) == len(second) == 51
    # 101 rows do not halve: one of them is shown twice
    assert sorted(set(first + second)) == list(range(101))
    ds = xr.Dataset({"y": ("_sequence", np.arange(101.0))})
    alone = get_torch_dataloader(ds, batch_size=16, shuffle=True, seed=4, index="i")
    order = torch.cat([batch["i"] for batch in alone]).tolist()
    assert [row for pair in zip(first, second, strict=True) for row in pair][:101] == order
