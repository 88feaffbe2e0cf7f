"""EvoAug's and evoaug2's names, for people who switch: same arguments, our augmentation.

``RandomDeletion(delete_min=0, delete_max=30)`` and the like make the augmentations of
`eugene.augment`; `RobustModel` wraps any network as EvoAug's does, `RobustLoader` any data set of
pairs as evoaug2's does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from eugene.augment._augmenter import Augmenter
from eugene.augment._values import Noise
from eugene.errors import EugeneError
from seqpro.transforms.evolution import (
    Augmentation,
    Deletion,
    Insertion,
    Inversion,
    Length,
    Mutation,
    ReverseComplement,
    Translocation,
)

Pair: TypeAlias = tuple[torch.Tensor, torch.Tensor]
Optimizing: TypeAlias = torch.optim.Optimizer | Mapping[str, object]


def RandomDeletion(delete_min: int = 0, delete_max: int = 20) -> Deletion:
    """Return `Deletion` by the names of EvoAug's arguments (bp)."""
    return Deletion(delete_min, delete_max)


def RandomInsertion(insert_min: int = 0, insert_max: int = 20) -> Insertion:
    """Return `Insertion` by the names of EvoAug's arguments (bp)."""
    return Insertion(insert_min, insert_max)


def RandomTranslocation(shift_min: int = 0, shift_max: int = 20) -> Translocation:
    """Return `Translocation` by the names of EvoAug's arguments (bp)."""
    return Translocation(shift_min, shift_max)


def RandomInversion(invert_min: int = 0, invert_max: int = 20) -> Inversion:
    """Return `Inversion` by the names of EvoAug's arguments (bp)."""
    return Inversion(invert_min, invert_max)


def RandomMutation(mutate_frac: float | None = None, *, mut_frac: float | None = None) -> Mutation:
    """Return `Mutation`; its argument has two names in EvoAug's versions.

    Raises
    ------
    EugeneError
        If both are given.
    """
    if mutate_frac is not None and mut_frac is not None:
        raise EugeneError("RandomMutation: mutate_frac and mut_frac are one argument: give one")
    fraction = mutate_frac if mutate_frac is not None else mut_frac
    return Mutation(0.05 if fraction is None else fraction)


def RandomRC(rc_prob: float = 0.5) -> ReverseComplement:
    """Return `ReverseComplement` by the name of EvoAug's argument."""
    return ReverseComplement(rc_prob)


def RandomNoise(noise_mean: float = 0.0, noise_std: float = 0.2) -> Noise:
    """Return `Noise` by the names of EvoAug's arguments."""
    return Noise(noise_mean, noise_std)


def _augmenter(
    augment_list: Sequence[Augmentation], most: int, hard: bool, length: Length, seed: int
) -> Augmenter | None:
    if not augment_list or not most:
        return None
    return Augmenter(
        augment_list,
        max_augs=most,
        hard=hard,
        length=length,
        seed=seed,
    )


class RobustModel(pl.LightningModule):
    """A network that is trained on augmented sequences, and then on the original ones.

    In training, sequences are augmented; after `finetune_mode`, and for validation, test and
    prediction, they are padded instead where the list has an insertion. ``forward`` does neither.
    For runs from YAML, reports and taking up use the section ``augment`` of a run.

    Parameters
    ----------
    model : torch.nn.Module
        The network, on (N, A, L + longest insertion).
    criterion : callable
        Loss of (prediction, target).
    optimizer : torch.optim.Optimizer or dict
        As Lightning's ``configure_optimizers`` returns it.
    augment_list : sequence of Augmentation
        In the order in which they are applied.
    max_augs_per_seq : int
        Augmentations a sequence; EvoAug's own default, 0, augments nothing.
    hard_aug : bool
        Whether every sequence gets so many, or 1 to so many.
    finetune, inference_aug : bool
        Whether training is done without augmentation, and evaluation with it.
    seed : int
        Of the augmentations.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4 * 120, 1))
    >>> robust = RobustModel(net, nn.MSELoss(), torch.optim.Adam(net.parameters()),
    ...                      [RandomInsertion(0, 20)], max_augs_per_seq=1)
    >>> robust.training_step((torch.rand(3, 4, 100), torch.rand(3, 1)), 0).shape
    torch.Size([])
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: Callable[..., torch.Tensor],
        optimizer: Optimizing,
        augment_list: Sequence[Augmentation] = (),
        max_augs_per_seq: int = 0,
        hard_aug: bool = True,
        finetune: bool = False,
        inference_aug: bool = False,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.criterion, self.optimizer = model, criterion, optimizer
        self.augment_list = list(augment_list)
        self.max_augs_per_seq = min(max_augs_per_seq, len(self.augment_list))
        self.hard_aug, self.finetune, self.inference_aug = hard_aug, finetune, inference_aug
        most = max(self.max_augs_per_seq, bool(self.augment_list))
        self._augmenter = _augmenter(self.augment_list, most, hard_aug, "pad_end", seed)
        self.insert_max = 0 if self._augmenter is None else self._augmenter.added
        self._seen = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the network gives for sequences as they are."""
        result: torch.Tensor = self.model(x)
        return result

    def configure_optimizers(self) -> Any:
        """Return the optimiser."""
        return self.optimizer

    def _prepare(self, x: torch.Tensor, *, augment: bool) -> torch.Tensor:
        if self._augmenter is None:
            return x
        if not augment or not self.max_augs_per_seq:
            return self._augmenter.pad(x)
        # a batch of pairs does not say which rows it has: each sequence that is seen is a new one
        rows = torch.arange(self._seen, self._seen + len(x), device=x.device)
        self._seen += len(x)
        return self._augmenter(x, rows)

    def _loss(self, batch: Pair, stage: str, *, augment: bool) -> torch.Tensor:
        x, y = batch
        loss = self.criterion(self(self._prepare(x, augment=augment)), y)
        if self._trainer is not None:
            self.log(f"{stage}_loss", loss, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def training_step(self, batch: Pair, batch_idx: int) -> torch.Tensor:
        """Return the loss of augmented sequences, or of original ones in fine-tuning."""
        return self._loss(batch, "train", augment=not self.finetune)

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        """Take one validation batch."""
        self._loss(batch, "val", augment=self.inference_aug)

    def test_step(self, batch: Pair, batch_idx: int) -> None:
        """Take one test batch."""
        self._loss(batch, "test", augment=self.inference_aug)

    def predict_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Return what the network gives for a batch of sequences."""
        return self.forward(self._prepare(batch, augment=self.inference_aug))

    def finetune_mode(self, optimizer: Optimizing | None = None, lr: float | None = None) -> None:
        """Train on original sequences from now on, with another optimiser or learning rate."""
        self.finetune = True
        if optimizer is not None:
            self.optimizer = optimizer
        if lr is not None:
            if not isinstance(self.optimizer, torch.optim.Optimizer):
                raise EugeneError("finetune_mode: lr needs an optimiser; give optimizer=, too")
            for group in self.optimizer.param_groups:
                group["lr"] = lr


class RobustLoader(DataLoader[Any]):
    """A loader whose batches are augmented whole and keep their length.

    Parameters
    ----------
    base_dataset : torch.utils.data.Dataset
        Of pairs (sequence (A, L), target), or of sequences.
    augment_list : sequence of Augmentation
        In the order in which they are applied.
    max_augs_per_seq : int
        Augmentations a sequence.
    hard_aug : bool
        Whether every sequence gets so many, or 1 to so many.
    batch_size : int
    shuffle : bool
    num_workers : int
    seed : int
        Of the augmentations; what a row gets depends on it, the epoch and the row alone.
    **kwargs
        Other arguments of `torch.utils.data.DataLoader`.

    Examples
    --------
    >>> pairs = [(torch.rand(4, 50), torch.tensor(0.0))] * 6
    >>> loader = RobustLoader(pairs, [RandomDeletion(0, 5)], 1, batch_size=3)
    >>> next(iter(loader))[0].shape
    torch.Size([3, 4, 50])
    """

    def __init__(
        self,
        base_dataset: Dataset[Any],
        augment_list: Sequence[Augmentation] = (),
        max_augs_per_seq: int = 0,
        hard_aug: bool = True,
        batch_size: int = 32,
        shuffle: bool = True,
        num_workers: int = 0,
        *,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self._seed, self._epoch, self.apply_augmentations = seed, 0, True
        self.set_augmentations(augment_list, max_augs_per_seq, hard_aug)
        super().__init__(
            _Numbered(base_dataset), batch_size, shuffle, num_workers=num_workers, **kwargs
        )

    def set_augmentations(
        self,
        augment_list: Sequence[Augmentation],
        max_augs_per_seq: int = 0,
        hard_aug: bool = True,
    ) -> None:
        """Augment otherwise from now on."""
        most = min(max_augs_per_seq, len(augment_list))
        self._augmenter = _augmenter(augment_list, most, hard_aug, "keep", self._seed)

    def enable_augmentations(self) -> None:
        """Augment: the first stage of training."""
        self.apply_augmentations = True

    def disable_augmentations(self) -> None:
        """Leave sequences as they are: fine-tuning and validation."""
        self.apply_augmentations = False

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield batches, augmented as epoch after epoch."""
        epoch, self._epoch = self._epoch, self._epoch + 1
        for rows, batch in super().__iter__():
            if self._augmenter is None or not self.apply_augmentations:
                yield batch
            elif isinstance(batch, torch.Tensor):
                yield self._augmenter(batch, rows, epoch)
            else:
                yield [self._augmenter(batch[0], rows, epoch), *batch[1:]]


class _Numbered(Dataset[Any]):
    """A data set whose items come with their number."""

    def __init__(self, base: Dataset[Any]) -> None:
        self.base = base

    def __len__(self) -> int:
        return len(self.base)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> tuple[int, Any]:
        return index, self.base[index]
