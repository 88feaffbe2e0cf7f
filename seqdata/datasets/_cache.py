"""Where downloads are kept, which checksums were pinned, and who may write."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seqdata.errors import DownloadError

logger = logging.getLogger(__name__)

LOCK_SECONDS = 3600.0
_POLL_SECONDS = 0.05


def datasets_dir(cache_dir: str | Path | None = None) -> Path:
    """Return the folder of downloads and built datasets.

    Parameters
    ----------
    cache_dir : str or Path, optional
        By default ``EUGENE_CACHE_DIR``, else the user's cache folder.

    Returns
    -------
    Path

    Examples
    --------
    >>> datasets_dir("/tmp/x").as_posix()
    '/tmp/x/datasets'
    """
    from seqdata.readers._index_files import cache_dir as default_dir

    if cache_dir is not None:
        return Path(cache_dir).expanduser() / "datasets"
    return default_dir(to_read=True) / "datasets"


def write_json(path: Path, tree: object) -> None:
    """Write a JSON file so that a reader sees all of it or none.

    Parameters
    ----------
    path : Path
        Where to.
    tree : Any
        What JSON can hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf8") as out:
            json.dump(tree, out, indent=1, sort_keys=True)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a missing or damaged file is an empty one.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
    """
    try:
        tree = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return {}
    return tree if isinstance(tree, dict) else {}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _stamp_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256.json")


def stamp(path: Path, sha256: str) -> None:
    """Note the checksum of a file beside it, with the size and time it was taken at."""
    stat = path.stat()
    write_json(
        _stamp_path(path), {"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    )


def known_sha256(path: Path) -> str:
    """Return the checksum of a file, from the note beside it if the file has not changed since.

    Parameters
    ----------
    path : Path
        Existing file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    stat, note = path.stat(), read_json(_stamp_path(path))
    if (note.get("size"), note.get("mtime_ns")) == (stat.st_size, stat.st_mtime_ns):
        return str(note["sha256"])
    found = sha256_of(path)
    with suppress(OSError):
        stamp(path, found)
    return found


def discard(path: Path) -> None:
    """Remove a downloaded file with its note."""
    path.unlink(missing_ok=True)
    _stamp_path(path).unlink(missing_ok=True)


class Pins:
    """Checksums that were not known beforehand, as they were when a file first came.

    Parameters
    ----------
    folder : Path
        Folder of downloads.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pins = Pins(Path(folder))
    ...     pins.add("x/a.tsv", "0" * 64)
    ...     pins.get("x/a.tsv") == "0" * 64, pins.get("x/b.tsv")
    (True, None)
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pins.json"

    def get(self, key: str) -> str | None:
        """Return the checksum pinned for a file, or None."""
        found = read_json(self.path).get(key)
        return None if found is None else str(found)

    def add(self, key: str, sha256: str) -> None:
        """Pin a checksum; one that is pinned already stays."""
        with locked(self.path):
            write_json(self.path, {key: sha256, **read_json(self.path)})

    def drop(self, key: str) -> None:
        """Forget a checksum."""
        with locked(self.path):
            write_json(self.path, {k: v for k, v in read_json(self.path).items() if k != key})


@contextmanager
def locked(path: Path, *, seconds: float | None = None) -> Iterator[None]:
    """Keep other processes from making the same file.

    The lock is held by the system, so one that dies gives it back.

    Parameters
    ----------
    path : Path
        What is being made.
    seconds : float, optional
        How long to wait for another; an hour by default.

    Raises
    ------
    DownloadError
        If another process holds it that long, or the folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        raise DownloadError(
            f"Cannot write in {path.parent}: {error.strerror or error}. Set EUGENE_CACHE_DIR to a "
            "folder that can be written, or pass cache_dir."
        ) from error
    limit = time.monotonic() + (LOCK_SECONDS if seconds is None else seconds)
    told = False
    with lock.open("a+b") as handle:
        while not _try_lock(handle.fileno()):
            if not told:
                logger.info("waiting for another process that makes %s", path)
                told = True
            if time.monotonic() > limit:
                raise DownloadError(
                    f"Another process has held {lock} all the time. If none is at work on "
                    f"{path}, end the one that hangs and try again."
                )
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            _unlock(handle.fileno())


if sys.platform == "win32":
    import msvcrt

    def _try_lock(number: int) -> bool:
        os.lseek(number, 0, os.SEEK_SET)
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(number: int) -> None:
        os.lseek(number, 0, os.SEEK_SET)
        msvcrt.locking(number, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(number: int) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_UN)
