"""BigWig signal over windows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqdata.errors import SchemaError, TrackError, require_file
from seqdata.readers._base import (
    Missing,
    Track,
    Windows,
    check_missing,
    check_missing_choice,
    locate,
)
from seqdata.readers._bigwig_file import BigWigFile, KeptBlocks
from seqdata.readers._turns import in_turn
from seqdata.readers._write import WritesWindows

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_STRAND_WORDS = re.compile(
    r"(?<![a-z])(plus|minus|pos|neg|positive|negative|fwd|rev|forward|reverse)(?![a-z])|[+-]$", re.I
)


class BigWig(WritesWindows):
    """Read the signal of BigWig files over windows.

    Parameters
    ----------
    name : str
        Name of the variable.
    bigwigs : path or sequence of paths
        BigWig files, one a sample.
    samples : str or sequence of str
        Name of each sample.
    batch_size : int, optional
        Accepted for compatibility; windows are read a shard at a time.
    n_jobs, threads_per_job : int, default 1
        Accepted for compatibility; one thread reads.
    sample_dim : str, optional
        Name of the sample dimension, by default ``{name}_sample``.
    strands : sequence of {"+", "-", "."}, optional
        Strand of each sample; by default all ``"."`` (unstranded).
    pairs : sequence of str, optional
        For each sample the name of the sample that holds the same signal on the other strand
        ("" for none). By default stranded samples whose names differ only in the strand are
        paired, or the two samples when there is one of each strand.
    missing : {"warn", "zero", "error"}, default "warn"
        What to do with regions on contigs that a BigWig does not have. "zero": their signal is 0.
        "warn": that, with a warning, if the genome is known to have the contig (a FASTA is read
        beside, say), and else an error. "error": an error.
    units : str, default ""
        Unit of the values, kept as an attribute.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    TrackError
        If a file is no BigWig.
    SchemaError
        If names, strands and pairs do not fit each other.
    """

    def __init__(
        self,
        name: str,
        bigwigs: str | Path | Sequence[str | Path],
        samples: str | Sequence[str],
        *,
        batch_size: int | None = None,
        n_jobs: int = 1,
        threads_per_job: int = 1,
        sample_dim: str | None = None,
        strands: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
        missing: Missing = "warn",
        units: str = "",
    ) -> None:
        files = [bigwigs] if isinstance(bigwigs, (str, Path)) else list(bigwigs)
        names = [samples] if isinstance(samples, str) else [str(sample) for sample in samples]
        self.name = name
        self.paths = [require_file(file, "BigWig") for file in files]
        self.missing = missing
        self._track = make_track(
            name,
            np.float32,
            names,
            n_files=len(files),
            sample_dim=sample_dim,
            strands=strands,
            pairs=pairs,
            units=units,
        )
        check_missing_choice(missing)
        self._open: list[BigWigFile] | None = None
        self._contigs = [handle.contigs for handle in self._handles()]
        self._longest: dict[str, int] = {}
        for contigs in self._contigs:
            for contig, length in contigs.items():
                self._longest[contig] = max(length, self._longest.get(contig, 0))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def track(self) -> Track:
        """Return what the reader makes."""
        return self._track

    def contigs(self) -> dict[str, int]:
        """Return the contigs of all files and their lengths in bp (the longest if they differ)."""
        return self._longest

    def files(self) -> list[str]:
        """Return the files read."""
        return [str(path) for path in self.paths]

    def check_missing(self, windows: Windows, regions: str) -> None:
        """Warn of regions on contigs that a file leaves out, or refuse them."""
        for path, contigs in zip(self.paths, self._contigs, strict=True):
            check_missing(windows, contigs, str(path), regions=regions)

    @in_turn
    def read(self, windows: Windows, width: int) -> NDArray[np.float32]:
        """Return the signal of windows on the forward strand.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Returns
        -------
        ndarray of float32, shape (n, n_samples, width)
            0 where a file has no value, off the contig, and behind a window shorter than
            ``width``.
        """
        out = np.zeros((len(windows), len(self.paths), width), dtype=np.float32)
        for sample, handle in enumerate(self._handles()):
            contigs = self._contigs[sample]
            size = locate(windows, contigs, str(self.paths[sample]), missing=self.missing)
            start = np.clip(windows.start, 0, size)
            stop = np.maximum(np.clip(windows.end, 0, size), start)
            lead = start - windows.start
            for code, here in windows.by_contig(stop > start):
                name = windows.names[code]
                handle.paint(name, here, start[here], stop[here], lead[here], out, sample)
        return out

    @in_turn
    def close(self) -> None:
        """Close the files."""
        for handle in self._open or []:
            handle.close()
        self._open = None

    def _handles(self) -> list[BigWigFile]:
        if self._open is None:
            kept = KeptBlocks()
            self._open = [_open_bigwig(path, kept) for path in self.paths]
        return self._open


def _open_bigwig(path: Path, kept: KeptBlocks) -> BigWigFile:
    if path.stat().st_size < 64:
        msg = f"{path} is empty or too short. Expected a BigWig file."
        raise TrackError(msg)
    return BigWigFile(path, kept)


def make_track(
    name: str,
    dtype: Any,
    samples: Sequence[str],
    *,
    n_files: int,
    sample_dim: str | None,
    strands: Sequence[str] | None,
    pairs: Sequence[str] | None,
    units: str = "",
) -> Track:
    """Check samples, strands and pairs, and describe the track they make.

    Parameters
    ----------
    name : str
        Name of the variable.
    dtype : dtype
        Type of the values.
    samples : sequence of str
        Sample names.
    n_files : int
        Number of files; one a sample.
    sample_dim : str or None
        Name of the sample dimension, by default ``{name}_sample``.
    strands, pairs : sequence of str or None
        As :class:`BigWig` takes them.
    units : str, default ""

    Returns
    -------
    Track

    Raises
    ------
    SchemaError
        If they do not fit each other.

    Examples
    --------
    >>> make_track("cov", "f4", ["x.plus", "x.minus"], n_files=2, sample_dim=None,
    ...     strands=["+", "-"], pairs=None).pairs
    ('x.minus', 'x.plus')
    """
    if len(samples) != n_files:
        msg = f"{name!r} has {n_files} files but {len(samples)} sample names: give one for each."
        raise SchemaError(msg)
    if len(set(samples)) != len(samples):
        msg = f"{name!r} has sample names that repeat: {list(samples)}."
        raise SchemaError(msg)
    if strands is None:
        _note_strand_words(name, samples)
    strand = ["."] * len(samples) if strands is None else [str(value) for value in strands]
    if len(strand) != len(samples) or set(strand) - {"+", "-", "."}:
        msg = f"strands of {name!r} must be one of '+', '-', '.' for each sample, got {strand}."
        raise SchemaError(msg)
    if pairs is None:
        mates = _guess_pairs(name, list(samples), strand)
    else:
        mates = [str(mate) if mate else "" for mate in pairs]
    if len(mates) != len(samples):
        msg = f"pairs of {name!r} must name one sample (or '') for each sample, got {mates}."
        raise SchemaError(msg)
    for sample, mate in zip(samples, mates, strict=True):
        if mate and (mate not in samples or mates[list(samples).index(mate)] != sample):
            msg = (
                f"pairs of {name!r}: {sample!r} is paired with {mate!r}, which is not there or not "
                "paired back."
            )
            raise SchemaError(msg)
    return Track(
        name,
        np.dtype(dtype),
        "track",
        sample_dim=sample_dim or f"{name}_sample",
        samples=tuple(samples),
        strands=tuple(strand),
        pairs=tuple(mates),
        units=units,
    )


def _note_strand_words(name: str, samples: Sequence[str]) -> None:
    """Warn where the names of two samples differ in the strand alone, but no strands are given."""
    stems: dict[str, str] = {}
    for sample in samples:
        if not _STRAND_WORDS.search(sample):
            continue
        mate = stems.setdefault(_STRAND_WORDS.sub("", sample), sample)
        if mate != sample:
            logger.warning(
                "%r: samples %r and %r look like two strands, but are taken for unstranded: rows "
                "on the '-' strand do not swap them. Pass strands=['+', '-', ...], or "
                "strands=['.', ...] if they are none.", name, mate, sample,
            )  # fmt: skip
            return


def _guess_pairs(name: str, samples: list[str], strands: list[str]) -> list[str]:
    plus = [i for i, strand in enumerate(strands) if strand == "+"]
    minus = [i for i, strand in enumerate(strands) if strand == "-"]
    mates = [""] * len(samples)
    if len(plus) == 1 and len(minus) == 1:
        couples = [(plus[0], minus[0])]
    else:
        stems = {_STRAND_WORDS.sub("", samples[i]): i for i in minus}
        couples = [(i, stems.get(_STRAND_WORDS.sub("", samples[i]), -1)) for i in plus]
        if any(j < 0 for _, j in couples) or len(stems) != len(minus) or len(plus) != len(minus):
            msg = (
                f"Cannot tell which '+' and '-' samples of {name!r} belong together: {samples}. "
                "Pass pairs=[...], for each sample the name of its partner or ''."
            )
            raise SchemaError(msg)
    for i, j in couples:
        mates[i], mates[j] = samples[j], samples[i]
    return mates
