"""Callbacks of :func:`eugene.train.fit`: the log, the checkpoints, the random state."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback, Checkpoint

from eugene._files import write_atomic
from eugene.errors import EugeneError
from eugene.train._progress import epoch_line, say

_MASK = (1 << 64) - 1
# what a record goes on from, beside its rows
_TAKEN_UP = ("best_score", "best_epoch", "waited", "stopped_early")


def mix(seed: int, epoch: int) -> int:
    """Return a seed for an epoch, a fixed function of both (splitmix64).

    Parameters
    ----------
    seed, epoch : int
        The run's seed and the number of the epoch.

    Returns
    -------
    int
        Between 0 and 2**63 - 1.

    Examples
    --------
    >>> mix(1, 0) == mix(1, 0) and mix(1, 0) != mix(1, 1)
    True
    """
    value = (seed * 0x9E3779B97F4A7C15 + (epoch + 1) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return (value ^ (value >> 31)) >> 1


class EpochSeeds(Callback):
    """Seed dropout anew at each epoch from (seed, epoch), so that a resumed run is the same."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed torch on all devices."""
        torch.manual_seed(mix(self.seed, trainer.current_epoch))


class SaveFirst(Callback):
    """Write the checkpoint of an epoch once it is over, before anything of the next one happens.

    It stands before all other callbacks, so that none has begun to count the next epoch, or has
    put other weights in place at the end of training, when their states are written down.

    Parameters
    ----------
    record : Record
        Writes the checkpoints.
    """

    def __init__(self, record: Record) -> None:
        self.record = record

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint of the epoch before."""
        self.record.save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint of the last epoch."""
        self.record.save(trainer)


class Record(Checkpoint):
    """One row of metrics an epoch, the last and the best checkpoint, and when to stop.

    The checkpoint of an epoch is written once everything of the epoch is over, schedules
    included: at the start of the next epoch or at the end of training, when `SaveFirst` says so.

    Parameters
    ----------
    folder : pathlib.Path
        Run folder; ``metrics.csv`` and ``checkpoints/`` go into it.
    monitor : str
        Value that says which epoch is best.
    mode : {"min", "max"}
        Whether lower or higher is better.
    patience : int or None
        Epochs without improvement before training stops; None never stops.
    min_delta : float
        Smaller changes are no improvement.
    seed : int
        Seed of the run, kept in the checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        *,
        monitor: str,
        mode: str,
        patience: int | None,
        min_delta: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.monitor, self.mode = monitor, mode
        self.patience, self.min_delta, self.seed = patience, min_delta, seed
        self.metrics_path = folder / "metrics.csv"
        self.last_path = folder / "checkpoints" / "last.ckpt"
        self.best_path = folder / "checkpoints" / "best.ckpt"
        self.rows: list[dict[str, float]] = []
        self.best_score: float | None = None
        self.best_epoch = -1
        self.waited = 0
        self.stopped_early = False
        self.spoken = False
        self.beside: Sequence[str] = ()
        self._started = time.perf_counter()
        self._pending = False
        self._improved = False

    @property
    def best_model_path(self) -> str:
        """Where the best checkpoint is, under Lightning's name; empty where there is none."""
        return str(self.best_path) if self.best_path.exists() else ""

    @property
    def best_model_score(self) -> torch.Tensor | None:
        """Best value of ``monitor``, under Lightning's name."""
        return None if self.best_score is None else torch.tensor(self.best_score)

    @property
    def last_model_path(self) -> str:
        """Where the last checkpoint is, under Lightning's name; empty where there is none."""
        return str(self.last_path) if self.last_path.exists() else ""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain values."""
        kept = {name: getattr(self, name) for name in (*_TAKEN_UP, "monitor", "mode", "seed")}
        return {"rows": [dict(row) for row in self.rows], **kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where another run stopped."""
        self.rows = [dict(row) for row in state_dict["rows"]]
        for name in _TAKEN_UP:
            setattr(self, name, state_dict[name])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Bring ``metrics.csv`` to the state of the checkpoint; stop if the run had stopped."""
        if self.rows and trainer.is_global_zero:
            self._write_rows()
        # a resumed run may have been given more patience than the one that stopped
        self.stopped_early = self._out_of_patience()
        if self.stopped_early:
            trainer.should_stop = True

    def _out_of_patience(self) -> bool:
        # patience 0 stops at the first epoch that is no better, and never before there was one
        return self.patience is not None and self.waited >= max(self.patience, 1)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add a row, note whether it is the best, decide whether to stop."""
        values = {k: float(v) for k, v in trainer.callback_metrics.items()}
        row: dict[str, float] = {"epoch": trainer.current_epoch}
        first = [k for k in ("train_loss", "val_loss") if k in values]
        row.update({k: values[k] for k in [*first, *(k for k in values if k not in first)]})
        row["lr"] = float(trainer.optimizers[0].param_groups[0]["lr"])
        row["seconds"] = round(time.perf_counter() - self._started, 3)
        if self.monitor not in row:
            known = ", ".join(key for key in row if key not in ("epoch", "seconds"))
            raise EugeneError(f"monitor={self.monitor!r} was not logged; there are {known}")
        self.rows.append(row)
        self._judge(trainer, row)
        # what Lightning logs of an epoch belongs to its last step
        step = max(trainer.global_step - 1, 0)
        for logger in trainer.loggers:
            told = {name: row[name] for name in ("lr", "seconds")}
            logger.log_metrics({**told, "epoch": row["epoch"]}, step=step)
        if trainer.is_global_zero:
            self._write_rows()
            if self.spoken:
                names = getattr(pl_module, "metric_names", ())
                end = trainer.max_epochs or -1
                line = epoch_line(row, names, of=end, best=self._improved, beside=self.beside)
                say(line)
        self._pending = True

    def _judge(self, trainer: pl.Trainer, row: dict[str, float]) -> None:
        score, best = row.get(self.monitor, math.nan), self.best_score
        sign = 1 if self.mode == "max" else -1
        ahead = best is None or sign * score > sign * best + self.min_delta
        better = math.isfinite(score) and ahead
        self._improved = better or self.best_epoch < 0
        if self._improved:
            self.best_score = score if math.isfinite(score) else None
            self.best_epoch = trainer.current_epoch
        self.waited = 0 if better else self.waited + 1
        if self._out_of_patience():
            self.stopped_early = True
            trainer.should_stop = True

    def save(self, trainer: pl.Trainer) -> None:
        """Write ``last.ckpt``, before it ``best.ckpt`` where this epoch is the best."""
        if not self._pending:
            return
        self._pending = False
        self.write_last(trainer, best=self._improved)

    def write_last(self, trainer: pl.Trainer, *, best: bool = False) -> None:
        """Write ``last.ckpt`` as things are, before it ``best.ckpt`` where they are the best.

        Parameters
        ----------
        trainer : pytorch_lightning.Trainer
            Gathers what a checkpoint holds.
        best : bool
            Whether it is also ``best.ckpt``.
        """
        temporary = self.last_path.with_name(".last.ckpt.tmp")
        self.last_path.parent.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            if best:
                copy = self.best_path.with_name(".best.ckpt.tmp")
                shutil.copyfile(temporary, copy)
                copy.replace(self.best_path)
            temporary.replace(self.last_path)
        # the others read what the first process wrote
        trainer.strategy.barrier()

    def _write_rows(self) -> None:
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        columns = [c for c in columns if c not in ("lr", "seconds")] + ["lr", "seconds"]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomic(self.metrics_path, text.getvalue())


def is_plain(value: object) -> bool:
    """Tell whether a checkpoint that holds a value can be read without running code.

    Examples
    --------
    >>> is_plain({"a": [1, "b"]}), is_plain(Path("."))
    (True, False)
    """
    buffer = io.BytesIO()
    try:
        torch.save(value, buffer)
        buffer.seek(0)
        torch.load(buffer, weights_only=True)
    except Exception:  # whatever a foreign object raises when it is written or read
        return False
    return True


class Mark(Callback):
    """Note in every checkpoint that it is ours, its epochs, and what its network reads.

    Parameters
    ----------
    record : Record
        Knows the epochs.
    facts : mapping
        What the datamodule says of its data, as plain values; may be empty.
    settings : mapping
        Arguments of the trainer that change what an epoch does, as plain values.
    """

    def __init__(
        self, record: Record, facts: Mapping[str, object], settings: Mapping[str, object]
    ) -> None:
        self.record = record
        self.facts = json.loads(json.dumps(facts))
        self.settings = dict(settings)
        self.plan: dict[str, float] = {}
        self.middle: dict[str, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note how many batches an epoch has, and how many steps the training is meant to have."""
        self.plan = {"batches": trainer.num_training_batches}
        with contextlib.suppress(MisconfigurationException):
            self.plan["planned_steps"] = float(trainer.estimated_stepping_batches)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add ``eugene`` to the checkpoint; of objects among hyper-parameters keep the text."""
        if "hyper_parameters" in checkpoint:
            checkpoint["hyper_parameters"] = {
                key: value if is_plain(value) else repr(value)
                for key, value in checkpoint["hyper_parameters"].items()
            }
        checkpoint["eugene"] = {
            "format": 1,
            "epochs_done": len(self.record.rows),
            **self.plan,
            **self.middle,
            "settings": self.settings,
            "record": self.record.state_dict(),
            "data": self.facts,
        }
