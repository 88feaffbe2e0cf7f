"""What the first steps of a training say about its loader and its devices."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

import eugene as eu
from eugene.models import SequenceModule
from eugene.train import _watch
from eugene.train._watch import STEPS, WARM_UP, starved, unused_gpus

ROWS = {"seq": torch.full((4, 20), 65, dtype=torch.uint8), "target": torch.zeros(4, 1)}


class Fetched:
    """Batches, each of which takes its time."""

    def __init__(self, n: int, wait: Any) -> None:
        self.n, self.wait = n, wait

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for _ in range(self.n):
            self.wait()
            yield dict(ROWS)


class Data(pl.LightningDataModule):
    num_workers = 0

    def __init__(self, n: int, wait: Any) -> None:
        super().__init__()
        self.loader = Fetched(n, wait)

    def train_dataloader(self) -> Fetched:
        return self.loader


class Busy(pl.Callback):
    def __init__(self, work: Any) -> None:
        self.work = work

    def on_train_batch_end(self, *_: Any) -> None:
        self.work()


def train(data: Data, *, epochs: int = 1, work: Any = lambda: None) -> eu.train.FitResult:
    arch = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    return eu.train.fit(
        SequenceModule(arch), data, max_epochs=epochs, accelerator="cpu", progress=False,
        monitor="train_loss", patience=None, callbacks=[Busy(work)],
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*hyper-parameters arch")
def test_a_slow_loader_is_named_once():
    result = train(Data(WARM_UP + STEPS + 2, lambda: time.sleep(0.04)))
    assert result.speed["loader_ms"] >= 40
    assert result.speed["loader_share"] > 0.2
    (remark,) = result.speed["remarks"]
    assert "the network waits for its data" in remark
    assert "num_workers: 2" in remark


class Pretended:
    """A clock that only moves when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.read = 0.0, 0
        monkeypatch.setattr(_watch._Clock, "now", self.now)

    def now(self, *_: object) -> float:
        self.read += 1
        return self.at

    def spend(self, seconds: float) -> None:
        self.at += seconds


@pytest.mark.filterwarnings("ignore:.*hyper-parameters arch")
def test_shares_are_those_of_the_clock_and_it_is_left_alone_afterwards(monkeypatch):
    clock = Pretended(monkeypatch)
    spend = clock.spend
    data = Data(2 * STEPS + WARM_UP, lambda: spend(0.001))
    speed = train(data, work=lambda: spend(0.099)).speed
    assert (speed["step_ms"], speed["loader_ms"], speed["loader_share"]) == (100.0, 1.0, 0.01)
    assert "remarks" not in speed
    assert clock.read <= 2 * (STEPS + WARM_UP) + 3


@pytest.mark.filterwarnings("ignore:.*hyper-parameters arch")
def test_short_epochs_are_put_together(monkeypatch):
    clock = Pretended(monkeypatch)
    data = Data(8, lambda: clock.spend(0.030))
    speed = train(data, epochs=6, work=lambda: clock.spend(0.070)).speed
    assert speed["loader_share"] == 0.3
    assert speed["remarks"] == [starved(0.03, 0.07, at_hand=True, workers=0)]


def test_advice_knows_where_the_rows_are():
    lazy = starved(0.5, 0.5, at_hand=False, workers=4)
    assert lazy is not None
    assert "in_memory: true" in lazy
    assert "cache: memmap" in lazy
    assert "num_workers" not in lazy
    assert "0 as well" in str(starved(0.5, 0.5, at_hand=True, workers=4))
    assert starved(0.0, 0.0, at_hand=True, workers=0) is None


def test_gpus_that_are_left_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "H200")
    assert unused_gpus("cuda", 4) is None
    assert "1 of 4 GPUs (H200) is used" in str(unused_gpus("cuda", 1))
    assert "accelerator: gpu" in str(unused_gpus("cpu", 0))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert unused_gpus("mps", 0) is None
    assert "MPS" in str(unused_gpus("cpu", 0))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert unused_gpus("cpu", 0) is None


def test_a_gpu_is_timed_by_its_own_events_and_waited_for_once(monkeypatch):
    queue: list[str] = []

    class Event:
        """Recorded in the queue of a GPU; the gaps between them are known when all is done."""

        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing
            self.place = 0

        def record(self) -> None:
            queue.append("event")
            self.place = len(queue)

        def elapsed_time(self, other: Event) -> float:
            assert queue[-1] == "waited"
            # after the first batch, even ones stand before a batch: 1 ms idle, 4 ms at work
            return 4.0 if self.place % 2 else 1.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: queue.append("waited"))
    notes = _watch.Notes()
    watch = _watch.Watch(Data(1, None), notes)
    watch._clock = _watch._Clock(torch.device("cuda"))
    monkeypatch.setattr(_watch, "WARM_UP", 0)
    assert len(list(watch.timed(range(STEPS * 3), None))) == STEPS * 3
    assert queue.count("waited") == 1
    assert notes.figures["step_ms"] == 5.0
    assert notes.figures["loader_share"] == 0.2
    json.dumps(notes.plain())
