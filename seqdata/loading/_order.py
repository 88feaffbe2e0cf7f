"""The order in which a loader visits rows, and what it draws for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqdata.errors import SeqdataError
from seqpro.random import counter_seed

_DRAWN_AT_ONCE = 65_536

Draws = tuple[NDArray[np.int64] | None, NDArray[np.bool_] | None]
Order = Sequence[int] | NDArray[np.integer] | Iterable[int]


@dataclass(frozen=True)
class Segment:
    """Rows visited one after the other, and the stored blocks that hold them."""

    blocks: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """Visiting order of one epoch: segments, where batches end, and rows that another rank has."""

    epoch: int
    segments: tuple[Segment, ...]
    starts: NDArray[np.int64]
    bounds: NDArray[np.int64]
    repeated: NDArray[np.int64]

    def rows(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the rows between two places of the epoch."""
        first = int(np.searchsorted(self.starts, begin, side="right")) - 1
        segment = self.segments[first].rows
        low = begin - int(self.starts[first])
        if low + end - begin <= len(segment):
            return segment[low : low + end - begin]
        last = int(np.searchsorted(self.starts, end, side="left"))
        rows = np.concatenate([s.rows for s in self.segments[first:last]])
        return rows[low : low + end - begin]

    def segment_of(self, batch: int) -> int:
        """Return the segment that holds the first row of a batch."""
        place = self.bounds[min(batch, len(self.bounds) - 1)]
        return max(0, int(np.searchsorted(self.starts, place, side="right")) - 1)


def hashed_order(rows: NDArray[np.int64], *counters: int) -> NDArray[np.int64]:
    """Return rows in a random order that depends on the counters and the row numbers only.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Row numbers.
    *counters : int
        Seed first, then whatever names the draw.

    Returns
    -------
    ndarray of int64, shape (n,)
        The rows, permuted.

    Examples
    --------
    >>> sorted(hashed_order(np.arange(5), 0, 1).tolist())
    [0, 1, 2, 3, 4]
    """
    keys = counter_seed(counters[0], *counters[1:], rows)
    # distinct rows have distinct keys, so the kind of sorting makes no difference
    order = np.argsort(keys)
    ranked = keys[order]
    if (ranked[1:] == ranked[:-1]).any():
        # a row that comes more than once has a place for each time
        first = np.maximum.accumulate(
            np.where(np.concatenate([[True], ranked[1:] != ranked[:-1]]), np.arange(len(rows)), 0)
        )
        times = np.empty(len(rows), np.int64)
        times[order] = np.arange(len(rows)) - first
        order = np.argsort(counter_seed(counters[0], *counters[1:], rows, times))
    return rows[order]


class DrawnRows:
    """Shifts and strands of the rows of a segment, drawn for many batches at a time.

    Parameters
    ----------
    draw : callable
        Draws for an epoch and rows.
    epoch : int
        Number of the epoch.
    rows : ndarray of int64, shape (n,)
        Rows in the order they are visited.
    """

    def __init__(
        self, draw: Callable[[int, NDArray[np.int64]], Draws], epoch: int, rows: NDArray[np.int64]
    ) -> None:
        self.rows = rows
        self._draw = draw
        self._epoch = epoch
        self._span = slice(0, 0)
        self._drawn: Draws = (None, None)

    def of(self, rows: slice) -> Draws:
        """Return the draws of some places of the segment."""
        if rows.start < self._span.start or rows.stop > self._span.stop:
            stop = max(rows.stop, min(rows.start + _DRAWN_AT_ONCE, len(self.rows)))
            self._span = slice(rows.start, stop)
            self._drawn = self._draw(self._epoch, self.rows[self._span])
        part = slice(rows.start - self._span.start, rows.stop - self._span.start)
        shift, flip = self._drawn
        return None if shift is None else shift[part], None if flip is None else flip[part]


def as_rows(values: Order, n: int) -> NDArray[np.int64]:
    """Return row numbers as int64, after a check that they are in range.

    Parameters
    ----------
    values : iterable of int, or mask of bool, shape (n,)
        Rows.
    n : int
        Number of rows there are.

    Returns
    -------
    ndarray of int64, shape (b,)
        The rows.

    Raises
    ------
    SeqdataError
        For rows out of range, or what is no row number.
    """
    rows = np.asarray(values if isinstance(values, np.ndarray) else list(values))
    if rows.dtype == bool:
        if rows.shape != (n,):
            raise SeqdataError(f"a mask of {rows.shape} does not fit {n} rows.")
        rows = np.flatnonzero(rows)
    if rows.size and rows.dtype.kind not in "iu":
        raise SeqdataError(f"row numbers are of type {rows.dtype}: expected whole numbers.")
    rows = rows.astype(np.int64).reshape(-1)
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        bad = int(rows[(rows < 0) | (rows >= n)][0])
        raise SeqdataError(f"row {bad} is outside the dataset, which has rows 0 to {n - 1}.")
    return rows
