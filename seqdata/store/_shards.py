"""Arrays of a store as whole shards: how large they are, how they are packed and put."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
import zarr.codecs
from zarr.abc.store import Store
from zarr.storage import MemoryStore

from seqdata.errors import SchemaError
from seqdata.store._objects import delete, get_bytes, get_json, put_bytes, put_json

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

# Whole shards are held in memory while they fill: their size bounds the memory of a build.
SHARD_BYTES = 48 * 1024 * 1024
SHARD_ROWS = 1024
INNER_ROWS = 64
FLAT_ROWS = 65_536
FLAT_ITEMS = 4 * 1024 * 1024
# of zstd: on letters and on real signal the files are as small as at 3, and packed faster
LEVEL = 1

Document = dict[str, Any]


def shard_rows(row_bytes: int) -> int:
    """Return how many rows a shard takes: 2048 short rows, 1024, or fewer where rows are huge.

    Parameters
    ----------
    row_bytes : int
        Bytes of the widest row of the dataset.

    Returns
    -------
    int
        A power of two.

    Examples
    --------
    >>> shard_rows(200), shard_rows(2114 * 4 * 4), shard_rows(131072 * 74 * 4)
    (2048, 1024, 1)
    """
    rows = SHARD_ROWS * 2 if row_bytes <= 2048 else SHARD_ROWS
    while rows > 1 and rows * row_bytes > SHARD_BYTES:
        rows //= 2
    return rows


def new_document(
    *,
    shape: Sequence[int],
    dtype: DTypeLike,
    dims: Sequence[str],
    attrs: Mapping[str, Any] | None = None,
    rows: int | None = None,
) -> Document:
    """Return the metadata of a new array, as its ``zarr.json`` will hold it.

    Parameters
    ----------
    shape : sequence of int
        Shape; the first axis may grow.
    dtype : dtype
        Type; ``str`` for variable-length text.
    dims : sequence of str
        Dimension names.
    attrs : mapping, optional
        Attributes.
    rows : int, optional
        Rows of a shard (arrays of two or more axes).

    Returns
    -------
    dict

    Examples
    --------
    >>> document = new_document(shape=(0, 5), dtype="u1", dims=("_sequence", "_length"))
    >>> rows_of_shard(document)
    2048
    """
    shape = tuple(int(size) for size in shape)
    if len(shape) > 1:
        rows = rows or shard_rows(int(np.prod(shape[1:])) * np.dtype(dtype).itemsize)
        chunks: tuple[int, ...] = (min(INNER_ROWS, rows), *(max(1, size) for size in shape[1:]))
        shards: tuple[int, ...] | None = (rows, *chunks[1:])
    else:
        flat = bool(dims) and dims[0].endswith("_flat")
        chunks = (FLAT_ITEMS if flat else FLAT_ROWS,) if shape else ()
        shards = None
    memory = MemoryStore()
    zarr.create_array(
        store=memory,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        # the checksum of a frame tells a flipped bit, which would unpack to wrong values
        compressors=zarr.codecs.ZstdCodec(level=LEVEL, checksum=True) if shape else None,
        fill_value=_fill_value(dtype),
        dimension_names=tuple(dims),
        attributes=dict(attrs or {}),
    )
    return get_json(memory, "zarr.json") or {}


def rows_of_shard(document: Mapping[str, Any]) -> int:
    """Return the rows of the largest unit of an array that is written whole; 1 without axes."""
    shape = document["chunk_grid"]["configuration"]["chunk_shape"]
    return int(shape[0]) if shape else 1


def shard_key(name: str, document: Mapping[str, Any], index: int) -> str:
    """Return the name of the object that holds a shard.

    Examples
    --------
    >>> shard_key("seq", {"shape": [9, 4]}, 3)
    'seq/c/3/0'
    """
    axes = len(document["shape"])
    return "/".join([name, "c", *([str(index)] if axes else []), *["0"] * (axes - 1)])


def mark_of(packed: bytes | None) -> str:
    """Return what tells a shard in the list of a store: its size and last bytes, "-" for none.

    The last four bytes are a checksum, of the places of the chunks or of the values.

    Examples
    --------
    >>> mark_of(b"abcdefgh"), mark_of(None)
    ('8:65666768', '-')
    """
    return "-" if packed is None else f"{len(packed)}:{packed[-4:].hex()}"


def mark_of_file(path: Path) -> str:
    """Return what tells a shard, from its file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - 4))
            return f"{size}:{file.read(4).hex()}"
    except FileNotFoundError:
        return "-"


def pack_rows(document: Mapping[str, object], rows: NDArray[np.generic]) -> bytes | None:
    """Return the rows of one shard as the bytes that stand for them in a store.

    They depend on nothing but the rows, so it does not matter who packs them, or where.

    Parameters
    ----------
    document : mapping
        Metadata of the array.
    rows : ndarray, shape (n, ...)
        A shard's worth of rows; fewer in the last one.

    Returns
    -------
    bytes or None
        None for nothing but fill values, which are not stored.
    """
    memory = MemoryStore()
    put_json(memory, "zarr.json", {**document, "shape": rows.shape})
    zarr.open_array(store=memory, mode="r+")[...] = rows
    return get_bytes(memory, shard_key("", document, 0)[1:])


class ArrayWriter:
    """Append rows to one array of a store, a whole shard at a time.

    Parameters
    ----------
    store : zarr Store
    name : str
        Name of the array.
    document : dict
        Its metadata.
    written : int, default 0
        Rows that are in the store already, in whole shards. The rows appended first are taken for
        these and left out (see :meth:`skip_to`).
    on_shard : callable, optional
        Told the index and size in bytes of each full shard once it is in the store.
    replace : bool, default False
        Whether older shards may lie where new ones go.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        document: Document,
        *,
        written: int = 0,
        on_shard: Callable[[int, int], None] | None = None,
        replace: bool = False,
    ) -> None:
        self.store = store
        self.name = name
        self.document = document
        self.rows = rows_of_shard(document)
        self.written = written
        self._known = written
        self._on_shard = on_shard
        self._replace = replace
        self._pending: list[NDArray[np.generic]] = []
        self._held = 0
        #: what tells each shard that this writer put
        self.marks: dict[int, str] = {}

    @property
    def total(self) -> int:
        """Rows taken so far, written or held."""
        return self.written + self._held

    def finished_document(self) -> Document:
        """Return the metadata with the shape that the array has now."""
        shape = self.document["shape"]
        if not shape:
            return self.document
        return {**self.document, "shape": [max(int(shape[0]), self.total), *shape[1:]]}

    def skip_to(self, row: int) -> None:
        """Say which row comes next; those that are in the store already are left out."""
        if self._held or row > self.written:
            msg = f"Row {row} of {self.name!r} cannot follow row {self.total}."
            raise SchemaError(msg)
        self._known = self.written - row

    def append(self, block: NDArray[np.generic]) -> None:
        """Take rows; write every shard that is full.

        Parameters
        ----------
        block : ndarray, shape (n, ...)
            Rows in the shape of the array.
        """
        expected = tuple(self.document["shape"][1:])
        if block.shape[1:] != expected:
            msg = f"Rows of {self.name!r} have shape {block.shape[1:]}, the array has {expected}."
            raise SchemaError(msg)
        known = min(self._known, len(block))
        self._known -= known
        if known == len(block):
            return
        block = block[known:]
        self._pending.append(block)
        self._held += len(block)
        if self._held >= self.rows:
            data = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
            full = self._held // self.rows * self.rows
            rest = data[full:].copy()
            self._pending, self._held = ([rest] if len(rest) else []), len(rest)
            self._put(data[:full])

    def finish(self) -> None:
        """Write the last, shorter shard."""
        if self._held:
            data = np.concatenate(self._pending)
            self._pending, self._held = [], 0
            self._put(data)

    def put_scalar(self, value: NDArray[np.generic]) -> None:
        """Write the value of an array without axes."""
        self._store(0, pack_rows(self.document, np.asarray(value)))

    def put_packed(self, packed: bytes | None, n_rows: int) -> None:
        """Write a shard that :func:`pack_rows` made, here or elsewhere."""
        if self._known >= n_rows:
            self._known -= n_rows
            return
        if self._held or self.written % self.rows or not 0 < n_rows <= self.rows:
            msg = f"A shard of {n_rows} rows cannot follow row {self.total} of {self.name!r}."
            raise SchemaError(msg)
        self._put_shard(packed, n_rows)

    def _put(self, data: NDArray[np.generic]) -> None:
        for start in range(0, len(data), self.rows):
            part = data[start : start + self.rows]
            self._put_shard(pack_rows(self.document, part), len(part))

    def _put_shard(self, packed: bytes | None, n_rows: int) -> None:
        index = self.written // self.rows
        self._store(index, packed)
        self.written += n_rows
        if self._on_shard is not None and n_rows == self.rows:
            self._on_shard(index, len(packed or b""))

    def _store(self, index: int, packed: bytes | None) -> None:
        key = shard_key(self.name, self.document, index)
        self.marks[index] = mark_of(packed)
        if packed is not None:
            put_bytes(self.store, key, packed)
        elif self._replace:
            delete(self.store, key)


def _fill_value(dtype: DTypeLike) -> object:
    if dtype is str:
        return ""
    kind = np.dtype(dtype).kind
    return float("nan") if kind == "f" else False if kind == "b" else 0
