"""k-let preserving shuffles."""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._random import below, combine, mix64
from seqpro._kernels._types import GOLDEN, LOW_32, S32, U0, U1, Array, Number

DIRECT_VERTICES = 4096
"""Largest number of (k-1)-mers that a shuffle indexes directly instead of ranking them."""


@nb.njit(nogil=True, cache=True)
def _permute(items: Array, begin: Number, end: Number, state: Number) -> Number:
    """Permute items[begin:end] uniformly and return the next state.

    Every 64 random bits serve two swaps; a draw that would not be exactly uniform is repeated.
    """
    size = end - begin
    while size > U1:
        state = state + GOLDEN
        bits = mix64(state)
        product = (bits >> S32) * size
        low = product & LOW_32
        if low < size and low < ((LOW_32 - size) + U1) % size:
            state, step = below(state, size)
        else:
            step = product >> S32
        last = begin + size - U1
        other = begin + step
        kept = items[last]
        items[last] = items[other]
        items[other] = kept
        size -= U1
        if size > U1:
            product = (bits & LOW_32) * size
            low = product & LOW_32
            if low < size and low < ((LOW_32 - size) + U1) % size:
                state, step = below(state, size)
            else:
                step = product >> S32
            last = begin + size - U1
            other = begin + step
            kept = items[last]
            items[last] = items[other]
            items[other] = kept
            size -= U1
    return state


@nb.njit(nogil=True, cache=True)
def _walk(
    path: Array,
    offsets: Array,
    heads: Array,
    fill: Array,
    used: Array,
    exits: Array,
    in_tree: Array,
    vertices: Array,
    n_present: Number,
    state: Number,
) -> Number:
    """Replace path by a uniform random Euler path over the same directed edges.

    path holds the vertices visited, offsets the first edge of each vertex, heads (scratch) the
    edges. A uniform random tree of last exits (Wilson's loop-erased walks) and a uniform order
    of the other exits give every edge order that ends in the right vertex the same chance.
    """
    n_steps = np.uint64(path.size) - U1
    end = path[n_steps]
    for p in range(n_present):
        v = vertices[p]
        fill[v] = offsets[v]
        in_tree[v] = False
    for s in range(n_steps):
        v = path[s]
        heads[fill[v]] = path[s + U1]
        fill[v] += U1
    in_tree[end] = True
    for p in range(n_present):
        start = vertices[p]
        v = start
        while not in_tree[v]:
            state, step = below(state, fill[v] - offsets[v])
            exits[v] = offsets[v] + step
            v = heads[exits[v]]
        v = start
        while not in_tree[v]:
            in_tree[v] = True
            v = heads[exits[v]]
    for p in range(n_present):
        v = vertices[p]
        stop = fill[v]
        if v != end:
            stop -= U1
            kept = heads[exits[v]]
            heads[exits[v]] = heads[stop]
            heads[stop] = kept
        state = _permute(heads, offsets[v], stop, state)
        used[v] = offsets[v]
    v = path[U0]
    for s in range(n_steps):
        following = heads[used[v]]
        used[v] += U1
        path[s + U1] = following
        v = following
    return state


@nb.njit(nogil=True, cache=True)
def _shuffle_pairs(
    codes: Array,
    out: Array,
    begin: Number,
    end: Number,
    n_letters: Number,
    scratch: Array,
    counters: Array,
    in_tree: Array,
    present: Array,
    state: Number,
) -> Number:
    """Shuffle codes[begin:end] into out, keeping the counts of letter pairs."""
    size = end - begin
    offsets, fill, used, exits = counters[0], counters[1], counters[2], counters[3]
    for v in range(n_letters + U1):
        offsets[v] = U0
    for s in range(begin, end - U1):
        offsets[np.uint64(codes[s]) + U1] += U1
    n_present = U0
    for v in range(n_letters):
        if offsets[v + U1] > U0 or v == np.uint64(codes[end - U1]):
            present[n_present] = v
            n_present += U1
        offsets[v + U1] += offsets[v]
    for s in range(size):
        out[begin + s] = codes[begin + s]
    return _walk(
        out[begin:end], offsets, scratch, fill, used, exits, in_tree, present, n_present, state
    )


@nb.njit(nogil=True, cache=True)
def _shuffle_klets(
    codes: Array,
    out: Array,
    begin: Number,
    end: Number,
    n_letters: Number,
    k: Number,
    state: Number,
) -> Number:
    """Shuffle codes[begin:end] into out, keeping the counts of k-lets, for any k over 2."""
    size = end - begin
    order = np.uint64(k) - U1
    n_nodes = size - order + U1
    top = U1
    for _ in range(order - U1):
        top *= n_letters
    path = np.empty(n_nodes, np.uint64)
    code = U0
    for j in range(size):
        code = (code % top) * n_letters + np.uint64(codes[begin + j])
        if j + U1 >= order:
            path[j + U1 - order] = code
    last_letter = np.empty(n_nodes, np.uint8)
    if top * n_letters <= np.uint64(DIRECT_VERTICES):
        rank = np.full(top * n_letters, n_nodes, np.uint64)
        n_present = U0
        for s in range(n_nodes):
            if rank[path[s]] == n_nodes:
                rank[path[s]] = n_present
                last_letter[n_present] = path[s] % n_letters
                n_present += U1
            path[s] = rank[path[s]]
    else:
        kinds = np.unique(path)
        n_present = np.uint64(kinds.size)
        for v in range(n_present):
            last_letter[v] = kinds[v] % n_letters
        path = np.searchsorted(kinds, path).astype(np.uint64)
    offsets = np.zeros(n_present + U1, np.uint64)
    for s in range(n_nodes - U1):
        offsets[path[s] + U1] += U1
    for v in range(n_present):
        offsets[v + U1] += offsets[v]
    counters = np.empty((3, n_present), np.uint64)
    in_tree = np.empty(n_present, np.bool_)
    vertices = np.empty(n_present, np.uint64)
    for v in range(n_present):
        vertices[v] = v
    heads = np.empty(n_nodes, np.uint64)
    state = _walk(
        path,
        offsets,
        heads,
        counters[0],
        counters[1],
        counters[2],
        in_tree,
        vertices,
        n_present,
        state,
    )
    for j in range(order):
        out[begin + j] = codes[begin + j]
    for s in range(U1, n_nodes):
        out[begin + order + s - U1] = last_letter[path[s]]
    return state


@nb.njit(nogil=True, cache=True)
def shuffle_rows(
    rows: Array,
    lookup: Array,
    alphabet: Array,
    k: int,
    seed_state: Number,
    row_ids: Array,
    out: Array,
) -> None:
    """Shuffle each row of bytes (n, L) into out, keeping the counts of k-lets.

    lookup turns bytes into codes and alphabet turns codes into bytes. Bytes whose code is not
    below the size of the alphabet stay where they are; each stretch between them is shuffled by
    itself. The result of a row depends on seed_state, row_ids[i] and the row only.
    """
    n, length = np.uint64(rows.shape[0]), np.uint64(rows.shape[1])
    letters = np.uint64(alphabet.size)
    codes = np.empty(length, np.uint8)
    shuffled = np.empty(length, np.uint8)
    scratch = np.empty(length, np.uint8)
    counters = np.empty((4, letters + U1), np.uint64)
    in_tree = np.empty(letters, np.bool_)
    present = np.empty(letters, np.uint64)
    for i in range(n):
        state = combine(seed_state, row_ids[i])
        row = rows[i]
        target = out[i]
        for j in range(length):
            codes[j] = lookup[row[j]]
        begin = U0
        while begin < length:
            if codes[begin] >= letters:
                target[begin] = row[begin]
                begin += U1
                continue
            end = begin
            while end < length and codes[end] < letters:
                end += U1
            if k == 1 or end - begin <= np.uint64(k):
                for j in range(begin, end):
                    shuffled[j] = codes[j]
                if k == 1:
                    state = _permute(shuffled, begin, end, state)
            elif k == 2:
                state = _shuffle_pairs(
                    codes,
                    shuffled,
                    begin,
                    end,
                    letters,
                    scratch,
                    counters,
                    in_tree,
                    present,
                    state,
                )
            else:
                state = _shuffle_klets(codes, shuffled, begin, end, letters, k, state)
            for j in range(begin, end):
                target[j] = alphabet[shuffled[j]]
            begin = end
