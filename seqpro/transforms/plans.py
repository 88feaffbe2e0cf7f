"""What evolution-inspired augmentations do to each row: draws, and maps made of them.

The rules serve letters in NumPy (`seqpro.transforms.Evolve`) and batches on a device
(``eugene.augment``) alike: where a function says so, arrays are NumPy's or torch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqpro import _kernels, random
from seqpro._types import Sequences
from seqpro.alphabets import BaseAlphabet, NucleotideAlphabet
from seqpro.transforms.evolution import (
    LENGTHS,
    Augmentation,
    Length,
    ReverseComplement,
    Scope,
    Whole,
    between,
    grown,
)

SLOTS = 3
"""Draws for each augmentation: whether, how much, where."""


@dataclass(frozen=True)
class Drawn:
    """What was drawn for rows; one entry a row, one column an augmentation.

    Attributes
    ----------
    selected : list of bool arrays, each of shape (n_rows,)
        Whether the row is changed.
    amount, start : list of arrays of whole numbers, each of shape (n_rows,)
        How much and where.
    before : list of arrays of whole numbers, each of shape (n_rows,)
        How long (bp) the row is by then.
    missing : array of whole numbers, shape (n_rows,)
        Letters (bp) that are put at the ends of a row, so that all grow alike.
    """

    selected: list[Whole]
    amount: list[Whole]
    start: list[Whole]
    before: list[Whole]
    missing: Whole

    def part(self, begin: int, end: int, *, last: bool) -> Drawn:
        """Return what was drawn for some augmentations in a row, the last of all or not."""
        chosen = slice(begin, end)
        return Drawn(
            self.selected[chosen],
            self.amount[chosen],
            self.start[chosen],
            self.before[chosen],
            self.missing if last else self.missing * 0,
        )


def draw(
    augmentations: Sequence[Augmentation],
    uniforms: Whole,
    lengths: Whole,
    *,
    max_augs: int,
    hard: bool,
    length: Length,
) -> Drawn:
    """Turn uniform draws into what happens to each row.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        In the order in which they are applied.
    uniforms : array of float64, shape (n_rows, 1 + 3 * n_augmentations)
        In [0, 1): the number of augmentations, then for each whether, how much and where. NumPy
        or torch.
    lengths : array of float64, shape (n_rows,)
        How long the rows are (bp), of the same library.
    max_augs : int
        Augmentations a row: so many if ``hard``, otherwise 1 to so many.
    hard : bool
    length : {"pad_end", "pad_both", "keep"}
        Whether insertions make rows longer.

    Returns
    -------
    Drawn

    Examples
    --------
    >>> import numpy as np
    >>> from seqpro.transforms.evolution import Deletion, Mutation
    >>> uniforms = np.array([[0.0, 0.1, 0.5, 0.5, 0.9, 0.5, 0.5]])
    >>> drawn = draw([Deletion(), Mutation()], uniforms, np.array([50.0]), max_augs=1, hard=True,
    ...              length="pad_end")
    >>> [bool(s[0]) for s in drawn.selected], float(drawn.amount[0][0]), float(drawn.start[0][0])
    ([True, False], 10.0, 15.0)
    """
    n = len(augmentations)
    most = min(max_augs, n)
    keys = [uniforms[:, 1 + SLOTS * i] for i in range(n)]
    number = uniforms[:, 0] * 0 + most if hard else between(1, most, uniforms[:, 0])
    found = Drawn([], [], [], [], lengths * 0)
    current = lengths
    for i, augmentation in enumerate(augmentations):
        before = sum((keys[j] < keys[i]) * 1 for j in range(n) if j != i)
        chosen = before < number
        much, place = uniforms[:, 2 + SLOTS * i], uniforms[:, 3 + SLOTS * i]
        amount = augmentation.amount(much, place, current)
        if isinstance(augmentation, ReverseComplement):
            chosen = chosen & (amount > 0)
        found.selected.append(chosen)
        found.amount.append(amount)
        found.start.append(augmentation.start(place, current))
        found.before.append(current)
        if length != "keep":
            current = current + chosen * augmentation.added
    return replace(found, missing=lengths + grown(augmentations, length) - current)


def uniforms(
    seed: int, rows: NDArray[np.uint64], n_augmentations: int, scope: Scope
) -> NDArray[np.float64]:
    """Draw the uniform numbers that `draw` takes.

    Parameters
    ----------
    seed : int
        That of the epoch, as `seqpro.random.epoch_seed` gives it.
    rows : ndarray of uint64, shape (n_rows,)
        Identity of each row.
    n_augmentations : int
    scope : {"sequence", "batch-choice", "batch"}
        What rows of a batch share: nothing, the choice of augmentations, or all but the letters.
        The first row of a batch stands for the batch.

    Returns
    -------
    ndarray of float64, shape (n_rows, 1 + 3 * n_augmentations)

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.arange(4, dtype=np.uint64)
    >>> both = uniforms(0, rows, 2, "batch-choice")
    >>> both.shape, len(set(both[:, 0])), len(set(both[:, 2]))
    ((4, 7), 1, 4)
    """
    columns = np.arange(1 + SLOTS * n_augmentations, dtype=np.uint64)
    found = random.uniform(seed, rows[:, None], columns[None, :])
    return share(found, found[:1], scope)


def share(uniforms: Whole, first: Whole, scope: Scope) -> Whole:
    """Give rows what they share with the first row of their batch; see `uniforms`.

    Parameters
    ----------
    uniforms : array of float64, shape (n_rows, 1 + 3 * n_augmentations)
        Of NumPy or torch.
    first : array of float64, shape (1, 1 + 3 * n_augmentations)
        Of the first row.
    scope : {"sequence", "batch-choice", "batch"}

    Returns
    -------
    array of float64, shape (n_rows, 1 + 3 * n_augmentations)

    Examples
    --------
    >>> import numpy as np
    >>> share(np.array([[0.1] * 4, [0.2] * 4]), np.full((1, 4), 0.1), "batch-choice")[1].tolist()
    [0.1, 0.1, 0.2, 0.2]
    """
    if scope == "sequence" or len(uniforms) == 0:
        return uniforms
    if scope == "batch":
        return uniforms * 0 + first
    result = uniforms * 1
    result[:, :1] = first[:, :1]
    result[:, 1::SLOTS] = first[:, 1::SLOTS]
    return result


def maps(
    augmentations: Sequence[Augmentation],
    drawn: Drawn,
    lengths: NDArray[np.int64],
    states: NDArray[np.uint64],
    width: int,
    *,
    alphabet: BaseAlphabet,
    length: Length,
    first: int = 0,
) -> NDArray[np.int32]:
    """Return where each position of the changed rows comes from.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    drawn : Drawn
        Of NumPy.
    lengths : ndarray of int64, shape (n_rows,)
        How long the rows are (bp).
    states : ndarray of uint64, shape (n_rows,)
        Streams of the rows: ``seqpro.random.counter_seed(seed, rows)``.
    width : int
        Positions of the result.
    alphabet : BaseAlphabet
    length : {"pad_end", "pad_both", "keep"}
    first : int
        Place of the first augmentation in the list that was drawn for.

    Returns
    -------
    ndarray of int32, shape (n_rows, width)
        ``(source + 1) << 8 | complemented << 7 | (letter + 1)``; 0 behind the end of a row.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> from seqpro.transforms.evolution import Translocation
    >>> one = np.ones(1)
    >>> drawn = Drawn([one > 0], [one], [one - 1], [one * 3], one - 1)
    >>> state = np.zeros(1, np.uint64)
    >>> found = maps([Translocation()], drawn, np.array([3]), state, 3, alphabet=sp.DNA,
    ...              length="keep")
    >>> ((found >> 8) - 1).tolist()
    [[2, 0, 1]]
    """
    n, k = len(states), len(augmentations)
    found = np.empty((n, width), np.int32)
    partner = np.arange(len(alphabet), dtype=np.int64)

    def table(columns: list[Whole], dtype: type) -> NDArray[np.generic]:
        return np.stack(columns, axis=1).astype(dtype) if columns else np.empty((n, 0), dtype)

    _kernels.map_rows(
        np.array([a.kind for a in augmentations], np.int64).reshape(k),
        np.array([a.added for a in augmentations], np.int64).reshape(k),
        table(drawn.selected, np.bool_),
        table(drawn.amount, np.int64),
        table(drawn.start, np.int64),
        np.ascontiguousarray(lengths, np.int64),
        np.ascontiguousarray(states),
        partner[::-1].copy() if isinstance(alphabet, NucleotideAlphabet) else partner,
        LENGTHS.index(length),
        first,
        np.ascontiguousarray(drawn.missing, np.int64),
        found,
    )
    return found


def spell(
    plan: NDArray[np.int32], seqs: Sequences, alphabet: BaseAlphabet
) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    """Write the letters that maps point to.

    Parameters
    ----------
    plan : ndarray of int32, shape (n_rows, width)
        As `maps` makes them.
    seqs : ndarray of S1 or uint8 ASCII, shape (n_rows, length)
    alphabet : BaseAlphabet

    Returns
    -------
    ndarray of the same dtype, shape (n_rows, width)

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> plan = np.array([[2 << 8, 1 << 8 | 128, 4]], np.int32)
    >>> spell(plan, sp.cast_seqs(["AC"]), sp.DNA).tobytes()
    b'CTT'
    """
    array = np.ascontiguousarray(seqs)
    if isinstance(alphabet, NucleotideAlphabet):
        table = alphabet.complement_table
    else:
        table = np.arange(256, dtype=np.uint8)
    out = np.empty(plan.shape, np.uint8)
    letters = np.ascontiguousarray(alphabet.array).view(np.uint8)
    _kernels.spell_rows(plan, array.view(np.uint8), table, letters, out)
    return out.view(array.dtype)
