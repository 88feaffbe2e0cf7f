"""Metrics of many weightings of the same rows at once, so that a bootstrap is one pass.

Every function takes targets and predictions, float (n,), and weights, float (b, n), and returns
one value for each weighting, float (b,).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py

Array = NDArray[np.float64]
WeightedMetric = Callable[[Array, Array, Array], Array]


def _divide(a: Array, b: Array) -> Array:
    ratio: Array = np.full(np.broadcast(a, b).shape, np.nan)
    return np.divide(a, b, out=ratio, where=b > 0)


def _scaled(x: Array) -> tuple[Array, float]:
    """Return numbers about their mean in units of the largest, and that unit."""
    centred = x - x.mean()
    unit = float(np.abs(centred).max()) or 1.0
    return centred / unit, unit


def _moments(y: Array, p: Array, w: Array) -> tuple[Array, Array, Array]:
    """Return the weighted sums of yy, pp and yp about the means, float (b,) each.

    Products of matrices serve most weightings. Where what is left of them is a difference of
    large numbers, the sums are taken about that weighting's own means; equal values give 0.
    """
    total = w.sum(1)
    step_y, step_p = _divide(w @ y, total), _divide(w @ p, total)
    around_y, around_p = w @ (y * y), w @ (p * p)
    yy, pp = around_y - total * step_y**2, around_p - total * step_p**2
    yp = w @ (y * p) - total * step_y * step_p
    for i in np.flatnonzero(~((yy > 1e-6 * around_y) & (pp > 1e-6 * around_p))):
        drawn = w[i] > 0
        times = w[i][drawn]
        own_y, own_p = (_own(x[drawn], times) for x in (y, p))
        yy[i], pp[i], yp[i] = (
            times @ (own_y * own_y),
            times @ (own_p * own_p),
            times @ (own_y * own_p),
        )
    return yy, pp, yp


def _own(x: Array, times: Array) -> Array:
    """Return values about their weighted mean, exactly 0 where they are equal."""
    if not len(x) or x.min() == x.max():
        return np.zeros_like(x)
    first = x - x[0]
    return np.asarray(first - (times @ first) / times.sum())


def mse(y: Array, p: Array, w: Array) -> Array:
    """Return the mean squared error."""
    return _divide(w @ ((y - p) ** 2), w.sum(1))


def mae(y: Array, p: Array, w: Array) -> Array:
    """Return the mean absolute error."""
    return _divide(w @ np.abs(y - p), w.sum(1))


def r2(y: Array, p: Array, w: Array) -> Array:
    """Return the coefficient of determination."""
    centred, unit = _scaled(y)
    residual = (y - p) / unit
    return 1 - _divide(w @ (residual * residual), _moments(centred, centred, w)[0])


def pearson(y: Array, p: Array, w: Array) -> Array:
    """Return Pearson's correlation."""
    yy, pp, yp = _moments(_scaled(y)[0], _scaled(p)[0], w)
    # no rounding makes a correlation larger than 1
    return np.clip(_divide(yp, np.sqrt(yy) * np.sqrt(pp)), -1, 1)


def pearson_r2(y: Array, p: Array, w: Array) -> Array:
    """Return the square of Pearson's correlation."""
    return pearson(y, p, w) ** 2


def _ranks(x: Array, w: Array) -> Array:
    """Return mid-ranks of the weighted rows less their mean, float (b, n); 0 where all are tied.

    Ties share the middle.
    """
    order = np.argsort(x, kind="stable")
    values = x[order]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    group = np.cumsum(np.isin(np.arange(len(x)), starts)) - 1
    sums = np.add.reduceat(w[:, order], starts, axis=1)
    middle = np.cumsum(sums, axis=1) - sums / 2
    ranks = np.empty_like(w)
    # the mean of mid-ranks is half of all that is drawn, whatever the ties
    ranks[:, order] = (middle - w.sum(1, keepdims=True) / 2)[:, group]
    return ranks


def spearman(y: Array, p: Array, w: Array) -> Array:
    """Return Spearman's rank correlation."""
    ry, rp = _ranks(y, w), _ranks(p, w)
    cross = (w * ry * rp).sum(1)
    spread = np.sqrt((w * ry * ry).sum(1)) * np.sqrt((w * rp * rp).sum(1))
    return np.clip(_divide(cross, spread), -1, 1)


def _hits_by_threshold(y: Array, p: Array, w: Array) -> tuple[Array, Array]:
    """Return positives and negatives at each distinct score, best first, float (b, groups)."""
    order = np.argsort(-p, kind="stable")
    scores = p[order]
    starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
    sorted_w = w[:, order]
    positive = np.add.reduceat(sorted_w * y[order], starts, axis=1)
    negative = np.add.reduceat(sorted_w * (1 - y[order]), starts, axis=1)
    return positive, negative


def auroc(y: Array, p: Array, w: Array) -> Array:
    """Return the area under the receiver operating characteristic, ties half."""
    positive, negative = _hits_by_threshold(y, p, w)
    before = np.cumsum(positive, axis=1) - positive / 2
    return _divide((before * negative).sum(1), positive.sum(1) * negative.sum(1))


def auprc(y: Array, p: Array, w: Array) -> Array:
    """Return the average precision."""
    positive, negative = _hits_by_threshold(y, p, w)
    hits, calls = np.cumsum(positive, 1), np.cumsum(positive + negative, 1)
    precision = np.divide(hits, calls, out=np.zeros_like(hits), where=calls > 0)
    return _divide((precision * positive).sum(1), positive.sum(1))


def accuracy(y: Array, p: Array, w: Array) -> Array:
    """Return the share of right calls; positive is a probability above one half."""
    return _divide(w @ ((p > 0.5) == (y > 0.5)).astype(np.float64), w.sum(1))


def f1(y: Array, p: Array, w: Array) -> Array:
    """Return the harmonic mean of precision and recall; positive is a probability above .5."""
    hit, miss, false, _ = _calls(y, p, w)
    return _divide(2 * hit, 2 * hit + miss + false)


def explained_variance(y: Array, p: Array, w: Array) -> Array:
    """Return the share of the variance that is explained, whatever the offset."""
    (truth, unit), error = _scaled(y), y - p
    left = (error - error.mean()) / unit
    return 1 - _divide(_moments(left, left, w)[0], _moments(truth, truth, w)[0])


def ccc(y: Array, p: Array, w: Array) -> Array:
    """Return Lin's concordance, which an offset or a scale that is off makes smaller."""
    centre, total = y.mean(), w.sum(1)
    truth, guess = y - centre, p - centre
    yy, pp, yp = _moments(truth, guess, w)
    apart = total * (_divide(w @ (truth - guess), total)) ** 2
    return np.clip(_divide(2 * yp, np.where(yy + pp > 0, yy + pp + apart, 0.0)), -1, 1)


def poisson_deviance(y: Array, p: Array, w: Array) -> Array:
    """Return the mean deviance of counts from predicted rates; NaN where there can be none."""
    if (y < 0).any() or (p < 0).any() or ((p == 0) & (y > 0)).any():
        return np.full(len(w), np.nan)
    # log1p keeps the digits where a count is close to its rate
    each = 2 * (xlog1py(y, (y - p) / np.where(p > 0, p, 1)) - (y - p))
    return _divide(w @ each, w.sum(1))


def _calls(y: Array, p: Array, w: Array) -> tuple[Array, Array, Array, Array]:
    """Return hits, misses, false calls and right refusals; positive is a probability above .5."""
    call, truth = p > 0.5, y > 0.5
    parts = (call & truth, ~call & truth, call & ~truth, ~call & ~truth)
    hit, miss, false, right = (w @ part.astype(np.float64) for part in parts)
    return hit, miss, false, right


def precision(y: Array, p: Array, w: Array) -> Array:
    """Return the share of positive calls that are right."""
    hit, _, false, _ = _calls(y, p, w)
    return _divide(hit, hit + false)


def recall(y: Array, p: Array, w: Array) -> Array:
    """Return the share of positives that were called."""
    hit, miss, _, _ = _calls(y, p, w)
    return _divide(hit, hit + miss)


def mcc(y: Array, p: Array, w: Array) -> Array:
    """Return Matthews' correlation of calls and labels."""
    hit, miss, false, right = _calls(y, p, w)
    calls = np.sqrt(hit + false) * np.sqrt(right + miss)
    labels = np.sqrt(hit + miss) * np.sqrt(right + false)
    return _divide(hit * right - false * miss, calls * labels)


def median(x: Array, w: Array) -> Array:
    """Return the median of values, each repeated by its weight, float (b,); NaN of none.

    Of an even number of repeats it is the mean of the two in the middle, as `numpy.median` has it.
    """
    if not len(x):
        return np.full(len(w), np.nan)
    order = np.argsort(x, kind="stable")
    values, sums = x[order], np.cumsum(w[:, order], axis=1)
    found = np.full(len(w), np.nan)
    for i, row in enumerate(sums):
        if row[-1] > 0:
            below, above = (row.searchsorted(row[-1] / 2, side) for side in ("left", "right"))
            found[i] = (values[below] + values[above]) / 2
    return found


def mean(x: Array, w: Array) -> Array:
    """Return the weighted mean of values, float (b,); NaN of none."""
    return _divide(w @ x, w.sum(1))


METRICS: dict[str, WeightedMetric] = {
    "r2": r2,
    "pearson": pearson,
    "pearson_r2": pearson_r2,
    "spearman": spearman,
    "mse": mse,
    "mae": mae,
    "auroc": auroc,
    "auprc": auprc,
    "accuracy": accuracy,
    "f1": f1,
    "explained_variance": explained_variance,
    "ccc": ccc,
    "poisson_deviance": poisson_deviance,
    "precision": precision,
    "recall": recall,
    "mcc": mcc,
}

#: Which of (targets, predictions) a metric needs to vary, because it divides by their spread.
SPREAD: dict[str, tuple[int, ...]] = {
    "r2": (0,),
    "pearson": (0, 1),
    "pearson_r2": (0, 1),
    "spearman": (0, 1),
    "explained_variance": (0,),
}


def of_rows(metric: Any, *, whole: bool = False) -> WeightedMetric:
    """Return a metric of weighted rows from a user's own metric of rows.

    Parameters
    ----------
    metric : callable or torchmetrics.Metric
        A function of (targets, predictions), as scikit-learn has them; a torchmetrics metric is
        given (predictions, targets) as tensors.
    whole : bool
        Whether a torchmetrics metric wants targets as whole numbers.
    """

    def one(y: Array, p: Array) -> float:
        if not hasattr(metric, "update"):
            return float(metric(y, p))
        import torch

        metric.reset()
        truth = torch.from_numpy(y)
        metric.update(torch.from_numpy(p).float(), truth.long() if whole else truth.float())
        value = float(metric.compute())
        metric.reset()
        return value

    def weighted(y: Array, p: Array, w: Array) -> Array:
        counts = w.astype(np.int64)
        found = []
        for count in counts:
            rows = np.repeat(np.arange(len(y)), count)
            try:
                found.append(one(y[rows], p[rows]) if len(rows) else np.nan)
            except ValueError:
                if (count == 1).all():
                    raise
                found.append(np.nan)  # a resample may lack what the metric needs
        return np.array(found)

    return weighted
