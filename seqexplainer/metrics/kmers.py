"""Whether the letters under high attributions are the same words again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import seqpro as sp
from seqexplainer.errors import InputError
from seqexplainer.metrics import _kernels
from seqexplainer.metrics._divergence import (
    Divergence,
    checked_k,
    checked_options,
    checked_share,
    said,
)
from seqexplainer.metrics._maps import Letters, Maps, batches, codes
from seqpro.random import integers

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TABLE = 1 << 27  # most k-mers counted at a time, over all draws
ENOUGH = 10
"""How many counted k-mers there should be for each possible one."""


@dataclass(frozen=True, kw_only=True)
class KmerKLD(Divergence):
    """Divergence of the k-mers under high attributions from those of the sequences.

    Attributes
    ----------
    n_kmers, n_blocks, n_letters : int
        K-mers counted, in so many blocks of so many letters (bp) together.
    counts : ndarray of int64, shape (4**k,)
        Of each k-mer in the blocks; AA..A first, the first letter the most significant.
    freq, prior : ndarray of float64, shape (4**k,)
        Shares of each k-mer in the blocks and in the sequences, with the pseudocount.
    cuts : ndarray of float64, shape (n_seqs,)
        Length of an attribution column above which a position is high.

    Notes
    -----
    The other attributes are those of `Divergence`.
    """

    n_kmers: int
    n_blocks: int
    n_letters: int
    counts: NDArray[np.int64]
    freq: NDArray[np.float64]
    prior: NDArray[np.float64]
    cuts: NDArray[np.float64]

    @property
    def k(self) -> int:
        """Length of the k-mers."""
        return (len(self.counts).bit_length() - 1) // 2

    def top(self, n: int = 10) -> list[tuple[str, int, float]]:
        """Return the k-mers that add most to the divergence.

        Parameters
        ----------
        n : int
            How many, at most.

        Returns
        -------
        list of tuple
            K-mer, how often it was counted, and what it adds to the divergence (nats).
        """
        adds, counted = _terms(self.freq, self.prior), np.flatnonzero(self.counts)
        best = counted[np.argsort(-adds[counted], kind="stable")[:n]]
        words = sp.kmers(self.k)
        return [(words[i], int(self.counts[i]), float(adds[i])) for i in best]


def kmer_kld(
    attr: object,
    X: object,
    *,
    k: int = 6,
    threshold: float = 0.9,
    buffer: int = 2,
    gradient_correction: bool = False,
    pseudocount: float = 0.0,
    correction: str | None = None,
    null: str | None = None,
    n_null: int = 20,
    seed: int | None = None,
    compat: str | None = None,
    progress: bool = False,
) -> KmerKLD:
    """Measure how far the k-mers under high attributions are from those of all sequences.

    A position is high where the length of its attribution column is above a quantile of its own
    sequence. Runs of high positions, each with two more behind it, are blocks; runs that then
    overlap are one. The k-mers of all blocks that are at least k long are counted. Attributions
    that pick out the same few words in every sequence give a large divergence.

    Parameters
    ----------
    attr : array of float, shape (n_seqs, 4, length)
        Hypothetical attributions, those of the letters that are not there included: NumPy, torch,
        or on disk (Zarr, dask), of which some rows are read at a time.
    X : array, shape (n_seqs, 4, length) or (n_seqs, length), or list of str
        One-hot sequences, or letters. K-mers with an unknown letter do not count.
    k : int
        Length of the words (bp), up to 12.
    threshold : float
        Quantile of each sequence from which on positions are high, 0 to 1; strictly above.
    buffer : int
        Positions (bp) that a run takes along at its 3' end.
    gradient_correction : bool
        Whether the mean over the letters is taken from the maps first. By default they are taken
        as they are; those of `seqexplainer.attribute` have it done.
    pseudocount : float
        Added to the count of every k-mer, in blocks and sequences alike.
    correction : {"miller_madow"}, optional
        Take the first-order bias of a small sample away, ``(seen - 1) / (2 n_kmers)``.
    null : {"shuffled"}, optional
        Compare with the same maps moved along their sequences by random distances, as on a
        circle: blocks keep their number and lengths, and lie anywhere. `KmerKLD.z` says how many
        standard deviations the divergence is above theirs.
    n_null : int
        Draws of the null.
    seed : int, optional
        Seed of the null; None means 0.
    compat : {"acme"}, optional
        Repeat a fault of the original: after a map without a high position, each map is read on
        the sequence before its own. Without such maps nothing changes.
    progress : bool
        Whether to draw a progress bar.

    Returns
    -------
    KmerKLD
        The divergence (nats; the original rounds to 3 digits), counts, shares and warnings.

    Raises
    ------
    InputError
        If the arrays do not fit each other or an option is out of range.

    Notes
    -----
    Majdandzic et al. 2022, https://proceedings.mlr.press/v200/majdandzic22a.html. The divergence
    of few k-mers is large by chance alone: 64 maps of noise give more than 64 maps of a motif do.
    Ten counted k-mers for each possible one are wanted, or a warning is in the result; compare
    models on the same sequences (`incomparable`).

    Examples
    --------
    >>> X = sp.ohe(sp.random_seqs((400, 100), sp.DNA, seed=0), sp.DNA).swapaxes(1, 2)
    >>> attr = np.random.default_rng(0).normal(size=X.shape)
    >>> X[:, :, 40:46] = np.eye(4, dtype=np.uint8)[[1, 0, 1, 2, 3, 2]].T
    >>> attr[:, :, 40:46] *= 3
    >>> found = kmer_kld(attr, X, k=4)
    >>> found.kld > 0.5, sorted(word for word, _, _ in found.top(3))
    (True, ['ACGT', 'CACG', 'CGTG'])
    """
    maps = Maps.of(attr)
    sequences = Letters.of(X, maps)
    checked_k(k, maps.length)
    cut_at = checked_share(threshold, "threshold", zero=True)
    draws, seed = checked_options(correction, null, n_null, seed, compat)
    if isinstance(buffer, bool) or not isinstance(buffer, int | np.integer) or buffer < 0:
        raise InputError(f"buffer is {buffer!r}; expected a whole number of positions from 0")
    if not 0 <= pseudocount < np.inf:
        raise InputError(f"pseudocount is {pseudocount!r}; expected a number from 0")
    if 4**k * (draws + 1) > _TABLE:
        raise InputError(
            f"k is {k}: {4**k:,} k-mers"
            + (f" of {draws + 1} draws" if draws else "")
            + f" are more than the {_TABLE:,} that are counted at a time"
        )
    counts = np.zeros((draws + 1, 4**k), dtype=np.int64)
    whole = np.zeros(4**k, dtype=np.int64)
    cuts = np.full(maps.n, np.nan)
    lookup = codes()
    room = np.empty((max(rows.stop - rows.start for rows in maps.spans()), maps.length))
    n_blocks = n_letters = n_high = 0
    for rows in batches(maps, shown=progress, what="maps"):
        text = sequences.rows(rows)
        whole += sp.kmer_spectrum(text, k, normalize=False)
        letters = text.view(np.uint8)
        norms = room[: len(letters)]
        _kernels.column_norms(maps.rows(rows), gradient_correction, norms)
        cut = cuts[rows]
        _kernels.row_quantiles(norms, cut_at, cut)
        high = np.flatnonzero(norms.max(axis=1) > cut)
        if compat:
            # the original keeps no place for a map that has no high position
            letters = sequences.rows(slice(n_high, n_high + len(high))).view(np.uint8)
            norms, cut = norms[high], cut[high]
        n_high += len(high)
        for draw in range(draws + 1):
            offsets = np.zeros(len(norms), dtype=np.int64)
            if draw:
                numbers = np.arange(rows.start, rows.start + len(norms))
                offsets = integers(seed, maps.length, draw, numbers)
            found = _kernels.count_blocks(
                norms, cut, offsets, letters, lookup, k, buffer, counts[draw]
            )
            if not draw:
                n_blocks, n_letters = n_blocks + found[0], n_letters + found[1]
    values = [_divergence(row, whole, pseudocount, correction) for row in counts]
    freq, prior = (_shares(table, pseudocount) for table in (counts[0], whole))
    n_kmers = int(counts[0].sum())
    return KmerKLD(
        kld=values[0],
        null=np.array(values[1:]),
        n_seqs=maps.n,
        length=maps.length,
        n_empty=maps.n - n_high,
        warnings=said(_notes(k, n_kmers, maps.n, maps.n - n_high), "kmer_kld"),
        settings={
            "k": k,
            "threshold": cut_at,
            "buffer": buffer,
            "gradient_correction": gradient_correction,
            "pseudocount": pseudocount,
            "correction": correction,
            "compat": compat,
            "null": null,
            "n_null": draws,
            "seed": seed,
        },
        n_kmers=n_kmers,
        n_blocks=n_blocks,
        n_letters=n_letters,
        counts=counts[0],
        freq=freq,
        prior=prior,
        cuts=cuts,
    )


def _shares(counts: NDArray[np.int64], pseudocount: float) -> NDArray[np.float64]:
    """Return counts as shares; NaN of nothing."""
    more = counts + pseudocount
    total = more.sum()
    return more / total if total else np.full(len(counts), np.nan)


def _terms(freq: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each k-mer adds to the divergence; infinite where it has no prior."""
    terms = np.zeros_like(freq)
    there = freq > 0
    with np.errstate(divide="ignore"):
        terms[there] = freq[there] * np.log(freq[there] / prior[there])
    return terms


def _divergence(
    counts: NDArray[np.int64], whole: NDArray[np.int64], pseudocount: float, correction: str | None
) -> float:
    """Return the divergence of counts from those of whole sequences; NaN of nothing."""
    n = int(counts.sum())
    if not n or not whole.any():
        return float("nan")
    kld = float(_terms(_shares(counts, pseudocount), _shares(whole, pseudocount)).sum())
    return kld - (np.count_nonzero(counts) - 1) / (2 * n) if correction else kld


def _notes(k: int, n_kmers: int, n_seqs: int, n_empty: int) -> list[str]:
    """Return what to know of a result."""
    notes = []
    if n_empty:
        notes.append(
            f"{n_empty} of {n_seqs} maps have no position above the threshold (all zeros, a NaN, "
            "or the same everywhere) and take no part"
        )
    if not n_kmers:
        notes.append(f"no block is {k} letters long, so that there is no divergence (NaN)")
    elif n_kmers < ENOUGH * 4**k:
        notes.append(
            f"{n_kmers:,} k-mers were counted, {ENOUGH * 4**k:,} are wanted for k={k}: so few "
            "diverge by chance alone. Take more sequences, a smaller k or a lower threshold, or "
            "read the z-score (null='shuffled')"
        )
    return notes
