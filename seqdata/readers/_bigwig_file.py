"""The BigWig format, read with every number checked before it is used."""

from __future__ import annotations

import os
import struct
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np

from seqdata.errors import TrackError
from seqdata.readers._inflate import inflate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = 0x888FFC26
# bytes from the count of blocks to the end, or to the index, of a file that has none
_NO_DATA = 12
_CONTIG_MAGIC = 0x78CA8C91
_INDEX_MAGIC = 0x2468ACE0
_SECTION = 24
# a section counts its items in 16 bits, 12 bytes each at most
_MOST_BYTES = _SECTION + 65_535 * 12
# unpacked blocks that the files of a reader keep at most, in bytes
_KEPT_BYTES = 128 << 20


@dataclass(frozen=True)
class _Blocks:
    """Data blocks of one contig, in order.

    Bounds (bp), place and size in the file (bytes), and whether it was unpacked before.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    seen: NDArray[np.bool_]


@dataclass(frozen=True)
class _Items:
    """The items of a block as they stand in the file: ``kind`` 1, 2 or 3, 3, 2 or 1 words each."""

    words: NDArray[np.uint32]
    values: NDArray[np.float32]
    kind: int
    begin: int
    step: int
    span: int


class KeptBlocks:
    """Unpacked blocks of some files, those used last, up to a number of bytes.

    Parameters
    ----------
    limit : int, default 128 MiB
        Bytes kept at most.

    Attributes
    ----------
    held : int
        Bytes kept now.
    """

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit
        self._items: OrderedDict[tuple[Path, int], _Items] = OrderedDict()
        self.held = 0

    def get(self, path: Path, offset: int) -> _Items | None:
        """Return the block at a place of a file; None if it is not kept."""
        items = self._items.get((path, offset))
        if items is not None:
            self._items.move_to_end((path, offset))
        return items

    def put(self, path: Path, offset: int, items: _Items) -> None:
        """Keep a block; let go those that were not used for longest."""
        self._items[path, offset] = items
        self.held += items.words.nbytes
        while self.held > self._limit:
            self.held -= self._items.popitem(last=False)[1].words.nbytes


class BigWigFile:
    """A BigWig file open for reading.

    Contigs and the index of data blocks are read at once; a block is unpacked once for all the
    windows of a call that touch it. A block that a later call needs again is kept from then on,
    so that windows in random order cost little more than sorted ones.

    Parameters
    ----------
    path : Path
        BigWig file.
    kept : KeptBlocks
        Where unpacked blocks are kept; several files may share it.

    Raises
    ------
    TrackError
        If the file is no BigWig, damaged or cut short.

    References
    ----------
    Kent et al. 2010, doi:10.1093/bioinformatics/btq351
    """

    def __init__(self, path: Path, kept: KeptBlocks) -> None:
        self.path = path
        self._handle = path.open("rb")
        self._size = os.fstat(self._handle.fileno()).st_size
        self._kept = kept
        try:
            self._read_head()
        except BaseException:
            self._handle.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def __del__(self) -> None:
        # windows that are cut when they are used have no other end
        if hasattr(self, "_handle"):
            self._handle.close()

    def paint(
        self,
        contig: str,
        row: NDArray[np.int64],
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        lead: NDArray[np.int64],
        out: NDArray[np.float32],
        sample: int,
    ) -> None:
        """Write the values of windows on one contig into zeroed rows.

        Parameters
        ----------
        contig : str
            Contig of the file.
        row : ndarray of int64, shape (n,)
            Row of each window.
        start, stop : ndarray of int64, shape (n,)
            Bounds of the windows within the contig in bp.
        lead : ndarray of int64, shape (n,)
            Column of the first base of each window.
        out : ndarray of float32, shape (n_rows, n_samples, width)
            Result; bases without a value, or with NaN, are left as they are.
        sample : int
            Place of this file in ``out``.

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
        window = np.repeat(np.arange(len(start)), touched)
        behind = np.cumsum(touched)
        block = np.arange(len(window)) - np.repeat(behind - touched, touched) + first[window]
        order = np.argsort(block, kind="stable")
        block, window = block[order], window[order]
        edges = np.flatnonzero(np.diff(block, prepend=-1, append=-1)).tolist()
        for begin, end in pairwise(edges):
            items = self._items(blocks, int(block[begin]), number)
            _paint(
                items.words, items.values, items.kind, items.begin, items.step, items.span,
                window[begin:end], row, start, stop, lead, out, sample,
            )  # fmt: skip

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
        contig_tree, data, index, self._packed = *fields[3:6], fields[10] > 0
        self.contigs: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._read_contigs(contig_tree)
        if not self.contigs:
            raise self._damaged("it names no contig")
        self._blocks: dict[int, _Blocks] = {}
        # of a file without values some programs leave the index out; its data are a count of 0
        if index or self._size - data > _NO_DATA:
            self._read_index(index)
        if index and not self._blocks and index - data > _NO_DATA:
            raise self._damaged("the index is empty and the file holds values")

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
        parts: list[NDArray[np.generic]] = []
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
        if not len(table):
            return
        table = table[np.lexsort((table["start"], table["first"]))]
        numbers, first = np.unique(table["first"], return_index=True)
        for number, begin, end in zip(numbers, first, [*first[1:], len(table)], strict=True):
            part = table[begin:end]
            self._blocks[int(number)] = _Blocks(
                start=part["start"].astype(np.int64),
                end=part["end"].astype(np.int64),
                offset=part["offset"].astype(np.int64),
                size=part["size"].astype(np.int64),
                seen=np.zeros(len(part), dtype=np.bool_),
            )

    def _items(self, blocks: _Blocks, i: int, contig: int) -> _Items:
        """Return the items of a block, unpacked or kept from an earlier call."""
        offset = int(blocks.offset[i])
        items = self._kept.get(self.path, offset) if blocks.seen[i] else None
        if items is None:
            items = self._block(offset, int(blocks.size[i]), contig)
            if blocks.seen[i]:
                self._kept.put(self.path, offset, items)
            blocks.seen[i] = True
        return items

    def _block(self, offset: int, size: int, contig: int) -> _Items:
        """Unpack a block and check its items."""
        data = self._bytes(offset, size)
        if self._packed:
            try:
                data = inflate(data, _MOST_BYTES)
            except zlib.error as error:
                raise self._damaged(f"a block cannot be unpacked ({error})") from None
        if len(data) < _SECTION:
            raise self._damaged("a block is too short")
        head = struct.unpack_from(f"{self._order}IIIIIBBH", data)
        number, begin, _, step, span, kind, _, count = head
        words_each = {1: 3, 2: 2, 3: 1}.get(kind, 0)
        n_words = count * words_each
        if number != contig or not words_each or len(data) < _SECTION + 4 * n_words:
            raise self._damaged("a block does not hold what the index says")
        words = np.frombuffer(data, f"{self._order}u4", count=n_words, offset=_SECTION)
        words = words.astype(np.uint32, copy=False)
        items = _Items(words, words.view(np.float32), kind, begin, step, span)
        if not _in_order(words, kind, begin, step, span):
            raise self._damaged("the items of a block are out of order")
        return items

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


@nb.njit(nogil=True, cache=True, inline="always")
def _start(words: NDArray[np.uint32], kind: int, begin: int, step: int, i: int) -> np.int64:
    """Return the first base of item ``i``."""
    if kind == 1:
        return np.int64(words[3 * i])
    if kind == 2:
        return np.int64(words[2 * i])
    return np.int64(begin + i * step)


@nb.njit(nogil=True, cache=True, inline="always")
def _end(
    words: NDArray[np.uint32], kind: int, begin: int, step: int, span: int, i: int
) -> np.int64:
    """Return the base behind item ``i``."""
    if kind == 1:
        return np.int64(words[3 * i + 1])
    return np.int64(_start(words, kind, begin, step, i) + span)


@nb.njit(nogil=True, cache=True)
def _in_order(words: NDArray[np.uint32], kind: int, begin: int, step: int, span: int) -> bool:
    """Say whether items are sorted by start and none ends before it starts."""
    before = np.int64(0)
    for i in range(words.shape[0] // (4 - kind)):
        start = _start(words, kind, begin, step, i)
        if start < before or _end(words, kind, begin, step, span, i) < start:
            return False
        before = start
    return True


@nb.njit(nogil=True, cache=True)
def _paint(
    words: NDArray[np.uint32],
    values: NDArray[np.float32],
    kind: int,
    begin: int,
    step: int,
    span: int,
    windows: NDArray[np.int64],
    row: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    lead: NDArray[np.int64],
    out: NDArray[np.float32],
    sample: int,
) -> None:
    """Write items, sorted by start, into the windows they overlap."""
    each = 4 - kind
    n = words.shape[0] // each
    for k in range(windows.shape[0]):
        window = windows[k]
        left, right = start[window], stop[window]
        line = out[row[window], sample]
        shift = lead[window] - left
        # the last item that starts at or before the window; earlier ones may reach in only if
        # items overlap each other, so step back while they do
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if _start(words, kind, begin, step, middle) <= left:
                low = middle + 1
            else:
                high = middle
        i = max(low - 1, 0)
        while i > 0 and _end(words, kind, begin, step, span, i - 1) > left:
            i -= 1
        while i < n:
            first = _start(words, kind, begin, step, i)
            if first >= right:
                break
            value = values[each * i + each - 1]
            if not np.isnan(value):
                last = min(_end(words, kind, begin, step, span, i), right)
                for j in range(max(first, left) + shift, last + shift):
                    line[np.uint64(j)] = value
            i += 1
