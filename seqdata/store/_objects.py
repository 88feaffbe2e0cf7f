"""Reach the objects of a store: paths, URLs, and one put for each object.

Only this file imports what zarr counts as its core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer as Buffer
from zarr.core.buffer import BufferPrototype as BufferPrototype
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore, WrapperStore

from seqdata.errors import StoreError

StoreLike = str | Path | Store


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

    def __getstate__(self) -> dict[str, object]:
        if isinstance(self._store, FsspecStore) and _in_memory(self._store):
            msg = (
                f"{self._store} lies in the memory of this process, and another one would find it "
                "empty. Call ds.load() under dask.config.set(scheduler='threads') before workers "
                "compute with it, or write the store to a folder or an object store."
            )
            raise StoreError(msg)
        return self.__dict__

    def __deepcopy__(self, memo: dict[int, object]) -> ExactRanges:
        return self

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


def _in_memory(store: FsspecStore) -> bool:
    protocol = getattr(store.fs, "protocol", "")
    return "memory" in ([protocol] if isinstance(protocol, str) else protocol)


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


def put_bytes(store: Store, key: str, data: bytes) -> None:
    """Write one object whole or not at all, whatever it replaces.

    Parameters
    ----------
    store : zarr Store
    key : str
        Name of the object.
    data : bytes
    """
    if not isinstance(store, LocalStore) or store.read_only:
        sync(store.set(key, default_buffer_prototype().buffer.from_bytes(data)))
        return
    path = store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def put_json(store: Store, key: str, document: Mapping[str, object]) -> None:
    """Write one JSON document into a store in a single put."""
    put_bytes(store, key, json.dumps(document, indent=1).encode())


def get_bytes(store: Store, key: str) -> bytes | None:
    """Read one object of a store; None where there is none."""
    try:
        data = sync(store.get(key, default_buffer_prototype()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if data is None else data.to_bytes()


def get_json(store: Store, key: str) -> dict[str, Any] | None:
    """Read one JSON document of a store; None where there is none."""
    data = get_bytes(store, key)
    return None if data is None else json.loads(data)


def delete(store: Store, key: str) -> None:
    """Remove one object of a store, if it is there."""
    sync(store.delete(key))


def delete_below(store: Store, prefix: str) -> None:
    """Remove all objects of a store whose names begin with a folder's."""
    sync(store.delete_dir(prefix))


def names_in(store: Store, prefix: str) -> list[str]:
    """Return what stands directly below a folder of a store."""

    async def collect() -> list[str]:
        return [name async for name in store.list_dir(prefix)]

    return sync(collect())


def keys_below(store: Store, prefix: str) -> list[str]:
    """Return the names of all objects of a store that begin with a folder's."""

    async def collect() -> list[str]:
        return [key async for key in store.list_prefix(prefix)]

    return sync(collect())
