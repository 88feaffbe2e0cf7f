"""What readers of signal have in common: files, samples, strands, and contigs that are left out."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import SchemaError, TrackError, require_file
from seqdata.readers._base import RegionReader, Track, Windows
from seqdata.readers._contigs import Missing, check_missing, check_missing_choice, locate

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

logger = logging.getLogger(__name__)

Paths = str | Path | Sequence[str | Path]

_STRAND_WORDS = re.compile(
    r"(?<![a-z])(plus|minus|pos|neg|positive|negative|fwd|rev|forward|reverse)(?![a-z])|[+-]$", re.I
)


class SignalReader(RegionReader):
    """A reader of files of signal, some samples each.

    Parameters
    ----------
    name : str
        Name of the variable.
    files : path or sequence of paths
    samples : sequence of str
        Name of each sample.
    what : str
        What the files are, for the message where one is not there.
    n_samples : int, optional
        Samples that there must be, by default one a file.
    dtype : dtype
    missing : {"warn", "zero", "error"}
        What to do with regions on contigs that the files leave out.
    sample_dim, strands, pairs, units
        As :func:`make_track` takes them.
    """

    def __init__(
        self,
        name: str,
        files: Paths,
        samples: Sequence[str],
        *,
        what: str,
        n_samples: int | None = None,
        dtype: DTypeLike,
        missing: Missing,
        sample_dim: str | None,
        strands: Sequence[str] | None,
        pairs: Sequence[str] | None,
        units: str,
    ) -> None:
        check_missing_choice(missing)
        self.name = name
        self.missing = missing
        self.paths = [require_file(file, what) for file in listed(files)]
        self._track = make_track(
            name, dtype, samples, n_files=len(self.paths) if n_samples is None else n_samples,
            sample_dim=sample_dim, strands=strands, pairs=pairs, units=units,
        )  # fmt: skip

    def track(self) -> Track:
        """Return what the reader makes."""
        return self._track

    def contigs(self) -> dict[str, int]:
        """Return the contigs of all files and their lengths in bp (the longest if they differ)."""
        return self._longest

    def files(self) -> list[str]:
        """Return the files read."""
        return [str(path) for path in self.paths]

    def check_contigs(self, windows: Windows, regions: str) -> None:
        """Warn of regions on contigs that a file leaves out, or refuse them."""
        if self.missing != "warn":
            super().check_contigs(windows, regions)
            return
        for where, contigs in self._sources:
            check_missing(windows, contigs, where, regions=regions)

    def _have_contigs(self, sources: Sequence[tuple[str, dict[str, int]]]) -> None:
        """Keep which contigs each source has, and what to call it in messages."""
        self._sources = list(sources)
        self._longest: dict[str, int] = {}
        for _, contigs in sources:
            for name, length in contigs.items():
                self._longest[name] = max(length, self._longest.get(name, 0))

    def _places(self, windows: Windows) -> Iterator[tuple[NDArray[np.int64], ...]]:
        """Yield where windows lie in each source: start, stop and lead, as `Windows.within`."""
        for where, contigs in self._sources:
            yield windows.within(locate(windows, contigs, where, missing=self.missing))

    def _check_fits(self, counts: NDArray[np.generic], what: str = "") -> None:
        """Refuse counts that the type of the track does not hold."""
        dtype = np.dtype(self._track.dtype)
        if dtype.kind in "iu" and counts.size and int(counts.max()) > np.iinfo(dtype).max:
            msg = (
                f"{self.name!r} reaches {int(counts.max())}{what} at one base, more than {dtype} "
                "holds. Pass dtype='uint32'."
            )
            raise TrackError(msg)


def listed(given: Paths) -> list[str | Path]:
    """Return one path, name or a sequence of them as a list.

    Examples
    --------
    >>> listed("x.bw"), listed(["a", "b"])
    (['x.bw'], ['a', 'b'])
    """
    return [given] if isinstance(given, (str, Path)) else list(given)


def make_track(
    name: str,
    dtype: DTypeLike,
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
        name, np.dtype(dtype), sample_dim=sample_dim or "", samples=tuple(samples),
        strands=tuple(strand), pairs=tuple(mates), units=units,
    )  # fmt: skip


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
