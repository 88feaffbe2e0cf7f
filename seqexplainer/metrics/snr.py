"""How far attributions of motifs stand out of those of what lies around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqexplainer._inputs import check_whole
from seqexplainer.errors import InputError
from seqexplainer.metrics._divergence import said
from seqexplainer.metrics._maps import Letters, Maps, batches, codes
from seqexplainer.metrics.groundtruth import pr_area, roc_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-10  # added to shares before their logarithm, as in the original


@dataclass(frozen=True)
class AttributionSNR:
    """Attributions of known motifs against those of the background, a number a sequence.

    Attributes
    ----------
    snr : ndarray of float64, shape (n_seqs,)
        `signal` over `noise`; 0 where the background has too few positive positions.
    signal : ndarray of float64, shape (n_seqs,)
        Mean attribution of the positions of motifs; 0 as `snr`.
    noise : ndarray of float64, shape (n_seqs,)
        Mean of the highest attributions of the background; 0 as `snr`.
    auroc, auprc : ndarray of float64, shape (n_seqs,)
        Areas under the ROC and the precision-recall curve, positions of motifs against the
        background; NaN where there is only one kind.
    warnings : tuple of str
        What to know before the numbers are believed; also logged.
    """

    snr: NDArray[np.float64]
    signal: NDArray[np.float64]
    noise: NDArray[np.float64]
    auroc: NDArray[np.float64]
    auprc: NDArray[np.float64]
    warnings: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean signal-to-noise ratio; sequences without a motif do not count."""
        return _mean(self.snr)

    @property
    def mean_auroc(self) -> float:
        """Mean area under the ROC curve."""
        return _mean(self.auroc)

    @property
    def mean_auprc(self) -> float:
        """Mean area under the precision-recall curve."""
        return _mean(self.auprc)


def attribution_snr(
    attr: object,
    X: object,
    truth: object,
    *,
    threshold: float = 0.1,
    top: int = 10,
) -> AttributionSNR:
    """Compare the attributions of planted motifs with the highest ones of the background.

    Attributions are taken at the letters that are there. Positions of motifs are those whose
    ground truth has more than ``threshold`` bits; the background are those that have the least
    information of their sequence. What lies between is left out.

    Parameters
    ----------
    attr : array of float, shape (n_seqs, 4, length)
        Attributions as in `kmer_kld`: hypothetical, or of the letters that are there.
    X : array, shape (n_seqs, 4, length) or (n_seqs, length), or list of str
        One-hot sequences, or letters.
    truth : array of float, shape (n_seqs, 4, length)
        What each sequence was drawn from: the probability of each letter at each position.
    threshold : float
        Information (bits) above which a position belongs to a motif.
    top : int
        Highest positive attributions of the background whose mean is the noise. A sequence with
        fewer has a ratio of 0, as in the original.

    Returns
    -------
    AttributionSNR
        Numbers per sequence, and their means. Take positive sequences only for the mean that is
        published.

    Raises
    ------
    InputError
        If the arrays do not fit each other, or the truth does not hold probabilities.

    Notes
    -----
    Majdandzic et al. 2022, https://proceedings.mlr.press/v200/majdandzic22a.html, whose values
    are computed by tfomics. The precision-recall area is that under straight lines, as there;
    `position_auprc` gives average precision, of absolute values.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.full((20, 4, 60), 0.25)
    >>> truth[:, :, 20:30] = np.eye(4)[rng.integers(0, 4, 10)].T
    >>> X = np.eye(4)[[rng.choice(4, p=column) for row in truth for column in row.T]]
    >>> X = X.reshape(20, 60, 4).swapaxes(1, 2)
    >>> attr = rng.normal(size=X.shape) * 0.1 + X * (truth - 0.25)
    >>> found = attribution_snr(attr, X, truth)
    >>> found.mean > 3, found.mean_auroc > 0.99
    (True, True)
    """
    maps, models = Maps.of(attr), Maps.of(truth)
    sequences = Letters.of(X, maps)
    if (models.n, models.length) != (maps.n, maps.length):
        raise InputError(
            f"truth must have shape ({maps.n}, 4, {maps.length}) as attr, got "
            f"({models.n}, 4, {models.length})"
        )
    check_whole(top=top)
    if not 0 <= threshold < 2:
        raise InputError(f"threshold is {threshold!r}; expected bits, from 0 to below 2")
    columns = np.full((5, maps.n), np.nan)
    snr, signal, noise, auroc, auprc = columns
    few = 0
    for rows in batches(maps, shown=False, what="maps"):
        scores = _at_letters(maps.rows(rows), sequences.rows(rows))
        if not np.isfinite(scores).all():
            at = rows.start + int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
            raise InputError(f"attr holds NaN or an infinite value in sequence {at}")
        information = _information(models.rows(rows), rows.start)
        for i, score, bits in zip(range(rows.start, rows.stop), scores, information, strict=True):
            motif, rest = bits > threshold, bits == bits.min()
            rest &= ~motif
            if not motif.any():
                continue
            positive = np.sort(score[rest & (score > 0)])
            few += len(positive) < top
            signal[i] = noise[i] = snr[i] = 0.0
            if len(positive) >= top:
                signal[i], noise[i] = score[motif].mean(), positive[-top:].mean()
                snr[i] = signal[i] / noise[i]
            if rest.any():
                either = motif | rest
                auroc[i] = roc_area(score[either], motif[either])
                auprc[i] = pr_area(score[either], motif[either])
    return AttributionSNR(
        snr, signal, noise, auroc, auprc, said(_notes(snr, few, top), "attribution_snr")
    )


def _at_letters(values: NDArray[np.floating], letters: NDArray[np.bytes_]) -> NDArray[np.float64]:
    """Return what maps (n, 4, L) say of the letters (n, L) that are there, 0 of unknown ones."""
    found = codes()[letters.view(np.uint8)]
    known = found < 4
    at = np.where(known, found, 0)[:, None].astype(np.int64)
    there: NDArray[np.float64] = np.take_along_axis(values, at, axis=1)[:, 0].astype(np.float64)
    return np.where(known, there, 0.0)


def _information(shares: NDArray[np.floating], first: int) -> NDArray[np.float64]:
    """Return the information (n, L) of columns of probabilities (n, 4, L), in bits."""
    wide = shares.astype(np.float64)
    good = (wide >= 0).all(axis=1) & (np.abs(wide.sum(axis=1) - 1) < 1e-2)
    if not good.all():
        row, at = (int(v) for v in np.argwhere(~good)[0])
        raise InputError(
            f"truth holds {wide[row, :, at].round(4).tolist()} in sequence {first + row}, position "
            f"{at}; expected the probability of each letter, which add up to 1 (0.25 each where "
            "nothing was planted)"
        )
    bits: NDArray[np.float64] = 2 + (wide * np.log2(wide + _TINY)).sum(axis=1)
    return bits


def _notes(snr: NDArray[np.float64], few: int, top: int) -> list[str]:
    notes, bare = [], int(np.isnan(snr).sum())
    if bare:
        notes.append(
            f"{bare} of {len(snr)} sequences have no position of a motif and have no numbers (NaN)"
        )
    if few:
        notes.append(
            f"{few} of {len(snr)} sequences have fewer than {top} positive attributions in their "
            "background: their signal-to-noise ratio counts as 0"
        )
    return notes


def _mean(values: NDArray[np.float64]) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")
