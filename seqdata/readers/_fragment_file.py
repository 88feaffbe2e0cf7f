"""Fragment files: parsed in pieces, kept as sorted positions."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import TrackError
from seqdata.readers._fragment_kernels import (
    BAD_LINE,
    DONE,
    fill_table,
    parse_fragments,
)
from seqdata.readers._gzip import open_unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 4 * 1024 * 1024
# positions beyond this go to a temporary file
_HELD_BYTES = 128 * 1024 * 1024
_SHOWN = 60

Key = tuple[int, str]


class Names:
    """Names that compiled code looks up.

    Parameters
    ----------
    names : sequence of bytes
        The names, all different.
    """

    def __init__(self, names: Sequence[bytes] = ()) -> None:
        self.names: list[bytes] = []
        self.flat = np.zeros(0, dtype=np.uint8)
        self.at = np.zeros(1, dtype=np.int64)
        self.table = np.full(8, -1, dtype=np.int64)
        self.add(names)

    def add(self, names: Sequence[bytes]) -> None:
        """Add names behind those that are there."""
        self.names.extend(names)
        self.flat = np.frombuffer(b"".join(self.names), dtype=np.uint8)
        self.at = np.cumsum([0, *map(len, self.names)]).astype(np.int64)
        size = 8
        while size < 2 * len(self.names):
            size *= 2
        self.table = np.full(size, -1, dtype=np.int64)
        fill_table(self.flat, self.at, self.table)


class Spool:
    """Arrays by sample and contig, in memory as long as there are few, else in a temporary file."""

    def __init__(self) -> None:
        self._held: dict[Key, list[NDArray[np.int32]]] = {}
        self._bytes = 0
        self._folder: Path | None = None
        self._files: dict[Key, Path] = {}

    def add(self, key: Key, fragments: NDArray[np.int32]) -> None:
        """Take starts and ends: shape (n, 2)."""
        self._held.setdefault(key, []).append(fragments)
        self._bytes += fragments.nbytes
        if self._bytes > _HELD_BYTES:
            self._spill()

    def found(self) -> list[Key]:
        """Return the samples and contigs that have fragments."""
        return list(dict.fromkeys([*self._files, *self._held]))

    def take(
        self, key: Key, arrange: Callable[[NDArray[np.int32]], tuple[NDArray[np.int32], ...]]
    ) -> tuple[NDArray[np.int32], ...]:
        """Return what a function makes of the fragments of one key; they are let go.

        Where fragments went to a temporary file the result stands there too, mapped.
        """
        parts = self._held.pop(key, [])
        path = self._files.get(key)
        if path is None:
            return arrange(np.concatenate(parts))
        before = np.fromfile(path, dtype=np.int32).reshape(-1, 2)
        out = []
        for i, array in enumerate(arrange(np.concatenate([before, *parts]))):
            place = path.with_suffix(f".{i}")
            array.tofile(place)
            out.append(np.memmap(place, dtype=np.int32, mode="r") if len(array) else array)
        path.unlink()
        return tuple(out)

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="eugene-fragments-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for key, parts in self._held.items():
            path = self._files.setdefault(key, self._folder / str(len(self._files)))
            with path.open("ab") as out:
                for part in parts:
                    part.tofile(out)
        self._held.clear()
        self._bytes = 0


def read_fragments(
    path: Path, spool: Spool, sample: int, barcodes: Mapping[str, int] | None
) -> int:
    """Read a fragment file into a spool.

    Parameters
    ----------
    path : Path
        BED or TSV file, plain, gzip or bgzip.
    spool : Spool
        Takes the fragments by sample and contig.
    sample : int
        Sample of the file, where there are no barcodes.
    barcodes : mapping of str to int, optional
        Sample of each wanted barcode.

    Returns
    -------
    int
        Number of lines of fragments, wanted or not, 0 if there is none.

    Raises
    ------
    TrackError
        If a line is no fragment, or the file is damaged.
    """
    contigs = Names()
    wanted = Names([name.encode() for name in barcodes or ()])
    groups = np.array(list((barcodes or {}).values()), dtype=np.int64)
    line = 1
    found = 0
    for data in _whole_lines(path):
        text = np.frombuffer(data, dtype=np.uint8)
        lines = data.count(b"\n")
        out = np.empty((lines + 1, 4), dtype=np.int32)
        begin = count = 0
        while True:
            state, begin, more = parse_fragments(
                text, begin, contigs.flat, contigs.at, contigs.table, wanted.flat, wanted.at,
                wanted.table, groups, out[count:],
            )  # fmt: skip
            count += more
            if state == DONE:
                break
            row = data[begin:].split(b"\n", 1)[0]
            if state == BAD_LINE:
                number = line + data.count(b"\n", 0, begin)
                where = f"{path}, line {number}"
                raise TrackError(_complaint(row, where, with_barcode=barcodes is not None))
            contigs.add([row.split(b"\t", 1)[0]])
        found += count
        _sort_in(out[:count], contigs, spool, None if barcodes is not None else sample, path)
        line += lines
    return found


def _sort_in(
    rows: NDArray[np.int32], contigs: Names, spool: Spool, sample: int | None, path: Path
) -> None:
    """Hand rows of contig, sample, start and end to the spool."""
    if not len(rows):
        return
    key = rows[:, 0].astype(np.int64) << 32 | rows[:, 1]
    if (np.diff(key) < 0).any():
        order = np.argsort(key, kind="stable")
        rows, key = rows[order], key[order]
    edges = [0, *(np.flatnonzero(np.diff(key)) + 1).tolist(), len(rows)]
    for begin, end in pairwise(edges):
        name = contigs.names[int(rows[begin, 0])]
        try:
            contig = name.decode()
        except UnicodeDecodeError:
            msg = f"{path}: the contig name {name[:_SHOWN]!r} is not UTF-8 text."
            raise TrackError(msg) from None
        group = int(rows[begin, 1]) if sample is None else sample
        spool.add((group, contig), rows[begin:end, 2:].copy())


def _complaint(row: bytes, place: str, *, with_barcode: bool) -> str:
    fields = row.rstrip(b"\r").split(b"\t")
    expected = "contig, start and end" + (" and barcode" if with_barcode else "")
    try:
        start, end = int(fields[1]), int(fields[2])
    except (IndexError, ValueError):
        return f"{place}: expected {expected}, separated by tabs, got {row[:_SHOWN]!r}."
    if not 0 <= start < end < 2**31:
        return f"{place}: expected 0 <= start < end, got {start} and {end}."
    return f"{place}: expected {expected}, separated by tabs, got {row[:_SHOWN]!r}."


def _whole_lines(path: Path) -> Iterator[bytes]:
    tail = b""
    try:
        with open_unpacked(path) as handle:
            while data := handle.read(_CHUNK):
                cut = data.rfind(b"\n") + 1
                if not cut:
                    tail += data
                    continue
                yield tail + data[:cut]
                tail = data[cut:]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path} is a damaged gzip file ({error}). Fetch or pack it again."
        raise TrackError(msg) from error
    if tail:
        yield tail
