"""Compiled loops over genotypes and haplotypes; serial and free of the GIL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TAB, _DOT, _COLON = 9, 46, 58
_SLASH, _PIPE, _ZERO = 47, 124, 48


@nb.njit(nogil=True, cache=True)
def parse_genotypes(
    text: NDArray[np.uint8],
    slot: NDArray[np.int64],
    field: int,
    out: NDArray[np.int16],
    carried: NDArray[np.bool_],
) -> tuple[int, int]:
    """Read the genotypes of one VCF line.

    Parameters
    ----------
    text : ndarray of uint8, shape (n,)
        The columns of the samples, separated by tabs.
    slot : ndarray of int64, shape (n_columns,)
        Row of each column in ``out``, or -1 for samples that are not wanted.
    field : int
        Place of the genotype among the values of a column.
    out : ndarray of int16, shape (n_samples, ploidy)
        Numbers of the alleles, -1 where one is missing. A haploid call fills all haplotypes.
    carried : ndarray of bool, shape (1 + n_alleles,)
        Set at ``1 + number`` of each allele that a wanted sample has (0: missing).

    Returns
    -------
    column : int
        The first column that is no genotype, -1 if all are; ``n_columns`` if there are too few.
    unphased : int
        Number of wanted heterozygous calls without phase.
    """
    ploidy = out.shape[1]
    unphased = 0
    i = 0
    n = text.shape[0]
    for column in range(slot.shape[0]):
        if i > n:
            return slot.shape[0], unphased
        row = slot[column]
        if row >= 0:
            for _ in range(field):
                while i < n and text[i] != _COLON and text[i] != _TAB:
                    i += 1
                if i < n and text[i] == _COLON:
                    i += 1
            if i < n and (text[i] == _SLASH or text[i] == _PIPE):
                # a leading mark tells the phase of the first allele
                i += 1
            count = 0
            apart = False
            while True:
                allele = -1
                if i < n and text[i] == _DOT:
                    i += 1
                else:
                    begin = i
                    allele = 0
                    while i < n and _ZERO <= text[i] <= _ZERO + 9 and i - begin < 6:
                        allele = allele * 10 + text[i] - _ZERO
                        i += 1
                    if i == begin:
                        return column, unphased
                if count >= ploidy or allele + 1 >= carried.shape[0]:
                    return column, unphased
                out[row, count] = allele
                carried[allele + 1] = True
                count += 1
                if i < n and (text[i] == _SLASH or text[i] == _PIPE):
                    apart = apart or text[i] == _SLASH
                    i += 1
                    continue
                break
            if i < n and text[i] != _TAB and text[i] != _COLON:
                return column, unphased
            if count == 1:
                for k in range(1, ploidy):
                    out[row, k] = out[row, 0]
            elif count < ploidy:
                return column, unphased
            if apart:
                for k in range(1, ploidy):
                    if out[row, k] != out[row, 0]:
                        unphased += 1
                        break
        while i < n and text[i] != _TAB:
            i += 1
        i += 1
    return (-1 if i == n + 1 else slot.shape[0]), unphased


@nb.njit(nogil=True, cache=True)
def lay_haplotypes(
    letters: NDArray[np.uint8],
    origin: int,
    start: int,
    stop: int,
    edit_start: NDArray[np.int64],
    edit_size: NDArray[np.int64],
    alt_at: NDArray[np.int64],
    alt_size: NDArray[np.int64],
    alts: NDArray[np.uint8],
    record: NDArray[np.int64],
    allele: NDArray[np.int64],
    genotypes: NDArray[np.int16],
    filled: NDArray[np.int64],
    out: NDArray[np.uint8],
    passed_over: NDArray[np.bool_],
) -> None:
    """Write the haplotypes of one stretch of the genome.

    Parameters
    ----------
    letters : ndarray of uint8, shape (n,)
        The genome from base ``origin`` on.
    origin, start, stop : int
        Bases; haplotypes are written from ``start`` to ``stop``, as far as ``out`` is wide.
    edit_start, edit_size : ndarray of int64, shape (n_edits,)
        First base and number of bases that an allele replaces, in the order of the first bases.
    alt_at, alt_size : ndarray of int64, shape (n_edits,)
        Where the letters of the allele stand in ``alts``, and how many.
    alts : ndarray of uint8, shape (n_letters,)
    record, allele : ndarray of int64, shape (n_edits,)
        Row of ``genotypes`` and number of the allele in it.
    genotypes : ndarray of int16, shape (n_records, n_samples, ploidy)
    filled : ndarray of int64, shape (n_samples, ploidy)
        How many letters each haplotype has already; counted on.
    out : ndarray of uint8, shape (n_samples, ploidy, width)
    passed_over : ndarray of bool, shape (n_edits,)
        Set where an allele was left out of a haplotype because another one had already changed a
        base of it, or had inserted bases there.
    """
    width = out.shape[2]
    n_edits = edit_start.shape[0]
    for sample in range(out.shape[0]):
        for haplotype in range(out.shape[1]):
            row = out[sample, haplotype]
            k = filled[sample, haplotype]
            position = start
            taken = np.int64(-(1 << 62))
            grown = taken
            for e in range(n_edits):
                begin = edit_start[e]
                # an insertion belongs to the base before it
                if k >= width or begin > stop:
                    break
                if genotypes[record[e], sample, haplotype] != allele[e]:
                    continue
                end = begin + edit_size[e]
                if end <= start:
                    continue
                if begin < taken or (begin == end and begin == grown):
                    passed_over[e] = True
                    continue
                taken = end
                if begin == end:
                    grown = begin
                elif begin == stop:
                    continue
                run = min(begin - position, width - k)
                if run > 0:
                    row[k : k + run] = letters[position - origin : position - origin + run]
                    k += run
                # letters that stand for bases outside the stretch are left out
                first = max(0, start - begin)
                last = alt_size[e]
                if end > stop:
                    last = min(last, stop - begin)
                for j in range(first, last):
                    if k < width:
                        row[k] = alts[alt_at[e] + j]
                        k += 1
                position = max(position, end)
            run = min(stop - position, width - k)
            if run > 0:
                row[k : k + run] = letters[position - origin : position - origin + run]
                k += run
            filled[sample, haplotype] = k
