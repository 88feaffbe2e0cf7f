"""Reverse complement, windows and padding."""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._types import U1, Array, Number

VECTOR = np.uint64(128)
"""Bytes that the compiler handles per turn of an unrolled vector loop, at most."""
BLOCK = np.uint64(8192)
"""Bytes that are looked at before they are written; few enough for the first cache."""


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
    """Do what `complement_reversed` does for A, C, G and T or U, many bytes at a time.

    src and out are flat rows of the given length; letters are the four in upper case. Two
    letters that pair differ by the same bits both ways, so that an exclusive or swaps them and
    keeps the case; the second lowest bit tells C and G from the others. Rows are taken in
    blocks that stay in the cache, and a block that holds any other byte goes through the table.
    Checking first and writing afterwards makes two short loops, which vectorise better than one
    long one.

    Where memory allows, a row is rounded up to whole vectors: it then reads into its neighbours
    and writes into the rows after it, which are written later anyway.
    """
    total = np.uint64(src.size)
    length = np.uint64(length)
    rounded = (length + VECTOR - U1) // VECTOR * VECTOR
    block = max(U1, BLOCK // max(U1, length)) * length
    a, c, g, t = letters[0], letters[1], letters[2], letters[3]
    outer = np.uint8(a ^ t)
    inner = np.uint8(c ^ g)
    first = np.uint64(0)
    while first < total:
        last = min(first + block, total)
        other = np.uint8(0)
        for j in range(first, last):
            upper = np.uint8(src[j] & np.uint8(0xDF))
            strange = np.uint8(1)
            strange = np.uint8(0) if upper == a else strange
            strange = np.uint8(0) if upper == c else strange
            strange = np.uint8(0) if upper == g else strange
            strange = np.uint8(0) if upper == t else strange
            other = np.uint8(other | strange)
        for begin in range(first, last, length):
            end = begin + length
            if other:
                for j in range(length):
                    out[begin + j] = table[src[end - U1 - j]]
            else:
                inside = (end >= rounded) and (begin + rounded <= total)
                span = rounded if inside else length
                for j in range(span):
                    byte = src[end - U1 - j]
                    swap = inner if np.uint8(byte & np.uint8(2)) else outer
                    out[begin + j] = np.uint8(byte ^ swap)
        first = last


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
def slice_rows(
    src: Array, starts: Array, inner: Number, step: Number, width: Number, out: Array
) -> None:
    """Cut a window of width bytes out of each row of flat src into flat out.

    There are inner rows for each of starts, and the windows of these begin at step times it. As
    in `complement_reversed_4`, a window is rounded up to whole vectors where memory allows.
    """
    inner, step, width = np.uint64(inner), np.uint64(step), np.uint64(width)
    total, room = np.uint64(src.size), np.uint64(out.size)
    length = total // (np.uint64(starts.size) * inner)
    rounded = (width + VECTOR - U1) // VECTOR * VECTOR
    row = np.uint64(0)
    for i in range(np.uint64(starts.size)):
        offset = np.uint64(starts[i]) * step
        for _ in range(inner):
            begin = row * length + offset
            target = row * width
            inside = (begin + rounded <= total) and (target + rounded <= room)
            span = rounded if inside else width
            for j in range(span):
                out[target + j] = src[begin + j]
            row += U1


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
