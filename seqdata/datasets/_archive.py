"""Unpack archives that cannot write outside their folder."""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from seqdata.errors import ArchiveError, DiskFullError, SeqdataError, is_disk_full, require_file

_CHUNK = 1 << 20
# an archive may unpack to a GiB, or to so many times its size, and hold so many members
_BYTES, _TIMES, _MEMBERS = 1 << 30, 200, 1_000_000
# what the readers of the standard library raise over bytes that make no sense to them
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
    OSError, ValueError, OverflowError, RuntimeError,
)  # fmt: skip
# (name in the archive, is a folder, bytes, how to read it)
_Member = tuple[str, bool, int, Callable[[], IO[bytes] | None]]


def extract(archive: str | Path, folder: str | Path) -> Path:
    """Unpack a zip or tar archive.

    Every member is judged before the first is written: one that names a parent folder, an
    absolute path or a drive, and any link or device, makes the archive refused as a whole. What
    is unpacked appears in one step, when all of it is there.

    Parameters
    ----------
    archive : str or Path
        ``.zip``, ``.tar``, ``.tar.gz``, ``.tar.bz2`` or ``.tar.xz``.
    folder : str or Path
        Folder to make; it must not exist.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArchiveError
        If the archive is damaged or not one, a member is refused, or the folder is there.
    DiskFullError
        If there is no room.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with zipfile.ZipFile(f"{place}/a.zip", "w") as out:
    ...         out.writestr("data/x.txt", "ACGT")
    ...     made = extract(f"{place}/a.zip", f"{place}/a")
    ...     (made / "data" / "x.txt").read_text()
    'ACGT'
    """
    source, goal = require_file(archive, "Archive"), Path(folder)
    if goal.exists():
        raise ArchiveError(f"{goal} exists. Remove it, or unpack {source} elsewhere.")
    goal.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{goal.name}-", dir=goal.parent))
    try:
        try:
            if zipfile.is_zipfile(source):
                with zipfile.ZipFile(source) as packed:
                    _write(source, [*_bounded(source, _zip_members(source, packed))], draft)
            else:
                with tarfile.open(source) as packed_tar:
                    _write(source, [*_bounded(source, _tar_members(source, packed_tar))], draft)
        except SeqdataError:
            raise
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            msg = f"{source} is damaged, or no zip or tar archive: {error}. Download it again."
            raise ArchiveError(msg) from error
        draft.chmod(0o755)
        draft.rename(goal)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(f"No room to unpack {source} in {goal.parent}.") from error
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return goal


def _most(source: Path) -> int:
    """Return how many bytes a packed file may unpack to."""
    return max(_BYTES, _TIMES * source.stat().st_size)


def _too_large(source: Path) -> ArchiveError:
    size = source.stat().st_size
    return ArchiveError(
        f"{source} has {size:,} bytes and unpacks to more than {_most(source):,}, which no data "
        "do: nothing was kept. If you trust it, unpack it by hand."
    )


def _bounded(source: Path, members: Iterator[_Member]) -> Iterator[_Member]:
    """Yield members as long as they are not absurdly many or large."""
    total = 0
    for i, member in enumerate(members):
        total += member[2]
        if total > _most(source) or i >= _MEMBERS:
            raise _too_large(source)
        yield member


def _inside(source: Path, name: str) -> PurePosixPath:
    """Return the path of a member, or refuse it."""
    parts = PurePosixPath(name.replace("\\", "/"))
    windows = PureWindowsPath(name)
    if parts.is_absolute() or windows.drive or windows.root or ".." in parts.parts:
        problem = "leads out of its folder"
    elif "\0" in name or not parts.parts:
        problem = "is no file name"
    else:
        return parts
    raise ArchiveError(f"{source} holds a member {name!r} that {problem}; nothing was unpacked.")


def _refuse(source: Path, name: str, what: str) -> ArchiveError:
    return ArchiveError(f"{source} holds {name!r}, {what}; nothing was unpacked.")


def _tar_members(source: Path, packed: tarfile.TarFile) -> Iterator[_Member]:
    for member in packed:
        if member.issym() or member.islnk():
            raise _refuse(source, member.name, f"a link to {member.linkname!r}")
        if not (member.isfile() or member.isdir()):
            raise _refuse(source, member.name, "which is neither a file nor a folder")
        yield (
            member.name, member.isdir(), member.size,
            lambda member=member: packed.extractfile(member),  # type: ignore[misc]
        )  # fmt: skip


def _zip_members(source: Path, packed: zipfile.ZipFile) -> Iterator[_Member]:
    for member in packed.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise _refuse(source, member.filename, "a link")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refuse(source, member.filename, "which is neither a file nor a folder")
        # zipfile itself cuts what follows a NUL, so the stored name is judged
        yield (
            member.orig_filename, member.is_dir(), member.file_size,
            lambda member=member: packed.open(member),  # type: ignore[misc]
        )  # fmt: skip


def _write(source: Path, members: list[_Member], folder: Path) -> None:
    places = [_inside(source, name) for name, *_ in members if name.rstrip("/") != "."]
    members = [member for member in members if member[0].rstrip("/") != "."]
    total, free = sum(size for _, _, size, _ in members), shutil.disk_usage(folder).free
    if total > free:
        msg = f"{source} unpacks to {total:,} bytes, and {folder.parent} has {free:,} free."
        raise DiskFullError(msg)
    for (name, is_folder, size, opened), place in zip(members, places, strict=True):
        path = folder.joinpath(*place.parts)
        try:
            (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
            out = None if is_folder else path.open("xb")
        except (FileExistsError, NotADirectoryError) as error:
            raise _refuse(source, name, "a name that is taken twice") from error
        if out is None:
            continue
        with out:
            content = opened()
            if content is None:
                raise _refuse(source, name, "which cannot be read")
            with content:
                _copy(source, name, content, out, size)


def _copy(source: Path, name: str, content: IO[bytes], out: IO[bytes], size: int) -> None:
    """Copy a member, and no more bytes than it declares."""
    done = 0
    while chunk := content.read(_CHUNK):
        done += len(chunk)
        if done > size:
            break
        out.write(chunk)
    if done != size:
        raise ArchiveError(f"{source}: {name!r} does not have the {size:,} bytes that it declares.")


def unpack_gzip(packed: str | Path, path: str | Path) -> Path:
    """Unpack one gzip file; the result appears when it is whole.

    Parameters
    ----------
    packed : str or Path
        Gzip or bgzip file.
    path : str or Path
        File to write.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ArchiveError
        If the file is cut off or no gzip file.
    """
    source, goal = require_file(packed, "gzip"), Path(path)
    goal.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{goal.name}-", dir=goal.parent) as place:
        draft = Path(place) / goal.name
        try:
            with gzip.open(source, "rb") as content, draft.open("wb") as out:
                while chunk := content.read(_CHUNK):
                    out.write(chunk)
                    if out.tell() > _most(source):
                        raise _too_large(source)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            msg = f"{source} is cut off or no gzip file: {error}. Download it again."
            raise ArchiveError(msg) from error
        except OSError as error:
            if is_disk_full(error):
                raise DiskFullError(f"No room to unpack {source} in {goal.parent}.") from error
            raise
        draft.replace(goal)
    return goal
