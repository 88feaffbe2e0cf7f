"""Unpacking of zlib streams, by ISA-L where it is installed (on the usual processors)."""

from __future__ import annotations

import contextlib
import importlib
import zlib
from functools import cache
from typing import Any


@cache
def _isal() -> Any:
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return None


def inflate(data: bytes, most: int) -> bytes:
    """Unpack one zlib stream.

    Parameters
    ----------
    data : bytes
        The stream, whole.
    most : int
        Bytes that it may hold at most.

    Returns
    -------
    bytes

    Raises
    ------
    zlib.error
        If the stream is damaged, lacks its end or holds more.

    Examples
    --------
    >>> inflate(zlib.compress(b"ACGT"), 10)
    b'ACGT'
    """
    fast = _isal()
    if fast is not None:
        unpacker = fast.decompressobj()
        # what ISA-L does not take, zlib judges: the messages are the same with both
        with contextlib.suppress(fast.error):
            out: bytes = unpacker.decompress(data, most)
            if unpacker.eof:
                return out
    plain = zlib.decompressobj()
    out = plain.decompress(data, most)
    # the checksum stands at the end: without it the data prove nothing
    if not plain.eof:
        raise zlib.error("it does not end where the index says")
    return out
