"""Augmentation of batches in the memory of the CPU, by compiled code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.augment._plan import composed
from eugene.augment._rows import Rows
from eugene.augment._stages import Changed, Stage, Way, changed_values, stages
from eugene.augment._values import Noise
from seqpro import kernels
from seqpro.transforms import plans
from seqpro.transforms.evolution import Augmentation


class Compiled(Way):
    """Augmentation on the CPU: every row is written once, stretch by stretch.

    What comes out is what `eugene.augment._on_device.OnDevice` gives; noise to the last bits of
    float32.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    settings : seqpro.transforms.plans.Settings
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation],
        settings: plans.Settings,
    ) -> None:
        self._augmentations, self._stages = list(augmentations), stages(augmentations)
        self._rules = plans.Rules(
            augmentations,
            settings,
            noise={i: (a.mean, a.std) for i, a in enumerate(augmentations) if type(a) is Noise},
        )
        self._padded = settings.length == "pad_both"
        self._changes_values = any(stage.values for stage in self._stages)
        letters = np.frombuffer(settings.alphabet.alphabet.encode(), np.uint8)
        small = (letters >= 65) & (letters <= 90)
        self._letters = letters, np.where(small, letters + 32, letters).astype(np.uint8)

    @staticmethod
    def takes(x: torch.Tensor) -> bool:
        """Tell whether a batch can be changed here: in this memory, and not to be derived by."""
        known = x.dtype == torch.uint8 if x.ndim == 2 else x.dtype in (torch.float32, torch.float64)
        return known and x.is_cpu and not x.requires_grad

    def __call__(self, x: torch.Tensor, rows: Rows, lengths: torch.Tensor | None) -> Changed:
        """Return the changed sequences and where their positions come from; see `Way`."""
        width = x.shape[-1]
        if lengths is None:
            long: NDArray[np.int64] = np.array([width], np.int64)
        else:
            long = np.ascontiguousarray(lengths.numpy(), np.int64)
        ids = np.ascontiguousarray(rows.ids.numpy(), np.int64).view(np.uint64)
        if x.ndim == 3 and self._rules.at_once:
            made = torch.from_numpy(self._rules.evolve(rows.seed, ids, long, x.numpy()))
            return made, lambda: self._map(self._rules.draw(rows.seed, ids, long), width)
        changes = self._rules.draw(rows.seed, ids, long)
        for stage in self._stages:
            x = self._moved(x, stage, changes)
            for i in stage.values:
                self._change_values(i, x, stage, changes)
        return x, lambda: self._map(changes, width)

    def _moved(self, x: torch.Tensor, stage: Stage, changes: plans.Changes) -> torch.Tensor:
        """Return what the moves of a stage make, one-hot where values are changed after them."""
        begin, end = stage.start, None if stage.last else stage.stop
        if x.ndim == 3:
            return torch.from_numpy(self._rules.move(changes, x.numpy(), begin, end))
        letters = self._rules.spell(changes, x.numpy(), begin, end)
        return torch.from_numpy(self._one_hot(letters) if self._changes_values else letters)

    def _one_hot(self, letters: NDArray[np.generic]) -> NDArray[np.float32]:
        upper, lower = self._letters
        out = np.empty((len(letters), len(upper), letters.shape[1]), np.float32)
        kernels.letter_planes(letters, upper, lower, out)
        return out

    def _change_values(self, i: int, x: torch.Tensor, stage: Stage, changes: plans.Changes) -> None:
        """Change the values of the rows that drew it, in place; the others need no draws."""
        augmentation = self._augmentations[i]
        if type(augmentation) is Noise:
            self._rules.add_noise(changes, i, x.numpy())
            return
        few = changes.table[:, i, kernels.CHOSEN].nonzero()[0]
        front = changes.missing[few] // 2 if stage.last and self._padded else None
        x[few] = changed_values(
            augmentation,
            i,
            x[few],
            torch.from_numpy(changes.states.view(np.int64)[few]),
            None if front is None else torch.from_numpy(front),
            torch.from_numpy(changes.table[few, i, kernels.BEFORE]),
        )

    def _map(self, changes: plans.Changes, length: int) -> torch.Tensor:
        """Return where positions come from through all stages."""
        whole: torch.Tensor | None = None
        for stage in self._stages:
            end = None if stage.last else stage.stop
            plan = torch.from_numpy(self._rules.maps(changes, length, stage.start, end))
            whole = plan if whole is None else composed(whole, plan)
        assert whole is not None
        return whole
