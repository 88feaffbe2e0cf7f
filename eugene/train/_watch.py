"""A look at the first steps: does the network wait for the loader, is a GPU left alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from eugene.train._notes import Notes

Batch = TypeVar("Batch")

WARM_UP, STEPS = 3, 20
"""Batches that are let go by, and steps that are measured then."""
STARVED = 0.2
"""Share of a step from which on waiting for the loader is worth a word."""


class _Clock:
    """Moments of the processor, or of a GPU's queue of work; reading them stops neither."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"

    def now(self) -> Any:
        if not self.on_gpu:
            return time.perf_counter()
        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def settle(self) -> None:
        """Wait until the GPU has come to the last moment; done once in a training."""
        if self.on_gpu:
            torch.cuda.synchronize()

    def between(self, first: Any, second: Any) -> float:
        """Return the seconds between two moments."""
        return float(first.elapsed_time(second) / 1e3 if self.on_gpu else second - first)


class Watch(Callback):
    """Measure how long the first steps wait for their batches, and say what slows a training.

    Moments are noted before and after each of the first batches is fetched, and none later. On a
    GPU they are events of its queue: a GPU that is still at work does not wait.

    Parameters
    ----------
    source : object
        The data module, which says how it reads.
    notes : Notes
        Takes figures and remarks.
    """

    def __init__(self, source: object, notes: Notes) -> None:
        self.source, self.notes = source, notes
        self._clock = _Clock(torch.device("cpu"))
        self._waits: list[tuple[Any, Any]] = []
        self._steps: list[tuple[Any, Any]] = []
        self._passed = 0
        self._at_hand = True
        self.open = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Choose the clock; say where a GPU is not used."""
        device = trainer.strategy.root_device
        self._clock = _Clock(device)
        self.open = trainer.is_global_zero and self.open
        if trainer.is_global_zero:
            used = trainer.num_devices if device.type == "cuda" else 0
            remark = unused_gpus(device.type, used)
            if remark is not None:
                self.notes.remark(remark)

    def timed(self, batches: Iterable[Batch], loader: object) -> Iterator[Batch]:
        """Yield batches, and note how long each of the first ones was waited for.

        The very first of an epoch, for which the epoch is planned, is not counted.

        Parameters
        ----------
        batches : iterable
            Of one epoch.
        loader : object
            Where they come from.

        Yields
        ------
        object
            The batches.
        """
        self._at_hand = bool(getattr(getattr(loader, "core", None), "in_memory", True))
        every, after, first = iter(batches), None, True
        while self.open:
            before = self._clock.now()
            if after is not None:
                self._steps.append((after, before))
                if len(self._steps) == STEPS:
                    self._judge()
                    break
            try:
                batch = next(every)
            except StopIteration:
                return
            self._passed += 1
            if self._passed > WARM_UP and not first:
                after = self._clock.now()
                self._waits.append((before, after))
            first = False
            yield batch
        yield from every

    def _judge(self) -> None:
        self.open = False
        self._clock.settle()
        wait, work = (
            sum(self._clock.between(*pair) for pair in pairs) / len(pairs)
            for pairs in (self._waits, self._steps)
        )
        self._waits, self._steps = [], []
        share = wait / (wait + work) if wait + work else 0.0
        self.notes.figures.update(
            step_ms=round(1e3 * (wait + work), 3),
            loader_ms=round(1e3 * wait, 3),
            loader_share=round(share, 4),
        )
        workers = getattr(self.source, "num_workers", None)
        remark = starved(wait, work, at_hand=self._at_hand, workers=workers)
        if remark is not None:
            self.notes.remark(remark)


def starved(wait: float, work: float, *, at_hand: bool, workers: object) -> str | None:
    """Say that a network waits for its loader, and what to do; None where it does not.

    Parameters
    ----------
    wait, work : float
        Seconds of a step spent on waiting for the batch, and on everything else.
    at_hand : bool
        Whether the rows are in memory or in mapped files.
    workers : int or None
        Processes of the loader; None where the data module does not say.

    Examples
    --------
    >>> starved(0.03, 0.07, at_hand=True, workers=0)
    'the loader takes 30 % of a step (30.0 of 100.0 ms): the network waits for its data. \
data: {num_workers: 2} prepares batches in other processes'
    >>> starved(0.001, 0.1, at_hand=True, workers=0)
    """
    step = wait + work
    if step <= 0 or wait / step < STARVED:
        return None
    advice = []
    if not at_hand:
        advice.append("data: {in_memory: true} reads the rows once, where memory is large enough")
        advice.append("data: {cache: memmap} decodes them once into mapped files")
    if not workers:
        advice.append("data: {num_workers: 2} prepares batches in other processes")
    elif at_hand:
        advice.append(f"try another number than num_workers: {workers}, 0 as well")
    return (
        f"the loader takes {wait / step:.0%} of a step ({1e3 * wait:.1f} of {1e3 * step:.1f} ms): "
        f"the network waits for its data. {'; '.join(advice)}"
    ).replace("%", " %")


def unused_gpus(device: str, used: int) -> str | None:
    """Say that there is a GPU that the training does not use; None where there is none.

    Parameters
    ----------
    device : str
        Type of the device that is trained on.
    used : int
        GPUs in use on this machine.
    """
    if torch.cuda.is_available():
        there, name = torch.cuda.device_count(), torch.cuda.get_device_name(0)
    elif torch.backends.mps.is_available():
        there, name, used = 1, "MPS", int(device == "mps")
    else:
        return None
    if not used:
        return (
            f"a GPU ({name}) is there but not used, training runs on the {device}: "
            "trainer: {accelerator: gpu} uses it"
        )
    if used < there:
        return (
            f"{used} of {there} GPUs ({name}) {'is' if used == 1 else 'are'} used: "
            f"trainer: {{devices: {there}, strategy: ddp}} trains on all"
        )
    return None
