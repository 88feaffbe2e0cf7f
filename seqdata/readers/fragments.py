"""Fragment files (BED or TSV of fragment ends) over windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seqdata.errors import SchemaError, TrackError, did_you_mean
from seqdata.readers._base import Windows
from seqdata.readers._contigs import Missing
from seqdata.readers._fragment_file import Spool, read_fragments
from seqdata.readers._fragment_kernels import count_cover, count_sites
from seqdata.readers._signal import Paths, SignalReader, listed
from seqpro.random import row_hash, uniform

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

Positions = tuple["NDArray[np.int32]", ...]

_METHODS = ("cutsite", "fragment", "midpoint")


class Fragments(SignalReader):
    r"""Count the cut sites, the fragments or the midpoints of fragment files over windows.

    A fragment file has one fragment a line: contig, start, end (0-based half-open, bp), perhaps
    barcode and count; each line counts once. The files are read once, in pieces, and kept as
    sorted int32 positions by contig: 8 bytes a fragment (4 for midpoints), beyond 128 MB in a
    temporary file that is mapped.

    Parameters
    ----------
    name : str
        Name of the variable.
    fragments : path or sequence of paths
        BED or TSV files, plain, gzip or bgzip; need not be sorted.
    samples : str or sequence of str
        Name of each sample: one a file or, with ``barcodes``, the groups of barcodes.
    contigs : dict of str to int, optional
        Contig lengths in bp, where windows end. By default a contig ends with its last fragment,
        and other readers of the build say where it truly ends.
    barcodes : mapping of str to str, or sequence of mappings, optional
        Sample of each barcode (fourth column), such as the cluster of a cell; fragments of other
        barcodes are left out. One mapping for all files, or one a file.
    count_method : {"cutsite", "fragment", "midpoint"}, default "cutsite"
        +1 at both ends (``start`` and ``end - 1``), +1 at every base of the fragment, or +1 at
        its middle (``(start + end) // 2``).
    shift : (int, int), default (0, 0)
        Bp added to start and end before counting. Ends of reads lie 9 bp apart at a Tn5 cut:
        (4, -5) moves both to its middle, for files that do not have it already (those of
        10x Genomics do). With "fragment" and "midpoint", fragments too short for it are left out.
    dtype : dtype, default uint16
        Type of the counts; a count that does not fit is an error.
    sample_dim : str, optional
        Name of the sample dimension, by default ``{name}_sample``.
    strands, pairs : sequence of str, optional
        Strand of each sample, and the sample of the other strand, as :class:`BigWig` takes them.
    halves : int, optional
        Seed by which each fragment is dealt at random to one of two halves of its sample. The
        samples are then ``{sample}.1`` and ``{sample}.2``, pseudo-replicates that add up to it.
    missing : {"warn", "zero", "error"}, default "warn"
        What to do with regions on contigs without any fragment. "zero": counts are 0. "warn":
        that, with a warning, if the genome is known to have the contig (a FASTA is read beside,
        say), and else an error. "error": an error.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    TrackError
        If a line is no fragment; the message names file and line.
    SchemaError
        If samples, files and barcodes do not fit each other.

    Examples
    --------
    >>> import pathlib, tempfile, pandas as pd, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> tsv = pathlib.Path(folder.name) / "fragments.tsv"
    >>> _ = tsv.write_text("c\t2\t6\tAAAC-1\t1\nc\t3\t8\tTTTG-1\t2\n")
    >>> reader = sd.Fragments("atac", tsv, ["T", "B"], barcodes={"AAAC-1": "T", "TTTG-1": "B"})
    >>> bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [8]})
    >>> ds = sd.from_region_files(reader, path=f"{folder.name}/x.zarr", bed=bed, fixed_length=8)
    >>> ds["atac"].values[0].tolist()
    [[0, 0, 1, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1]]
    >>> folder.cleanup()
    """

    def __init__(
        self,
        name: str,
        fragments: Paths,
        samples: str | Sequence[str],
        *,
        contigs: dict[str, int] | None = None,
        barcodes: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count_method: Literal["cutsite", "fragment", "midpoint"] = "cutsite",
        shift: tuple[int, int] = (0, 0),
        dtype: DTypeLike = np.uint16,
        sample_dim: str | None = None,
        strands: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
        halves: int | None = None,
        missing: Missing = "warn",
    ) -> None:
        if count_method not in _METHODS:
            msg = f"count_method must be one of {', '.join(_METHODS)}, got {count_method!r}."
            raise SchemaError(msg)
        names = [str(sample) for sample in listed(samples)]
        files = len(listed(fragments)) if barcodes is None else len(names)
        given = [names, strands, pairs]
        if halves is not None:
            files *= 2
            given = [_twice(names), strands and list(np.repeat(strands, 2)), _twice(pairs)]
        super().__init__(
            name, fragments, given[0] or [], what="Fragment", n_samples=files, dtype=dtype,
            missing=missing, sample_dim=sample_dim, strands=given[1], pairs=given[2],
            units="counts",
        )  # fmt: skip
        self.method = count_method
        self.shift = (int(shift[0]), int(shift[1]))
        self.halves = halves
        self._totals = np.zeros(len(given[0] or []), dtype=np.uint64)
        self._ends: dict[str, int] = {}
        self._positions: list[dict[str, Positions]] = [{} for _ in self._totals]
        self._spool: Spool | None = Spool()
        self._load(self._spool, _groups(barcodes, names, len(self.paths)))
        self.sizes_are_known = contigs is not None
        sizes = dict(contigs) if contigs is not None else self._ends
        self._have_contigs([(", ".join(self.files()), sizes)])

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_spool": None}

    def totals(self) -> NDArray[np.uint64]:
        """Return the number of fragments of each sample, uint64, shape (n_samples,)."""
        return self._totals.copy()

    def read(self, windows: Windows, width: int) -> NDArray[np.generic]:
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
        _ = list(self._places(windows))
        dtype = np.dtype(self._track.dtype)
        out = np.zeros((len(windows), len(self._positions), width), dtype=dtype)
        counts = np.zeros((len(windows), width), dtype=np.int32)
        for sample, positions in enumerate(self._positions):
            counts[:] = 0
            for code, rows in windows.by_contig(windows.end > windows.start):
                contig = windows.names[code]
                if contig in positions:
                    self._count(positions[contig], rows, windows, counts)
            self._check_fits(counts)
            out[:, sample] = counts
        return out

    def _count(
        self,
        positions: Positions,
        rows: NDArray[np.int64],
        windows: Windows,
        out: NDArray[np.int32],
    ) -> None:
        if self.method == "fragment":
            starts, ends = positions
            count_cover(starts, ends, rows, windows.start, windows.end, out)
        else:
            (sites,) = positions
            count_sites(sites, rows, windows.start, windows.end, out)

    def _load(self, spool: Spool, groups: list[dict[str, int]] | None) -> None:
        for i, path in enumerate(self.paths):
            if not read_fragments(path, spool, i, None if groups is None else groups[i]):
                what = "fragment" if groups is None else "fragment with one of the barcodes"
                msg = f"{path} holds no {what}. Expected lines such as: chr1<TAB>1000<TAB>1180"
                if groups is not None:
                    msg += f"<TAB>{next(iter(groups[i]), 'AAAC-1')}"
                raise TrackError(f"{msg}.")
        for sample, contig in spool.found():
            found = spool.take((sample, contig), partial(self._dealt, sample, contig))
            if self.halves is None:
                self._positions[sample][contig] = found
                continue
            middle = len(found) // 2
            self._positions[2 * sample][contig] = found[:middle]
            self._positions[2 * sample + 1][contig] = found[middle:]

    def _dealt(self, sample: int, contig: str, fragments: NDArray[np.int32]) -> Positions:
        """Return the sorted positions of a sample, or of both halves of it, one after the other."""
        if self.halves is None:
            return self._arranged(sample, contig, fragments)
        letters = np.frombuffer(contig.encode(), dtype=np.uint8)[None]
        place = row_hash(letters)[0].astype(np.int64)
        second = uniform(self.halves, sample, place, np.arange(len(fragments))) < 0.5
        return (
            *self._arranged(2 * sample, contig, fragments[~second]),
            *self._arranged(2 * sample + 1, contig, fragments[second]),
        )

    def _arranged(self, sample: int, contig: str, fragments: NDArray[np.int32]) -> Positions:
        """Return the sorted positions that the method counts."""
        start = _moved(fragments[:, 0], self.shift[0])
        end = _moved(fragments[:, 1], self.shift[1])
        if self.method != "cutsite":
            kept = start < end
            start, end = start[kept], end[kept]
        self._totals[sample] += np.uint64(len(start))
        self._ends[contig] = max(self._ends.get(contig, 0), int(end.max(initial=0)))
        if self.method == "fragment":
            return np.sort(start), np.sort(end)
        if self.method == "midpoint":
            return (np.sort(start + (end - start) // 2),)
        return (np.sort(np.concatenate([start, end - 1])),)


def _twice(names: Sequence[str] | None) -> list[str] | None:
    """Return the names of both halves of each sample."""
    return None if names is None else [f"{name}.{half}" for name in names for half in (1, 2)]


def _moved(positions: NDArray[np.int32], shift: int) -> NDArray[np.int32]:
    if not shift:
        return positions
    bounds = np.iinfo(np.int32)
    return np.clip(positions.astype(np.int64) + shift, bounds.min + 1, bounds.max).astype(np.int32)


def _groups(barcodes: Any, names: list[str], n_files: int) -> list[dict[str, int]] | None:
    """Return the sample number of each barcode, one mapping a file."""
    if barcodes is None:
        return None
    given = [barcodes] * n_files if isinstance(barcodes, Mapping) else list(barcodes)
    if len(given) != n_files:
        msg = f"barcodes has {len(given)} mappings for {n_files} files: give one, or one a file."
        raise SchemaError(msg)
    places = {name: i for i, name in enumerate(names)}
    out = []
    for mapping in given:
        for barcode, sample in mapping.items():
            if str(sample) not in places:
                msg = (
                    f"barcodes puts {barcode!r} into sample {sample!r}, which is none of samples."
                    f"{did_you_mean(str(sample), names)}"
                )
                raise SchemaError(msg)
        out.append({str(barcode): places[str(sample)] for barcode, sample in mapping.items()})
    if not all(out):
        msg = "barcodes is empty: give the sample of each barcode, or leave it out."
        raise SchemaError(msg)
    return out
