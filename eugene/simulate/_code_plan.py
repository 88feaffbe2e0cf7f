"""Which motifs a row of the synthetic code has, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqpro.random import uniform

if TYPE_CHECKING:
    from seqpro.motifs import Motif

FEWEST, MOST = 3, 7
"""Motifs in a sequence."""
SHARES = (0.5, 0.25, 0.17, 0.05, 0.03)
"""How often a sequence has 3, 4, ... motifs."""
# one stream of random numbers for each decision
_COUNT, _MOTIF, _GAP, _LETTER, CHOICE = range(5)


@dataclass(frozen=True)
class Pool:
    """The motifs that rows are made of.

    Attributes
    ----------
    motifs : list of Motif
        Those that make positives first.
    n_core : int
        How many they are.
    n_release : int
        Number of motifs in the collection that they come from.
    """

    motifs: list[Motif]
    n_core: int
    n_release: int

    @property
    def matrices(self) -> list[NDArray[np.float64]]:
        """Probabilities float64 (4, width): each motif, and behind it its reverse complement."""
        forward = [motif.matrix / motif.matrix.sum(0) for motif in self.motifs]
        return [matrix for one in forward for matrix in (one, one[::-1, ::-1])]

    @property
    def widths(self) -> NDArray[np.int64]:
        """Widths of `matrices` in bp."""
        return np.repeat([motif.width for motif in self.motifs], 2).astype(np.int64)

    def sizes(self, label: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return how many of `matrices`, from the first on, rows of a label choose from."""
        return np.where(label == 1, 2 * self.n_core, 2 * len(self.motifs))


@dataclass(frozen=True)
class Plan:
    """What was drawn for each row.

    Attributes
    ----------
    label : ndarray of int8, shape (n,)
        1 for positives.
    chosen : ndarray of int64, shape (n, MOST)
        Numbers in the pool's matrices, -1 where there are no more.
    gaps : ndarray of int64, shape (n, MOST + 1)
        Letters before, between and behind the motifs in bp, 0 where there are no more.
    letters : ndarray of float64, shape (n, length)
        Uniform numbers from 0 to 1 that decide on the letters.
    split : ndarray of int8, shape (n,), or None
        Codes of seqdata's splits.
    """

    label: NDArray[np.int8]
    chosen: NDArray[np.int64]
    gaps: NDArray[np.int64]
    letters: NDArray[np.float64]
    split: NDArray[np.int8] | None = None


def planned(n: int, length: int, pool: Pool, seed: int) -> Plan:
    """Draw a plan whose rows are functions of the seed and their number.

    Parameters
    ----------
    n, length : int
        Rows, and their length in bp.
    pool : Pool
        What is chosen from.
    seed : int
        Of all draws.

    Returns
    -------
    Plan
    """
    rows = np.arange(n)
    label = (rows % 2).astype(np.int8)
    chosen = np.full((n, MOST), -1, np.int64)
    gaps = np.zeros((n, MOST + 1), np.int64)
    widths, slots, places = np.append(pool.widths, 0), np.arange(MOST), np.arange(MOST + 1)
    left, attempt = rows, 0
    while len(left):
        drawn = uniform(seed, _COUNT, left, attempt)[:, None]
        count = FEWEST + (drawn >= np.cumsum(SHARES)[:-1]).sum(1, keepdims=True)
        share = uniform(seed, _MOTIF, left[:, None], attempt, slots[None])
        number = (share * pool.sizes(label[left])[:, None]).astype(np.int64)
        chosen[left] = np.where(slots < count, number, -1)
        left, attempt = left[widths[chosen[left]].sum(1) >= length], attempt + 1
    spare = length - widths[chosen].sum(1)
    used = places <= (chosen >= 0).sum(1)[:, None]
    left, attempt = rows, 0
    while len(left):
        share = uniform(seed, _GAP, left[:, None], attempt, places[None]) * used[left]
        exact = share / share.sum(1, keepdims=True) * spare[left, None]
        gaps[left] = np.round(exact).astype(np.int64)
        left, attempt = left[gaps[left].sum(1) != spare[left]], attempt + 1
    letters = uniform(seed, _LETTER, rows[:, None], np.arange(length)[None])
    return Plan(label, chosen, gaps, letters)
