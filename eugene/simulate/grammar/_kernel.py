"""Rows of a grammar, each drawn from a stream of its own."""

from __future__ import annotations

from typing import Any, TypeAlias

import numba as nb
import numpy as np
from numpy.typing import NDArray

from seqpro.kernels import below, mix64

Array: TypeAlias = NDArray[Any]
Number: TypeAlias = Any
"""A scalar inside compiled code; numba knows its exact type."""
Tables: TypeAlias = tuple[Any, ...]

RANDOM, START, CENTER, END, FIXED = 0, 1, 2, 3, 4
"""Where a block of letters stands."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_UNIT = 1.0 / 9007199254740992.0
_S11, _S32 = np.uint64(11), np.uint64(32)
_LOW_32 = np.uint64(0xFFFFFFFF)


@nb.njit(nogil=True, cache=True)
def _unit(state: Number) -> tuple[Number, Number]:
    """Return the next state and a number in [0, 1)."""
    state = state + _GOLDEN
    return state, np.float64(mix64(state) >> _S11) * _UNIT


@nb.njit(nogil=True, cache=True)
def _between(state: Number, low: Number, high: Number) -> tuple[Number, Number]:
    """Return the next state and a whole number from low to high."""
    if high <= low:
        return state, np.int64(low)
    state, drawn = below(state, np.uint64(high - low + 1))
    return state, np.int64(low) + np.int64(drawn)


@nb.njit(nogil=True, cache=True)
def _letters(state: Number, cuts: Array, spelt: Array, out: Array) -> Number:
    """Write a letter to each place: its number is how many of the cuts (of 2**32) are passed."""
    n, length = cuts.size, out.size
    for p in range(0, length, 2):
        state = state + _GOLDEN
        bits = mix64(state)
        high, low = bits >> _S32, bits & _LOW_32
        code = 0
        for k in range(n):
            code += high >= cuts[k]
        out[p] = spelt[code]
        if p + 1 < length:
            code = 0
            for k in range(n):
                code += low >= cuts[k]
            out[p + 1] = spelt[code]
    return state


@nb.njit(nogil=True, cache=True)
def _element(
    state: Number,
    e: Number,
    kind: Array,
    width: Array,
    first: Array,
    kmer_cuts: Array,
    kmer_letters: Array,
    matrix_cuts: Array,
    spelt: Array,
    out: Array,
) -> Number:
    """Write a drawn instance of an element."""
    state, drawn = _unit(state)
    if kind[e] == 0:
        chosen = first[e]
        while kmer_cuts[chosen] <= drawn:
            chosen += 1
        for p in range(width[e]):
            out[p] = kmer_letters[chosen, p]
        return state
    for p in range(width[e]):
        code = 0
        for k in range(matrix_cuts.shape[1]):
            code += drawn >= matrix_cuts[first[e] + p, k]
        out[p] = spelt[code]
        if p + 1 < width[e]:
            state, drawn = _unit(state)
    return state


@nb.njit(nogil=True, cache=True)
def _place(
    state: Number, kind: Number, fixed: Number, length: Number, width: Number
) -> tuple[Number, Number]:
    """Return the next state and where a block begins."""
    if kind == RANDOM:
        return _between(state, 0, length - width)
    if kind == START:
        return state, np.int64(0)
    if kind == CENTER:
        return state, np.int64((length - width) // 2)
    if kind == END:
        return state, np.int64(length - width)
    return state, np.int64(fixed)


@nb.njit(nogil=True, cache=True)
def _follow(
    state: Number,
    r: Number,
    length: Number,
    rules: Tables,
    elements: Tables,
    steps: Tables,
    words: Array,
    at: Array,
    row: Tables,
) -> Number:
    """Put the elements of a rule into a row."""
    place_kind, place_fixed, rule_first, rule_last, step_first, step_last = rules
    members, kind, width, first, kmer_cuts, kmer_letters, matrix_cuts, spelt = elements
    step_old, step_new, step_forward, step_low, step_high, step_any, step_chain = steps
    begin, count = rule_first[r], rule_last[r] - rule_first[r]
    for i in range(count):
        e = members[begin + i]
        state = _element(
            state, e, kind, width, first, kmer_cuts, kmer_letters, matrix_cuts, spelt, words[i]
        )
        at[i] = -1
    room = length - place_fixed[r]
    s = step_first[r]
    while s < step_last[r]:
        chain = step_chain[s]
        # places relative to the first element, and how far the chain reaches to both sides
        left, right = np.int64(0), np.int64(width[members[begin + step_old[s]]])
        rest = np.int64(0)
        last = s
        while last < step_last[r] and step_chain[last] == chain:
            rest += width[members[begin + step_new[last]]] + step_low[last]
            last += 1
        place = np.zeros(count, np.int64)
        for k in range(s, last):
            old, new = step_old[k], step_new[k]
            old_width, new_width = width[members[begin + old]], width[members[begin + new]]
            rest -= new_width + step_low[k]
            # what is left over beside what stands, this element and the least of those to come
            most = min(step_high[k], room - (right - left) - new_width - rest)
            state, gap = _between(state, step_low[k], max(most, step_low[k]))
            behind = step_forward[k] == 1
            if step_any[k]:
                state, drawn = _unit(state)
                if drawn < 0.5:
                    behind = not behind
            place[new] = place[old] + old_width + gap if behind else place[old] - gap - new_width
            left = min(left, place[new])
            right = max(right, place[new] + new_width)
        state, begins = _place(state, place_kind[r], place_fixed[r], length, right - left)
        at[step_old[s]] = begins - left
        for k in range(s, last):
            at[step_new[k]] = begins - left + place[step_new[k]]
        for k in range(s, last):
            if k == s:
                _write(row, at, step_old[k], words, members, width, begin, r)
            _write(row, at, step_new[k], words, members, width, begin, r)
        s = last
    for i in range(count):
        if at[i] < 0:
            state, at[i] = _place(
                state, place_kind[r], place_fixed[r], length, width[members[begin + i]]
            )
            _write(row, at, i, words, members, width, begin, r)
    return state


@nb.njit(nogil=True, cache=True)
def _write(
    row: Tables,
    at: Array,
    i: Number,
    words: Array,
    members: Array,
    width: Array,
    begin: Number,
    r: Number,
) -> None:
    """Write one element, that it is one, which, and by which rule."""
    letters, planted, element, rule = row
    e = members[begin + i]
    for p in range(width[e]):
        letters[at[i] + p] = words[i, p]
        planted[at[i] + p] = 1
        element[at[i] + p] = e + 1
        rule[at[i] + p] = r + 1


@nb.njit(nogil=True, cache=True)
def draw_rows(
    rows: Tables,
    conditions: Tables,
    background: Tables,
    rules: Tables,
    elements: Tables,
    steps: Tables,
    out: Tables,
) -> None:
    """Draw rows of a grammar.

    rows: states (N,) uint64, sets (N,), first and last of each row in ``asked``, asked (M,),
    shortest and longest; conditions: first and last rule (C,), mode (C,), chance of each rule
    (R,); background: cuts (B, letters - 1) uint64 of 2**32, entry (sets, C + 1), -1 for any;
    rules, elements, steps as `_follow` has them; out: letters and whether planted (N, longest)
    uint8, element and rule (N, longest) unsigned, all of zeros; lengths (N,) int64, followed (N, R)
    bool.
    """
    states, sets, row_first, row_last, asked, shortest, longest = rows
    cond_first, cond_last, exclusive, chance = conditions
    cuts, entry = background
    letters, planted, element, rule, lengths, followed = out
    spelt = elements[7]
    most = 1
    for r in range(chance.size):
        most = max(most, rules[3][r] - rules[2][r])
    words = np.zeros((most, elements[5].shape[1]), np.uint8)
    at = np.zeros(most, np.int64)
    order = np.zeros(max(cond_first.size, 1), np.int64)
    for i in range(states.size):
        state = states[i]
        count = row_last[i] - row_first[i]
        for k in range(count):
            order[k] = asked[row_first[i] + k]
        for k in range(count - 1, 0, -1):
            state, j = _between(state, 0, k)
            order[k], order[j] = order[j], order[k]
        state, length = _between(state, shortest, longest)
        lengths[i] = length
        one = entry[sets[i], order[0] if count else cond_first.size]
        if one < 0:
            state, one = _between(state, 0, cuts.shape[0] - 1)
        row = (letters[i], planted[i], element[i], rule[i])
        state = _letters(state, cuts[one], spelt, letters[i, :length])
        for k in range(count):
            c = order[k]
            drawn, total = 0.0, 0.0
            if exclusive[c]:
                state, drawn = _unit(state)
            for r in range(cond_first[c], cond_last[c]):
                if exclusive[c]:
                    total += chance[r]
                    if total <= drawn:
                        continue
                else:
                    state, drawn = _unit(state)
                    if drawn >= chance[r]:
                        continue
                followed[i, r] = True
                state = _follow(state, r, length, rules, elements, steps, words, at, row)
                if exclusive[c]:
                    break
