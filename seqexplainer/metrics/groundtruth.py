"""Comparison of attributions with positions known to matter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seqexplainer._inputs import ArrayLike, as_array
from seqexplainer.errors import InputError


class Agreement(NamedTuple):
    """Agreement of the highest positions of each sequence with the annotated ones.

    Attributes
    ----------
    precision, recall, f1, jaccard : ndarray of float64, shape (n_seqs,)
        NaN where a sequence has no annotated position.
    auprc, auroc : ndarray of float64, shape (n_seqs,)
        Areas over all cut-offs; NaN where a sequence has only one kind of position.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    jaccard: np.ndarray
    auprc: np.ndarray
    auroc: np.ndarray


def position_scores(attributions: ArrayLike) -> np.ndarray:
    """Return one number per position: the absolute value of the sum over letters.

    Parameters
    ----------
    attributions : ndarray or Tensor, shape (n_seqs, n_letters, length) or (n_seqs, length)
        Projected attributions, or numbers per position.

    Returns
    -------
    ndarray of float64, shape (n_seqs, length)
        Scores, not negative.

    Examples
    --------
    >>> position_scores(np.array([[[0.0, -2.0], [1.0, 0.0]]]))
    array([[1., 2.]])
    """
    values = as_array(attributions).astype(np.float64)
    if values.ndim == 3:
        values = values.sum(axis=1)
    if values.ndim != 2:
        raise InputError(
            "attributions must have shape (n_seqs, n_letters, length) or (n_seqs, length), "
            f"got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise InputError("attributions hold NaN or infinite values")
    scores: np.ndarray = np.abs(values)
    return scores


def _annotated(annotation: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    mask: np.ndarray = as_array(annotation) != 0
    if mask.shape != shape:
        raise InputError(f"annotation must have shape {shape}, got {mask.shape}")
    return mask


def _ranked(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true and false positives at every distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(truth[order])[ends]
    return hits, ends + 1 - hits


def roc_area(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the area under the ROC curve of scores (n,) of true and other ones, ties at once."""
    hits, misses = _ranked(scores, truth)
    rate = np.append(0, hits) / hits[-1]
    return float(np.trapezoid(rate, np.append(0, misses) / misses[-1]))


def pr_area(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the area under the straight lines between precision-recall points, scores (n,)."""
    hits, misses = _ranked(scores, truth)
    precision = np.append(1, hits / (hits + misses))
    return float(np.trapezoid(precision, np.append(0, hits) / hits[-1]))


def position_auprc(attributions: ArrayLike, annotation: ArrayLike) -> np.ndarray:
    """Return how well attributions rank the annotated positions of each sequence first.

    Parameters
    ----------
    attributions : ndarray or Tensor, shape (n_seqs, n_letters, length) or (n_seqs, length)
        Projected attributions (summed over letters, absolute value taken), or numbers per
        position.
    annotation : ndarray or Tensor of bool or int, shape (n_seqs, length)
        Where the truth is (not 0).

    Returns
    -------
    ndarray of float64, shape (n_seqs,)
        Average precision, ties at one cut-off; NaN where a sequence has no annotated position.
        The expectation for random scores is the annotated share.

    Raises
    ------
    InputError
        If the shapes differ or attributions are not finite.

    Examples
    --------
    >>> position_auprc(np.array([[3.0, 0.1, 2.0, 0.2]]), np.array([[1, 0, 1, 0]]))
    array([1.])
    """
    scores = position_scores(attributions)
    truth = _annotated(annotation, scores.shape)
    areas = np.full(len(scores), np.nan)
    for i in np.flatnonzero(truth.any(axis=1)):
        hits, misses = _ranked(scores[i], truth[i])
        gained = np.diff(hits, prepend=0)
        areas[i] = np.sum(gained * hits / (hits + misses)) / hits[-1]
    return areas


def agreement(
    attributions: ArrayLike, annotation: ArrayLike, *, n_top: int | None = None
) -> Agreement:
    """Compare the positions with the highest attributions with the annotated ones.

    Parameters
    ----------
    attributions : ndarray or Tensor, shape (n_seqs, n_letters, length) or (n_seqs, length)
        As in `position_auprc`.
    annotation : ndarray or Tensor of bool or int, shape (n_seqs, length)
        Where the truth is (not 0).
    n_top : int, optional
        Positions to take per sequence; by default as many as are annotated, so that precision
        equals recall. Ties are broken from the left.

    Returns
    -------
    Agreement
        Precision, recall, F1, Jaccard index, and the areas under the precision-recall and ROC
        curves, one number per sequence.

    Raises
    ------
    InputError
        If the shapes differ or n_top is out of range.

    Examples
    --------
    >>> found = agreement(np.array([[3.0, 0.1, 2.0, 0.2]]), np.array([[1, 1, 0, 0]]))
    >>> found.precision, found.jaccard.round(3)
    (array([0.5]), array([0.333]))
    """
    scores = position_scores(attributions)
    truth = _annotated(annotation, scores.shape)
    length = scores.shape[1]
    if n_top is not None and not 1 <= n_top <= length:
        raise InputError(f"n_top must be between 1 and {length}, got {n_top}")
    columns = {name: np.full(len(scores), np.nan) for name in Agreement._fields}
    columns["auprc"] = position_auprc(scores, truth)
    for i in np.flatnonzero(truth.any(axis=1)):
        n_true = int(truth[i].sum())
        taken = np.argsort(-scores[i], kind="stable")[: n_top or n_true]
        hits = int(truth[i][taken].sum())
        columns["precision"][i] = hits / len(taken)
        columns["recall"][i] = hits / n_true
        columns["f1"][i] = 2 * hits / (len(taken) + n_true)
        columns["jaccard"][i] = hits / (len(taken) + n_true - hits)
        if n_true < length:
            columns["auroc"][i] = roc_area(scores[i], truth[i])
    return Agreement(**columns)
