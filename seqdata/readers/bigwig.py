"""BigWig signal over windows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqdata.errors import SeqdataError, TrackError
from seqdata.readers._base import Windows
from seqdata.readers._bigwig_file import BigWigFile, KeptBlocks
from seqdata.readers._contigs import Missing
from seqdata.readers._signal import Paths, SignalReader, listed
from seqdata.readers._turns import in_turn, step_in_turn
from seqpro.family import anything, old_call

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BigWig(SignalReader):
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
    uncovered : {"zero", "missing"}, default "zero"
        What bases without a value have: 0, or NaN.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    TrackError
        If a file is no BigWig.
    SchemaError
        If names, strands and pairs do not fit each other.
    """

    @old_call(
        "seqdata.BigWig",
        unheard={"samples_per_chunk": anything, "dtype": anything},
        error=SeqdataError,
    )
    def __init__(
        self,
        name: str,
        bigwigs: Paths,
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
        uncovered: Literal["zero", "missing"] = "zero",
    ) -> None:
        if uncovered not in ("zero", "missing"):
            msg = f"uncovered is {uncovered!r}: expected 'zero' or 'missing'."
            raise TrackError(msg)
        self.uncovered = uncovered
        super().__init__(
            name, bigwigs, [str(sample) for sample in listed(samples)], what="BigWig",
            dtype=np.float32, missing=missing, sample_dim=sample_dim, strands=strands, pairs=pairs,
            units=units,
        )  # fmt: skip
        self._open: list[BigWigFile] | None = None
        contigs = [handle.contigs for handle in self._handles()]
        self._have_contigs(list(zip(self.files(), contigs, strict=True)))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_open": None}

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
            0, or NaN where ``uncovered="missing"``, where a file has no value, off the contig,
            and behind a window shorter than ``width``.
        """
        out = self._blank(len(windows), len(self.paths), width)
        places = self._places(windows)
        for sample, (handle, place) in enumerate(zip(self._handles(), places, strict=True)):
            _paint(handle, windows, place, out, sample)
        return out

    @step_in_turn
    def each_sample(
        self, windows: Windows, width: int
    ) -> Generator[tuple[int, NDArray[np.float32]]]:
        """Yield the values of one sample after the other, float32 (n, width) each."""
        places = self._places(windows)
        for sample, (handle, place) in enumerate(zip(self._handles(), places, strict=True)):
            out = self._blank(len(windows), 1, width)
            _paint(handle, windows, place, out, 0)
            yield sample, out[:, 0]

    def _blank(self, *shape: int) -> NDArray[np.float32]:
        """Return what values are painted on."""
        return np.full(shape, 0 if self.uncovered == "zero" else np.nan, dtype=np.float32)

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


def _paint(
    handle: BigWigFile,
    windows: Windows,
    place: tuple[NDArray[np.int64], ...],
    out: NDArray[np.float32],
    sample: int,
) -> None:
    """Write the values of windows into those of a sample."""
    start, stop, lead = place
    for code, here in windows.by_contig(stop > start):
        name = windows.names[code]
        handle.paint(name, here, start[here], stop[here], lead[here], out, sample)


def _open_bigwig(path: Path, kept: KeptBlocks) -> BigWigFile:
    if path.stat().st_size < 64:
        msg = f"{path} is empty or too short. Expected a BigWig file."
        raise TrackError(msg)
    return BigWigFile(path, kept)
