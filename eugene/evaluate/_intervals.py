"""Bootstrap intervals over rows, for every measure alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from eugene._evaluation import Metric

BLOCK = 4_000_000
"""Most weights that are held at a time."""


def resamples(n: int, count: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each row is drawn, float64 (block, n), ``count`` resamples in all."""
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK // max(n, 1))
    for start in range(0, count, block):
        size = min(block, count - start)
        rows = rng.integers(0, n, (size, n))
        rows += np.arange(size)[:, None] * n
        drawn = np.bincount(rows.ravel(), minlength=size * n)
        yield drawn.reshape(size, n).astype(np.float64)


def percentiles(draws: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the ends of the percentile interval of resampled values; NaN where there are none."""
    there = draws[np.isfinite(draws)]
    if not len(there):
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(there, [tail, 1 - tail])
    return float(low), float(high)


def summary(
    values: Sequence[float], draws: Sequence[NDArray[np.float64]], level: float
) -> dict[str, Any]:
    """Return the mean over targets with its interval.

    Parameters
    ----------
    values : sequence of float
        One a target; NaN where there is none.
    draws : sequence of ndarray of float64, each of shape (resamples,)
        The same in every resample.
    level : float
        Share of resamples inside the interval.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``; of several targets ``per_target`` as well.
    """
    result: dict[str, object] = {"value": mean_of(np.array(values)), "low": np.nan, "high": np.nan}
    # the mean in a resample is over the targets that the value itself is a mean of
    there = [d for d, value in zip(draws, values, strict=True) if np.isfinite(value)]
    if there and len(there[0]):
        means = np.array([mean_of(column) for column in np.stack(there, axis=1)])
        result["low"], result["high"] = percentiles(means, level)
    if len(values) > 1:
        result["per_target"] = list(values)
    return result


def difference(
    own: tuple[Sequence[float], Sequence[NDArray[np.float64]]],
    other: tuple[Sequence[float], Sequence[NDArray[np.float64]]],
    level: float,
) -> Metric:
    """Return own minus other, with the interval of the difference in the same resamples.

    Parameters
    ----------
    own, other : tuple of (sequence of float, sequence of ndarray of float64 (resamples,))
        Values and draws, one a target, both of the same rows and resamples.
    level : float
        Share of resamples inside the interval.

    Returns
    -------
    dict
        As `summary`.
    """
    values = [a - b for a, b in zip(own[0], other[0], strict=True)]
    draws = [a - b for a, b in zip(own[1], other[1], strict=True)]
    return cast(Metric, summary(values, draws, level))


def student(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Return the ends of Student's interval of a mean; NaN of fewer than two values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        All finite.
    level : float
        Share of intervals that hold the true mean.

    Returns
    -------
    low, high : float
        In the units of the values.

    Examples
    --------
    >>> low, high = student(np.array([1.0, 2.0, 3.0]))
    >>> round(low, 2), round(high, 2)
    (-0.48, 4.48)
    """
    from scipy.stats import t

    n, mean = len(values), float(values.mean())
    if n < 2:
        return float("nan"), float("nan")
    half = float(t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean - half, mean + half


def mean_of(values: NDArray[np.float64]) -> float:
    """Return the mean of what is finite, NaN where nothing is."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else float("nan")
