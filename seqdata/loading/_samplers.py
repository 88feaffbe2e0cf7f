"""Which rows an epoch shows: peaks with a share of the negatives, or rows drawn by weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata.errors import SeqdataError, did_you_mean
from seqpro.random import counter_seed, uniform

_NEGATIVES, _WEIGHTED = 5, 6


class Selection(Protocol):
    """Rows of an epoch, a function of its number; as many in every epoch."""

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        """Return row numbers in rising order."""
        ...


@runtime_checkable
class RowSampler(Protocol):
    """What chooses the rows of every epoch of a dataset."""

    def bind(self, ds: xr.Dataset, rows: NDArray[np.int64], seed: int) -> Selection:
        """Return the selection among rows of a dataset."""
        ...


class RatioSampler:
    """Show every peak once an epoch, and as many negatives as a ratio says, drawn anew.

    Parameters
    ----------
    label : str
        Variable of one value a row that is not 0 for peaks and 0 for negatives.
    ratio : float
        Negatives for each peak.

    Raises
    ------
    SeqdataError
        For a ratio below 0; when it meets a dataset: without the variable, without peaks, or
        with too few negatives.

    Examples
    --------
    >>> ds = xr.Dataset({"is_peak": ("_sequence", [True, False, False, False])})
    >>> chosen = RatioSampler("is_peak", ratio=2).bind(ds, np.arange(4), seed=1)
    >>> len(chosen(0)), 0 in chosen(0)
    (3, True)
    """

    def __init__(self, label: str, *, ratio: float = 1.0) -> None:
        if not np.isfinite(ratio) or ratio < 0:
            raise SeqdataError(
                f"ratio is {ratio!r}: expected negatives for each peak, a number from 0 up."
            )
        self.label = label
        self.ratio = float(ratio)

    def __repr__(self) -> str:
        return f"RatioSampler({self.label!r}, ratio={self.ratio:g})"

    def bind(self, ds: xr.Dataset, rows: NDArray[np.int64], seed: int) -> Selection:
        """Return the selection among rows of a dataset.

        Parameters
        ----------
        ds : xarray.Dataset
            Holds the label.
        rows : ndarray of int64, shape (n,)
            Rows to choose from.
        seed : int
            Seed of the draws.

        Returns
        -------
        callable
            Takes the epoch and returns row numbers (int64) in rising order.
        """
        values = _column(ds, self.label, "label")[rows]
        if np.isnan(values).any():
            row = int(rows[np.isnan(values)][0])
            raise SeqdataError(
                f"label {self.label!r} is missing (NaN) in row {row}: it is neither peak nor "
                "negative. Leave such rows out with `indices`."
            )
        peaks, negatives = np.sort(rows[values != 0]), np.sort(rows[values == 0])
        wanted = round(self.ratio * len(peaks))
        if not len(peaks):
            raise SeqdataError(f"no row of {len(rows)} is a peak by {self.label!r}.")
        if wanted > len(negatives):
            raise SeqdataError(
                f"ratio {self.ratio:g} asks for {wanted} negatives to {len(peaks)} peaks, and "
                f"there are {len(negatives)}: lower it to {len(negatives) / len(peaks):.3g}, or "
                "add negatives."
            )
        return _PeaksAndNegatives(peaks, negatives, wanted, seed)


class _PeaksAndNegatives:
    def __init__(
        self, peaks: NDArray[np.int64], negatives: NDArray[np.int64], wanted: int, seed: int
    ) -> None:
        self.peaks, self.negatives, self.wanted, self.seed = peaks, negatives, wanted, seed

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        keys = counter_seed(self.seed, epoch, _NEGATIVES, self.negatives)
        drawn = self.negatives[np.argsort(keys)[: self.wanted]]
        return np.sort(np.concatenate([self.peaks, drawn]))


class WeightedSampler:
    """Draw the rows of every epoch by their weights.

    Parameters
    ----------
    weights : str or sequence of float
        Variable of one weight a row, or the weights of all rows of the dataset; 0 is never drawn.
    n : int or None
        Rows to draw an epoch; default as many as there are to choose from.
    replacement : bool
        Whether a row can come more than once an epoch. It then looks the same each time: jitter
        and strand belong to row and epoch. Without, rows of larger weight come more often over
        the epochs.

    Raises
    ------
    SeqdataError
        When it meets a dataset: for weights that are negative, missing or all 0, or too few rows.

    References
    ----------
    Efraimidis and Spirakis 2006, doi:10.1016/j.ipl.2005.11.003 (without replacement)

    Examples
    --------
    >>> ds = xr.Dataset({"w": ("_sequence", [0.0, 1.0, 3.0])})
    >>> drawn = WeightedSampler("w", n=6).bind(ds, np.arange(3), seed=1)(0)
    >>> len(drawn), 0 in drawn
    (6, False)
    """

    def __init__(
        self,
        weights: str | Sequence[float] | NDArray[np.generic],
        *,
        n: int | None = None,
        replacement: bool = True,
    ) -> None:
        if n is not None and n < 1:
            raise SeqdataError(f"n is {n!r}: expected at least one row to draw.")
        self.weights = weights
        self.n = n
        self.replacement = replacement

    def __repr__(self) -> str:
        given = repr(self.weights) if isinstance(self.weights, str) else "given weights"
        return f"WeightedSampler({given}, n={self.n}, replacement={self.replacement})"

    def bind(self, ds: xr.Dataset, rows: NDArray[np.int64], seed: int) -> Selection:
        """Return the selection among rows of a dataset.

        Parameters
        ----------
        ds : xarray.Dataset
            Holds the weights, where they are named.
        rows : ndarray of int64, shape (n,)
            Rows to choose from.
        seed : int
            Seed of the draws.

        Returns
        -------
        callable
            Takes the epoch and returns row numbers (int64) in rising order.
        """
        if isinstance(self.weights, str):
            values = _column(ds, self.weights, "weights")
        else:
            values = np.asarray(self.weights, dtype=np.float64)
        if values.ndim != 1 or len(values) <= rows.max(initial=-1):
            raise SeqdataError(
                f"weights of shape {values.shape} do not fit the rows of the dataset: expected "
                "one a row."
            )
        weights = values[rows]
        bad = ~np.isfinite(weights) | (weights < 0)
        if bad.any():
            row = int(rows[bad][0])
            raise SeqdataError(
                f"the weight of row {row} is {values[row]}: expected a number from 0 up."
            )
        n = len(rows) if self.n is None else self.n
        possible = int((weights > 0).sum())
        if not possible or (not self.replacement and n > possible):
            raise SeqdataError(
                f"{possible} of {len(rows)} rows have a weight above 0, and {n} are to be drawn"
                f"{'' if self.replacement else ' without replacement'}."
            )
        kept = weights > 0
        order = np.argsort(rows[kept], kind="stable")
        return _Weighted(rows[kept][order], weights[kept][order], n, self.replacement, seed)


class _Weighted:
    def __init__(
        self,
        rows: NDArray[np.int64],
        weights: NDArray[np.float64],
        n: int,
        replacement: bool,
        seed: int,
    ) -> None:
        self.rows, self.weights, self.n = rows, weights, n
        self.replacement, self.seed = replacement, seed

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        if self.replacement:
            ends = np.cumsum(self.weights)
            draws = uniform(self.seed, epoch, _WEIGHTED, np.arange(self.n)) * ends[-1]
            places = np.minimum(np.searchsorted(ends, draws, side="right"), len(self.rows) - 1)
            return np.sort(self.rows[places])
        chance = np.maximum(uniform(self.seed, epoch, _WEIGHTED, self.rows), 2.0**-60)
        keys = np.log(chance) / self.weights
        return np.sort(self.rows[np.argsort(-keys, kind="stable")[: self.n]])


def _column(ds: xr.Dataset, name: str, what: str) -> NDArray[np.float64]:
    """Return a variable of one number a row."""
    if name not in ds.variables:
        hint = did_you_mean(name, map(str, ds.variables))
        raise SeqdataError(f"{what}: the dataset has no variable {name!r}.{hint}")
    variable = ds[name]
    if variable.ndim != 1 or variable.dtype.kind not in "biuf":
        raise SeqdataError(
            f"{what}: {name!r} is of type {variable.dtype} with dimensions {variable.dims}: "
            "expected one number a row."
        )
    return np.asarray(variable.to_numpy(), dtype=np.float64)
