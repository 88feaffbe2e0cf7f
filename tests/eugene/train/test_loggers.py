"""Loggers by name: every figure of every epoch, and nothing that waits for a step."""

from __future__ import annotations

import csv
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from eugene.config import load_run_config
from eugene.errors import ConfigError, EugeneError, MissingExtraError
from eugene.models import SequenceModule
from eugene.runs._needs import require_files
from eugene.train import fit

NAMES = {"train_loss", "val_loss", "val_r2", "val_pearson", "lr", "seconds"}


class Rows:
    """As many batches of random rows as are asked for."""

    def __init__(self, batches: int = 2) -> None:
        rng = torch.Generator().manual_seed(0)
        self.batches = [
            {
                "ohe_seq": torch.rand((4, 4, 6), generator=rng),
                "target": torch.rand((4, 1), generator=rng),
            }
            for _ in range(batches)
        ]

    def train_dataloader(self) -> list[dict[str, torch.Tensor]]:
        return self.batches

    val_dataloader = train_dataloader


def module() -> SequenceModule:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(24, 1))
    return SequenceModule(net, optimizer="sgd", metric=["r2", "pearson"])


def trained(place, **options: Any) -> list[dict[str, str]]:
    given = {"max_epochs": 2, "accelerator": "cpu", "progress": False, **options}
    fit(module(), Rows(), run_dir=place, **given)
    with (place / "metrics.csv").open() as handle:
        return list(csv.DictReader(handle))


class FakeWandb:
    """What our logger calls of wandb, written down."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.settings: dict[str, Any] = {}
        self.ended: list[int] = []

    def init(self, **options: Any) -> Any:
        self.begun.append(options)
        config = SimpleNamespace(update=lambda given, **_: self.settings.update(given))
        return SimpleNamespace(
            config=config,
            log=lambda metrics, step: self.logged.append((step, metrics)),
            finish=lambda exit_code: self.ended.append(exit_code),
        )


class FakeMlflow:
    """What our logger calls of mlflow, written down."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.logged: list[tuple[int, dict[str, float]]] = []

    def start_run(self, **options: Any) -> Any:
        self.calls.append(("start_run", options))
        return SimpleNamespace(info=SimpleNamespace(run_id="r1"))

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.logged.append((step, metrics))

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **_: self.calls.append((name, args))


def epochs(logged: list[tuple[int, dict[str, float]]]) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for _, metrics in logged:
        found.setdefault(int(metrics["epoch"]), {}).update(metrics)
    return found


def same(found: dict[int, dict[str, float]], rows: list[dict[str, str]]) -> None:
    assert set(rows[0]) >= NAMES
    assert [*found] == [int(row["epoch"]) for row in rows]
    for row in rows:
        for name in NAMES:
            assert found[int(row["epoch"])][name] == pytest.approx(float(row[name]), rel=1e-5), name


def test_tensorboard_has_every_figure_of_every_epoch(tmp_path):
    rows = trained(tmp_path / "run", loggers=["csv", "tensorboard"])
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    for name in NAMES:
        values = [event.value for event in events.Scalars(name)]
        assert values == pytest.approx([float(row[name]) for row in rows], rel=1e-5)
    trained(tmp_path / "bare", loggers="csv")
    assert sorted(p.name for p in (tmp_path / "bare").iterdir()) == [
        "checkpoints", "metrics.csv", "model.safetensors",
    ]  # fmt: skip


def test_wandb_is_offline_and_taken_up(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    trained(tmp_path / "run", loggers=[{"name": "wandb", "project": "mine"}])
    rows = trained(tmp_path / "run", loggers=[{"name": "wandb"}], max_epochs=3, resume=True)
    first, second = fake.begun
    assert (first["mode"], first["project"], first["name"]) == ("offline", "mine", "run")
    assert (first["id"], second["resume"]) == (second["id"], "allow")
    steps = [step for step, _ in fake.logged]
    assert steps == sorted(steps)  # wandb drops what goes back
    same(epochs(fake.logged), rows)
    assert fake.settings["optimizer"] == "sgd"
    assert fake.ended == [0, 0]


def test_mlflow_writes_into_the_run_folder_and_is_taken_up(tmp_path, monkeypatch):
    fake = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    trained(tmp_path / "run", loggers="mlflow")
    rows = trained(tmp_path / "run", loggers="mlflow", max_epochs=3, resume=True)
    same(epochs(fake.logged), rows)
    begun = [options for name, options in fake.calls if name == "start_run"]
    assert begun == [{"run_name": "run", "tags": {}}, {"run_id": "r1"}]
    uri = (tmp_path / "run" / "mlflow").as_uri()
    assert ("set_tracking_uri", (uri,)) in fake.calls
    assert [args for name, args in fake.calls if name == "end_run"] == [("FINISHED",)] * 2


WAITING = (
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
)


class Waits(TorchDispatchMode):
    """Counts how often the value of a tensor is waited for, also to see where it is true."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func in WAITING
        if func is torch.ops.aten.index.Tensor:
            self.count += any(i is not None and i.dtype == torch.bool for i in args[1])
        return func(*args, **(kwargs or {}))


def test_no_step_waits_for_a_figure(tmp_path):
    counts = []
    for batches in (2, 9):
        with Waits() as waits:
            fit(
                module(), Rows(batches), run_dir=tmp_path / str(batches), max_epochs=1,
                accelerator="cpu", progress=False, loggers=["tensorboard"], fast=False,
            )  # fmt: skip
        counts.append(waits.count)
    assert counts[0] == counts[1] > 0  # once an epoch, however many steps it has


def test_what_is_not_installed_is_told_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'eugene-genomics\[wandb\]'"):
        fit(module(), Rows(), run_dir=tmp_path / "run", loggers=["wandb"])
    assert not (tmp_path / "run" / "metrics.csv").exists()
    tree = {
        "data": {"name": "zarr", "path": "x.zarr", "target_vars": ["y"]},
        "model": "cnn",
        "trainer": {"loggers": ["csv", "wandb"]},
    }
    with pytest.raises(ConfigError, match=r"trainer.loggers\[1\]: needs the package 'wandb'"):
        require_files(load_run_config(tree))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("tensorbord", "did you mean 'tensorboard'"),
        ([{"name": "wandb", "projct": "x"}], "did you mean 'project'"),
        ([{"name": "wandb", "mode": "on"}], "offline"),
    ],
)
def test_mistakes_of_a_file_have_their_place(given, words):
    tree = {
        "data": {"name": "zarr", "path": "x.zarr", "target_vars": ["y"]},
        "model": "cnn",
        "trainer": {"loggers": given},
    }
    with pytest.raises(ConfigError, match=words):
        load_run_config(tree)


def test_a_logger_is_there_once(tmp_path):
    with pytest.raises(EugeneError, match="'csv' is there twice"):
        fit(module(), Rows(), run_dir=tmp_path, loggers=["csv", {"name": "csv"}])
