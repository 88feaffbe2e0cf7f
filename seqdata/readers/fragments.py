"""Fragment files (BED or TSV of fragment ends) over windows."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seqdata.errors import SchemaError, TrackError, require_file
from seqdata.readers._base import Track, Windows, locate
from seqdata.readers._gzip import open_unpacked
from seqdata.readers.bigwig import make_track

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class _Ends:
    """Sorted starts and sorted ends of the fragments of one contig."""

    start: NDArray[np.int32]
    end: NDArray[np.int32]


class Fragments:
    """Count the cut sites or the fragments of fragment files over windows.

    A fragment file has one fragment a line: contig, start, end (0-based half-open, bp), perhaps
    barcode and count. The ends of all fragments are held in memory, 8 bytes a fragment.

    Parameters
    ----------
    name : str
        Name of the variable.
    fragments : path or sequence of paths
        BED or TSV files, plain, gzip or bgzip, one a sample; need not be sorted.
    samples : str or sequence of str
        Name of each sample.
    contigs : dict of str to int, optional
        Contig lengths in bp, where windows end. By default a contig ends with its last fragment,
        and other readers of the build say where it truly ends.
    count_method : {"cutsite", "fragment"}, default "cutsite"
        +1 at both ends (``start`` and ``end - 1``), or +1 at every base of the fragment.
    shift : (int, int), default (0, 0)
        Bp added to start and end, such as (4, -5) for ends that were not yet shifted. With
        "fragment", fragments that are too short for it are left out.
    dtype : dtype, default uint16
        Type of the counts; a count that does not fit is an error.
    sample_dim : str, optional
        Name of the sample dimension, by default ``{name}_sample``.
    missing : {"error", "zero"}, default "error"
        What to do with regions on contigs without any fragment.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    TrackError
        If a line is no fragment; the message names file and line.
    """

    def __init__(
        self,
        name: str,
        fragments: str | Path | Sequence[str | Path],
        samples: str | Sequence[str],
        *,
        contigs: dict[str, int] | None = None,
        count_method: Literal["cutsite", "fragment"] = "cutsite",
        shift: tuple[int, int] = (0, 0),
        dtype: Any = np.uint16,
        sample_dim: str | None = None,
        missing: Literal["error", "zero"] = "error",
    ) -> None:
        if count_method not in ("cutsite", "fragment"):
            msg = f"count_method must be 'cutsite' or 'fragment', got {count_method!r}."
            raise SchemaError(msg)
        files = [fragments] if isinstance(fragments, (str, Path)) else list(fragments)
        names = [samples] if isinstance(samples, str) else [str(sample) for sample in samples]
        self.name = name
        self.paths = [require_file(file, "Fragment") for file in files]
        self.method = count_method
        self.shift = (int(shift[0]), int(shift[1]))
        self.missing = missing
        self._track = make_track(
            name, dtype, names, n_files=len(files), sample_dim=sample_dim, strands=None,
            pairs=None, units="counts",
        )  # fmt: skip
        whole = count_method == "fragment"
        self._ends = [_load(path, self.shift, whole=whole) for path in self.paths]
        self.sizes_are_known = contigs is not None
        self._sizes = dict(contigs) if contigs is not None else self._reach()

    def track(self) -> Track:
        """Return what the reader makes."""
        return self._track

    def totals(self) -> NDArray[np.uint64]:
        """Return the number of fragments of each sample, uint64, shape (n_samples,)."""
        return np.array(
            [sum(len(ends.start) for ends in sample.values()) for sample in self._ends],
            dtype=np.uint64,
        )

    def contigs(self) -> dict[str, int]:
        """Return the contigs and their lengths in bp as far as they are known."""
        return self._sizes

    def files(self) -> list[str]:
        """Return the files read."""
        return [str(path) for path in self.paths]

    def read(self, windows: Windows, width: int) -> NDArray[Any]:
        """Return the counts of windows in forward orientation.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Returns
        -------
        ndarray of the reader's dtype, shape (n, n_samples, width)
            0 behind a window shorter than ``width``.

        Raises
        ------
        TrackError
            If a count does not fit the dtype.
        """
        if self.missing == "error":
            locate(windows, self._sizes, ", ".join(self.files()))
        counts = np.zeros((len(windows), len(self.paths), width), dtype=np.int64)
        for sample, ends in enumerate(self._ends):
            for row in range(len(windows)):
                found = ends.get(windows.names[int(windows.contig[row])])
                if found is None:
                    continue
                start, stop = int(windows.start[row]), int(windows.end[row])
                counts[row, sample, : stop - start] = self._count(found, start, stop)
        dtype = np.dtype(self._track.dtype)
        if dtype.kind in "iu" and counts.size and int(counts.max()) > np.iinfo(dtype).max:
            msg = (
                f"{self.name!r} reaches {int(counts.max())} at one base, more than {dtype} "
                "holds. Pass dtype='uint32'."
            )
            raise TrackError(msg)
        return counts.astype(dtype)

    def close(self) -> None:
        """Do nothing: the files are read once, at the start."""

    def _count(self, ends: _Ends, start: int, stop: int) -> NDArray[np.int64]:
        """Count one window from the sorted starts and the sorted ends alone."""
        size = stop - start
        if self.method == "cutsite":
            left = ends.start[slice(*np.searchsorted(ends.start, [start, stop]))] - start
            right = ends.end[slice(*np.searchsorted(ends.end, [start + 1, stop + 1]))] - 1 - start
            return np.bincount(left, minlength=size) + np.bincount(right, minlength=size)
        # depth at a base = fragments begun up to it, less fragments ended up to it
        begun = np.searchsorted(ends.start, np.arange(start, stop), side="right")
        ended = np.searchsorted(ends.end, np.arange(start, stop), side="right")
        return (begun - ended).astype(np.int64)

    def _reach(self) -> dict[str, int]:
        out: dict[str, int] = {}
        for sample in self._ends:
            for name, ends in sample.items():
                out[name] = max(out.get(name, 0), int(ends.end.max(initial=0)))
        return out


def _load(path: Path, shift: tuple[int, int], *, whole: bool) -> dict[str, _Ends]:
    """Read a file; with ``whole`` leave out fragments that the shift leaves no base of."""
    parts: dict[str, list[NDArray[np.int32]]] = {}
    line = 1
    for text in _whole_lines(path):
        for name, values in _parse(path, text, line).items():
            parts.setdefault(name, []).append(np.array(values, dtype=np.int32))
        line += text.count(b"\n")
    if not parts:
        msg = f"{path} holds no fragment. Expected lines such as: chr1<TAB>1000<TAB>1180"
        raise TrackError(msg)
    out = {}
    for name, blocks in parts.items():
        both = np.concatenate(blocks, axis=0) + np.array(shift, dtype=np.int32)
        if whole:
            both = both[both[:, 0] < both[:, 1]]
        out[name] = _Ends(np.sort(both[:, 0]), np.sort(both[:, 1]))
    return out


def _parse(path: Path, text: bytes, line: int) -> dict[str, list[tuple[int, int]]]:
    """Parse whole lines into starts and ends by contig."""
    out: dict[bytes, list[tuple[int, int]]] = {}
    for number, row in enumerate(text.split(b"\n"), start=line):
        if not row.strip() or row.startswith((b"#", b"track ", b"browser ")):
            continue
        fields = row.split(b"\t", 3)
        try:
            start, end = int(fields[1]), int(fields[2])
        except (IndexError, ValueError):
            msg = f"{path}, line {number}: expected contig, start and end, got {row[:60]!r}."
            raise TrackError(msg) from None
        if not 0 <= start < end < 2**31:
            msg = f"{path}, line {number}: expected 0 <= start < end, got {start} and {end}."
            raise TrackError(msg)
        out.setdefault(fields[0], []).append((start, end))
    try:
        return {name.decode(): values for name, values in out.items()}
    except UnicodeDecodeError:
        msg = f"{path}, from line {line} on: a contig name is not UTF-8 text."
        raise TrackError(msg) from None


def _whole_lines(path: Path) -> Any:
    tail = b""
    try:
        with open_unpacked(path) as handle:
            while data := handle.read(_CHUNK):
                data = tail + data
                cut = data.rfind(b"\n") + 1
                tail = data[cut:]
                if cut:
                    yield data[:cut]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path} is a damaged gzip file ({error}). Fetch or pack it again."
        raise TrackError(msg) from error
    if tail:
        yield tail
