"""Several predictors of the same rows in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from eugene._evaluation import Metric
from eugene.errors import EugeneError, did_you_mean
from eugene.evaluate._evaluate import evaluate_beside

_COLUMNS = ("value", "low", "high", "difference", "difference_low", "difference_high")


def _column(values: ArrayLike) -> NDArray[np.float64]:
    """Return values as the evaluation reads them: networks give one target as (n, 1)."""
    array = np.asarray(values, dtype=np.float64)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def score_table(
    y_true: ArrayLike,
    predictions: Mapping[str, ArrayLike],
    task: str = "regression",
    *,
    metrics: str | Sequence[str] | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Score several predictors of the same rows, such as a network and its baselines.

    All are scored on the same resamples, so that differences are paired.

    Parameters
    ----------
    y_true : array_like of float, shape (n,) or (n, targets)
        Targets; NaN where missing.
    predictions : mapping of str to array_like of float
        Name -> predictions of these rows, each with as many values as there are targets. The others
        are held against the first.
    task : str
        The task; it settles the metrics.
    metrics : str or list of str, optional
        Which of the task's metrics to show, by default all.
    n_bootstrap : int
        Number of resamples of the rows.
    level : float
        Share of resamples inside an interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    pandas.DataFrame
        By metric and name: ``value`` with ``low`` and ``high``, and ``difference``, the first
        less this one, with ``difference_low`` and ``difference_high``; NaN for the first itself.
        Of several targets means over them.

    Raises
    ------
    EugeneError
        If there is no predictor, the task has no such metric, or shapes differ.

    References
    ----------
    Efron 1979, https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    >>> both = {"good": [.1, .2, .8, .9], "bad": [.1, .8, .2, .9]}
    >>> table = score_table([0, 0, 1, 1], both, "binary_classification", metrics="auroc")
    >>> table["value"].tolist(), table["difference"].tolist()
    ([1.0, 0.75], [nan, 0.25])
    """
    if not predictions:
        raise EugeneError("predictions: name at least one predictor")
    given = {name: _column(values) for name, values in predictions.items()}
    first, *others = given
    own, theirs, differences = evaluate_beside(
        y_true,
        given[first],
        {name: given[name] for name in others},
        task,
        n_bootstrap=n_bootstrap,
        level=level,
        seed=seed,
    )
    chosen = list(own) if metrics is None else [metrics] if isinstance(metrics, str) else metrics
    for metric in chosen:
        if metric not in own:
            raise EugeneError(f"metrics: {task} has no {metric!r}{did_you_mean(metric, own)}")
    scored = {first: own, **theirs}
    nothing = Metric(value=np.nan, low=np.nan, high=np.nan)
    rows: dict[tuple[str, str], dict[str, float | None]] = {}
    for metric in chosen:
        for name, found in scored.items():
            less = differences[name][metric] if name in differences else nothing
            ends = [(part["value"], part["low"], part["high"]) for part in (found[metric], less)]
            rows[metric, name] = dict(zip(_COLUMNS, (*ends[0], *ends[1]), strict=True))
    table = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
    table.index = pd.MultiIndex.from_tuples(rows, names=["metric", "predictor"])
    return table
