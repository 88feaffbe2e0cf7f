"""Unpacking gives what zlib gives, whatever unpacks."""

from __future__ import annotations

import sys
import types
import zlib

import numpy as np
import pytest

from seqdata.readers import _inflate
from seqdata.readers._inflate import inflate


class _RefusesError(Exception):
    pass


class _Unpacker:
    """Stands for a library that takes no stream, or ends too early."""

    eof = False

    def __init__(self, *, refuses: bool) -> None:
        self.refuses = refuses

    def decompress(self, data: bytes, most: int) -> bytes:
        if self.refuses:
            raise _RefusesError
        return b"wrong"


@pytest.fixture(params=["none", "installed", "refuses", "short"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "installed":
        pytest.importorskip("isal")
        return request.param
    fake = None
    if request.param != "none":
        fake = types.SimpleNamespace(
            error=_RefusesError,
            decompressobj=lambda: _Unpacker(refuses=request.param == "refuses"),
        )
    monkeypatch.setattr(_inflate, "_isal", lambda: fake)
    return request.param


@pytest.mark.parametrize("size", [0, 1, 100, 12_288, 786_444])
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_same_bytes(engine: str, size: int, level: int) -> None:
    data = np.random.default_rng(size).integers(0, 9, size, dtype=np.uint8).tobytes()
    assert inflate(zlib.compress(data, level), 786_444) == data


@pytest.mark.parametrize(
    "damage",
    [lambda x: x[:-1], lambda x: x[:-4] + b"abcd", lambda x: b"", lambda x: b"no zlib" + x],
)
def test_damaged(engine: str, damage: object) -> None:
    packed = zlib.compress(b"ACGT" * 500)
    with pytest.raises(zlib.error):
        inflate(damage(packed), 10_000)


def test_more_than_allowed(engine: str) -> None:
    with pytest.raises(zlib.error, match="does not end"):
        inflate(zlib.compress(bytes(10_000_000)), 1000)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    assert _inflate._isal.__wrapped__() is None
