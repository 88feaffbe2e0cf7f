"""Markov chains: sample, count, score."""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._random import combine, mix64
from seqpro._kernels._types import GOLDEN, Array, Number


@nb.njit(nogil=True, cache=True)
def sample_markov(
    start: Array,
    steps: Array,
    n_letters: Number,
    order: Number,
    seed_state: Number,
    row_ids: Array,
    out: Array,
) -> None:
    """Fill out (n, L) with codes drawn from a Markov chain.

    start (A**order,) and steps (A**order, A) are cumulative probabilities.
    """
    n, length = out.shape
    n_contexts = steps.shape[0]
    for i in range(n):
        state = combine(seed_state, row_ids[i])
        context = 0
        first = 0
        if order > 0:
            state += GOLDEN
            u = (mix64(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
            context = min(np.searchsorted(start, u, side="right"), n_contexts - 1)
            divisor = n_contexts
            for j in range(order):
                divisor //= n_letters
                if j < length:
                    out[i, j] = (context // divisor) % n_letters
            first = order
        for j in range(first, length):
            state += GOLDEN
            u = (mix64(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
            code = 0
            while code < n_letters - 1 and u >= steps[context, code]:
                code += 1
            out[i, j] = code
            context = (context * n_letters + code) % n_contexts


@nb.njit(nogil=True, cache=True)
def count_contexts(codes: Array, n_letters: Number, order: Number, out: Array) -> None:
    """Add the counts of (context, next letter) in codes (n, L) to out (A**order, A)."""
    n, length = codes.shape
    n_contexts = out.shape[0]
    for i in range(n):
        context = 0
        run = 0
        for j in range(length):
            code = codes[i, j]
            if code >= n_letters:
                run = 0
                context = 0
            else:
                if run >= order:
                    out[context, code] += 1.0
                context = (context * n_letters + code) % n_contexts
                run += 1


@nb.njit(nogil=True, cache=True)
def score_markov(
    codes: Array, n_letters: Number, order: Number, log_start: Array, log_steps: Array, out: Array
) -> None:
    """Sum the log-probabilities of each row of codes (n, L) into out (n,)."""
    n, length = codes.shape
    n_contexts = log_steps.shape[0]
    for i in range(n):
        total = 0.0
        context = 0
        run = 0
        for j in range(length):
            code = codes[i, j]
            if code >= n_letters:
                run = 0
                context = 0
                continue
            if run >= order:
                total += log_steps[context, code]
            context = (context * n_letters + code) % n_contexts
            run += 1
            if run == order and order > 0:
                total += log_start[context]
        out[i] = total
