"""Figures of predictions, and small helpers, under EUGENe's names."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene.errors import DataError, RunExistsError

if TYPE_CHECKING:
    import torch
    from torchmetrics import Metric

Figure = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def _known(y_true: ArrayLike, y_score: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return labels and scores of the rows that have a score."""
    labels, scores = np.asarray(y_true, np.float64), np.asarray(y_score, np.float64)
    keep = ~np.isnan(scores)
    return labels[keep], scores[keep]


def median_calc(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Return the median score of the class that is 1.

    Parameters
    ----------
    y_true : array_like, shape (n,)
        Labels, 0 or 1.
    y_score : array_like, shape (n,)
        Scores; NaN are left out.

    Examples
    --------
    >>> median_calc([0, 1, 1], [9.0, 1.0, 3.0])
    2.0
    """
    labels, scores = _known(y_true, y_score)
    return float(np.median(scores[labels == 1]))


def auc_calc(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Return the area under the ROC curve; arguments as of `median_calc`, shape (n,).

    Examples
    --------
    >>> auc_calc([0, 1, 1], [0.0, 1.0, 3.0])
    1.0
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_known(y_true, y_score)))


def escore(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Return the area under the ROC curve of the higher half of each class.

    Parameters
    ----------
    y_true, y_score : array_like, shape (n,)
        As of `median_calc`.

    Returns
    -------
    float
        From 0 to 1, as EUGENe's; the E-scores of `eugene.evaluate.kmer_scores` are from -0.5
        to 0.5.

    Examples
    --------
    >>> escore([0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0])
    1.0
    """
    labels, scores = _known(y_true, y_score)
    halves = []
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        order = rows[np.argsort(-scores[rows], kind="stable")]
        halves.append(order[: len(order) // 2])
    top = np.concatenate(halves)
    return auc_calc(labels[top], scores[top])


def _by_column(figure: Figure, y_true: ArrayLike, y_score: ArrayLike) -> NDArray[np.float64]:
    labels, scores = np.asarray(y_true, np.float64), np.asarray(y_score, np.float64)
    if labels.ndim != 2 or labels.shape != scores.shape:
        raise DataError(
            f"targets of shape {labels.shape} and predictions of shape {scores.shape}: (rows, "
            "tasks) of both is needed"
        )
    return np.array([figure(labels[:, i], scores[:, i]) for i in range(labels.shape[1])])


def calculate_mse(y_true: ArrayLike, y_score: ArrayLike) -> NDArray[np.float64]:
    """Return the mean squared error of each column; both of shape (n, tasks)."""
    return _by_column(lambda y, p: float(((y - p) ** 2).mean()), y_true, y_score)


def calculate_pearsonr(y_true: ArrayLike, y_score: ArrayLike) -> NDArray[np.float64]:
    """Return Pearson's correlation of each column; both of shape (n, tasks)."""
    from scipy import stats

    return _by_column(lambda y, p: float(stats.pearsonr(y, p)[0]), y_true, y_score)


def calculate_spearmanr(y_true: ArrayLike, y_score: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's correlation of each column; both of shape (n, tasks)."""
    from scipy import stats

    return _by_column(lambda y, p: float(stats.spearmanr(y, p)[0]), y_true, y_score)


def calculate_auroc(y_true: ArrayLike, y_score: ArrayLike) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each column; both of shape (n, tasks)."""
    return _by_column(auc_calc, y_true, y_score)


def calculate_aupr(y_true: ArrayLike, y_score: ArrayLike) -> NDArray[np.float64]:
    """Return the average precision of each column; both of shape (n, tasks)."""
    from sklearn.metrics import average_precision_score

    return _by_column(lambda y, p: float(average_precision_score(y, p)), y_true, y_score)


def evaluate_model(
    y_test: ArrayLike, pred: ArrayLike, task: str, verbose: bool = True
) -> tuple[NDArray[np.float64], ...]:
    """Return the figures of each column.

    Parameters
    ----------
    y_test, pred : array_like, shape (rows, tasks)
        Targets and predictions.
    task : str
        ``"regression"``, or anything else for classes.
    verbose : bool
        Unused: figures are returned, not printed.

    Returns
    -------
    tuple of ndarray, shape (tasks,)
        Mean squared error, Pearson's and Spearman's correlation; or the areas under the ROC
        curve and the average precisions.

    Examples
    --------
    >>> evaluate_model([[0.0], [1.0]], [[0.0], [1.0]], "regression")[0].tolist()
    [0.0]
    """
    figures = (
        (calculate_mse, calculate_pearsonr, calculate_spearmanr)
        if task == "regression"
        else (calculate_auroc, calculate_aupr)
    )
    return tuple(figure(y_test, pred) for figure in figures)


def log1p_mse(log_predicted_counts: torch.Tensor, true_counts: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of log counts, log(1 + counts) of the true ones.

    Parameters
    ----------
    log_predicted_counts, true_counts : Tensor, shape (n, ...)
        Predictions in logs, and counts.

    Returns
    -------
    Tensor, shape (n,)
        The mean over all axes but the first.
    """
    return ((true_counts.log1p() - log_predicted_counts) ** 2).mean(-1)


def calculate_metric(
    metric: Metric,
    metric_name: str,
    metric_kwargs: Mapping[str, object] | None,
    outs: torch.Tensor,
    y: torch.Tensor,
) -> torch.Tensor:
    """Feed a metric of torchmetrics with a batch, and return its value there.

    Parameters
    ----------
    metric : torchmetrics.Metric
        The metric.
    metric_name : str
        Its name; metrics of classes get whole numbers as targets.
    metric_kwargs : mapping, optional
        Unused: what the metric was made with.
    outs, y : Tensor, shape (n, ...)
        Outputs and targets.
    """
    classes = ("accuracy", "auroc", "f1score", "precision", "recall")
    target = y.long() if metric_name in classes else y
    value: torch.Tensor = metric(outs.reshape(target.shape), target)
    return value


def binarize_values(
    values: ArrayLike, upper_threshold: float, lower_threshold: float | None = None
) -> NDArray[np.float64]:
    """Return 1 from the upper threshold on, 0 up to the lower, and NaN between.

    Parameters
    ----------
    values : array_like, shape (n,)
        The values.
    upper_threshold, lower_threshold : float
        With one alone, what is below it is 0.

    Examples
    --------
    >>> binarize_values([0.0, 2.0, 4.0], 3, 1).tolist()
    [0.0, nan, 1.0]
    """
    array = np.asarray(values, dtype=np.float64)
    if lower_threshold is None:
        return np.where(np.isnan(array), np.nan, (array >= upper_threshold).astype(np.float64))
    return np.select([array >= upper_threshold, array <= lower_threshold], [1.0, 0.0], np.nan)


def make_dirs(output_dir: str | Path, overwrite: bool = False) -> None:
    """Make a folder and those above it.

    Parameters
    ----------
    output_dir : path
        The folder.
    overwrite : bool
        Empty it where it is there, if it holds no run.

    Raises
    ------
    RunExistsError
        If it is there and not to be overwritten, or holds a run.
    """
    folder = Path(output_dir)
    if folder.exists():
        if not overwrite:
            raise RunExistsError(f"{folder} is there: overwrite=True empties it")
        if not folder.is_dir() or folder.is_symlink() or (folder / "run.json").exists():
            raise RunExistsError(f"{folder} is a run, a link or no folder: it is left alone")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
