"""A list of augmentations as stages: moves that are done at once, and values changed after them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from eugene.augment._rows import Rows
from eugene.augment._streams import combine
from eugene.augment._values import Draws, ValueAugmentation
from eugene.errors import EugeneError
from seqpro import kernels
from seqpro.transforms.evolution import Augmentation

Changed: TypeAlias = tuple[torch.Tensor, Callable[[], torch.Tensor]]
"""Changed sequences, and what returns the map of where their positions come from."""


class Way(ABC):
    """A way of changing batches: by compiled code, or where they are."""

    @abstractmethod
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


@dataclass(frozen=True)
class Stage:
    """Moves from start up to stop, and the places in the list of values changed after them."""

    start: int
    stop: int
    values: tuple[int, ...]
    last: bool


def stages(augmentations: Sequence[Augmentation]) -> list[Stage]:
    """Return the stages of a list.

    Examples
    --------
    >>> from eugene.augment import Deletion, Mutation, Noise
    >>> [(s.start, s.stop, s.values) for s in stages([Noise(), Deletion(), Mutation(), Noise()])]
    [(0, 0, (0,)), (1, 3, (3,))]
    """
    n = len(augmentations)
    values = [i for i, a in enumerate(augmentations) if isinstance(a, ValueAugmentation)]
    last_move = max((i for i in range(n) if i not in values), default=-1)
    found, begin = [], 0
    for end in (i for i in values if i < last_move):
        found.append(Stage(begin, end, (end,), False))
        begin = end + 1
    stop = max(last_move + 1, begin)
    return [*found, Stage(begin, stop, tuple(range(stop, n)), True)]


def changed_values(
    augmentation: Augmentation,
    place: int,
    x: torch.Tensor,
    states: torch.Tensor,
    front: torch.Tensor | None,
    length: torch.Tensor,
    given: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return sequences whose values are changed where there are letters by then.

    Parameters
    ----------
    augmentation : ValueAugmentation
    place : int
        Of it in the list.
    x : torch.Tensor of float, shape (n_rows, letters, positions)
    states : torch.Tensor of int64, shape (n_rows,)
        Streams of the rows.
    front : torch.Tensor of int64, shape (n_rows,), optional
        Letters (bp) that were put in front of rows afterwards.
    length : torch.Tensor of int64, shape (n_rows,)
        How long rows are by then (bp).
    given : torch.Tensor of float, optional
        Noise that was drawn already.

    Returns
    -------
    torch.Tensor of float, same shape

    Raises
    ------
    EugeneError
        If the augmentation changes the shape.
    """
    assert isinstance(augmentation, ValueAugmentation)
    if given is not None:
        changed = x + given
    else:
        changed = augmentation.change(x, Draws(combine(states, kernels.VALUES + place)))
    if changed.shape != x.shape:
        raise EugeneError(
            f"augment: {augmentation} made sequences of shape {tuple(changed.shape)} out of "
            f"{tuple(x.shape)}: its method change must keep the shape"
        )
    p = torch.arange(x.shape[2], device=x.device)[None]
    p = p if front is None else p - front[:, None]
    there = (p >= 0) & (p < length[:, None])
    return torch.where(there[:, None], changed, x)
