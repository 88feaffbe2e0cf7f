"""The rows of a batch as streams of random numbers."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.augment._streams import combine, row_states, uniform
from seqpro import random
from seqpro.transforms import plans
from seqpro.transforms.evolution import Scope, Whole


class Rows:
    """The rows of a batch as streams of random numbers, in NumPy or on their device.

    Parameters
    ----------
    ids : torch.Tensor of int64, shape (n_rows,)
        Identity of each row.
    seed : int
        That of the epoch.
    """

    def __init__(self, ids: torch.Tensor, seed: int) -> None:
        self.ids, self.seed, self.on_cpu = ids.long(), seed, ids.device.type == "cpu"

    @cached_property
    def numpy_states(self) -> NDArray[np.uint64]:
        """Streams of the rows."""
        return random.counter_seed(self.seed, self.ids.numpy())

    @cached_property
    def states(self) -> torch.Tensor:
        """Streams of the rows, on their device."""
        return row_states(self.seed, self.ids)

    def uniforms(self, n_augmentations: int, scope: Scope) -> Whole:
        """Return the uniform numbers that `seqpro.transforms.plans.draw` takes."""
        if self.on_cpu:
            return plans.uniforms(
                self.seed, self.ids.numpy().astype(np.uint64), n_augmentations, scope
            )
        counters = torch.arange(1 + plans.SLOTS * n_augmentations, device=self.ids.device)
        drawn = uniform(combine(self.states[:, None], counters[None]))
        return plans.share(drawn, drawn[:1], scope)
