"""Index files of packed formats: found beside the file, or built there or in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from seqdata._places import usable
from seqdata.errors import SeqdataError


def cache_dir(*, to_read: bool = False) -> Path:
    """Return the folder for things that can be made again (``EUGENE_CACHE_DIR`` overrides it)."""
    named = os.environ.get("EUGENE_CACHE_DIR")
    if named:
        return Path(named).expanduser()  # as asked: what cannot be written there is told
    return usable(Path(platformdirs.user_cache_dir("eugene")), to_read=to_read)


def cached_path(file: Path, folder: str, suffix: str) -> Path:
    """Return where the cache keeps what was made from a file in its present state.

    Parameters
    ----------
    file : Path
        The file; its place, size and time of change make the name.
    folder : str
        Folder inside the cache directory.
    suffix : str
        Ending of the name.

    Returns
    -------
    Path
    """
    stat = file.stat()
    key = f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return cache_dir() / folder / f"{file.name}.{digest}{suffix}"


def find_or_build(
    file: Path,
    beside: Sequence[Path],
    *,
    folder: str,
    suffix: str,
    build: Callable[[Path], object],
    error: type[SeqdataError],
    fault: Callable[[Path], str] = lambda index: "",
) -> Path:
    """Return a sound index that is no older than its file; build it where there is none.

    Parameters
    ----------
    file : Path
        The file to be read at random.
    beside : sequence of Path
        Where an index may stand; the first is where a new one goes.
    folder, suffix : str
        Folder of the cache and ending of the index in it, for when the first place cannot be
        written.
    build : callable
        Writes the index to the path it is given; OSError means that the place cannot be written.
    error : type
        What to raise if neither place can be written.
    fault : callable, optional
        Says what is wrong with an index, "" if nothing is. One with a fault is not used, and a
        warning says so.

    Returns
    -------
    Path
    """
    cached = cached_path(file, folder, suffix)
    time = file.stat().st_mtime
    for index in (*beside, cached):
        # an index older than its file points at what is no longer there
        if not index.is_file() or index.stat().st_mtime < time:
            continue
        found = fault(index)
        if not found:
            return index
        warnings.warn(
            f"{index} is damaged ({found}) and is not used: it is built again.",
            UserWarning,
            stacklevel=2,
        )
    try:
        return write_whole(beside[0], build)
    except OSError:
        pass
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(cached, build)
    except OSError as failure:
        msg = (
            f"Cannot write the index of {file}, neither beside it nor in {cached.parent}: "
            f"{failure}. Set EUGENE_CACHE_DIR to a folder that can be written."
        )
        raise error(msg) from failure


def write_whole(target: Path, write: Callable[[Path], object]) -> Path:
    """Write a file under another name first, so that nobody reads half of one.

    Parameters
    ----------
    target : Path
        Where the file goes.
    write : callable
        Writes the file to the path it is given.

    Returns
    -------
    Path
        ``target``.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(3)}")
    part.touch()
    try:
        write(part)
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return target
