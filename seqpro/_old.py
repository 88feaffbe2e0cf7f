"""Functions of SeqPro 0.1 that its packages did not show, under their names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from seqpro.errors import AxisError, SeqproError


class NormalizationMethod(StrEnum):
    """What `normalize_coverage` can do."""

    CPM = "CPM"
    CPKM = "CPKM"


def remove_whitespace(seqs: str | Iterable[str]) -> str | list[str]:
    """Return sequences without the white space around them.

    Examples
    --------
    >>> remove_whitespace([" ACG", "T "])
    ['ACG', 'T']
    """
    return seqs.strip() if isinstance(seqs, str) else [seq.strip() for seq in seqs]


def sanitize(seqs: str | Iterable[str], length_axis: int | None = None) -> str | list[str]:
    """Return sequences in upper case, without the white space around them.

    Parameters
    ----------
    seqs : str or iterable of str
        The sequences.
    length_axis : int, optional
        Unused: text has none.

    Examples
    --------
    >>> sanitize([" acg", "T "])
    ['ACG', 'T']
    """
    stripped = remove_whitespace(seqs)
    return stripped.upper() if isinstance(stripped, str) else [seq.upper() for seq in stripped]


def check_axes(
    seqs: object, length_axis: int | bool | None = None, ohe_axis: int | bool | None = None
) -> None:
    """Refuse arrays whose axes are not said.

    Parameters
    ----------
    seqs : str, list of them, ndarray of S1 or one-hot uint8
        Text says its axes itself.
    length_axis, ohe_axis : int, bool or None
        None where it is not known; False where it is not needed.

    Raises
    ------
    AxisError
        If an axis of the array is needed and None, or both are the same.

    Examples
    --------
    >>> check_axes("ACG"), check_axes(sp.cast_seqs("ACG"), -1, False)
    (None, None)
    """
    array = seqs if isinstance(seqs, np.ndarray) else None
    if array is not None and array.itemsize == 1 and length_axis is None:
        raise AxisError("an array of letters or one-hot needs its length_axis")
    if array is not None and array.dtype == np.uint8 and ohe_axis is None:
        raise AxisError("a one-hot array needs its ohe_axis")
    said = [a for a in (length_axis, ohe_axis) if a is not None and not isinstance(a, bool)]
    if len(said) == 2 and said[0] == said[1]:
        raise AxisError(f"length_axis and ohe_axis are both {said[0]}; they must differ")


def align_axes(
    *arrays: NDArray[np.generic], axes: int | tuple[int, ...]
) -> tuple[tuple[NDArray[np.generic], ...], tuple[int, ...]]:
    """Move axes to the end, in their order.

    Parameters
    ----------
    *arrays : ndarray
        Alike in size along the axes, the last of them excepted.
    axes : int or tuple of int
        The axes.

    Returns
    -------
    arrays : tuple of ndarray
        Views.
    places : tuple of int
        Where the axes are now, counted from the end.

    Raises
    ------
    SeqproError
        If the arrays differ in size.

    Examples
    --------
    >>> moved, places = align_axes(np.ones((2, 3, 5)), axes=(0, 1))
    >>> moved[0].shape, places
    ((5, 2, 3), (-2, -1))
    """
    named = (axes,) if isinstance(axes, int) else tuple(axes)
    places = tuple(range(-len(named), 0))
    moved = tuple(np.moveaxis(array, named, places) for array in arrays)
    sizes = sorted({array.shape[places[0] : -1] for array in moved})
    if len(sizes) > 1:
        raise SeqproError(f"arrays differ in size along axes {named[:-1]}: {sizes}")
    return moved, places


def slice_kmers(
    array: NDArray[np.generic], starts: NDArray[np.integer], k: int
) -> NDArray[np.generic]:
    """Cut one window out of every row.

    Parameters
    ----------
    array : ndarray, shape (..., *rows, length)
        The array.
    starts : ndarray of int, shape rows
        Where the windows begin.
    k : int
        Their width.

    Returns
    -------
    ndarray, shape (..., *rows, k)

    Raises
    ------
    SeqproError
        If a window begins before the array or ends behind it.

    Examples
    --------
    >>> slice_kmers(np.arange(8).reshape(2, 4), np.array([0, 2]), 2).tolist()
    [[0, 1], [6, 7]]
    """
    starts = np.asarray(starts)
    if starts.size and not 0 <= starts.min() <= starts.max() <= array.shape[-1] - k:
        raise SeqproError(f"windows of {k} do not all lie in a length of {array.shape[-1]}")
    places = np.broadcast_to(starts[..., None] + np.arange(k), (*array.shape[:-1], k))
    return np.take_along_axis(array, places, axis=-1)


def translate_kmers(
    seq_kmers: NDArray[np.uint8], kmer_keys: NDArray[np.uint8], kmer_values: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the letters of words, by a table.

    Parameters
    ----------
    seq_kmers : ndarray of uint8, shape (..., k)
        Words, as ASCII.
    kmer_keys : ndarray of uint8, shape (n, k)
        The words of the table.
    kmer_values : ndarray of uint8, shape (n,)
        Their letters.

    Returns
    -------
    ndarray of uint8, shape (...)

    Raises
    ------
    SeqproError
        If a word is not in the table; SeqPro's left whatever was in memory.

    Examples
    --------
    >>> keys, values = sp.AA.codon_array.view(np.uint8), sp.AA.aa_array.view(np.uint8)
    >>> translate_kmers(sp.cast_seqs(["ATC", "GAT"]).view(np.uint8), keys, values).tobytes()
    b'ID'
    """
    same = (np.asarray(seq_kmers)[..., None, :] == kmer_keys).all(-1)
    if not same.any(-1).all():
        raise SeqproError(
            "a word is not in the table; seqpro.translate(unknown=) gives it a letter"
        )
    return np.asarray(np.asarray(kmer_values)[same.argmax(-1)], np.uint8)


def count_kmers_seq(seq: str, k: int) -> dict[str, int]:
    """Count the words of a sequence, those that are there.

    Parameters
    ----------
    seq : str
        Letters of DNA.
    k : int
        Length of a word.

    Returns
    -------
    dict of str to int

    Raises
    ------
    SeqproError
        If the sequence is shorter than a word.

    Examples
    --------
    >>> count_kmers_seq("ACAC", 2)
    {'AC': 2, 'CA': 1}
    """
    if len(seq) < k:
        raise SeqproError(f"a sequence of {len(seq)} bp has no words of {k}")
    counts = sp.kmer_counts(seq, k)
    words = sp.kmers(k)
    return {words[i]: int(counts[i]) for i in np.flatnonzero(counts)}


def normalize_coverage(
    coverage: NDArray[np.number],
    method: Literal["CPM", "CPKM"],
    total_counts: ArrayLike,
    length_axis: int,
) -> NDArray[np.float64]:
    """Return coverage per million reads, and per thousand bp of the region.

    Parameters
    ----------
    coverage : ndarray, shape (..., length)
        Reads at each position.
    method : {"CPM", "CPKM"}
        Per million, or per million and thousand bp.
    total_counts : array_like
        Reads in all, of a shape that goes with ``coverage``.
    length_axis : int
        Axis of the positions.

    Returns
    -------
    ndarray of float64, as ``coverage``

    Raises
    ------
    SeqproError
        If the method is none of the two.

    Examples
    --------
    >>> normalize_coverage(np.ones((1, 2)), "CPKM", 1_000_000, -1).tolist()
    [[500.0, 500.0]]
    """
    if method not in ("CPM", "CPKM"):
        raise SeqproError(f"method={method!r} must be CPM or CPKM")
    per_million = coverage * 1e6 / np.asarray(total_counts)
    return per_million / (coverage.shape[length_axis] / 1000) if method == "CPKM" else per_million
