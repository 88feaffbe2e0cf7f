"""Seqlets: short spans of high attribution, and the known motifs that they resemble."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seqexplainer._inputs import as_array, check_choice, check_one_hot
from seqexplainer.errors import InputError
from seqexplainer.motifs import annotate_pfms

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from seqpro.motifs import MotifSet

__all__ = ["annotate_seqlets", "recursive_seqlets", "tfmodisco_seqlets"]

_TOGETHER = 1 << 20  # positions whose p-values are held at a time
_SUMS_RANKED = 1_000_000
_DRAWS = 10_000
_NULL_SHARE = 0.95
_MATCH = ["target", "accession", "p_value", "q_value", "strand", "offset", "overlap"]


def recursive_seqlets(
    attributions: NDArray[np.floating] | torch.Tensor,
    *,
    threshold: float = 0.01,
    min_length: int = 4,
    max_length: int = 25,
    flank: int = 0,
    sign: Literal["positive", "both"] = "positive",
    n_bins: int = 1000,
) -> pd.DataFrame:
    """Call the spans whose every part is unlikely to be that high by chance.

    Attributions are put into bins of one width. A span's p-value is the chance that as many
    independent draws from all bins add up to as much. A span is a seqlet if it and every span of
    at least the shortest length inside it are below the threshold. Longer spans are taken before
    shorter ones, surer before less sure, and none that overlaps one already taken.

    Neighbouring attributions are not independent, so p-values rank seqlets; they are no error
    rates.

    Parameters
    ----------
    attributions : ndarray or Tensor of float, shape (n_seqs, length) or (n_seqs, n_letters, length)
        Projected attributions: of the letters that are there. Letters are summed.
    threshold : float
        Every p-value must be below it.
    min_length, max_length : int
        Shortest and longest seqlet, bp.
    flank : int
        Added to either end of a seqlet once it is called, bp. Seqlets may overlap by it.
    sign : {"positive", "both"}
        Whether spans of low attribution are called too: those of the negated attributions which
        do not overlap a positive one.
    n_bins : int
        Number of bins.

    Returns
    -------
    pandas.DataFrame
        Surest first: ``sequence``, ``start``, ``end`` (int64; 0-based, half-open, bp),
        ``attribution`` (float64, summed over the span and its flanks), ``p_value`` (of the span
        itself).

    Raises
    ------
    InputError
        If an argument has the wrong form.

    Examples
    --------
    >>> attributions = np.random.default_rng(0).normal(0, 0.01, (2, 200))
    >>> attributions[1, 50:58] += 1
    >>> found = recursive_seqlets(attributions, threshold=1e-5)
    >>> found[["sequence", "start", "end"]].values.tolist()
    [[1, 50, 58]]
    """
    import pandas as pd

    values = _projected(attributions)
    check_choice(sign, ("positive", "both"), "sign")
    if not 1 <= min_length <= max_length:
        raise InputError(
            f"expected 1 <= min_length <= max_length, got {min_length} and {max_length}"
        )
    if not 0 < threshold <= 1:
        raise InputError(f"threshold must be a p-value above 0, at most 1, got {threshold}")
    if n_bins < 2 or flank < 0:
        raise InputError(f"expected n_bins >= 2 and flank >= 0, got {n_bins} and {flank}")
    options = (threshold, min_length, min(max_length, values.shape[1]), n_bins)
    found = _call(values, *options)
    if sign == "both":
        taken = np.zeros(values.shape, dtype=np.bool_)
        for row, first, last, _ in found:
            taken[row, first:last] = True
        found += [s for s in _call(-values, *options) if not taken[s[0], s[1] : s[2]].any()]
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))
    rows = np.array([s[:3] for s in found], dtype=np.int64).reshape(-1, 3)
    start = np.maximum(rows[:, 1] - flank, 0)
    end = np.minimum(rows[:, 2] + flank, values.shape[1])
    table = pd.DataFrame(
        {
            "sequence": rows[:, 0],
            "start": start,
            "end": end,
            "attribution": total[rows[:, 0], end] - total[rows[:, 0], start],
            "p_value": np.array([s[3] for s in found], dtype=np.float64),
        }
    )
    return table.sort_values("p_value", kind="stable").reset_index(drop=True)


def tfmodisco_seqlets(
    attributions: NDArray[np.floating] | torch.Tensor,
    *,
    window: int = 21,
    flank: int = 10,
    target_fdr: float = 0.2,
    min_fraction: float = 0.03,
    max_fraction: float = 0.2,
    seed: int = 1234,
) -> pd.DataFrame:
    """Call seqlets as TF-MoDISco does: windows whose sum stands out from a Laplace distribution.

    Attributions are summed over a sliding window. Two exponential tails around the most frequent
    sum are the null; windows are taken from where, by isotonic regression of real against null
    sums, the false discovery rate is reached, for high and for low sums apart. In each sequence
    the largest absolute sum is taken first, and windows close to it are left out. A threshold
    does not depend on the order of the sequences.

    Parameters
    ----------
    attributions : ndarray or Tensor of float, shape (n_seqs, length) or (n_seqs, n_letters, length)
        Projected attributions: of the letters that are there. Letters are summed.
    window : int
        Width of the sliding window, bp.
    flank : int
        Added to either end of a window, bp. Windows whose flank leaves the sequence are left out.
    target_fdr : float
        False discovery rate.
    min_fraction, max_fraction : float
        Bounds on the share of windows above the threshold; where they are broken, the threshold
        is the quantile of the absolute sums that keeps them.
    seed : int
        Seed of the draws from the null.

    Returns
    -------
    pandas.DataFrame
        ``sequence``, ``start``, ``end`` (int64; 0-based, half-open, bp, with flanks),
        ``attribution`` (float64, summed over the window without its flanks); by sequence, then
        the largest absolute sum first.

    Raises
    ------
    InputError
        If an argument has the wrong form.

    References
    ----------
    Shrikumar et al. 2018, doi:10.48550/arXiv.1811.00416

    Examples
    --------
    >>> attributions = np.random.default_rng(0).laplace(0, 0.01, (5, 300))
    >>> attributions[1, 100:121] += 1
    >>> attributions[3, 200:221] -= 1
    >>> found = tfmodisco_seqlets(attributions, min_fraction=0)
    >>> found[found["attribution"].abs() > 10][["sequence", "start", "end"]].values.tolist()
    [[1, 90, 131], [3, 190, 231]]
    """
    import pandas as pd

    values = _projected(attributions)
    length = values.shape[1]
    if window < 1 or flank < 0 or window > length:
        raise InputError(
            f"expected 1 <= window <= length ({length}) and flank >= 0, got {window} and {flank}"
        )
    if not (0 < target_fdr < 1 and 0 <= min_fraction <= max_fraction <= 1):
        raise InputError(
            "expected 0 < target_fdr < 1 and 0 <= min_fraction <= max_fraction <= 1, got "
            f"{target_fdr}, {min_fraction} and {max_fraction}"
        )
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))
    sums = total[:, window:] - total[:, :-window]
    high, low = _thresholds(sums.ravel(), target_fdr, min_fraction, max_fraction, seed)
    height = np.where((sums >= high) | (sums <= low), np.abs(sums), -np.inf)
    if flank:
        height[:, :flank] = height[:, -flank:] = -np.inf
    reach = int(0.5 * window) + flank
    rows = []
    for row, track in enumerate(height):
        # from the highest on, each window takes those within reach out of the running
        for at in np.argsort(-track, kind="stable")[: np.isfinite(track).sum()]:
            if np.isfinite(track[at]):
                rows.append((row, int(at)))
                track[max(at - reach, 0) : at + reach + 1] = -np.inf
    row_of, begin = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "sequence": row_of,
            "start": begin - flank,
            "end": begin + window + flank,
            "attribution": sums[row_of, begin],
        }
    )


def annotate_seqlets(
    X: NDArray[np.generic] | torch.Tensor,
    seqlets: pd.DataFrame,
    motif_db: MotifSet | str | os.PathLike[str],
    *,
    top: int = 1,
    both_strands: bool = True,
) -> pd.DataFrame:
    """Name seqlets by the known motifs that their letters resemble, as TomTom does.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences in which the seqlets were called. Unknown letters (columns of zeros or
        of 1 / n_letters) resemble nothing: those at the ends of a seqlet are left out, and one
        without a known letter has no motif.
    seqlets : DataFrame
        With ``sequence``, ``start`` and ``end``.
    motif_db : MotifSet or path
        Known motifs; a MEME, JASPAR, HOMER or TRANSFAC file.
    top : int
        Motifs per seqlet, best first.
    both_strands : bool
        Compare with the reverse complements of the motifs as well.

    Returns
    -------
    pandas.DataFrame
        The columns of ``seqlets`` and, of each of its ``top`` motifs, ``rank``, ``target``,
        ``accession``, ``p_value_motif``, ``q_value``, ``strand``, ``offset`` and ``overlap`` as in
        `annotate_pfms`. Rows of a seqlet stand together, in the order of ``seqlets``.

    Raises
    ------
    InputError
        If a seqlet lies outside the sequences, or a column is missing.

    References
    ----------
    Gupta et al. 2007, doi:10.1186/gb-2007-8-2-r24

    Examples
    --------
    >>> import pandas as pd
    >>> from seqpro.motifs import Motif, MotifSet
    >>> rng = np.random.default_rng(0)
    >>> known = MotifSet([Motif(f"m{i}", rng.dirichlet([0.05] * 4, 8).T) for i in range(30)])
    >>> X = np.zeros((1, 4, 20))
    >>> X[0, known[4].matrix.argmax(axis=0), np.arange(6, 14)] = 1
    >>> seqlets = pd.DataFrame({"sequence": [0], "start": [6], "end": [14]})
    >>> annotate_seqlets(X, seqlets, known)[["start", "target", "offset"]].values.tolist()
    [[6, 'm4', 0]]
    """
    import pandas as pd

    sequences = (check_one_hot(X) == 1).cpu().numpy()
    n_seqs, _, length = sequences.shape
    missing = [name for name in ("sequence", "start", "end") if name not in seqlets.columns]
    if missing:
        raise InputError(f"seqlets has no column {missing[0]!r}, only {list(seqlets.columns)}")
    if top < 1:
        raise InputError(f"top must be at least 1, got {top}")
    spans = seqlets[["sequence", "start", "end"]].to_numpy(dtype=np.int64)
    row, start, end = spans.T
    outside = (row < 0) | (row >= n_seqs) | (start < 0) | (end > length) | (start >= end)
    if outside.any():
        i = int(np.argmax(outside))
        raise InputError(
            f"seqlet {i} is {start[i]}-{end[i]} of sequence {row[i]}; X has {n_seqs} sequences of "
            f"{length} bp"
        )
    known: NDArray[np.bool_] = np.asarray(sequences.any(axis=1))
    cuts = [_known_span(known[r, a:b]) for r, a, b in spans]
    # equal letters are compared once
    letters = [
        sequences[r, :, a + i : a + j].astype(np.float64)
        for (r, a, _), (i, j) in zip(spans, cuts, strict=True)
    ]
    keys = [matrix.shape[1].to_bytes(4, "little") + matrix.tobytes() for matrix in letters]
    own = {key: matrix for key, matrix in zip(keys, letters, strict=True) if matrix.any()}
    number = {key: str(i) for i, key in enumerate(own)}
    matches = pd.DataFrame(columns=["query", "rank", *_MATCH])
    if own:
        found = annotate_pfms(
            list(own.values()),
            motif_db,
            names=list(number.values()),
            top=top,
            both_strands=both_strands,
        )
        matches = found[["query", "rank", *_MATCH]]
    matches = matches.rename(columns={"p_value": "p_value_motif"})
    query = pd.Series([number.get(key, "") for key in keys], dtype=object)
    numbered = seqlets.reset_index(drop=True).assign(query=query)
    matches["query"] = matches["query"].astype(object)
    numbered["cut"] = [i for i, _ in cuts]
    table = numbered.merge(matches, on="query", how="left", sort=False)
    if any(i for i, _ in cuts):
        table["offset"] -= table["cut"]
    return table.drop(columns=["query", "cut"])


def _known_span(known: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first known position and the one behind the last; (0, 0) if there is none."""
    at = np.flatnonzero(known)
    return (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)


def _projected(attributions: Any) -> NDArray[np.float64]:
    """Return attributions of positions, shape (n_seqs, length)."""
    values = as_array(attributions)
    if values.ndim == 3:
        if values.shape[2] == 4 and values.shape[1] != 4:
            raise InputError(
                f"attributions have shape {values.shape}, which looks like (n_seqs, length, "
                "n_letters); expected (n_seqs, n_letters, length): use .swapaxes(1, 2)"
            )
        values = values.sum(axis=1)
    if values.ndim != 2 or not values.size:
        raise InputError(
            "attributions must have shape (n_seqs, length) or (n_seqs, n_letters, length), got "
            f"{np.shape(attributions)}"
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("attributions hold values that are not finite")
    return values


def _tails(bins: NDArray[np.int64], longest: int, n_bins: int) -> list[NDArray[np.float64]]:
    """Return for each length the chance that a span's bins add up to at least so much."""
    one = np.bincount(bins.ravel(), minlength=n_bins) / bins.size
    sums, tails = np.ones(1), [np.ones(1)]
    for _ in range(longest):
        sums = np.convolve(sums, one)
        tails.append(np.cumsum(sums[::-1])[::-1])
    return tails


def _call(
    values: NDArray[np.float64], threshold: float, shortest: int, longest: int, n_bins: int
) -> list[tuple[int, int, int, float]]:
    """Return seqlets as sequence, start, end and p-value."""
    low, high = values.min(), values.max()
    if low == high or longest < shortest:
        return []
    width = (high - low) / (n_bins - 1)
    bins = np.minimum(np.floor((values - low) / width).astype(np.int64), n_bins - 1)
    tails = _tails(bins, longest, n_bins)
    step = max(1, _TOGETHER // (values.shape[1] * (longest - shortest + 1)))
    found = []
    for begin in range(0, len(values), step):
        for row, start, end, p in _decode(bins[begin : begin + step], tails, threshold, shortest):
            found.append((begin + row, start, end, p))
    return found


def _decode(
    bins: NDArray[np.int64], tails: list[NDArray[np.float64]], threshold: float, shortest: int
) -> list[tuple[int, int, int, float]]:
    total = np.pad(np.cumsum(bins, axis=1), ((0, 0), (1, 0)))
    # of each length: the largest p-value of a span that begins with this one, and of any in it
    levels = []
    beginning = inside = np.zeros((len(bins), bins.shape[1] + 2 - shortest))
    for size in range(shortest, len(tails)):
        own = tails[size][total[:, size:] - total[:, :-size]]
        beginning = np.maximum(own, beginning[:, : own.shape[1]])
        inside = np.maximum(beginning, inside[:, 1 : own.shape[1] + 1])
        rows, starts = np.nonzero(inside < threshold)
        if not len(rows):
            break
        order = np.lexsort((starts, beginning[rows, starts], rows))
        levels.append((size, rows[order], starts[order], own[rows[order], starts[order]]))
    taken = np.zeros(bins.shape, dtype=np.bool_)
    found = []
    for size, rows, starts, own in reversed(levels):
        used = np.pad(np.cumsum(taken, axis=1), ((0, 0), (1, 0)))
        free = used[rows, starts + size] == used[rows, starts]
        for row, start, p in zip(rows[free], starts[free], own[free], strict=True):
            if not taken[row, start : start + size].any():
                taken[row, start : start + size] = True
                found.append((int(row), int(start), int(start + size), float(p)))
    return found


def _thresholds(
    sums: NDArray[np.float64], target_fdr: float, least: float, most: float, seed: int
) -> tuple[float, float]:
    """Return the sums from which on, and down to which, windows are seqlets."""
    if not sums.any():
        return np.inf, -np.inf
    null = _laplace_draws(sums, seed)
    if len(sums) > _SUMS_RANKED:
        sums = np.random.default_rng(seed).choice(sums, _SUMS_RANKED, replace=False)
    high = _first_true(sums[sums >= 0], null[null >= 0], target_fdr)
    low = -_first_true(-sums[sums < 0], -null[null < 0], target_fdr)
    passing = float(((sums >= high) | (sums <= low)).mean())
    if passing < least or passing > most:
        bound = least if passing < least else most
        high = float(np.quantile(np.abs(sums), 1 - bound))
        low = -high
    return high, low


def _laplace_draws(sums: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return draws from two exponential tails that meet at the most frequent sum."""
    centre = sums
    edges = np.zeros(2)
    for _ in range(2):
        counts, bounds = np.histogram(centre, bins=1000)
        peak = int(np.argmax(counts))
        edges = bounds[peak : peak + 2]
        inside = centre[(edges[0] < centre) & (centre < edges[1])]
        if not len(inside):
            break
        centre = inside
    mode = float(edges.mean())
    above, below = sums[sums >= mode] - mode, mode - sums[sums <= mode]
    uniform = np.random.RandomState(seed).uniform(size=(_DRAWS, 2))
    up = uniform[:, 0] < len(above) / (len(above) + len(below))
    steps = -np.log(1 - uniform[:, 1])
    return mode + np.where(up, steps / _rate(above), -steps / _rate(below))


def _rate(distances: NDArray[np.float64]) -> float:
    """Return the steepest exponential rate over the quantiles from 5 to 95 %."""
    shares = np.arange(5, 100, 5) / 100
    if not len(distances):
        return np.inf
    quantiles = np.quantile(distances, shares)
    rates = -np.log(1 - shares)[quantiles > 0] / quantiles[quantiles > 0]
    return float(rates.max()) if len(rates) else np.inf


def _first_true(values: NDArray[np.float64], null: NDArray[np.float64], target_fdr: float) -> float:
    """Return the smallest value at which the false discovery rate is reached."""
    if not len(values):
        return np.inf
    values = np.sort(values)
    if not len(null):
        return float(values[0])
    from sklearn.isotonic import IsotonicRegression

    weight = np.r_[np.ones(len(values)), np.full(len(null), len(values) / len(null))]
    labels = np.r_[np.ones(len(values)), np.zeros(len(null))]
    fit = IsotonicRegression(out_of_bounds="clip").fit(
        np.r_[values, null], labels, sample_weight=weight
    )
    real = np.maximum(fit.predict(values), 1e-7)
    lowest = max(float(fit.predict([min(values[0], null.min())])[0]), 1e-7)
    # the share of null windows among the real ones, from where hardly any window is real
    share = np.clip(lowest / (1 - lowest), _NULL_SHARE, 1.0) if lowest < 1 else 1.0
    precision = np.clip(1 + share * (1 - 1 / real), 0, 1)
    precision[-1] = 1
    return float(values[np.argmax(precision >= 1 - target_fdr)])
