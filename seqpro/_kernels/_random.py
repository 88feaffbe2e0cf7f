"""Counter-based random numbers and content hashes.

Kernels in other files have these compiled in, and numba's cache notices a change of a kernel's
own file only: clear ``__pycache__`` after a change here.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._types import GOLDEN, LOW_32, S32, U0, U1, Array, Number

MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
S27, S30, S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@nb.njit(nogil=True, cache=True)
def mix64(x: Number) -> Number:
    """Scramble one uint64 (the finaliser of splitmix64)."""
    z = np.uint64(x)
    z = (z ^ (z >> S30)) * MIX_1
    z = (z ^ (z >> S27)) * MIX_2
    return z ^ (z >> S31)


@nb.njit(nogil=True, cache=True)
def combine(state: Number, counter: Number) -> Number:
    """Fold one counter into a state; the order of the counters matters."""
    return mix64(np.uint64(state) ^ mix64(np.uint64(counter) + GOLDEN))


@nb.njit(nogil=True, cache=True)
def nth(stream: Number, place: Number) -> Number:
    """Return the 64 bits at a place of a stream: one mix, where `combine` takes two."""
    return mix64(stream + np.uint64(place) * GOLDEN)


@nb.njit(nogil=True, cache=True)
def below(state: Number, bound: Number) -> tuple[Number, Number]:
    """Return the next state and an exactly uniform integer in [0, bound), bound < 2**32."""
    state = state + GOLDEN
    product = (mix64(state) >> S32) * bound
    low = product & LOW_32
    if low < bound:
        threshold = ((LOW_32 - bound) + U1) % bound
        while low < threshold:
            state = state + GOLDEN
            product = (mix64(state) >> S32) * bound
            low = product & LOW_32
    return state, product >> S32


@nb.njit(nogil=True, cache=True)
def draw_below(seed_state: Number, row_ids: Array, bound: Number, out: Array) -> None:
    """Write one integer in [0, bound) for each row id."""
    for i in range(np.uint64(row_ids.size)):
        bits = combine(seed_state, row_ids[i]) >> np.uint64(11)
        out[i] = np.int64(np.float64(bits) * (1.0 / 9007199254740992.0) * bound)


@nb.njit(nogil=True, cache=True)
def hash_rows(rows: Array, out: Array) -> None:
    """Hash each row of bytes (n, L) into out (n,); NUL bytes at the end do not count."""
    n, length = rows.shape
    for i in range(n):
        end = length
        while end > 0 and rows[i, end - 1] == 0:
            end -= 1
        h = GOLDEN
        word = U0
        shift = U0
        for j in range(end):
            word |= np.uint64(rows[i, j]) << shift
            shift += np.uint64(8)
            if shift == np.uint64(64):
                h = mix64(h ^ word) + GOLDEN
                word = U0
                shift = U0
        h = mix64(h ^ word) + np.uint64(end)
        out[i] = mix64(h)
