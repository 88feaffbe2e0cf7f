"""Letters, codes and one-hot into each other."""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._types import Array

WORDS = np.uint64(1024)
"""One-hot positions that are checked before they are decoded; few enough for the first cache."""


@nb.njit(nogil=True, cache=True)
def gather(src: Array, table: Array, out: Array) -> None:
    """Write out[i] = table[src[i]] for flat uint8 src and a table of 256 entries."""
    for i in range(np.uint64(src.size)):
        out[i] = table[src[i]]


@nb.njit(nogil=True, cache=True, parallel=True)
def gather_parallel(src: Array, table: Array, out: Array) -> None:
    """Do what `gather` does on all threads."""
    for i in nb.prange(src.size):
        out[i] = table[src[i]]


@nb.njit(nogil=True, cache=True)
def gather_rows(src: Array, table: Array, out: Array) -> None:
    """Write out[i, :] = table[src[i], :] for flat uint8 src and a table (256, A)."""
    width = np.uint64(table.shape[1])
    for i in range(np.uint64(src.size)):
        code = src[i]
        for a in range(width):
            out[i, a] = table[code, a]


@nb.njit(nogil=True, cache=True)
def gather_planes(src: Array, table: Array, out: Array) -> None:
    """Write out[i, a, j] = table[src[i, j], a] for uint8 src (n, m) and a table (256, A)."""
    n, width, m = out.shape
    for i in range(n):
        for a in range(width):
            for j in range(m):
                out[i, a, j] = table[src[i, j], a]


@nb.njit(nogil=True, cache=True)
def letter_planes(letters: Array, upper: Array, lower: Array, out: Array) -> None:
    """One-hot encode letters (n, m) into out (n, A, m).

    Row a marks the bytes upper[a] and lower[a]. Comparisons need no table, so that 32 letters or
    more are encoded by one instruction, and a row of letters is read from the first cache.
    """
    n, width, m = out.shape
    for i in range(n):
        for a in range(width):
            big, small = upper[a], lower[a]
            for j in range(m):
                letter = letters[i, j]
                out[i, a, j] = np.uint8(np.uint8(letter == big) | np.uint8(letter == small))


@nb.njit(nogil=True, cache=True)
def decode_words(src: Array, letters: Array, out: Array) -> None:
    """Decode one-hot positions of four bytes, read as little-endian uint32.

    letters holds the four letters and, last, the one for an empty position. The last base that
    is set wins.

    A product decodes a word that is 0 or has one byte of 1: with the letters packed in reverse,
    its top byte is the letter of that byte. The exclusive or with the letter for an empty
    position, done before and undone after, covers 0. Blocks with any other word take
    comparisons.
    """
    a, c, g, t, unknown = letters[0], letters[1], letters[2], letters[3], letters[4]
    packed = np.uint32(0)
    for i in range(np.uint64(4)):
        packed = np.uint32((packed << np.uint32(8)) | np.uint32(letters[i] ^ unknown))
    size = np.uint64(src.size)
    begin = np.uint64(0)
    while begin < size:
        end = min(begin + WORDS, size)
        several = np.uint32(0)
        seen = np.uint32(0)
        for i in range(begin, end):
            word = np.uint32(src[i])
            several = np.uint32(several | np.uint32(word & np.uint32(word - np.uint32(1))))
            seen = np.uint32(seen | word)
        if np.uint32(several | np.uint32(seen & np.uint32(0xFEFEFEFE))):
            for i in range(begin, end):
                word = src[i]
                low = unknown if word == np.uint32(0) else a
                low = low if word < np.uint32(1 << 8) else c
                high = g if word < np.uint32(1 << 24) else t
                out[i] = low if word < np.uint32(1 << 16) else high
        else:
            for i in range(begin, end):
                product = np.uint32(np.uint32(src[i]) * packed)
                out[i] = np.uint8(np.uint8(product >> np.uint32(24)) ^ unknown)
        begin = end


@nb.njit(nogil=True, cache=True)
def decode_last(src: Array, letters: Array, out: Array) -> None:
    """Decode one-hot (n, A) into out (n,); letters has A + 1 entries."""
    n, width = src.shape
    for i in range(n):
        best = width
        for a in range(width):
            if src[i, a] != 0:
                best = a
        out[i] = letters[best]


@nb.njit(nogil=True, cache=True)
def decode_planes(src: Array, letters: Array, out: Array) -> None:
    """Decode one-hot (n, A, m) into out (n, m); letters has A + 1 entries."""
    n, width, m = src.shape
    for i in range(n):
        for j in range(m):
            out[i, j] = letters[width]
        for a in range(width):
            letter = letters[a]
            for j in range(m):
                if src[i, a, j] != 0:
                    out[i, j] = letter


@nb.njit(nogil=True, cache=True)
def encode_planes(codes: Array, out: Array) -> None:
    """One-hot encode codes (n, m) into out (n, A, m)."""
    n, width, m = out.shape
    for i in range(n):
        for a in range(width):
            plane = np.uint8(a)
            for j in range(m):
                out[i, a, j] = np.uint8(codes[i, j] == plane)
