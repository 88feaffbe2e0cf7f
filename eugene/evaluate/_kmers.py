"""Scores of k-mers, as RNAcompete and protein binding microarrays are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from eugene.config.marks import Least
from eugene.errors import EugeneError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_SCORES = ("zscore", "auc", "escore")


class RnaCompete(NamedTuple):
    """What k-mers say of predicted and measured intensities.

    Attributes
    ----------
    targets : pandas.DataFrame
        A row a target: correlations of predicted and measured, over k-mers and over probes.
    kmers : xarray.Dataset
        Scores of each k-mer.
    """

    targets: pd.DataFrame
    kmers: xr.Dataset


@numba.njit(nogil=True, cache=True)
def _score_lists(
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    values: NDArray[np.float64],
    above: NDArray[np.int64],
    tied: NDArray[np.int64],
    n: int,
    trim: float,
    out: NDArray[np.float64],
) -> None:
    """Write number, average, AUC and E-score of each list of rows into out (4, lists).

    ``above`` and ``tied`` say how many of the n finite values are above, and equal to, that of a
    row; rows whose value is NaN do not count. A negative ``trim`` asks for the median.
    """
    for word in range(len(offsets) - 1):
        listed = rows[offsets[word] : offsets[word + 1]]
        count = 0
        for row in listed:
            count += not np.isnan(values[row])
        out[0, word] = count
        if count == 0:
            continue
        members = np.empty(count, np.int64)
        at = 0
        for row in listed:
            if not np.isnan(values[row]):
                members[at] = row
                at += 1
        members = members[np.argsort(above[members])]
        kept = values[members]
        if trim < 0:
            out[1, word] = np.median(kept)
        else:
            cut = int(trim * count)
            out[1, word] = kept[cut : count - cut].mean()
        outside = n - count
        top, top_outside = count // 2, outside // 2
        wins, top_wins = 0.0, 0.0
        begin = 0
        while begin < count:
            # members of one value
            end = begin
            while end < count and above[members[end]] == above[members[begin]]:
                end += 1
            higher = above[members[begin]] - begin
            equal = tied[members[begin]] - (end - begin)
            wins += (end - begin) * (outside - higher - equal / 2)
            inside = max(0, min(end, top) - begin)
            first = min(top_outside, higher)
            same = min(top_outside, higher + equal) - first
            top_wins += inside * (top_outside - first - same / 2)
            begin = end
        if outside > 0:
            out[2, word] = wins / (count * outside)
        if top > 0 and top_outside > 0:
            out[3, word] = top_wins / (top * top_outside) - 0.5


@numba.njit(nogil=True, cache=True)
def _correlate_lists(
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write Pearson's correlation of two columns over each list of rows."""
    for word in range(len(offsets) - 1):
        listed = rows[offsets[word] : offsets[word + 1]]
        n, a, b = 0, 0.0, 0.0
        for row in listed:
            if not (np.isnan(first[row]) or np.isnan(second[row])):
                n += 1
                a += first[row]
                b += second[row]
        if n < 3:
            continue
        a, b = a / n, b / n
        aa, bb, ab = 0.0, 0.0, 0.0
        for row in listed:
            if not (np.isnan(first[row]) or np.isnan(second[row])):
                x, y = first[row] - a, second[row] - b
                aa += x * x
                bb += y * y
                ab += x * y
        if aa > 0 and bb > 0:
            out[word] = ab / np.sqrt(aa * bb)


def _columns(
    values: ArrayLike, names: Sequence[str] | None
) -> tuple[NDArray[np.float64], list[str]]:
    found = np.asarray(values, dtype=np.float64)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2:
        raise EugeneError(f"intensities have shape {found.shape}: expected (probes, targets)")
    if np.isinf(found).any():
        raise EugeneError("intensities are infinite: expected numbers, and NaN where missing")
    listed = [f"target_{i}" for i in range(found.shape[1])] if names is None else list(names)
    if len(listed) != found.shape[1]:
        raise EugeneError(f"there are {len(listed)} names of {found.shape[1]} targets")
    return found, listed


def kmer_scores(
    intensities: ArrayLike,
    seqs: Sequence[str] | NDArray[np.generic],
    *,
    k: Annotated[int, Least(1)] = 7,
    alphabet: sp.alphabets.BaseAlphabet | str = sp.RNA,
    trim: float | None = None,
    names: Sequence[str] | None = None,
    lists: tuple[NDArray[np.int64], NDArray[np.int32]] | None = None,
) -> xr.Dataset:
    """Score every k-mer by the intensities of the probes that hold it.

    Parameters
    ----------
    intensities : array_like of float, shape (n,) or (n, targets)
        One a probe; NaN where missing.
    seqs : list of str, or ndarray of S1, shape (n, length)
        The probes; shorter ones are padded with NUL.
    k : int
        Length of a k-mer.
    alphabet : alphabet or str
        Letters of the probes, RNA by default; k-mers with other letters do not count.
    trim : float, optional
        Share of the intensities that a trimmed mean leaves out at either end, as 0.05; by default
        the median is taken, as EUGENe does.
    names : list of str, optional
        Names of the targets.
    lists : tuple of ndarray, optional
        What `seqpro.kmer_rows` gave for these probes, where it is known already.

    Returns
    -------
    xarray.Dataset
        Along ``_kmer`` and ``_target``: ``n`` int64, probes that hold the k-mer; ``average`` of
        their intensities; ``zscore``, how many standard deviations (n - 1) over k-mers it is above
        the mean over k-mers; ``auc`` of the probes that hold it against the others, ties counting
        one half; ``escore`` from -0.5 to 0.5, the same of the upper half of either, less 0.5. NaN
        where there is none: too few probes hold the k-mer, or all do.

    Raises
    ------
    EugeneError
        If there are not as many probes as intensities, or these are infinite.

    References
    ----------
    Ray et al. 2013, https://doi.org/10.1038/nature12311;
    E-score: Berger et al. 2006, https://doi.org/10.1038/nbt1246

    Examples
    --------
    >>> probes = ["GCAUGC", "AGCAUG", "UUUUUU", "CCCCCC", "AAAAAA", "CUCUCU"]
    >>> found = kmer_scores([5.0, 4.0, 1.0, 0.5, 0.2, 0.1], probes, k=4)
    >>> found.sel(_kmer="GCAU")["auc"].item(), found.sel(_kmer="GCAU")["escore"].item()
    (1.0, 0.5)
    """
    import xarray as xr

    values, listed = _columns(intensities, names)
    if not 0 <= (trim or 0) < 0.5:
        raise EugeneError(f"trim is {trim}: expected a share from 0 to below 0.5")
    offsets, rows = (
        sp.kmer_rows(_letters(seqs, len(values)), k, alphabet) if lists is None else lists
    )
    scores = np.full((values.shape[1], 4, len(offsets) - 1), np.nan)
    for column, given in enumerate(values.T):
        there = ~np.isnan(given)
        _, inverse, counts = np.unique(given[there], return_inverse=True, return_counts=True)
        above, tied = np.zeros((2, len(given)), np.int64)
        above[there] = (there.sum() - np.cumsum(counts))[inverse]
        tied[there] = counts[inverse]
        half = -1.0 if trim is None else float(trim)
        column_of = (np.ascontiguousarray(given), above, tied, int(there.sum()), half)
        _score_lists(offsets, rows, *column_of, scores[column])
    n, average, auc, escore = scores.transpose(1, 2, 0)
    there = np.isfinite(average)
    mean = np.where(there, average, 0).sum(0) / np.maximum(there.sum(0), 1)
    squares = np.where(there, (average - mean) ** 2, 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        zscore = (average - mean) / np.sqrt(squares / (there.sum(0) - 1))
    found = {"average": average, "zscore": zscore, "auc": auc, "escore": escore}
    dims = ("_kmer", "_target")
    return xr.Dataset(
        {"n": (dims, n.astype(np.int64)), **{name: (dims, v) for name, v in found.items()}},
        coords={"_kmer": sp.kmers(k, alphabet), "_target": listed},
    )


def _letters(seqs: Sequence[str] | NDArray[np.generic], n: int) -> NDArray[np.bytes_]:
    letters = sp.cast_seqs(seqs)
    if letters.dtype != np.dtype("S1") or letters.ndim != 2 or len(letters) != n:
        raise EugeneError(
            f"probes are {letters.dtype} of shape {letters.shape} for {n} intensities: expected "
            "one sequence of letters a probe"
        )
    return letters.view("S1")


def rnacompete(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    seqs: Sequence[str] | NDArray[np.generic],
    *,
    k: Annotated[int, Least(1)] = 7,
    alphabet: sp.alphabets.BaseAlphabet | str = sp.RNA,
    trim: float | None = None,
    names: Sequence[str] | None = None,
) -> RnaCompete:
    """Compare predicted with measured intensities of probes through their k-mers.

    Parameters
    ----------
    y_true : array_like of float, shape (n,) or (n, targets)
        Measured intensities; NaN where missing, and those probes then count for no k-mer.
    y_pred : array_like of float, shape (n,) or (n, targets)
        Predicted ones.
    seqs : list of str, or ndarray of S1, shape (n, length)
        The probes.
    k, alphabet, trim, names
        As of `kmer_scores`.

    Returns
    -------
    RnaCompete
        ``targets``: for each target ``{zscore,auc,escore,intensity}_{pearson,spearman}``, the
        correlation of predicted and measured over the k-mers that have both, or over the probes,
        and ``n_kmers``. ``kmers``: ``n``, the scores as ``{score}_measured`` and
        ``{score}_predicted``, and ``pearson``, the correlation over the probes that hold a k-mer
        (three or more).

    Raises
    ------
    EugeneError
        If shapes differ or predictions are not finite.

    References
    ----------
    Ray et al. 2013, https://doi.org/10.1038/nature12311;
    Klie et al. 2023, https://doi.org/10.1038/s43588-023-00544-w

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> probes = ["".join(p) for p in rng.choice(list("ACGU"), (200, 20))]
    >>> y = np.array([p.count("GCA") for p in probes]) + rng.normal(0, 0.1, 200)
    >>> found = rnacompete(y, y, probes, k=3)
    >>> found.targets["zscore_pearson"].round(3).tolist()
    [1.0]
    """
    import pandas as pd
    from scipy.stats import spearmanr

    measured, listed = _columns(y_true, names)
    predicted, _ = _columns(y_pred, listed)
    if measured.shape != predicted.shape or not np.isfinite(predicted).all():
        raise EugeneError(
            f"measured intensities have shape {measured.shape} and predicted ones "
            f"{predicted.shape}: expected the same, and a finite prediction for every probe"
        )
    predicted = np.where(np.isnan(measured), np.nan, predicted)
    lists = sp.kmer_rows(_letters(seqs, len(measured)), k, alphabet)
    sides = {
        side: kmer_scores(
            values, seqs, k=k, alphabet=alphabet, trim=trim, names=listed, lists=lists
        )
        for side, values in (("measured", measured), ("predicted", predicted))
    }
    kmers = sides["measured"][["n"]].assign(
        {f"{s}_{side}": found[s] for side, found in sides.items() for s in ("average", *_SCORES)}
    )
    own = np.full((measured.shape[1], len(lists[0]) - 1), np.nan)
    rows = []
    for i, name in enumerate(listed):
        pair = np.ascontiguousarray(measured[:, i]), np.ascontiguousarray(predicted[:, i])
        _correlate_lists(*lists, *pair, own[i])
        both = {"intensity": pair}
        for score in _SCORES:
            a, b = (sides[side][score].values[:, i] for side in ("measured", "predicted"))
            both[score] = (a, b)
        row: dict[str, object] = {"target": name}
        for what, (a, b) in both.items():
            there = np.isfinite(a) & np.isfinite(b)
            exists = there.sum() > 1 and np.ptp(a[there]) > 0 and np.ptp(b[there]) > 0
            row[f"{what}_pearson"] = np.corrcoef(a[there], b[there])[0, 1] if exists else np.nan
            row[f"{what}_spearman"] = spearmanr(a[there], b[there])[0] if exists else np.nan
        row["n_kmers"] = int(np.isfinite(both["zscore"][0]).sum())
        rows.append(row)
    return RnaCompete(
        pd.DataFrame(rows).set_index("target"), kmers.assign(pearson=(kmers["n"].dims, own.T))
    )
