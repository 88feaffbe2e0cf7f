"""Files that may be packed with gzip, told by their first bytes."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast


def is_gzip(file: Path) -> bool:
    """Say whether a file starts as gzip does."""
    with file.open("rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def open_unpacked(file: Path) -> BinaryIO:
    """Open a file for reading bytes, those inside if it is packed (bgzip and joined files too)."""
    if is_gzip(file):
        return cast(BinaryIO, gzip.open(file, "rb"))
    return file.open("rb")
