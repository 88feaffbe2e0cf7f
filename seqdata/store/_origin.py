"""Which variables of a dataset are still the arrays of a store, and faster ways to read those."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata.errors import SeqdataError, did_you_mean
from seqdata.store._opened import Opened
from seqdata.store._shard_reader import shard_reader

_KEY = "seqdata_stored"

ReadSlices = Callable[[tuple[slice, ...]], NDArray[Any]]
ENGINES = ("auto", "zarr", "tensorstore")


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


def choose_engine(engine: str, *, workers: bool) -> str:
    """Return which library reads shards.

    Parameters
    ----------
    engine : {"auto", "zarr", "tensorstore"}
        ``"auto"`` becomes zarr where tensorstore is not installed, and in worker processes, which
        cannot be forked off beside tensorstore's threads.
    workers : bool
        Whether worker processes read.

    Returns
    -------
    str
        ``"auto"``, ``"zarr"`` or ``"tensorstore"``.

    Raises
    ------
    SeqdataError
        For another name, or where tensorstore is asked for and not installed.
    """
    if engine not in ENGINES:
        raise SeqdataError(
            f"engine is {engine!r}: expected one of {list(ENGINES)}.{did_you_mean(engine, ENGINES)}"
        )
    if engine == "auto" and workers:
        return "zarr"
    if engine == "zarr":
        return engine
    try:
        import tensorstore  # noqa: F401
    except ImportError:
        if engine == "auto":
            return "zarr"
        raise SeqdataError(
            "engine='tensorstore' needs the package tensorstore: pip install "
            "'eugene-genomics[fast]', or use engine='zarr'."
        ) from None
    return engine


class TensorstoreArray:
    """An array of a local Zarr store, read by tensorstore.

    It is opened when it is first read, anew in every process.

    Parameters
    ----------
    stored : Stored
        Store and name.
    """

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self._array: Any = None
        self._process = -1

    def __getstate__(self) -> dict[str, Any]:
        return {"stored": self.stored, "_array": None, "_process": -1}

    def __call__(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return the values between the bounds of each dimension."""
        if self._process != os.getpid():
            import tensorstore as ts

            folder = f"{(self.stored.store / self.stored.name).absolute()}/"
            spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": folder}}
            self._array = ts.open(spec, open=True, read=True).result()
            self._process = os.getpid()
        rows = self._array.chunk_layout.write_chunk.shape
        low, high, _ = slices[0].indices(self._array.shape[0])
        for number in range(low // rows[0], -(-high // rows[0])):
            key = "/".join([self.stored.name, "c", str(number), *["0"] * (len(rows) - 1)])
            self.stored.opened.check_shard(key)
        values = np.asarray(self._array[slices].read().result())
        self.stored.opened.check()
        return values


def fast_readers(ds: xr.Dataset, names: Sequence[str], engine: str) -> dict[str, ReadSlices]:
    """Return readers of those variables that are arrays of a local store.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    names : sequence of str
        Variables.
    engine : {"auto", "zarr", "tensorstore"}
        ``"zarr"`` unpacks what this package wrote and leaves the rest to zarr, ``"auto"`` leaves
        it to tensorstore, which with ``"tensorstore"`` reads all.

    Returns
    -------
    dict of str to callable
    """
    readers: dict[str, ReadSlices] = {}
    for name in names:
        place = stored_array(ds[name])
        if place is None:
            continue
        reader = None if engine == "tensorstore" else shard_reader(*place)
        if reader is not None:
            readers[name] = reader
        elif engine != "zarr":
            readers[name] = TensorstoreArray(place)
    return readers
