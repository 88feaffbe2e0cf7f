"""Checks that the steps share."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from eugene.errors import EugeneError, did_you_mean


class PreprocessError(EugeneError, ValueError):
    """A dataset lacks what a step needs."""


def require(sdata: xr.Dataset, names: str | Sequence[str], role: str) -> list[str]:
    """Return names of variables as a list, after a check that they are there.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    names : str or sequence of str
        Names.
    role : str
        The argument they were given as.

    Returns
    -------
    list of str
        The names.

    Raises
    ------
    PreprocessError
        Where one is missing.
    """
    listed = [names] if isinstance(names, str) else list(names)
    known = [str(v) for v in sdata.variables]
    missing = [n for n in listed if n not in sdata.variables]
    if missing:
        raise PreprocessError(
            f"{role}: the dataset has no variable {missing[0]!r}{did_you_mean(missing[0], known)}"
        )
    return listed


def rows_of(sdata: xr.Dataset) -> int:
    """Return the number of sequences."""
    if "_sequence" not in sdata.sizes:
        raise PreprocessError(
            f"the dataset has no dimension '_sequence', only {list(sdata.sizes)}."
        )
    return int(sdata.sizes["_sequence"])
