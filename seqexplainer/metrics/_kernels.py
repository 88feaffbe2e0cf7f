"""Compiled loops over attribution maps; serial, and each row by itself."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

import seqpro.kernels  # noqa: F401  numba then runs without its cache where it must


@nb.njit(nogil=True, cache=True)
def column_norms(maps: NDArray[np.floating], correct: bool, out: NDArray[np.float64]) -> None:
    """Write the length of each column of maps (n, 4, L) into out (n, L).

    With correct, the mean over the letters is taken away first.
    """
    n, _, length = maps.shape
    for row in range(n):
        for at in range(length):
            a, c = np.float64(maps[row, 0, at]), np.float64(maps[row, 1, at])
            g, t = np.float64(maps[row, 2, at]), np.float64(maps[row, 3, at])
            mean = (a + c + g + t) / 4 if correct else 0.0
            a, c, g, t = a - mean, c - mean, g - mean, t - mean
            out[row, at] = np.sqrt(a * a + c * c + g * g + t * t)


@nb.njit(nogil=True, cache=True)
def count_blocks(
    norms: NDArray[np.float64],
    cuts: NDArray[np.float64],
    offsets: NDArray[np.int64],
    letters: NDArray[np.uint8],
    lookup: NDArray[np.uint8],
    k: int,
    buffer: int,
    out: NDArray[np.int64],
) -> tuple[int, int]:
    """Add the k-mers of high positions to out (4**k,); return blocks and letters in them.

    A position is high if its norm (n, L) is above the cut (n,) of its row, the norms read from
    an offset (n,) on as on a circle. A block goes from a high position to ``buffer`` positions
    behind the last one; one that would begin inside another is part of it, and those shorter than
    k do not count. K-mers with a letter whose code is not below 4 do not count either.
    """
    n, length = norms.shape
    blocks, total = 0, 0
    mask = 4**k - 1
    for row in range(n):
        cut, offset = cuts[row], offsets[row]
        last = -buffer - 1  # the last high position
        width, known, word = 0, 0, 0
        for at in range(length):
            place = at + offset
            if place >= length:
                place -= length
            if norms[row, place] > cut:
                if at - last > buffer:
                    width, known = 0, 0
                last = at
            elif at - last > buffer:
                continue
            code = lookup[letters[row, at]]
            word = ((word << 2) | (code & 3)) & mask
            width += 1
            known = known + 1 if code < 4 else 0
            if width == k:
                blocks += 1
                total += k
            elif width > k:
                total += 1
            if known >= k:
                out[word] += 1
    return blocks, total


@nb.njit(nogil=True, cache=True)
def radii(maps: NDArray[np.floating], k: int, third: float, radius: NDArray[np.float64]) -> None:
    """Write the lengths of the windows of maps (n, 4, L), as of `take`, into radius (n, L)."""
    length = maps.shape[2]
    columns, sums, places = np.empty((4, length)), np.empty((4, length)), np.empty((3, length))
    for row in range(len(maps)):
        _add_up(maps[row], k, third, columns, sums, places, radius[row])


@nb.njit(nogil=True, cache=True)
def take(
    maps: NDArray[np.floating],
    k: int,
    third: float,
    cuts: NDArray[np.float64],
    coordinates: NDArray[np.float64],
    radius: NDArray[np.float64],
    place: NDArray[np.int64],
) -> tuple[int, int]:
    """Write the windows of maps (n, 4, L) that are longer than the cut (n,) of their row.

    Coordinates (3, m), lengths (m,) and places (m,) of what is found stand at the beginning of
    the arrays. Returns how many there are, and how many maps hold nothing.
    """
    length = maps.shape[2]
    columns, sums, places = np.empty((4, length)), np.empty((4, length)), np.empty((3, length))
    lengths = np.empty(length)
    found, empty = 0, 0
    for row in range(len(maps)):
        if not _add_up(maps[row], k, third, columns, sums, places, lengths):
            empty += 1
        cut = cuts[row]
        for at in range(length):
            if lengths[at] > cut:
                coordinates[0, found] = places[0, at]
                coordinates[1, found] = places[1, at]
                coordinates[2, found] = places[2, at]
                radius[found] = lengths[at]
                place[found] = row * length + at
                found += 1
    return found, empty


@nb.njit(nogil=True, cache=True)
def _add_up(
    values: NDArray[np.floating],
    k: int,
    third: float,
    columns: NDArray[np.float64],
    sums: NDArray[np.float64],
    coordinates: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> bool:
    """Write sums of k corrected, scaled columns of a map (4, L), in three coordinates.

    The mean over the letters is taken away, the map divided by the sum of the lengths of its
    columns, and the columns of a position and the k - 1 behind it added, as on a circle. Into
    coordinates (3, L) goes the sum in a basis of the space without that mean, into radius (L,)
    its length; both are 0, and False is returned, where the map is 0 or not finite. ``third`` is
    what the second coordinate takes of the third letter: 1 for an orthonormal basis. The order of
    the operations is that of the original, so that equal windows are equal there and here.
    """
    length = values.shape[1]
    one, two, three = np.sqrt(2.0), np.sqrt(2.0 / 3.0), np.sqrt(3.0 / 4.0)
    for at in range(length):
        a, c = np.float64(values[0, at]), np.float64(values[1, at])
        g, t = np.float64(values[2, at]), np.float64(values[3, at])
        mean = (a + c + g + t) / 4
        a, c, g, t = a - mean, c - mean, g - mean, t - mean
        columns[0, at], columns[1, at], columns[2, at], columns[3, at] = a, c, g, t
        radius[at] = np.sqrt(a * a + c * c + g * g + t * t)
    size = 0.0
    for at in range(length):
        size += radius[at]
    if not 0 < size < np.inf:
        coordinates[:] = 0.0
        radius[:] = 0.0
        return False
    for letter in range(4):
        for at in range(length):
            columns[letter, at] /= size
        for at in range(length):
            sums[letter, at] = columns[letter, at]
        for step in range(1, k):
            for at in range(length - step):
                sums[letter, at] += columns[letter, at + step]
            for at in range(length - step, length):
                sums[letter, at] += columns[letter, at + step - length]
    for at in range(length):
        x, y, z, w = sums[0, at], sums[1, at], sums[2, at], sums[3, at]
        first = (y - x) / one
        second = two * (-x / 2 - y / 2 + third * z)
        last = three * (-(x + y + z) / 3 + w)
        coordinates[0, at] = first
        coordinates[1, at] = second
        coordinates[2, at] = last
        radius[at] = np.sqrt(first * first + second * second + last * last)
    return True
