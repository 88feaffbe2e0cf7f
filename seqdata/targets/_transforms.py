"""Transforms of targets that are fitted on training rows and can be undone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from seqdata import schema
from seqdata.errors import SeqdataError, did_you_mean
from seqdata.targets._base import TargetTransform as TargetTransform
from seqdata.targets._base import Values, limited

#: Attribute of a target variable that holds the transforms applied to it.
ATTRIBUTE = "transforms"


@dataclass(frozen=True)
class Clamp(TargetTransform):
    """Limit targets to quantiles of the training rows; the inverse leaves values as they are.

    Parameters
    ----------
    percentile : float or None
        Share of training rows (0 to 1) below the upper limit; None for no upper limit.
    lower_percentile : float or None
        Share of training rows below the lower limit; None for no lower limit.
    upper, lower : float, tuple of float, or None
        Limits of each target, or of all. Given from the beginning they are not fitted.

    Examples
    --------
    >>> Clamp(percentile=0.5).fit([1.0, 2.0, 9.0]).transform([1.0, 5.0])
    array([1., 2.])
    """

    percentile: float | None = 0.995
    lower_percentile: float | None = None
    upper: float | tuple[float, ...] | None = None
    lower: float | tuple[float, ...] | None = None
    name: ClassVar[str] = "clamp"

    def __post_init__(self) -> None:
        for limit in ("upper", "lower"):
            value = getattr(self, limit)
            if value is not None and np.ndim(value) == 0:
                object.__setattr__(self, limit, (float(value),))
        for share in (self.percentile, self.lower_percentile):
            if share is not None and not 0.0 <= share <= 1.0:
                raise SeqdataError(f"clamp: percentile is {share}: expected a share from 0 to 1.")

    def _n_columns(self) -> int | None:
        return limited(self.upper, self.lower)

    def _learn(self, columns: Sequence[Values]) -> Self:
        def limits(share: float | None) -> tuple[float, ...] | None:
            return None if share is None else tuple(float(np.quantile(c, share)) for c in columns)

        return replace(
            self,
            upper=limits(self.percentile) if self.upper is None else self.upper,
            lower=limits(self.lower_percentile) if self.lower is None else self.lower,
        )

    def _forward(self, columns: Values) -> Values:
        if self.upper is None and self.lower is None:
            raise self._unfitted()
        low = -np.inf if self.lower is None else np.array(self.lower)
        high = np.inf if self.upper is None else np.array(self.upper)
        return np.clip(columns, low, high)

    def _backward(self, columns: Values) -> Values:
        return columns


@dataclass(frozen=True)
class ZScore(TargetTransform):
    """Subtract the mean and divide by the standard deviation of the training rows.

    Parameters
    ----------
    mean, std : tuple of float or None
        Mean and standard deviation of each target, in its own units; None until fitted. Given
        from the beginning they are not fitted.

    Examples
    --------
    >>> z = ZScore().fit([1.0, 3.0])
    >>> z.transform([1.0, 3.0]), z.inverse([0.0])
    (array([-1.,  1.]), array([2.]))
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    name: ClassVar[str] = "zscore"

    @property
    def mean_(self) -> Values:
        """Mean of each target, under scikit-learn's name."""
        return self._fitted(self.mean)

    @property
    def scale_(self) -> Values:
        """Standard deviation of each target, under scikit-learn's name."""
        return self._fitted(self.std)

    @property
    def var_(self) -> Values:
        """Variance of each target, under scikit-learn's name."""
        return self._fitted(self.std) ** 2

    def inverse_transform(self, values: ArrayLike) -> Values:
        """Return targets in their own units: `inverse`, under scikit-learn's name."""
        return self.inverse(values)

    def _fitted(self, values: tuple[float, ...] | None) -> Values:
        if values is None:
            raise self._unfitted()
        return np.asarray(values)

    def _n_columns(self) -> int | None:
        return None if self.mean is None else len(self.mean)

    def _learn(self, columns: Sequence[Values]) -> Self:
        if self.mean is not None and self.std is not None:
            return self
        means, spreads = [], []
        for column in columns:
            # a power of two is divided out without rounding, so that no square overflows
            exponent = int(np.frexp(np.abs(column).max())[1])
            small = np.ldexp(column, -exponent)
            spread = float(small.std())
            # equal values have a spread of rounding errors, which is none
            least = 8 * np.finfo(np.float64).eps * float(np.abs(small).max())
            means.append(float(np.ldexp(small.mean(), exponent)))
            # and nothing can be divided by a spread too small for a full number of digits
            scaled = float(np.ldexp(spread, exponent))
            usable = spread > least and scaled >= np.finfo(np.float64).tiny
            spreads.append(scaled if usable else 1.0)
        return replace(self, mean=tuple(means), std=tuple(spreads))

    def _forward(self, columns: Values) -> Values:
        if self.mean is None or self.std is None:
            raise self._unfitted()
        return np.asarray((columns - np.array(self.mean)) / np.array(self.std))

    def _backward(self, columns: Values) -> Values:
        if self.mean is None or self.std is None:
            raise self._unfitted()
        return np.asarray(columns * np.array(self.std) + np.array(self.mean))


@dataclass(frozen=True)
class Log(TargetTransform):
    """Take logarithms.

    Parameters
    ----------
    base : float or None
        Base of the logarithm; None for the natural one.
    pseudocount : float
        Added before, in units of the target.

    Examples
    --------
    >>> Log(base=2).transform([0.0, 3.0])
    array([0., 2.])
    """

    base: float | None = None
    pseudocount: float = 1.0
    name: ClassVar[str] = "log"

    def __post_init__(self) -> None:
        if self.base is not None and (self.base <= 0 or self.base == 1):
            raise SeqdataError(f"log: base is {self.base}: expected a positive number but 1.")

    def _forward(self, columns: Values) -> Values:
        shifted = columns + self.pseudocount
        if (shifted <= 0).any():
            worst = float(np.nanmin(columns))
            raise SeqdataError(
                f"log: targets go down to {worst:g}, which with a pseudocount of "
                f"{self.pseudocount:g} has no logarithm: raise the pseudocount."
            )
        logged = np.log(shifted)
        return logged if self.base is None else logged / np.log(self.base)

    def _backward(self, columns: Values) -> Values:
        scale = 1.0 if self.base is None else float(np.log(self.base))
        with np.errstate(over="ignore"):
            return np.exp(columns * scale) - self.pseudocount


@dataclass(frozen=True)
class Binarise(TargetTransform):
    """Turn targets into 0 and 1; values between two limits become missing (NaN).

    Parameters
    ----------
    upper : float or None
        Targets from here up are 1.
    lower : float or None
        Targets from here down are 0; default all others are.
    percentile : float or None
        Share of training rows below ``upper``, where that is not given.
    lower_percentile : float or None
        Share of training rows below ``lower``, where that is not given.

    Examples
    --------
    >>> Binarise(upper=2.0, lower=1.0).transform([0.5, 1.5, 2.0])
    array([ 0., nan,  1.])
    """

    upper: float | tuple[float, ...] | None = None
    lower: float | tuple[float, ...] | None = None
    percentile: float | None = None
    lower_percentile: float | None = None
    name: ClassVar[str] = "binarise"
    aliases: ClassVar[tuple[str, ...]] = ("binarize",)

    def _n_columns(self) -> int | None:
        return limited(self.upper, self.lower)

    def _learn(self, columns: Sequence[Values]) -> Self:
        upper, lower = self.upper, self.lower
        if upper is None:
            share = 0.5 if self.percentile is None else self.percentile
            upper = tuple(float(np.quantile(c, share)) for c in columns)
        if lower is None and self.lower_percentile is not None:
            lower = tuple(float(np.quantile(c, self.lower_percentile)) for c in columns)
        return replace(self, upper=upper, lower=lower)

    def _forward(self, columns: Values) -> Values:
        if self.upper is None:
            raise self._unfitted()
        out = (columns >= np.array(self.upper)).astype(np.float64)
        if self.lower is not None:
            between = (columns > np.array(self.lower)) & (out == 0)
            out[between] = np.nan
        out[np.isnan(columns)] = np.nan
        return out

    def _backward(self, columns: Values) -> Values:
        raise SeqdataError("binarised targets cannot be turned back into numbers.")


@dataclass(frozen=True)
class Quantile(TargetTransform):
    """Map targets to their quantile among the training rows.

    Parameters
    ----------
    n_quantiles : int
        Number of points of the map.
    output : str
        ``"uniform"`` for quantiles from 0 to 1, or ``"normal"`` for normal scores.
    points : tuple of tuple of float, or None
        Training values at each point, for each target; None until fitted. Given from the
        beginning they are not fitted.

    Examples
    --------
    >>> q = Quantile(n_quantiles=3).fit([0.0, 10.0, 20.0])
    >>> q.transform([5.0]), q.inverse([0.25])
    (array([0.25]), array([5.]))
    """

    n_quantiles: int = 1000
    output: str = "uniform"
    points: tuple[tuple[float, ...], ...] | None = None
    name: ClassVar[str] = "quantile"

    def __post_init__(self) -> None:
        if self.output not in ("uniform", "normal"):
            raise SeqdataError(
                f"quantile: output is {self.output!r}.{did_you_mean(self.output, _OUTPUTS)}"
            )
        if self.n_quantiles < 2:
            raise SeqdataError(f"quantile: n_quantiles is {self.n_quantiles}: expected 2 or more.")

    def _n_columns(self) -> int | None:
        return None if self.points is None else len(self.points)

    def _learn(self, columns: Sequence[Values]) -> Self:
        if self.points is not None:
            return self
        points = []
        for column in columns:
            n = min(self.n_quantiles, len(column)) if len(column) > 1 else 2
            points.append(tuple(np.quantile(column, np.linspace(0, 1, n)).tolist()))
        return replace(self, points=tuple(points))

    def _forward(self, columns: Values) -> Values:
        if self.points is None:
            raise self._unfitted()
        out = np.empty_like(columns)
        for i, points in enumerate(self.points):
            grid = np.linspace(0, 1, len(points))
            # a value held by many rows gets the middle of its quantiles
            upward = np.interp(columns[:, i], points, grid)
            downward = 1 - np.interp(-columns[:, i], -np.array(points[::-1]), grid)
            out[:, i] = (upward + downward) / 2
        if self.output == "normal":
            from scipy.special import ndtri

            out = np.asarray(ndtri(np.clip(out, 1e-7, 1 - 1e-7)))
        out[np.isnan(columns)] = np.nan
        return out

    def _backward(self, columns: Values) -> Values:
        if self.points is None:
            raise self._unfitted()
        if self.output == "normal":
            from scipy.special import ndtr

            columns = np.asarray(ndtr(columns))
        out = np.empty_like(columns)
        for i, points in enumerate(self.points):
            out[:, i] = np.interp(columns[:, i], np.linspace(0, 1, len(points)), points)
        out[np.isnan(columns)] = np.nan
        return out


_OUTPUTS = ("uniform", "normal")


def from_dict(values: Mapping[str, object] | str) -> TargetTransform:
    """Return a transform from its name and arguments.

    Parameters
    ----------
    values : mapping or str
        For example ``{"name": "clamp", "percentile": 0.99}``, or the name alone.

    Returns
    -------
    TargetTransform
        The transform.

    Raises
    ------
    SeqdataError
        For an unknown name or argument.

    Examples
    --------
    >>> from_dict({"name": "log", "base": 2})
    Log(base=2, pseudocount=1.0)
    """
    plain = {"name": values} if isinstance(values, str) else dict(values)
    name = str(plain.get("name"))
    known = {called: cls for cls in TargetTransform.__subclasses__() for called in cls.names()}
    if name not in known:
        raise SeqdataError(f"no target transform {name!r}.{did_you_mean(name, known)}")
    return known[name].from_dict({**plain, "name": known[name].name})


def apply(
    ds: xr.Dataset,
    names: str | Sequence[str],
    transforms: Sequence[TargetTransform | Mapping[str, object] | str],
    *,
    mask: ArrayLike | None = None,
    fit: bool = True,
) -> xr.Dataset:
    """Return the dataset with target variables transformed, one transform after the other.

    Each transform is fitted on the masked rows of what the one before left, and written to the
    attribute ``transforms`` of the variable, from which `invert` reads it.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    names : str or sequence of str
        Target variables.
    transforms : sequence of TargetTransform, mapping or str
        What to apply.
    mask : array_like of bool, shape (n,), or None
        Training rows; default those of the dataset's split, or all where it has none.
    fit : bool, default True
        Whether transforms learn from these rows. False applies those that were fitted before, as
        `stored` returns them, without another look at the rows.

    Returns
    -------
    xarray.Dataset
        A shallow copy with new target variables (float64).

    Raises
    ------
    SeqdataError
        For an unknown variable or transform, or a target that is infinite after them.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", [1.0, 3.0, 8.0])})
    >>> apply(ds, "y", ["zscore"], mask=[True, True, False])["y"].values
    array([-1.,  1.,  6.])
    """
    chosen = [names] if isinstance(names, str) else list(names)
    if mask is None and ("split" in ds.variables or "train_val" in ds.variables):
        from seqdata.splits import mask as split_mask

        mask = split_mask(ds, "train")
    made = {}
    for name in chosen:
        if name not in ds.variables:
            rows = [str(v) for v in ds.data_vars if ds[v].dims[:1] == (schema.sequence_dim(ds),)]
            raise SeqdataError(f"no target {name!r} in the dataset.{did_you_mean(name, rows)}")
        variable = ds[name]
        if variable.dtype.kind not in "biuf":
            raise SeqdataError(
                f"target {name!r} holds {variable.dtype}, such as {variable.values.flat[:3]!r}: "
                "expected numbers. Name another variable, or turn its values into numbers."
            )
        values = variable.to_numpy().astype(np.float64)
        done = stored(variable)
        for step in transforms:
            unfitted = step if isinstance(step, TargetTransform) else from_dict(step)
            fitted = unfitted.fit(values, mask) if fit else unfitted
            values = fitted.transform(values)
            done.append(fitted)
        endless = np.flatnonzero(np.isinf(values.reshape(len(values), -1)).any(axis=1))
        if len(endless):
            raise SeqdataError(
                f"target {name!r} is infinite in {len(endless)} rows, the first {endless[0]}: make "
                "it missing (NaN), or begin with a clamp that has both limits."
            )
        text = json.dumps([t.to_dict() for t in done])
        made[name] = (variable.dims, values, {**variable.attrs, ATTRIBUTE: text})
    return ds.assign(made)


def stored(variable: xr.DataArray) -> list[TargetTransform]:
    """Return the transforms that were applied to a variable, in order.

    Parameters
    ----------
    variable : xarray.DataArray
        Target variable.

    Returns
    -------
    list of TargetTransform
        Fitted transforms; empty where there were none.

    Examples
    --------
    >>> ds = apply(xr.Dataset({"y": ("_sequence", [1.0, 3.0])}), "y", ["log"])
    >>> stored(ds["y"])
    [Log(base=None, pseudocount=1.0)]
    """
    return [from_dict(t) for t in json.loads(variable.attrs.get(ATTRIBUTE, "[]"))]


def invert(values: ArrayLike, transforms: Sequence[TargetTransform]) -> Values:
    """Undo transforms, the last first.

    Parameters
    ----------
    values : array_like of float, shape (n,) or (n, n_targets)
        Transformed targets, or predictions of them.
    transforms : sequence of TargetTransform
        Fitted transforms in the order they were applied.

    Returns
    -------
    ndarray of float64, of the same shape
        Values in the units of the target.

    Examples
    --------
    >>> invert([0.0], [Log(), ZScore(mean=(1.0,), std=(2.0,))]).round(4)
    array([1.7183])
    """
    array = np.asarray(values, dtype=np.float64)
    for step in reversed(transforms):
        array = step.inverse(array)
    return array
