"""Compiled loops over attribution maps; serial, and each row by itself."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

import seqpro.kernels  # noqa: F401  numba then runs without its cache where it must

EXACT, ACME, EVEN = 0, 1, 2
"""Grids of angles: the paper's with pi as it is, its code's, and bins of one area."""
ACME_PI = 3.1416
"""What the original takes for pi."""
WIDTH = 0.1
"""Width of a bin of the paper, of angles up to pi."""


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
    low: NDArray[np.float64],
    high: float,
    begin: int,
    coordinates: NDArray[np.float64],
    radius: NDArray[np.float64],
    place: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Write the windows of maps (n, 4, L) that are longer than the bound (n,) of their row.

    Coordinates (3, m), lengths (m,) and places (m,) stand at the beginning of the arrays, those of
    windows that are not longer than the second bound at their end, the last one first. Places
    count from ``begin``. Returns the numbers of both, and how many maps hold nothing.
    """
    length = maps.shape[2]
    columns, sums, places = np.empty((4, length)), np.empty((4, length)), np.empty((3, length))
    lengths = np.empty(length)
    first, last, empty = 0, len(radius), 0
    for row in range(len(maps)):
        if not _add_up(maps[row], k, third, columns, sums, places, lengths):
            empty += 1
        bound = low[row]
        for at in range(length):
            size = lengths[at]
            if size > bound:
                if size > high:
                    to = first
                    first += 1
                else:
                    last -= 1
                    to = last
                coordinates[0, to] = places[0, at]
                coordinates[1, to] = places[1, at]
                coordinates[2, to] = places[2, at]
                radius[to] = size
                place[to] = begin + row * length + at
    return first, len(radius) - last, empty


@nb.njit(nogil=True, cache=True)
def bin_windows(
    coordinates: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    radius: NDArray[np.float64],
    grid: int,
    phi: NDArray[np.float64],
    theta: NDArray[np.float64],
    weights: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    """Write the angles of windows (n,), and add these to the bins of their angles.

    Weights (2, bins, bins) are the squared length and its square, counts (bins, bins) numbers.
    The grid is `EXACT`, `ACME` or `EVEN`.
    """
    n_bins = len(counts)
    for at in range(len(radius)):
        z, x, y = coordinates[0][at], coordinates[1][at], coordinates[2][at]
        r = radius[at]
        slope = min(max(z / r, -1.0), 1.0)
        around, down = np.arctan2(y, x), np.arccos(slope)
        if grid == ACME:
            around = ACME_PI / 2
            if x != 0:
                around = np.arctan(y / x)
            if x < 0:
                around += ACME_PI if y >= 0 else -ACME_PI
            around = around / 2 + ACME_PI / 2
        elif grid == EXACT:
            around = around / 2 + np.pi / 2
        if grid == EVEN:
            i = int((around + np.pi) / (2 * np.pi) * n_bins)
            j = int((1 - slope) / 2 * n_bins)
        else:
            i, j = int(around / WIDTH), int(down / WIDTH)
        i, j = min(max(i, 0), n_bins - 1), min(j, n_bins - 1)
        phi[at], theta[at] = around, down
        weights[0, i, j] += r * r
        weights[1, i, j] += r * r * r * r
        counts[i, j] += 1


@nb.njit(nogil=True, cache=True)
def row_quantiles(values: NDArray[np.float64], share: float, out: NDArray[np.float64]) -> None:
    """Write the quantile of each row (n, L), between neighbours as `numpy.quantile` does."""
    length = values.shape[1]
    exact = share * (length - 1)
    below = min(int(exact), length - 1)
    part = exact - below
    scratch = np.empty(length)
    for row in range(len(values)):
        known = True
        for at in range(length):
            scratch[at] = values[row, at]
            known &= scratch[at] == scratch[at]
        if not known:
            out[row] = np.nan
            continue
        low = _ranked(scratch, below)
        high = low
        if below + 1 < length:
            high = scratch[below + 1]
            for at in range(below + 2, length):
                high = min(high, scratch[at])
        step = high - low
        out[row] = high - step * (1 - part) if part >= 0.5 else low + step * part


@nb.njit(nogil=True, cache=True)
def _ranked(values: NDArray[np.float64], rank: int) -> float:
    """Return the value of a rank, from 0; smaller ones then stand before it, larger ones behind."""
    left, right = 0, len(values) - 1
    while left < right:
        a, b, c = values[left], values[(left + right) // 2], values[right]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            right = j
        elif rank >= i:
            left = i
        else:
            break
    return float(values[rank])


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
    size = _total(radius)
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


@nb.njit(nogil=True, cache=True)
def _total(values: NDArray[np.float64]) -> float:
    """Return the sum of values, four running sums at a time."""
    a = b = c = d = 0.0
    whole = len(values) // 4 * 4
    for at in range(0, whole, 4):
        a += values[at]
        b += values[at + 1]
        c += values[at + 2]
        d += values[at + 3]
    for at in range(whole, len(values)):
        a += values[at]
    return (a + b) + (c + d)
