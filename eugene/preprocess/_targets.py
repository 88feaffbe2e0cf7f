"""Clamp, scale and binarise the targets of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eugene.preprocess._common import PreprocessError, require
from seqdata.targets import Binarise, Clamp, TargetTransform, ZScore


def _training_rows(sdata: xr.Dataset, train_var: str | None) -> NDArray[np.bool_] | None:
    if train_var is None:
        return None
    require(sdata, train_var, "train_var")
    return sdata[train_var].to_numpy().astype(bool)


def _values(sdata: xr.Dataset, names: Sequence[str]) -> NDArray[np.float64]:
    for name in names:
        if sdata[name].dims != ("_sequence",):
            raise PreprocessError(
                f"target_vars: {name!r} has dimensions {sdata[name].dims}: expected one value a "
                "row."
            )
    return np.stack([sdata[name].to_numpy().astype(np.float64) for name in names], axis=1)


def _write(
    sdata: xr.Dataset, names: Sequence[str], values: NDArray[np.float64], suffix: str
) -> None:
    for i, name in enumerate(names):
        sdata[f"{name}{suffix}"] = ("_sequence", values[:, i], sdata[name].attrs)


def clamp_targets_sdata(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    percentile: float = 0.995,
    train_var: str | None = None,
    clamp_nums: Sequence[float] | None = None,
    store_clamp_nums: bool = False,
    suffix: bool = False,
    copy: bool = False,
) -> xr.Dataset | None:
    """Limit targets from above to a quantile.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    target_vars : str or sequence of str
        Targets, one value a row.
    percentile : float
        Share of rows (0 to 1) below the limit.
    train_var : str or None
        Boolean variable: the quantile is that of the rows where it is True.
    clamp_nums : sequence of float or None
        Limits in the order of ``target_vars``, instead of a quantile.
    store_clamp_nums : bool
        Whether to write the limits to the variable ``clamp_nums`` (_targets,).
    suffix : bool
        Whether to write ``{target}_clamped`` and leave the targets as they are.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Raises
    ------
    PreprocessError
        For an unknown variable, or limits that do not fit the targets.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", [1.0, 2.0, 100.0])})
    >>> clamp_targets_sdata(ds, "y", percentile=0.5)
    >>> ds["y"].values.tolist()
    [1.0, 2.0, 2.0]
    """
    sdata = sdata.copy() if copy else sdata
    names = require(sdata, target_vars, "target_vars")
    values = _values(sdata, names)
    if clamp_nums is None:
        clamp = Clamp(percentile=percentile).fit(values, _training_rows(sdata, train_var))
    else:
        if len(clamp_nums) != len(names):
            raise PreprocessError(
                f"clamp_nums: {len(clamp_nums)} limits for {len(names)} targets: one each."
            )
        clamp = Clamp(percentile=None, upper=tuple(float(c) for c in clamp_nums))
    _write(sdata, names, clamp.transform(values), "_clamped" if suffix else "")
    if store_clamp_nums:
        sdata["clamp_nums"] = ("_targets", np.array(clamp.upper))
    return sdata if copy else None


def scale_targets_sdata(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    train_var: str | None = None,
    scaler: Any = None,
    return_scaler: bool = False,
    suffix: bool = False,
    copy: bool = False,
) -> Any:
    """Scale targets to mean 0 and standard deviation 1.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    target_vars : str or sequence of str
        Targets, one value a row.
    train_var : str or None
        Boolean variable: mean and standard deviation are those of the rows where it is True.
    scaler : seqdata.targets.TargetTransform, object with ``transform``, or None
        A fitted transform to use instead of a new one, scikit-learn's scalers included.
    return_scaler : bool
        Whether to return the scaler, whose ``inverse`` undoes it.
    suffix : bool
        Whether to write ``{target}_scaled`` and leave the targets as they are.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    Dataset, scaler, (scaler, Dataset) or None
        What was asked for.

    Raises
    ------
    PreprocessError
        For an unknown variable.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", [1.0, 3.0])})
    >>> scale_targets_sdata(ds, "y", return_scaler=True)
    ZScore(mean=(2.0,), std=(1.0,))
    >>> ds["y"].values.tolist()
    [-1.0, 1.0]
    """
    sdata = sdata.copy() if copy else sdata
    names = require(sdata, target_vars, "target_vars")
    values = _values(sdata, names)
    if scaler is None:
        scaler = ZScore().fit(values, _training_rows(sdata, train_var))
    elif isinstance(scaler, TargetTransform) and scaler == type(scaler)():
        scaler = scaler.fit(values, _training_rows(sdata, train_var))
    _write(sdata, names, np.asarray(scaler.transform(values)), "_scaled" if suffix else "")
    if return_scaler:
        return (scaler, sdata) if copy else scaler
    return sdata if copy else None


def binarize_targets_sdata(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    upper: float,
    lower: float | None = None,
    *,
    suffix: bool = False,
    copy: bool = False,
) -> xr.Dataset | None:
    """Turn targets into 1 from ``upper`` up and 0 below, or missing between two thresholds.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    target_vars : str or sequence of str
        Targets, one value a row.
    upper : float
        Targets from here up are 1.
    lower : float or None
        Targets from here down are 0 and those between are missing (NaN); default none are.
    suffix : bool
        Whether to write ``{target}_binarized`` and leave the targets as they are.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Raises
    ------
    PreprocessError
        For an unknown variable, or thresholds in the wrong order.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", [0.1, 0.5, 0.9])})
    >>> binarize_targets_sdata(ds, "y", upper=0.8, lower=0.2)
    >>> ds["y"].values.tolist()
    [0.0, nan, 1.0]
    """
    sdata = sdata.copy() if copy else sdata
    names = require(sdata, target_vars, "target_vars")
    if lower is not None and lower > upper:
        raise PreprocessError(f"lower is {lower}, above upper, {upper}: exchange them.")
    step = Binarise(upper=upper, lower=lower)
    _write(sdata, names, step.transform(_values(sdata, names)), "_binarized" if suffix else "")
    return sdata if copy else None
