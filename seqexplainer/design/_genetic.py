"""Genetic search: a population per start, and the front of several objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqexplainer.design._edits import DELETION, INSERTION, apply, from_codes
from seqexplainer.design._task import Found, Front, Task

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from seqexplainer.design._edits import Codes

_SHIFTED = 0.25


def breed(task: Task) -> Found:
    """Breed a population per start; the best of parents and children live on.

    With ``pareto`` those live on that are better in some objective, in the order of
    `sort_by_dominance`.
    """
    n, width = task.tapes.shape
    size, scorer, rngs = task.population, task.scorer, task.rngs()
    starts = np.repeat(task.tapes, size, axis=0)
    pool = np.repeat(task.tapes[:, None], size, axis=1)
    values = scorer.values(task.original)
    found = Found(task, scorer.merit(values).numpy(), scorer.score(values).numpy())
    values = values[:, None].expand(-1, size, *values.shape[1:]).clone()
    for r in task.steps():
        children = np.stack([_cross(pool[i], rngs[i], task) for i in range(n)])
        flat = children.reshape(-1, width)
        codes = flat[:, : task.length]
        original = starts[:, : task.length]
        broken = ~task.limits.satisfied(codes, original, task.edits(codes, starts))
        flat[broken] = pool.reshape(-1, width)[broken]
        reached = scorer.values(codes, np.repeat(np.arange(n), size)).reshape(values.shape)
        merit, score = scorer.merit(reached).numpy(), scorer.score(reached).numpy()
        best = np.arange(n), merit.argmax(axis=1)
        found.update(r + 1, children[best], merit[best], score[best])
        for i in range(n):
            both = np.concatenate([pool[i], children[i]])
            measured = values.new_empty((2 * size, *values.shape[2:]))
            measured[:size], measured[size:] = values[i], reached[i]
            kept = _survivors(both, measured, task)
            pool[i], values[i] = both[kept], measured[kept]
    if task.pareto:
        found.front = _front(pool[:, :, : task.length], values, task)
    return found


def _survivors(tapes: Codes, values: torch.Tensor, task: Task) -> NDArray[np.int64]:
    """Return the rows of the population to be, best first."""
    first = np.sort(np.unique(tapes[:, : task.length], axis=0, return_index=True)[1])
    if task.pareto:
        order = sort_by_dominance(task.scorer.gains(values[first]).numpy())[0]
    else:
        order = np.argsort(-task.scorer.merit(values[first]).numpy(), kind="stable")
    return np.asarray(np.resize(first[order[: task.population]], task.population))


def _cross(parents: Codes, rng: np.random.Generator, task: Task) -> Codes:
    """Return as many children as parents: one-point crossover and random edits."""
    size, length = len(parents), task.length
    place = np.arange(parents.shape[1])
    drawn = rng.integers(size, size=(4, size))
    mothers, fathers = np.minimum(drawn[0], drawn[1]), np.minimum(drawn[2], drawn[3])
    cut = rng.integers(1, max(length, 2), size=(size, 1))
    children = np.where(place < cut, parents[mothers], parents[fathers])
    hit = (rng.random((size, length)) < min(1.0, task.mutations / length)) & (
        children[:, :length] >= 0
    )
    turn = rng.integers(1, task.n_letters, size=(size, length))
    turned = (children[:, :length] + turn) % task.n_letters
    children[:, :length] = np.where(hit, turned, children[:, :length])
    for kind in [DELETION] * task.deletions + [INSERTION] * task.insertions:
        children = _shift(children, kind, rng, task)
    return np.asarray(children)


def _shift(tapes: Codes, kind: int, rng: np.random.Generator, task: Task) -> Codes:
    """Delete or insert one base in a quarter of the tapes."""
    size, begin = len(tapes), task.limits.shifts_from
    chosen = rng.random(size) < _SHIFTED
    position = rng.integers(begin, max(task.length, begin + 1), size=size)
    letter = rng.integers(task.n_letters, size=size)
    chosen = chosen & (position < task.length) & (tapes[np.arange(size), position] >= 0)
    return apply(tapes, np.where(chosen, kind, -1), position, letter)


def sort_by_dominance(
    gains: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort by non-domination, then by how lonely a row is within its front.

    Parameters
    ----------
    gains : ndarray of float64, shape (n, objectives)
        What is to be raised.

    Returns
    -------
    order : ndarray of int64, shape (n,)
        Rows, best first.
    rank : ndarray of int64, shape (n,)
        Number of the front of each row; 0 is dominated by none.

    References
    ----------
    Deb et al. 2002 (NSGA-II), doi:10.1109/4235.996017

    Examples
    --------
    >>> order, rank = sort_by_dominance(np.array([[1.0, 1.0], [0.0, 3.0], [2.0, 1.0], [3.0, 0.0]]))
    >>> rank.tolist(), int(order[-1])
    ([1, 0, 0, 0], 0)
    """
    left, right = gains[:, None], gains[None]
    beats = np.asarray((left >= right).all(axis=2) & (left > right).any(axis=2))
    rank = np.full(len(gains), -1)
    number = 0
    while (rank < 0).any():
        waiting = rank < 0
        rank[waiting & ~beats[waiting].any(axis=0)] = number
        number += 1
    crowding = np.zeros(len(gains))
    for front in range(number):
        rows = np.flatnonzero(rank == front)
        for column in gains[rows].T:
            order = np.argsort(column, kind="stable")
            gap = np.full(len(rows), np.inf)
            spread = np.ptp(column) or 1.0
            gap[order[1:-1]] = (column[order[2:]] - column[order[:-2]]) / spread
            crowding[rows] += gap
    return np.lexsort((-crowding, rank)), rank


def _front(pool: Codes, values: torch.Tensor, task: Task) -> Front:
    """Return the different designs of each start that none other beats."""
    codes, owner, numbers = [], [], []
    for i, windows in enumerate(pool):
        first = np.sort(np.unique(windows, axis=0, return_index=True)[1])
        gains = task.scorer.gains(values[i, first]).numpy()
        front = np.flatnonzero(sort_by_dominance(gains)[1] == 0)
        front = front[np.argsort(-gains[front, 0], kind="stable")]
        codes.append(windows[first[front]])
        owner.append(np.full(len(front), i))
        numbers.append(values[i, first[front]].mean(dim=1).numpy())
    sequences = from_codes(np.concatenate(codes), task.n_letters)
    return Front(sequences, np.concatenate(owner), np.concatenate(numbers))
