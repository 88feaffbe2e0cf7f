"""Files that may be packed with gzip, told by their first bytes."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast

# the empty block that closes every bgzip file (SAM specification, section 4.1.2)
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def is_gzip(file: Path) -> bool:
    """Say whether a file starts as gzip does."""
    with file.open("rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def is_bgzip(file: Path) -> bool:
    """Say whether a gzip file is cut into blocks (bgzip), so that it can be read at random."""
    with file.open("rb") as handle:
        head = handle.read(18)
    return len(head) == 18 and head[:4] == b"\x1f\x8b\x08\x04" and head[12:14] == b"BC"


def check_bgzip_end(file: Path) -> None:
    """Raise ``gzip.BadGzipFile`` if a bgzip file lacks the block that closes it.

    Cut between two blocks, such a file unpacks without complaint.
    """
    with file.open("rb") as handle:
        handle.seek(max(0, file.stat().st_size - len(BGZIP_END)))
        if handle.read() != BGZIP_END:
            raise gzip.BadGzipFile("the end mark of bgzip is missing: cut short?")


def open_unpacked(file: Path) -> BinaryIO:
    """Open a file for reading bytes, those inside if it is packed (bgzip and joined files too).

    Raises ``gzip.BadGzipFile`` if a bgzip file lacks its end.
    """
    if not is_gzip(file):
        return file.open("rb")
    if is_bgzip(file):
        check_bgzip_end(file)
    return cast(BinaryIO, gzip.open(file, "rb"))


def read_all(file: Path) -> bytes:
    """Return all bytes of a file, those inside if it is packed."""
    with open_unpacked(file) as handle:
        return handle.read()
