"""One trial: a run of ours in a process of Ray, which hears of every epoch."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from eugene._folder import RunFolder
from eugene._holding import LOCK
from eugene.config import RunConfig, load_plugin, load_run_config
from eugene.errors import EugeneError
from eugene.runs import Run
from eugene.runs._pipeline import train
from eugene.train import read_checkpoint
from eugene.tune._inherit import inherit
from eugene.tune._records import TRIALS, Lineage, best_so_far, note, record_path, rows_of
from eugene.tune._space import Space

logger = logging.getLogger("eugene.tune")
_WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """What all trials of a search share; it travels to the processes of Ray.

    Attributes
    ----------
    folder : str
        Folder of the search, seen by every machine that takes part.
    metric, mode : str
        What trials are compared by, and whether ``min`` or ``max`` is better.
    plugins : tuple of str
        What registers things that the file names.
    trusted : bool
        Whether the file may name things by import path.
    population : bool
        Whether trials hand their checkpoints to each other.
    threads : int
        Threads of torch in a trial.
    """

    folder: str
    metric: str
    mode: str
    plugins: tuple[str, ...] = ()
    trusted: bool = False
    population: bool = False
    threads: int = 1

    @property
    def path(self) -> Path:
        """Folder of the search."""
        return Path(self.folder)

    @property
    def objective(self) -> str:
        """What Ray is told to compare: of a population the state that is handed on."""
        return "current" if self.population else "best"

    def told(self, rows: list[dict[str, float]], min_delta: float) -> dict[str, float]:
        """Return what Ray hears of the last of some epochs."""
        best = best_so_far(rows, self.metric, self.mode, min_delta)[-1]
        current = rows[-1].get(self.metric, math.nan)
        worst = -math.inf if self.mode == "max" else math.inf
        current = current if math.isfinite(current) else worst
        return {"epochs": float(len(rows)), "best": best, "current": current}


class Listener(pl.Callback):
    """Tells Ray of an epoch once its checkpoint is written, which is when the next one begins.

    The last epoch is told by `run_trial` when the run is whole: Ray may stop a trial wherever it is
    told of something.

    Parameters
    ----------
    plan : Plan
        What the trials share.
    folder : RunFolder
        The trial's run.
    min_delta : float
        Smaller changes are no improvement.
    """

    def __init__(self, plan: Plan, folder: RunFolder, min_delta: float) -> None:
        self.plan, self.folder, self.min_delta = plan, folder, min_delta

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell of the epoch before; a trial of several stages is told of when it is over."""
        if (self.folder / "stages").is_dir():
            return
        rows = rows_of(self.plan.path, self.folder.path.name)[: trainer.current_epoch]
        if rows:
            report(self.plan, self.folder, rows, self.min_delta)


def report(plan: Plan, folder: RunFolder, rows: list[dict[str, float]], min_delta: float) -> None:
    """Tell Ray of the last of some epochs; of a population with the checkpoint of it."""
    from ray import tune

    told = plan.told(rows, min_delta)
    if not (plan.population and folder.last.is_file()):
        tune.report(told)
        return
    with tempfile.TemporaryDirectory(prefix=".handed-", dir=plan.path / TRIALS) as place:
        for path in (folder.last, folder.best):
            if path.is_file():
                os.link(path, Path(place) / path.name)
        tune.report(told, checkpoint=tune.Checkpoint.from_directory(place))


def config_of(plan: Plan) -> RunConfig:
    """Return the configuration of the search as it was written down when it began."""
    return load_run_config(
        RunFolder(plan.path).config,
        plugins=plan.plugins if plan.trusted else None,
        allow_class_path=plan.trusted,
        searched=True,
    )


def run_trial(drawn: Mapping[str, int | float], plan: Plan) -> None:
    """Train with the values that were drawn; what a process of Ray is given to do.

    Parameters
    ----------
    drawn : mapping
        Dotted place -> number, see `Space`.
    plan : Plan
        What the trials share.
    """
    from ray import tune

    name = Path(str(tune.get_context().get_trial_dir())).name
    handed = tune.get_checkpoint() if plan.population else None
    for plugin in plan.plugins:
        load_plugin(plugin)
    torch.set_num_threads(plan.threads)
    try:
        config = config_of(plan)
        values = Space(config).values(drawn)
        trainer = config.candidate(values).section("trainer")
        rows = rows_of(plan.path, name)
        if handed is not None and len(rows) >= int(trainer["max_epochs"]):
            # it is whole: what it is handed after its last epoch would never be trained
            note(plan.path, name, status="done")
            folder = RunFolder(plan.path / TRIALS / name)
            report(plan, folder, rows, float(trainer.get("min_delta") or 0.0))
            return
        with contextlib.ExitStack() as stack:
            place = None if handed is None else Path(stack.enter_context(handed.as_directory()))
            if place is not None and _epochs_of(place) >= int(trainer["max_epochs"]):
                # nothing would be trained with the new values, so they must not be noted
                if rows:
                    logger.warning(
                        "trial %s was handed a training that is over: it ends with its own values "
                        "after %d of %d epochs",
                        *(name, len(rows), int(trainer["max_epochs"])),
                    )
                    note(plan.path, name, status="done")
                    folder = RunFolder(plan.path / TRIALS / name)
                    report(plan, folder, rows, float(trainer.get("min_delta") or 0.0))
                    return
                place = None
            _begin(plan, name, values)
            _train(plan, name, config.candidate(values), place)
    except KeyboardInterrupt:
        # Ray ends a trial that is to stop by an exit, which training takes for Ctrl-C
        raise SystemExit(0) from None
    except Exception as error:
        note(plan.path, name, status="failed", error=f"{type(error).__name__}: {error}")


def _epochs_of(place: Path) -> int:
    """Return how many epochs a checkpoint that is handed on was trained for."""
    path = place / "last.ckpt"
    return int(read_checkpoint(path)["eugene"]["epochs_done"]) if path.is_file() else 0


def _begin(plan: Plan, name: str, values: dict[str, object]) -> None:
    """Note with which values a trial goes on from here."""
    from eugene._files import read_object

    before: dict[str, Any] = read_object(record_path(plan.path, name))
    lineage: list[Lineage] = list(before.get("lineage") or [])
    if not lineage or lineage[-1]["values"] != values:
        done = len(rows_of(plan.path, name))
        lineage.append({"epochs": done, "values": values})
    note(plan.path, name, status="running", values=values, error=None, lineage=lineage)


@contextlib.contextmanager
def _left_alone(folder: RunFolder, seconds: float = _WAIT_SECONDS) -> Iterator[None]:
    """Wait until a process that was at work in a folder is gone, such as one of a lost machine."""
    from seqdata.store import owner_of

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        owner = owner_of(folder / LOCK)
        if owner is None or not owner.is_alive():
            break
        time.sleep(0.2)
    yield


def _train(plan: Plan, name: str, config: RunConfig, handed: Path | None) -> None:
    """Train a trial, from where it stopped or from what it was handed, and tell of its end."""
    folder, shared = RunFolder(plan.path / TRIALS / name), RunFolder(plan.path)
    min_delta = float(config.section("trainer").get("min_delta") or 0.0)
    with _left_alone(folder):
        if handed is not None and (handed / "last.ckpt").is_file():
            if not folder.is_run():
                folder = RunFolder.create(folder.path)
            untrained = Run(config, folder, store=shared).new_module(initialise=False)
            inherit(handed, folder, config, dict(untrained.hparams))
        train(
            config,
            folder.path,
            store=shared,
            resume=folder.is_run(),
            callbacks=[Listener(plan, folder, min_delta)],
        )
    rows = rows_of(plan.path, name)
    if not rows:
        raise EugeneError("no epoch was finished")
    # the run is whole; what Ray decides on its last value changes nothing of that
    note(plan.path, name, status="done")
    report(plan, folder, rows, min_delta)
