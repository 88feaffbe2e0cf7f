"""Reads of BAM and CRAM files over windows: depth, Tn5 cut sites, fragments."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pysam
import pysam.utils

from seqdata.errors import SchemaError, SeqdataError, TrackError, require_file
from seqdata.readers._alignment_index import check_alignment, usable_index
from seqdata.readers._base import Windows
from seqdata.readers._contigs import Missing
from seqdata.readers._cram import unreadable
from seqdata.readers._signal import Paths, SignalReader, listed
from seqdata.readers._turns import in_turn
from seqpro.family import anything, old_call

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

CountMethod = Literal["depth-only", "tn5-cutsite", "tn5-fragment"]
Stranded = Literal["no", "forward", "reverse"]

# unmapped, secondary, failed quality control, duplicate, supplementary
EXCLUDED_FLAGS = 0x4 | 0x100 | 0x200 | 0x400 | 0x800
_TN5 = (4, -5)
_PROBED = 1000


class BAM(SignalReader):
    """Count reads of BAM or CRAM files over windows.

    Single-end and paired-end reads are counted alike, mates one by one; of paired ones only proper
    pairs unless ``proper_pairs=False``. Left out by default are unmapped, secondary,
    supplementary, duplicate and failed reads (``exclude_flags``), none for its mapping quality
    (``min_mapq``). Depth counts every aligned base (N too, whatever its quality; gaps of the
    alignment are not counted), so mates that overlap count twice.

    Parameters
    ----------
    name : str
        Name of the variable.
    bams : path or sequence of paths
        BAM or CRAM files sorted by coordinate, one a sample. A missing index is built beside the
        file, or in the cache directory if that folder cannot be written.
    samples : str or sequence of str
        Name of each sample.
    batch_size : int, optional
        Accepted for compatibility; windows are read a shard at a time.
    n_jobs : int, default 1
        Accepted for compatibility; one process reads.
    threads_per_job : int, default 1
        Threads that unpack a file.
    dtype : dtype, default uint16
        Type of the counts; a count that does not fit is an error.
    sample_dim : str, optional
        Name of the sample dimension, by default ``{name}_sample``.
    offset_tn5 : bool, default False
        Shift left ends by +4 and right ends by -5 bp, to the middle of the Tn5 cut.
    count_method : {"depth-only", "tn5-cutsite", "tn5-fragment"}, default "depth-only"
        Aligned bases; the 5' end of each read; or all bases from one end of a proper pair to the
        other, each pair once (single-end files are refused).
    stranded : {"no", "forward", "reverse"}, default "no"
        Split each file into a "+" and a "-" sample, paired with each other: by the strand of read
        1 (single reads: their own), or by the opposite strand ("reverse", as dUTP protocols give).
    min_mapq : int, default 0
        Least mapping quality.
    exclude_flags : int, default 0xF04
        Reads with any of these flags are left out: unmapped, secondary, failed, duplicate and
        supplementary ones.
    proper_pairs : bool, default True
        Leave out paired reads that are no proper pair.
    max_fragment : int, default 2000
        Longest fragment looked for by "tn5-fragment" in bp; longer ones are left out.
    reference : path, optional
        FASTA file that a CRAM was made with. Without it htslib looks at the place that the file
        names, and where ``REF_PATH`` says.
    missing : {"warn", "zero", "error"}, default "warn"
        What to do with regions on contigs that the header of a file does not name, as
        :class:`BigWig` takes it.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    TrackError
        If a file is damaged, not sorted, or cannot be indexed.
    SchemaError
        If "tn5-fragment" is asked of single-end reads, or an argument is none of its choices.

    Examples
    --------
    >>> import tempfile, pandas as pd, pysam
    >>> folder = tempfile.TemporaryDirectory()
    >>> bam = f"{folder.name}/x.bam"
    >>> header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": 100}]}
    >>> with pysam.AlignmentFile(bam, "wb", header=header) as out:
    ...     for start, flag in ((2, 0), (5, 16)):
    ...         read = pysam.AlignedSegment(out.header)
    ...         read.query_name, read.query_sequence, read.cigarstring = "r", "ACGT", "4M"
    ...         read.reference_id, read.reference_start, read.flag = 0, start, flag
    ...         _ = out.write(read)
    >>> bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [10]})
    >>> reader = BAM("cov", bam, "a", stranded="forward")
    >>> reader.totals().tolist()
    [1, 1]
    >>> import seqdata as sd
    >>> ds = sd.from_region_files(reader, path=f"{folder.name}/x.zarr", bed=bed, fixed_length=10)
    >>> ds["cov"].values[0].tolist()
    [[0, 0, 1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]]
    >>> folder.cleanup()
    """

    @old_call(
        "seqdata.BAM",
        unheard={"samples_per_chunk": anything},
        error=SeqdataError,
    )
    def __init__(
        self,
        name: str,
        bams: Paths,
        samples: str | Sequence[str],
        *,
        batch_size: int | None = None,
        n_jobs: int = 1,
        threads_per_job: int = 1,
        dtype: DTypeLike = np.uint16,
        sample_dim: str | None = None,
        offset_tn5: bool = False,
        count_method: CountMethod = "depth-only",
        stranded: Stranded = "no",
        min_mapq: int = 0,
        exclude_flags: int = EXCLUDED_FLAGS,
        proper_pairs: bool = True,
        max_fragment: int = 2000,
        reference: str | Path | None = None,
        missing: Missing = "warn",
    ) -> None:
        if count_method not in ("depth-only", "tn5-cutsite", "tn5-fragment"):
            msg = (
                "count_method must be 'depth-only', 'tn5-cutsite' or 'tn5-fragment', "
                f"got {count_method!r}."
            )
            raise SchemaError(msg)
        if stranded not in ("no", "forward", "reverse"):
            msg = f"stranded must be 'no', 'forward' or 'reverse', got {stranded!r}."
            raise SchemaError(msg)
        files = listed(bams)
        names = [str(sample) for sample in listed(samples)]
        strands, pairs = None, None
        if stranded != "no":
            if len(names) != len(files):
                msg = f"{name!r} has {len(files)} files but {len(names)} sample names."
                raise SchemaError(msg)
            pairs = [f"{sample}{sign}" for sample in names for sign in "-+"]
            names = [f"{sample}{sign}" for sample in names for sign in "+-"]
            strands = ["+", "-"] * len(files)
        super().__init__(
            name, files, names, what="BAM", n_samples=len(files) * (1 if stranded == "no" else 2),
            dtype=dtype, missing=missing, sample_dim=sample_dim, strands=strands, pairs=pairs,
            units="counts",
        )  # fmt: skip
        self.reference = None if reference is None else require_file(reference, "FASTA")
        self.threads = max(1, int(threads_per_job))
        self.method = count_method
        self.stranded = stranded
        self.shift = _TN5 if offset_tn5 else (0, 0)
        self.min_mapq = int(min_mapq)
        self.exclude_flags = int(exclude_flags)
        self.proper_pairs = proper_pairs
        self.max_fragment = int(max_fragment)
        self._open: list[pysam.AlignmentFile] | None = None
        contigs = [dict(zip(h.references, h.lengths, strict=True)) for h in self._handles()]
        self._have_contigs(list(zip(self.files(), contigs, strict=True)))
        if count_method == "tn5-fragment":
            for path, handle in zip(self.paths, self._handles(), strict=True):
                _require_pairs(path, handle, self.reference)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_open": None}

    @in_turn
    def totals(self) -> NDArray[np.uint64]:
        """Return the number of mapped reads of each sample, uint64, shape (n_samples,).

        No filter is applied. Where strands are told apart each has its own reads.
        """
        totals = []
        for path, handle in zip(self.paths, self._handles(), strict=True):
            try:
                totals += self._totals_of(path, handle)
            except (OSError, ValueError, pysam.utils.SamtoolsError) as error:
                raise unreadable(path, handle, self.reference, error) from error
        return np.array(totals, dtype=np.uint64)

    @in_turn
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
            0 off the contig and behind a window shorter than ``width``.

        Raises
        ------
        TrackError
            If a count does not fit the dtype, or a file is damaged.
        """
        n_strands = 1 if self.stranded == "no" else 2
        counts = np.zeros((len(windows), len(self.paths) * n_strands, width), dtype=np.int64)
        places = self._places(windows)
        for i, (handle, place) in enumerate(zip(self._handles(), places, strict=True)):
            start, stop, lead = place
            samples = slice(i * n_strands, (i + 1) * n_strands)
            for row in np.flatnonzero(stop > start):
                chrom = windows.names[int(windows.contig[row])]
                begin, end, first = int(start[row]), int(stop[row]), int(lead[row])
                try:
                    found = self._count(handle, chrom, begin, end)
                except (OSError, ValueError) as error:
                    where = (chrom, begin, end)
                    told = unreadable(self.paths[i], handle, self.reference, error, where)
                    raise told from error
                counts[row, samples, first : first + end - begin] = found
        self._check_fits(counts, " reads")
        return counts.astype(self._track.dtype)

    @in_turn
    def close(self) -> None:
        """Close the files."""
        for handle in self._open or []:
            # htslib reports once more, at the end, what it could not read
            with contextlib.suppress(OSError):
                handle.close()
        self._open = None

    def _totals_of(self, path: Path, handle: pysam.AlignmentFile) -> list[int]:
        if self.stranded == "no":
            return [_mapped(handle)]
        every, reverse, second, both = (
            _count_flags(path, flags, self.reference) for flags in (0, 0x10, 0x81, 0x91)
        )
        # a read lies on "-" if it is reverse or a second mate, but not if it is both
        minus = reverse + second - 2 * both
        plus = every - minus
        return [plus, minus] if self.stranded == "forward" else [minus, plus]

    def _count(
        self, handle: pysam.AlignmentFile, chrom: str, start: int, stop: int
    ) -> NDArray[np.int64]:
        """Count the reads of one window: shape (1 or 2, stop - start)."""
        rows = 1 if self.stranded == "no" else 2
        if self.method == "tn5-cutsite":
            counts = np.zeros((rows, stop - start), dtype=np.int64)
            for read in self._reads(handle, chrom, start, stop, 5):
                end = read.reference_end - 1 + self.shift[1]
                site = end if read.is_reverse else read.reference_start + self.shift[0]
                if start <= site < stop:
                    counts[self._row(read), site - start] += 1
            return counts
        # +1 where a stretch begins and -1 behind its end; the sums are the depth
        edges = np.zeros((rows, stop - start + 1), dtype=np.int64)
        if self.method == "tn5-fragment":
            for read in self._reads(handle, chrom, start, stop, self.max_fragment):
                length = read.template_length
                if not read.is_proper_pair or not 0 < length <= self.max_fragment:
                    continue
                begin = read.reference_start + self.shift[0]
                end = read.reference_start + length + self.shift[1]
                if begin < stop and end > start and begin < end:
                    row = self._row(read)
                    edges[row, max(begin, start) - start] += 1
                    edges[row, min(end, stop) - start] -= 1
        else:
            for read in self._reads(handle, chrom, start, stop, 0):
                row = self._row(read)
                for begin, end in read.get_blocks():
                    if begin < stop and end > start:
                        edges[row, max(begin, start) - start] += 1
                        edges[row, min(end, stop) - start] -= 1
        return np.cumsum(edges, axis=1)[:, :-1]

    def _reads(
        self, handle: pysam.AlignmentFile, chrom: str, start: int, stop: int, margin: int
    ) -> Any:
        for read in handle.fetch(chrom, max(0, start - margin), stop + margin):
            if read.flag & self.exclude_flags or read.mapping_quality < self.min_mapq:
                continue
            if self.proper_pairs and read.is_paired and not read.is_proper_pair:
                continue
            if read.reference_end is not None:
                yield read

    def _row(self, read: pysam.AlignedSegment) -> int:
        """Return 0 for "+" and 1 for "-" (always 0 where strands are not told apart)."""
        if self.stranded == "no":
            return 0
        minus = read.is_reverse != (read.is_paired and read.is_read2)
        return int(minus != (self.stranded == "reverse"))

    def _handles(self) -> list[pysam.AlignmentFile]:
        if self._open is None:
            self._open = [open_alignment(p, self.reference, self.threads) for p in self.paths]
        return self._open


def open_alignment(path: Path, reference: Path | None, threads: int = 1) -> pysam.AlignmentFile:
    """Open a BAM or CRAM file with its index; build the index if there is none.

    Raises
    ------
    TrackError
        If the file is damaged, cut short, not sorted or cannot be indexed.
    """
    check_alignment(path)
    options: dict[str, Any] = {"threads": threads}
    if reference is not None:
        options["reference_filename"] = str(reference)
    quiet = pysam.set_verbosity(0)
    try:
        index = usable_index(path)
        return pysam.AlignmentFile(str(path), index_filename=str(index), **options)
    except pysam.utils.SamtoolsError as error:
        text = " ".join(str(error).split())
        msg = f"{path} cannot be indexed ({text}). Sort it by coordinate: samtools sort."
        raise TrackError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be opened as BAM or CRAM ({error}): damaged or cut short?"
        raise TrackError(msg) from error
    finally:
        pysam.set_verbosity(quiet)


def _mapped(handle: pysam.AlignmentFile) -> int:
    """Count mapped reads: from the index, or (CRAM keeps no counts) one by one."""
    if handle.is_cram:
        return sum(not read.is_unmapped for read in handle.fetch(until_eof=True))
    return int(handle.mapped)


def _count_flags(path: Path, flags: int, reference: Path | None) -> int:
    """Count the mapped reads that have all of some flags."""
    given = ["-c", "-F", "0x4", "-f", hex(flags)]
    if reference is not None:
        given += ["-T", str(reference)]
    return int(str(pysam.view(*given, str(path))))


def _require_pairs(path: Path, handle: pysam.AlignmentFile, reference: Path | None) -> None:
    """Raise if the first reads of a file are single ones, which have no fragments."""
    try:
        flags = [read.flag for read in handle.head(_PROBED)]
    except (OSError, ValueError) as error:
        raise unreadable(path, handle, reference, error) from error
    if flags and not any(flag & 0x1 for flag in flags):
        msg = (
            f"{path} holds single-end reads (none of the first {len(flags)} is paired), so no "
            "fragments to count. Pass count_method='tn5-cutsite' or 'depth-only'."
        )
        raise SchemaError(msg)
