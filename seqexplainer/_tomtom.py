"""TomTom: how alike motifs are, and how likely that is by chance.

Scores are minus the Euclidean distances of columns, less the median of the query's column, so that
a column without a partner counts 0 ("complete scores"); they are rounded to 100 steps. The columns
of all targets are the background: its distribution of the sum over a stretch of the query is a
convolution, and that of the best alignment follows from all stretches that a target of some length
can lie on. Probabilities are kept as those of the upper tail, so that small ones stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

import seqpro.kernels  # noqa: F401  numba then runs without its cache where it must

STEPS = 100
"""Into how many steps the scores of a query are rounded."""


class Alignments(NamedTuple):
    """The best alignment of each query with each target; every array is (queries, targets).

    Attributes
    ----------
    p_value : ndarray of float64
        Chance of an alignment at least as good, both strands included.
    score : ndarray of float64
        In steps; a column without a partner has that of the median.
    offset : ndarray of int64
        Where the query starts in the target.
    overlap : ndarray of int64
        Columns that lie on each other.
    reverse : ndarray of bool
        Whether the target was turned round.
    """

    p_value: NDArray[np.float64]
    score: NDArray[np.float64]
    offset: NDArray[np.int64]
    overlap: NDArray[np.int64]
    reverse: NDArray[np.bool_]


def compare(
    queries: Sequence[NDArray[np.float64]],
    targets: Sequence[NDArray[np.float64]],
    *,
    both_strands: bool,
) -> Alignments:
    """Compare motifs with motifs.

    Parameters
    ----------
    queries, targets : sequence of ndarray of float64, each of shape (A, width)
        Probabilities.
    both_strands : bool
        Turn targets round as well; of two strands that are as good, the first is reported.

    Returns
    -------
    Alignments

    References
    ----------
    Gupta et al. 2007, doi:10.1186/gb-2007-8-2-r24

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> known = [rng.dirichlet([0.2] * 4, 8).T for _ in range(30)]
    >>> found = compare([known[4][::-1, ::-1]], known, both_strands=True)
    >>> int(found.p_value.argmin()), bool(found.reverse[0, 4])
    (4, True)
    """
    strands = [*targets, *(t[::-1, ::-1] for t in targets)] if both_strands else list(targets)
    widths = np.array([t.shape[1] for t in strands])
    columns = np.concatenate(strands, axis=1)
    starts = np.concatenate([[0], np.cumsum(widths)])
    n = len(targets)
    shape = (len(queries), n)
    found = Alignments(
        np.empty(shape),
        np.empty(shape),
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
        np.zeros(shape, bool),
    )
    for row, query in enumerate(queries):
        steps, neutral, share = _rounded(query, columns)
        best = _best(steps, neutral, starts, _tails(share, neutral))
        p, score, offset, overlap = best[:n].T
        if both_strands:
            found.reverse[row] = best[n:, 1] > score
            score, offset, overlap = np.where(found.reverse[row], best[n:].T, best[:n].T)[1:]
            p = np.minimum(p, best[n:, 0])
            p = p * (2 - p)  # of the better of two
        found.p_value[row], found.score[row] = p, score
        found.offset[row], found.overlap[row] = offset, overlap
    return found


def _rounded(
    query: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.int64], int, NDArray[np.float64]]:
    """Return scores in steps (w, columns), the step of the median, and shares of steps (w, 101)."""
    raw = (-2 * query.T) @ columns
    raw += (query**2).sum(0)[:, None]
    raw += (columns**2).sum(0)
    raw = -np.sqrt(np.maximum(raw, 0, out=raw), out=raw)
    raw -= np.median(raw, axis=1)[:, None]
    least = np.floor(raw.min())  # whole numbers here and below, as in MEME
    span = raw.max() - least
    scale = max(np.floor(STEPS / span), 1.0) if span > 0 else 1.0
    raw -= least
    raw *= scale
    steps = np.rint(raw, out=raw).astype(np.int64)
    rows = np.arange(len(steps))[:, None] * (STEPS + 1)
    share = np.bincount((steps + rows).ravel(), minlength=len(steps) * (STEPS + 1))
    return steps, int(np.rint(-least * scale)), share.reshape(len(steps), -1) / steps.shape[1]


@nb.njit(cache=True, nogil=True)
def _tails(share: NDArray[np.float64], neutral: int) -> NDArray[np.float64]:
    """Return the chance to reach each score over each stretch of columns, (from, to, scores).

    Sums over a stretch are convolutions; columns outside it count the median.
    """
    n, steps = share.shape
    size = n * (steps + neutral)
    found = np.zeros((n, n, size))
    for first in range(n):
        sums = np.zeros(size)
        sums[0] = 1.0
        low, high = 0, 1  # where the sums are not zero
        for last in range(first, n):
            column = np.flatnonzero(share[last])
            least, width = column[0], column[-1] - column[0] + 1
            longer = np.zeros(size)
            for a in range(low, high):
                for b in range(width):
                    longer[a + least + b] += sums[a] * share[last, least + b]
            sums = longer
            low, high = low + least, high + least + width - 1
            shift = neutral * (n - 1 - last + first)
            tail = 0.0
            for a in range(high - 1, low - 1, -1):
                tail += sums[a]
                found[first, last, a + shift] = tail
            found[first, last, : low + shift] = tail
    return found


@nb.njit(cache=True, nogil=True)
def _best(
    steps: NDArray[np.int64],
    neutral: int,
    starts: NDArray[np.int64],
    tails: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return p-value, score, offset and overlap of the best alignment, (targets, 4).

    Of alignments that are as good, the one with the most columns, and of these the first. The best
    of all alignments counts as that of independent ones, as in the original.
    """
    n, targets = steps.shape[0], len(starts) - 1
    found = np.zeros((targets, 4))
    for t in range(targets):
        width = starts[t + 1] - starts[t]
        best, at, most = -1, 0, 0
        for shift in range(1 - width, n):  # the column of the query under the target's first
            left, right = max(shift, 0), min(shift + width, n)
            total = neutral * (n - right + left)
            for i in range(left, right):
                total += steps[i, starts[t] + i - shift]
            if total > best or (total == best and right - left > most):
                best, at, most = total, -shift, right - left
        missed = 0.0
        for shift in range(1 - width, n):
            tail = tails[max(shift, 0), min(shift + width, n) - 1, best]
            missed += np.log1p(-min(tail, 1.0)) if tail < 1.0 else -np.inf
        found[t, 0] = -np.expm1(missed)
        found[t, 1], found[t, 2], found[t, 3] = best, at, most
    return found
