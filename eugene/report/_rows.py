"""Rows of a run as a person knows them: their names, letters, and targets in their own units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from eugene._folder import RunFolder

_NAMES = ("id", "name", "identifier", "seq_id", "gene")
_MOST_ROWS = 200_000
"""Rows of a column that is read to see whether its texts tell all rows apart."""
_LONG = 300


@contextmanager
def data_of(run: RunFolder) -> Iterator[xr.Dataset | None]:
    """Open the rows that a run was trained on; None where they are no longer there."""
    import seqdata as sd
    from seqdata.errors import SeqdataError

    source = run.read("data.json").get("source")
    places = [run.store.data_store, *([Path(str(source))] if source else [])]
    place = next((path for path in places if path.is_dir()), None)
    if place is None:
        yield None
        return
    try:
        opened = sd.open_zarr(place)
    except SeqdataError:  # another program's store
        yield None
        return
    with opened as ds:
        yield ds


def row_names(ds: xr.Dataset | None, rows: Sequence[int] | NDArray[np.integer]) -> list[str]:
    """Return what rows are called: place in the genome, name or id, or at last their number.

    Parameters
    ----------
    ds : xarray.Dataset or None
        The data of a run.
    rows : sequence of int, or ndarray of int, shape (n,)
        Numbers of rows.

    Returns
    -------
    list of str
        Such as ``"chr2:100-300(-) peak_7"``, ``"AT1G01010"`` or ``"row 12"``.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"chrom": ("_sequence", ["chr1"]), "start": ("_sequence", [5]),
    ...                  "end": ("_sequence", [9]), "name": ("_sequence", ["peak_1"])})
    >>> row_names(ds, [0]), row_names(None, [3])
    (['chr1:5-9 peak_1'], ['row 3'])
    """
    chosen = [int(row) for row in rows]
    numbers = [f"row {row}" for row in chosen]
    if ds is None or not chosen or max(chosen) >= ds.sizes["_sequence"]:
        return numbers
    parts = [part for part in (_places(ds, chosen), _texts(ds, chosen)) if part]
    if not parts:
        return numbers
    return [" ".join(found) for found in zip(*parts, strict=True)]


def _places(ds: xr.Dataset, rows: list[int]) -> list[str]:
    if not {"chrom", "start", "end"} <= set(ds.variables):
        return []
    from seqdata.schema import decode

    part = ds.isel(_sequence=rows)
    strands = decode(part["strand"]) if "strand" in part.variables else [""] * len(rows)
    return [
        f"{chrom}:{int(start)}-{int(end)}"
        + (f"({strand})" if str(strand) in "+-" and strand else "")
        for chrom, start, end, strand in zip(
            decode(part["chrom"]), part["start"].values, part["end"].values, strands, strict=True
        )
    ]


def _texts(ds: xr.Dataset, rows: list[int]) -> list[str]:
    """Return the names of rows; without a column of names, one whose texts tell all rows apart."""
    placed = "chrom" in ds.variables
    named = [n for n in _NAMES if n in ds.variables and ds[n].dims == ("_sequence",)]
    if named:
        found = [str(v) for v in ds[named[0]].isel(_sequence=rows).values]
        if any(text not in ("", ".", "nan", "None") for text in found):
            return found
    if placed or ds.sizes["_sequence"] > _MOST_ROWS:
        return []
    for name in ds.data_vars:
        variable = ds[name]
        if variable.dims == ("_sequence",) and variable.dtype.kind in "OUS":
            values = [str(v) for v in variable.values]
            if len(set(values)) == len(values):
                return [values[row] for row in rows]
    return []


def row_letters(ds: xr.Dataset | None, rows: Sequence[int], seq_var: str = "seq") -> list[str]:
    """Return the letters of rows, of long ones their beginning; empty where there are none."""
    if ds is None or seq_var not in ds.variables or not len(rows):
        return []
    import numpy as np

    letters = np.ascontiguousarray(ds[seq_var].isel(_sequence=[int(r) for r in rows]).values)
    found = []
    for row in letters:
        text = row.tobytes().decode("ascii", "replace").replace("\0", "")
        cut = len(text) > _LONG
        found.append(f"{text[:_LONG]}… ({len(text):,} bp)" if cut else text)
    return found


def in_own_units(run: RunFolder, ds: xr.Dataset) -> xr.Dataset:
    """Return predictions and targets in the units of the file, where targets were transformed.

    Parameters
    ----------
    run : RunFolder
        Knows the fitted transforms.
    ds : xarray.Dataset
        ``predictions.zarr``.

    Returns
    -------
    xarray.Dataset
        The same where nothing was transformed, or labels were made.
    """
    import numpy as np

    steps = run.read("data.json").get("transforms") or {}
    names = [str(name) for name in np.atleast_1d(ds.attrs.get("targets", []))]
    if not any(steps.get(name) for name in names) or "class" in str(ds.attrs.get("task")):
        return ds
    import seqdata as sd

    found = ds.copy()
    for variable in ("prediction", "target"):
        values = np.array(ds[variable].values, dtype=np.float64)
        for i, name in enumerate(names[: values.shape[1]]):
            fitted = [sd.targets.from_dict(step) for step in steps.get(name, [])]
            values[:, i] = sd.targets.invert(values[:, i], fitted)
        found[variable] = (ds[variable].dims, values)
    return found.drop_vars("score", errors="ignore").assign_attrs(own_units=1)
