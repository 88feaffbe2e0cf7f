"""Rows of a dataset: at hand as arrays, read by stored blocks, or cut out of files."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata.loading._buffers import Pool
from seqdata.loading._fields import Field
from seqdata.loading._file_rows import FileRows
from seqdata.loading._order import Segment
from seqdata.loading._ragged import RaggedField
from seqdata.store._origin import shard_readers
from seqdata.windows._lazy import RegionArray, region_array

Arrays = dict[str, NDArray[np.generic]]
Rows = NDArray[np.generic] | FileRows
AnyField = Field | RaggedField

_RAGGED_BYTES = 4 << 20
_ROWS_AT_ONCE = 1024

# A process that is forked while another thread reads would inherit the locks of the libraries
# below, taken for ever. So forking waits for the end of a read.
READING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=READING.acquire,
        after_in_parent=READING.release,
        after_in_child=READING.release,
    )


class Mapped(Protocol):
    """Arrays in files."""

    @property
    def arrays(self) -> Mapping[str, Rows]:
        """The arrays, rows first."""
        ...

    def release(self) -> None:
        """Give their pages back to the system."""
        ...


@dataclass(frozen=True)
class Held:
    """Values that hold the rows of a segment.

    Parameters
    ----------
    arrays : mapping of str to ndarray or FileRows
        Values of each field in kernel layout, rows first.
    places : ndarray of int64, shape (n,)
        Place of each row of the segment along the dimension that is read in parts.
    sizes : mapping of str to int
        Rows along that dimension in the arrays that hold only some; the others hold all.
    begins : mapping of str to ndarray of int64, shape (n,)
        Where each row begins in the arrays of flat fields.
    """

    arrays: Mapping[str, Any]
    places: NDArray[np.int64]
    sizes: Mapping[str, int] = field(default_factory=dict)
    begins: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


class Source(ABC):
    """Where a loader gets rows from.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    fields : sequence of Field or RaggedField
        Variables to serve.
    sample_dims : sequence of str
        Dimensions indexed by a row number.
    """

    #: whether any row can be had at once, without reading a segment first
    at_hand = False
    #: rows to put in a segment where no stored blocks bound it; None for all
    rows_at_once: int | None = None

    def __init__(
        self, ds: xr.Dataset, fields: Sequence[AnyField], *, sample_dims: Sequence[str]
    ) -> None:
        self.fields = tuple(fields)
        self.sample_dims = tuple(sample_dims)
        self.sample_sizes = tuple(int(ds.sizes[d]) for d in sample_dims)
        self.n_rows = int(np.prod(self.sample_sizes, dtype=np.int64))
        self.axis = 0
        self.edges = np.array([0, self.sample_sizes[0]], dtype=np.int64)

    @property
    def n_blocks(self) -> int:
        """Number of blocks the rows are stored in."""
        return len(self.edges) - 1

    @property
    def block_bytes(self) -> int:
        """Bytes of the largest block, all fields together; at least 1."""
        return max(1, int(np.diff(self.edges).max(initial=0)) * self.row_bytes)

    @property
    def row_bytes(self) -> int:
        """Bytes that one step along the dimension read in parts takes."""
        total = 0
        for f in self.fields:
            others = [self.sample_sizes[i] for i in f.axes if i != self.axis]
            if self.axis in f.axes:
                total += f.row_bytes * int(np.prod(others, dtype=np.int64))
        return total

    def index_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of rows along the dimension that is read in parts."""
        if len(self.sample_sizes) == 1:
            return rows
        return np.unravel_index(rows, self.sample_sizes)[self.axis].astype(np.int64)

    def blocks_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the block that holds each row."""
        return np.searchsorted(self.edges, self.index_of(rows), side="right") - 1

    @abstractmethod
    def read(self, segment: Segment) -> Held:
        """Return values that hold the rows of a segment."""

    def place(
        self, f: AnyField, held: Held, part: slice, rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return where rows of a segment begin in the array of a field.

        Parameters
        ----------
        f : Field or RaggedField
            The field.
        held : Held
            What was read for the segment.
        part : slice
            Places of the rows within the segment.
        rows : ndarray of int64, shape (b,)
            Their row numbers.

        Returns
        -------
        ndarray of int64, shape (b,)
        """
        if f.name in held.begins:
            return held.begins[f.name][part]
        some = f.name in held.sizes
        if len(self.sample_sizes) == 1:
            return held.places[part] if some else rows
        index = list(np.unravel_index(rows, self.sample_sizes))
        sizes = list(self.sample_sizes)
        if some:
            index[self.axis] = held.places[part]
            sizes[self.axis] = held.sizes[f.name]
        at = np.zeros(len(rows), np.int64)
        for i in f.axes:
            at = at * sizes[i] + index[i]
        return at


class ArraySource(Source):
    """Rows at hand as arrays: in memory, or mapped into it.

    Parameters
    ----------
    ds, fields, sample_dims
        As in `Source`.
    mapped : MappedArrays or None
        Variables in files; the others are read now.
    rows_at_once : int or None
        Rows after which mapped pages are given back.
    """

    at_hand = True

    def __init__(
        self,
        ds: xr.Dataset,
        fields: Sequence[AnyField],
        *,
        sample_dims: Sequence[str],
        mapped: Mapped | None = None,
        rows_at_once: int | None = None,
    ) -> None:
        super().__init__(ds, fields, sample_dims=sample_dims)
        self._mapped = mapped
        self.rows_at_once = rows_at_once
        known = {} if mapped is None else mapped.arrays
        self._read: Arrays = {
            f.name: read_whole(ds, f, self.sample_dims) for f in self.fields if f.name not in known
        }

    def read(self, segment: Segment) -> Held:
        """Return the arrays themselves."""
        rows = self.index_of(segment.rows)
        arrays: dict[str, Rows] = dict(self._read)
        if self._mapped is not None:
            self._mapped.release()
            arrays.update(self._mapped.arrays)
        begins = {f.name: f.offsets[rows] for f in self.fields if isinstance(f, RaggedField)}
        return Held(arrays, rows, begins=begins)


class BlockSource(Source):
    """Rows read by whole stored blocks along one sample dimension.

    Parameters
    ----------
    ds, fields, sample_dims
        As in `Source`. Shards as this package writes them are unpacked straight into place, the
        rest is read by xarray.
    """

    def __init__(
        self, ds: xr.Dataset, fields: Sequence[AnyField], *, sample_dims: Sequence[str]
    ) -> None:
        super().__init__(ds, fields, sample_dims=sample_dims)
        self._readers = shard_readers(ds, [f.name for f in self.fields])
        self._variables = {f.name: ordered(ds, f, self.sample_dims) for f in self.fields}
        self._stored_dims = {f.name: ds[f.name].dims for f in self.fields}
        ragged = [f for f in self.fields if isinstance(f, RaggedField)]
        if not ragged:
            self.axis = self._streamed_axis()
            self.edges = self._block_edges()
        else:
            self.edges = _even_edges(ragged)
        self._pools = {f.name: Pool(spare=2) for f in self.fields}
        self._in_place = frozenset(f.name for f in self.fields if self._is_in_place(f))
        # what has no part in the blocks, and numbers beside flat rows, are small
        self._whole = {
            f.name: read_whole(ds, f, self.sample_dims)
            for f in self.fields
            if self.axis not in f.axes or (ragged and not isinstance(f, RaggedField))
        }

    def _is_in_place(self, f: AnyField) -> bool:
        """Return whether a field is stored as kernels read it, rows first."""
        reader = self._readers.get(f.name)
        if reader is None or reader.dtype != f.dtype:
            return False
        stored = self._stored_dims[f.name]
        return isinstance(f, RaggedField) or (
            stored == self._variables[f.name].dims
            and stored[0] == self.sample_dims[self.axis]
            and f.stored_shape == f.sizes
        )

    def _streamed_axis(self) -> int:
        """Return the sample dimension that is stored in most pieces."""
        pieces = [
            max(len(v.chunksizes.get(dim, ())) for v in self._variables.values())
            for dim in self.sample_dims
        ]
        return int(np.argmax(pieces))

    def _block_edges(self) -> NDArray[np.int64]:
        """Return places between which every field is stored in one piece or more."""
        n = self.sample_sizes[self.axis]
        edges: set[int] | None = None
        for variable in self._variables.values():
            chunks = variable.chunksizes.get(self.sample_dims[self.axis])
            if chunks is None:
                continue
            ends = {0, *np.cumsum(chunks).tolist()}
            edges = ends if edges is None else edges & ends
        if edges is None:
            edges = {*range(0, n, _ROWS_AT_ONCE), n}
        return np.array(sorted(edges | {0, n}), dtype=np.int64)

    def read(self, segment: Segment) -> Held:
        """Read the blocks of a segment, one after the other."""
        blocks = segment.blocks
        sizes = np.diff(self.edges)[blocks]
        begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        bases = np.full(self.n_blocks, np.iinfo(np.int64).min, dtype=np.int64)
        bases[blocks] = begins[:-1] - self.edges[blocks]
        index = self.index_of(segment.rows)
        own = np.searchsorted(self.edges, index, side="right") - 1
        arrays: Arrays = {}
        held: dict[str, int] = {}
        flat: dict[str, NDArray[np.int64]] = {}
        places = index + bases[own]
        for f in self.fields:
            if isinstance(f, RaggedField):
                arrays[f.name], starts = self._read_flat(f, blocks)
                flat[f.name] = f.offsets[index] + starts[own]
            elif f.name in self._whole:
                arrays[f.name] = self._whole[f.name]
            else:
                held[f.name] = int(begins[-1])
                arrays[f.name] = self._read_blocks(f, blocks, begins)
        return Held(arrays, places, held, flat)

    def lead(self, f: AnyField, n: int | None = None) -> tuple[int, ...]:
        """Return the sizes of the dimensions that count rows, ``n`` along the one read in parts."""
        if isinstance(f, RaggedField):
            return (int(f.offsets[-1]),)
        sizes = {i: self.sample_sizes[i] for i in f.axes}
        if n is not None:
            sizes[self.axis] = n
        return tuple(sizes.values())

    def blocks(self, f: AnyField) -> Iterator[tuple[tuple[slice, ...], NDArray[np.generic]]]:
        """Yield the values of a field by blocks, in kernel layout, and where each belongs."""
        for low, high in pairwise(self.edges.tolist()):
            if isinstance(f, RaggedField):
                low, high = int(f.offsets[low]), int(f.offsets[high])
            yield self._where(f, low, high), self._between(f, low, high)

    def _where(self, f: AnyField, low: int, high: int) -> tuple[slice, ...]:
        before = 0 if isinstance(f, RaggedField) else f.axes.index(self.axis)
        return (*(slice(None),) * before, slice(low, high))

    def _read_blocks(
        self, f: Field, blocks: NDArray[np.int64], begins: NDArray[np.int64]
    ) -> NDArray[np.generic]:
        lead = self.lead(f, int(begins[-1]))
        out = f.buffer(*lead, pool=self._pools[f.name])
        for block, low, high in zip(blocks, begins[:-1], begins[1:], strict=True):
            part = out[self._where(f, int(low), int(high))]
            self._read_into(f, int(self.edges[block]), int(self.edges[block + 1]), part)
        return out.reshape(-1, *out.shape[len(lead) :])

    def _read_flat(
        self, f: RaggedField, blocks: NDArray[np.int64]
    ) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
        """Return flat values of blocks, and what to add to an offset to get its place in them."""
        starts = np.zeros(self.n_blocks, np.int64)
        lows, highs = f.offsets[self.edges[blocks]], f.offsets[self.edges[blocks + 1]]
        ends = np.cumsum(highs - lows)
        starts[blocks] = ends - highs
        out = np.empty((int(ends[-1]), *f.stored_shape), f.dtype)
        for low, high, end in zip(lows.tolist(), highs.tolist(), ends.tolist(), strict=True):
            self._read_into(f, low, high, out[end - (high - low) : end])
        return out, starts

    def _read_into(self, f: AnyField, low: int, high: int, out: NDArray[np.generic]) -> None:
        """Read values between two places into an array in kernel layout."""
        if f.name in self._in_place:
            self._readers[f.name].read_into(low, high, out)
        else:
            out[...] = self._between(f, low, high)

    def _between(self, f: AnyField, low: int, high: int) -> NDArray[np.generic]:
        """Return values between two places in kernel layout."""
        variable = self._variables[f.name]
        flat = isinstance(f, RaggedField)
        dim = variable.dims[0] if flat else self.sample_dims[self.axis]
        if f.name in self._readers:
            stored = self._stored_dims[f.name]
            slices = tuple(slice(low, high) if d == dim else slice(None) for d in stored)
            values = self._readers[f.name](slices)
            values = values.transpose([stored.index(d) for d in variable.dims])
        else:
            with READING:
                piece = variable.isel({dim: slice(low, high)})
                if piece.chunks is not None:
                    piece = piece.compute(scheduler="synchronous")
                values = piece.to_numpy()
        if isinstance(f, RaggedField):
            return f.canonical(values)
        lead = values.shape[: len(f.axes)]
        rows = f.canonical(values.reshape(-1, *values.shape[len(lead) :]))
        return rows.reshape(*lead, *rows.shape[1:])


class RegionSource(Source):
    """Rows cut out of genome files, those of a segment at a time.

    Parameters
    ----------
    ds, fields, sample_dims
        As in `Source`.
    rows_at_once : int
        Rows to read at a time.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        fields: Sequence[AnyField],
        *,
        sample_dims: Sequence[str],
        rows_at_once: int,
    ) -> None:
        super().__init__(ds, fields, sample_dims=sample_dims)
        self.rows_at_once = max(1, rows_at_once)
        self._cut: dict[str, tuple[Field, RegionArray]] = {}
        self._whole: Arrays = {}
        for f in self.fields:
            array = region_array(ds[f.name])
            if array is not None and isinstance(f, Field):
                self._cut[f.name] = (f, array)
            else:
                self._whole[f.name] = read_whole(ds, f, self.sample_dims)

    def read(self, segment: Segment) -> Held:
        """Cut the windows of a segment."""
        index = self.index_of(segment.rows)
        rows, places = index, np.arange(len(index), dtype=np.int64)
        if len(self.sample_sizes) > 1:
            rows, places = np.unique(index, return_inverse=True)
            places = places.astype(np.int64)
        with READING:
            cut = read_regions(self._cut.values(), rows, scattered=True)
        arrays: Arrays = dict(self._whole)
        sizes: dict[str, int] = {}
        for name, (f, _) in self._cut.items():
            values = cut[name]
            sizes[name] = len(rows)
            arrays[name] = f.canonical(values.reshape(-1, *values.shape[len(f.axes) :]))
        return Held(arrays, places, sizes)


def ordered(ds: xr.Dataset, f: AnyField, sample_dims: Sequence[str]) -> xr.DataArray:
    """Return the variable of a field, sample dimensions first in the order of a row number."""
    variable = ds[f.name]
    if isinstance(f, RaggedField):
        return variable
    return variable.transpose(*(sample_dims[i] for i in f.axes), *f.dims)


def read_whole(ds: xr.Dataset, f: AnyField, sample_dims: Sequence[str]) -> NDArray[np.generic]:
    """Return all values of a field in kernel layout, rows first."""
    array = region_array(ds[f.name])
    if array is not None and isinstance(f, Field):
        out = f.buffer(*(ds.sizes[sample_dims[i]] for i in f.axes))
        for low in range(0, len(out), _ROWS_AT_ONCE):
            rows = np.arange(low, min(low + _ROWS_AT_ONCE, len(out)), dtype=np.int64)
            cut = read_regions([(f, array)], rows, scattered=False)[f.name]
            out[rows[0] : rows[-1] + 1] = cut
        return f.canonical(out.reshape(-1, *out.shape[len(f.axes) :]))
    values = ordered(ds, f, sample_dims).to_numpy()
    if isinstance(f, RaggedField):
        return f.canonical(values)
    lead = int(np.prod(values.shape[: len(f.axes)], dtype=np.int64))
    return f.canonical(values.reshape(lead, *values.shape[len(f.axes) :]))


def read_regions(
    fields: Iterable[tuple[Field, RegionArray]], rows: NDArray[np.int64], *, scattered: bool
) -> Arrays:
    """Cut windows out of files, as wide as fields hold them.

    Parameters
    ----------
    fields : iterable of (Field, RegionArray)
        Fields with the arrays behind them.
    rows : ndarray of int64, shape (n,)
        Rows of the dataset.
    scattered : bool
        Whether few rows are read from anywhere.

    Returns
    -------
    dict of ndarray
        Rows first, then samples, then positions.
    """
    out: Arrays = {}
    for f, array in fields:
        wide = array.files.width
        width = f.stored_width
        values = array.files.read(
            [array.name],
            array.rows[rows],
            first=(wide - width) // 2,
            width=width,
            scattered=scattered,
        )[array.name]
        out[f.name] = values if f.letters else values.astype(f.dtype, copy=False)
    return out


def _even_edges(fields: Sequence[RaggedField]) -> NDArray[np.int64]:
    """Return rows between which flat variables hold a few MB."""
    width = sum(f.dtype.itemsize * len(f.partner) for f in fields)
    offsets = fields[0].offsets
    step = max(1, _RAGGED_BYTES // width)
    ends = np.searchsorted(offsets, np.arange(step, int(offsets[-1]) + step, step), side="left")
    n = len(offsets) - 1
    return np.unique(np.concatenate([[0], np.minimum(ends, n), [n]])).astype(np.int64)
