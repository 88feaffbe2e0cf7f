"""Where the bins of a binned variable lie."""

from __future__ import annotations

from typing import Any

import xarray as xr


def bins_of(ds: xr.Dataset, name: str, target_length: int | None) -> dict[str, Any] | None:
    """Return what is known of the bins of a variable; None where it is not in bins.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    name : str
        The variable.
    target_length : int or None
        Bins of a batch; None for all but those that are there for jitter.

    Returns
    -------
    dict or None
        ``bin_size`` and ``crop`` (bp), ``target_bins``, the bins of a batch, and ``weights``, one
        a track, where the dataset has them.

    Examples
    --------
    >>> values = (("_sequence", "cov_sample", "_length_cov"), [[[1.0, 2.0]]], {"bin_size": 32})
    >>> bins_of(xr.Dataset({"cov": values}), "cov", None)
    {'bin_size': 32, 'crop': 0, 'target_bins': 2, 'weights': None}
    """
    variable = ds[name]
    if "bin_size" not in variable.attrs or variable.ndim != 3:
        return None
    weights = f"{name}_weight"
    stored, flank = int(variable.shape[2]), int(variable.attrs.get("flank", 0))
    return {
        "bin_size": int(variable.attrs["bin_size"]),
        "crop": int(variable.attrs.get("crop", 0)),
        "target_bins": target_length or stored - 2 * flank,
        "weights": ds[weights].to_numpy().tolist() if weights in ds.coords else None,
    }
