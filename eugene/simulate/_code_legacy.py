"""The synthetic code as its published generator draws it, from one stream of random numbers.

The generator is a notebook of https://github.com/p-koo/exponential_activations that draws from
NumPy's global state; what is drawn when is the same here, from a generator of its own.
"""

from __future__ import annotations

import numpy as np

from eugene.simulate._code_plan import FEWEST, MOST, SHARES, Plan, Pool

# of a permutation of the collection, so many are looked at, some struck off, and so many kept
_LOOKED_AT, _STRUCK_OFF, _KEPT = 65, {4, 5, 12, 15, 17, 18, 20, 36, 42, 60}, 50
_SPLIT_SHARES = (0.7, 0.1, 0.2)


def drawn_background(seed: int, n_release: int) -> list[int]:
    """Return the motifs of the background, in their order.

    Parameters
    ----------
    seed : int
        Of the generator.
    n_release : int
        Number of motifs in the collection.

    Returns
    -------
    list of int
        Numbers in the collection. The generator keeps them in a set, so the order is that in
        which Python walks over a set of integers.
    """
    looked_at = np.random.RandomState(seed).permutation(n_release)[:_LOOKED_AT].tolist()
    return list(set(looked_at) - _STRUCK_OFF)[:_KEPT]


def replayed(n: int, length: int, pool: Pool, seed: int) -> Plan:
    """Draw the plan that the published generator draws.

    Parameters
    ----------
    n, length : int
        Rows, and their length in bp.
    pool : Pool
        What is chosen from.
    seed : int
        Of the generator.

    Returns
    -------
    Plan
        Rows of training, validation and test in the order of the published file.
    """
    source = np.random.RandomState(seed)
    source.permutation(pool.n_release)
    widths = pool.widths
    # the last share does not matter there: what is above the one before has the most motifs
    upper = np.cumsum((0.0, *SHARES[:-1]))
    label = (np.arange(n) < n // 2).astype(np.int8)
    chosen = np.full((n, MOST), -1, np.int64)
    gaps = np.zeros((n, MOST + 1), np.int64)
    letters = np.empty((n, length))
    for row, size in enumerate(pool.sizes(label).tolist()):
        spare = 0
        while spare < 1:
            count = FEWEST - 1 + int((source.rand() > upper).sum())
            number = source.randint(size, size=count, dtype=np.int64)
            spare = length - int(widths[number].sum())
        chosen[row, :count] = number
        gap = np.zeros(0)
        while gap.sum() != spare:
            share = source.uniform(0, 2, size=count + 1)
            # added up one by one: pairwise sums round differently
            gap = np.round(share / sum(share) * spare)
        gaps[row, : count + 1] = gap
        letters[row] = source.uniform(0, 1, length)
    order = source.permutation(n)
    ends = np.cumsum(np.multiply(_SPLIT_SHARES, n)).astype(int)
    order = order[: ends[-1]]
    split = np.searchsorted(ends, np.arange(len(order)), side="right").astype(np.int8)
    return Plan(label[order], chosen[order], gaps[order], letters[order], split)
