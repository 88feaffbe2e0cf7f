"""Which variables of a dataset are still the arrays of a store, and a faster way to read those."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from seqdata.store._opened import Opened
from seqdata.store._shard_reader import ShardReader, shard_reader

_KEY = "seqdata_stored"


class Stored(NamedTuple):
    """Folder of a local store, the name of an array in it, and the store as it was opened."""

    store: Path
    name: str
    opened: Opened


def mark_stored(ds: xr.Dataset, opened: Opened) -> None:
    """Note in a freshly opened dataset which array of the store each lazy variable is.

    The note names the lazy array itself, so it stops being true when anything is computed from it.

    Parameters
    ----------
    ds : xarray.Dataset
        As it was opened; its encodings are written to.
    opened : Opened
        The local store.
    """
    for name, variable in ds.variables.items():
        if variable.chunks is not None:
            variable.encoding[_KEY] = (opened, str(name), str(variable.data.name))


def stored_array(variable: xr.DataArray) -> Stored | None:
    """Return which array of a local store a variable is, or None where it is none any more.

    Parameters
    ----------
    variable : xarray.DataArray

    Returns
    -------
    Stored or None
    """
    note = variable.encoding.get(_KEY)
    if note is None or variable.chunks is None or variable.data.name != note[2]:
        return None
    return Stored(note[0].folder, note[1], note[0])


def shard_readers(ds: xr.Dataset, names: Iterable[str]) -> dict[str, ShardReader]:
    """Return readers of those variables that are arrays which this package wrote to a local store.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    names : iterable of str
        Variables.

    Returns
    -------
    dict of str to ShardReader
    """
    places = {name: stored_array(ds[name]) for name in names}
    readers = {name: shard_reader(*place) for name, place in places.items() if place is not None}
    return {name: reader for name, reader in readers.items() if reader is not None}
