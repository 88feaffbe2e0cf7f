"""All compiled code of seqpro.

Every kernel is serial, releases the GIL and is compiled at its first call, then read back from
the cache on disk. Serial kernels cost a few microseconds on a batch and are safe in forked data
loader workers. The variants that use several threads carry ``_parallel`` in their name and run
only where a caller asks for them.

Indices are unsigned on purpose: it spares the test for negative indices and lets reversed loops
vectorise. Arrays are C-contiguous unless a docstring says otherwise.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba as nb
import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Number: TypeAlias = Any
"""A scalar inside compiled code; numba knows its exact type."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
LOW_32 = np.uint64(0xFFFFFFFF)
U0 = np.uint64(0)
U1 = np.uint64(1)
S27, S30, S31, S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
DIRECT_VERTICES = 4096
"""Largest number of (k-1)-mers that a shuffle indexes directly instead of ranking them."""


# ------------------------------------------------------------------ counter-based random numbers


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
def _below(state: Number, bound: Number) -> tuple[Number, Number]:
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


# ------------------------------------------------------------------ letters <-> codes <-> one-hot


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
def decode_words(src: Array, letters: Array, out: Array) -> None:
    """Decode one-hot positions of four bytes, read as little-endian uint32.

    letters holds the four letters and, last, the one for an empty position. The last base that
    is set wins.
    """
    a, c, g, t, unknown = letters[0], letters[1], letters[2], letters[3], letters[4]
    for i in range(np.uint64(src.size)):
        word = src[i]
        low = unknown if word == np.uint32(0) else a
        low = low if word < np.uint32(1 << 8) else c
        high = g if word < np.uint32(1 << 24) else t
        out[i] = low if word < np.uint32(1 << 16) else high


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
def letters_or_kept(codes: Array, kept: Array, letters: Array, out: Array) -> None:
    """Write the letter of each code (n, L), or what kept holds where the code has none."""
    n, length = np.uint64(codes.shape[0]), np.uint64(codes.shape[1])
    size = np.uint64(letters.size)
    for i in range(n):
        for j in range(length):
            code = np.uint64(codes[i, j])
            out[i, j] = letters[code] if code < size else kept[i, j]


# ------------------------------------------------------------------ reverse complement, jitter


@nb.njit(nogil=True, cache=True)
def complement_reversed(src: Array, table: Array, out: Array) -> None:
    """Write each row of src (n, L) backwards through a table of 256 letters."""
    n, length = np.uint64(src.shape[0]), np.uint64(src.shape[1])
    for i in range(n):
        for j in range(length):
            out[i, j] = table[src[i, length - U1 - j]]


@nb.njit(nogil=True, cache=True)
def complement_reversed_4(src: Array, letters: Array, out: Array) -> None:
    """Do what `complement_reversed` does for four upper-case letters, by compares.

    letters[3 - x] is the complement of letters[x]; the case bit of the input is kept.
    """
    n, length = np.uint64(src.shape[0]), np.uint64(src.shape[1])
    a, c, g, t = letters[0], letters[1], letters[2], letters[3]
    for i in range(n):
        source = src[i]
        target = out[i]
        for j in range(length):
            byte = source[length - U1 - j]
            upper = np.uint8(byte & np.uint8(0xDF))
            case = np.uint8(byte & np.uint8(0x20))
            found = np.uint8(byte)
            found = np.uint8(t | case) if upper == a else found
            found = np.uint8(g | case) if upper == c else found
            found = np.uint8(c | case) if upper == g else found
            found = np.uint8(a | case) if upper == t else found
            target[j] = found


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
    n, inner, width = out.shape
    for i in range(n):
        begin = starts[i]
        for r in range(inner):
            out[i, r, :] = src[i, r, begin : begin + width]


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


# ------------------------------------------------------------------ counting


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


# ------------------------------------------------------------------ k-let preserving shuffles


@nb.njit(nogil=True, cache=True)
def _permute(items: Array, begin: Number, end: Number, state: Number) -> Number:
    """Permute items[begin:end] uniformly and return the next state."""
    last = end - U1
    while last > begin and last != np.uint64(0xFFFFFFFFFFFFFFFF):
        state, step = _below(state, last - begin + U1)
        other = begin + step
        items[last], items[other] = items[other], items[last]
        last -= U1
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
            state, step = _below(state, fill[v] - offsets[v])
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
    codes: Array, n_letters: Number, k: Number, seed_state: Number, row_ids: Array, out: Array
) -> None:
    """Shuffle each row of codes (n, L) into out, keeping the counts of k-lets.

    Codes of n_letters and above stay where they are; each stretch between them is shuffled by
    itself. The result of a row depends on seed_state, row_ids[i] and the row only.
    """
    n, length = np.uint64(codes.shape[0]), np.uint64(codes.shape[1])
    letters = np.uint64(n_letters)
    scratch = np.empty(length, np.uint8)
    counters = np.empty((4, letters + U1), np.uint64)
    in_tree = np.empty(letters, np.bool_)
    present = np.empty(letters, np.uint64)
    for i in range(n):
        state = combine(seed_state, row_ids[i])
        row = codes[i]
        target = out[i]
        begin = U0
        while begin < length:
            if row[begin] >= letters:
                target[begin] = row[begin]
                begin += U1
                continue
            end = begin
            while end < length and row[end] < letters:
                end += U1
            if k == 1:
                for j in range(begin, end):
                    target[j] = row[j]
                state = _permute(target, begin, end, state)
            elif end - begin <= np.uint64(k):
                for j in range(begin, end):
                    target[j] = row[j]
            elif k == 2:
                state = _shuffle_pairs(
                    row, target, begin, end, letters, scratch, counters, in_tree, present, state
                )
            else:
                state = _shuffle_klets(row, target, begin, end, letters, k, state)
            begin = end


# ------------------------------------------------------------------ Markov chains


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
