"""Which codecs and types the arrays of a store may name.

A codec is looked up by its name and run over the bytes of a store; one of them unpickles them, and
others come with whatever is installed. So names are judged before anything is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from zarr.abc.store import Store

from seqdata.errors import StoreError
from seqdata.store._objects import get_json, names_in

# codecs of numcodecs that turn bytes into bytes or plain values, and never into code
_PLAIN = frozenset({
    "adler32", "astype", "base64", "bitround", "blosc", "bz2", "categorize", "crc32", "crc32c",
    "delta", "fixedscaleoffset", "fletcher32", "gzip", "jenkins_lookup3", "json2", "lz4", "lzma",
    "packbits", "pcodec", "quantize", "shuffle", "vlen-array", "vlen-bytes", "vlen-utf8", "zfpy",
    "zlib", "zstd",
})  # fmt: skip
# those of the Zarr v3 specification, and numcodecs' under the names that they have there
_CODECS = _PLAIN | {f"numcodecs.{name}" for name in _PLAIN}
_CODECS |= {"bytes", "endian", "sharding_indexed", "transpose"}
_TYPES = re.compile(
    r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)|string|bytes|r\d+|raw_bytes"
    r"|variable_length_(utf8|bytes)|fixed_length_utf32|null_terminated_bytes|struct(ured)?"
    r"|numpy\.(datetime64|timedelta64)"
)


def check_array(document: object, where: str) -> None:
    """Refuse the metadata of an array that names a codec or a type which is not known as harmless.

    Parameters
    ----------
    document : mapping
        ``zarr.json`` of an array of format 3, or ``.zarray`` of format 2.
    where : str
        Names the array in the message.

    Raises
    ------
    StoreError
        With the name.

    Examples
    --------
    >>> check_array({"zarr_format": 2, "dtype": "<f4", "compressor": {"id": "zstd"}}, "x")
    >>> try:
    ...     check_array({"zarr_format": 2, "dtype": "|O", "filters": [{"id": "pickle"}]}, "x")
    ... except StoreError as error:
    ...     print(str(error)[:39])
    x is packed with the codec 'pickle', wh
    """
    if not isinstance(document, Mapping):
        raise _damaged(where)
    if document.get("zarr_format") == 2:
        packed = [document.get("compressor"), *_list(document.get("filters"), where)]
        for codec in packed:
            if codec is not None:
                _check_codec(codec, "id", where)
        _check_dtype(document.get("dtype"), where, objects=any(packed))
        return
    kind = document.get("data_type")
    name = kind.get("name") if isinstance(kind, Mapping) else kind
    if not isinstance(name, str) or not _TYPES.fullmatch(name):
        msg = f"{where} holds values of type {name!r}, which is not read. Write it as plain numbers"
        raise StoreError(f"{msg} or text.")
    _check_chain(document.get("codecs"), where)


def _check_chain(codecs: object, where: str) -> None:
    for codec in _list(codecs, where):
        settings = _check_codec(codec, "name", where)
        for part in ("codecs", "index_codecs"):
            _check_chain(settings.get(part), where)


def _check_codec(codec: Any, key: str, where: str) -> Mapping[str, Any]:
    """Refuse a codec by its name, or by a type among its settings; return the settings."""
    if isinstance(codec, str):
        codec = {key: codec}
    name = codec.get(key) if isinstance(codec, Mapping) else None
    if name not in _CODECS:
        raise StoreError(
            f"{where} is packed with the codec {name!r}, which is not among those that are known "
            "to run no code of the file. Nothing was read. If you trust it, open it with the "
            "program that wrote it and pack it with one of: blosc, gzip, lz4, zlib, zstd."
        )
    settings = codec if key == "id" else codec.get("configuration") or {}
    if not isinstance(settings, Mapping):
        raise _damaged(where)
    for word in ("dtype", "astype", "encode_dtype", "decode_dtype", "text_dtype"):
        if settings.get(word) is not None:
            _check_dtype(settings[word], where, objects=name == "categorize")
    return settings


def _check_dtype(text: Any, where: str, *, objects: bool) -> None:
    """Refuse what is no type, and Python objects where no codec says what they are."""
    try:
        fields = [tuple(map(_tuples, part)) for part in text] if isinstance(text, list) else text
        dtype = np.dtype(fields)
    except (TypeError, ValueError, SyntaxError) as error:
        raise _damaged(where) from error
    if text is None or (dtype.hasobject and not (objects and dtype.kind == "O")):
        raise _damaged(where)


def _tuples(part: object) -> object:
    return tuple(part) if isinstance(part, list) else part


def _list(value: object, where: str) -> list[object]:
    if value is not None and not isinstance(value, list):
        raise _damaged(where)
    return value or []


def _damaged(where: str) -> StoreError:
    return StoreError(
        f"The metadata of {where} are not those of an array of numbers or text: the store is "
        "damaged. Restore it, or build it again."
    )


def check_store(store: Store, root: Mapping[str, object], where: str) -> None:
    """Judge every array of a store of format 3, as far as its metadata can be seen.

    Parameters
    ----------
    store : zarr Store
    root : mapping
        The document of its root.
    where : str
        Names the store in messages.

    Raises
    ------
    StoreError
        As :func:`check_array` says.
    """
    _check_node(root, where)
    seen = bool(root.get("consolidated_metadata"))
    if (
        root.get("node_type") == "group"
        and store.supports_listing
        and not (seen and _is_far(store))
    ):
        _check_below(store, "", where)


def _check_node(document: object, where: str) -> None:
    if not isinstance(document, Mapping) or not isinstance(document.get("attributes", {}), Mapping):
        raise _damaged(where)
    if document.get("node_type") != "group":
        # a bare array, or an array of format 2, which does not say what it is
        if "shape" in document or document.get("node_type") is not None:
            check_array(document, where)
        return
    inner = document.get("consolidated_metadata")
    known = {} if inner is None else inner.get("metadata") if isinstance(inner, Mapping) else None
    if not isinstance(known, Mapping):
        raise _damaged(where)
    for name, child in known.items():
        _check_node(child, f"{name!r} of {where}")


def _check_below(store: Store, prefix: str, where: str) -> None:
    for name in names_in(store, prefix):
        if name.startswith(".") or name == "zarr.json":
            continue
        path = f"{prefix}{name}"
        place = f"{path!r} of {where}"
        try:
            old = get_json(store, f"{path}/.zarray")
            new = get_json(store, f"{path}/zarr.json")
        except ValueError as error:
            raise _damaged(place) from error
        if old is not None:
            check_array({**old, "zarr_format": 2} if isinstance(old, Mapping) else old, place)
        if new is not None:
            _check_node(new, place)
            if new.get("node_type") == "group":
                _check_below(store, f"{path}/", where)


def _is_far(store: Store) -> bool:
    """Say whether listing a store asks a server for every array."""
    return "Fsspec" in type(getattr(store, "_store", store)).__name__
