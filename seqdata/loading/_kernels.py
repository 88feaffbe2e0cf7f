"""Serial kernels that gather a batch: rows, window start and reverse complement in one pass.

Every kernel writes into an output the caller allocated, holds no lock (``nogil``) and uses one
thread: a batch is small, and a busy core would make a parallel loop wait for it.

A window of row ``r`` is ``source[r, ..., start:start + width]``. Where ``flip`` is set, the first
``used`` positions of the window are reversed and the rest (right padding) stays where it is.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(nogil=True, cache=True)
def gather_channels_first(
    source: NDArray[np.generic],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    flip: NDArray[np.bool_],
    used: NDArray[np.int64],
    partner: NDArray[np.int64],
    out: NDArray[np.generic],
) -> None:
    """Gather windows of tracks laid out ``(row, channel, position)``.

    Parameters
    ----------
    source : ndarray, shape (n, channels, width_in)
        Tracks, or one-hot sequences with the alphabet as channels.
    rows, starts : ndarray of int64, shape (b,)
        Row number and first position (bp) of each window.
    flip : ndarray of bool, shape (b,)
        Which windows to reverse.
    used : ndarray of int64, shape (b,)
        Positions of the window that hold data; only these are reversed.
    partner : ndarray of int64, shape (channels,)
        Channel that takes a channel's place on the other strand.
    out : ndarray, shape (b, channels, width)
        Receives the windows.
    """
    channels = out.shape[1]
    width = np.uint64(out.shape[2])
    one = np.uint64(1)
    for i in range(rows.shape[0]):
        row = rows[i]
        start = starts[i]
        end = np.uint64(used[i]) if flip[i] else np.uint64(0)
        for c in range(channels):
            chosen = partner[c] if flip[i] else c
            line = source[row, chosen][start : start + out.shape[2]]
            target = out[i, c]
            for j in range(end):
                target[j] = line[end - one - j]
            for j in range(end, width):
                target[j] = line[j]


@numba.njit(nogil=True, cache=True)
def gather_channels_last(
    source: NDArray[np.generic],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    flip: NDArray[np.bool_],
    used: NDArray[np.int64],
    partner: NDArray[np.int64],
    out: NDArray[np.generic],
) -> None:
    """Gather windows of tracks laid out ``(row, position, channel)``.

    Parameters
    ----------
    source : ndarray, shape (n, width_in, channels)
        Tracks, or one-hot sequences with the alphabet last.
    rows, starts, flip, used, partner
        As in `gather_channels_first`.
    out : ndarray, shape (b, width, channels)
        Receives the windows.
    """
    width = out.shape[1]
    channels = out.shape[2]
    for i in range(rows.shape[0]):
        block = source[rows[i]]
        start = starts[i]
        end = used[i] if flip[i] else 0
        for j in range(end):
            for c in range(channels):
                out[i, j, c] = block[start + end - 1 - j, partner[c]]
        for j in range(end, width):
            for c in range(channels):
                out[i, j, c] = block[start + j, c]


@numba.njit(nogil=True, cache=True)
def gather_values(
    source: NDArray[np.generic],
    rows: NDArray[np.int64],
    flip: NDArray[np.bool_],
    partner: NDArray[np.int64],
    out: NDArray[np.generic],
) -> None:
    """Gather rows of values without positions, laid out ``(row, channel)``.

    Parameters
    ----------
    source : ndarray, shape (n, channels)
        Values, for example one count a strand.
    rows : ndarray of int64, shape (b,)
        Row numbers.
    flip : ndarray of bool, shape (b,)
        Rows whose paired channels are swapped.
    partner : ndarray of int64, shape (channels,)
        Channel that takes a channel's place on the other strand.
    out : ndarray, shape (b, channels)
        Receives the rows.
    """
    channels = out.shape[1]
    for i in range(rows.shape[0]):
        row = rows[i]
        if flip[i]:
            for c in range(channels):
                out[i, c] = source[row, partner[c]]
        else:
            for c in range(channels):
                out[i, c] = source[row, c]
