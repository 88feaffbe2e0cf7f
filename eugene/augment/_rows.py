"""The rows of a batch as streams of random numbers."""

from __future__ import annotations

from functools import cached_property

import torch

from eugene.augment._streams import combine, row_states, uniform
from seqpro.transforms import plans
from seqpro.transforms.evolution import Scope


class Rows:
    """The rows of a batch as streams of random numbers, on their device.

    Parameters
    ----------
    ids : torch.Tensor of whole numbers, shape (n_rows,)
        Identity of each row.
    seed : int
        That of the epoch.
    """

    def __init__(self, ids: torch.Tensor, seed: int) -> None:
        self.ids, self.seed, self.on_cpu = ids, seed, ids.is_cpu

    @cached_property
    def states(self) -> torch.Tensor:
        """Streams of the rows."""
        return row_states(self.seed, self.ids.long())

    def uniforms(self, n_augmentations: int, scope: Scope) -> torch.Tensor:
        """Return the uniform numbers that `seqpro.transforms.plans.draw` takes."""
        counters = torch.arange(1 + plans.SLOTS * n_augmentations, device=self.ids.device)
        drawn = uniform(combine(self.states[:, None], counters[None]))
        shared: torch.Tensor = plans.share(drawn, drawn[:1], scope)
        return shared
