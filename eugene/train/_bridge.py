"""Between a datamodule and Lightning's trainer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from eugene._judge import check_targets, check_weights, say
from eugene._tasks import Task
from eugene.errors import DataError, EugeneError
from eugene.modules.base import BaseModule
from eugene.train._callbacks import mix
from eugene.train._checks import needs_two_rows
from eugene.train._signals import Begin, Middle
from eugene.train._watch import Watch
from seqdata.torch import SequenceLoader

# what tells the stream of the loaders from that of dropout
_LOADING = 0x10AD
_HOOKS = (
    "state_dict",
    "load_state_dict",
    "transfer_batch_to_device",
    "on_before_batch_transfer",
    "on_after_batch_transfer",
    "on_exception",
    "teardown",
)
"""Hooks of a data module that are passed on."""


class EpochLoader:
    """A loader that is told the epoch before every pass over the rows.

    Lightning makes the first iterator before it announces the epoch, and makes it twice after a
    resume; telling the loader at the moment of iteration keeps the order right in all cases.
    What a loader of torch draws when a pass begins (the order, the seeds of its workers) comes
    from a stream of its own, a function of (seed, epoch): dropout is the same whatever the number
    of workers, and so is the order after a resume.

    Parameters
    ----------
    loader : iterable
        Batches; its ``set_epoch`` is called where it has one, or that of its sampler.
    trainer : pytorch_lightning.Trainer
        Knows the epoch.
    seed : int
        Seed of the run.
    shuffled : bool
        Whether the epoch is told: to training loaders only.
    short : bool
        Whether the last batch is left out, because it holds one row.
    judge : callable, optional
        Looks at each batch of the first epoch before it is used.
    watch : Watch, optional
        Notes how long the first training batches are waited for.
    begin : callable, optional
        Gives the place where a training is taken up in the middle of an epoch, once.
    once : bool
        Whether the targets of rows that another process has too are made missing.
    """

    def __init__(
        self,
        loader: Any,
        trainer: pl.Trainer,
        *,
        seed: int,
        shuffled: bool,
        short: bool = False,
        judge: Callable[[object], None] | None = None,
        watch: Watch | None = None,
        begin: Begin | None = None,
        once: bool = False,
    ) -> None:
        self.loader, self.trainer = loader, trainer
        self.seed, self.shuffled = seed, shuffled
        self.short, self.judge, self.watch, self.begin = short, judge, watch, begin
        self.once = once

    def __len__(self) -> int:
        return len(self.loader) - self.short

    def __iter__(self) -> Iterator[Any]:
        epoch = self.trainer.current_epoch
        owners: tuple[object, ...] = (self.loader, getattr(self.loader, "sampler", None))
        for owner in owners if self.shuffled else ():
            if hasattr(owner, "set_epoch"):
                owner.set_epoch(epoch)
                break
        middle = None if self.begin is None else self.begin()
        done = 0 if middle is None else middle.batches
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(mix(self.seed, epoch) ^ _LOADING)
            batches = self._from(done)
            # samplers of torch draw when they are asked for the first row
            first = list(itertools.islice(batches, 1))
        if middle is not None:
            middle.restore()
        every: Iterator[object] = itertools.chain(first, batches)
        if self.short:
            every = itertools.islice(every, len(self) - done)
        if self.judge is not None and not epoch:
            every = self._judged(every)
        if self.once and self.trainer.world_size > 1 and isinstance(self.loader, SequenceLoader):
            again = torch.from_numpy(self.loader.repeated(self.loader.epoch))
            every = without(every, again) if len(again) else every
        if self.watch is not None and self.watch.open:
            every = self.watch.timed(every, self.loader)
        yield from every

    def _from(self, done: int) -> Iterator[object]:
        """Return the batches of the epoch but for those that are done."""
        if done and isinstance(self.loader, SequenceLoader):
            self.loader.load_state_dict({**self.loader.state_dict(), "position": done})
            done = 0
        # another loader makes them once more, so that it draws what it drew
        return itertools.islice(iter(self.loader), done, None)

    def _judged(self, batches: Iterator[object]) -> Iterator[object]:
        for batch in batches:
            if self.judge is not None:
                self.judge(batch)
            yield batch


class Bridge(pl.LightningDataModule):
    """Hands a trainer the loaders of a datamodule, training ones told their epoch.

    Parameters
    ----------
    source : object
        Has ``train_dataloader()`` and perhaps ``val_dataloader()``; a LightningDataModule is
        prepared and set up as Lightning would, and its hooks are called.
    seed : int
        Seed of the run.
    """

    def __init__(self, source: Any, *, seed: int) -> None:
        super().__init__()
        self.source, self.seed = source, seed
        self._lightning = isinstance(source, pl.LightningDataModule)
        if self._lightning:
            for name in _HOOKS:
                setattr(self, name, getattr(source, name))
            source.prepare_data()
            source.setup("fit")
        self.has_validation = self._probe()
        self._short = False
        self._judge: Callable[[object], None] | None = None
        self.watch: Watch | None = None
        self.middle: Middle | None = None
        self._once = False

    def join_single(self, module: pl.LightningModule) -> None:
        """Leave out a last training batch of one row where batch normalisation needs two.

        Batches that were not judged before, because another loader than ours makes them, are
        judged as they come in the first epoch.

        Parameters
        ----------
        module : pytorch_lightning.LightningModule
            What is to be trained.

        Raises
        ------
        DataError
            If every batch has one row.
        """
        self._once = isinstance(module, BaseModule)
        if not hasattr(self.source, "targets_of"):
            self._judge = batch_judge(module)
        rows, size = (getattr(self.source, n, None) for n in ("n_train", "batch_size"))
        if not isinstance(rows, int) or not isinstance(size, int):
            return
        if min(rows, size) == 1 and needs_two_rows(module, self.source):
            what = "batch_size=1" if size == 1 else "one training row"
            raise DataError(
                f"{what}: batch normalisation needs at least two rows in a batch. Give a larger "
                "batch_size (and more rows), or a network without batch normalisation."
            )
        if rows % size == 1 and rows > 1 and not getattr(self.source, "drop_last", False):
            self._short = needs_two_rows(module, self.source)
            if self._short:
                say(
                    f"the last of {-(-rows // size)} training batches would hold one row, which "
                    "batch normalisation cannot take: it is left out, another row every epoch. "
                    f"Choose a batch_size other than {size} to train on all {rows} rows.",
                    stacklevel=4,
                )

    @property
    def alphabet(self) -> object:
        """Letters of the sequences, where the datamodule says them."""
        return getattr(self.source, "alphabet", None)

    def _probe(self) -> bool:
        """Return whether there are validation rows."""
        try:
            loader = self.source.val_dataloader()
        except (AttributeError, EugeneError, MisconfigurationException):
            return False
        return loader is not None and not (hasattr(loader, "__len__") and len(loader) == 0)

    def _lend(self) -> None:
        if self._lightning:
            self.source.trainer = self.trainer

    def release(self) -> None:
        """Let the datamodule forget the trainer."""
        if self._lightning:
            self.source.trainer = None

    def train_dataloader(self) -> EpochLoader:
        """Return the training loader."""
        self._lend()
        return self._told(self.source.train_dataloader(), shuffled=True)

    def val_dataloader(self) -> EpochLoader:
        """Return the validation loader."""
        self._lend()
        return self._told(self.source.val_dataloader(), shuffled=False)

    def _told(self, loader: object, *, shuffled: bool) -> EpochLoader:
        assert self.trainer is not None
        short = self._short and shuffled
        return EpochLoader(
            loader,
            self.trainer,
            seed=self.seed,
            shuffled=shuffled,
            short=short,
            judge=self._judge,
            watch=self.watch if shuffled else None,
            begin=self._begin if shuffled else None,
            once=self._once,
        )

    def _begin(self) -> Middle | None:
        middle, self.middle = self.middle, None
        return middle


def without(batches: Iterator[Any], rows: torch.Tensor) -> Iterator[Any]:
    """Yield batches in which rows that another process has, too, have no targets.

    Processes get equally many rows, so some repeat a row; it would count twice.

    Parameters
    ----------
    batches : iterable of dict
        With ``index`` and ``target``.
    rows : torch.Tensor of int64
        Numbers of those rows.

    Examples
    --------
    >>> batch = {"index": torch.tensor([3, 0]), "target": torch.ones(2, 1)}
    >>> next(without(iter([batch]), torch.tensor([0])))["target"].tolist()
    [[1.0], [nan]]
    """
    for batch in batches:
        if isinstance(batch, Mapping) and "index" in batch and "target" in batch:
            again = torch.isin(batch["index"], rows)
            if bool(again.any()):
                target = batch["target"].clone()
                target[again] = torch.nan
                batch = {**batch, "target": target}
        yield batch


def batch_judge(module: pl.LightningModule) -> Callable[[object], None] | None:
    """Return what looks at the targets and weights of a batch, None for modules without a task."""
    task = getattr(module, "task", None)
    if not isinstance(task, Task):
        return None
    loss = getattr(module, "loss_name", None)

    def judge(batch: object) -> None:
        if not isinstance(batch, Mapping) or "target" not in batch:
            return
        target = torch.as_tensor(batch["target"])
        if target.device.type == "cpu":
            values = target.float().numpy()
            check_targets({"target": values}, task.name, loss=loss)
            weight = batch.get("weight")
            if weight is not None:
                values = values[:, None] if values.ndim == 1 else values
                given = torch.as_tensor(weight).float().numpy()
                check_weights("weight", given, values.shape, np.zeros(len(given), bool))

    return judge
