"""Attributions as a table: one row a letter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_ROWS = 256


def attribution_table(ds: xr.Dataset, *, rows: int = _ROWS) -> Iterator[pd.DataFrame]:
    """Yield attributions as tables, one row a letter.

    Parameters
    ----------
    ds : xarray.Dataset
        With projected attributions ``(_sequence, _ohe, _length)`` and the letters ``seq``.
    rows : int, optional
        Sequences in a table.

    Yields
    ------
    pandas.DataFrame
        ``sequence`` (its name, or its number), ``position`` (bp from the first letter shown, from
        0), ``letter`` and the attribution of that letter by each method. Of windows of a genome
        also ``chrom`` and ``genome_position`` (0-based) of each letter, on the strand that is
        shown. Padding has no rows.

    Raises
    ------
    EugeneError
        If there are no attributions or no letters.

    Examples
    --------
    >>> import xarray as xr
    >>> letters = np.array([["A", "C"]], "S1")
    >>> values = np.zeros((1, 4, 2), np.float32)
    >>> values[0, 1, 1] = 0.5
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> ds["saliency"] = (("_sequence", "_ohe", "_length"), values)
    >>> next(attribution_table(ds))["saliency"].tolist()
    [0.0, 0.5]
    """
    import pandas as pd

    from seqdata.schema import decode

    names = [
        str(name)
        for name in ds.data_vars
        if ds[name].dims == ("_sequence", "_ohe", "_length")
        and ds[name].attrs.get("form", "projected") == "projected"
    ]
    if not names or "seq" not in ds.variables:
        raise EugeneError(
            f"the dataset has no {'attributions' if not names else 'letters'}: it holds "
            f"{', '.join(map(str, ds.data_vars))}"
        )
    placed = {"chrom", "start", "strand"} <= set(ds.variables)
    for low in range(0, ds.sizes["_sequence"], rows):
        part = ds.isel(_sequence=slice(low, low + rows)).load()
        letters = part["seq"].to_numpy()
        n, length = letters.shape
        called = part["name"].to_numpy() if "name" in part else np.arange(low, low + n)
        place = np.tile(np.arange(length), n)
        columns = {
            "sequence": np.repeat(called, length),
            "position": place,
            "letter": letters.reshape(-1).astype(str),
        }
        if placed:
            start = np.repeat(part["start"].to_numpy(), length)
            turned = np.repeat(np.asarray(decode(part["strand"])).astype(str) == "-", length)
            columns["chrom"] = np.repeat(np.asarray(decode(part["chrom"])).astype(str), length)
            columns["genome_position"] = start + np.where(turned, length - 1 - place, place)
        for name in names:
            columns[name] = part[name].to_numpy().sum(axis=1).reshape(-1)
        yield pd.DataFrame(columns)[letters.reshape(-1) != b""]
