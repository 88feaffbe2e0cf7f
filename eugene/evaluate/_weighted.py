"""Metrics of many weightings of the same rows at once, so that a bootstrap is one pass.

Every function takes targets and predictions, float (n,), and weights, float (b, n), and returns
one value for each weighting, float (b,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WeightedMetric = Callable[[Array, Array, Array], Array]


def _divide(a: Array, b: Array) -> Array:
    ratio: Array = np.full(np.broadcast(a, b).shape, np.nan)
    return np.divide(a, b, out=ratio, where=b > 0)


def _moments(y: Array, p: Array, w: Array) -> tuple[Array, ...]:
    total = w.sum(1)
    mean_y, mean_p = _divide(w @ y, total), _divide(w @ p, total)
    shift_y, shift_p = y.mean(), p.mean()
    yc, pc = y - shift_y, p - shift_p
    dy, dp = mean_y - shift_y, mean_p - shift_p
    yy = w @ (yc * yc) - total * dy * dy
    pp = w @ (pc * pc) - total * dp * dp
    yp = w @ (yc * pc) - total * dy * dp
    return total, yy, pp, yp


def mse(y: Array, p: Array, w: Array) -> Array:
    """Return the mean squared error."""
    return _divide(w @ ((y - p) ** 2), w.sum(1))


def mae(y: Array, p: Array, w: Array) -> Array:
    """Return the mean absolute error."""
    return _divide(w @ np.abs(y - p), w.sum(1))


def r2(y: Array, p: Array, w: Array) -> Array:
    """Return the coefficient of determination."""
    _, yy, _, _ = _moments(y, p, w)
    return 1 - _divide(w @ ((y - p) ** 2), yy)


def pearson(y: Array, p: Array, w: Array) -> Array:
    """Return Pearson's correlation."""
    _, yy, pp, yp = _moments(y, p, w)
    return _divide(yp, np.sqrt(np.maximum(yy, 0) * np.maximum(pp, 0)))


def pearson_r2(y: Array, p: Array, w: Array) -> Array:
    """Return the square of Pearson's correlation."""
    return pearson(y, p, w) ** 2


def _ranks(x: Array, w: Array) -> Array:
    """Return mid-ranks (ties share the middle) of the weighted rows, float (b, n)."""
    order = np.argsort(x, kind="stable")
    values = x[order]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    group = np.cumsum(np.isin(np.arange(len(x)), starts)) - 1
    sums = np.add.reduceat(w[:, order], starts, axis=1)
    middle = np.cumsum(sums, axis=1) - sums / 2
    ranks = np.empty_like(w)
    ranks[:, order] = middle[:, group]
    return ranks


def spearman(y: Array, p: Array, w: Array) -> Array:
    """Return Spearman's rank correlation."""
    ry, rp = _ranks(y, w), _ranks(p, w)
    total = w.sum(1, keepdims=True)
    ry = ry - _divide((w * ry).sum(1, keepdims=True), total)
    rp = rp - _divide((w * rp).sum(1, keepdims=True), total)
    cross = (w * ry * rp).sum(1)
    return _divide(cross, np.sqrt((w * ry * ry).sum(1) * (w * rp * rp).sum(1)))


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
    call, truth = p > 0.5, y > 0.5
    hit = w @ (call & truth).astype(np.float64)
    wrong = w @ (call != truth).astype(np.float64)
    return _divide(2 * hit, 2 * hit + wrong)


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
}
