"""Evolution-inspired changes of rows as maps from new positions to old ones.

An entry of a map is an int32: ``(source + 1) << 8 | complemented << 7 | (letter + 1)``. Zero is a
place behind the end of a row; no source is a letter that was put in; a letter beside a source
stands in its place. A letter is turned to its partner too where the place is complemented.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._random import combine
from seqpro._kernels._types import Array, Number

DELETION, INSERTION, TRANSLOCATION, INVERSION, MUTATION, REVERSE = 0, 1, 2, 3, 4, 5
PAD_END, PAD_BOTH, KEEP = 0, 1, 2
LETTERS, SITES, PADDING = 1 << 20, 1 << 21, 1 << 22
"""Counters of the streams of letters, of mutated sites and of letters at the ends."""

_FLIP = np.int32(128)
_UNIT = 1.0 / 9007199254740992.0


@nb.njit(nogil=True, cache=True)
def _letter(stream: Number, position: Number, n_letters: Number) -> Number:
    """Draw a letter for a position: its number plus one."""
    bits = combine(stream, np.uint64(position)) >> np.uint64(11)
    return np.int32(np.int64(np.float64(bits) * _UNIT * n_letters) + 1)


@nb.njit(nogil=True, cache=True)
def _mutate(
    row: Array, length: Number, count: Number, state: Number, op: Number, partner: Array
) -> None:
    """Put a drawn letter at the ``count`` places whose keys are smallest."""
    n_letters = partner.size
    sites = combine(state, np.uint64(SITES + op))
    stream = combine(state, np.uint64(LETTERS + op))
    keys = np.empty(length, np.int64)
    for p in range(length):
        keys[p] = np.int64(combine(sites, np.uint64(p)) >> np.uint64(1))
    last = np.partition(keys, count - 1)[count - 1]
    for p in range(length):
        if keys[p] <= last:
            drawn = _letter(stream, p, n_letters)
            if row[p] & _FLIP:  # a complemented place shows the partner of what it holds
                drawn = np.int32(partner[drawn - 1] + 1)
            row[p] = (row[p] & np.int32(-128)) | drawn


@nb.njit(nogil=True, cache=True)
def map_rows(
    kinds: Array,
    largest: Array,
    selected: Array,
    amount: Array,
    start: Array,
    lengths: Array,
    states: Array,
    partner: Array,
    mode: Number,
    first: Number,
    missing: Array,
    out: Array,
) -> None:
    """Write the map of each row.

    kinds and largest (K,) int64 tell what is done and the longest insertion; selected (N, K),
    amount (N, K) and start (N, K) what was drawn; lengths (N,) how long the rows are; states (N,)
    uint64 their streams; partner (A,) the partner of each letter; first the place of the first
    augmentation in the whole list; missing (N,) the letters that are put at the ends afterwards;
    out is (N, positions) int32.
    """
    n, width = out.shape
    old, new = np.zeros(width, np.int32), np.zeros(width, np.int32)
    n_letters = partner.size
    for i in range(n):
        current = lengths[i]
        old[:] = 0
        for p in range(current):
            old[p] = np.int32((p + 1) << 8)
        for k in range(kinds.size):
            kind = kinds[k]
            if not selected[i, k]:
                continue
            size, place = amount[i, k], start[i, k]
            stream = combine(states[i], np.uint64(LETTERS + first + k))
            if kind == MUTATION:
                if size > 0:
                    _mutate(old, current, size, states[i], first + k, partner)
                continue
            if kind == INVERSION:
                for p in range(size):
                    new[p] = old[place + size - 1 - p] ^ _FLIP
                for p in range(size):
                    old[place + p] = new[p]
                continue
            after = current
            if kind == DELETION:
                front = size // 2
                for p in range(current):
                    q = p - front
                    if q < 0 or p >= current - (size - front):
                        new[p] = _letter(stream, p, n_letters)
                    else:
                        new[p] = old[q if q < place else q + size]
            elif kind == INSERTION:
                front = -(size // 2) if mode == KEEP else (largest[k] - size) // 2
                after = current if mode == KEEP else current + largest[k]
                for p in range(after):
                    q = p - front
                    if q < 0 or place <= q < place + size or q >= current + size:
                        new[p] = _letter(stream, p, n_letters)
                    else:
                        new[p] = old[q if q < place else q - size]
            elif kind == TRANSLOCATION:
                for p in range(current):
                    new[p] = old[(p - size) % current]
            else:
                for p in range(current):
                    new[p] = old[current - 1 - p] ^ _FLIP
            current = after
            old, new = new, old
        front = missing[i] // 2 if mode == PAD_BOTH else 0
        stream = combine(states[i], np.uint64(PADDING))
        total = current + missing[i]
        for p in range(width):
            q = p - front
            if p >= total:
                out[i, p] = 0
            elif 0 <= q < current:
                out[i, p] = old[q]
            else:
                out[i, p] = _letter(stream, p, n_letters)


@nb.njit(nogil=True, cache=True)
def spell_rows(maps: Array, src: Array, table: Array, letters: Array, out: Array) -> None:
    """Write the letters of rows that maps point to; table (256,) holds the partner of a byte."""
    n, width = maps.shape
    for i in range(n):
        for p in range(width):
            entry = maps[i, p]
            drawn = entry & np.int32(127)
            if entry == 0:
                byte = np.uint8(0)
            elif drawn:
                byte = letters[drawn - 1]
            else:
                byte = src[i, (entry >> 8) - 1]
            out[i, p] = table[byte] if entry & _FLIP else byte


@nb.njit(nogil=True, cache=True)
def move_planes(maps: Array, src: Array, out: Array) -> None:
    """Write one-hot rows that maps point to: src (N, A, L) and out (N, A, positions) floats."""
    n, letters, width = out.shape
    for i in range(n):
        for a in range(letters):
            other = letters - 1 - a
            for p in range(width):
                entry = maps[i, p]
                row = other if entry & _FLIP else a
                drawn = entry & np.int32(127)
                if drawn:
                    out[i, a, p] = drawn - 1 == row
                elif entry:
                    out[i, a, p] = src[i, row, (entry >> 8) - 1]
                else:
                    out[i, a, p] = 0


@nb.njit(nogil=True, cache=True)
def draw_pairs(streams: Array, first: Array, second: Array) -> None:
    """Write two numbers of 24 bits for each row (N,) uint64 and place, as floats in (0, 1)."""
    n, count = first.shape
    unit = np.float32(1.0 / 16777216.0)
    for i in range(n):
        for j in range(count):
            bits = combine(streams[i], np.uint64(j))
            first[i, j] = (np.float32(bits >> np.uint64(40)) + np.float32(0.5)) * unit
            second[i, j] = np.float32(bits & np.uint64(0xFFFFFF)) * unit
