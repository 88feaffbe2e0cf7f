"""Signal of BigWig files decoded once into steps, for windows from anywhere in the genome."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numba as nb
import numpy as np

from seqdata.errors import DiskFullError, TrackError, is_disk_full
from seqdata.readers._base import Windows
from seqdata.readers._index_files import cache_dir as default_cache_dir
from seqdata.readers._turns import in_turn
from seqdata.readers.bigwig import BigWig

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE = 1 << 21
_VERSION = 2
# what stands before the steps of a contig: a mark, its number, how many they are, a checksum
_HEAD = struct.Struct("<4sIQI4x")
_MARK = b"step"


def fingerprint(path: Path) -> str:
    """Return a short hash of which file a path names, and of its size and age."""
    state = path.stat()
    text = f"{_VERSION} {path.resolve()} {state.st_size} {state.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class CachedBigWig(BigWig):
    """The reader of BigWig windows, over signal that was decoded before.

    A contig is decoded when a window of it is first asked for, into steps: the place from which on
    the signal has a value, and the value. The steps of a BigWig are in one file, which is mapped
    into memory, so what is not looked at takes none.

    Parameters
    ----------
    reader : BigWig
        Reader of the files.
    folder : Path or None
        Where decoded contigs are kept; default ``signal`` in the cache directory.
    """

    def __init__(self, reader: BigWig, folder: Path | None = None) -> None:
        self.__dict__.update(reader.__getstate__())
        folder = (default_cache_dir() if folder is None else folder) / "signal"
        self._steps = [
            StepFile(path, contigs, folder)
            for path, (_, contigs) in zip(self.paths, self._sources, strict=True)
        ]

    @in_turn
    def read(self, windows: Windows, width: int) -> NDArray[np.float32]:
        """Return the signal of windows on the forward strand, as `BigWig.read` does."""
        out = np.zeros((len(windows), len(self.paths), width), dtype=np.float32)
        places = self._places(windows)
        for sample, (file, place) in enumerate(zip(self._steps, places, strict=True)):
            start, stop, lead = place
            for code, here in windows.by_contig(stop > start):
                steps = file.steps(windows.names[code])
                values = steps.view(np.float32)
                paint_steps(steps, values, here, start, stop, lead, out[:, sample])
        return out

    @in_turn
    def close(self) -> None:
        """Let the maps go."""
        super().close()
        for file in self._steps:
            file.close()


class StepFile:
    """Steps of the contigs of one BigWig file, one behind the other in one file.

    A contig is written behind those that are there: its steps first, then the head that tells of
    them. Whoever writes holds the lock of the file; what a killed process left has no head, and
    is written over.

    Parameters
    ----------
    path : Path
        BigWig file.
    contigs : dict of str to int
        Its contigs and their lengths in bp.
    folder : Path
        Where decoded files are kept.
    """

    def __init__(self, path: Path, contigs: dict[str, int], folder: Path) -> None:
        self.path = path
        self.file = folder / f"{path.name}.{fingerprint(path)}.steps"
        self.contigs = contigs
        self._numbers = {name: i for i, name in enumerate(sorted(self.contigs))}
        self._source: BigWig | None = None
        self._forget()

    def _forget(self) -> None:
        # number of a contig: where its steps begin (bytes), and how many they are
        self._places: dict[int, tuple[int, int]] = {}
        self._end = 0
        self._map: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._steps: dict[str, NDArray[np.uint32]] = {}

    def close(self) -> None:
        """Let the map and the BigWig file go."""
        self._forget()
        if self._source is not None:
            self._source.close()
            self._source = None

    def steps(self, contig: str) -> NDArray[np.uint32]:
        """Return the steps of a contig, decoded now if they were not before.

        Parameters
        ----------
        contig : str

        Returns
        -------
        ndarray of uint32, shape (steps, 2)
            Where each step begins (bp), and the bits of its value (float32). The last begins at
            the end of the contig.
        """
        found = self._steps.get(contig)
        if found is None:
            found = self._mapped(contig)
            if found is None:
                self._decode(contig)
                found = self._mapped(contig)
            if found is None:
                msg = f"{self.file} changes while it is used: remove it, and start again."
                raise TrackError(msg)
            self._steps[contig] = found
        return found

    def _mapped(self, contig: str) -> NDArray[np.uint32] | None:
        """Return the steps of a contig in the file, or None where there are none."""
        number = self._numbers[contig]
        if number not in self._places:
            with contextlib.suppress(FileNotFoundError), self.file.open("rb") as file:
                self._scan(file)
        if number not in self._places:
            return None
        begin, count = self._places[number]
        if begin + 8 * count > len(self._map):
            # arrays on the old map would hold it, with its descriptor
            self._steps.clear()
            self._map = np.asarray(np.memmap(self.file, np.uint8, "r"))
        steps = self._map[begin : begin + 8 * count].view(np.uint32).reshape(-1, 2)
        return steps if steps[0, 0] == 0 and steps[-1, 0] == self.contigs[contig] else None

    def _scan(self, file: BinaryIO) -> None:
        """Look for contigs that were written since the last look."""
        size = os.fstat(file.fileno()).st_size
        if size < self._end:
            self._forget()
        while True:
            file.seek(self._end)
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            mark, number, count, check = _HEAD.unpack(head)
            begin = self._end + _HEAD.size
            if mark != _MARK or check != _check(number, count) or begin + 8 * count > size:
                return
            self._places[number] = begin, count
            self._end = begin + 8 * count

    def _decode(self, contig: str) -> None:
        """Write the steps of a contig behind those that are there."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+b") as taken, self.file.open("r+b") as out:
            if fcntl is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(taken, fcntl.LOCK_EX)
            # another process may have written it meanwhile
            self._places.pop(self._numbers[contig], None)
            self._scan(out)
            if self._numbers[contig] in self._places:
                return
            begin = self._end
            try:
                out.seek(begin + _HEAD.size)
                self._write_steps(contig, out)
                count = (out.tell() - begin - _HEAD.size) // 8
                out.flush()
                out.seek(begin)
                number = self._numbers[contig]
                out.write(_HEAD.pack(_MARK, number, count, _check(number, count)))
                out.flush()
            except BaseException as error:
                with contextlib.suppress(OSError):
                    out.truncate(begin)
                    if not begin:
                        self.file.unlink()
                if is_disk_full(error):
                    raise DiskFullError(
                        f"No room in {self.file.parent} for the decoded signal of {self.path}. "
                        "Give a cache_dir= on a larger disk."
                    ) from error
                raise

    def _write_steps(self, contig: str, out: BinaryIO) -> None:
        if self._source is None:
            self._source = BigWig("signal", self.path, "signal")
        size = self.contigs[contig]
        last = np.float32(np.nan)
        one = np.zeros(1, np.int32)
        for low in range(0, size, _TILE):
            high = min(low + _TILE, size)
            bounds = np.array([low], np.int64), np.array([high], np.int64)
            tile = Windows((contig,), one, *bounds, one.astype(np.int8))
            values = self._source.read(tile, high - low)[0, 0]
            new = np.empty(len(values), np.bool_)
            new[0] = values[0] != last
            np.not_equal(values[1:], values[:-1], out=new[1:])
            places = np.flatnonzero(new)
            steps = np.empty((len(places), 2), np.uint32)
            steps[:, 0] = places + low
            steps[:, 1] = values[places].view(np.uint32)
            out.write(steps.tobytes())
            last = values[-1]
        out.write(np.array([size, 0], np.uint32).tobytes())


def _check(number: int, count: int) -> int:
    return zlib.crc32(struct.pack("<IQ", number, count))


@nb.njit(nogil=True, cache=True)
def paint_steps(
    steps: NDArray[np.uint32],
    values: NDArray[np.float32],
    rows: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    lead: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    """Write the steps that windows overlap into zeroed rows.

    Parameters
    ----------
    steps, values : ndarray of uint32 and float32, shape (steps, 2)
        The same memory: column 0 of the first is where a step begins (bp), column 1 of the
        second its value.
    rows : ndarray of int64, shape (b,)
        Which windows to paint.
    start, stop : ndarray of int64, shape (n,)
        Bounds of the windows within the contig in bp.
    lead : ndarray of int64, shape (n,)
        Column of the first base of each window.
    out : ndarray of float32, shape (n, width)
        Receives the values.
    """
    count = steps.shape[0]
    for row in rows:
        begin, end = start[row], stop[row]
        if end <= begin:
            continue
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if np.int64(steps[middle, 0]) <= begin:
                low = middle + 1
            else:
                high = middle
        i = low - 1
        line = out[row, lead[row] :]
        while i < count - 1 and np.int64(steps[i, 0]) < end:
            value = values[i, 1]
            if value != 0:
                first = max(np.int64(steps[i, 0]), begin) - begin
                last = min(np.int64(steps[i + 1, 0]), end) - begin
                for j in range(first, last):
                    line[j] = value
            i += 1
