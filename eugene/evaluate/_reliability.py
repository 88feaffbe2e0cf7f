"""Predictions beside what was measured, bin by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene.errors import EugeneError
from eugene.evaluate._intervals import student

if TYPE_CHECKING:
    import pandas as pd

# what single precision may add to a sum of probabilities
_ROUNDING = 1e-5


def calibration_bins(
    y_true: ArrayLike, y_pred: ArrayLike, *, labels: bool, bins: int = 10, level: float = 0.95
) -> pd.DataFrame:
    """Hold predictions against measurements, bin by bin, with an interval for each.

    Probabilities of 0/1 labels are binned at equal widths from 0 to 1, and the share of positives
    has Wilson's interval. Other predictions are binned at equal numbers of rows, and the mean
    measurement has Student's interval.

    Parameters
    ----------
    y_true : array_like of float, shape (n,)
        Labels of 0 and 1, or measurements; NaN where missing.
    y_pred : array_like of float, shape (n,)
        Probabilities, or predictions in the units of the measurements.
    labels : bool
        Whether they are labels and probabilities.
    bins : int
        How many bins; those without a row are left out.
    level : float
        Share of intervals that hold the true value.

    Returns
    -------
    pandas.DataFrame
        ``rows``, ``predicted`` (mean), ``observed`` (share or mean), ``low`` and ``high`` (NaN for
        a mean of one row).

    Raises
    ------
    EugeneError
        If shapes differ, there is less than one bin, or labels and probabilities are none.

    References
    ----------
    Brown et al. 2001, https://doi.org/10.1214/ss/1009213286

    Examples
    --------
    >>> calibration_bins([0, 1, 1, 1], [0.1, 0.9, 0.9, 0.9], labels=True)["observed"].tolist()
    [0.0, 1.0]
    """
    import pandas as pd

    y, p = np.ravel(np.asarray(y_true, float)), np.ravel(np.asarray(y_pred, float))
    if y.shape != p.shape or bins < 1:
        raise EugeneError(
            f"{len(y)} measurements, {len(p)} predictions and {bins} bins: expected as many of "
            "both, and a bin or more"
        )
    y, p = y[(there := np.isfinite(y) & np.isfinite(p))], p[there]
    if labels and any((v < -_ROUNDING).any() or (v > 1 + _ROUNDING).any() for v in (y, p)):
        raise EugeneError(
            "labels=True: expected labels of 0 and 1 and probabilities from 0 to 1; logits become "
            "probabilities by 1 / (1 + exp(-x)), and measurements take labels=False"
        )
    if labels:
        place = np.clip((p * bins).astype(np.int64), 0, bins - 1)
    else:
        place = np.empty(len(p), np.int64)
        place[np.argsort(p, kind="stable")] = np.arange(len(p)) * bins // max(len(p), 1)
    found = []
    for one in np.unique(place):
        own = y[place == one]
        low, high = (_wilson if labels else student)(own, level)
        found.append((len(own), float(p[place == one].mean()), float(own.mean()), low, high))
    return pd.DataFrame(found, columns=["rows", "predicted", "observed", "low", "high"])


def _wilson(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    from scipy.stats import norm

    n, share, z = len(values), float(values.mean()), float(norm.ppf((1 + level) / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
