"""The folder in which a build grows: one builder at a time, and taken up again after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seqdata.errors import StoreError
from seqdata.schema import SCHEMA_VERSION, versions
from seqdata.store import _shards
from seqdata.store._content import content_of
from seqdata.store._leftovers import working_path
from seqdata.store._lock import FileLock
from seqdata.store._objects import StoreLike, local_path

logger = logging.getLogger(__name__)


class UnfinishedBuild:
    """Hold the working folder of a build, with what an earlier, killed one finished in it.

    The folder ``.{name}.building`` beside the target holds ``lock`` (who builds), ``journal`` (one
    JSON document a line: the job, what was learned on the way, every finished shard with its size)
    and ``store``. A shard counts as finished once the journal says so and its size is right;
    everything else is removed when the folder is taken up again. A journal of another job makes
    the build start afresh.

    Parameters
    ----------
    target : Path
        Place of the store to come.
    job : str
        Fingerprint of all that decides the bytes of the store (see :func:`fingerprint`).
    resume : bool, default True
        Take up what is there, if it is of the same job.
    overwrite : bool, default False
        Whether the store will replace one that is there.

    Attributes
    ----------
    store : Path
        Folder of the store to come.
    notes : dict
        What the earlier build learned on the way.
    moved : bool
        Whether the earlier build was killed when its store was in place already.

    Raises
    ------
    StoreError
        If another process builds the same store, the folder cannot be written, or a store is
        there that is not to be replaced.
    """

    def __init__(
        self, target: Path, job: str, *, resume: bool = True, overwrite: bool = False
    ) -> None:
        self.target = target
        self.folder = target.with_name(f".{target.name}.building")
        self.store = self.folder / "store"
        self.notes: dict[str, object] = {}
        self._sizes: dict[str, dict[int, int]] = {}
        self._lock = _lock(target).acquire()
        entries = self._entries() if resume else []
        self.moved = False
        if entries and entries[0] == {"job": job}:
            self.moved = not self.store.exists() and is_taken(target)
        else:
            entries = []
        if is_taken(target) and not (overwrite or self.moved):
            if not (self.folder / "journal").exists():  # the lock alone made the folder
                _remove(self.folder, target)
            self._lock.release()
            raise already_there(target)
        if not entries or not (self.moved or self.store.is_dir()):
            entries = [{"job": job}]
            self._clear()
        self._take_up(entries)

    def done(self, name: str) -> int:
        """Return how many shards of an array are finished, counted from the first."""
        sizes = self._sizes.get(name, {})
        count = 0
        while count in sizes:
            count += 1
        return count

    def note(self, key: str, value: object) -> None:
        """Keep something learned on the way, which the next try need not learn again."""
        self.notes[key] = value
        self._write({"note": [key, value]})

    def finished(self, name: str, key: str, index: int, size: int) -> None:
        """Keep that a shard is in the store, with its size in bytes."""
        self._sizes.setdefault(name, {})[index] = size
        self._write({"shard": [name, key, index, size]})

    def remove(self) -> None:
        """Remove the folder and let go of the lock."""
        self._journal.close()
        _remove(self.folder, self.target)
        self._lock.release()

    def leave(self) -> None:
        """Let go of the lock and leave the folder to the next try."""
        self._journal.close()
        self._lock.release()

    def _entries(self) -> list[dict[str, object]]:
        """Read the journal up to the line in which a kill may have cut it off."""
        try:
            lines = (self.folder / "journal").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return []
        entries = []
        for line in lines:
            entry = _parsed(line)
            if entry is None:
                break
            entries.append(entry)
        return entries

    def _clear(self) -> None:
        (self.folder / "journal").unlink(missing_ok=True)
        shutil.rmtree(self.store, ignore_errors=True)
        self.store.mkdir()

    def _take_up(self, entries: Sequence[dict[str, Any]]) -> None:
        kept = []
        files = set()
        for entry in entries:
            if "shard" in entry:
                name, key, index, size = entry["shard"]
                file = self.store / key
                if (file.stat().st_size if file.is_file() else 0) != size:
                    continue
                self._sizes.setdefault(name, {})[index] = size
                files.add(file)
            elif "note" in entry:
                self.notes[entry["note"][0]] = entry["note"][1]
            kept.append(entry)
        for file in [] if self.moved else list(self.store.rglob("*")):
            if file.is_file() and file not in files:
                file.unlink()
        draft = self.folder / "journal.draft"
        draft.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")
        draft.replace(self.folder / "journal")
        self._journal = (self.folder / "journal").open("a", encoding="utf-8")
        if files:
            logger.info("%s: %d finished shards are taken up again", self.target, len(files))

    def _write(self, entry: Mapping[str, object]) -> None:
        self._journal.write(json.dumps(entry) + "\n")
        self._journal.flush()


def _parsed(line: str) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def is_taken(target: Path) -> bool:
    """Say whether something is at a place; an empty folder, as temporary ones are, is nothing."""
    return target.exists() and not (target.is_dir() and not any(target.iterdir()))


def already_there(target: Path) -> StoreError:
    """Return the error for a store that is there and not to be replaced."""
    return StoreError(f"{target} exists. Pass overwrite=True to replace it, or another path.")


def cannot_write(target: Path, error: OSError) -> StoreError:
    """Return the error for a place where no folder can be made."""
    return StoreError(
        f"Cannot write beside {target}: {error.strerror or error}. "
        "Pass a path in a folder that can be written."
    )


@contextlib.contextmanager
def lock_of(target: StoreLike) -> Iterator[None]:
    """Keep other writers away from a store; what a killed build left of it is removed.

    Parameters
    ----------
    target : str, Path or zarr Store
        Place of the store. Stores that are no local folders have no lock.

    Raises
    ------
    LockedError
        If another process or thread builds, replaces or extends it.
    """
    path = local_path(target)
    if path is None:
        yield
        return
    path = path.resolve()
    lock = _lock(path)
    with lock:
        try:
            yield
        finally:
            _remove(lock.file.parent, path)


def _lock(target: Path) -> FileLock:
    folder = target.with_name(f".{target.name}.building")
    return FileLock(folder / "lock", f"{target} is being built")


def _remove(folder: Path, target: Path) -> None:
    """Remove a folder in one step for those who look, then file by file."""
    away = working_path(target, "building")
    try:
        folder.rename(away)
    except OSError:
        away = folder
    shutil.rmtree(away, ignore_errors=True)


def job_of(readers: Sequence[object], files: Sequence[str], **options: object) -> str:
    """Return the fingerprint of a build: its inputs, arguments, and the software.

    Parameters
    ----------
    readers : sequence
        Readers, with all their settings and the source of their classes.
    files : sequence of str
        Files read; what they hold counts, and their times of change.
    **options
        Everything else that decides what is written.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    paths = [Path(file).resolve() for file in files]
    return fingerprint(
        {
            "versions": {**versions(), "schema": SCHEMA_VERSION},
            "layout": [getattr(_shards, name) for name in dir(_shards) if name.isupper()],
            "readers": [(_source_of(type(reader)), reader) for reader in readers],
            "files": [(str(path), path.stat().st_mtime_ns, content_of(path)) for path in paths],
            "options": options,
        }
    )


def fingerprint(value: object) -> str:
    """Return a checksum of plain data, arrays, tables, and objects by their state.

    Equal values have the same checksum in every process. An object whose state cannot be seen
    counts as different each time, so a build with it starts afresh rather than going on wrongly.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> fingerprint({"a": np.arange(3)}) == fingerprint({"a": np.arange(3)})
    True
    >>> fingerprint([1, "a"]) == fingerprint([1, "b"])
    False
    """
    sums = hashlib.sha256()
    _feed(sums, value, ())
    return sums.hexdigest()


def _feed(sums: hashlib._Hash, value: object, above: tuple[int, ...]) -> None:
    kind = type(value)
    sums.update(f"<{kind.__module__}.{kind.__qualname__}>".encode())
    if id(value) in above:
        return
    above = (*above, id(value))
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        sums.update(f"{value.dtype.str}{value.shape}".encode())
        sums.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    elif isinstance(value, np.ndarray):
        sums.update(repr(value.tolist()).encode())
    elif isinstance(value, (pd.DataFrame, pd.Series)):
        _feed(sums, value.to_dict(), above)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _feed(sums, key, above)
            _feed(sums, item, above)
    elif isinstance(value, (set, frozenset)):
        sums.update(repr(sorted(map(repr, value))).encode())
    elif isinstance(value, (list, tuple)):
        for item in value:
            _feed(sums, item, above)
    elif isinstance(value, (str, bytes, int, float, complex, Path, np.dtype, np.generic, type)):
        sums.update(repr(value).encode())
    elif value is not None:
        try:
            state = value.__getstate__()
        except TypeError:
            state = None
        if state is None:
            sums.update(repr(value).encode())
        else:
            _feed(sums, state, above)
    sums.update(b"<>")


def _source_of(kind: type) -> list[str]:
    """Return the source of a class and of those that it derives from."""
    found = []
    for one in kind.__mro__:
        with contextlib.suppress(OSError, TypeError):
            found.append(inspect.getsource(one))
    return found
