"""The bytes of a FASTA file: mapped into memory, or unpacked block by block."""

from __future__ import annotations

import contextlib
import mmap
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import FastaError
from seqdata.readers import _fasta_index as fai
from seqdata.readers._gzip import BGZIP_END
from seqdata.readers._kernels import gather_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

# unpacked blocks that stay at hand
_BLOCKS_KEPT = 64


class PlainBytes:
    """A memory-mapped FASTA file."""

    # bytes of windows that are read, checked and passed on while the cache holds them
    piece = 1024 * 1024

    def __init__(self, path: Path) -> None:
        with path.open("rb") as handle:
            self._map = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        self.data = np.frombuffer(self._map, dtype=np.uint8)

    def gather(
        self,
        index: fai.FastaIndex,
        record: NDArray[np.int64],
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        lead: NDArray[np.int64],
        out: NDArray[np.uint8],
    ) -> int:
        """Copy windows of records into their rows, without the line ends.

        Parameters
        ----------
        index : FastaIndex
        record : ndarray of int64, shape (n,)
            Number of each window's record.
        start, stop, lead : ndarray of int64, shape (n,)
            Bounds in bp within the record, and columns before the first base.
        out : ndarray of uint8, shape (n, width)
            Receives the letters.

        Returns
        -------
        int
            -1, or the first window in which a line does not end where the index says.
        """
        bad = gather_lines(
            self.data, index.offset[record], index.bases[record], index.width[record],
            start, stop, lead, out,
        )  # fmt: skip
        return int(bad)

    def release(self) -> None:
        """Give the pages back: they stay in the system's cache, but no longer count as ours."""
        if hasattr(self._map, "madvise") and not self._map.closed:
            self._map.madvise(mmap.MADV_DONTNEED)

    def text(self, begin: int, end: int) -> bytes:
        """Return bytes of the file, as far as it goes."""
        return bytes(self._map[begin:end])

    def close(self) -> None:
        """Let the map go."""
        del self.data
        with contextlib.suppress(BufferError):
            self._map.close()


class BgzipBytes:
    """A bgzip file; each block is unpacked once for windows that lie close together."""

    # windows are read all at once, by position, so that no block is unpacked twice
    piece = 0

    def __init__(self, path: Path, blocks: Path) -> None:
        self.path = path
        self._packed, self._unpacked = fai.read_gzi(blocks, path)
        self._handle = path.open("rb")
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def gather(
        self,
        index: fai.FastaIndex,
        record: NDArray[np.int64],
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        lead: NDArray[np.int64],
        out: NDArray[np.uint8],
    ) -> int:
        """Copy windows of records into their rows, as `PlainBytes.gather` does."""
        bases, width = index.bases[record], index.width[record]
        offset = index.offset[record]
        first = offset + start // bases * width + start % bases
        last = np.maximum(stop - 1, start)
        behind = offset + last // bases * width + last % bases + 1
        for i in np.argsort(first, kind="stable"):
            if stop[i] <= start[i]:
                continue
            data = np.frombuffer(self._bytes(int(first[i]), int(behind[i])), dtype=np.uint8)
            row = slice(i, i + 1)
            origin = offset[row] - first[row]
            bad = gather_lines(
                data, origin, bases[row], width[row], start[row], stop[row], lead[row], out[row]
            )
            if bad >= 0:
                return int(i)
        return -1

    def text(self, begin: int, end: int) -> bytes:
        """Return bytes of the unpacked file, as far as it goes."""
        return self._bytes(begin, end, whole=False)

    def _bytes(self, begin: int, end: int, *, whole: bool = True) -> bytes:
        i = int(np.searchsorted(self._unpacked, begin, side="right")) - 1
        skip = begin - int(self._unpacked[i])
        parts = []
        held = 0
        while held < end - begin:
            block = self._block(i)
            if not block:
                if not whole:
                    break
                msg = f"{self.path} ends before its index does: it was cut short or replaced."
                raise FastaError(msg)
            parts.append(block[skip : skip + end - begin - held])
            held += len(parts[-1])
            skip = 0
            i += 1
        return b"".join(parts)

    def _block(self, i: int) -> bytes:
        if i in self._kept:
            self._kept.move_to_end(i)
            return self._kept[i]
        if i >= len(self._packed):
            return b""
        self._handle.seek(int(self._packed[i]))
        try:
            # a block takes 64 KiB at most, packed or not
            unpacker = zlib.decompressobj(wbits=31)
            data = self._handle.read(1 << 16)
            block = unpacker.decompress(data)
        except zlib.error as error:
            msg = f"{self.path}: a bgzip block is damaged ({error}). Fetch or pack the file again."
            raise FastaError(msg) from error
        place = [int(self._packed[i]) + len(data) - len(unpacker.unused_data)]
        place.append(int(self._unpacked[i]) + len(block))
        if i + 1 < len(self._packed):
            fits = place == [self._packed[i + 1], self._unpacked[i + 1]]
        else:
            self._handle.seek(place[0])
            fits = self._handle.read(len(BGZIP_END) + 1) in (b"", BGZIP_END)
        if not unpacker.eof or not fits:
            msg = f"The .gzi index of {self.path} does not fit it: delete the index and try again."
            raise FastaError(msg)
        self._kept[i] = block
        if len(self._kept) > _BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return block

    def release(self) -> None:
        """Do nothing: what is kept is small."""

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def __del__(self) -> None:
        # windows that are cut when they are used have no other end
        if hasattr(self, "_handle"):
            self._handle.close()
