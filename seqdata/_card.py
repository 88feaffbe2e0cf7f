"""What a dataset holds, in a few lines; nothing is computed that is not in memory."""

from __future__ import annotations

import numpy as np
import xarray as xr

from seqdata.errors import SchemaError
from seqdata.schema import SPLITS, is_one_hot, is_sequence, letters_of

_MOST, _UNITS = 8, ("B", "kB", "MB", "GB", "TB")


def described(ds: xr.Dataset, rows: str) -> list[tuple[str, str]]:
    """Return what a dataset holds: rows, sequences, values, tracks, split, bytes.

    Parameters
    ----------
    ds : Dataset
        Any dataset.
    rows : str
        Its dimension of rows.

    Returns
    -------
    list of (str, str)
        What, and its value.
    """
    n = ds.sizes.get(rows)
    found = [("rows", "none" if n is None else f"{n:,}")]
    letters = [str(v) for v in ds.variables if is_sequence(ds[v]) or is_one_hot(ds[v])]
    found += [(f"sequence {name}", _letters(ds[name])) for name in letters]
    values, tracks = [], []
    for name in map(str, ds.data_vars):
        variable = ds[name]
        if name in letters or variable.dims[:1] != (rows,):
            continue
        if variable.ndim == 1 and variable.dtype.kind in "biuf":
            values.append((name, _range(variable)))
        elif variable.ndim > 1:
            sizes = " x ".join(f"{variable.sizes[d]:,} {str(d).lstrip('_')}"
                               for d in variable.dims[1:])  # fmt: skip
            tracks.append((name, f"{sizes}, {variable.dtype}"))
    found += [("values", f"{name}: {text}") for name, text in values[:_MOST]]
    if len(values) > _MOST:
        found.append(("values", f"{len(values) - _MOST} more"))
    found += [("along the sequence", f"{name}: {text}") for name, text in tracks[:_MOST]]
    found.append(("split", _split(ds)))
    here = sum(v.nbytes for v in ds.variables.values() if _in_memory(v))
    found.append(("size", f"{_bytes(ds.nbytes)}, of which {_bytes(here)} in memory"))
    if ds.encoding.get("source"):
        found.append(("store", str(ds.encoding["source"])))
    return found


def _in_memory(variable: xr.DataArray | xr.Variable) -> bool:
    """Tell whether the values are there, without asking for them."""
    held = variable.variable if isinstance(variable, xr.DataArray) else variable
    return isinstance(held._data, np.ndarray)


def _letters(variable: xr.DataArray) -> str:
    along = [d for d in variable.dims[1:] if d != "_ohe"]
    length = f"{variable.sizes[along[0]]:,} bp" if along else "of any length, one behind the other"
    alphabet = variable.attrs.get("alphabet")
    if alphabet is None and _in_memory(variable):
        try:
            alphabet = letters_of(variable)
        except SchemaError:
            alphabet = None
    kind = "one-hot" if is_one_hot(variable) else "letters"
    return f"{length}, {kind} of {alphabet or 'an alphabet that it does not say'}"


def _range(variable: xr.DataArray) -> str:
    if not _in_memory(variable):
        return f"{variable.dtype}, not read"
    values = variable.to_numpy()
    if not len(values):
        return str(variable.dtype)
    numbers = values.astype(np.float64)
    missing = int(np.isnan(numbers).sum())
    if missing == len(numbers):
        return "all missing"
    text = f"{np.nanmin(numbers):g} to {np.nanmax(numbers):g}"
    return text + (f", {missing:,} missing" if missing else "")


def _split(ds: xr.Dataset) -> str:
    if "split" not in ds.variables:
        return "none" if "train_val" not in ds.variables else "train_val"
    if not _in_memory(ds["split"]):
        return "there, not read"
    codes = ds["split"].to_numpy()
    counts = {name: int((codes == code).sum()) for name, code in SPLITS.items()}
    return ", ".join(f"{name} {n:,}" for name, n in counts.items() if n) or "no row in any"


def _bytes(size: float) -> str:
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
