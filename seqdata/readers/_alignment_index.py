"""BAM and CRAM files: that they are whole, and that an index is theirs."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

import pysam

from seqdata.errors import TrackError
from seqdata.readers._bin_index import index_fault
from seqdata.readers._crai import check_containers, crai_fault
from seqdata.readers._gzip import check_bgzip_end, is_bgzip, read_all
from seqdata.readers._index_files import find_or_build

# the position that the empty container which closes a CRAM file gives, and its length
_CRAM_END, _CRAM_END_BYTES = b"\xe0\x45\x4f\x46", 38


def usable_index(path: Path) -> Path:
    """Return a sound index of an alignment file; build one if there is none.

    An index that is older than its file is not used. One that is damaged, or belongs to another
    file, is not used either, and a warning says so.

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
        fault=lambda index, look: _fault(index, path, look=look),
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
        try:
            check_containers(path)
        except (ValueError, IndexError, struct.error):
            cut = True
    elif is_bgzip(path):
        try:
            _contig_count(path)
            check_bgzip_end(path)
            cut = False
        except (OSError, EOFError, zlib.error, struct.error):
            cut = True
    else:
        raise TrackError(f"{path} cannot be opened as BAM or CRAM (it starts with {head!r}).")
    if cut:
        raise TrackError(
            f"{path} cannot be opened as BAM or CRAM: damaged or cut short (the mark that "
            "closes such a file is missing). Fetch it again."
        )


def _contig_count(path: Path) -> int:
    """Return the number of contigs in the header of a BAM file."""
    with gzip.open(path, "rb") as handle:
        magic, length = struct.unpack("<4si", handle.read(8))
        if magic != b"BAM\1" or length < 0:
            raise OSError(f"{path} is no BAM file")
        handle.seek(length, os.SEEK_CUR)
        (count,) = struct.unpack("<i", handle.read(4))
    return int(count)


def _fault(index: Path, path: Path, *, look: bool) -> str:
    """Say what is wrong with an index, "" if nothing is."""
    try:
        if index.suffix != ".crai":
            return index_fault(index, path, "bam", _contig_count(path), look=look)
        # packed with gzip, whose checksum covers every byte
        return crai_fault(read_all(index), path)
    except (OSError, EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        return f"it is cut short or cannot be unpacked: {error}"
