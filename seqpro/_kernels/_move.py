"""Reverse complement, windows and padding."""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._types import U1, Array, Number

VECTOR = np.uint64(128)
"""Bytes that the compiler handles per turn of an unrolled vector loop, at most."""


@nb.njit(nogil=True, cache=True)
def complement_reversed(src: Array, table: Array, out: Array) -> None:
    """Write each row of src (n, L) backwards through a table of 256 letters."""
    n, length = np.uint64(src.shape[0]), np.uint64(src.shape[1])
    for i in range(n):
        for j in range(length):
            out[i, j] = table[src[i, length - U1 - j]]


@nb.njit(nogil=True, cache=True)
def complement_reversed_4(
    src: Array, length: Number, letters: Array, table: Array, out: Array
) -> None:
    """Do what `complement_reversed` does for four upper-case letters, several bytes at a time.

    src and out are flat rows of the given length. letters[3 - x] is the complement of
    letters[x]; two letters that pair differ by the same bits both ways, so that an exclusive or
    swaps them and keeps the case. A row that holds letters besides these and N is written
    through the table instead. Two short loops vectorise better than one long one.

    Where memory allows, a row is rounded up to whole vectors: it then reads into its neighbours
    and writes into the rows after it, which are written later anyway.
    """
    total = np.uint64(src.size)
    length = np.uint64(length)
    rounded = (length + VECTOR - U1) // VECTOR * VECTOR
    a, c, g, t = letters[0], letters[1], letters[2], letters[3]
    outer = np.uint8(a ^ t)
    inner = np.uint8(c ^ g)
    begin = np.uint64(0)
    while begin < total:
        end = begin + length
        inside = (end >= rounded) and (begin + rounded <= total)
        span = rounded if inside else length
        other = np.uint8(0)
        for j in range(span):
            upper = np.uint8(src[begin + j] & np.uint8(0xDF))
            strange = np.uint8(1)
            strange = np.uint8(0) if upper == a else strange
            strange = np.uint8(0) if upper == c else strange
            strange = np.uint8(0) if upper == g else strange
            strange = np.uint8(0) if upper == t else strange
            strange = np.uint8(0) if upper == np.uint8(78) else strange
            strange = np.uint8(0) if upper == np.uint8(0) else strange
            other = np.uint8(other | strange)
        for j in range(span):
            byte = src[end - U1 - j]
            upper = np.uint8(byte & np.uint8(0xDF))
            swap = np.uint8(0)
            swap = outer if upper == a else swap
            swap = outer if upper == t else swap
            swap = inner if upper == c else swap
            swap = inner if upper == g else swap
            out[begin + j] = np.uint8(byte ^ swap)
        if other:
            for j in range(length):
                out[begin + j] = table[src[end - U1 - j]]
        begin = end


@nb.njit(nogil=True, cache=True)
def reverse_rows(src: Array, out: Array) -> None:
    """Write each row of src (n, m) backwards."""
    n, m = np.uint64(src.shape[0]), np.uint64(src.shape[1])
    for i in range(n):
        source = src[i]
        target = out[i]
        for j in range(m):
            target[j] = source[m - U1 - j]


@nb.njit(nogil=True, cache=True)
def slice_rows(src: Array, starts: Array, out: Array) -> None:
    """Write out[i, r, :] = src[i, r, starts[i] : starts[i] + out.shape[2]]."""
    n, inner, width = np.uint64(out.shape[0]), np.uint64(out.shape[1]), np.uint64(out.shape[2])
    for i in range(n):
        begin = np.uint64(starts[i])
        for r in range(inner):
            for j in range(width):
                out[i, r, j] = src[i, r, begin + j]


@nb.njit(nogil=True, cache=True)
def align_rows(src: Array, sizes: Array, mode: Number, fill: Number, out: Array) -> None:
    """Pad or cut the first sizes[i] letters of each row of src to the width of out.

    mode is 0 to work on the left end, 1 on both, 2 on the right.
    """
    n, width = out.shape
    for i in range(n):
        size = sizes[i]
        spare = width - size
        skip = 0
        lead = 0
        if mode == 0:
            lead = spare
        elif mode == 1:
            lead = spare // 2 if spare >= 0 else -((-spare) // 2)
        if lead < 0:
            skip = -lead
            lead = 0
        for j in range(width):
            position = j - lead + skip
            if j >= lead and position < size:
                out[i, j] = src[i, position]
            else:
                out[i, j] = fill
