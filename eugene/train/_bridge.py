"""Between a datamodule and Lightning's trainer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from eugene.errors import EugeneError
from eugene.train._callbacks import mix

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
    """

    def __init__(self, loader: Any, trainer: pl.Trainer, *, seed: int, shuffled: bool) -> None:
        self.loader, self.trainer = loader, trainer
        self.seed, self.shuffled = seed, shuffled

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        epoch = self.trainer.current_epoch
        owners: tuple[Any, ...] = (self.loader, getattr(self.loader, "sampler", None))
        for owner in owners if self.shuffled else ():
            if hasattr(owner, "set_epoch"):
                owner.set_epoch(epoch)
                break
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(mix(self.seed, epoch) ^ _LOADING)
            batches = iter(self.loader)
            # samplers of torch draw when they are asked for the first row
            first = list(itertools.islice(batches, 1))
        yield from first
        yield from batches


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

    @property
    def alphabet(self) -> Any:
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

    def _told(self, loader: Any, *, shuffled: bool) -> EpochLoader:
        assert self.trainer is not None
        return EpochLoader(loader, self.trainer, seed=self.seed, shuffled=shuffled)
