"""Rows of the arrays that this package writes, unpacked from local shards into place.

zarr reads anything, by way of several copies. Arrays whose metadata is exactly what this package
writes are simple: whole rows, packed by zstd, in files that hold one chunk or an index of many.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
import numpy as np
from numcodecs.zstd import decompress
from numpy.typing import NDArray

from seqdata.errors import StoreError
from seqdata.store._opened import Opened

_PLAIN = {"bool", *(f"{kind}{bits}" for kind, bits in product(("int", "uint"), (8, 16, 32, 64)))}
_PLAIN |= {"float16", "float32", "float64"}
_NOWHERE = 2**64 - 1


class ShardReader:
    """An array of a local store, read file by file.

    The checksum of a chunk is looked at when it is read first, and again when its file has changed:
    it takes a tenth of an epoch.

    Parameters
    ----------
    folder : Path
        Folder of the array.
    document : mapping
        Its metadata, of the kind that :func:`shard_reader` looks for.
    opened : Opened
        The store as it was opened.
    """

    def __init__(self, folder: Path, document: dict[str, Any], opened: Opened) -> None:
        self.folder = folder
        self.opened = opened
        self.dtype = np.dtype(document["data_type"]).newbyteorder("<")
        self.shape: tuple[int, ...] = tuple(document["shape"])
        self.fill_value = np.asarray(document["fill_value"]).astype(self.dtype)
        self.file_rows = int(document["chunk_grid"]["configuration"]["chunk_shape"][0])
        first = document["codecs"][0]
        self.sharded = first["name"] == "sharding_indexed"
        self.chunk_rows = (
            int(first["configuration"]["chunk_shape"][0]) if self.sharded else self.file_rows
        )
        self.row_bytes = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        # per file: its state, and the chunks whose checksums were right in that state
        self._verified: dict[Path, tuple[tuple[int, int], set[int]]] = {}

    def __call__(self, slices: tuple[slice, ...]) -> NDArray[np.generic]:
        """Return the values between the bounds of each dimension."""
        low, high, _ = slices[0].indices(self.shape[0])
        out = np.empty((max(0, high - low), *self.shape[1:]), self.dtype)
        self.read_into(low, high, out)
        return out[(slice(None), *slices[1:])]

    def read_into(self, low: int, high: int, out: NDArray[np.generic]) -> None:
        """Read rows into an array.

        Parameters
        ----------
        low, high : int
            First row, and the one behind the last.
        out : ndarray, contiguous, of as many bytes as the rows
            Receives the values.

        Raises
        ------
        StoreError
            Where a file is damaged, or the store is another than was opened.
        """
        flat = out.reshape(-1).view(np.uint8)
        for number in range(low // self.file_rows, -(-high // self.file_rows)):
            begin = max(low, number * self.file_rows)
            end = min(high, (number + 1) * self.file_rows)
            part = flat[(begin - low) * self.row_bytes : (end - low) * self.row_bytes]
            first = begin - number * self.file_rows
            path = self.folder.joinpath("c", str(number), *["0"] * (len(self.shape) - 1))
            key = path.relative_to(self.folder.parent).as_posix()
            try:
                self.opened.check_shard(key)
                with path.open("rb", buffering=0) as file:
                    self._read_file(path, file, first, part)
            except FileNotFoundError:
                self.opened.check_shard(key, again=True)
                part.view(self.dtype)[...] = self.fill_value
            except StoreError:
                self.opened.check()
                raise
        self.opened.check()

    def _read_file(self, path: Path, file: BinaryIO, first: int, out: NDArray[np.uint8]) -> None:
        """Read the rows of one file from ``first`` on, as many as there is room for."""
        state = os.fstat(file.fileno())
        identity = state.st_size, state.st_mtime_ns
        known, verified = self._verified.get(path, (identity, set()))
        if known != identity:
            verified = set()
        size = self.chunk_rows * self.row_bytes
        at, end = first * self.row_bytes, first * self.row_bytes + len(out)
        places = list(self._places(path, file, state.st_size))
        for i in range(at // size, -(-end // size)):
            low, high = max(at, i * size), min(end, (i + 1) * size)
            part = out[low - at : high - at]
            offset, length = places[i]
            if offset == length == _NOWHERE:
                part.view(self.dtype)[...] = self.fill_value
                continue
            file.seek(offset)
            packed = file.read(length)
            try:
                if len(packed) != length or _content_size(packed) != size:
                    raise ValueError("it is cut short, or of another size")
                if i in verified:
                    packed = _without_checksum(packed)
                if len(part) == size:
                    decompress(packed, part)
                else:
                    values = np.frombuffer(decompress(packed), np.uint8)
                    part[...] = values[low - i * size : high - i * size]
            except (RuntimeError, ValueError) as error:
                raise StoreError(
                    f"{path}: chunk {i} does not unpack to the {size} bytes it should hold "
                    f"({error}). The file is damaged: restore it, or build the store again."
                ) from error
            verified.add(i)
        self._verified[path] = identity, verified

    def _places(self, path: Path, file: BinaryIO, total: int) -> Iterator[tuple[int, int]]:
        """Yield offset and length (bytes) of the chunks of a file of ``total`` bytes."""
        if not self.sharded:
            yield 0, total
            return
        n = self.file_rows // self.chunk_rows
        file.seek(max(0, total - 16 * n - 4))
        index = file.read(16 * n + 4)
        if len(index) != 16 * n + 4 or google_crc32c.value(index[:-4]) != int.from_bytes(
            index[-4:], "little"
        ):
            raise StoreError(
                f"{path}: the index of its {n} chunks does not agree with its checksum. The file "
                "is damaged: restore it, or build the store again."
            )
        places = np.frombuffer(index[:-4], "<u8")
        yield from zip(places[::2].tolist(), places[1::2].tolist(), strict=True)


def shard_reader(store: Path, name: str, opened: Opened | None = None) -> ShardReader | None:
    """Return a reader of an array, or None where its metadata is not what this package writes.

    Parameters
    ----------
    store : Path
        Local folder of a store.
    name : str
        Name of the array.
    opened : Opened, optional
        The store as it was opened; by default as it is now.

    Returns
    -------
    ShardReader or None
    """
    try:
        document = json.loads((store / name / "zarr.json").read_bytes())
        opened = opened or Opened(store)
        return ShardReader(store / name, document, opened) if _is_ours(document) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _is_ours(document: dict[str, Any]) -> bool:
    """Return whether an array is packed by zstd in whole rows, in shards or not."""
    shape = document["shape"]
    codecs = document["codecs"]
    chunk = file = document["chunk_grid"]["configuration"]["chunk_shape"]
    if codecs[0]["name"] == "sharding_indexed":
        packing = codecs[0]["configuration"]
        names = [codec["name"] for codec in packing["index_codecs"]]
        if (
            len(codecs) != 1
            or packing["index_location"] != "end"
            or names != ["bytes", "crc32c"]
            or packing["index_codecs"][0]["configuration"]["endian"] != "little"
        ):
            return False
        codecs, chunk = packing["codecs"], packing["chunk_shape"]
    ends = document["chunk_key_encoding"]
    return (
        document["data_type"] in _PLAIN
        and document["chunk_grid"]["name"] == "regular"
        and (ends["name"], ends["configuration"]) == ("default", {"separator": "/"})
        and not document.get("storage_transformers")
        and [codec["name"] for codec in codecs] == ["bytes", "zstd"]
        and codecs[0].get("configuration", {}).get("endian", "little") == "little"
        and codecs[1]["configuration"]["checksum"] is True
        and len(shape) > 0
        and 0 not in shape[1:]
        and file[1:] == chunk[1:] == shape[1:]
        and file[0] % chunk[0] == 0
    )


def _content_size(frame: bytes) -> int:
    """Return the bytes a zstd frame says that it unpacks to, -1 if it does not say.

    See RFC 8878, section 3.1.1.1: four bytes of magic, a byte that describes the header, a window
    size unless the frame is one segment, the number of a dictionary, the size.
    """
    if len(frame) < 6:
        return -1
    flags = frame[4]
    one_segment = flags >> 5 & 1
    width = (one_segment, 2, 4, 8)[flags >> 6]
    if not width:
        return -1
    begin = 6 - one_segment + (0, 1, 2, 4)[flags & 3]
    return int.from_bytes(frame[begin : begin + width], "little") + 256 * (width == 2)


def _without_checksum(frame: bytes) -> bytes:
    """Return a zstd frame without the checksum of its content, which takes its last four bytes.

    See RFC 8878, section 3.1.1: bit 2 of the byte that describes the header says that there is one.
    """
    if not frame[4] & 4:
        return frame
    return frame[:4] + bytes([frame[4] & ~4]) + frame[5:-4]
