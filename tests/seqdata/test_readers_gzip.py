"""Telling packed files from plain ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from seqdata.readers._gzip import is_gzip, open_unpacked


@pytest.mark.parametrize(
    ("data", "packed"),
    [
        (b"", False),
        (b"\x1f", False),
        (b"ACGT\n", False),
        (gzip.compress(b"ACGT\n", mtime=0), True),
        (gzip.compress(b"AC", mtime=0) + gzip.compress(b"GT\n", mtime=0), True),
    ],
    ids=["empty", "one byte", "text", "one member", "two members"],
)
def test_any_name(tmp_path: Path, data: bytes, packed: bool) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(data)
    assert is_gzip(path) is packed
    with open_unpacked(path) as handle:
        assert handle.read() == (b"ACGT\n" if packed else data)
