"""Lengths, composition, k-mers, codons."""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._types import U0, U1, Array, Number


@nb.njit(nogil=True, cache=True)
def effective_lengths(rows: Array, out: Array) -> None:
    """Count the bytes of each row (n, L) up to the last that is not NUL."""
    n, length = rows.shape
    for i in range(n):
        end = length
        while end > 0 and rows[i, end - 1] == 0:
            end -= 1
        out[i] = end


@nb.njit(nogil=True, cache=True)
def count_codes(rows: Array, lookup: Array, out: Array) -> None:
    """Count the codes of each row (n, L) into out (n, A + 1); the last column is the rest."""
    n, length = rows.shape
    for i in range(n):
        for j in range(length):
            out[i, lookup[rows[i, j]]] += 1


@nb.njit(nogil=True, cache=True)
def count_kmers(
    rows: Array, lookup: Array, n_letters: Number, k: Number, canonical: bool, out: Array
) -> None:
    """Count the k-mers of each row (n, L) into out (m, A**k); m is n, or 1 to pool the rows.

    A k-mer that holds a letter outside the alphabet is not counted. With canonical, a k-mer and
    its reverse complement both count for the smaller of the two.
    """
    n, length = np.uint64(rows.shape[0]), np.uint64(rows.shape[1])
    letters = np.uint64(n_letters)
    top = U1
    for _ in range(k - 1):
        top *= letters
    size = np.uint64(k)
    pooled = out.shape[0] == 1
    if n_letters == 4 and not canonical:
        _count_kmers_4(rows, lookup, size, pooled, out)
        return
    for i in range(n):
        target = out[U0] if pooled else out[i]
        forward = U0
        backward = U0
        run = U0
        for j in range(length):
            code = np.uint64(lookup[rows[i, j]])
            if code == letters:
                run = U0
                forward = U0
                backward = U0
            else:
                forward = (forward % top) * letters + code
                run += U1
                if canonical:
                    backward = backward // letters + (letters - U1 - code) * top
                if run >= size:
                    target[min(forward, backward) if canonical else forward] += 1


@nb.njit(nogil=True, cache=True)
def _count_kmers_4(rows: Array, lookup: Array, size: Number, pooled: bool, out: Array) -> None:
    """Count k-mers of four letters; a k-mer is a number of two bits a letter."""
    n, length = np.uint64(rows.shape[0]), np.uint64(rows.shape[1])
    four, two = np.uint64(4), np.uint64(2)
    mask = (U1 << (two * size)) - U1
    for i in range(n):
        row = rows[i]
        target = out[U0] if pooled else out[i]
        word = U0
        run = U0
        for j in range(length):
            code = np.uint64(lookup[row[j]])
            word = ((word << two) | (code & np.uint64(3))) & mask
            run = run + U1 if code < four else U0
            if run >= size:
                target[word] += 1


@nb.njit(nogil=True, cache=True)
def list_kmers(
    rows: Array,
    lookup: Array,
    n_letters: Number,
    k: Number,
    seen: Array,
    offsets: Array,
    out: Array,
) -> None:
    """Count for each k-mer the rows (n, L) that hold it, or where ``out`` has room, list them.

    Counting adds to ``offsets`` (A**k + 1,) one place later, so that their running sum says where
    the list of a k-mer begins; listing moves them on by what is written. ``seen`` (A**k,) is -1.
    """
    n, length = rows.shape
    top = 1
    for _ in range(k - 1):
        top *= n_letters
    for i in range(n):
        word, run = 0, 0
        for j in range(length):
            code = np.int64(lookup[rows[i, j]])
            if code >= n_letters:
                word, run = 0, 0
                continue
            word = (word % top) * n_letters + code
            run += 1
            if run < k or seen[word] == i:
                continue
            seen[word] = i
            if out.size:
                out[offsets[word]] = i
                offsets[word] += 1
            else:
                offsets[word + 1] += 1


@nb.njit(nogil=True, cache=True)
def translate_rows(
    rows: Array, lookup: Array, table: Array, size: int, truncate_stop: bool, out: Array
) -> None:
    """Read each row (n, L) in words of size letters through a table into out (n, L // size).

    With truncate_stop everything after the first ``*`` of a row becomes 0.
    """
    n, n_words = out.shape
    base = np.int64(lookup[0]) + 1
    for i in range(n):
        stopped = False
        for w in range(n_words):
            number = np.int64(0)
            for j in range(size):
                number = number * base + np.int64(lookup[rows[i, w * size + j]])
            letter = table[number]
            out[i, w] = np.uint8(0) if stopped else letter
            if truncate_stop and letter == np.uint8(42):
                stopped = True
