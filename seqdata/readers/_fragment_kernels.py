"""Compiled loops over the bytes of fragment files and over sorted positions; free of the GIL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DONE, NEW_CONTIG, BAD_LINE = 0, 1, 2
_TAB, _NEWLINE, _RETURN, _SPACE, _HASH, _ZERO = 9, 10, 13, 32, 35, 48
_WORDS = np.frombuffer(b"track browser ", dtype=np.uint8)
_LARGEST = 2**31 - 1


@nb.njit(nogil=True, cache=True)
def hash_bytes(text: NDArray[np.uint8], begin: int, end: int) -> int:
    """Return the FNV-1a hash of some bytes, 0 or more."""
    value = np.uint64(14695981039346656037)
    for i in range(begin, end):
        value = (value ^ np.uint64(text[i])) * np.uint64(1099511628211)
    return int(value >> np.uint64(1))


@nb.njit(nogil=True, cache=True)
def _same(a: NDArray[np.uint8], at: int, b: NDArray[np.uint8], begin: int, end: int) -> bool:
    k = 0
    while k < end - begin and a[at + k] == b[begin + k]:
        k += 1
    return k >= end - begin


@nb.njit(nogil=True, cache=True)
def fill_table(
    names: NDArray[np.uint8], name_at: NDArray[np.int64], table: NDArray[np.int64]
) -> None:
    """Enter names into a hash table.

    Parameters
    ----------
    names : ndarray of uint8, shape (n_letters,)
        The names one behind the other.
    name_at : ndarray of int64, shape (n + 1,)
        Where each begins.
    table : ndarray of int64, shape (size,)
        Filled with -1; its size is a power of two, at least twice ``n``.
    """
    mask = table.shape[0] - 1
    for k in range(name_at.shape[0] - 1):
        place = hash_bytes(names, name_at[k], name_at[k + 1]) & mask
        while table[place] >= 0:
            place = (place + 1) & mask
        table[place] = k


@nb.njit(nogil=True, cache=True)
def _look_up(
    text: NDArray[np.uint8],
    begin: int,
    end: int,
    names: NDArray[np.uint8],
    name_at: NDArray[np.int64],
    table: NDArray[np.int64],
) -> int:
    mask = table.shape[0] - 1
    place = hash_bytes(text, begin, end) & mask
    while table[place] >= 0:
        k = int(table[place])
        size = name_at[k + 1] - name_at[k]
        if size == end - begin and _same(names, name_at[k], text, begin, end):
            return k
        place = (place + 1) & mask
    return -1


@nb.njit(nogil=True, cache=True)
def _starts_with_word(text: NDArray[np.uint8], begin: int, end: int) -> bool:
    size = end - begin
    return (size >= 6 and _same(_WORDS, 0, text, begin, begin + 6)) or (
        size >= 8 and _same(_WORDS, 6, text, begin, begin + 8)
    )


@nb.njit(nogil=True, cache=True)
def parse_fragments(
    text: NDArray[np.uint8],
    begin: int,
    contigs: NDArray[np.uint8],
    contig_at: NDArray[np.int64],
    contig_table: NDArray[np.int64],
    barcodes: NDArray[np.uint8],
    barcode_at: NDArray[np.int64],
    barcode_table: NDArray[np.int64],
    groups: NDArray[np.int64],
    out: NDArray[np.int32],
) -> tuple[int, int, int]:
    """Read fragments from whole lines.

    Parameters
    ----------
    text : ndarray of uint8, shape (n,)
    begin : int
        Byte to begin at, the first of a line.
    contigs, contig_at, contig_table : ndarray
        Known contigs, as :func:`fill_table` takes them.
    barcodes, barcode_at, barcode_table : ndarray
        Wanted barcodes; none at all if every line is wanted.
    groups : ndarray of int64, shape (n_barcodes,)
        Sample of each barcode.
    out : ndarray of int32, shape (n_lines, 4)
        Contig, sample, start and end of each fragment.

    Returns
    -------
    state : int
        0: all lines are read; 1: a line names a new contig; 2: a line is no fragment.
    byte : int
        Where the line begins that was not read, or ``n``.
    count : int
        Number of fragments written.
    """
    n = text.shape[0]
    last_begin, last_end, last = 0, 0, -1
    count = 0
    i = begin
    while i < n:
        line = i
        while i < n and (text[i] == _SPACE or text[i] == _TAB or text[i] == _RETURN):
            i += 1
        blank = i >= n or text[i] == _NEWLINE
        i = line
        while i < n and text[i] != _TAB and text[i] != _NEWLINE:
            i += 1
        name_end = i
        if blank or text[line] == _HASH or _starts_with_word(text, line, name_end):
            while i < n and text[i] != _NEWLINE:
                i += 1
            i += 1
            continue
        if name_end == line:
            return BAD_LINE, line, count
        # two numbers, each behind a tab
        start = np.int64(-1)
        end = np.int64(-1)
        for which in range(2):
            if i >= n or text[i] != _TAB:
                return BAD_LINE, line, count
            i += 1
            first = i
            value = np.int64(0)
            while i < n and _ZERO <= text[i] <= _ZERO + 9 and i - first < 11:
                value = value * 10 + text[i] - _ZERO
                i += 1
            if i == first:
                return BAD_LINE, line, count
            if which == 0:
                start = value
            else:
                end = value
        if i < n and text[i] == _RETURN and (i + 1 == n or text[i + 1] == _NEWLINE):
            i += 1
        if (i < n and text[i] != _TAB and text[i] != _NEWLINE) or not start < end <= _LARGEST:
            return BAD_LINE, line, count
        group = np.int64(0)
        if groups.shape[0]:
            if i >= n or text[i] != _TAB:
                return BAD_LINE, line, count
            i += 1
            first = i
            while i < n and text[i] != _TAB and text[i] != _NEWLINE and text[i] != _RETURN:
                i += 1
            found = _look_up(text, first, i, barcodes, barcode_at, barcode_table)
            group = groups[found] if found >= 0 else np.int64(-1)
        if group >= 0:
            size = name_end - line
            if (
                last < 0
                or size != last_end - last_begin
                or not _same(text, last_begin, text, line, name_end)
            ):
                last = _look_up(text, line, name_end, contigs, contig_at, contig_table)
                if last < 0:
                    return NEW_CONTIG, line, count
            last_begin, last_end = line, name_end
            out[count, 0] = last
            out[count, 1] = group
            out[count, 2] = start
            out[count, 3] = end
            count += 1
        while i < n and text[i] != _NEWLINE:
            i += 1
        i += 1
    return DONE, n, count


@nb.njit(nogil=True, cache=True)
def count_sites(
    sites: NDArray[np.int32],
    rows: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Add +1 at each site to the windows that hold it.

    Parameters
    ----------
    sites : ndarray of int32, shape (n_sites,)
        Sorted positions.
    rows : ndarray of int64, shape (n_rows,)
        Windows to count.
    start, stop : ndarray of int64, shape (n,)
        Bounds of all windows in bp.
    out : ndarray of int32, shape (n, width)
    """
    for row in rows:
        k = np.searchsorted(sites, start[row])
        while k < sites.shape[0] and sites[k] < stop[row]:
            out[row, sites[k] - start[row]] += 1
            k += 1


@nb.njit(nogil=True, cache=True)
def count_cover(
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    rows: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Write how many fragments cover each base: those begun so far, less those ended.

    Parameters
    ----------
    starts, ends : ndarray of int32, shape (n_fragments,)
        Sorted starts, and sorted ends.
    rows, start, stop, out : ndarray
        As :func:`count_sites` takes them.
    """
    for row in rows:
        begun = np.searchsorted(starts, start[row])
        ended = np.searchsorted(ends, start[row])
        for position in range(start[row], stop[row]):
            while begun < starts.shape[0] and starts[begun] <= position:
                begun += 1
            while ended < ends.shape[0] and ends[ended] <= position:
                ended += 1
            out[row, position - start[row]] = begun - ended
