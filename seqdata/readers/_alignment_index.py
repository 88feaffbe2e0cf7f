"""Indexes of BAM and CRAM files, checked before htslib sees them.

An index carries no checksum (``.bai``), and htslib believes every number in it: a damaged one
makes it lose reads in silence or crash the interpreter.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pysam

from seqdata.errors import TrackError
from seqdata.readers._gzip import check_bgzip_end, is_bgzip, is_gzip, read_all
from seqdata.readers._index_files import find_or_build

if TYPE_CHECKING:
    from numpy.typing import NDArray

# bins of 16,384 bp are numbered from 4681; the pseudo-bin holds bounds and counts
_FIRST_LEAF = 4681
_PSEUDO = 37_450
# first bin and log2 of the bp of a bin, from the widest to the narrowest
_LEVELS = ((0, 29), (1, 26), (9, 23), (73, 20), (585, 17), (_FIRST_LEAF, 14))
# the position that the empty container which closes a CRAM file gives, and its length
_CRAM_END, _CRAM_END_BYTES = b"\xe0\x45\x4f\x46", 38


def usable_index(path: Path) -> Path:
    """Return a sound index of an alignment file; build one if there is none.

    An index that is older than its file is not used. One that is damaged is not used either, and
    a warning says so.

    Parameters
    ----------
    path : Path
        BAM or CRAM file.

    Returns
    -------
    Path
        Beside the file, or in the cache directory.

    Raises
    ------
    TrackError
        If an index cannot be written.
    pysam.utils.SamtoolsError
        If the file cannot be indexed.
    """
    suffix = ".crai" if path.suffix.lower() == ".cram" else ".bai"

    def build(target: Path) -> None:
        pysam.index("-o", str(target), str(path))

    return find_or_build(
        path,
        (Path(f"{path}{suffix}"), path.with_suffix(suffix), Path(f"{path}.csi")),
        folder="alignment_index",
        suffix=suffix,
        build=build,
        error=TrackError,
        fault=lambda index: index_fault(index, path),
    )


def check_alignment(path: Path) -> None:
    """Check that a file is BAM or CRAM and that its end is there.

    Parameters
    ----------
    path : Path

    Raises
    ------
    TrackError
        If it is neither, or was cut short.
    """
    with path.open("rb") as handle:
        head = handle.read(4)
        handle.seek(max(0, path.stat().st_size - _CRAM_END_BYTES))
        tail = handle.read()
    if head == b"CRAM":
        cut = _CRAM_END not in tail
    elif is_bgzip(path):
        try:
            _contig_count(path)
            check_bgzip_end(path)
            cut = False
        except (OSError, EOFError, zlib.error, struct.error):
            cut = True
    else:
        msg = f"{path} cannot be opened as BAM or CRAM (it starts with {head!r})."
        raise TrackError(msg)
    if cut:
        msg = (
            f"{path} cannot be opened as BAM or CRAM: damaged or cut short (the mark that "
            "closes such a file is missing). Fetch it again."
        )
        raise TrackError(msg)


def _contig_count(path: Path) -> int:
    """Return the number of contigs in the header of a BAM file."""
    with gzip.open(path, "rb") as handle:
        magic, length = struct.unpack("<4si", handle.read(8))
        if magic != b"BAM\1" or length < 0:
            msg = f"{path} is no BAM file"
            raise OSError(msg)
        handle.seek(length, os.SEEK_CUR)
        (count,) = struct.unpack("<i", handle.read(4))
    return int(count)


def index_fault(index: Path, path: Path) -> str:
    """Say what is wrong with an index, "" if nothing is.

    Parameters
    ----------
    index : Path
        ``.bai``, ``.csi`` or ``.crai`` file.
    path : Path
        The alignment file.

    Returns
    -------
    str
    """
    try:
        if index.suffix == ".bai":
            return _bai_fault(index.read_bytes(), path, _contig_count(path))
        # the others are packed with gzip, whose checksum covers every byte
        data = read_all(index)
    except (OSError, EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        return f"it is cut short or cannot be unpacked: {error}"
    if index.suffix == ".crai" and not is_gzip(index):
        rows = [line.split(b"\t") for line in data.splitlines()]
        if not all(len(row) == 6 and row[-1].isdigit() for row in rows):
            return "a line has not six numbers"
    return ""


def _bai_fault(data: bytes, path: Path, references: int) -> str:
    if data[:4] != b"BAI\1":
        return "it does not start as an index does"
    (count,) = struct.unpack_from("<i", data, 4)
    if count != references:
        return f"it has {count} contigs, the file {references}"
    place = 8
    size = path.stat().st_size
    blocks: list[NDArray[np.int64]] = []
    for _ in range(references):
        bins, place = _read_bins(data, place)
        (windows,) = struct.unpack_from("<i", data, place)
        if windows < 0 or place + 4 + 8 * windows > len(data):
            return "it ends too early"
        linear = np.frombuffer(data, dtype="<u8", count=windows, offset=place + 4)
        place += 4 + 8 * windows
        fault = _contig_fault(bins, linear, size)
        if fault:
            return fault
        begins = [chunks[:, 0] >> np.uint64(16) for chunks in bins.values()]
        blocks += [part.astype(np.int64) for part in begins]
    if place not in (len(data), len(data) - 8):
        return "it does not end where its contigs do"
    starts = np.unique(np.concatenate(blocks)) if blocks else np.empty(0, np.int64)
    with path.open("rb") as handle:
        for start in starts.tolist():
            handle.seek(start)
            head = handle.read(4)
            if head and head != b"\x1f\x8b\x08\x04":
                return f"no block of the file starts at byte {start}"
    return ""


def _read_bins(data: bytes, place: int) -> tuple[dict[int, NDArray[np.uint64]], int]:
    """Read the bins of a contig: number to bounds of chunks, uint64 (n, 2)."""
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    bins: dict[int, NDArray[np.uint64]] = {}
    for _ in range(count):
        number, chunks = struct.unpack_from("<Ii", data, place)
        place += 8
        if chunks <= 0 or number in bins or number > _PSEUDO or place + 16 * chunks > len(data):
            msg = f"bin {number} cannot be"
            raise EOFError(msg)
        table = np.frombuffer(data, dtype="<u8", count=2 * chunks, offset=place)
        bins[number] = table.reshape(chunks, 2)
        place += 16 * chunks
    return bins, place


def _contig_fault(
    bins: dict[int, NDArray[np.uint64]], linear: NDArray[np.uint64], size: int
) -> str:
    """Check the bins of a contig against each other, and against its line of windows."""
    pseudo = bins.pop(_PSEUDO, None)
    if not bins:
        return "it has windows but no bin" if linear.any() else ""
    numbers = np.repeat(list(bins), [len(chunks) for chunks in bins.values()])
    chunks = np.concatenate(list(bins.values()))
    order = np.argsort(chunks[:, 0], kind="stable")
    begin, end = chunks[order, 0], chunks[order, 1]
    left, right = _bin_bounds(numbers[order])
    if (begin >= end).any() or int(end.max() >> np.uint64(16)) > size:
        return "it points behind the end of the file"
    # reads are sorted, so no chunk may lie wholly left of one that stands before it
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
    # windows before the first read are 0; those without a read repeat the one before
    lowest = linear[np.argmax(linear > 0) :]
    if (np.diff(lowest.astype(np.int64)) < 0).any():
        return "its windows are out of order"
    # no read of a bin stands before the first read of the bin's first window
    window = left >> 14
    inside = window < len(linear)
    leaf = numbers[order] >= _FIRST_LEAF
    if (leaf & ~inside).any() or (linear[window[inside]] > begin[inside]).any():
        return "its windows do not fit its bins"
    if len(lowest) and (lowest[0] < begin[0] or lowest[-1] > reach[-1]):
        return "its windows lie outside its bins"
    return ""


def _bin_bounds(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first base of bins and the base behind their last."""
    left = np.zeros(len(numbers), dtype=np.int64)
    right = np.zeros(len(numbers), dtype=np.int64)
    for first, shift in _LEVELS:
        here = numbers >= first
        left[here] = (numbers[here] - first) << shift
        right[here] = left[here] + (1 << shift)
    return left, right
