"""The rows that a network gets most wrong, kept while batches go by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.floating]


class Worst:
    """Keep what is needed of every row that may be among the worst in the end.

    Parameters
    ----------
    count : int
        How many are asked for.

    Examples
    --------
    >>> kept = Worst(1)
    >>> signal = np.zeros((3, 1, 2))
    >>> kept.add(np.arange(3), np.array([0.9, 0.5, 0.7]), np.array([1.0, 9.0, 8.0]), signal, signal)
    >>> [row for row, *_ in kept.chosen(least=5.0)], [row for row, *_ in kept.chosen()]
    ([2], [0])
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._off: NDArray[np.float64] = np.zeros(0)
        self._size: NDArray[np.float64] = np.zeros(0)
        self._signal: list[tuple[_Array, _Array]] = []

    def add(
        self,
        rows: NDArray[np.int64],
        off: NDArray[np.float64],
        size: NDArray[np.float64],
        observed: _Array,
        predicted: _Array,
    ) -> None:
        """Take rows in; those that cannot be among the worst at any least size are dropped.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)
            Their numbers.
        off : ndarray of float64, shape (n,)
            How wrong each is; NaN where that cannot be said.
        size : ndarray of float64, shape (n,)
            What a least value may be asked for of, such as counts.
        observed, predicted : ndarray of float, shape (n, ...)
            To be drawn.
        """
        there = np.flatnonzero(np.isfinite(off) & np.isfinite(size))
        self._rows = np.concatenate([self._rows, rows[there]])
        self._off = np.concatenate([self._off, off[there]])
        self._size = np.concatenate([self._size, size[there]])
        signal = self._signal + [(observed[i], predicted[i]) for i in there]
        # a row stays unless so many are as large and more wrong
        before = (self._off[:, None] > self._off) | (
            (self._off[:, None] == self._off) & (self._rows[:, None] < self._rows)
        )
        beaten = ((self._size[:, None] >= self._size) & before).sum(axis=0)
        kept = np.flatnonzero(beaten < self.count)
        self._rows, self._off, self._size = self._rows[kept], self._off[kept], self._size[kept]
        # copies: a row of a batch would keep all of it
        self._signal = [(np.array(signal[i][0]), np.array(signal[i][1])) for i in kept]

    def chosen(self, least: float = -np.inf) -> list[tuple[int, float, _Array, _Array]]:
        """Return the worst rows of at least a size, the worst first.

        Parameters
        ----------
        least : float
            Smallest size.

        Returns
        -------
        list of (int, float, ndarray, ndarray)
            Number of the row, how wrong it is, observed and predicted.
        """
        order = np.lexsort((self._rows, -self._off))
        large = [i for i in order if self._size[i] >= least][: self.count]
        return [(int(self._rows[i]), float(self._off[i]), *self._signal[i]) for i in large]
