"""Receiver operating characteristics and precision-recall curves, of one class and of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene._tasks import get_task
from eugene._weighted import METRICS
from eugene.errors import DataError, EugeneError

if TYPE_CHECKING:
    import xarray as xr

Points = list[list[float]]
_GRID = 1001


class Curve(TypedDict):
    """The curves of a class, or of all together.

    Attributes
    ----------
    roc : list of two lists
        False and true positive rates.
    pr : list of two lists
        Recall and precision.
    roc_auc : float
        Area under the former.
    pr_auc : float
        Average precision.
    """

    roc: Points
    pr: Points
    roc_auc: float
    pr_auc: float


class Curves(TypedDict):
    """Curves of each class, and of all.

    Attributes
    ----------
    classes : dict of str to Curve
        Of every class against the others.
    micro : Curve
        Of all pairs of a row and a class together.
    macro : Curve
        Mean of the classes at the same rate of false positives, and at the same recall.
    left_out : list of str
        Classes without rows of both kinds, of which there is no curve.
    """

    classes: dict[str, Curve]
    micro: Curve
    macro: Curve
    left_out: list[str]


def curves(
    y_true: ArrayLike, y_pred: ArrayLike, *, points: int = 500
) -> dict[str, list[list[float]]]:
    """Return the receiver operating characteristic and the precision-recall curve.

    Parameters
    ----------
    y_true : array_like, shape (n,)
        0, 1, or NaN where missing.
    y_pred : array_like of float, shape (n,)
        Scores.
    points : int
        At most so many points a curve.

    Returns
    -------
    dict
        ``roc``: false and true positive rates; ``pr``: recall and precision.

    Raises
    ------
    EugeneError
        If there are not both classes.

    Examples
    --------
    >>> curves([0, 1], [.2, .8])["roc"]
    [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    y, p = np.ravel(np.asarray(y_true, float)), np.ravel(np.asarray(y_pred, float))
    there = np.isfinite(y)
    roc, pr = _lines(y[there], p[there])
    return {"roc": _thinned(roc, points), "pr": _thinned(pr, points)}


def class_curves(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    task: str = "multiclass_classification",
    *,
    names: Sequence[str] | None = None,
    scores: ArrayLike | None = None,
    points: int = 500,
) -> Curves:
    """Return the curves of every class against the others, and of all: micro and macro averages.

    Parameters
    ----------
    y_true : array_like of float, shape (n,) or (n, labels)
        Numbers of classes, or 0 and 1 for each label; NaN where missing.
    y_pred : array_like of float, shape (n, classes)
        Probabilities.
    task : str
        A classification.
    names : sequence of str, optional
        Of the classes.
    scores : array_like of float, shape (n, classes), optional
        What ranks the rows of one class instead of probabilities, such as logits. All classes
        together are ranked by probabilities.
    points : int
        At most so many points a curve.

    Returns
    -------
    Curves
        The macro average is taken over the classes that have a curve.

    Raises
    ------
    EugeneError
        If it is no classification, shapes do not fit, or no class has rows of both kinds.

    Examples
    --------
    >>> found = class_curves([0, 1, 2, 1], np.eye(3)[[0, 1, 2, 2]], names=["a", "b", "c"])
    >>> found["classes"]["a"]["roc_auc"], round(found["macro"]["roc_auc"], 3)
    (1.0, 0.861)
    """
    kind = get_task(task)
    if not kind.classification:
        raise EugeneError(f"curves are of classes, and {task} has none")
    y, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    y, p = (v[:, None] if v.ndim == 1 else v for v in (y, p))
    if kind.classes and y.shape[1] == 1:
        y = np.where(np.isfinite(y), y == np.arange(p.shape[1]), np.nan)
    ranked = p if scores is None else np.asarray(scores, np.float64).reshape(p.shape)
    named = [f"class {i}" for i in range(p.shape[1])] if names is None else [*names]
    if y.shape != p.shape or len(named) != p.shape[1]:
        raise EugeneError(
            f"targets have shape {y.shape}, predictions {p.shape}, and there are {len(named)} "
            "names: expected one column a class"
        )
    lines, left_out = {}, []
    areas: dict[str, tuple[float, float]] = {}
    for i, name in enumerate(named):
        there = np.isfinite(y[:, i])
        truth, guess = y[there, i], ranked[there, i]
        if len(np.unique(truth)) < 2:
            left_out.append(name)
            continue
        lines[name], areas[name] = _lines(truth, guess), _areas(truth, guess)
    if not lines:
        raise EugeneError("curves need rows of both classes, which none has")
    there = np.isfinite(y)
    everything = _lines(y[there], p[there])
    mean = _mean([roc for roc, _ in lines.values()]), _mean([pr for _, pr in lines.values()])
    macro = np.mean(list(areas.values()), axis=0)
    return {
        "classes": {name: _curve(*lines[name], areas[name], points) for name in lines},
        "micro": _curve(*everything, _areas(y[there], p[there]), points),
        "macro": _curve(*mean, (float(macro[0]), float(macro[1])), points),
        "left_out": left_out,
    }


def class_names(
    ds: xr.Dataset, variables: Sequence[str], n_outputs: int, *, classes: bool
) -> list[str]:
    """Return the names of a network's outputs: of classes as their variable says, else the targets.

    Parameters
    ----------
    ds : xarray.Dataset
        Has the targets; an attribute ``classes`` of one says what its numbers are.
    variables : sequence of str
        Targets.
    n_outputs : int
        Of the network.
    classes : bool
        Whether the one target is the number of a class.

    Returns
    -------
    list of str
        ``class 0`` and so on where nothing says more.

    Raises
    ------
    DataError
        If there are other targets than outputs.
    """
    if not classes:
        if len(variables) != n_outputs:
            raise DataError(
                f"the network has {n_outputs} outputs, and target_vars names {len(variables)}: "
                f"{', '.join(variables)}"
            )
        return list(variables)
    if len(variables) != 1:
        raise DataError(f"classes are numbers in one variable, target_vars has {len(variables)}")
    said = [str(name) for name in np.atleast_1d(ds[variables[0]].attrs.get("classes", []))]
    return said if len(said) == n_outputs else [f"class {i}" for i in range(n_outputs)]


def _lines(
    y: NDArray[np.float64], p: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (false, true positive rate) and (recall, precision), float64 (2, n) each."""
    if not (y == 1).any() or not (y == 0).any():
        raise EugeneError("curves need rows of both classes")
    order = np.argsort(-p, kind="stable")
    last = np.flatnonzero(np.concatenate((p[order][1:] != p[order][:-1], [True])))
    hits = np.cumsum(y[order])[last]
    calls = last + 1.0
    true_rate = np.concatenate(([0.0], hits / hits[-1]))
    false_rate = np.concatenate(([0.0], (calls - hits) / (calls - hits)[-1]))
    precision = np.concatenate(([1.0], hits / calls))
    return np.stack([false_rate, true_rate]), np.stack([true_rate, precision])


def _areas(y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[float, float]:
    """Return the area under the ROC curve, and the average precision."""
    ones = np.ones((1, len(y)))
    roc, pr = (float(METRICS[name](y, p, ones)[0]) for name in ("auroc", "auprc"))
    return roc, pr


def _mean(curves: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean height of curves (2, n) at the same places, from 0 to 1."""
    places = np.linspace(0, 1, _GRID)
    heights = [np.interp(places, *curve) for curve in curves]
    mean = np.stack([places, np.mean(heights, axis=0)])
    # a curve that rises at 0 begins where it is before that
    first = float(np.mean([curve[1, 0] for curve in curves]))
    return np.concatenate([[[0.0], [first]], mean], axis=1)


def _thinned(curve: NDArray[np.float64], points: int) -> Points:
    """Return at most so many points of a curve (2, n), its ends among them."""
    keep = np.unique(np.linspace(0, curve.shape[1] - 1, points).round().astype(int))
    found: Points = curve[:, keep].tolist()
    return found


def _curve(
    roc: NDArray[np.float64], pr: NDArray[np.float64], areas: tuple[float, float], points: int
) -> Curve:
    return {
        "roc": _thinned(roc, points),
        "pr": _thinned(pr, points),
        "roc_auc": areas[0],
        "pr_auc": areas[1],
    }
