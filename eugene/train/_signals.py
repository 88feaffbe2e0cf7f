"""Ending a training between two batches when a signal asks for it, so that nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.callbacks import Callback
from torchmetrics import Metric

from eugene.train._callbacks import Mark, Record
from eugene.train._notes import Notes

AGREE_EVERY = 16
"""Steps after which processes that train together ask each other whether to end."""


class Ended(SystemExit):
    """A training that ended because a signal asked for it."""


def on_slurm() -> bool:
    """Tell whether this is a batch job of SLURM, which can be put into the queue again."""
    return bool(SLURMEnvironment.detect()) and "SLURM_JOB_ID" in os.environ


class SaveOnSignal(Callback):
    """Write ``last.ckpt`` in the middle of an epoch when the process is told to end.

    SIGTERM is what schedulers send before they kill; SIGUSR1 is heeded in a job of SLURM, which
    then is put into the queue again. The batch at work is finished first. A second signal ends at
    once, as it did before.

    Parameters
    ----------
    record : Record
        Writes checkpoints.
    mark : Mark
        Notes in them where in an epoch they were written.
    notes : Notes
        Takes what is said.
    """

    def __init__(self, record: Record, mark: Mark, notes: Notes) -> None:
        self.record, self.mark, self.notes = record, mark, notes
        self.asked = 0
        self._outer = signal.getsignal(signal.SIGTERM)
        self._inner: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen, in the place of Lightning, which would save while a batch is computed."""
        if trainer.world_size > 1:
            # one word of all processes before every batch, which a GPU would be waited for
            loop: Any = trainer.fit_loop.epoch_loop
            loop._broadcast_sigterm_tensor = lambda: None
        if threading.current_thread() is not threading.main_thread():
            return  # signals belong to the main thread
        heeded = [signal.SIGTERM, signal.SIGUSR1] if on_slurm() else [signal.SIGTERM]
        for number in heeded:
            self._inner[number] = signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.asked and callable(self._outer):
            self._outer(number, frame)
        self.asked = number

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save and end, if it was asked for and a step of the optimiser is complete."""
        done = batch_idx + 1
        together = trainer.world_size > 1
        if not (self.asked or together):
            return
        if done % trainer.accumulate_grad_batches or done == trainer.num_training_batches:
            return
        if together and (done // trainer.accumulate_grad_batches) % AGREE_EVERY:
            return
        if self._agreed(trainer):
            self.mark.middle = {"batches_done": done, **_state(trainer, pl_module)}
            self.record.write_last(trainer)
            where = f"after batch {done} of {trainer.num_training_batches} in epoch"
            self._end(trainer, f"{where} {trainer.current_epoch + 1}")

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """End between two epochs, of which the first was saved just now."""
        if trainer.current_epoch and self._agreed(trainer):
            self._end(trainer, f"after epoch {trainer.current_epoch}")

    def _agreed(self, trainer: pl.Trainer) -> bool:
        if trainer.world_size == 1:
            return bool(self.asked)
        asked = trainer.strategy.reduce_boolean_decision(bool(self.asked), all=False)
        self.asked = self.asked or (signal.SIGTERM if asked else 0)
        return bool(asked)

    def _end(self, trainer: pl.Trainer, where: str) -> None:
        number = self.asked
        if trainer.is_global_zero:
            name = signal.Signals(number).name
            self.notes.remark(f"{name}: saved {where}; a resumed training goes on there")
            if number == signal.SIGUSR1:
                self.notes.remark(_requeue())
        trainer.strategy.barrier("ended")
        self._restore()
        if callable(self._outer):
            # what listened before decides how the process ends
            self._outer(signal.SIGTERM, None)
        raise Ended(128 + number)

    def _restore(self) -> None:
        for number, handler in self._inner.items():
            signal.signal(number, handler)
        self._inner = {}

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop listening."""
        self._restore()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Stop listening."""
        self._restore()


def _requeue() -> str:
    """Ask SLURM to start this job again, and say what came of it."""
    env = os.environ
    job = env["SLURM_JOB_ID"]
    if "SLURM_ARRAY_JOB_ID" in env:
        job = f"{env['SLURM_ARRAY_JOB_ID']}_{env['SLURM_ARRAY_TASK_ID']}"
    try:
        done = subprocess.run(
            ["scontrol", "requeue", job], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return f"job {job} was not put into the queue again ({error}): submit it once more"
    if done.returncode:
        why = done.stderr.strip().partition("\n")[0] or f"exit status {done.returncode}"
        return f"job {job} was not put into the queue again ({why}): submit it once more"
    return f"job {job} is in the queue again"


def _state(trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, Any]:
    """Return what the rest of an epoch depends on beside weights and optimiser."""
    device = trainer.strategy.root_device
    drawn = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        drawn["cuda"] = torch.cuda.get_rng_state(device)
    sums: dict[str, dict[str, Any]] = {}
    several = trainer.world_size > 1
    for name, metric in module.named_modules():
        if not isinstance(metric, Metric) or not metric.update_count:
            continue
        with metric.sync_context(should_sync=several, distributed_available=lambda: several):
            sums[name] = {key: getattr(metric, key) for key in metric._defaults}
            sums[name] = {k: _copied(v) for k, v in sums[name].items()}
    return {"random": drawn, "sums": sums}


def _copied(value: Any) -> Any:
    return [v.clone() for v in value] if isinstance(value, list) else value.clone()


class Middle:
    """The place in an epoch at which a training is taken up.

    Parameters
    ----------
    state : mapping
        What `SaveOnSignal` noted in the checkpoint.
    trainer, module : pytorch_lightning.Trainer, pytorch_lightning.LightningModule
        What goes on.
    """

    def __init__(
        self, state: Mapping[str, Any], trainer: pl.Trainer, module: pl.LightningModule
    ) -> None:
        self.state, self.trainer, self.module = state, trainer, module

    @property
    def batches(self) -> int:
        """Batches of the epoch that are done."""
        return int(self.state["batches_done"])

    def restore(self) -> None:
        """Put random state and sums of the epoch back, right before the next batch is made."""
        self._count()
        torch.set_rng_state(self.state["random"]["cpu"].cpu())
        device = self.trainer.strategy.root_device
        if "cuda" in self.state["random"] and device.type == "cuda":
            torch.cuda.set_rng_state(self.state["random"]["cuda"].cpu(), device)
        metrics = dict(self.module.named_modules())
        for name, values in self.state["sums"].items():
            metric: Any = metrics.get(name)
            # the first of several processes goes on with the sums of all
            if isinstance(metric, Metric) and self.trainer.is_global_zero:
                for key, value in values.items():
                    setattr(metric, key, _on(value, device))
                metric._update_count = 1

    def _count(self) -> None:
        """Let Lightning, which begins an epoch, know of the batches that are done."""
        loop = self.trainer.fit_loop
        done: Any = loop.epoch_loop.batch_progress.current
        done.ready = done.started = done.processed = done.completed = self.batches
        fetcher: Any = loop._data_fetcher
        fetcher.fetched += self.batches


def _on(value: Any, device: torch.device) -> Any:
    if isinstance(value, list):
        return [v.to(device) for v in value]
    return value.to(device)


Begin = Callable[[], "Middle | None"]
