"""Index files of packed formats: found beside the file, or built there or in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from seqdata._told import tell
from seqdata._whole import whole_files
from seqdata.errors import SeqdataError
from seqdata.readers._places import usable
from seqdata.store._content import content_of

# bytes of a file whose index is built as fast as one that is there can be judged
_SMALL = 32 << 20


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
        The file; its place, its time of change and what it holds make the name.
    folder : str
        Folder inside the cache directory.
    suffix : str
        Ending of the name.

    Returns
    -------
    Path
    """
    key = f"{file.resolve()}|{file.stat().st_mtime_ns}|{content_of(file)}"
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
    fault: Callable[[Path, bool], str],
) -> Path:
    """Return a sound index of a file; build it where there is none.

    That an index is no older than its file does not make it the file's own. One that stands beside
    a large file is looked at in many places; beside a small one, it is built anew in the cache,
    which costs no more.

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
    fault : callable
        Says what is wrong with an index, "" if nothing is; its second argument says whether the
        index may be one of another file. One with a fault is not used, and a warning says so.

    Returns
    -------
    Path
    """
    cached = cached_path(file, folder, suffix)
    stat = file.stat()
    there: list[Path] = []
    sound: list[Path] = []
    for index in (*beside, cached):
        # an index older than its file points at what is no longer there
        if not index.is_file() or index.stat().st_mtime < stat.st_mtime:
            continue
        found = fault(index, index != cached)
        if not found and (index == cached or stat.st_size > _SMALL):
            return index
        there.append(index)
        if not found:
            sound.append(index)
        else:
            tell(
                f"{index} is damaged, or of another file than {file.name} ({found}), and is not "
                "used: it is built again."
            )
    if not there:
        with contextlib.suppress(OSError):
            return write_whole(beside[0], build)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(cached, build)
    except OSError as failure:
        if sound:
            return sound[0]
        raise error(
            f"Cannot write the index of {file}, neither beside it nor in {cached.parent}: "
            f"{failure}. Set EUGENE_CACHE_DIR to a folder that can be written."
        ) from failure


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
    with whole_files([target]) as (part,):
        part.touch()
        write(part)
    return target
