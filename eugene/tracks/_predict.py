"""Tracks of regions of a genome, averaged over shifts and strands, with their variance."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

import seqdata as sd
import seqpro as sp
from eugene._tracks import names_and_pairs
from eugene.errors import DataError
from eugene.tracks._build import PathLike
from seqdata.constructs import centred, tiles
from seqdata.readers import Windows

if TYPE_CHECKING:
    import torch


logger = logging.getLogger(__name__)


class Predictor(Protocol):
    """What predicts tracks: a TrackModule, or a function of one-hot sequences like its method."""

    def predict(self, x: NDArray[np.uint8]) -> torch.Tensor:
        """Return float (n, tracks, bins) of S1 letters (n, length)."""
        ...


def tile(
    bed: PathLike | pd.DataFrame, length: int, *, split: bool = True, span: int | None = None
) -> pd.DataFrame:
    """Lay windows of one length over regions.

    Parameters
    ----------
    bed : path or DataFrame
        Regions.
    length : int
        Length of a window in bp.
    split : bool
        Cover a longer region with several windows, one behind the other from its middle; or take
        the one around its middle.
    span : int or None
        Bases (bp) in the middle of a window that are predicted, side by side in a region; default
        all.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``chromStart``, ``chromEnd`` of the windows, perhaps off the contig, and
        ``region``, the row of the region.

    Examples
    --------
    >>> regions = pd.DataFrame({"chrom": ["a"], "chromStart": [10], "chromEnd": [17]})
    >>> tile(regions, 4)[["chromStart", "chromEnd"]].values.tolist()
    [[10, 14], [14, 18]]
    """
    table = bed if isinstance(bed, pd.DataFrame) else sd.readers.read_bedlike(bed)
    inner = length if span is None else span
    rows: list[tuple[object, int, int, int]] = []
    columns = (table[name] for name in ("chrom", "chromStart", "chromEnd"))
    for i, (chrom, start, end) in enumerate(zip(*columns, strict=True)):
        parts = tiles(int(start), int(end), inner) if split else [centred(start, end, inner)]
        for low, high in parts:
            rows.append((chrom, *centred(low, high, length), i))
    return pd.DataFrame(rows, columns=["chrom", "chromStart", "chromEnd", "region"])


def predict(
    network: Predictor,
    fasta: PathLike,
    bed: PathLike | pd.DataFrame,
    *,
    length: int,
    bin_size: int = 128,
    shifts: int = 0,
    reverse_complement: bool = True,
    split: bool = True,
    pairs: ArrayLike | None = None,
    batch_size: int = 8,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Predict the tracks of regions, averaged over shifts of the genome and both strands.

    Parameters
    ----------
    network : TrackModule
        Its ``predict`` returns (n, tracks, bins); its ``layout``, or ``target_names`` and pairs,
        name the tracks.
    fasta : path
        FASTA file of the genome.
    bed : path or DataFrame
        Regions; ``chrom``, ``chromStart``, ``chromEnd``.
    length : int
        Length of a window in bp.
    bin_size : int
        Bases (bp) of a bin.
    shifts : int
        Predict ``shifts + 1`` windows, one bp apart around the window, and take the mean of each
        bin. It has to be less than a bin.
    reverse_complement : bool
        Take the other strand of each as well, bins turned back.
    split : bool
        Cover regions that are longer than what is predicted of a window with several, from their
        middle; or take one around their middle.
    pairs : array_like of int, shape (tracks,), or None
        For each track the one that takes its place on the other strand; default that of the
        network, else itself.
    batch_size : int
        Windows at a time.
    out : path or None
        Zarr store to write, a batch at a time.
    overwrite : bool
        Whether it may replace one that is there.

    Returns
    -------
    xarray.Dataset
        ``prediction`` and ``variance`` float32 (_sequence, prediction_sample, _bin): mean and
        variance over the views of each window; ``chrom``, ``start`` and ``end`` of the windows
        whose middle the bins tile, ``region``, the row of the region.

    Raises
    ------
    DataError
        If a shift is as long as a bin, or bins do not fit the windows.
    seqdata.errors.SeqdataError
        If regions and genome do not fit each other.
    """
    if not 0 <= shifts < bin_size:
        raise DataError(
            f"shifts is {shifts}: bins stay where they are, so it has to be 0 or more and less "
            f"than a bin of {bin_size} bp."
        )
    if batch_size < 1:
        raise DataError(f"batch_size is {batch_size}: expected 1 or more.")
    names, known = names_and_pairs(network)
    given = known if pairs is None else pairs
    mates = None if given is None else np.asarray(given, dtype=np.int64)
    bins = network.predict(np.full((1, length), b"A", "S1").view(np.uint8)).shape[-1]
    span = bins * bin_size
    if span > length or (length - span) % 2:
        raise DataError(
            f"{bins} bins of {bin_size} bp do not lie in the middle of windows of {length} bp: "
            "give the bin_size and the length that the network was trained with."
        )
    windows = tile(bed, length, split=split, span=span)
    genome = sd.GenomeFASTA("seq", fasta, on_unknown="n")
    _say_what_is_off(genome, windows)
    pieces = _blocks(
        network, genome, windows, length, shifts, reverse_complement, mates, batch_size
    )
    coords = {
        "chrom": ("_sequence", windows["chrom"].to_numpy(dtype=object)),
        "start": ("_sequence", windows["chromStart"].to_numpy(np.int64), {"units": "bp"}),
        "end": ("_sequence", windows["chromEnd"].to_numpy(np.int64), {"units": "bp"}),
        "region": ("_sequence", windows["region"].to_numpy(np.int64)),
    }
    attrs = {"bin_size": bin_size, "shifts": shifts, "strands": 1 + reverse_complement}
    frame = xr.Dataset(coords=coords, attrs={"genome": str(fasta), **attrs})
    parts: list[xr.Dataset] = []
    at = 0
    for mean, variance in pieces:
        rows = slice(at, at + len(mean))
        at += len(mean)
        dims = ("_sequence", "prediction_sample", "_bin")
        labels = names or [str(i) for i in range(mean.shape[1])]
        part = frame.isel(_sequence=rows).assign_coords(prediction_sample=labels)
        part = part.assign(prediction=(dims, mean, attrs), variance=(dims, variance, attrs))
        if out is None:
            parts.append(part)
        elif rows.start == 0:
            sd.to_zarr(part, out, overwrite=overwrite)
        else:
            sd.to_zarr(part, out, mode="a", append_dim="_sequence")
    if out is not None:
        return sd.open_zarr(out)
    return xr.concat(parts, "_sequence", data_vars="minimal", combine_attrs="override")


def _say_what_is_off(genome: sd.GenomeFASTA, windows: pd.DataFrame) -> None:
    """Say how many windows reach over the end of a contig, where they are read as N."""
    size = windows["chrom"].map(genome.contigs())
    off = (windows["chromStart"] < 0) | (windows["chromEnd"] > size)
    if off.any():
        logger.warning("%d of %d windows reach over a contig: N there", off.sum(), len(windows))


def windows_of(table: pd.DataFrame) -> Windows:
    """Return regions as readers take them; they may reach over the ends of a contig."""
    names, contig = np.unique(table["chrom"].to_numpy(dtype=str), return_inverse=True)
    start, end = (table[name].to_numpy(np.int64) for name in ("chromStart", "chromEnd"))
    strand = np.zeros(len(table), np.int8)
    return Windows(tuple(names.tolist()), contig.astype(np.int32), start, end, strand)


def _blocks(
    network: Predictor,
    genome: sd.GenomeFASTA,
    windows: pd.DataFrame,
    length: int,
    shifts: int,
    reverse_complement: bool,
    mates: NDArray[np.int64] | None,
    batch_size: int,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield mean and variance of some windows after the other, float32 (n, tracks, bins)."""
    left = shifts // 2
    wide = windows.assign(
        chromStart=windows["chromStart"] - left, chromEnd=windows["chromEnd"] + shifts - left
    )
    read = windows_of(wide)
    try:
        for low in range(0, len(read), batch_size):
            letters = genome.read(read[low : low + batch_size], length + shifts)
            yield averaged(network, letters, length, reverse_complement, mates)
    finally:
        genome.close()


def averaged(
    network: Predictor,
    letters: NDArray[np.uint8],
    length: int,
    reverse_complement: bool,
    mates: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and variance over every window of a length in longer ones, and both strands.

    Parameters
    ----------
    network : TrackModule
        What predicts.
    letters : ndarray of uint8, shape (n, length + shifts)
        ASCII.
    length : int
        Length of a window in bp.
    reverse_complement : bool
        Take the other strand of each as well.
    mates : ndarray of int64, shape (tracks,), or None
        Partner of each track on the other strand.

    Returns
    -------
    mean, variance : ndarray of float32, shape (n, tracks, bins)
        Of each bin; the variance is that of the views themselves (divided by their number).
    """
    mean: NDArray[np.float64] | None = None
    square: NDArray[np.float64] = np.zeros(0)
    count = 0
    for shift in range(letters.shape[1] - length + 1):
        view = np.ascontiguousarray(letters[:, shift : shift + length])
        for turned in (False, True)[: 1 + reverse_complement]:
            seen = sp.reverse_complement(view.view("S1"), sp.DNA).view(np.uint8) if turned else view
            found = network.predict(seen).numpy().astype(np.float64)
            if turned:
                found = found[:, :, ::-1] if mates is None else found[:, mates, ::-1]
            count += 1
            if mean is None:
                mean, square = np.zeros_like(found), np.zeros_like(found)
            step = found - mean
            mean += step / count
            square += step * (found - mean)
    assert mean is not None
    return mean.astype(np.float32), (square / count).astype(np.float32)
