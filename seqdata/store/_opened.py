"""What a local store was when it was opened, looked at again with everything that is read of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zarr.abc.store import Store
from zarr.storage import LocalStore, WrapperStore

from seqdata.errors import StoreError
from seqdata.store._shards import mark_of_file

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest

    from seqdata.store._objects import Buffer, BufferPrototype

#: File in the folder of one array that a store is born with and that no append touches: its number
#: and time are the store's.
BIRTH = ".born"
#: File that is there while an append replaces a last shard which the root metadata describe as it
#: was; one that was killed leaves it.
GROWING = ".growing"
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
        self._file = next(folder.glob(f"*/{BIRTH}"), folder / BIRTH)
        self._state = _state(self._file)
        if self._state is None:
            self._file = folder / _ROOT
            self._state = _state(self._file)
        self._listed = _listed(folder)
        self._known: set[str] = set()

    def check_shard(self, key: str, *, again: bool = False) -> None:
        """Raise if a shard is not the one that the root metadata list.

        Parameters
        ----------
        key : str
            Its name: array, ``c``, number, and zeros.
        again : bool, default False
            Look although it was as it should be before.

        Raises
        ------
        StoreError
            If it is missing, or of another size or ending.
        """
        if key in self._known and not again:
            return
        found = mark_of_file(self.folder / key)
        wanted = _wanted(self._listed, key)
        if wanted not in (None, found):
            self.check()
            # rows may have been added since the store was opened
            now = _listed(self.folder)
            last = _wanted(now, key, is_last=True) is not None
            wanted = _wanted(now, key)
            growing = last and found != "-" and (self.folder / GROWING).exists()
            if wanted not in (None, found, mark_of_file(self.folder / key)) and not growing:
                what = "is missing" if found == "-" else f"is {_told(found)}"
                should = "absent (nothing but fill values)" if wanted == "-" else _told(wanted)
                raise StoreError(
                    f"{self.folder / key} {what}, and the metadata of the store say that it should "
                    f"be {should}: the store is damaged, or another program changed it. Restore it "
                    "or build it again; if the change was meant, zarr.consolidate_metadata(path) "
                    "makes metadata that list no shards."
                )
        self._known.add(key)

    def check(self) -> None:
        """Raise if the store is not the one that was opened; to be called behind a read."""
        if self._state is None or _state(self._file) == self._state:
            return
        raise StoreError(
            f"{self.folder} was replaced or removed by another writer since it was opened here: "
            "what was read before and what lies there now may not belong together. Open it again "
            "with sd.open_zarr."
        )


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
        if "/c" in key:
            self.opened.check_shard(key, again=data is None)
        return data

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Read parts of objects."""
        key_ranges = list(key_ranges)
        data = await self._store.get_partial_values(prototype, key_ranges)
        self.opened.check()
        for (key, _), part in zip(key_ranges, data, strict=True):
            if "/c" in key:
                self.opened.check_shard(key, again=part is None)
        return data


class ListedStore(WrapperStore[Store]):
    """Read a store that is no folder, and miss the shards that its metadata list.

    Parameters
    ----------
    store : zarr Store
        Store to read through.
    listed : dict of str to list of str
        What tells the shards of each array.
    """

    def __init__(self, store: Store, listed: dict[str, list[str]]) -> None:
        super().__init__(store)
        self.listed = listed

    def __deepcopy__(self, memo: dict[int, object]) -> ListedStore:
        return self

    def _with_store(self, store: Store) -> ListedStore:
        return type(self)(store, self.listed)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read an object or a part of it."""
        data = await self._store.get(key, prototype, byte_range)
        wanted = _wanted(self.listed, key) if data is None and "/c" in key else None
        if wanted not in (None, "-"):
            raise StoreError(
                f"{key} of {self._store} is missing, and the metadata of the store say that it "
                f"should be {_told(wanted)}: the store is damaged. Restore it, or build it again."
            )
        return data


def listed_shards(root: Mapping[str, object]) -> dict[str, list[str]]:
    """Return what tells the shards of each array, as the root metadata of a store say."""
    consolidated = root.get("consolidated_metadata")
    shards = consolidated.get("shards") if isinstance(consolidated, Mapping) else None
    if not isinstance(shards, Mapping):
        return {}
    return {name: str(marks).split() for name, marks in shards.items()}


def _listed(folder: Path) -> dict[str, list[str]]:
    """Return what tells the shards of each array, as the root metadata of a folder say."""
    try:
        return listed_shards(json.loads((folder / _ROOT).read_bytes()))
    except (OSError, ValueError, AttributeError):
        return {}


def _wanted(listed: dict[str, list[str]], key: str, *, is_last: bool = False) -> str | None:
    """Return what tells a shard, None where nothing is listed; or only if it is the last one."""
    name, _, place = key.partition("/c")
    marks = listed.get(name)
    number = place.strip("/").split("/")[0] or "0"
    if marks is None or not number.isdigit() or (is_last and int(number) < len(marks) - 1):
        return None
    return marks[int(number)] if int(number) < len(marks) else "-"


def _told(mark: str | None) -> str:
    size, _, end = (mark or "").partition(":")
    return f"of {size} bytes that end in {end}"


def _state(file: Path) -> tuple[int, int, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
