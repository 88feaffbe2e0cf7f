"""Scores of predictions, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene import _judge
from eugene._evaluation import Metrics
from eugene._tasks import Task, get_task
from eugene._weighted import METRICS, SPREAD, WeightedMetric, of_rows
from eugene.errors import EugeneError, did_you_mean
from eugene.evaluate import _intervals
from eugene.evaluate._intervals import difference, resamples, summary
from eugene.settings import session_seed
from seqpro.family import old_names

__getattr__ = old_names(__name__)

Metric = str | Callable[..., object]


def evaluate(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    task: str = "regression",
    *,
    metrics: Metric | Sequence[Metric] | Mapping[str, Metric] | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
    scores: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Score predictions, with percentile bootstrap intervals over the rows.

    All metrics and targets are scored on the same resamples. ``r2`` is the coefficient of
    determination, ``pearson_r2`` the squared correlation; they differ where predictions are off
    in scale or offset. What cannot exist is NaN, and the entry ``why`` says so: a correlation
    with targets or predictions that differ by no more than the rounding of their type, an AUROC
    of one class.

    Parameters
    ----------
    y_true : array_like of float, shape (n,) or (n, tasks)
        Targets; NaN where missing. For ``multiclass_classification`` the number of the class.
    y_pred : array_like of float, shape (n,) or (n, tasks)
        Predictions: values, or probabilities for classification (one column a class for
        ``multiclass_classification``).
    task : str
        The task; it settles the metrics.
    metrics : str, callable, or list or mapping of them, optional
        Other metrics: names, functions of (targets, predictions) as scikit-learn has them, or
        metrics of torchmetrics.
    n_bootstrap : int
        Number of resamples; 0 for none.
    level : float
        Share of resamples inside the interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.
    scores : array_like of float, shape of ``y_pred``, optional
        What ``auroc`` and ``auprc`` rank instead of probabilities, such as logits, of which no
        two round to the same.
    names : list of str, optional
        Names of the targets, or of the classes, for messages.

    Returns
    -------
    dict
        For each metric ``value``, ``low`` and ``high``: the mean over the targets for which it
        exists, NaN where it does for none; with several targets ``per_target`` as well, and
        ``why`` where it does not exist for one of them.

    Raises
    ------
    EugeneError
        If shapes differ, a name is unknown, targets do not fit the task or are infinite,
        predictions are not finite, or there is no row.

    References
    ----------
    Efron 1979, https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    >>> scores = evaluate([0, 0, 1, 1], [.1, .6, .4, .9], "binary_classification", n_bootstrap=0)
    >>> scores["auroc"]["value"], scores["accuracy"]["value"]
    (0.75, 0.5)
    """
    kind, seed = get_task(task), session_seed(seed)
    drawn = _drawn(
        (y_true, y_pred, scores), kind, _metrics(kind, metrics), n_bootstrap=n_bootstrap, seed=seed
    )
    return _summaries(drawn, level, names)


def evaluate_beside(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    others: Mapping[str, ArrayLike],
    task: str = "regression",
    *,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
    scores: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> tuple[Metrics, dict[str, Metrics], dict[str, Metrics]]:
    """Score predictions and those of others on the same rows, and the differences between them.

    All are scored on the same resamples, so that a difference is paired: rows that are hard for
    both do not widen its interval.

    Parameters
    ----------
    y_true, y_pred, task, n_bootstrap, level, seed, scores, names
        As of `evaluate`.
    others : mapping of str to array_like of float, each of the shape of ``y_pred``
        Name -> predictions that these are held against, such as those of baselines.

    Returns
    -------
    own : dict
        As `evaluate` gives it for ``y_pred``.
    others : dict
        Name -> the same for its predictions.
    differences : dict
        Name -> metric -> ``value``, ``low`` and ``high`` of own minus other; with several targets
        ``per_target`` as well.

    Raises
    ------
    EugeneError
        As `evaluate`.

    References
    ----------
    Efron 1979, https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    >>> y, good, bad = [0, 0, 1, 1], [.1, .2, .8, .9], [.1, .8, .2, .9]
    >>> _, _, found = evaluate_beside(y, good, {"bad": bad}, "binary_classification")
    >>> found["bad"]["auroc"]["value"]
    0.25
    """
    kind, seed = get_task(task), session_seed(seed)
    chosen = _metrics(kind, None)

    def drawn(values: ArrayLike, ranks: ArrayLike | None = None) -> dict[str, _Drawn]:
        rows = (y_true, values, ranks)
        return _drawn(rows, kind, chosen, n_bootstrap=n_bootstrap, seed=seed)

    def said(found: Mapping[str, _Drawn]) -> Metrics:
        return cast(Metrics, _summaries(found, level, names))

    own, theirs = drawn(y_pred, scores), {name: drawn(values) for name, values in others.items()}
    gaps = {
        name: {metric: difference(own[metric][:2], found[metric][:2], level) for metric in chosen}
        for name, found in theirs.items()
    }
    return said(own), {name: said(found) for name, found in theirs.items()}, gaps


class _Drawn(NamedTuple):
    """A metric of each target, in each resample, and the rows that it was computed from."""

    values: list[float]
    draws: list[NDArray[np.float64]]
    columns: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    what: str


def _drawn(
    rows: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    kind: Task,
    chosen: Mapping[str, WeightedMetric],
    *,
    n_bootstrap: int,
    seed: int,
) -> dict[str, _Drawn]:
    """Return each metric of targets, predictions and scores, on all rows and on resamples."""
    y_true, y_pred, scores = rows
    precision = (_judge.rounding(y_true), _judge.rounding(y_pred))
    y, p = _two_dimensional(y_true, y_pred, kind)
    ranked = p if scores is None else np.asarray(scores, dtype=np.float64).reshape(p.shape)
    if np.isnan(ranked).any():
        raise EugeneError("scores hold NaN: expected a number for every prediction")
    few = n_bootstrap * len(y) <= _intervals.BLOCK
    weights = list(resamples(len(y), n_bootstrap, seed)) if few else None
    result = {}
    for name, metric in chosen.items():
        columns = list(_columns(y, ranked if name in _RANKED else p, kind, name))
        found = _Drawn([], [], columns, "class" if kind.classes else "target")
        for truth, guess in columns:
            there = np.isfinite(truth)
            truth_there, guess_there = truth[there], guess[there]
            if not there.any() or not _exists(name, truth_there, guess_there, precision):
                found.values.append(np.nan)
                found.draws.append(np.full(n_bootstrap, np.nan))
                continue
            ones = np.ones((1, len(truth_there)))
            found.values.append(float(metric(truth_there, guess_there, ones)[0]))
            blocks = weights if weights is not None else resamples(len(y), n_bootstrap, seed)
            scored = [metric(truth_there, guess_there, block[:, there]) for block in blocks]
            found.draws.append(np.concatenate(scored) if scored else np.empty(0))
        result[name] = found
    return result


def _summaries(
    drawn: Mapping[str, _Drawn], level: float, names: Sequence[str] | None
) -> dict[str, dict[str, Any]]:
    """Return each metric with its interval, and why it does not exist where it does not."""
    result = {name: summary(found.values, found.draws, level) for name, found in drawn.items()}
    for name, found in drawn.items():
        lacking = [i for i, value in enumerate(found.values) if np.isnan(value)]
        if lacking:
            count = len(found.values)
            known = names if names is not None and len(names) == count else None
            listed = [known[i] if known else f"{found.what} {i}" for i in lacking]
            result[name]["why"] = _why(
                name, [found.columns[i] for i in lacking], listed if count > 1 else []
            )
    return result


_RANKED = frozenset({"auroc", "auprc"})
_CALLED = frozenset({"f1", "precision", "recall", "mcc"})


def _exists(
    name: str,
    truth: NDArray[np.float64],
    guess: NDArray[np.float64],
    precision: tuple[float, float],
) -> bool:
    """Tell whether what a metric divides by is more than rounding."""
    sides = (truth, guess)
    return not any(_judge.no_spread(sides[i], precision[i]) for i in SPREAD.get(name, ()))


def _why(
    metric: str, columns: list[tuple[NDArray[np.float64], NDArray[np.float64]]], names: list[str]
) -> str:
    """Say why a metric does not exist for the targets of these names."""
    reasons = dict.fromkeys(_reason(metric, *column) for column in columns)
    which = f"for {', '.join(names)} " if names else ""
    return f"{metric} does not exist {which}({'; '.join(reasons)})"


def _reason(metric: str, truth: NDArray[np.float64], guess: NDArray[np.float64]) -> str:
    truth, guess = truth[(there := np.isfinite(truth))], guess[there]
    if not len(truth):
        return "no row has a target"
    if metric == "poisson_deviance":
        return "a count or a rate is below 0, or a rate 0 where something was counted"
    if metric not in SPREAD:
        only = np.unique(truth)
        return f"all targets are {only[0]:g}" if len(only) == 1 else "nothing to divide by"
    if len(truth) < 2:
        return "one row only"
    side, what = (truth, "targets") if _judge.no_spread(truth, 1e-7) else (guess, "predictions")
    return f"the {what} do not vary, all are {side.mean():.6g}"


def _columns(
    y: NDArray[np.float64], p: NDArray[np.float64], task: Task, name: str
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield (targets, predictions) of each task; of each class where there are classes."""
    if not task.classes:
        yield from zip(y.T, p.T, strict=True)
        return
    missing = ~np.isfinite(y[:, 0])
    best = p.argmax(axis=1)
    if name == "accuracy":
        right = (best == np.where(missing, -1, y[:, 0])).astype(np.float64)
        yield np.where(missing, np.nan, 1.0), right
        return
    if name not in METRICS:
        yield y[:, 0], p
        return
    for k in range(p.shape[1]):
        truth = np.where(missing, np.nan, (y[:, 0] == k).astype(np.float64))
        yield truth, (best == k).astype(np.float64) if name in _CALLED else p[:, k]


def _metrics(
    task: Task, metrics: Metric | Sequence[Metric] | Mapping[str, Metric] | None
) -> dict[str, WeightedMetric]:
    """Return metrics by name: those of the task, or those that are given."""
    given: Any = task.evaluated if metrics is None else metrics
    if isinstance(given, str) or callable(given):
        given = [given]
    if not isinstance(given, Mapping):
        given = {_judge.name_of(metric): metric for metric in given}
    found: dict[str, WeightedMetric] = {}
    for name, metric in given.items():
        if isinstance(metric, str) and metric not in METRICS:
            raise EugeneError(f"unknown metric {metric!r}{did_you_mean(metric, METRICS)}")
        if isinstance(metric, str):
            found[name] = METRICS[metric]
        else:
            found[name] = of_rows(metric, whole=task.classification)
    return found


def _two_dimensional(
    y_true: ArrayLike, y_pred: ArrayLike, task: Task
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, p = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    p = p[:, None] if p.ndim == 1 else p
    same = len(y) == len(p) if task.classes else y.shape == p.shape
    if y.ndim != 2 or p.ndim != 2 or not same:
        raise EugeneError(
            f"targets have shape {y.shape} and predictions {p.shape}: expected one row a sequence "
            "and one column a target in both"
        )
    if len(y) == 0:
        raise EugeneError("there is no row to score")
    if not np.isfinite(p).all():
        row = int(np.flatnonzero(~np.isfinite(p).all(axis=1))[0])
        raise EugeneError(f"the prediction in row {row} is not finite: {p[row]}")
    classes = p.shape[1] if task.classes else None
    if classes is not None and y.shape[1] != 1:
        raise EugeneError(
            f"targets of {task} have shape {y.shape}: expected one column with the number of the "
            "class (y.argmax(axis=1) of one column a class)"
        )
    _judge.check_targets({"y_true": y}, task, n_classes=classes)
    if task.classification and (p.min() < 0 or p.max() > 1):
        raise EugeneError(
            f"predictions of {task} must be probabilities, found {p.min():.3g} to "
            f"{p.max():.3g}: use module.predict, which applies the sigmoid or softmax"
        )
    return y, p


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    n_bootstrap: int = 10_000,
    level: float = 0.95,
    seed: int | None = None,
) -> dict[str, float]:
    """Compare two arms run with the same seeds.

    Parameters
    ----------
    a, b : array_like of float, shape (seeds,)
        Scores of both arms, in the order of the seeds.
    n_bootstrap : int
        Number of resamples of the pairs.
    level : float
        Share of resamples inside the interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    dict
        ``value``, the mean of ``a - b``, with ``low`` and ``high``.

    Raises
    ------
    EugeneError
        If the arms differ in length or are empty.

    Examples
    --------
    >>> paired_difference([.5, .6], [.4, .5])["value"]
    0.1
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise EugeneError(
            f"paired arms need one score a seed each, got shapes {first.shape} and {second.shape}"
        )
    gaps = first - second
    rng = np.random.default_rng(session_seed(seed))
    means = gaps[rng.integers(0, len(gaps), (n_bootstrap, len(gaps)))].mean(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return {"value": round(float(gaps.mean()), 12), "low": float(low), "high": float(high)}
