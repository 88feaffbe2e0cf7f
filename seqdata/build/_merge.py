"""Join a table to the rows of a dataset."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from seqdata.errors import MissingColumnError, SchemaError, SeqdataError, did_you_mean
from seqdata.readers._columns import EXACT, column_values
from seqdata.schema import check_new_names, decode
from seqpro.family import old_call


@old_call("seqdata.merge_obs", same={"ds": "sdata"}, error=SeqdataError)
def merge_obs(
    sdata: xr.Dataset,
    obs: pd.DataFrame | xr.Dataset | object,
    on: str | None = None,
    left_on: str | None = None,
    right_on: str | None = None,
    how: Literal["left", "inner"] = "inner",
) -> xr.Dataset:
    """Add the columns of a table as variables, matched to the rows by a key.

    Parameters
    ----------
    sdata : Dataset
        Dataset with one value a row in the key variable.
    obs : DataFrame or Dataset
        Table with one row a key; of pandas, or of any library whose tables have ``to_pandas``
        (polars). Of a dataset the variables that run along its key are taken.
    on : str, optional
        Name of the key in both.
    left_on, right_on : str, optional
        Name of the key in the dataset and in the table, where they differ.
    how : {"inner", "left"}, default "inner"
        Keep matched rows only, or all rows (numbers NaN and text empty where the table has none).

    Returns
    -------
    Dataset
        A new dataset; the rows keep their order.

    Raises
    ------
    SchemaError
        If a key repeats in the table, none is in the dataset, a name is taken, or options do not
        fit.
    MissingColumnError
        If a key is not there.

    Examples
    --------
    >>> ds = xr.Dataset({"id": ("_sequence", np.array(["a", "b"], dtype=object))})
    >>> merge_obs(ds, pd.DataFrame({"id": ["b", "a"], "y": [2, 1]}), on="id")["y"].values
    array([1, 2])
    """
    if how not in ("left", "inner"):
        raise SchemaError(f"how must be 'left' or 'inner', got {how!r}.")
    left, right = (on, on) if on is not None else (left_on, right_on)
    if left is None or right is None:
        raise SchemaError("Name the key: on=..., or left_on=... and right_on=...")
    known = [str(name) for name in sdata.variables if sdata[name].ndim == 1]
    if left not in known:
        msg = f"The dataset has no variable {left!r} of one value a row.{did_you_mean(left, known)}"
        raise MissingColumnError(msg)
    obs = _as_table(obs, right)
    columns = [str(name) for name in obs.columns]
    if right not in columns:
        msg = f"The table has no column {right!r}.{did_you_mean(right, columns)}"
        raise MissingColumnError(msg)
    added = [name for name in columns if name != right]
    check_new_names(added, map(str, sdata.variables), "columns of the table")
    table = obs.set_axis(columns, axis=1)
    rows, keys = _comparable(sdata[left], table[right])
    if keys.duplicated().any():
        raise SchemaError(
            f"Key {keys[keys.duplicated()].iloc[0]!r} appears more than once in column {right!r} "
            "of the table: a row of the dataset could not tell which one to take."
        )
    place = pd.Index(keys).get_indexer(pd.Index(rows))
    if len(rows) and (place < 0).all():
        raise SchemaError(
            f"No key of column {right!r} (such as {keys.iloc[0]!r}) is among those of variable "
            f"{left!r} (such as {rows[0]!r}). Do both mean the same thing, spelt the same way?"
            if len(keys)
            else f"The table has no row, so column {right!r} holds no key."
        )
    dim = sdata[left].dims[0]
    if how == "inner":
        sdata = sdata.isel({dim: np.flatnonzero(place >= 0)})
        place = place[place >= 0]
    return sdata.assign({name: (dim, _taken(table[name], place)) for name in added})


def _as_table(obs: object, key: str) -> pd.DataFrame:
    """Return what is merged as a pandas table."""
    if isinstance(obs, xr.Dataset):
        if key not in obs.variables or obs[key].ndim != 1:
            msg = f"The dataset to merge has no variable {key!r} of one value a row."
            raise MissingColumnError(msg)
        dims = obs[key].dims
        names = [str(name) for name in obs.variables if obs[name].dims == dims]
        coded = {name for name in names if "flag_meanings" in obs[name].attrs}
        return pd.DataFrame(
            {n: decode(obs[n]) if n in coded else np.asarray(obs[n].values) for n in names}
        )
    if not isinstance(obs, pd.DataFrame) and hasattr(obs, "to_pandas"):
        obs = obs.to_pandas()
    if not isinstance(obs, pd.DataFrame):
        raise SchemaError(f"merge_obs takes a table or a dataset, got {type(obs).__name__}.")
    if obs.index.name == key and key not in obs.columns:
        obs = obs.reset_index()
    return obs


def _comparable(variable: xr.DataArray, column: pd.Series) -> tuple[list[object], pd.Series]:
    """Return the keys of both sides as numbers where both are, else as text."""
    if "flag_meanings" in variable.attrs:
        return [str(value) for value in decode(variable)], column.astype(str)
    values = np.asarray(variable.values)
    if values.dtype.kind in "iuf" and pd.api.types.is_any_real_numeric_dtype(column.dtype):
        return values.tolist(), column
    return [str(value) for value in values.tolist()], column.astype(str)


def _taken(series: pd.Series, place: np.ndarray) -> object:
    """Return the values at places; -1 takes a missing value."""
    values = column_values(series)
    if (place >= 0).all():
        return values[place]
    if values.dtype.kind == "O":
        return np.where(place >= 0, values[place], "")
    if values.dtype.kind in "iu" and np.abs(values).max(initial=0) > EXACT:
        # float64 would round them, and NaN needs a float
        return np.where(place >= 0, values.astype(str).astype(object)[place], "")
    return np.where(place >= 0, values[place].astype(np.float64), np.nan)
