"""Variables whose values are windows of files, cut when they are asked for."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from seqdata.readers._base import RegionReader, Windows
from seqdata.readers.bigwig import BigWig
from seqdata.windows._plan import RegionPlan
from seqdata.windows._read import read_shard
from seqdata.windows._signal_cache import CachedBigWig

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import DTypeLike, NDArray

MASK = "mask"

_ROWS_AT_ONCE = 1024


class RowFiles(Protocol):
    """Where rows of one width come from, by number."""

    @property
    def width(self) -> int:
        """Width of the rows in bp."""
        ...

    def read(
        self,
        names: Sequence[str],
        rows: NDArray[np.int64],
        *,
        first: int,
        width: int,
        scattered: bool,
    ) -> dict[str, NDArray[np.generic]]:
        """Return rows, as `RegionFiles.read` does."""
        ...


class RegionFiles:
    """Files from which windows of one width are cut, by row number.

    Parameters
    ----------
    plan : RegionPlan
        The windows, one a row, all of one width.
    readers : sequence of RegionReader
        Sources of the values.
    cache_dir : Path or None
        Where decoded signal is kept; default the cache directory.
    """

    def __init__(
        self, plan: RegionPlan, readers: Sequence[RegionReader], *, cache_dir: Path | None = None
    ) -> None:
        self.plan = plan
        self.readers = {reader.name: reader for reader in readers}
        self._cache_dir = cache_dir
        self._random: dict[str, RegionReader] = {}
        self._process = os.getpid()
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_random": {}, "_lock": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._process = os.getpid()

    @property
    def width(self) -> int:
        """Width of the windows in bp."""
        return self.plan.width

    def read(
        self,
        names: Sequence[str],
        rows: NDArray[np.int64],
        *,
        first: int,
        width: int,
        scattered: bool,
    ) -> dict[str, NDArray[np.generic]]:
        """Read windows cut around the middle of the planned ones.

        Parameters
        ----------
        names : sequence of str
            Variables.
        rows : ndarray of int64, shape (n,)
            Row numbers.
        first : int
            First position (bp) within the planned window, in reading direction; it may be
            negative.
        width : int
            Positions (bp) to read.
        scattered : bool
            Whether few rows are read from anywhere, so that decoded signal is worth keeping.

        Returns
        -------
        dict of ndarray
            Sequences uint8 (n, width), tracks (n, samples, width), the mask uint8 (n, width).
            Rows on the "-" strand are turned round.
        """
        whole = self.plan.windows
        strand = self.plan.strand[rows]
        start = np.where(strand < 0, whole.end[rows] - first - width, whole.start[rows] + first)
        windows = Windows(
            whole.names, whole.contig[rows], start, start + width, whole.strand[rows], whole.known
        )
        n = len(rows)
        part = replace(
            self.plan,
            windows=windows,
            row_of=np.arange(n + 1, dtype=np.int64),
            strand=strand,
            lengths=np.full(n, width, np.int64),
            width=width,
            layout="fixed",
        )
        if not n:
            return self._nothing(names, width)
        chosen = [r for r in self._open(scattered) if r.name in names]
        bounds = list(self.readers.values()) if MASK in names else []
        with self._lock:
            return read_shard(part, chosen, 0, n, bounds=bounds)

    def _nothing(self, names: Sequence[str], width: int) -> dict[str, NDArray[np.generic]]:
        out: dict[str, NDArray[np.generic]] = {MASK: np.empty((0, width), np.uint8)}
        for name in names:
            if name != MASK:
                track = self.readers[name].track()
                out[name] = np.empty((0, *track.middle.values(), width), track.dtype)
        return out

    def _open(self, scattered: bool) -> list[RegionReader]:
        """Return the readers; a process that was forked off opens its own files."""
        with self._lock:
            if self._process != os.getpid():
                self.readers = {name: copy.copy(r) for name, r in self.readers.items()}
                self._random = {}
                self._process = os.getpid()
            if not scattered:
                return list(self.readers.values())
            for name, reader in self.readers.items():
                if name not in self._random:
                    plain = type(reader) is BigWig and reader.uncovered == "zero"
                    if isinstance(reader, BigWig) and plain:
                        reader = CachedBigWig(reader, self._cache_dir)
                    self._random[name] = reader
            return list(self._random.values())


@dataclass(frozen=True, eq=False)
class RegionArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of windows that reads its rows from files when they are used.

    It is what xarray takes for a duck array: shape, type and indexing are known without reading,
    and NumPy functions read everything.

    Parameters
    ----------
    files : RowFiles
        Where rows come from.
    name : str
        Variable of ``files``.
    rows : ndarray of int64, shape (n,)
        Rows of ``files``.
    middle : tuple of int
        Sizes between rows and positions: the number of samples, of haplotypes.
    dtype : numpy.dtype
        Type of the values; S1 for sequences.
    """

    files: RowFiles
    name: str
    rows: NDArray[np.int64]
    middle: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, samples, positions (bp)."""
        return (len(self.rows), *self.middle, self.files.width)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of the values, were they all read."""
        return self.size * self.dtype.itemsize

    def astype(self, dtype: DTypeLike, **_: object) -> RegionArray:
        """Return the same rows as another type, still unread."""
        return replace(self, dtype=np.dtype(dtype))

    def transpose(self, order: Sequence[int]) -> Any:
        """Return the array with its dimensions in another order, read unless it is the same."""
        if tuple(order) == tuple(range(self.ndim)):
            return self
        return np.asarray(self).transpose(order)

    def __getitem__(self, key: object) -> Any:
        key = key if isinstance(key, tuple) else (key,)
        if Ellipsis in [k for k in key if k is Ellipsis]:
            return np.asarray(self)[key]
        rows, rest = key[0], key[1:]
        plain = all(isinstance(k, slice) and k == slice(None) for k in rest)
        many = isinstance(rows, slice) or (isinstance(rows, np.ndarray) and rows.ndim == 1)
        if many:
            part = replace(self, rows=np.atleast_1d(self.rows[rows]))
            return part if plain else np.asarray(part)[(slice(None), *rest)]
        if isinstance(rows, int | np.integer):
            return np.asarray(replace(self, rows=self.rows[rows : rows + 1 or None]))[(0, *rest)]
        return np.asarray(self)[key]

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        out = np.empty(self.shape, self.dtype)
        for low in range(0, len(self.rows), _ROWS_AT_ONCE):
            block = slice(low, low + _ROWS_AT_ONCE)
            out[block] = self._typed(
                self.files.read(
                    [self.name], self.rows[block], first=0, width=self.files.width, scattered=False
                )[self.name]
            )
        return out if dtype is None else out.astype(dtype, copy=False)

    def _typed(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        if self.dtype.kind == "S":
            return np.ascontiguousarray(values).view("S1")
        return values.astype(self.dtype, copy=False)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_read_all(args), **{k: _read_all(v) for k, v in kwargs.items()})

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*_read_all(inputs), **kwargs)

    def __repr__(self) -> str:
        return f"<{self.name} of {len(self.rows)} regions, read when used>"


def _read_all(value: Any) -> Any:
    """Return arguments with every such array read."""
    if isinstance(value, RegionArray):
        return np.asarray(value)
    if isinstance(value, tuple | list):
        return type(value)(_read_all(v) for v in value)
    return value


def region_array(variable: xr.DataArray) -> RegionArray | None:
    """Return the unread windows behind a variable, or None where there are none.

    Parameters
    ----------
    variable : xarray.DataArray
        Variable of a dataset, of any kind. It is not read.

    Returns
    -------
    RegionArray or None
    """
    # `variable.data` would read arrays of other kinds
    held = getattr(variable.variable, "_data", None)
    return held if isinstance(held, RegionArray) else None
