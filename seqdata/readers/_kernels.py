"""Compiled loops over bytes; serial and free of the GIL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def gather_lines(
    data: NDArray[np.uint8],
    origin: NDArray[np.int64],
    bases: NDArray[np.int64],
    width: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    lead: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Copy windows out of wrapped FASTA lines, without the line ends.

    Window ``i`` covers bases ``start[i]`` to ``stop[i]`` of a record whose first base is byte
    ``origin[i]`` of ``data`` and whose lines hold ``bases[i]`` letters in ``width[i]`` bytes. It
    goes to ``out[i, lead[i]:]``. Returns -1, or the first window in which a line does not end where
    the index says.
    """
    for i in range(start.shape[0]):
        per_line = bases[i]
        position = start[i]
        k = lead[i]
        while position < stop[i]:
            line = position // per_line
            column = position - line * per_line
            run = min(per_line - column, stop[i] - position)
            byte = origin[i] + line * width[i] + column
            for j in range(run):
                out[i, k + j] = data[byte + j]
            position += run
            k += run
            if position < stop[i]:
                behind = data[byte + run]
                if behind != 10 and behind != 13:
                    return i
    return -1


@nb.njit(nogil=True, cache=True)
def first_unknown(letters: NDArray[np.uint8], known: NDArray[np.bool_]) -> int:
    """Return the place of the first byte that is not known, or -1."""
    for i in range(letters.shape[0]):
        if not known[letters[i]]:
            return i
    return -1


@nb.njit(nogil=True, cache=True)
def replace_unknown(letters: NDArray[np.uint8], known: NDArray[np.bool_], wild: np.uint8) -> int:
    """Overwrite bytes that are not known; return how many there were."""
    count = 0
    for i in range(letters.shape[0]):
        if not known[letters[i]]:
            letters[i] = wild
            count += 1
    return count


@nb.njit(nogil=True, cache=True)
def pad_rows(flat: NDArray[np.uint8], lengths: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    """Lay sequences that stand one behind the other into the rows of a zeroed matrix."""
    k = 0
    for i in range(lengths.shape[0]):
        for j in range(lengths[i]):
            out[i, j] = flat[k + j]
        k += lengths[i]


@nb.njit(nogil=True, cache=True)
def turn_letters(
    rows: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    complement: NDArray[np.uint8],
) -> None:
    """Reverse-complement the chosen rows in place, each within its own length."""
    for i in range(rows.shape[0]):
        if not chosen[i]:
            continue
        left = 0
        right = lengths[i] - 1
        while left < right:
            a = complement[rows[i, left]]
            rows[i, left] = complement[rows[i, right]]
            rows[i, right] = a
            left += 1
            right -= 1
        if left == right:
            rows[i, left] = complement[rows[i, left]]
