"""Evolution-inspired changes of rows: what is drawn for them, and rows made of stretches.

A changed row is a few stretches one after the other, each of the old row or of drawn letters and
read forwards or turned round to the other strand, with mutated letters on top. So rows are written
by copying stretches; `map_rows` says position for position where all comes from, for what must
follow the sequence.

What was drawn stands in a table (N, K, 4) int64 for N rows and K augmentations: whether (CHOSEN),
how much (AMOUNT), where (START) and how long the row is by then (BEFORE).
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from seqpro._kernels._normal import add_row, noise_room
from seqpro._kernels._random import combine, nth
from seqpro._kernels._types import S32, Array, Number

DELETION, INSERTION, TRANSLOCATION, INVERSION, MUTATION, REVERSE = 0, 1, 2, 3, 4, 5
PAD_END, PAD_BOTH, KEEP = 0, 1, 2
SEQUENCE, CHOICE, BATCH = 0, 1, 2
CHOSEN, AMOUNT, START, BEFORE = 0, 1, 2, 3
KIND, ADDED = 0, 1
"""Columns of kinds: what an augmentation is, and the positions (bp) that it adds."""
LOW, SPAN, ROOM, EITHER, NOISY, MEAN, STD = 0, 1, 2, 3, 4, 5, 6
"""Columns of numbers: smallest amount, how many there are, positions at which none starts, whether
an amount goes to either side; whether it is noise, of which mean and standard deviation."""
VALUES, LETTERS, SITES, PADDING = 1 << 19, 1 << 20, 1 << 21, 1 << 22
"""Counters of the streams of changed values, of letters, of mutated sites and of letters at the
ends."""

_DRAWN = 1 << 40
"""Sources from here on are places among the drawn letters of a row."""
_FLIP = np.int32(128)
_UNIT = 1.0 / 9007199254740992.0


class Row(NamedTuple):
    """Room for a row while it is put together.

    stretches (2, S, 3) int64 are source, size and whether turned, before and after a change;
    points (P, 2) int64 mutated positions and the letters shown there; letters uint8 those that
    were drawn; marks uint8, zero between uses, of positions.
    """

    stretches: Array
    points: Array
    letters: Array
    marks: Array


@nb.njit(nogil=True, cache=True)
def _uniform(stream: Number, place: Number) -> Number:
    return np.float64(combine(stream, np.uint64(place)) >> np.uint64(11)) * _UNIT


@nb.njit(nogil=True, cache=True)
def draw_rows(
    seed: Number,
    rows: Array,
    lengths: Array,
    kinds: Array,
    numbers: Array,
    settings: tuple[Number, Number, Number, Number],
    table: Array,
    states: Array,
    missing: Array,
) -> None:
    """Draw what happens to each row.

    seed uint64 is that of the epoch, rows (N,) uint64 what rows are, lengths (N,) int64, or (1,)
    for all, how long they are; kinds (K, 2) int64 and numbers (K, 7) float64 the augmentations;
    settings how many are chosen at most, whether always so many, the scope and the mode. Written
    are the table (N, K, 4), the streams of rows (N,) uint64 and the letters (N,) int64 that are put
    at their ends.
    """
    most, hard, scope, mode = settings
    n_kinds = kinds.shape[0]
    start = nth(np.uint64(seed), np.uint64(1))
    total = 0
    if mode != KEEP:
        for k in range(n_kinds):
            total += kinds[k, ADDED]
    keys = np.empty(n_kinds, np.uint64)
    for i in range(rows.size):
        states[i] = combine(start, rows[i])
        choice = states[0] if scope != SEQUENCE else states[i]
        stream = states[0] if scope == BATCH else states[i]
        number = most if hard else 1 + int(np.floor(_uniform(choice, 0) * most))
        for k in range(n_kinds):
            keys[k] = combine(choice, np.uint64(1 + 3 * k)) >> np.uint64(11)
        length = lengths[i if lengths.size > 1 else 0]
        before = length
        for k in range(n_kinds):
            rank = 0
            for j in range(n_kinds):
                rank += keys[j] < keys[k]
            chosen = rank < number
            kind = kinds[k, KIND]
            much, where = _uniform(stream, 2 + 3 * k), _uniform(stream, 3 + 3 * k)
            amount, place = 0.0, 0.0
            if kind == MUTATION:
                amount = np.rint(numbers[k, SPAN] * length)
            elif kind == REVERSE:
                amount = 1.0 if much < numbers[k, SPAN] else 0.0
                chosen = chosen and amount > 0
            elif kind >= 0:
                amount = numbers[k, LOW] + np.floor(much * numbers[k, SPAN])
                if kind != TRANSLOCATION:
                    place = np.floor(where * (length - numbers[k, ROOM]))
                elif numbers[k, EITHER] > 0 and where < 0.5:
                    amount = -amount
            table[i, k, CHOSEN] = chosen
            table[i, k, AMOUNT] = np.int64(amount)
            table[i, k, START] = np.int64(place)
            table[i, k, BEFORE] = length
            if chosen and mode != KEEP:
                length += kinds[k, ADDED]
        missing[i] = before + total - length


@nb.njit(nogil=True, cache=True)
def _letter(stream: Number, place: Number, n_letters: Number) -> Number:
    """Draw the number of a letter for a position."""
    return ((nth(stream, place) >> S32) * np.uint64(n_letters)) >> S32


@nb.njit(nogil=True, cache=True)
def _put(
    stretches: Array, m: Number, letters: Array, filled: Number, stream: Number, begin: Number,
    size: Number, n_letters: Number,
) -> tuple[Number, Number]:  # fmt: skip
    """Append drawn letters for the positions from begin on; return the new numbers of both."""
    if size <= 0:
        return m, filled
    for j in range(np.uint64(size)):
        letters[np.uint64(filled) + j] = _letter(stream, np.uint64(begin) + j, n_letters)
    stretches[m, 0], stretches[m, 1], stretches[m, 2] = _DRAWN + filled, size, 0
    return m + 1, filled + size


@nb.njit(nogil=True, cache=True)
def _cut(
    old: Array, n: Number, length: Number, begin: Number, end: Number, turned: Number, new: Array,
    m: Number,
) -> Number:  # fmt: skip
    """Append the positions from begin up to end of n stretches, turned round or not, to others."""
    at = length if turned else 0
    for step in range(n):
        r = n - 1 - step if turned else step
        source, size, other = old[r, 0], old[r, 1], old[r, 2]
        at -= size if turned else 0
        low, high = max(begin - at, 0), min(end - at, size)
        if low < high:
            # what is turned already is read from its end
            new[m, 0] = source + (size - high if other else low)
            new[m, 1] = high - low
            new[m, 2] = other ^ turned
            m += 1
        at += 0 if turned else size
    return m


@nb.njit(nogil=True, cache=True)
def _mutate(
    row: Row, held: Number, length: Number, count: Number, sites: Number, stream: Number,
    n_letters: Number,
) -> Number:  # fmt: skip
    """Append drawn letters for distinct positions to the points; return how many there are.

    Positions are drawn until there are enough different ones: those that change, or those that do
    not where they are fewer.
    """
    wanted = min(count, length - count)
    place, found = np.uint64(0), 0
    points, marks = row.points, row.marks
    while found < wanted:
        p = ((nth(sites, place) >> S32) * np.uint64(length)) >> S32
        place += np.uint64(1)
        if marks[p] == 0:
            marks[p] = 1
            points[held + found, 0] = p
            found += 1
    if wanted == count:
        for j in range(held, held + count):
            marks[points[j, 0]] = 0
    else:
        found = held
        for p in range(length):
            if marks[p] == 0:
                points[found, 0] = p
                found += 1
            marks[p] = 0
    for j in range(held, held + count):
        points[j, 1] = _letter(stream, points[j, 0], n_letters)
    return held + count


@nb.njit(nogil=True, cache=True)
def _shift_points(
    points: Array, held: Number, begin: Number, end: Number, before: Number, behind: Number,
    width: Number,
) -> Number:  # fmt: skip
    """Move points in front of begin and from end on, drop those between and those that fall off."""
    kept = 0
    for j in range(held):
        p = points[j, 0]
        if begin <= p < end:
            continue
        p += before if p < begin else behind
        if 0 <= p < width:
            points[kept, 0], points[kept, 1] = p, points[j, 1]
            kept += 1
    return kept


@nb.njit(nogil=True, cache=True)
def _turn_points(
    points: Array, held: Number, begin: Number, size: Number, n_letters: Number
) -> None:
    """Turn the points of a stretch round."""
    for j in range(held):
        p = points[j, 0]
        if begin <= p < begin + size:
            points[j, 0] = 2 * begin + size - 1 - p
            points[j, 1] = n_letters - 1 - points[j, 1]


@nb.njit(nogil=True, cache=True)
def _change(
    i: Number, k: Number, kind: Number, table: Array, state: Number, row: Row, side: Number,
    held: tuple[Number, Number, Number, Number], n_letters: Number, mode: Number, largest: Number,
) -> tuple[Number, Number, Number, Number]:  # fmt: skip
    """Do one augmentation; held are the numbers of stretches, points, letters and positions."""
    n, n_points, filled, length = held
    old, new, points = row.stretches[side], row.stretches[1 - side], row.points
    size, place = table[i, k, AMOUNT], table[i, k, START]
    stream = combine(state, np.uint64(LETTERS + k))
    m = 0
    if kind == DELETION:
        front = size // 2
        m, filled = _put(new, m, row.letters, filled, stream, 0, front, n_letters)
        m = _cut(old, n, length, 0, place, 0, new, m)
        m = _cut(old, n, length, place + size, length, 0, new, m)
        end = length - (size - front)
        m, filled = _put(new, m, row.letters, filled, stream, end, size - front, n_letters)
        n_points = _shift_points(points, n_points, place, place + size, front, front - size, length)
    elif kind == INSERTION and mode == KEEP:
        skip = size // 2
        first = place - skip
        m = _cut(old, n, length, min(skip, place), place, 0, new, m)
        begin, end = max(first, 0), min(first + size, length)
        m, filled = _put(new, m, row.letters, filled, stream, begin, end - begin, n_letters)
        m = _cut(old, n, length, place, length - size + skip, 0, new, m)
        n_points = _shift_points(points, n_points, place, place, -skip, size - skip, length)
    elif kind == INSERTION:
        front = (largest - size) // 2
        m, filled = _put(new, m, row.letters, filled, stream, 0, front, n_letters)
        m = _cut(old, n, length, 0, place, 0, new, m)
        m, filled = _put(new, m, row.letters, filled, stream, front + place, size, n_letters)
        m = _cut(old, n, length, place, length, 0, new, m)
        behind = largest - size - front
        end = front + length + size
        m, filled = _put(new, m, row.letters, filled, stream, end, behind, n_letters)
        length += largest
        n_points = _shift_points(points, n_points, place, place, front, front + size, length)
    elif kind == TRANSLOCATION:
        shift = size % length
        m = _cut(old, n, length, length - shift, length, 0, new, m)
        m = _cut(old, n, length, 0, length - shift, 0, new, m)
        for j in range(n_points):
            points[j, 0] = (points[j, 0] + shift) % length
    else:
        if kind == REVERSE:
            place, size = 0, length
        m = _cut(old, n, length, 0, place, 0, new, m)
        m = _cut(old, n, length, place, place + size, 1, new, m)
        m = _cut(old, n, length, place + size, length, 0, new, m)
        _turn_points(points, n_points, place, size, n_letters)
    return m, n_points, filled, length


@nb.njit(nogil=True, cache=True)
def _compose(
    i: Number, table: Array, states: Array, missing: Array, kinds: Array,
    begin: Number, end: Number, mode: Number, n_letters: Number, row: Row,
) -> tuple[Number, Number, Number]:  # fmt: skip
    """Put row i together; return which stretches hold it, how many there are, and points.

    What is put at the ends comes with the last augmentation of all.
    """
    length = table[i, begin, BEFORE]
    stretches = row.stretches
    stretches[0, 0, 0], stretches[0, 0, 1], stretches[0, 0, 2] = 0, length, 0
    held = (1, 0, 0, length)
    side = 0
    for k in range(begin, end):
        kind = kinds[k, KIND]
        if kind < 0 or not table[i, k, CHOSEN]:
            continue
        if kind == MUTATION:
            count = min(table[i, k, AMOUNT], held[3])
            sites = combine(states[i], np.uint64(SITES + k))
            stream = combine(states[i], np.uint64(LETTERS + k))
            points = _mutate(row, held[1], held[3], count, sites, stream, n_letters)
            held = (held[0], points, held[2], held[3])
        elif held[3] > 0:
            held = _change(
                i, k, kind, table, states[i], row, side, held, n_letters, mode, kinds[k, ADDED]
            )
            side = 1 - side
    n, n_points, filled, length = held
    if end < kinds.shape[0] or missing[i] == 0:
        return side, n, n_points
    front = missing[i] // 2 if mode == PAD_BOTH else 0
    behind = missing[i] - front
    stream = combine(states[i], np.uint64(PADDING))
    old, new = stretches[side], stretches[1 - side]
    m, filled = _put(new, 0, row.letters, filled, stream, 0, front, n_letters)
    m = _cut(old, n, length, 0, length, 0, new, m)
    m, filled = _put(new, m, row.letters, filled, stream, front + length, behind, n_letters)
    n_points = _shift_points(row.points, n_points, 0, 0, front, front, front + length)
    return 1 - side, m, n_points


@nb.njit(nogil=True, cache=True)
def _room(
    table: Array, missing: Array, kinds: Array, begin: Number, end: Number, width: Number
) -> Row:  # fmt: skip
    """Make room for the largest of rows."""
    n_points, n_letters = 0, 0
    for i in range(table.shape[0]):
        points, letters = 0, missing[i]
        for k in range(begin, end):
            kind = kinds[k, KIND]
            if kind == MUTATION and table[i, k, CHOSEN]:
                points += min(table[i, k, AMOUNT], width)
            elif kind in (DELETION, INSERTION) and table[i, k, CHOSEN]:
                letters += max(table[i, k, AMOUNT], kinds[k, ADDED])
        n_points, n_letters = max(n_points, points), max(n_letters, letters)
    return Row(
        np.empty((2, 4 * (end - begin) + 4, 3), np.int64),
        np.empty((n_points, 2), np.int64),
        np.empty(n_letters, np.uint8),
        np.zeros(width if n_points else 0, np.uint8),
    )


@nb.njit(nogil=True, cache=True)
def move_planes(
    table: Array,
    states: Array,
    missing: Array,
    kinds: Array,
    begin: Number,
    end: Number,
    mode: Number,
    src: Array,
    out: Array,
) -> None:
    """Write one-hot rows as the augmentations from begin up to end change them.

    src is (N, A, L) and out (N, A, positions) of floats; for the others see `draw_rows`.
    """
    n, n_letters, width = out.shape
    row = _room(table, missing, kinds, begin, end, width)
    for i in range(n):
        side, count, n_points = _compose(
            i, table, states, missing, kinds, begin, end, mode, n_letters, row
        )
        stretches = row.stretches[side]
        for a in range(n_letters):
            plane, same, other = out[i, a], src[i, a], src[i, n_letters - 1 - a]
            at = np.uint64(0)
            for r in range(count):
                source, size = stretches[r, 0], np.uint64(stretches[r, 1])
                turned = stretches[r, 2]
                if source >= _DRAWN:
                    drawn = np.uint64(source - _DRAWN)
                    letter = np.uint8(n_letters - 1 - a if turned else a)
                    if turned:
                        drawn += size - np.uint64(1)
                        for j in range(size):
                            plane[at + j] = row.letters[drawn - j] == letter
                    else:
                        for j in range(size):
                            plane[at + j] = row.letters[drawn + j] == letter
                elif turned:
                    last = np.uint64(source) + size - np.uint64(1)
                    for j in range(size):
                        plane[at + j] = other[last - j]
                else:
                    first = np.uint64(source)
                    for j in range(size):
                        plane[at + j] = same[first + j]
                at += size
            for j in range(at, np.uint64(width)):
                plane[j] = 0
            for j in range(n_points):
                plane[row.points[j, 0]] = row.points[j, 1] == a


@nb.njit(nogil=True, cache=True)
def spell_rows(
    table: Array,
    states: Array,
    missing: Array,
    kinds: Array,
    begin: Number,
    end: Number,
    mode: Number,
    partner: Array,
    letters: Array,
    src: Array,
    out: Array,
) -> None:
    """Write rows of letters as the augmentations from begin up to end change them.

    src is (N, L) and out (N, positions) uint8; partner (256,) holds the partner of a byte, letters
    (A,) those of the alphabet; for the others see `draw_rows`.
    """
    n, width = out.shape
    row = _room(table, missing, kinds, begin, end, width)
    for i in range(n):
        side, count, n_points = _compose(
            i, table, states, missing, kinds, begin, end, mode, letters.size, row
        )
        stretches, line, given = row.stretches[side], out[i], src[i]
        at = np.uint64(0)
        for r in range(count):
            source, size, turned = stretches[r, 0], np.uint64(stretches[r, 1]), stretches[r, 2]
            if source >= _DRAWN:
                drawn = np.uint64(source - _DRAWN)
                if turned:
                    drawn += size - np.uint64(1)
                    for j in range(size):
                        line[at + j] = partner[letters[row.letters[drawn - j]]]
                else:
                    for j in range(size):
                        line[at + j] = letters[row.letters[drawn + j]]
            elif turned:
                last = np.uint64(source) + size - np.uint64(1)
                for j in range(size):
                    line[at + j] = partner[given[last - j]]
            else:
                first = np.uint64(source)
                for j in range(size):
                    line[at + j] = given[first + j]
            at += size
        for j in range(at, np.uint64(width)):
            line[j] = 0
        for j in range(n_points):
            line[row.points[j, 0]] = letters[row.points[j, 1]]


@nb.njit(nogil=True, cache=True)
def map_rows(
    table: Array,
    states: Array,
    missing: Array,
    kinds: Array,
    begin: Number,
    end: Number,
    mode: Number,
    n_letters: Number,
    out: Array,
) -> None:
    """Write where each position of changed rows comes from.

    out (N, positions) int32 takes ``(source + 1) << 8 | complemented << 7 | (letter + 1)``. Zero is
    a place behind the end of a row; no source is a letter that was put in; a letter beside a source
    stands in its place. A letter is turned to its partner too where the place is complemented. For
    the others see `draw_rows`.
    """
    n, width = out.shape
    row = _room(table, missing, kinds, begin, end, width)
    for i in range(n):
        side, count, n_points = _compose(
            i, table, states, missing, kinds, begin, end, mode, n_letters, row
        )
        stretches = row.stretches[side]
        at = 0
        for r in range(count):
            source, size, turned = stretches[r, 0], stretches[r, 1], stretches[r, 2]
            flip = _FLIP if turned else np.int32(0)
            for j in range(size):
                place = source + (size - 1 - j if turned else j)
                if source >= _DRAWN:
                    entry = np.int32(row.letters[place - _DRAWN] + 1)
                else:
                    entry = np.int32((place + 1) << 8)
                out[i, at + j] = entry | flip
            at += size
        for j in range(at, width):
            out[i, j] = 0
        for j in range(n_points):
            entry = out[i, row.points[j, 0]]
            letter = row.points[j, 1]
            if entry & _FLIP:  # a complemented place shows the partner of what it holds
                letter = n_letters - 1 - letter
            out[i, row.points[j, 0]] = (entry & np.int32(-128)) | np.int32(letter + 1)


@nb.njit(nogil=True, cache=True)
def add_noise(
    table: Array,
    states: Array,
    missing: Array,
    place: Number,
    padded: Number,
    mean: Number,
    std: Number,
    out: Array,
) -> None:
    """Add normal noise to the rows that drew it, where there are letters by then.

    place is that of the noise in the list; padded tells whether letters were put to both ends of
    rows afterwards; mean and std are float32; out is (N, A, positions); for the others see
    `draw_rows`.
    """
    room = noise_room(out)
    for i in range(out.shape[0]):
        if table[i, place, CHOSEN]:
            first = missing[i] // 2 if padded else 0
            last = min(first + table[i, place, BEFORE], out.shape[2])
            stream = combine(combine(states[i], np.uint64(VALUES + place)), np.uint64(1))
            add_row(stream, first, last, mean, std, room, out[i])


@nb.njit(nogil=True, cache=True)
def evolve_planes(
    seed: Number,
    rows: Array,
    lengths: Array,
    kinds: Array,
    numbers: Array,
    settings: tuple[Number, Number, Number, Number],
    src: Array,
    out: Array,
) -> None:
    """Draw for one-hot rows, move them and add noise: all that is to be done, noise last.

    For src and out see `move_planes`, for the others `draw_rows`.
    """
    n, n_kinds, mode = rows.size, kinds.shape[0], settings[3]
    table, states = np.empty((n, n_kinds, 4), np.int64), np.empty(n, np.uint64)
    missing = np.empty(n, np.int64)
    draw_rows(seed, rows, lengths, kinds, numbers, settings, table, states, missing)
    move_planes(table, states, missing, kinds, 0, n_kinds, mode, src, out)
    for k in range(n_kinds):
        if numbers[k, NOISY] > 0:
            mean, std = np.float32(numbers[k, MEAN]), np.float32(numbers[k, STD])
            add_noise(table, states, missing, k, mode == PAD_BOTH, mean, std, out)
