"""How sure predictions are: dropout, temperatures and conformal intervals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax
from torch import nn

from eugene._tasks import Task, get_task
from eugene.errors import EugeneError
from eugene.evaluate._ensemble import Spread, at_least_two, spread_of
from eugene.settings import session_seed

_DROPOUT = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)


def monte_carlo_dropout(
    module: Any, x: Any, n: int = 30, *, seed: int | None = None, **options: Any
) -> Spread:
    """Predict with dropout left on, several times, so that the network says how sure it is.

    Parameters
    ----------
    module : eugene.models.SequenceModule
        The trained module; only its dropout is in training mode.
    x : array_like
        Sequences, as of ``module.predict``: for example S1 of shape (N, L).
    n : int
        Number of predictions of each sequence.
    seed : int, optional
        Seed of what is dropped; by default ``settings.seed``.
    **options
        Other arguments of ``module.predict``, such as ``batch_size`` or ``reverse_complement``.

    Returns
    -------
    Spread
        ``mean`` and ``sd``, float (N, outputs).

    Raises
    ------
    EugeneError
        If nothing in the network is dropped, or n is below 2.

    References
    ----------
    Gal and Ghahramani 2016, https://doi.org/10.48550/arXiv.1506.02142

    Examples
    --------
    >>> from eugene.models import SequenceModule
    >>> module = SequenceModule({"name": "fcn", "input_len": 20, "output_dim": 1,
    ...     "dense_kwargs": {"hidden_dims": [8], "dropout_rates": 0.5}})
    >>> found = monte_carlo_dropout(module, np.full((2, 20), b"A", dtype="S1"), n=5)
    >>> found.sd.shape, bool((found.sd > 0).all())
    (torch.Size([2, 1]), True)
    """
    with _dropping(module), torch.random.fork_rng():
        torch.manual_seed(session_seed(seed))
        return spread_of([module.predict(x, **options) for _ in range(at_least_two(n, "n"))])


@contextmanager
def _dropping(module: Any) -> Iterator[None]:
    """Keep dropout on, whatever the mode of the module."""
    layers = [layer for layer in module.modules() if _drops(layer)]
    if not layers:
        raise EugeneError(
            f"{type(module.arch).__name__} has no dropout, so predictions would not differ: "
            "train several networks and use eugene.evaluate.ensemble"
        )

    def on(layer: nn.Module, _: Any) -> None:
        layer.training = True

    hooks = [layer.register_forward_pre_hook(on) for layer in layers]
    modes = [layer.training for layer in layers]
    try:
        yield
    finally:
        for hook, layer, mode in zip(hooks, layers, modes, strict=True):
            hook.remove()
            layer.training = mode


def _drops(layer: nn.Module) -> bool:
    if isinstance(layer, _DROPOUT):
        return layer.p > 0
    several = isinstance(layer, nn.RNNBase) and layer.num_layers > 1
    return (several or isinstance(layer, nn.MultiheadAttention)) and bool(layer.dropout)


def fit_temperature(scores: ArrayLike, y_true: ArrayLike, task: str) -> NDArray[np.float64]:
    """Return what logits are divided by to make probabilities honest.

    It is fitted on rows that training did not see, such as the validation rows, by maximum
    likelihood. It does not change the order of predictions.

    Parameters
    ----------
    scores : array_like of float, shape (n, outputs)
        Logits, or for classes log odds of each against the others, as the run keeps them.
    y_true : array_like of float, shape (n, tasks)
        0 or 1, or the number of the class; NaN where missing.
    task : str
        A task of classification.

    Returns
    -------
    ndarray of float64, shape (tasks,)
        Temperatures; 1 for classes of one number; NaN for a task without a target.

    Raises
    ------
    EugeneError
        If the task is no classification, or shapes differ.

    References
    ----------
    Guo et al. 2017, https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> scores = np.array([[4.0], [4.0], [-4.0], [-4.0], [4.0]])  # sure, and wrong once
    >>> fit_temperature(scores, [[1], [1], [0], [0], [0]], "binary_classification").round(1)
    array([2.9])
    """
    s, y, kind = _classified(scores, y_true, task)
    columns = [(s, y[:, 0])] if kind.classes else list(zip(s.T, y.T, strict=True))
    found = []
    for values, truth in columns:
        there = np.isfinite(truth)
        if not there.any():
            found.append(np.nan)
            continue

        def loss(
            log_t: float,
            values: NDArray[np.float64] = values[there],
            truth: NDArray[np.float64] = truth[there],
        ) -> float:
            return float(_surprise(values, truth, np.exp(log_t)).mean())

        found.append(float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x)))
    return np.array(found)


def _classified(
    scores: ArrayLike, y_true: ArrayLike, task: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], Task]:
    kind = get_task(task)
    if not kind.classification:
        raise EugeneError(
            f"a temperature is for tasks of classification, got {task!r}: use conformal_width"
        )
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(y_true, dtype=np.float64)
    s, y = (one[:, None] if one.ndim == 1 else one for one in (s, y))
    fits = len(s) == len(y) and y.shape[1] == 1 if kind.classes else s.shape == y.shape
    if not fits:
        raise EugeneError(f"scores of shape {s.shape} do not fit targets of shape {y.shape}")
    return s, y, kind


def _surprise(
    scores: NDArray[np.float64], truth: NDArray[np.float64], t: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each row, float (n,)."""
    if scores.ndim == 1:
        return np.asarray(-log_expit(np.where(truth > 0.5, scores, -scores) / t))
    logs = log_softmax(log_expit(scores) / t, axis=1)
    return np.asarray(-np.take_along_axis(logs, truth.astype(np.int64)[:, None], 1)[:, 0])


def calibrated(scores: ArrayLike, temperature: ArrayLike, task: str) -> NDArray[np.float64]:
    """Return probabilities of logits that were divided by a temperature.

    Parameters
    ----------
    scores : array_like of float, shape (n, outputs)
        As of `fit_temperature`.
    temperature : array_like of float, shape (tasks,)
        What `fit_temperature` returned.
    task : str
        A task of classification.

    Returns
    -------
    ndarray of float64, shape (n, outputs)
        Probabilities.

    Examples
    --------
    >>> calibrated([[2.0]], [2.0], "binary_classification").round(3)
    array([[0.731]])
    """
    s, t = np.asarray(scores, dtype=np.float64), np.asarray(temperature, dtype=np.float64)
    if get_task(task).classes:
        return np.asarray(softmax(log_expit(s) / t, axis=1))
    return np.asarray(expit(s / t))


def calibration_error(y_true: ArrayLike, y_pred: ArrayLike, *, bins: int = 15) -> float:
    """Return the expected calibration error of probabilities of 0/1 labels.

    Rows are binned by their probability in bins of one width: the mean over rows of how far the
    mean probability of a bin is from the share of positives in it.

    Parameters
    ----------
    y_true : array_like, shape (n,)
        0, 1, or NaN where missing.
    y_pred : array_like of float, shape (n,)
        Probabilities.
    bins : int
        Number of bins between 0 and 1.

    Returns
    -------
    float
        From 0 to 1; NaN without a row.

    References
    ----------
    Guo et al. 2017, https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> calibration_error([1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25])
    0.0
    """
    y, p = np.ravel(np.asarray(y_true, float)), np.ravel(np.asarray(y_pred, float))
    there = np.isfinite(y)
    y, p = y[there], p[there]
    if not len(y):
        return float("nan")
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=p - y, minlength=bins)
    return float(np.abs(gaps).sum() / len(y))


def conformal_width(
    y_true: ArrayLike, y_pred: ArrayLike, *, level: float = 0.9, scale: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return how far around predictions intervals reach that hold a share of new targets.

    ``prediction - width`` to ``prediction + width`` holds at least ``level`` of the targets of
    rows that are exchangeable with those given here, which training must not have seen: split
    conformal prediction, whatever the network.

    Parameters
    ----------
    y_true : array_like of float, shape (n, tasks)
        Targets of the rows; NaN where missing.
    y_pred : array_like of float, shape (n, tasks)
        Their predictions.
    level : float
        Share of targets inside, between 0 and 1.
    scale : array_like of float, shape (n, tasks), optional
        How uncertain each prediction is, above 0, such as the ``sd`` of an ensemble: the width of
        a new prediction is then the result times its own scale.

    Returns
    -------
    ndarray of float64, shape (tasks,)
        Half widths; infinite where there are too few rows for the level.

    Raises
    ------
    EugeneError
        If shapes differ, or the level or a scale cannot be.

    References
    ----------
    Lei et al. 2018, https://doi.org/10.1080/01621459.2017.1307116

    Examples
    --------
    >>> conformal_width(np.arange(9.0), np.zeros(9), level=0.8)
    array([7.])
    """
    y, p = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
    y, p = (one[:, None] if one.ndim == 1 else one for one in (y, p))
    unit = np.ones_like(p) if scale is None else np.asarray(scale, np.float64).reshape(p.shape)
    if y.shape != p.shape:
        raise EugeneError(f"targets of shape {y.shape} do not fit predictions of shape {p.shape}")
    if not 0 < level < 1 or not (unit > 0).all():
        raise EugeneError(f"expected a level between 0 and 1 and scales above 0, got {level=}")
    widths = []
    for off in (np.abs(y - p) / unit).T:
        ordered = np.sort(off[np.isfinite(off)])
        # the row to come is one of n + 1
        place = int(np.ceil(round((len(ordered) + 1) * level, 9)))
        widths.append(ordered[place - 1] if place <= len(ordered) else np.inf)
    return np.array(widths)


def calibration(
    task: str,
    held_out: tuple[ArrayLike, ArrayLike],
    tested: tuple[ArrayLike, ArrayLike],
    *,
    level: float = 0.9,
) -> dict[str, Any]:
    """Calibrate predictions on held-out rows and measure on others how honest they are.

    Parameters
    ----------
    task : str
        The task. Of classifications scores (logits) are given, of other tasks predictions.
    held_out, tested : tuple of array_like
        Targets, float (n, tasks), and scores or predictions, float (n, outputs): of the rows that
        the calibration is fitted on, and of those it is measured on.
    level : float
        Share of targets that intervals are to hold.

    Returns
    -------
    dict
        For classifications ``temperature``, and ``nll`` and ``ece`` before and after; for others
        ``level``, ``width`` and ``coverage``, one a task. Of ``poisson`` the width is that of a
        rate of 1, and grows with the root of the rate. Or ``why`` there is none.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, p = rng.normal(size=(2, 400))
    >>> found = calibration("regression", (y[:200], p[:200]), (y[200:], p[200:]))
    >>> found["level"], 0.8 < found["coverage"][0] < 1
    (0.9, True)
    """
    first, last = (tuple(_columns(side) for side in sides) for sides in (held_out, tested))
    kind = get_task(task)
    for what, (y, _) in (("validation", first), ("test", last)):
        if not np.isfinite(y).any():
            return {"why": f"no {what} row has a target"}
    if kind.classification:
        t = fit_temperature(first[1], first[0], task)
        (y, s), ones = last, np.ones_like(t)
        of = {"nll": _mean_surprise, "ece": _mean_error}
        figures = {
            name: [measure(kind, s, y, ones), measure(kind, s, y, t)]
            for name, measure in of.items()
        }
        return {"temperature": t.tolist(), **figures}
    (y, p), (new, guess) = first, last
    if y.shape[1] != p.shape[1] or new.ndim != 2:
        return {"why": f"targets of shape {y.shape} do not stand beside outputs {p.shape}"}
    rates = task == "poisson"
    scale = [np.sqrt(np.maximum(q, 1e-6)) if rates else np.ones_like(q) for q in (p, guess)]
    width = conformal_width(y, p, level=level, scale=scale[0])
    inside = np.where(np.isfinite(new), np.abs(new - guess) <= width * scale[1], np.nan)
    there = np.isfinite(inside).sum(0)
    coverage = np.where(there > 0, np.nansum(inside, 0) / np.maximum(there, 1), np.nan)
    return {"level": level, "width": width.tolist(), "coverage": coverage.tolist()}


def _columns(values: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    return found[:, None] if found.ndim == 1 else found


def _mean_surprise(
    task: Task, s: NDArray[np.float64], y: NDArray[np.float64], t: NDArray[np.float64]
) -> float:
    """Return the mean negative log-likelihood in nats, over the targets that are there."""
    pairs = [(s, y[:, 0], t[0])] if task.classes else list(zip(s.T, y.T, t, strict=True))
    found = [_surprise(a[np.isfinite(b)], b[np.isfinite(b)], c) for a, b, c in pairs]
    return float(np.concatenate(found).mean())


def _mean_error(
    task: Task, s: NDArray[np.float64], y: NDArray[np.float64], t: NDArray[np.float64]
) -> float:
    """Return the expected calibration error: of the best class, or the mean over tasks."""
    p = calibrated(s, t, task)
    if task.classes:
        right = np.where(np.isfinite(y[:, 0]), p.argmax(1) == y[:, 0], np.nan)
        return calibration_error(right, p.max(1))
    there = [i for i in range(y.shape[1]) if np.isfinite(y[:, i]).any()]
    return float(np.mean([calibration_error(y[:, i], p[:, i]) for i in there]))
