"""Functions of SeqPro 0.1 that its packages did not show, under their names."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from seqpro.errors import SeqproError


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

    Examples
    --------
    >>> count_kmers_seq("ACAC", 2)
    {'AC': 2, 'CA': 1}
    """
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
