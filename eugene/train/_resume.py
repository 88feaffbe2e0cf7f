"""Taking a training up again: what has to be the same, and what Lightning restores."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, StochasticWeightAveraging
from pytorch_lightning.loggers import TensorBoardLogger
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from eugene._files import put_back
from eugene.errors import EugeneWarning, NotARunError, ResumeError
from eugene.train._bridge import Bridge
from eugene.train._callbacks import Record
from eugene.train._signals import Middle

_ANEW = "or train anew with overwrite=True (--overwrite)"
# the network is judged by its weights; names and the seed of weights that are replaced do not count
_NO_SETTINGS = frozenset({"arch", "arch_name", "model_name", "seed"})
# how many steps a schedule of torch was made for
_HORIZONS = ("total_steps", "T_max", "total_iters")


class Resume(Callback):
    """Take up the end of a finished epoch, or a place in one, through Lightning's own restoring.

    Weights, optimiser, schedules, counters, callbacks, the module's and the data module's hooks
    are Lightning's, from ``ckpt_path``. What is left: the loops are put at the end of the epoch
    (the checkpoint was written in the first moment of the next), the loader is told the batches
    of an epoch that are done, and schedules and batches that cannot go on are refused before the
    first step.

    Parameters
    ----------
    path : pathlib.Path
        ``last.ckpt``, for errors.
    bridge : Bridge
        Hands out the batches.
    """

    def __init__(self, path: Path, bridge: Bridge) -> None:
        self.path, self.bridge = path, bridge
        self.begun = False
        self.checkpoint: Mapping[str, Any] = {}

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the loops where an epoch is over."""
        done = int(checkpoint["eugene"]["epochs_done"])
        for part in checkpoint["loops"]["fit_loop"]["epoch_progress"].values():
            part.update(dict.fromkeys(part, done))
        if "batches_done" in checkpoint["eugene"]:
            self.bridge.middle = Middle(checkpoint["eugene"], trainer, pl_module)
            # it was written in the last moment of a batch, before that was counted
            loop = checkpoint["loops"]["fit_loop"]
            total = loop["epoch_loop.batch_progress"]["total"]
            total["completed"] = total["processed"]
            loop["epoch_loop.state_dict"]["_batches_that_stepped"] += 1
        self.checkpoint = {
            key: checkpoint[key]
            for key in ("eugene", "lr_schedulers", "hyper_parameters")
            if key in checkpoint
        }

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the module's settings, and at schedules that were made for a number of steps."""
        before = self.checkpoint.get("hyper_parameters") or {}
        _refuse(self.path, _differences(before, dict(pl_module.hparams), _NO_SETTINGS))
        self._check_schedules(trainer)

    def _check_schedules(self, trainer: pl.Trainer) -> None:
        planned = trainer.estimated_stepping_batches
        was = self.checkpoint["eugene"].get("planned_steps", planned)
        callbacks = trainer.callbacks  # type: ignore[attr-defined]
        if any(isinstance(c, StochasticWeightAveraging) for c in callbacks):
            # it puts a schedule of its own in place, and restores that
            if was != planned:
                raise ResumeError(
                    f"{self.path}: StochasticWeightAveraging was given {was:g} steps and averages "
                    f"up to the last; it cannot be taken up for {planned:g}. Resume with the "
                    f"max_epochs it was begun with, {_ANEW}"
                )
            return
        before = list(self.checkpoint["lr_schedulers"])
        now = [config.scheduler for config in trainer.lr_scheduler_configs]
        if len(before) != len(now):
            raise ResumeError(
                f"{self.path} was trained with {len(before)} schedules of the learning rate, there "
                f"are {len(now)} now: resume with the same, {_ANEW}"
            )
        for schedule, state in zip(now, before, strict=True):
            horizons = [(state[key], getattr(schedule, key)) for key in _HORIZONS if key in state]
            if isinstance(schedule, LambdaLR):
                horizons = [(was, planned)]
            for old, new in horizons:
                self._check_horizon(schedule, old, new)

    def _check_horizon(self, schedule: object, old: float, new: float) -> None:
        """Refuse a schedule that is over, and say of others that they are another one now."""
        if old == new:
            return
        if isinstance(schedule, OneCycleLR) and new > old:
            raise ResumeError(
                f"{self.path} was trained with the one_cycle schedule, which was made for {old:g} "
                f"steps and is over then; it cannot be taken up for {new:g}. Resume with the "
                f"max_epochs it was begun with, {_ANEW}"
            )
        warnings.warn(
            f"the schedule of the learning rate ({type(schedule).__name__}) was made for {old:g} "
            f"steps, and {new:g} are asked for now: what was trained followed the former, so the "
            "end is not that of one training of so many",
            EugeneWarning,
            stacklevel=2,
        )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Refuse rows or batches of another number: the order could not be the same."""
        before, now = self.checkpoint["eugene"]["batches"], trainer.num_training_batches
        if before != now:
            raise ResumeError(
                f"{self.path} was trained with {before} batches an epoch, there are {now} now: "
                f"the rows, the split or the batch size have changed. Resume with the same, {_ANEW}"
            )
        self.begun = True


def check_same_run(
    checkpoint: Mapping[str, Any],
    record: Record,
    *,
    max_epochs: int | None,
    facts: Mapping[str, object],
    settings: Mapping[str, object],
) -> None:
    """Refuse to take up a training that was another one; say what changes from here on.

    Parameters
    ----------
    checkpoint : mapping
        What ``last.ckpt`` holds.
    record : Record
        Of the training to come.
    max_epochs : int or None
        Epochs asked for.
    facts : mapping
        What the datamodule says of its data.
    settings : mapping
        Arguments of the trainer that change what an epoch does.

    Raises
    ------
    NotARunError
        If the checkpoint is not ours.
    ResumeError
        With every difference by name.
    """
    path = record.last_path
    if "eugene" not in checkpoint:
        raise NotARunError(
            f"{path} was not written by eugene.train.fit, so it cannot be taken up; "
            "train anew with overwrite=True (--overwrite), or in another run_dir"
        )
    ours = checkpoint["eugene"]
    differ = [
        (key, ours["record"][key], getattr(record, key))
        for key in ("seed", "monitor", "mode")
        if ours["record"][key] != getattr(record, key)
    ]
    _refuse(path, [*differ, *_differences(ours.get("data") or {}, facts)])
    done = int(ours["epochs_done"]) + ("batches_done" in ours)
    if max_epochs is not None and 0 <= max_epochs < done:
        raise ResumeError(
            f"{path} has {done} epochs, max_epochs={max_epochs} asks for fewer: a training is not "
            f"taken back. Resume with max_epochs={done} or more, {_ANEW}"
        )
    for key, old, new in _differences(ours.get("settings") or {}, settings):
        warnings.warn(
            f"{key} was {_short(old)} for the {done} epochs trained and is {_short(new)} from here "
            "on",
            EugeneWarning,
            stacklevel=3,
        )


def _refuse(path: Path, differ: list[tuple[str, object, object]]) -> None:
    if differ:
        told = ", ".join(f"{key}={_short(old)} (now {_short(new)})" for key, old, new in differ)
        raise ResumeError(f"{path} was trained with {told}: resume with the same, {_ANEW}")


def _differences(
    before: Mapping[str, object], now: Mapping[str, object], but: frozenset[str] = frozenset()
) -> list[tuple[str, object, object]]:
    """Return what both know and say differently."""
    return [
        (key, value, now[key])
        for key, value in before.items()
        if key in now and key not in but and not _alike(value, now[key])
    ]


def _alike(one: object, two: object) -> bool:
    """Tell whether plain values are equal, numbers up to rounding."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(_alike(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple):
        return len(one) == len(two) and all(map(_alike, one, two))
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9) or (math.isnan(one) and math.isnan(two))
    try:
        return bool(one == two)
    except Exception:
        return True  # what cannot be compared is not ours to judge


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@contextlib.contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Tell what does not fit the checkpoint as a mistake that the user can mend.

    Parameters
    ----------
    path : pathlib.Path
        ``last.ckpt``.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        text = str(error)
        if "loading state_dict" in text:
            message = f"{path} was trained with another network: {error}. Resume with the same "
            raise ResumeError(f"{message}network, {_ANEW}") from error
        if "loaded state dict" in text:
            message = f"{path} was trained with another optimiser: {error}. Resume with the same "
            raise ResumeError(f"{message}optimiser, {_ANEW}") from error
        raise


@contextlib.contextmanager
def untouched(logs: Path, trainer: pl.Trainer) -> Iterator[None]:
    """Leave the log of a training as it was if taking it up fails before its first step.

    Parameters
    ----------
    logs : pathlib.Path
        Folder of the logger, which begins to write before anything has been judged.
    trainer : pytorch_lightning.Trainer
        Has the `Resume` that knows whether a step was made; without one nothing is done.
    """
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    resume = next((callback for callback in callbacks if isinstance(callback, Resume)), None)
    there = set(logs.rglob("*"))
    settings = logs / "hparams.yaml"
    before = settings.read_bytes() if settings.is_file() else None
    try:
        yield
    except BaseException:
        if resume is not None and not resume.begun and trainer.is_global_zero:
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    logger.experiment.close()
            for path in sorted(set(logs.rglob("*")) - there, reverse=True):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
            if before is not None:
                put_back(settings, before)
            elif not there and logs.is_dir():
                logs.rmdir()
        raise
