"""Between a datamodule and Lightning's trainer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.utilities.exceptions import MisconfigurationException

from eugene.errors import EugeneError


class EpochLoader:
    """A loader that is told the epoch before every pass over the rows.

    Lightning makes the first iterator before it announces the epoch, and makes it twice after a
    resume; telling the loader at the moment of iteration keeps the order right in all cases.

    Parameters
    ----------
    loader : iterable
        Batches; its ``set_epoch`` is called where it has one, or that of its sampler.
    trainer : pytorch_lightning.Trainer, optional
        Knows the epoch; without one the loader is left as it is.
    """

    def __init__(self, loader: Any, trainer: pl.Trainer | None = None) -> None:
        self.loader, self.trainer = loader, trainer

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        if self.trainer is not None:
            owners: tuple[Any, ...] = (self.loader, getattr(self.loader, "sampler", None))
            for owner in owners:
                if hasattr(owner, "set_epoch"):
                    owner.set_epoch(self.trainer.current_epoch)
                    break
        return iter(self.loader)


class Bridge(pl.LightningDataModule):
    """Hands a trainer the loaders of a datamodule, training ones told their epoch.

    Parameters
    ----------
    source : object
        Has ``train_dataloader()`` and perhaps ``val_dataloader()``; a LightningDataModule is
        prepared and set up as Lightning would.
    """

    def __init__(self, source: Any) -> None:
        super().__init__()
        self.source = source
        self._lightning = isinstance(source, pl.LightningDataModule)
        if self._lightning:
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
        return EpochLoader(self.source.train_dataloader(), self.trainer)

    def val_dataloader(self) -> EpochLoader:
        """Return the validation loader."""
        self._lend()
        return EpochLoader(self.source.val_dataloader())
