"""Intervals and p-values of paired differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqexplainer._inputs import as_seed, check_whole
from seqexplainer.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROUNDING = 8 * float(np.finfo(np.float32).eps)


class Summary(NamedTuple):
    """Mean of an effect over sequences, with its interval and tests.

    Attributes
    ----------
    mean, low, high : ndarray of float64, shape (...)
        Mean over the first axis and its bootstrap interval.
    p_value : ndarray of float64, shape (...)
        Two-sided sign-flip permutation p-value of the mean being 0.
    q_value : ndarray of float64, shape (...)
        Benjamini-Hochberg false discovery rate over all entries.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]


def summarise(
    effect: NDArray[np.float64],
    *,
    scores: NDArray[np.float64] | None = None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    seed: int | None = 0,
) -> Summary:
    """Summarise paired differences over the first axis.

    The interval is the percentile bootstrap of the mean over sequences. The p-value flips the
    signs of whole sequences: all sign patterns when there are at most ``n_resamples`` of them,
    otherwise ``n_resamples`` random ones, the observed pattern counted among them.

    Parameters
    ----------
    effect : ndarray of float64, shape (N, ...)
        Differences, one row per sequence. Columns with a NaN give NaN.
    scores : ndarray of float64, optional
        What was subtracted to get the differences. Models compute in single precision, so a mean
        below its rounding counts as 0: its p-value is 1, however the differences were computed.
    confidence : float, optional
        Coverage of the interval.
    n_resamples : int, optional
        Bootstrap samples and sign patterns.
    seed : int, optional
        Seed of both.

    Returns
    -------
    Summary
        Mean, interval, p-value and false discovery rate, each of shape (...).

    Raises
    ------
    InputError
        If the confidence is not a fraction, nothing is resampled or the seed is negative.

    Examples
    --------
    >>> result = summarise(np.array([1.0, 1.2, 0.8, 1.1, 0.9, 1.0, 1.3, 0.7]))
    >>> round(float(result.mean), 3), round(float(result.p_value), 4)
    (1.0, 0.0078)
    """
    if not 0 < confidence < 1:
        msg = f"confidence is {confidence}; expected a fraction between 0 and 1, such as 0.95"
        raise InputError(msg)
    check_whole(n_resamples=n_resamples)
    seed = as_seed(seed)
    shape = effect.shape[1:]
    rounding = 0.0 if scores is None else _ROUNDING * float(np.nanmax(np.abs(scores), initial=0.0))
    flat = effect.reshape(len(effect), -1).astype(np.float64)
    n = len(flat)
    rng = np.random.default_rng(seed)
    mean = flat.mean(axis=0)
    tail = 100 * (1 - confidence) / 2
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n
    low, high = np.empty_like(mean), np.empty_like(mean)
    p_value = np.empty_like(mean)
    if n <= 30 and 2**n <= n_resamples:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        extra = 0
    else:
        signs = rng.integers(0, 2, size=(n_resamples, n)) * 2.0 - 1.0
        extra = 1
    for begin in range(0, flat.shape[1], 4096):
        part = flat[:, begin : begin + 4096]
        here = slice(begin, begin + 4096)
        low[here], high[here] = np.percentile(weights @ part, [tail, 100 - tail], axis=0)
        size = np.abs(mean[here])
        # patterns that differ by rounding alone tie, whichever way the scores were computed
        level = np.maximum(size - np.maximum(rounding, size * 1e-9), 0.0)
        beyond = (np.abs(signs @ part / n) >= level).sum(axis=0)
        p_value[here] = (beyond + extra) / (len(signs) + extra)
    p_value[np.isnan(mean)] = np.nan
    q_value = benjamini_hochberg(p_value)
    return Summary(*(a.reshape(shape) for a in (mean, low, high, p_value, q_value)))


def benjamini_hochberg(p_values: ArrayLike, n_tests: int | None = None) -> NDArray[np.float64]:
    """Return Benjamini-Hochberg false discovery rates.

    Parameters
    ----------
    p_values : array_like of float, shape (...)
        P-values; NaN is not a test and stays NaN.
    n_tests : int, optional
        Number of tests made, when only the smallest p-values are given.

    Returns
    -------
    ndarray of float64, shape (...)
        False discovery rates, at most 1.

    References
    ----------
    Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p_values, dtype=np.float64)
    flat = p.ravel()
    q = np.full(flat.shape, np.nan)
    order = np.flatnonzero(~np.isnan(flat))
    order = order[np.argsort(flat[order], kind="stable")]
    if len(order):
        m = len(order) if n_tests is None else n_tests
        raw = flat[order] * m / np.arange(1, len(order) + 1)
        q[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q.reshape(p.shape)
