"""Clusters of similar sequences from sketches of their k-mers."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from seqdata.errors import SeqdataError
from seqdata.schema import is_nucleotide
from seqdata.splits._kmers import NO_DIGIT, digits_of, kmer_hashes
from seqpro.random import counter_seed

_BINS = 64
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(nogil=True, cache=True)
def _sketch(
    digits: NDArray[np.uint8],
    k: int,
    bits: int,
    both_strands: bool,
    salt: np.uint64,
    out: NDArray[np.uint64],
) -> None:
    """Keep, of all k-mers of a row hashed into bins, the least of each bin."""
    n_bins = np.uint64(out.shape[1])
    hashes = np.empty(digits.shape[1], np.uint64)
    for i in range(digits.shape[0]):
        out[i] = np.uint64(0xFFFFFFFFFFFFFFFF)
        for j in range(kmer_hashes(digits[i], k, bits, both_strands, salt, hashes)):
            place = np.int64(hashes[j] % n_bins)
            out[i, place] = min(out[i, place], hashes[j])


def sketches(
    seqs: NDArray[np.generic], *, k: int, seed: int, alphabet: str = "ACGT"
) -> NDArray[np.uint64]:
    """Return a sketch of every sequence.

    Parameters
    ----------
    seqs : ndarray of S1 or uint8 ASCII, shape (n, length)
        K-mers with letters outside the alphabet do not count.
    k : int
        Length of a k-mer (bp), 1 to 31; 12 at most for amino acids.
    seed : int
        Seed of the hash.
    alphabet : str, optional
        The letters. Nucleotides are looked at on both strands.

    Returns
    -------
    ndarray of uint64, shape (n, 64)
        Least hash of each bin; the largest value where a bin is empty.
    """
    table = digits_of(alphabet)
    bits = max(2, int(table[table != NO_DIGIT].max()).bit_length())
    most = 62 // bits
    if not 1 <= k <= most:
        raise SeqdataError(f"k is {k}: expected 1 to {most} letters of {alphabet!r}.")
    if seqs.ndim != 2 or seqs.dtype not in (np.dtype("S1"), np.dtype(np.uint8)):
        raise SeqdataError(
            f"sequences are {seqs.dtype} of shape {seqs.shape}: expected letters (n, length)."
        )
    out = np.empty((len(seqs), _BINS), np.uint64)
    salt = np.uint64(counter_seed(seed, k))
    digits = table[np.ascontiguousarray(seqs).view(np.uint8)]
    _sketch(digits, k, bits, is_nucleotide(alphabet), salt, out)
    return out


def _root(parents: NDArray[np.int64], i: int) -> int:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = int(parents[i])
    return i


def clusters(
    seqs: NDArray[np.generic], *, k: int, threshold: float, seed: int, alphabet: str = "ACGT"
) -> NDArray[np.int64]:
    """Return a cluster number for every sequence.

    Parameters
    ----------
    seqs : ndarray of S1 or uint8 ASCII, shape (n, length)
        Sequences.
    k : int
        Length of a k-mer (bp).
    threshold : float
        Least estimated share of common k-mers between linked sequences.
    seed : int
        Seed of the hash.
    alphabet : str, optional
        The letters.

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of the first row of each row's cluster.

    Raises
    ------
    SeqdataError
        Where the threshold is no share.
    """
    if not 0.0 < threshold <= 1.0:
        raise SeqdataError(f"threshold is {threshold}: expected a share above 0, up to 1.")
    sketch = sketches(seqs, k=k, seed=seed, alphabet=alphabet)
    parents = np.arange(len(sketch), dtype=np.int64)
    width = 2 if threshold < 0.7 else 4
    for low in range(0, _BINS, width):
        band = sketch[:, low : low + width]
        rows = np.flatnonzero((band != _EMPTY).all(axis=1))
        if not len(rows):
            continue
        order = rows[np.lexsort([*band[rows].T, rows][::-1])]
        same = (band[order[1:]] == band[order[:-1]]).all(axis=1)
        heads = np.maximum.accumulate(np.where(np.r_[True, ~same], np.arange(len(order)), 0))
        for a, b in (
            (order[:-1][same], order[1:][same]),
            (order[heads][1:][same], order[1:][same]),
        ):
            filled = (sketch[a] != _EMPTY) | (sketch[b] != _EMPTY)
            agree = ((sketch[a] == sketch[b]) & filled).sum(axis=1)
            linked = agree >= threshold * np.maximum(filled.sum(axis=1), 1)
            for i, j in zip(a[linked].tolist(), b[linked].tolist(), strict=True):
                p, q = _root(parents, i), _root(parents, j)
                parents[max(p, q)] = min(p, q)
    return np.array([_root(parents, i) for i in range(len(parents))], dtype=np.int64)
