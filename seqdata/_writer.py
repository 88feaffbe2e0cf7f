"""Write one Zarr v3 store: whole shards first, the root metadata last."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import zarr
import zarr.codecs
from zarr.abc.store import ByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore, WrapperStore

from seqdata._leftovers import clear_leftovers, working_path
from seqdata.errors import DiskFullError, SchemaError, StoreError, is_disk_full

if TYPE_CHECKING:
    from numpy.typing import NDArray

StoreLike = str | Path | Store

# Whole shards are held in memory while they fill: their size bounds the memory of a build.
SHARD_BYTES = 48 * 1024 * 1024
SHARD_ROWS = 1024
INNER_ROWS = 64
FLAT_ROWS = 65_536
FLAT_ITEMS = 4 * 1024 * 1024


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


def is_local(target: StoreLike) -> bool:
    """Say whether a target is a folder of this machine (and not a URL or a store object).

    Examples
    --------
    >>> is_local("data.zarr"), is_local("s3://bucket/data.zarr")
    (True, False)
    """
    return isinstance(target, Path) or (isinstance(target, str) and "://" not in target)


class ExactRanges(WrapperStore[Store]):
    """Cut answers to the bytes that were asked for.

    Simple web servers ignore a request for part of a file and send all of it.

    Parameters
    ----------
    store : zarr Store
        Store to read through.
    """

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read an object or a part of it."""
        data = await self._store.get(key, prototype, byte_range)
        if data is None:
            return None
        if isinstance(byte_range, RangeByteRequest):
            wanted = byte_range.end - byte_range.start
            return data[byte_range.start : byte_range.end] if len(data) > wanted else data
        if isinstance(byte_range, SuffixByteRequest) and len(data) > byte_range.suffix:
            return data[len(data) - byte_range.suffix :]
        return data


def local_path(target: StoreLike) -> Path | None:
    """Return the absolute path of a local target, None for URLs and store objects.

    Examples
    --------
    >>> local_path("/tmp/x.zarr").name, local_path("s3://bucket/x.zarr")
    ('x.zarr', None)
    """
    if isinstance(target, Store) or not is_local(target):
        return None
    return Path(target).expanduser().absolute()


def as_store(target: StoreLike, *, read_only: bool = False) -> Store:
    """Return the Zarr store behind a path, a URL or a store object.

    Raises
    ------
    StoreError
        If a URL cannot be opened.

    Examples
    --------
    >>> type(as_store("data.zarr")).__name__
    'LocalStore'
    """
    if isinstance(target, Store):
        return target
    path = local_path(target)
    if path is not None:
        return LocalStore(path, read_only=read_only)
    try:
        return ExactRanges(FsspecStore.from_url(str(target), read_only=read_only))
    except (ImportError, ValueError) as error:
        msg = (
            f"Cannot open {target}: {error}. Remote stores need the extra 'remote' "
            "(pip install 'eugene-genomics[remote]') and the fsspec package of their protocol."
        )
        raise StoreError(msg) from error


def put_json(store: Store, key: str, document: Mapping[str, Any]) -> None:
    """Write one JSON document into a store in a single put."""
    data = json.dumps(document, indent=1).encode()
    sync(store.set(key, default_buffer_prototype().buffer.from_bytes(data)))


def get_json(store: Store, key: str) -> dict[str, Any] | None:
    """Read one JSON document of a store; None where there is none."""
    try:
        data = sync(store.get(key, default_buffer_prototype()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if data is None else json.loads(data.to_bytes())


def array_document(array: zarr.Array[Any]) -> dict[str, Any]:
    """Return the metadata of an array as it stands in its ``zarr.json``."""
    buffers = array.metadata.to_buffer_dict(default_buffer_prototype())
    document: dict[str, Any] = json.loads(buffers["zarr.json"].to_bytes())
    return document


class ArrayWriter:
    """Append rows to one array of a store, a whole shard at a time.

    Parameters
    ----------
    array : zarr.Array
        Array of length 0 (or of its final length) along the first axis.
    rows : int
        Rows of a shard; only multiples of it are written before :meth:`finish`.
    """

    def __init__(self, array: zarr.Array[Any], rows: int) -> None:
        self.array = array
        self.rows = rows
        self.written = 0
        self._pending: list[NDArray[Any]] = []
        self._held = 0

    @property
    def total(self) -> int:
        """Rows taken so far, written or held."""
        return self.written + self._held

    def append(self, block: NDArray[Any]) -> None:
        """Take rows; write every shard that is full.

        Parameters
        ----------
        block : ndarray, shape (n, ...)
            Rows in the shape of the array.
        """
        if block.shape[1:] != tuple(self.array.shape[1:]):
            msg = (
                f"Rows of {self.array.name!r} have shape {block.shape[1:]}, "
                f"the array has {tuple(self.array.shape[1:])}."
            )
            raise SchemaError(msg)
        self._pending.append(block)
        self._held += len(block)
        if self._held >= self.rows:
            data = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
            full = self._held // self.rows * self.rows
            self._put(data[:full])
            rest = data[full:].copy()
            self._pending = [rest] if len(rest) else []
            self._held = len(rest)

    def finish(self) -> None:
        """Write the last, shorter shard."""
        if self._held:
            self._put(np.concatenate(self._pending))
            self._pending, self._held = [], 0

    def _put(self, data: NDArray[Any]) -> None:
        stop = self.written + len(data)
        if self.array.shape[0] < stop:
            self.array.resize((stop, *self.array.shape[1:]))
        for start in range(0, len(data), self.rows):
            part = data[start : start + self.rows]
            begin = self.written + start
            self.array[begin : begin + len(part)] = part
        self.written = stop


class StoreWriter:
    """Build a Zarr v3 store that opens only when it is complete.

    A local store grows in a temporary folder beside its place and is renamed when it is done; the
    next build of the same store removes the folder of one that was killed. In
    an object store the shards are written first and the root metadata (consolidated, with
    ``complete: true``) last, in one put. Whatever goes wrong in between, nothing is left that
    opens.

    Parameters
    ----------
    target : str, Path or zarr Store
        Local folder, URL or store object.
    overwrite : bool, default False
        Replace a store that is there; the old one stays until the new one is complete (local).

    Raises
    ------
    StoreError
        If something is there and ``overwrite`` is False.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with StoreWriter(f"{folder.name}/x.zarr") as out:
    ...     out.write_array("y", np.arange(3), ("_sequence",))
    ...     out.commit({"note": "three numbers"})
    >>> zarr.open_group(f"{folder.name}/x.zarr")["y"][:].tolist()
    [0, 1, 2]
    >>> folder.cleanup()
    """

    def __init__(self, target: StoreLike, *, overwrite: bool = False) -> None:
        self.target = target
        self.overwrite = overwrite
        self.coordinates: list[str] = []
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._writers: dict[str, ArrayWriter] = {}
        self._committed = False
        self.path = local_path(target)
        if self.path is not None:
            if self.path.is_symlink():
                self.path = self.path.resolve()
            clear_leftovers(self.path)
            if self.path.exists() and not _looks_like_store(self.path):
                kind = "a folder of other things" if self.path.is_dir() else "a file"
                msg = (
                    f"{self.path} exists and is no Zarr store: it will not be overwritten (it is "
                    f"{kind}). Pass another path, or remove it by hand."
                )
                raise StoreError(msg)
            if self.path.exists() and not overwrite:
                msg = f"{self.path} exists. Pass overwrite=True to replace it, or another path."
                raise StoreError(msg)
            self._temporary = working_path(self.path, "building")
            self.store: Store = LocalStore(self._temporary)
        else:
            self.store = as_store(target)
            if get_json(self.store, "zarr.json") is not None:
                if not overwrite:
                    msg = f"{target} holds a store. Pass overwrite=True to replace it."
                    raise StoreError(msg)
                sync(self.store.delete_dir(""))

    def __enter__(self) -> Self:
        try:
            if self.path is not None:
                self._temporary.mkdir(parents=True)
        except OSError as error:
            msg = (
                f"Cannot write beside {self.path}: {error.strerror or error}. "
                "Pass a path in a folder that can be written."
            )
            raise StoreError(msg) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._committed:
            return
        self._discard()
        if error is not None and not isinstance(error, DiskFullError) and is_disk_full(error):
            place = self.path.parent if self.path is not None else self.target
            free = ""
            if self.path is not None:
                with contextlib.suppress(OSError):
                    free = f" ({shutil.disk_usage(self.path.parent).free / 1e6:.0f} MB free)"
            msg = (
                f"No room left while writing {self.target}{free}: the unfinished store was "
                f"removed. Free space in {place} (or raise the file size limit), or pass a path "
                "on a larger disk."
            )
            raise DiskFullError(msg) from error

    def _discard(self) -> None:
        if self.path is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            return
        with contextlib.suppress(Exception):
            sync(self.store.delete("zarr.json"))
        for name in self._arrays:
            with contextlib.suppress(Exception):
                sync(self.store.delete_dir(name))

    def create(
        self,
        name: str,
        *,
        shape: Sequence[int],
        dtype: Any,
        dims: Sequence[str],
        attrs: Mapping[str, Any] | None = None,
        rows: int | None = None,
        coordinate: bool = False,
    ) -> zarr.Array[Any]:
        """Create an array.

        Parameters
        ----------
        name : str
            Variable name.
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
        coordinate : bool, default False
            Open it as a coordinate.

        Returns
        -------
        zarr.Array
        """
        if name in ("", ".", "..", "zarr.json") or "/" in name:
            msg = (
                f"A variable called {name!r} cannot be stored: variables are folders of the store. "
                "Rename the column or variable (without '/')."
            )
            raise SchemaError(msg)
        if name in self._arrays:
            msg = f"Variable {name!r} is written twice."
            raise SchemaError(msg)
        shape = tuple(int(size) for size in shape)
        if len(shape) > 1:
            rows = rows or shard_rows(int(np.prod(shape[1:])) * np.dtype(dtype).itemsize)
            inner = (min(INNER_ROWS, rows), *(max(1, size) for size in shape[1:]))
            chunks: tuple[int, ...] = inner
            shards: tuple[int, ...] | None = (rows, *inner[1:])
        else:
            flat = bool(dims) and dims[0].endswith("_flat")
            chunks = (FLAT_ITEMS if flat else FLAT_ROWS,) if shape else ()
            shards = None
        array = zarr.create_array(
            store=self.store,
            name=name,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            shards=shards,
            # the checksum of a frame tells a flipped bit, which would unpack to wrong values
            compressors=zarr.codecs.ZstdCodec(level=3, checksum=True) if shape else None,
            fill_value=_fill_value(dtype),
            dimension_names=tuple(dims),
            attributes=dict(attrs or {}),
        )
        if self.path is None:
            sync(self.store.delete("zarr.json"))
        self._arrays[name] = array
        self._writers[name] = ArrayWriter(array, (shards or chunks or (1,))[0])
        if coordinate:
            self.coordinates.append(name)
        return array

    def append(self, name: str, block: NDArray[Any]) -> None:
        """Append rows to an array that was created."""
        self._writers[name].append(_storable(block))

    def write_array(
        self,
        name: str,
        values: NDArray[Any],
        dims: Sequence[str],
        *,
        attrs: Mapping[str, Any] | None = None,
        rows: int | None = None,
        coordinate: bool = False,
    ) -> None:
        """Create an array and write all of it."""
        values = _storable(np.asarray(values))
        dtype = str if values.dtype.kind == "O" else values.dtype
        self.create(
            name,
            shape=values.shape,
            dtype=dtype,
            dims=dims,
            attrs=attrs,
            rows=rows,
            coordinate=coordinate,
        )
        if values.ndim == 0:
            self.set_scalar(name, values)
        elif values.size:
            self.append(name, values)

    def set_scalar(self, name: str, value: NDArray[Any]) -> None:
        """Write an array without axes."""
        self._arrays[name][...] = _storable(value)

    def finish(self) -> None:
        """Write the rows that are still held."""
        for writer in self._writers.values():
            writer.finish()

    def drop(self, name: str) -> None:
        """Remove an array again, as when a ragged variable has been padded."""
        del self._arrays[name], self._writers[name]
        sync(self.store.delete_dir(name))

    def commit(self, attrs: Mapping[str, Any]) -> None:
        """Write the consolidated root metadata with the completeness mark, and rename.

        Parameters
        ----------
        attrs : mapping
            Attributes of the dataset.
        """
        self.finish()
        attributes = {**attrs, "complete": True}
        if self.coordinates:
            attributes["coordinates"] = " ".join(self.coordinates)
        document = root_document(
            attributes, {name: array_document(array) for name, array in self._arrays.items()}
        )
        with _held_interrupts():
            put_json(self.store, "zarr.json", document)
            if self.path is not None:
                self._move_into_place(self.path)
            self._committed = True

    def _move_into_place(self, path: Path) -> None:
        old = None
        if path.exists():
            if not self.overwrite:
                msg = (
                    f"{path} appeared while it was being built here (by another build?): it was "
                    "left as it is. Pass overwrite=True to replace it, or another path."
                )
                raise StoreError(msg)
            old = working_path(path, "replaced")
            path.rename(old)
        try:
            self._temporary.rename(path)
        except OSError:
            if old is not None:
                old.rename(path)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)


def root_document(
    attributes: Mapping[str, Any], arrays: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the root metadata of a Zarr v3 group with its arrays consolidated in it."""
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": dict(attributes),
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": False,
            "metadata": {name: dict(document) for name, document in arrays.items()},
        },
    }


@contextlib.contextmanager
def _held_interrupts() -> Any:
    """Let Ctrl-C wait for the two quick steps that make a store visible."""
    late: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: late.append(number))
    except ValueError:
        # signals belong to the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if late:
        signal.raise_signal(signal.SIGINT)


def _looks_like_store(path: Path) -> bool:
    if not path.is_dir():
        return False
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    return any((path / mark).exists() for mark in marks) or not any(path.iterdir())


def _fill_value(dtype: Any) -> Any:
    if dtype is str:
        return ""
    kind = np.dtype(dtype).kind
    return float("nan") if kind == "f" else False if kind == "b" else 0


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in a type that is stored the same by every version of the libraries."""
    if values.dtype.kind in "biuf":
        return values
    if values.dtype == np.dtype("S1"):
        return np.ascontiguousarray(values).view(np.uint8)
    if values.dtype.kind in "OUTS":
        flat = [_text(value) for value in values.ravel().tolist()]
        out = np.empty(len(flat), dtype=object)
        out[:] = flat
        return out.reshape(values.shape)
    msg = (
        f"Values of type {values.dtype} cannot be stored. "
        "Store dates as text or as numbers with a unit, complex numbers as two variables."
    )
    raise SchemaError(msg)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)
