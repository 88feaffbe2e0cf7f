"""Rows chosen by their counts: usual ones, and those that a model of the bias learns from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene.data._negatives import SourceError
from eugene.errors import did_you_mean

logger = logging.getLogger(__name__)

NOTES = (
    "peak_counts_least",
    "peak_counts_most",
    "peak_rows_of_unusual_counts",
    "other_counts_least",
    "other_counts_most",
    "other_rows_of_unusual_counts",
    "bias_rows_counts_below",
    "bias_rows",
    "bias_rows_left_out_at_or_above",
)
"""Names of all that is noted."""
_BELOW = {"factor": 0.5, "peak_quantile": 0.01}
_Rows = NDArray[np.bool_]


def count_rows(
    counts: ArrayLike,
    is_peak: ArrayLike,
    *,
    count_quantiles: Sequence[float] | None = None,
    bias_rows: Mapping[str, float] | None = None,
) -> tuple[dict[str, _Rows], dict[str, float]]:
    """Choose rows by their counts.

    Parameters
    ----------
    counts : array_like of float, shape (n,)
        Counts of each window, of all samples together; NaN belongs to nothing.
    is_peak : array_like of bool, shape (n,)
        Which windows are peaks.
    count_quantiles : sequence of two floats, optional
        Rows are usual between these two quantiles of the counts of their kind, peaks or not, both
        ends included; by default all are.
    bias_rows : mapping, optional
        Rows for a model of the enzyme's bias: usual rows outside peaks with fewer counts than
        ``factor`` (0.5) times the quantile ``peak_quantile`` (0.01) of the usual peaks' counts.

    Returns
    -------
    rows : dict of ndarray of bool, shape (n,)
        ``usual_counts`` and ``bias_rows``, as far as they are asked for.
    notes : dict of str to number
        Limits in counts, and how many rows lie on which side.

    Raises
    ------
    SourceError
        Where an argument is no quantile, or no row is left.

    References
    ----------
    Pampari et al. 2024, https://doi.org/10.1101/2024.12.25.630221

    Examples
    --------
    >>> rows, notes = count_rows([90, 100, 20, 60, 700], [1, 1, 0, 0, 0],
    ...                          count_quantiles=[0, 0.9], bias_rows={"peak_quantile": 0})
    >>> rows["bias_rows"].tolist(), notes["bias_rows_counts_below"]
    ([False, False, True, False, False], 45.0)
    """
    values = np.asarray(counts, dtype=np.float64)
    peak = np.asarray(is_peak, dtype=np.bool_)
    usual: _Rows = np.isfinite(values)
    rows: dict[str, _Rows] = {}
    notes: dict[str, float] = {}
    if count_quantiles is not None:
        low, high = _two(count_quantiles)
        for name, kind in (("peak", peak), ("other", ~peak)):
            here = kind & np.isfinite(values)
            if not here.any():
                continue
            least, most = np.quantile(values[here], [low, high])
            bad = here & ((values < least) | (values > most))
            usual &= ~bad
            notes |= {
                f"{name}_counts_least": float(least),
                f"{name}_counts_most": float(most),
                f"{name}_rows_of_unusual_counts": int(bad.sum()),
            }
        rows["usual_counts"] = usual
        logger.info("count_quantiles %g to %g: %s", low, high, _listed(notes))
    if bias_rows is not None:
        rows["bias_rows"], more = _below(values, peak, usual, bias_rows)
        notes |= more
        logger.info("bias_rows: %s", _listed(more))
    return rows, notes


def _listed(notes: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in notes.items())


def _two(quantiles: Sequence[float]) -> tuple[float, float]:
    if len(quantiles) != 2 or not 0 <= quantiles[0] < quantiles[1] <= 1:
        raise SourceError(
            f"count_quantiles: {list(quantiles)}: expected two numbers between 0 and 1, the lower "
            "first, such as [0, 0.999]."
        )
    return float(quantiles[0]), float(quantiles[1])


def _below(
    values: NDArray[np.float64], peak: _Rows, usual: _Rows, options: Mapping[str, float]
) -> tuple[_Rows, dict[str, float]]:
    """Return the rows outside peaks below the threshold, and how many there are."""
    for name in options:
        if name not in _BELOW:
            raise SourceError(f"bias_rows: there is no {name!r}{did_you_mean(name, _BELOW)}")
    chosen = {**_BELOW, **options}
    if not 0 <= chosen["peak_quantile"] <= 1 or chosen["factor"] <= 0:
        raise SourceError(
            f"bias_rows: {chosen}: expected a factor above 0 and a peak_quantile between 0 and 1."
        )
    if not (peak & usual).any() or not (~peak & usual).any():
        raise SourceError(
            "bias_rows: a threshold needs the counts of peaks and windows outside them: draw "
            "`negatives`."
        )
    level = chosen["factor"] * float(np.quantile(values[peak & usual], chosen["peak_quantile"]))
    others = ~peak & usual
    kept: _Rows = others & (values < level)
    if not kept.any():
        raise SourceError(
            f"bias_rows: none of {int(others.sum())} windows outside peaks has fewer than "
            f"{level:g} counts ({chosen['factor']:g} times the quantile "
            f"{chosen['peak_quantile']:g} of the peaks'); the fewest are "
            f"{values[others].min():g}: raise `factor` or `peak_quantile`."
        )
    return kept, {
        "bias_rows_counts_below": level,
        "bias_rows": int(kept.sum()),
        "bias_rows_left_out_at_or_above": int((others & ~kept).sum()),
    }
