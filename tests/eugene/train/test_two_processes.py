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


def run(*words: str) -> None:
    """Run the script."""
    env = os.environ | {"PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    env = {k: v for k, v in env.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], env=env, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-3000:]


def history_of(folder: Path) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = json.loads((folder / "history.json").read_text())
    return history


def train(folder: Path, devices: int) -> list[dict[str, Any]]:
    run(str(folder), str(devices))
    return history_of(folder)


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


KINDS = ("uneven", "profile", "stages")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of trainings by their kind and the number of processes, and of one that was cut."""
    folder = tmp_path_factory.mktemp("trained")
    jobs = [f"{folder}/{kind}{n}|{n}|{kind}" for kind in KINDS for n in (1, 2)]
    run(*jobs, f"{folder}/cut|2|uneven,1,2")
    return folder


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_checkpoint(checkpoint)["state_dict"]
    return weights


@pytest.mark.parametrize("kind", KINDS)
def test_uneven_parts_count_as_on_one_process(trained, kind):
    """157 rows do not halve, targets are missing, rows have weights: the means are the same."""
    one, two = (history_of(trained / f"{kind}{n}") for n in (1, 2))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for key in set(a) - {"seconds", "stage"}:
            assert b[key] == pytest.approx(a[key], rel=1e-4, abs=1e-5, nan_ok=True), key
        assert a.get("stage") == b.get("stage")
    found = [sorted((trained / f"{kind}{n}").rglob("checkpoints/last.ckpt")) for n in (1, 2)]
    # that of the run is the one of its last stage
    assert len(found[0]) == (3 if kind == "stages" else 1)
    for mine, other in zip(*found, strict=True):
        second = weights_of(other)
        for name, values in weights_of(mine).items():
            torch.testing.assert_close(second[name], values, rtol=1e-4, atol=1e-5)


def test_two_processes_are_taken_up_in_the_middle_of_an_epoch(trained):
    """One of them is told to end; both stop behind the same batch, and go on from there."""
    whole, cut = trained / "uneven2", trained / "cut"
    ours = read_checkpoint(cut / "checkpoints/last.ckpt")["eugene"]
    assert (ours["epochs_done"], ours["batches_done"]) == (1, 4)
    run(f"{cut}|2|uneven")
    for a, b in zip(history_of(whole), history_of(cut), strict=True):
        # the sums of both processes are added up in another order
        assert b.pop("train_loss") == pytest.approx(a.pop("train_loss"), rel=1e-6)
        assert {**a, "seconds": 0} == {**b, "seconds": 0}
    second = weights_of(cut / "checkpoints/last.ckpt")
    for name, values in weights_of(whole / "checkpoints/last.ckpt").items():
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
