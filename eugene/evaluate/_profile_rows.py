"""What one profile says of another, row by row: arrays in, one number a row out."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.special import gammaln, rel_entr

from eugene import _judge
from eugene.config.marks import Least
from eugene.errors import EugeneError, did_you_mean

Values: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Literal["gaussian", "box"]
_KERNELS = ("gaussian", "box")
# a probability that single precision cannot hold is taken for the smallest that it can
_TINY = float(np.finfo(np.float32).tiny)


class Smooth(NamedTuple):
    """How profiles are smoothed along their length.

    Attributes
    ----------
    width : int
        Standard deviation of a Gaussian, or positions under a box, in bp.
    kernel : {"gaussian", "box"}
        Which of them.
    """

    width: Annotated[int, Least(1)]
    kernel: Kernel = "gaussian"


def smooth_profiles(
    profiles: ArrayLike, width: int, *, kernel: Kernel = "gaussian"
) -> NDArray[np.float64]:
    """Smooth profiles along their length.

    Beyond the ends there is nothing: a position near an end is the mean of what lies under the
    part of the kernel that is inside, so a flat profile stays flat.

    Parameters
    ----------
    profiles : array_like of float, shape (..., length)
        Profiles.
    width : int
        Standard deviation of the Gaussian, cut off at four of them, or positions under the box,
        an odd number; in bp.
    kernel : {"gaussian", "box"}
        Which of them.

    Returns
    -------
    ndarray of float64, shape (..., length)
        Smoothed.

    Raises
    ------
    EugeneError
        If the width is below 1, that of a box is even, or there is no such kernel.

    Examples
    --------
    >>> smooth_profiles([0.0, 0.0, 3.0, 0.0, 0.0], 3, kernel="box").tolist()
    [0.0, 1.0, 1.0, 1.0, 0.0]
    """
    if kernel not in _KERNELS:
        raise EugeneError(f"unknown kernel {kernel!r}{did_you_mean(kernel, _KERNELS)}")
    if width < 1 or (kernel == "box" and width % 2 == 0):
        odd = " and odd" if kernel == "box" else ""
        raise EugeneError(f"the width of a {kernel} must be at least 1{odd}, got {width}")
    values = np.asarray(profiles, dtype=np.float64)
    inside = np.ones(values.shape[-1])
    if kernel == "box":
        sums, there = (
            ndimage.uniform_filter1d(x, width, axis=-1, mode="constant") for x in (values, inside)
        )
        # running sums leave a rounding where there was nothing
        sums = np.where(values.min(initial=0.0) < 0, sums, np.maximum(sums, 0.0))
    else:
        sums, there = (
            ndimage.gaussian_filter1d(x, width, axis=-1, mode="constant") for x in (values, inside)
        )
    found: NDArray[np.float64] = sums / there
    return found


def jensen_shannon(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> NDArray[np.float64]:
    """Return the Jensen-Shannon distance of pairs of distributions.

    It is that of `scipy.spatial.distance.jensenshannon`, the root of the divergence, in nats by
    default: 0 for equal shapes and ``sqrt(ln 2)``, 0.833, for shapes that share no position.

    Parameters
    ----------
    p, q : array_like of float, shape (..., positions)
        Counts, rates or probabilities, none below 0; each is divided by its sum.
    base : float
        Base of the logarithm.

    Returns
    -------
    ndarray of float64, shape (...)
        NaN where one of the two sums to 0, which is no distribution.

    Raises
    ------
    EugeneError
        If shapes differ, or a value is below 0 or not finite.

    References
    ----------
    Lin 1991, https://doi.org/10.1109/18.61115; Endres and Schindelin 2003,
    https://doi.org/10.1109/TIT.2003.813506

    Examples
    --------
    >>> jensen_shannon([[1, 1], [3, 0], [0, 0]], [[2, 2], [0, 5], [1, 1]]).round(3).tolist()
    [0.0, 0.833, nan]
    """
    first, second = (np.asarray(x, dtype=np.float64) for x in (p, q))
    if first.shape != second.shape:
        raise EugeneError(
            f"distributions of shapes {first.shape} and {second.shape} cannot be compared"
        )
    for values in (first, second):
        _check_shares(values)
    one, other = _shares(first), _shares(second)
    middle = (one + other) / 2
    divergence = (rel_entr(one, middle).sum(-1) + rel_entr(other, middle).sum(-1)) / 2
    # rounding makes no divergence less than nothing
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0) / math.log(base)))


def multinomial_nll(counts: ArrayLike, profile: ArrayLike) -> NDArray[np.float64]:
    """Return the multinomial negative log-likelihood of counts, the profile loss of BPNet.

    Parameters
    ----------
    counts : array_like of float, shape (..., positions)
        Observed counts.
    profile : array_like of float, shape (..., positions)
        Predicted probabilities, or what is proportional to them. One below the smallest number of
        single precision (1.2e-38) counts as that.

    Returns
    -------
    ndarray of float64, shape (...)
        In nats; NaN where nothing was counted, since no profile explains that better or worse.

    Raises
    ------
    EugeneError
        If shapes differ, or a value is below 0 or not finite.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41588-021-00782-6

    Examples
    --------
    >>> multinomial_nll([[1, 0], [0, 0]], [[0.5, 0.5], [0.5, 0.5]]).round(4).tolist()
    [0.6931, nan]
    """
    y, q = (np.asarray(x, dtype=np.float64) for x in (counts, profile))
    if y.shape != q.shape:
        raise EugeneError(f"counts of shape {y.shape} do not fit profiles of shape {q.shape}")
    _check_shares(y)
    _check_shares(q)
    total = y.sum(-1)
    # log 0! and log 1! are 0, and most counts are 0 or 1
    rest = (y != 0) & (y != 1)
    factorials = np.zeros_like(y)
    factorials[rest] = gammaln(y[rest] + 1)
    arranged = gammaln(total + 1) - factorials.sum(-1)
    fits = (y * np.log(np.maximum(_shares(q), _TINY))).sum(-1)
    return np.asarray(np.where(total > 0, -(arranged + fits), np.nan))


def row_pearson(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Return Pearson's correlation of each row of two arrays.

    Parameters
    ----------
    x, y : array_like of float, shape (n, positions)
        Rows, finite.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where a row of either does not vary by more than the rounding of its type.

    Examples
    --------
    >>> row_pearson([[1, 2, 3], [1, 1, 1]], [[2, 4, 6], [1, 2, 3]]).round(9).tolist()
    [1.0, nan]
    """
    flat = _flat(x) | _flat(y)
    return _correlated(np.asarray(x, np.float64), np.asarray(y, np.float64), flat)


def row_spearman(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's correlation of each row of two arrays, ties sharing the middle rank.

    Parameters
    ----------
    x, y : array_like of float, shape (n, positions)
        Rows, finite.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where a row of either does not vary by more than the rounding of its type.

    Examples
    --------
    >>> row_spearman([[1, 2, 3], [1, 1, 1]], [[2, 4, 9], [1, 2, 3]]).round(9).tolist()
    [1.0, nan]
    """
    flat = _flat(x) | _flat(y)
    return _correlated(_ranks(np.asarray(x)), _ranks(np.asarray(y)), flat)


def _flat(rows: ArrayLike) -> NDArray[np.bool_]:
    """Tell which rows hold one number, but for rounding."""
    x = np.asarray(rows)
    if x.shape[-1] < 2:
        return np.ones(len(x), bool)
    spread = x.max(-1).astype(np.float64) - x.min(-1)
    return np.asarray(spread <= _judge.ROUNDINGS * _judge.rounding(x) * np.abs(x).max(-1))


def _correlated(x: Values, y: Values, flat: NDArray[np.bool_]) -> Values:
    x, y = (values - values.mean(-1, keepdims=True) for values in (x, y))
    cross = np.einsum("ij,ij->i", x, y)
    spread = np.sqrt(np.einsum("ij,ij->i", x, x)) * np.sqrt(np.einsum("ij,ij->i", y, y))
    found = np.full(len(x), np.nan)
    np.divide(cross, spread, out=found, where=~flat & (spread > 0))
    # no rounding makes a correlation larger than 1
    return np.asarray(np.clip(found, -1, 1))


def _ranks(rows: NDArray[Any]) -> Values:
    """Return the rank of each number in its row, ties sharing the middle, float64 (n, length)."""
    n, length = rows.shape
    order = np.argsort(rows, axis=-1)
    values = np.take_along_axis(rows, order, axis=-1)
    first = np.ones((n, length), bool)
    np.not_equal(values[:, 1:], values[:, :-1], out=first[:, 1:])
    starts = np.flatnonzero(first)
    sizes = np.diff(starts, append=n * length)
    middle = starts % length + (sizes - 1) / 2
    ranks = np.empty((n, length))
    np.put_along_axis(ranks, order, np.repeat(middle, sizes).reshape(n, length), axis=-1)
    return ranks


def _shares(values: Values) -> Values:
    """Return values divided by their sum, NaN where that is 0."""
    total = np.asarray(values.sum(-1, keepdims=True))
    found: Values = np.full_like(values, np.nan)
    np.divide(values, total, out=found, where=total > 0)
    return found


def _check_shares(values: Values) -> None:
    """Raise where a value can be no count and no probability."""
    if not values.size:
        return
    low = values.min()
    if np.isnan(low) or low < 0 or not np.isfinite(values.max()):
        wrong = np.argwhere(~(np.isfinite(values) & (values >= 0)))[0]
        raise EugeneError(
            f"a profile holds {values[tuple(wrong)]:g} at {tuple(int(i) for i in wrong)}: expected "
            "counts or probabilities, finite and none below 0 (of logits take the softmax; files "
            "of the minus strand often hold negative values, take absolute ones)"
        )
