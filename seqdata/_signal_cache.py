"""Signal of BigWig files decoded once into steps, for windows from anywhere in the genome."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numba as nb
import numpy as np

from seqdata.readers._base import Windows, locate
from seqdata.readers._index_files import cache_dir as default_cache_dir
from seqdata.readers._turns import in_turn
from seqdata.readers.bigwig import BigWig

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE = 1 << 21
_VERSION = 1


def fingerprint(path: Path) -> str:
    """Return a short hash of which file a path names, and of its size and age."""
    state = path.stat()
    text = f"{_VERSION} {path.resolve()} {state.st_size} {state.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class CachedBigWig(BigWig):
    """The reader of BigWig windows, over signal that was decoded before.

    A contig is decoded when a window of it is first asked for, into a file of steps: the place
    from which on the signal has a value, and the value. The file is mapped into memory, so what is
    not looked at takes none.

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
            for path, contigs in zip(self.paths, self._contigs, strict=True)
        ]

    @in_turn
    def read(self, windows: Windows, width: int) -> NDArray[np.float32]:
        """Return the signal of windows on the forward strand, as `BigWig.read` does."""
        out = np.zeros((len(windows), len(self.paths), width), dtype=np.float32)
        for sample, file in enumerate(self._steps):
            size = locate(windows, file.contigs, str(file.path), missing=self.missing)
            start = np.clip(windows.start, 0, size)
            stop = np.maximum(np.clip(windows.end, 0, size), start)
            lead = start - windows.start
            for code, name in enumerate(windows.names):
                here = np.flatnonzero((windows.contig == code) & (stop > start))
                if len(here):
                    steps = file.steps(name)
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
    """Steps of the contigs of one BigWig file.

    Parameters
    ----------
    path : Path
        BigWig file.
    contigs : dict of str to int
        Its contigs and their lengths in bp.
    folder : Path
        Where decoded contigs are kept.
    """

    def __init__(self, path: Path, contigs: dict[str, int], folder: Path) -> None:
        self.path = path
        self.folder = folder / f"{path.name}.{fingerprint(path)}"
        self.contigs = contigs
        self._numbers = {name: i for i, name in enumerate(sorted(self.contigs))}
        self._steps: dict[str, NDArray[np.uint32]] = {}

    def close(self) -> None:
        """Let the maps go."""
        self._steps.clear()

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
            file = self.folder / f"{self._numbers[contig]}.steps"
            found = self._mapped(file, contig)
            if found is None:
                self._decode(contig, file)
                found = self._mapped(file, contig)
            assert found is not None
            self._steps[contig] = found
        return found

    def _mapped(self, file: Path, contig: str) -> NDArray[np.uint32] | None:
        """Return the steps in a file, or None where there is none that is whole."""
        if not file.exists() or file.stat().st_size % 8 or not file.stat().st_size:
            return None
        steps = np.asarray(np.memmap(file, np.uint32, "r")).reshape(-1, 2)
        return steps if steps[-1, 0] == self.contigs[contig] else None

    def _decode(self, contig: str, file: Path) -> None:
        """Write the steps of a contig, and put the file in its place when it is whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f"{file.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                self._write_steps(contig, out)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _write_steps(self, contig: str, out: BinaryIO) -> None:
        source = BigWig("signal", self.path, "signal")
        size = self.contigs[contig]
        last = np.float32(np.nan)
        one = np.zeros(1, np.int32)
        try:
            for low in range(0, size, _TILE):
                high = min(low + _TILE, size)
                bounds = np.array([low], np.int64), np.array([high], np.int64)
                tile = Windows((contig,), one, *bounds, one.astype(np.int8))
                values = source.read(tile, high - low)[0, 0]
                new = np.empty(len(values), np.bool_)
                new[0] = values[0] != last
                np.not_equal(values[1:], values[:-1], out=new[1:])
                places = np.flatnonzero(new)
                steps = np.empty((len(places), 2), np.uint32)
                steps[:, 0] = places + low
                steps[:, 1] = values[places].view(np.uint32)
                out.write(steps.tobytes())
                last = values[-1]
        finally:
            source.close()
        out.write(np.array([size, 0], np.uint32).tobytes())


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
