"""Signal summed up in bins of equal width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqdata.errors import LengthError, TrackError, did_you_mean
from seqdata.readers._base import RegionReader, Track, Windows
from seqdata.readers._squash import Each, Squash, _each

if TYPE_CHECKING:
    from numpy.typing import NDArray

Aggregate = Literal["sum", "mean", "max", "sum_sqrt"]
AGGREGATES = ("sum", "mean", "max", "sum_sqrt")
# bytes of the values of single bases that are held at a time
_BLOCK_BYTES = 32 << 20


class Binned(RegionReader):
    r"""Read the signal of another reader in bins, as Basenji, Enformer and Borzoi are trained on.

    Parameters
    ----------
    reader : BigWig, BAM, Fragments or RegionReader
        Where the signal of single bases comes from.
    bin_size : int
        Bases (bp) of a bin. It has to divide what ``crop`` leaves of a window: there is no
        smaller bin at the end.
    aggregate : {"sum", "mean", "max", "sum_sqrt"} or sequence of them
        What of the bases of a bin is kept, one for all samples or one each. ``"sum_sqrt"`` is
        ``sqrt(1 + sum) - 1``.
    crop : int
        Bases (bp) left out at each end of a window.
    clip_soft, clip, scale : float or sequence of float
        Of all samples or one each, see `Squash`; ``invert`` of it undoes them.
    dtype : {"float32", "float16"}
        Type that is stored.
    metadata : mapping of str to sequence, optional
        More of each sample, such as ``assay`` and ``weight``: coordinates ``{name}_assay``.

    Raises
    ------
    TrackError
        If an argument is out of range.

    Examples
    --------
    >>> import pathlib, tempfile, pandas as pd, pyBigWig, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> fasta, path = pathlib.Path(folder.name) / "g.fa", f"{folder.name}/x.bw"
    >>> _ = fasta.write_text(">chr1\nAACCGGTTACGT\n")
    >>> with pyBigWig.open(path, "w") as file:
    ...     file.addHeader([("chr1", 12)])
    ...     file.addEntries(["chr1"], [2], ends=[7], values=[1.0])
    >>> bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [0], "chromEnd": [12]})
    >>> signal = Binned(sd.BigWig("cov", path, "a"), 4, crop=2)
    >>> ds = sd.from_region_files(sd.GenomeFASTA("seq", fasta), signal, bed=bed,
    ...                           fixed_length=12, path=f"{folder.name}/x.zarr")
    >>> ds["cov"].values.tolist(), ds["cov"].dims
    ([[[4.0, 1.0]]], ('_sequence', 'cov_sample', '_length_cov'))
    >>> folder.cleanup()
    """

    def __init__(
        self,
        reader: RegionReader,
        bin_size: int,
        *,
        aggregate: Aggregate | Sequence[Aggregate] = "sum",
        crop: int = 0,
        clip_soft: Each = None,
        clip: Each = None,
        scale: float | Sequence[float] = 1.0,
        dtype: Literal["float32", "float16"] = "float32",
        metadata: Mapping[str, Sequence[object]] | None = None,
    ) -> None:
        track = reader.track()
        if track.kind != "track" or not track.samples or track.bin_size > 1:
            msg = f"{reader.name!r} is no signal of single bases, so it cannot be put into bins."
            raise TrackError(msg)
        if isinstance(bin_size, bool) or int(bin_size) != bin_size or bin_size < 1:
            msg = f"bin_size is {bin_size!r}: expected a whole number of bases, 1 or more."
            raise TrackError(msg)
        if int(crop) != crop or crop < 0:
            msg = f"crop is {crop!r}: expected a whole number of bases, 0 or more."
            raise TrackError(msg)
        if dtype not in ("float32", "float16"):
            msg = f"dtype is {dtype!r}: expected float32 or float16."
            raise TrackError(msg)
        kinds = [str(kind) for kind in _each("aggregate", aggregate, len(track.samples))]
        for kind in kinds:
            if kind not in AGGREGATES:
                msg = f"aggregate: {kind!r}{did_you_mean(kind, AGGREGATES)}"
                raise TrackError(msg)
        self.reader, self.name = reader, reader.name
        self.bin_size, self.crop, self.flank = int(bin_size), int(crop), 0
        self.aggregate = tuple(kinds)
        self.squash = Squash.of(
            len(kinds), sqrt=[kind == "sum_sqrt" for kind in kinds], clip_soft=clip_soft,
            clip=clip, scale=scale,
        )  # fmt: skip
        self.dtype = np.dtype(dtype)
        self.metadata = {key: tuple(values) for key, values in (metadata or {}).items()}
        for key, values in self.metadata.items():
            if len(values) != len(kinds):
                msg = f"metadata {key!r} has {len(values)} values for {len(kinds)} samples."
                raise TrackError(msg)
        self._gaps = getattr(reader, "uncovered", "zero") == "missing"
        self.missing = reader.missing
        self.sizes_are_known = reader.sizes_are_known

    def track(self) -> Track:
        """Return what the reader makes."""
        kinds = set(self.aggregate)
        facts: dict[str, object] = {
            "aggregate": self.aggregate[0] if len(kinds) == 1 else list(self.aggregate)
        }
        if self._gaps:
            facts["uncovered"] = "missing"
        if not self.squash.is_identity:
            facts["squash"] = self.squash.to_dict()
        return replace(
            self.reader.track(), dtype=self.dtype, bin_size=self.bin_size, crop=self.crop,
            flank=self.flank, facts=facts, metadata=self.metadata,
        )  # fmt: skip

    def widened(self, max_jitter: int) -> Binned:
        """Return the reader of windows that are wider on both sides, for jitter in training.

        Whole bins that fit in there are stored as well; what is left of them is cropped.
        """
        other = object.__new__(Binned)
        other.__dict__.update(self.__dict__)
        other.crop = self.crop + max_jitter % self.bin_size
        other.flank = max_jitter // self.bin_size
        return other

    def contigs(self) -> dict[str, int]:
        """Return the contigs and their lengths in bp."""
        return self.reader.contigs()

    def files(self) -> list[str]:
        """Return the files read."""
        return self.reader.files()

    def close(self) -> None:
        """Close the files."""
        self.reader.close()

    def totals(self) -> NDArray[np.uint64] | None:
        """Return the number of reads of each sample, where the reader counts them."""
        return self.reader.totals()

    def check_contigs(self, windows: Windows, regions: str) -> None:
        """Warn of regions on contigs that a file leaves out, or refuse them."""
        self.reader.check_contigs(windows, regions)

    def read(self, windows: Windows, width: int) -> NDArray[np.generic]:
        """Return the bins of windows on the forward strand.

        Parameters
        ----------
        windows : Windows
            All of one length.
        width : int
            Their length in bp.

        Returns
        -------
        ndarray of float, shape (n, n_samples, bins)
            Bases off the contig count as 0. Where the reader has NaN for bases without a value, a
            bin is that of its other bases, and NaN where it has none.

        Raises
        ------
        LengthError
            If windows are not of one length, or bins do not fill them.
        TrackError
            If a bin holds more than the stored type does.
        """
        if len(windows) and (windows.lengths != width).any():
            msg = f"{self.name!r} is in bins, so all windows need one length: pass fixed_length."
            raise LengthError(msg)
        track = self.track()
        bins = track.width_of(width)
        inner = bins * self.bin_size
        out = np.empty((len(windows), len(self.aggregate), bins), self.dtype)
        rows = max(1, _BLOCK_BYTES // (4 * max(1, inner)))
        for low in range(0, len(windows), rows):
            part = windows[low : low + rows]
            part = replace(part, start=part.start + self.crop, end=part.end - self.crop)
            held = np.empty((len(part), len(self.aggregate), bins), np.float64)
            for i, values in self.reader.each_sample(part, inner):
                held[:, i] = _summed(values, self.bin_size, self.aggregate[i], gaps=self._gaps)
            out[low : low + rows] = self._typed(self.squash.apply(held))
        return out

    def _typed(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return values as they are stored; one that does not fit is refused."""
        most = float(np.finfo(self.dtype).max)
        high = np.abs(np.nan_to_num(values, posinf=np.inf)).max(initial=0.0)
        if high > most:
            msg = (
                f"a bin of {self.name!r} holds {high:g}, more than {self.dtype} does: pass "
                "dtype='float32', clip= or clip_soft=."
            )
            raise TrackError(msg)
        return values.astype(self.dtype)


def _summed(
    values: NDArray[np.generic], bin_size: int, kind: str, *, gaps: bool = False
) -> NDArray[np.float64]:
    """Return a number for each bin, float64 (n, bins), of values (n, bins * bin_size).

    With gaps it is that of the bases that have a value; NaN where none has.
    """
    bins = values.reshape(len(values), -1, bin_size)
    if gaps:
        there = ~np.isnan(bins.astype(np.float64))
        count = there.sum(-1)
        if kind == "max":
            found = np.where(there, bins, -np.inf).max(-1).astype(np.float64)
        else:
            found = np.where(there, bins, 0).sum(-1, dtype=np.float64)
        found = found / np.maximum(count, 1) if kind == "mean" else found
        return np.where(count > 0, found, np.nan)
    if kind == "max":
        return np.asarray(bins.max(-1), dtype=np.float64)
    sums: NDArray[np.float64] = bins.sum(-1, dtype=np.float64)
    return sums / bin_size if kind == "mean" else sums
