"""What a local store was when it was opened, looked at again with everything that is read of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from zarr.abc.store import Store
from zarr.storage import LocalStore, WrapperStore

from seqdata.errors import StoreError

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

#: File that a store is born with and that no append touches: its number and time are the store's.
BIRTH = ".born"
_ROOT = "zarr.json"


class Opened:
    """Tell a store that was replaced from one that is as it was opened, or that has grown since.

    A store that replaces another lies in the same place under the same names, so whoever goes on
    reading gets some values of the old and some of the new one. Stores of this package hold a
    file that is written with them and never again: rows that are appended leave it alone. Of
    other stores it is the root metadata that must not change.

    Parameters
    ----------
    folder : Path
        Local folder of a store.

    Raises
    ------
    StoreError
        On :meth:`check`, if another store is there, or none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / BIRTH
        self._state = _state(self._file)
        if self._state is None:
            self._file = folder / _ROOT
            self._state = _state(self._file)

    def check(self) -> None:
        """Raise if the store is not the one that was opened; to be called behind a read."""
        if self._state is None or _state(self._file) == self._state:
            return
        msg = (
            f"{self.folder} was replaced or removed by another writer since it was opened here: "
            "what was read before and what lies there now may not belong together. Open it again "
            "with sd.open_zarr."
        )
        raise StoreError(msg)


class WatchedStore(WrapperStore[Store]):
    """Read a local store as long as it is the one that was opened.

    Parameters
    ----------
    store : zarr Store
        Store to read through.
    opened : Opened
        What it was.
    """

    def __init__(self, store: Store, opened: Opened) -> None:
        super().__init__(store)
        self.opened = opened

    @classmethod
    def of(cls, opened: Opened) -> WatchedStore:
        """Return the store that was opened, for reading."""
        return cls(LocalStore(opened.folder, read_only=True), opened)

    def _with_store(self, store: Store) -> WatchedStore:
        return type(self)(store, self.opened)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read an object or a part of it."""
        data = await self._store.get(key, prototype, byte_range)
        self.opened.check()
        return data

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Read parts of objects."""
        data = await self._store.get_partial_values(prototype, key_ranges)
        self.opened.check()
        return data


def _state(file: Path) -> tuple[int, int, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
