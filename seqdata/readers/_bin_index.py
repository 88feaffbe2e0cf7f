"""Indexes by bins (``.bai``, ``.tbi``, ``.csi``), judged by themselves and by their file.

htslib believes every number in an index: a damaged one makes it lose records in silence or crash
the interpreter, and one of another file leads it to places where the wanted records are not.
"""

from __future__ import annotations

import gzip
import itertools
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pysam

from seqdata.readers._gzip import is_gzip, read_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["bam", "vcf", "bcf"]
# places of an index at which its file is looked into
_LOOKS = 400
# how tabix counts in a VCF file: format, columns of contig, begin and end, comment, lines skipped
_VCF_COLUMNS = (2, 1, 2, 0, ord("#"), 0)
_DAMAGE = (
    OSError, EOFError, zlib.error, gzip.BadGzipFile, struct.error, ValueError, IndexError,
    OverflowError, MemoryError,
)  # fmt: skip


@dataclass
class _Contig:
    """Bins of a contig with the bounds of their chunks, and where the windows of it begin."""

    bins: dict[int, NDArray[np.uint64]] = field(default_factory=dict)
    linear: NDArray[np.uint64] | None = None
    lowest: dict[int, int] = field(default_factory=dict)


@dataclass
class _Index:
    """What an index holds: the size of its bins, contigs, and (of text files) their names."""

    shift: int
    depth: int
    names: list[bytes] | None
    contigs: list[_Contig]

    @property
    def pseudo(self) -> int:
        """Number of the bin that holds bounds and counts."""
        return ((1 << 3 * (self.depth + 1)) - 1) // 7 + 1

    def bounds(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first base of bins and the base behind their last."""
        left = np.zeros(len(numbers), dtype=np.int64)
        right = np.zeros(len(numbers), dtype=np.int64)
        for level in range(self.depth + 1):
            first = ((1 << 3 * level) - 1) // 7
            size = self.shift + 3 * (self.depth - level)
            here = numbers >= first
            left[here] = (numbers[here] - first) << size
            right[here] = left[here] + (1 << size)
        return left, right


class _Bytes:
    """Numbers read one behind the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(f"<{form}", self.data, self.place)
        self.place += struct.calcsize(f"<{form}")
        return found

    def count(self, size: int) -> int:
        """Return a number of things of some bytes that must all be there."""
        (n,) = self.take("i")
        if n < 0 or self.place + n * size > len(self.data):
            raise EOFError("it ends too early")
        return n

    def numbers(self, n: int) -> NDArray[np.uint64]:
        found = np.frombuffer(self.data, dtype="<u8", count=n, offset=self.place)
        self.place += 8 * n
        return found

    def text(self, n: int) -> bytes:
        found = self.data[self.place : self.place + n]
        self.place += n
        return found


def index_fault(index: Path, path: Path, kind: Kind, n_contigs: int | None, *, look: bool) -> str:
    """Say what is wrong with an index, "" if nothing is.

    Parameters
    ----------
    index : Path
        ``.bai``, ``.tbi`` or ``.csi`` file.
    path : Path
        The file it is of, packed with bgzip.
    kind : {"bam", "vcf", "bcf"}
    n_contigs : int or None
        Contigs in the header of the file, where that decides their numbers.
    look : bool
        Whether to look into the file, if it may have been made of another one.

    Returns
    -------
    str
    """
    try:
        parsed = _parse(index, kind)
    except _DAMAGE as error:
        return f"it is cut short or damaged: {error}"
    if n_contigs is not None and len(parsed.contigs) != n_contigs:
        return f"it has {len(parsed.contigs)} contigs, the file {n_contigs}"
    try:
        size = path.stat().st_size
        for contig in parsed.contigs:
            if fault := _contig_fault(parsed, contig, size):
                return fault
        if fault := _block_fault(parsed, path):
            return fault
        quiet = pysam.set_verbosity(0)
        try:
            return _file_fault(parsed, path, kind) if look else ""
        finally:
            pysam.set_verbosity(quiet)
    except _DAMAGE as error:
        return f"it does not fit the file: {error}"


def _parse(index: Path, kind: Kind) -> _Index:
    raw = index.read_bytes() if index.suffix == ".bai" else b""
    data = _Bytes(raw if raw and not is_gzip(index) else read_all(index))
    magic = data.text(4)
    if magic == b"BAI\1":
        names, shift, depth = None, 14, 5
        n = data.count(8)
    elif magic == b"TBI\1":
        shift, depth = 14, 5
        n = data.count(8)
        names = _names(data, kind)
    elif magic == b"CSI\1":
        shift, depth, size = data.take("iii")
        if not (0 < shift < 32 and 0 < depth < 11 and shift + 3 * depth < 60):
            raise ValueError("its bins have no size")
        aux = _Bytes(data.text(size))
        names = _names(aux, kind) if size and kind == "vcf" else None
        n = data.count(4)
    else:
        raise ValueError("it does not start as an index does")
    if names is not None and not len(names) == len(set(names)) == n:
        raise ValueError(f"it has {n} contigs and {len(set(names))} names")
    if (names is None) != (kind != "vcf"):
        raise ValueError(f"it is no index of a {kind.upper()} file")
    found = _Index(shift, depth, names, [])
    for _ in range(n):
        found.contigs.append(_contig(data, found, loffset=magic == b"CSI\1"))
    if data.place not in (len(data.data), len(data.data) - 8):
        raise ValueError("it does not end where its contigs do")
    return found


def _names(data: _Bytes, kind: Kind) -> list[bytes]:
    columns = data.take("iiiiii")
    if kind == "vcf" and columns != _VCF_COLUMNS:
        raise ValueError("it was not made for VCF")
    text = data.text(data.count(1))
    if text and text[-1:] != b"\0":
        raise ValueError("its names do not end")
    return text.split(b"\0")[:-1]


def _contig(data: _Bytes, index: _Index, *, loffset: bool) -> _Contig:
    contig = _Contig()
    for _ in range(data.count(8)):
        (number,) = data.take("I")
        if loffset:
            (contig.lowest[number],) = data.take("Q")
        chunks = data.count(16)
        if not chunks or number in contig.bins or number > index.pseudo:
            raise ValueError(f"bin {number} cannot be")
        contig.bins[number] = data.numbers(2 * chunks).reshape(chunks, 2)
    if not loffset:
        contig.linear = data.numbers(data.count(8))
    return contig


def _contig_fault(index: _Index, contig: _Contig, size: int) -> str:
    """Check the bins of a contig against each other, and against its line of windows."""
    pseudo = contig.bins.pop(index.pseudo, None)
    contig.lowest.pop(index.pseudo, None)
    linear = contig.linear
    if not contig.bins:
        return "it has windows but no bin" if linear is not None and linear.any() else ""
    numbers = np.repeat(list(contig.bins), [len(chunks) for chunks in contig.bins.values()])
    chunks = np.concatenate(list(contig.bins.values()))
    order = np.argsort(chunks[:, 0], kind="stable")
    begin, end = chunks[order, 0], chunks[order, 1]
    left, right = index.bounds(numbers[order])
    if (begin >= end).any() or int(end.max() >> np.uint64(16)) > size:
        return "it points behind the end of the file"
    # records are sorted, so no chunk may lie wholly left of one that stands before it
    if (np.maximum.accumulate(left) >= right).any():
        return "its bins are out of order"
    reach = np.maximum.accumulate(end)
    gap = begin[1:] > reach[:-1]
    # the end of a block and the start of the next are one place
    gap &= (begin[1:] & np.uint64(0xFFFF)) != 0
    if pseudo is not None and (
        len(pseudo) != 2 or pseudo[0, 0] != begin[0] or pseudo[0, 1] != reach[-1] or gap.any()
    ):
        return "its chunks do not join"
    if linear is not None:
        leaf = numbers[order] >= ((1 << 3 * index.depth) - 1) // 7
        return _linear_fault(linear, begin, reach, left >> index.shift, leaf)
    return _loffset_fault(contig, index)


def _linear_fault(
    linear: NDArray[np.uint64],
    begin: NDArray[np.uint64],
    reach: NDArray[np.uint64],
    window: NDArray[np.int64],
    leaf: NDArray[np.bool_],
) -> str:
    # windows before the first record are 0; those without one repeat the one before
    lowest = linear[np.argmax(linear > 0) :]
    if (np.diff(lowest.astype(np.int64)) < 0).any():
        return "its windows are out of order"
    # no record of a bin stands before the first record of the bin's first window
    inside = window < len(linear)
    if (leaf & ~inside).any() or (linear[window[inside]] > begin[inside]).any():
        return "its windows do not fit its bins"
    if len(lowest) and (lowest[0] < begin[0] or lowest[-1] > reach[-1]):
        return "its windows lie outside its bins"
    return ""


def _loffset_fault(contig: _Contig, index: _Index) -> str:
    """Check the place that each bin of a ``.csi`` names for the first record over its begin."""
    numbers = np.array(list(contig.bins), dtype=np.int64)
    lowest = np.array([contig.lowest[number] for number in contig.bins], dtype=np.uint64)
    first = np.array([chunks[:, 0].min() for chunks in contig.bins.values()], dtype=np.uint64)
    order = np.argsort(index.bounds(numbers)[0], kind="stable")
    lowest, first = lowest[order], first[order]
    ordered = lowest[np.argmax(lowest > 0) :]
    if (lowest > first).any() or (np.diff(ordered.astype(np.int64)) < 0).any():
        return "its windows do not fit its bins"
    if ordered[0] and ordered[0] < first.min():
        return "its windows lie outside its bins"
    return ""


def _block_fault(index: _Index, path: Path) -> str:
    """Check that every place of an index lies at a block of the file."""
    places = [np.concatenate(list(c.bins.values())) for c in index.contigs if c.bins]
    if not places:
        return ""
    starts = np.unique(np.concatenate(places)[:, 0] >> np.uint64(16))
    with path.open("rb") as handle:
        for start in starts.tolist():
            handle.seek(start)
            head = handle.read(4)
            if head and head != b"\x1f\x8b\x08\x04":
                return f"no block of the file starts at byte {start}"
    return ""


def _file_fault(index: _Index, path: Path, kind: Kind) -> str:
    """Look into a file: where records begin and end, and at what stands where a chunk begins."""
    chunks = [
        (int(begin), int(end), i, number)
        for i, contig in enumerate(index.contigs)
        for number, table in contig.bins.items()
        for begin, end in table.tolist()
    ]
    if not chunks:
        return "it holds no record"
    chunks.sort()
    with pysam.BGZFile(str(path), "rb", None) as file:
        if _first_record(file, kind) != _normal(file, chunks[0][0]):
            return "it does not begin with the first record of the file"
        file.seek(max(end for _, end, _, _ in chunks))
        behind = _record(file, kind)
        if behind is not None and not (kind == "bam" and behind[0] == -1):
            return "the file has records behind the last one that it knows"
        step = max(1, len(chunks) // _LOOKS)
        picked = {*range(0, len(chunks), step), len(chunks) - 1}
        for i in sorted(picked):
            begin, _, contig, number = chunks[i]
            file.seek(begin)
            name = contig if index.names is None else index.names[contig]
            found = _record(file, kind)
            left, right = index.bounds(np.array([number]))
            if found is None or found[0] != name or not left[0] <= found[1] < right[0]:
                return "other records stand where it says"
    return ""


def _normal(file: pysam.BGZFile, place: int) -> int:
    """Return a place of a file as it is told after reading up to there."""
    file.seek(place)
    return _told(file)


def _told(file: pysam.BGZFile) -> int:
    """Return the place of the next byte; the end of a block is the start of the next."""
    place = int(file.tell())
    if not file.read(1):
        return place
    behind = int(file.tell())
    # within a block places are one apart; else the byte was the first of the next block
    return behind - 1 if behind & 0xFFFF else place


def _first_record(file: pysam.BGZFile, kind: Kind) -> int:
    if kind == "bam":
        _, length = struct.unpack("<4si", file.read(8))
        _skip(file, length)
        (n,) = struct.unpack("<i", file.read(4))
        for _ in range(n):
            _skip(file, struct.unpack("<i", file.read(4))[0] + 4)
    elif kind == "bcf":
        _, length = struct.unpack("<5sI", file.read(9))
        _skip(file, length)
    else:
        for _ in itertools.count():
            place = _told(file)
            file.seek(place)
            if not file.readline().startswith(b"#"):
                return place
    return _told(file)


def _skip(file: pysam.BGZFile, n: int) -> None:
    if n < 0 or len(file.read(n)) != n:
        raise EOFError("the header is cut short")


def _record(file: pysam.BGZFile, kind: Kind) -> tuple[int | bytes, int] | None:
    """Return contig and first base (from 0) of the next record, None at the end of the file."""
    if kind == "vcf":
        line = file.readline()
        if not line.strip():
            return None
        name, position = line.split(b"\t", 2)[:2]
        return name, max(0, int(position) - 1)
    head = file.read(16 if kind == "bcf" else 12)
    if not head:
        return None
    contig, position = struct.unpack("<8xii" if kind == "bcf" else "<4xii", head)
    return contig, position
