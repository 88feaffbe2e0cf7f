"""The BigWig format, read with every number checked before it is used."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np

from seqdata.errors import TrackError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = 0x888FFC26
_CONTIG_MAGIC = 0x78CA8C91
_INDEX_MAGIC = 0x2468ACE0
_SECTION = 24
# a section counts its items in 16 bits, 12 bytes each at most
_MOST_BYTES = _SECTION + 65_535 * 12


@dataclass(frozen=True)
class _Blocks:
    """Data blocks of one contig, in order: bounds (bp), and place and size in the file (bytes)."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]


class BigWigFile:
    """A BigWig file open for reading.

    Contigs and the index of data blocks are read at once; a block is unpacked once for all the
    windows that touch it.

    Parameters
    ----------
    path : Path
        BigWig file.

    Raises
    ------
    TrackError
        If the file is no BigWig, damaged or cut short.

    References
    ----------
    Kent et al. 2010, doi:10.1093/bioinformatics/btq351
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = path.open("rb")
        self._size = os.fstat(self._handle.fileno()).st_size
        try:
            self._read_head()
        except BaseException:
            self._handle.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def paint(
        self,
        contig: str,
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        lead: NDArray[np.int64],
        out: NDArray[np.float32],
    ) -> None:
        """Write the values of windows on one contig into zeroed rows.

        Parameters
        ----------
        contig : str
            Contig of the file.
        start, stop : ndarray of int64, shape (n,)
            Bounds of the windows within the contig in bp.
        lead : ndarray of int64, shape (n,)
            Column of the first base of each window.
        out : ndarray of float32, shape (n, width)
            Rows; bases without a value, or with NaN, are left as they are.

        Raises
        ------
        TrackError
            If a block is damaged.
        """
        number = self._numbers[contig]
        blocks = self._blocks.get(number)
        if blocks is None:
            return
        first = np.searchsorted(np.maximum.accumulate(blocks.end), start, side="right")
        last = np.searchsorted(blocks.start, stop, side="left")
        touched = np.maximum(last - first, 0)
        row = np.repeat(np.arange(len(start)), touched)
        behind = np.cumsum(touched)
        block = np.arange(len(row)) - np.repeat(behind - touched, touched) + first[row]
        order = np.argsort(block, kind="stable")
        block, row = block[order], row[order]
        edges = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]]))
        for begin, end in zip(edges, [*edges[1:], len(block)], strict=True):
            if begin == end:
                continue
            items = self._block(blocks, int(block[begin]), number)
            _paint(*items, row[begin:end], start, stop, lead, out)

    def _read_head(self) -> None:
        head = self._bytes(0, 64)
        for order in "<>":
            if struct.unpack(f"{order}I", head[:4])[0] == _MAGIC:
                self._order = order
                break
        else:
            msg = f"{self.path} is no BigWig file (it starts with {head[:4]!r})."
            raise TrackError(msg)
        fields = struct.unpack(f"{self._order}IHHQQQHHQQIQ", head)
        contig_tree, index, self._packed = fields[3], fields[5], fields[10] > 0
        self.contigs: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._read_contigs(contig_tree)
        if not self.contigs:
            raise self._damaged("it names no contig")
        self._read_index(index)

    def _read_contigs(self, offset: int) -> None:
        magic, _, key, value, count, _ = self._unpack("IIIIQQ", offset)
        if magic != _CONTIG_MAGIC or not 0 < key <= 4096 or value != 8:
            raise self._damaged("the list of contigs is not where it should be")
        waiting, seen = [offset + 32], set()
        while waiting:
            node = waiting.pop()
            if node in seen:
                raise self._damaged("the list of contigs runs in a circle")
            seen.add(node)
            leaf, _, items = self._unpack("BBH", node)
            data = self._bytes(node + 4, items * (key + 8))
            for i in range(items):
                name = data[i * (key + 8) : i * (key + 8) + key]
                rest = data[i * (key + 8) + key : (i + 1) * (key + 8)]
                if not leaf:
                    waiting.append(struct.unpack(f"{self._order}Q", rest)[0])
                    continue
                number, size = struct.unpack(f"{self._order}II", rest)
                try:
                    text = name.rstrip(b"\0").decode()
                except UnicodeDecodeError:
                    raise self._damaged("a contig name is not text") from None
                self.contigs[text], self._numbers[text] = size, number
        if len(self.contigs) != count or len(set(self._numbers.values())) != count:
            raise self._damaged("the list of contigs is not as long as it says")

    def _read_index(self, offset: int) -> None:
        if self._unpack("I", offset)[0] != _INDEX_MAGIC:
            raise self._damaged("the index is not where it should be")
        names = ("first", "start", "last", "end")
        fields = [(name, f"{self._order}u4") for name in names]
        fields += [("offset", f"{self._order}u8"), ("size", f"{self._order}u8")]
        kind = np.dtype(fields)
        inner = np.dtype(fields[:5])
        parts: list[NDArray[Any]] = []
        waiting, seen = [offset + 48], set()
        while waiting:
            node = waiting.pop()
            if node in seen:
                raise self._damaged("the index runs in a circle")
            seen.add(node)
            leaf, _, items = self._unpack("BBH", node)
            dtype = kind if leaf else inner
            table = np.frombuffer(self._bytes(node + 4, items * dtype.itemsize), dtype=dtype)
            if leaf:
                parts.append(table)
            else:
                waiting.extend(int(child) for child in table["offset"][::-1])
        table = np.concatenate(parts) if parts else np.empty(0, kind)
        ends = table["offset"].astype(np.float64) + table["size"]
        if len(table) and (float(ends.max()) > self._size or table["size"].max() > 1 << 30):
            raise self._damaged("the index names data behind the end of the file")
        if (table["first"] != table["last"]).any() or (table["end"] < table["start"]).any():
            raise self._damaged("the index holds impossible bounds")
        self._blocks: dict[int, _Blocks] = {}
        table = table[np.lexsort((table["start"], table["first"]))]
        numbers, first = np.unique(table["first"], return_index=True)
        for number, begin, end in zip(numbers, first, [*first[1:], len(table)], strict=True):
            part = table[begin:end]
            self._blocks[int(number)] = _Blocks(
                *(part[name].astype(np.int64) for name in ("start", "end", "offset", "size"))
            )

    def _block(
        self, blocks: _Blocks, i: int, contig: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Unpack a block into starts, ends and values of its items."""
        data = self._bytes(int(blocks.offset[i]), int(blocks.size[i]))
        if self._packed:
            try:
                data = zlib.decompressobj().decompress(data, _MOST_BYTES)
            except zlib.error as error:
                raise self._damaged(f"a block cannot be unpacked ({error})") from None
        if len(data) < _SECTION:
            raise self._damaged("a block is too short")
        head = struct.unpack(f"{self._order}IIIIIBBH", data[:_SECTION])
        number, begin, _, step, span, kind, _, count = head
        width = {1: 12, 2: 8, 3: 4}.get(kind, 0)
        if number != contig or not width or len(data) < _SECTION + count * width:
            raise self._damaged("a block does not hold what the index says")
        raw = np.frombuffer(data, dtype=f"{self._order}u4", count=count * width // 4, offset=24)
        table = raw.reshape(count, width // 4)
        values = np.ascontiguousarray(table[:, -1]).view(f"{self._order}f4").astype(np.float32)
        if kind == 3:
            start = begin + np.arange(count, dtype=np.int64) * step
        else:
            start = table[:, 0].astype(np.int64)
        end = table[:, 1].astype(np.int64) if kind == 1 else start + span
        if (end < start).any() or (start[1:] < start[:-1]).any():
            raise self._damaged("the items of a block are out of order")
        return start, end, values

    def _unpack(self, layout: str, offset: int) -> tuple[Any, ...]:
        form = self._order + layout
        return struct.unpack(form, self._bytes(offset, struct.calcsize(form)))

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset + size > self._size:
            raise self._damaged("it names data behind the end of the file")
        self._handle.seek(offset)
        data = self._handle.read(size)
        if len(data) != size:
            raise self._damaged("it ends too early")
        return data

    def _damaged(self, why: str) -> TrackError:
        return TrackError(
            f"{self.path} is damaged or was cut short: {why}. Fetch the BigWig again."
        )


@nb.njit(nogil=True, cache=True)
def _paint(
    item_start: NDArray[np.int64],
    item_end: NDArray[np.int64],
    values: NDArray[np.float32],
    rows: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    lead: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    """Write items, sorted by start, into the windows they overlap."""
    n = item_start.shape[0]
    for k in range(rows.shape[0]):
        row = rows[k]
        begin, end = start[row], stop[row]
        shift = lead[row] - begin
        # the last item that starts at or before the window; earlier ones may reach in only if
        # items overlap each other, so step back while they do
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if item_start[middle] <= begin:
                low = middle + 1
            else:
                high = middle
        i = max(low - 1, 0)
        while i > 0 and item_end[i - 1] > begin:
            i -= 1
        while i < n and item_start[i] < end:
            if not np.isnan(values[i]):
                for j in range(max(item_start[i], begin), min(item_end[i], end)):
                    out[row, shift + j] = values[i]
            i += 1
