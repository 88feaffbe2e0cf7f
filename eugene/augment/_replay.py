"""The draws of EvoAug 1.0.6 and evoaug2 2.0.4 in their own order, from torch's and NumPy's streams.

What comes out equals what those programs give for the same seeds; it serves comparisons alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch

from eugene.augment._values import Noise, ValueAugmentation
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
from seqpro.transforms.plans import Drawn

Given: TypeAlias = list[torch.Tensor]
One: TypeAlias = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def draw_letters(n: int, count: int, letters: int, stream: torch.Generator) -> torch.Tensor:
    """Return numbers of letters plus one, int64 (n, count)."""
    chances = torch.full((letters,), 1 / letters)
    rows = [chances.multinomial(count, replacement=True, generator=stream) for _ in range(n)]
    return torch.stack(rows) + 1 if count else torch.zeros(n, 1, dtype=torch.int64)


def draw_one(
    augmentation: Augmentation, n: int, letters: int, length: int, stream: torch.Generator
) -> One:
    """Draw for n sequences of one length what an original augmentation draws for a batch.

    Parameters
    ----------
    augmentation : Augmentation
        The original class has the same rule.
    n : int
        Sequences.
    letters : int
        Size of the alphabet.
    length : int
        Of the sequences (bp).
    stream : torch.Generator
        As torch's own after ``torch.manual_seed``.

    Returns
    -------
    amount, start : torch.Tensor of int64, shape (n,)
    letters : torch.Tensor, shape (n, ...)
        Numbers of letters plus one; of noise its values.

    Raises
    ------
    EugeneError
        If there is no such augmentation in EvoAug.

    Examples
    --------
    >>> amount, start, letters = draw_one(Deletion(), 3, 4, 100, torch.Generator().manual_seed(0))
    >>> letters.shape, int(start.max()) <= 80
    (torch.Size([3, 20]), True)
    """
    none = torch.zeros(n, dtype=torch.int64)
    if isinstance(augmentation, Deletion | Insertion):
        drawn = draw_letters(n, augmentation.max_length, letters, stream)
        low, high = augmentation.min_length, augmentation.max_length
        amount = torch.randint(low, high + 1, (n,), generator=stream)
        places = length if isinstance(augmentation, Insertion) else length - high + 1
        return amount, torch.randint(places, (n,), generator=stream), drawn
    if isinstance(augmentation, Translocation):
        low, high = augmentation.min_shift, augmentation.max_shift
        amount = torch.randint(low, high + 1, (n,), generator=stream)
        left = torch.rand(n, generator=stream) < 0.5
        return torch.where(left, -amount, amount), none, none
    if isinstance(augmentation, Inversion):
        low, high = augmentation.min_length, augmentation.max_length
        amount = torch.randint(low, high + 1, (n,), generator=stream)
        return amount, torch.randint(length - high + 1, (n,), generator=stream), none
    if isinstance(augmentation, Mutation):
        count = round(augmentation.fraction / 0.75 * length)
        sites = torch.argsort(torch.rand(n, length, generator=stream))[:, :count]
        drawn = torch.zeros(n, length, dtype=torch.int64)
        if count:
            drawn.scatter_(1, sites, draw_letters(n, count, letters, stream))
        return none + count, none, drawn
    if isinstance(augmentation, ReverseComplement):
        turned = torch.rand(n, generator=stream) < augmentation.probability
        return turned.long(), none, none
    if isinstance(augmentation, Noise):
        shape = (n, letters, length)
        noise = torch.normal(augmentation.mean, augmentation.std, shape, generator=stream)
        return none, none, noise
    raise EugeneError(f"compat: EvoAug knows no {type(augmentation).__name__}; leave compat out")


class Replay:
    """Draw for a batch as the originals do: row after row.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    max_augs : int
    hard : bool
    seed : int
        Of both generators.
    length : {"pad_end", "keep"}
        ``"keep"`` for evoaug2.

    Raises
    ------
    EugeneError
        If an augmentation or a list is none of theirs.
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation],
        max_augs: int,
        hard: bool,
        seed: int,
        length: Length,
    ) -> None:
        self._augmentations, self._hard, self._length = list(augmentations), hard, length
        self._most = min(max_augs, len(augmentations))
        self._torch = torch.Generator().manual_seed(seed)
        self._numpy = np.random.RandomState(seed % (1 << 32))
        unknown = [
            a for a in augmentations if isinstance(a, ValueAugmentation) and type(a) is not Noise
        ]
        if unknown:
            raise EugeneError(f"compat: EvoAug knows no {type(unknown[0]).__name__}")
        insertions = sum(isinstance(a, Insertion) for a in augmentations)
        if insertions > 1 and length != "keep":
            raise EugeneError(
                f"compat='evoaug': {insertions} insertions make sequences of different lengths, at "
                "which EvoAug stops; leave compat out"
            )

    def _choices(self, n: int) -> list[list[int]]:
        def pick(number: int) -> list[int]:
            chosen = self._numpy.choice(len(self._augmentations), number, replace=False)
            return sorted(int(i) for i in chosen)

        if self._hard:
            return [pick(self._most) for _ in range(n)]
        if self._length == "keep":
            return [pick(int(self._numpy.randint(1, self._most + 1))) for _ in range(n)]
        numbers = self._numpy.randint(1, self._most + 1, (n,))
        return [pick(int(number)) for number in numbers]

    def __call__(self, lengths: torch.Tensor, letters: int) -> tuple[Drawn, Given]:
        """Draw for the rows of a batch.

        Parameters
        ----------
        lengths : torch.Tensor of int64, shape (n_rows,)
            All the same (bp).
        letters : int
            Size of the alphabet.

        Returns
        -------
        drawn : Drawn
        given : list of torch.Tensor
            What `eugene.augment._plan.maps` takes as given; noise as it is.

        Raises
        ------
        EugeneError
            If sequences differ in length.
        """
        n = len(lengths)
        if n and int(lengths.min()) != int(lengths.max()):
            raise EugeneError("compat: EvoAug reads sequences of one length; leave compat out")
        listed, keep = self._augmentations, self._length == "keep"
        grown = 0 if keep else max((a.added for a in listed), default=0)
        total = 0 if keep else sum(a.added for a in listed)
        width = (int(lengths[0]) if n else 0) + total
        zeros = [torch.zeros(n, dtype=torch.int64) for _ in listed]
        drawn = Drawn(
            [z > 0 for z in zeros], zeros, [z.clone() for z in zeros],
            [lengths + z for z in zeros], lengths * 0,
        )  # fmt: skip
        given = [_room(a, n, letters, width) for a in listed]
        given.append(torch.zeros(n, max(total, 1), dtype=torch.int64))
        choices = self._choices(n)
        for row, chosen in enumerate(choices):
            current = int(lengths[row])
            inserted = False
            for i, augmentation in enumerate(listed):
                drawn.before[i][row] = current
                if i not in chosen:
                    continue
                amount, start, made = draw_one(augmentation, 1, letters, current, self._torch)
                turned = not isinstance(augmentation, ReverseComplement) or bool(amount[0])
                drawn.selected[i][row] = turned
                drawn.amount[i][row], drawn.start[i][row] = amount[0], start[0]
                if made.ndim > 1:
                    given[i][row][..., : made.shape[-1]] = made[0]
                inserted = inserted or augmentation.added > 0
                current += 0 if keep else augmentation.added
            if not inserted and grown:
                given[-1][row, :grown] = draw_letters(1, grown, letters, self._torch)[0]
            drawn.missing[row] = int(lengths[row]) + total - current
        return drawn, given


def _room(augmentation: Augmentation, n: int, letters: int, width: int) -> torch.Tensor:
    """Return room for what is drawn for an augmentation."""
    if isinstance(augmentation, Noise):
        return torch.zeros(n, letters, width)
    columns = width if isinstance(augmentation, Mutation) else getattr(augmentation, "needed", 1)
    if isinstance(augmentation, Insertion):
        columns = max(augmentation.max_length, 1)
    return torch.zeros(n, columns, dtype=torch.int64)
