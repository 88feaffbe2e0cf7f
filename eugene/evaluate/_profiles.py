"""Scores of predicted profiles and counts, with bootstrap intervals over rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene import _judge, _weighted
from eugene._evaluation import Metric, Metrics
from eugene.errors import EugeneError
from eugene.evaluate._intervals import percentiles, resamples, summary
from eugene.evaluate._profile_rows import (
    Smooth,
    jensen_shannon,
    multinomial_nll,
    row_pearson,
    row_spearman,
    smooth_profiles,
)
from eugene.settings import session_seed

Values: TypeAlias = NDArray[np.float64]
Tasks: TypeAlias = Mapping[str, Sequence[int]]
"""Name of each task, and which samples it is of: one, or both strands."""
Drawn: TypeAlias = dict[str, tuple[list[float], list[Values]]]
"""Metric -> its value of each task, and its values in the resamples."""
_OfRows = Callable[[Values, Values], Values]

# values that are worked on at a time
_BLOCK = 2_000_000
_ROWS: dict[str, _OfRows] = {
    "jsd": _weighted.median,
    "mnll": _weighted.mean,
    "profile_pearson": _weighted.median,
    "profile_spearman": _weighted.median,
}
_COUNTS = {"count_pearson": _weighted.pearson, "count_spearman": _weighted.spearman}


def one_task_a_sample(samples: int) -> dict[str, list[int]]:
    """Return tasks of which each is a sample of its own."""
    return {str(i): [i] for i in range(samples)}


@dataclass(frozen=True)
class ProfileRows:
    """What each row gave.

    Attributes
    ----------
    tasks : tuple of str
        Names of the tasks.
    scores : dict of str to ndarray of float64, each of shape (n, tasks)
        ``jsd`` and ``mnll`` (nats), ``profile_pearson``, ``profile_spearman``; NaN where the row
        has no counts, or what a correlation needs does not vary.
    totals : ndarray of float64, shape (n, tasks)
        Observed counts of the positions that are there; NaN where none is.
    log_counts : ndarray of float64, shape (n, tasks), or None
        Predicted logarithm of 1 + counts of the same positions: less what the predicted profile
        puts elsewhere.
    empty : ndarray of bool, shape (n, tasks)
        Rows in which nothing was counted.
    smooth : Smooth or None
        How both sides were smoothed for the correlations.
    """

    tasks: tuple[str, ...]
    scores: dict[str, Values]
    totals: Values
    log_counts: Values | None
    empty: NDArray[np.bool_]
    smooth: Smooth | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.totals)

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> ProfileRows:
        """Return some of the rows."""
        return ProfileRows(
            self.tasks,
            {name: values[rows] for name, values in self.scores.items()},
            self.totals[rows],
            None if self.log_counts is None else self.log_counts[rows],
            self.empty[rows],
            self.smooth,
        )

    @classmethod
    def joined(cls, parts: Sequence[ProfileRows]) -> ProfileRows:
        """Put rows below each other.

        Raises
        ------
        EugeneError
            If there are none.
        """
        if not parts:
            raise EugeneError("there is no row to score")
        first = parts[0]
        logs = [part.log_counts for part in parts if part.log_counts is not None]
        return cls(
            first.tasks,
            {k: np.concatenate([part.scores[k] for part in parts]) for k in first.scores},
            np.concatenate([part.totals for part in parts]),
            np.concatenate(logs) if logs else None,
            np.concatenate([part.empty for part in parts]),
            first.smooth,
        )


def score_profiles(
    observed: ArrayLike,
    profile: ArrayLike,
    log_counts: ArrayLike | None = None,
    *,
    tasks: Tasks | None = None,
    mask: ArrayLike | None = None,
    smooth: Smooth | None = None,
    correlations: bool = True,
) -> ProfileRows:
    """Score predicted profiles row by row; what is large is worked on in blocks of rows.

    The strands of a task are compared as one distribution, which is what a profile network
    predicts.

    Parameters
    ----------
    observed : array_like of float, shape (n, samples, length)
        Counts of every position; NaN where missing.
    profile : array_like of float, shape (n, samples, length)
        Probabilities, or what is proportional to them within a task; of one row for all rows.
    log_counts : array_like of float, shape (n, tasks), optional
        Predicted log(1 + counts), natural.
    tasks : mapping of str to sequence of int, optional
        Samples of each task; by default each sample is one.
    mask : array_like, shape of ``observed``, optional
        1 where a position counts.
    smooth : Smooth, optional
        Smooth both sides along the length before they are correlated; distance and likelihood
        are of the counts as they are.
    correlations : bool
        Whether to correlate, which takes most of the time.

    Returns
    -------
    ProfileRows
        One number a row, task and score.

    Raises
    ------
    EugeneError
        If shapes do not fit each other, a task names a sample that is not there, or a value is
        below 0 or, in what is predicted, not finite.

    Examples
    --------
    >>> rows = score_profiles([[[1, 0, 3]], [[0, 0, 0]]], [[[1, 0, 3]], [[1, 1, 1]]])
    >>> rows.scores["jsd"].tolist(), rows.totals.tolist(), rows.empty.tolist()
    ([[0.0], [nan]], [[4.0], [0.0]], [[False], [True]])
    """
    y, q = np.asarray(observed), np.asarray(profile)
    use = None if mask is None else np.asarray(mask)
    if y.ndim != 3 or q.shape[1:] != y.shape[1:] or len(q) not in (1, len(y)):
        raise EugeneError(
            f"observed profiles have shape {y.shape} and predicted ones {q.shape}: expected "
            "(rows, samples, positions) in both"
        )
    if use is not None and use.shape != y.shape:
        raise EugeneError(f"mask has shape {use.shape}, the observed profiles {y.shape}")
    groups = one_task_a_sample(y.shape[1]) if tasks is None else tasks
    for name, samples in groups.items():
        if not len(samples) or not all(0 <= i < y.shape[1] for i in samples):
            raise EugeneError(
                f"the task {name!r} is of the samples {list(samples)}, there are {y.shape[1]} "
                "(numbered from 0)"
            )
    logs = None if log_counts is None else np.asarray(log_counts, dtype=np.float64)
    if logs is not None and logs.shape != (len(y), len(groups)):
        raise EugeneError(
            f"log_counts have shape {logs.shape}: expected {(len(y), len(groups))}, a number a "
            "row and task"
        )
    if logs is not None and not np.isfinite(logs).all():
        row = int(np.flatnonzero(~np.isfinite(logs).all(axis=1))[0])
        raise EugeneError(f"the predicted log counts in row {row} are not finite: {logs[row]}")
    step = max(1, _BLOCK // max(1, math.prod(y.shape[1:])))
    parts = []
    for start in range(0, len(y), step):
        part = slice(start, start + step)
        parts.append(
            _block(
                y[part],
                q if len(q) == 1 else q[part],
                None if logs is None else logs[part],
                groups,
                None if use is None else use[part],
                smooth,
                correlations=correlations,
            )
        )
    return ProfileRows.joined(parts)


def _block(
    y: NDArray[Any],
    q: NDArray[Any],
    logs: Values | None,
    tasks: Tasks,
    mask: NDArray[Any] | None,
    smooth: Smooth | None,
    *,
    correlations: bool,
) -> ProfileRows:
    n = len(y)
    columns: dict[str, list[Values]] = {
        name: [] for name in _ROWS if correlations or not name.startswith("profile_")
    }
    totals, empty = np.empty((n, len(tasks))), np.empty((n, len(tasks)), bool)
    logs = None if logs is None else logs.copy()
    for t, samples in enumerate(tasks.values()):
        chosen = list(samples)
        counts = y[:, chosen].astype(np.float64)
        shares = np.broadcast_to(q[:, chosen], counts.shape)
        there = ~np.isnan(counts)
        if mask is not None:
            there &= mask[:, chosen] > 0
        whole = np.asarray(there.all(axis=(1, 2)))
        if not whole.all():
            counts, of_all = np.where(there, counts, 0.0), shares.sum(axis=(1, 2), dtype=np.float64)
            shares = np.where(there, shares, 0)
            if logs is not None:
                inside = shares.sum(axis=(1, 2), dtype=np.float64)[~whole] / of_all[~whole]
                logs[~whole, t] = np.log1p(np.expm1(logs[~whole, t]) * inside)
        flat, guess = counts.reshape(n, -1), shares.reshape(n, -1)
        sums = flat.sum(axis=1)
        totals[:, t] = np.where(there.any(axis=(1, 2)), sums, np.nan)
        empty[:, t] = sums == 0
        columns["jsd"].append(jensen_shannon(flat, guess))
        columns["mnll"].append(multinomial_nll(flat, guess))
        if correlations:
            found = _correlations(counts, shares, there, whole, smooth)
            for name, values in zip(("profile_pearson", "profile_spearman"), found, strict=True):
                # nothing was counted, so there is no shape to agree with
                columns[name].append(np.where(empty[:, t], np.nan, values))
    scores = {name: np.stack(values, axis=1) for name, values in columns.items()}
    return ProfileRows(tuple(tasks), scores, totals, logs, empty, smooth)


def _correlations(
    counts: Values,
    shares: NDArray[Any],
    there: NDArray[np.bool_],
    whole: NDArray[np.bool_],
    smooth: Smooth | None,
) -> tuple[Values, Values]:
    """Return Pearson's and Spearman's correlation of each row, over the positions that are there.

    Arrays have the shape (n, strands, length).
    """
    n = len(counts)
    sides: list[NDArray[Any]] = [counts, shares]
    if smooth is not None:
        sides = [smooth_profiles(x, smooth.width, kernel=smooth.kernel) for x in sides]
        if not whole.all():
            known = smooth_profiles(there, smooth.width, kernel=smooth.kernel)
            sides = [np.divide(x, known, out=np.zeros_like(x), where=known > 0) for x in sides]
        # what smoothing leaves of a flat profile is its rounding, which is not to be correlated
        sides = [x.astype(np.float32) for x in sides]
    x, y = (side.reshape(n, -1) for side in sides)
    found = [np.full(n, np.nan), np.full(n, np.nan)]
    for values, correlation in zip(found, (row_pearson, row_spearman), strict=True):
        values[whole] = correlation(x[whole], y[whole])
        for row in np.flatnonzero(~whole & there.any(axis=(1, 2))):
            places = there[row].ravel()
            values[row] = correlation(x[row : row + 1, places], y[row : row + 1, places])[0]
    return found[0], found[1]


def summarise_profiles(
    rows: ProfileRows,
    *,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> Metrics:
    """Return scores over rows, with percentile bootstrap intervals over the rows.

    ``jsd``, ``profile_pearson`` and ``profile_spearman`` are the median over the rows, ``mnll``
    is the mean; rows in which nothing was counted have no profile and are left out of all four.
    ``count_pearson`` and ``count_spearman`` are of log(1 + counts) over all rows.

    Parameters
    ----------
    rows : ProfileRows
        What `score_profiles` gave.
    n_bootstrap : int
        Resamples of the rows; 0 for none.
    level : float
        Share of resamples inside the interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    dict
        For each metric ``value``, ``low`` and ``high``, the mean over the tasks; with several
        tasks ``per_target``, and ``per_task`` with the interval of each; ``why`` where a number
        does not exist or rows were left out.

    Raises
    ------
    EugeneError
        If there is no row.

    References
    ----------
    Efron 1979, https://doi.org/10.1214/aos/1176344552
    """
    return summarise_drawn(rows, draw_all(rows, n_bootstrap=n_bootstrap, seed=seed), level)


def draw_all(rows: ProfileRows, *, n_bootstrap: int, seed: int | None) -> Drawn:
    """Return every metric that rows have, as `draw_profiles` does."""
    if not len(rows):
        raise EugeneError("there is no row to score")
    names = [name for name in _ROWS if name in rows.scores]
    names += list(_COUNTS) if rows.log_counts is not None else []
    return draw_profiles(rows, names, n_bootstrap=n_bootstrap, seed=seed)


def summarise_drawn(rows: ProfileRows, found: Drawn, level: float = 0.95) -> Metrics:
    """Return what `summarise_profiles` does, of metrics that are drawn already."""
    result: Metrics = {}
    for name, (values, draws) in found.items():
        entry = cast(Metric, summary(values, draws, level))
        if len(values) > 1:
            entry["per_task"] = {
                task: _single(value, drawn, level)
                for task, value, drawn in zip(rows.tasks, values, draws, strict=True)
            }
        if why := _why(rows, name):
            entry["why"] = why
        result[name] = entry
    return result


def _single(value: float, draws: Values, level: float) -> Metric:
    low, high = percentiles(draws, level)
    return Metric(value=value, low=low, high=high)


def draw_profiles(
    rows: ProfileRows, names: Sequence[str], *, n_bootstrap: int, seed: int | None = None
) -> Drawn:
    """Return metrics of each task, and the same in every resample of the rows.

    Parameters
    ----------
    rows : ProfileRows
        What `score_profiles` gave.
    names : sequence of str
        The metrics.
    n_bootstrap : int
        Number of resamples. The same seed and number of rows give the same ones.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    dict
        For each metric its value, one a task, NaN where there is none; and its values in the
        resamples, an array of float64 (n_bootstrap,) a task.
    """
    measures = {name: list(_measures(rows, name)) for name in names}
    ones = np.ones((1, len(rows)))
    parts: dict[str, list[list[Values]]] = {k: [[] for _ in v] for k, v in measures.items()}
    for weights in resamples(len(rows), n_bootstrap, session_seed(seed)):
        for name, listed in measures.items():
            for part, measure in zip(parts[name], listed, strict=True):
                part.append(measure(weights))
    return {
        name: (
            [float(measure(ones)[0]) for measure in listed],
            [np.concatenate(part) if part else np.empty(0) for part in parts[name]],
        )
        for name, listed in measures.items()
    }


def _measures(rows: ProfileRows, name: str) -> Iterator[Callable[[Values], Values]]:
    """Yield a function of weights (b, n) for each task."""
    for t in range(len(rows.tasks)):
        if name in _ROWS:
            column = rows.scores[name][:, t]
            known = ~np.isnan(column)
            yield _of_rows(_ROWS[name], column[known], known)
            continue
        if rows.log_counts is None:
            raise EugeneError(f"{name} needs predicted counts")
        known = np.isfinite(rows.totals[:, t])
        truth, guess = np.log1p(rows.totals[known, t]), rows.log_counts[known, t]
        yield _of_counts(_COUNTS[name], truth, guess, known)


def _of_rows(
    measure: _OfRows, values: Values, known: NDArray[np.bool_]
) -> Callable[[Values], Values]:
    return lambda weights: measure(values, weights[:, known])


def _of_counts(
    measure: _weighted.WeightedMetric, truth: Values, guess: Values, known: NDArray[np.bool_]
) -> Callable[[Values], Values]:
    if _judge.no_spread(truth, 1e-7) or _judge.no_spread(guess, 1e-7):
        return lambda weights: np.full(len(weights), np.nan)
    return lambda weights: measure(truth, guess, weights[:, known])


def _why(rows: ProfileRows, name: str) -> str:
    """Say which rows were left out of a number, and why it does not exist."""
    parts = []
    for t, task in enumerate(rows.tasks):
        of = f" of {task}" if len(rows.tasks) > 1 else ""
        if name in _ROWS:
            lacking = np.isnan(rows.scores[name][:, t])
            flat = int((lacking & ~rows.empty[:, t]).sum())
            if lacking.all():
                parts.append(f"{name}{of} does not exist: no row has counts and a shape to compare")
            elif flat:
                parts.append(
                    f"{name}{of} leaves out {flat} rows whose observed or predicted profile is flat"
                )
            continue
        known = np.isfinite(rows.totals[:, t])
        if not known.all():
            parts.append(f"{name}{of} leaves out {int((~known).sum())} rows without any position")
        measure = next(m for i, m in enumerate(_measures(rows, name)) if i == t)
        if np.isnan(measure(np.ones((1, len(rows))))[0]):
            parts.append(f"{name}{of} does not exist: observed or predicted counts do not vary")
    return "; ".join(parts)


def evaluate_profiles(
    observed: ArrayLike,
    profile: ArrayLike,
    log_counts: ArrayLike | None = None,
    *,
    tasks: Tasks | None = None,
    mask: ArrayLike | None = None,
    smooth: Smooth | tuple[int, str] | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> Metrics:
    """Score predicted profiles and counts, with percentile bootstrap intervals over the rows.

    Parameters
    ----------
    observed : array_like of float, shape (n, samples, length)
        Counts of every position; NaN where missing.
    profile : array_like of float, shape (n, samples, length)
        Predicted probabilities (of logits take the softmax over the strands of a task together).
    log_counts : array_like of float, shape (n, tasks), optional
        Predicted log(1 + counts), natural.
    tasks : mapping of str to sequence of int, optional
        Samples of each task; by default each sample is one.
    mask : array_like, shape of ``observed``, optional
        1 where a position counts.
    smooth : Smooth or (int, str), optional
        Width in bp and kernel, ``"gaussian"`` or ``"box"``, by which both sides are smoothed
        before they are correlated.
    n_bootstrap : int
        Resamples of the rows; 0 for none.
    level : float
        Share of resamples inside the interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    dict
        ``jsd`` (Jensen-Shannon distance in nats, median over rows), ``mnll`` (nats, mean),
        ``profile_pearson``, ``profile_spearman`` (medians), and of log(1 + counts)
        ``count_pearson`` and ``count_spearman``, as `summarise_profiles` returns them.

    Raises
    ------
    EugeneError
        What `score_profiles` raises.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41588-021-00782-6

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shape = rng.random((20, 1, 50)) ** 4
    >>> counts = rng.poisson(100 * shape / shape.sum(axis=2, keepdims=True))
    >>> found = evaluate_profiles(counts, shape, n_bootstrap=100, seed=0)
    >>> flat = evaluate_profiles(counts, np.ones_like(shape), n_bootstrap=0)
    >>> found["jsd"]["high"] < flat["jsd"]["value"]
    True
    """
    rows = score_profiles(
        observed,
        profile,
        log_counts,
        tasks=tasks,
        mask=mask,
        smooth=None if smooth is None else Smooth(*smooth),  # type: ignore[arg-type]
    )
    return summarise_profiles(rows, n_bootstrap=n_bootstrap, level=level, seed=seed)
