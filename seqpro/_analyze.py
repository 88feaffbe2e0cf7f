"""Functions that measure sequences: length, composition, k-mers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpro import _encode, _kernels
from seqpro._cast import cast_seqs, letter_axis, one_hot_axes, to_rows
from seqpro._types import Sequences
from seqpro.alphabets import DNA, BaseAlphabet, NucleotideAlphabet, named
from seqpro.errors import AlphabetError, SeqproError

MAX_KMER_ENTRIES = 2**31
"""Largest table of k-mer counts, in entries, before the caller is asked to think again."""


def length(
    seqs: Sequences, length_axis: int | None = None, ohe_axis: int | None = None
) -> NDArray[np.int64] | np.int64:
    """Measure sequences.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 or one-hot uint8
    length_axis, ohe_axis : int, optional
        As in `reverse_complement`.

    Returns
    -------
    ndarray of int64, shape of the leading axes
        In bp. NUL letters at the end do not count; one-hot arrays count as full.

    Raises
    ------
    SeqproError
        If one empty text is given alone. Empty ones of a list have length 0.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.length(["A", "ACG", ""]).tolist()
    [1, 3, 0]
    """
    array = cast_seqs(seqs)
    if array.dtype == np.uint8:
        positions, columns = one_hot_axes(array, length_axis, ohe_axis, None)
        shape = tuple(n for i, n in enumerate(array.shape) if i not in (positions, columns))
        return _scalar(np.full(shape, array.shape[positions], np.int64))
    rows, leading = to_rows(array.view(np.uint8), letter_axis(array, length_axis))
    out = np.empty(rows.shape[0], np.int64)
    _kernels.effective_lengths(rows, out)
    return _scalar(out.reshape(leading))


def _scalar(array: NDArray[np.generic]) -> Any:
    """Turn a 0-d array into a NumPy scalar."""
    return array[()]


def gc_content(
    seqs: Sequences,
    normalize: bool = True,
    length_axis: int | None = None,
    alphabet: BaseAlphabet | str = DNA,
    ohe_axis: int | None = None,
) -> NDArray[np.generic] | np.generic:
    """Count G and C.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 or one-hot uint8
    normalize : bool
        Give the fraction of the array's length instead of the count. N, and the padding of a
        ragged list, are in the denominator.
    length_axis, ohe_axis : int, optional
        As in `reverse_complement`.
    alphabet : NucleotideAlphabet or str

    Returns
    -------
    ndarray of float64 or int64, shape of the leading axes

    Raises
    ------
    SeqproError
        If the alphabet has no G or C, a one-hot array does not fit it, or one empty text is given
        alone.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.gc_content(["ACGT", "GgCN"]).tolist()
    [0.5, 0.75]
    """
    alphabet = named(alphabet or "DNA")
    wanted = [alphabet.alphabet.find(letter) for letter in "GC"]
    if min(wanted) < 0:
        raise AlphabetError(f"alphabet {alphabet.alphabet!r} has no G or no C")
    counts, size = _count_letters(seqs, length_axis, alphabet, ohe_axis)
    total = counts[..., wanted].sum(-1)
    return _scalar(total / size if normalize and size else total)


def nucleotide_content(
    seqs: Sequences,
    normalize: bool = True,
    length_axis: int | None = None,
    alphabet: BaseAlphabet | str = DNA,
    ohe_axis: int | None = None,
) -> NDArray[np.generic]:
    """Count every letter of the alphabet.

    Parameters
    ----------
    seqs, normalize, length_axis, alphabet, ohe_axis
        As in `gc_content`.

    Returns
    -------
    ndarray of float64 or int64, shape (..., A)

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.nucleotide_content("AACN", normalize=False).tolist()
    [2, 1, 0, 0]
    """
    alphabet = named(alphabet or "DNA")
    counts, size = _count_letters(seqs, length_axis, alphabet, ohe_axis)
    return counts / size if normalize and size else counts


def _count_letters(
    seqs: Sequences, length_axis: int | None, alphabet: BaseAlphabet, ohe_axis: int | None
) -> tuple[NDArray[np.int64], int]:
    """Return counts (..., A) and the length of the array."""
    width = len(alphabet)
    array = cast_seqs(seqs)
    if array.dtype == np.uint8:
        positions, columns = one_hot_axes(array, length_axis, ohe_axis, alphabet)
        moved = np.moveaxis(array, (positions, columns), (-2, -1))
        return moved.sum(-2, dtype=np.int64), moved.shape[-2]
    rows, leading = to_rows(array.view(np.uint8), letter_axis(array, length_axis))
    counts = np.zeros((rows.shape[0], width + 1), np.int64)
    _kernels.count_codes(rows, alphabet.lookup, counts)
    return counts[:, :width].reshape(*leading, width), rows.shape[1]


def kmer_counts(
    seqs: Sequences,
    k: int,
    alphabet: BaseAlphabet | str = DNA,
    *,
    length_axis: int | None = None,
    ohe_axis: int | None = None,
    canonical: bool = False,
) -> NDArray[np.uint32]:
    """Count the k-mers of each sequence.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 or one-hot uint8
    k : int
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    length_axis, ohe_axis : int, optional
        As in `reverse_complement`.
    canonical : bool
        Count a k-mer and its reverse complement together, in the column of the first of the
        two; the other column stays 0.

    Returns
    -------
    ndarray of uint32, shape (..., A**k)
        Columns in the order of the alphabet: AA, AC, AG, ... Windows with a letter outside the
        alphabet are not counted.

    Raises
    ------
    SeqproError
        If k is below 1, the table would be too large, or canonical is asked of amino acids.

    Examples
    --------
    >>> import seqpro as sp
    >>> counts = sp.kmer_counts("ACAC", 2)
    >>> [(sp.kmers(2)[i], int(counts[i])) for i in counts.nonzero()[0]]
    [('AC', 2), ('CA', 1)]
    """
    alphabet = named(alphabet)
    _check_canonical(canonical, alphabet)
    rows, leading, lookup = _code_rows(seqs, alphabet, length_axis, ohe_axis)
    out = _count_table(rows.shape[0], k, alphabet)
    _kernels.count_kmers(rows, lookup, len(alphabet), k, canonical, out)
    return out.reshape(*leading, out.shape[1])


def kmer_spectrum(
    seqs: Sequences,
    k: int,
    alphabet: BaseAlphabet | str = DNA,
    *,
    normalize: bool = True,
    length_axis: int | None = None,
    ohe_axis: int | None = None,
    canonical: bool = False,
) -> NDArray[np.float64] | NDArray[np.int64]:
    """Count the k-mers of all sequences together.

    Parameters
    ----------
    seqs, k, alphabet, length_axis, ohe_axis, canonical
        As in `kmer_counts`.
    normalize : bool
        Give frequencies that sum to 1 instead of counts.

    Returns
    -------
    ndarray of float64 or int64, shape (A**k,)
        Zeros where there is no k-mer at all.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.kmer_spectrum(["AC", "CC"], 1).tolist()
    [0.25, 0.75, 0.0, 0.0]
    """
    alphabet = named(alphabet)
    _check_canonical(canonical, alphabet)
    rows, _, lookup = _code_rows(seqs, alphabet, length_axis, ohe_axis)
    out = _count_table(1, k, alphabet).astype(np.int64)
    _kernels.count_kmers(rows, lookup, len(alphabet), k, canonical, out)
    counts: NDArray[np.int64] = out[0]
    total = int(counts.sum())
    if not normalize:
        return counts
    return counts / max(total, 1)


def kmer_rows(
    seqs: Sequences,
    k: int,
    alphabet: BaseAlphabet | str = DNA,
    *,
    length_axis: int | None = None,
    ohe_axis: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """List for each k-mer the sequences that hold it, once each.

    It is the sparse form of the table of which k-mer is in which sequence, column by column.

    Parameters
    ----------
    seqs, k, alphabet, length_axis, ohe_axis
        As in `kmer_counts`.

    Returns
    -------
    offsets : ndarray of int64, shape (A**k + 1,)
        Where the list of each k-mer begins and ends, k-mers in the order of `kmers`.
    rows : ndarray of int32, shape (entries,)
        Numbers of the sequences, ascending within a list.

    Raises
    ------
    SeqproError
        If k is below 1, or there are too many k-mers.

    Examples
    --------
    >>> import seqpro as sp
    >>> offsets, rows = sp.kmer_rows(["ACAC", "CAAA"], 2)
    >>> ca = sp.kmers(2).index("CA")
    >>> rows[offsets[ca]:offsets[ca + 1]].tolist()
    [0, 1]
    """
    alphabet = named(alphabet)
    rows, _, lookup = _code_rows(seqs, alphabet, length_axis, ohe_axis)
    size = _count_table(1, k, alphabet).shape[1]
    offsets, seen = np.zeros(size + 1, np.int64), np.full(size, -1, np.int64)
    given = (rows, lookup, len(alphabet), k)
    _kernels.list_kmers(*given, seen, offsets, np.empty(0, np.int32))
    offsets = np.cumsum(offsets)
    out, places = np.empty(int(offsets[-1]), np.int32), offsets.copy()
    if out.size:
        seen[:] = -1
        _kernels.list_kmers(*given, seen, places, out)
    return offsets, out


def kmers(k: int, alphabet: BaseAlphabet | str = DNA) -> list[str]:
    """List all k-mers in the order of the columns of `kmer_counts`.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.kmers(2)[:5]
    ['AA', 'AC', 'AG', 'AT', 'CA']
    """
    alphabet = named(alphabet)
    words = [""]
    for _ in range(k):
        words = [word + letter for word in words for letter in alphabet.alphabet]
    return words


def _check_canonical(canonical: bool, alphabet: BaseAlphabet) -> None:
    if canonical and not isinstance(alphabet, NucleotideAlphabet):
        msg = f"canonical needs nucleotides: letters {alphabet.alphabet!r} have no complement"
        raise AlphabetError(msg)


def _count_table(n_rows: int, k: int, alphabet: BaseAlphabet) -> NDArray[np.uint32]:
    if k < 1:
        raise SeqproError(f"k must be at least 1, got {k}")
    entries = n_rows * len(alphabet) ** k
    if entries > MAX_KMER_ENTRIES:
        raise SeqproError(
            f"counting {k}-mers of {n_rows} sequences needs a table of {entries:.2e} entries, "
            f"over {MAX_KMER_ENTRIES:.2e}; take a smaller k, fewer sequences at a time, or "
            "kmer_spectrum"
        )
    return np.zeros((n_rows, len(alphabet) ** k), np.uint32)


def _code_rows(
    seqs: Sequences,
    alphabet: BaseAlphabet,
    length_axis: int | None,
    ohe_axis: int | None,
) -> tuple[NDArray[np.uint8], tuple[int, ...], NDArray[np.uint8]]:
    """Return rows (n, L), the leading shape, and the table from the bytes of rows to codes."""
    array = cast_seqs(seqs)
    if array.dtype != np.uint8:
        rows, leading = to_rows(array.view(np.uint8), letter_axis(array, length_axis))
        return rows, leading, alphabet.lookup
    width = len(alphabet)
    positions, columns = one_hot_axes(array, length_axis, ohe_axis, alphabet)
    codes = _encode.read_columns(
        array.view(np.uint8), columns, np.arange(width + 1, dtype=np.uint8)
    )
    rows, leading = to_rows(codes, positions - (columns < positions))
    lookup = np.full(256, width, np.uint8)
    lookup[:width] = np.arange(width)
    return rows, leading, lookup
