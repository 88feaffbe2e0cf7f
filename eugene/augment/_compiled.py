"""Augmentation of batches in the memory of the CPU, by compiled code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.augment._plan import composed
from eugene.augment._rows import Rows
from eugene.augment._stages import Changed, Stage, changed_values, stages
from eugene.augment._values import Noise
from seqpro import kernels
from seqpro.transforms import plans
from seqpro.transforms.evolution import Augmentation


class Compiled:
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
        """Return the changed sequences and where their positions come from.

        Parameters
        ----------
        x : torch.Tensor
            Letters, uint8 (n_rows, length), or one-hot, float (n_rows, letters, length).
        rows : Rows
        lengths : torch.Tensor of int64, shape (n_rows,), optional
            Of rows that are padded at the end (bp).

        Returns
        -------
        x, plan
            See `Changed`.
        """
        width = x.shape[-1] + self._rules.added
        if lengths is None:
            long: NDArray[np.int64] = np.array([x.shape[-1]], np.int64)
        else:
            long = np.ascontiguousarray(lengths.numpy(), np.int64)
        ids = np.ascontiguousarray(rows.ids.numpy(), np.int64).view(np.uint64)
        array: NDArray[np.generic] = x.numpy()
        if array.ndim == 3 and self._rules.at_once:
            out = np.empty((*array.shape[:2], width), array.dtype)
            self._rules.evolve(rows.seed, ids, long, np.ascontiguousarray(array), out)
            return torch.from_numpy(out), lambda: self._map(
                self._rules.draw(rows.seed, ids, long), width
            )
        changes = self._rules.draw(rows.seed, ids, long)
        for stage in self._stages:
            array = self._moved(np.ascontiguousarray(array), stage, changes)
            for i in stage.values:
                array = self._with_values(i, array, stage, changes)
        return torch.from_numpy(array), lambda: self._map(changes, width)

    def _moved(
        self, array: NDArray[np.generic], stage: Stage, changes: plans.Changes
    ) -> NDArray[np.generic]:
        """Return what the moves of a stage make, one-hot where values are changed after them."""
        begin, end = stage.start, None if stage.last else stage.stop
        if array.ndim == 2:
            array = self._rules.spell(changes, array, begin, end)
            return self._one_hot(array) if self._changes_values else array
        out = np.empty((*array.shape[:2], self._width(array, stage)), array.dtype)
        self._rules.move(changes, array, out, begin, end)
        return out

    def _width(self, array: NDArray[np.generic], stage: Stage) -> int:
        """Return how wide rows are; the first stage makes room for all insertions."""
        return array.shape[-1] + (self._rules.added if stage is self._stages[0] else 0)

    def _one_hot(self, letters: NDArray[np.generic]) -> NDArray[np.float32]:
        upper, lower = self._letters
        out = np.empty((len(letters), len(upper), letters.shape[1]), np.float32)
        kernels.letter_planes(letters, upper, lower, out)
        return out

    def _with_values(
        self, i: int, array: NDArray[np.generic], stage: Stage, changes: plans.Changes
    ) -> NDArray[np.generic]:
        """Change the values of the rows that drew it; the others need no draws."""
        augmentation = self._augmentations[i]
        if type(augmentation) is Noise:
            self._rules.add_noise(changes, i, array)
            return array
        few = changes.table[:, i, kernels.CHOSEN].nonzero()[0]
        front = changes.missing[few] // 2 if stage.last and self._padded else None
        x = torch.from_numpy(array)
        x[few] = changed_values(
            augmentation,
            i,
            x[few],
            torch.from_numpy(changes.states.view(np.int64)[few]),
            None if front is None else torch.from_numpy(front),
            torch.from_numpy(changes.table[few, i, kernels.BEFORE]),
        )
        return array

    def _map(self, changes: plans.Changes, width: int) -> torch.Tensor:
        """Return where positions come from through all stages."""
        whole: torch.Tensor | None = None
        for stage in self._stages:
            end = None if stage.last else stage.stop
            plan = torch.from_numpy(self._rules.maps(changes, width, stage.start, end))
            whole = plan if whole is None else composed(whole, plan)
        assert whole is not None
        return whole
