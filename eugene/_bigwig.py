"""Values of windows, predicted or attributed, written to BigWig files a few rows at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eugene.errors import EugeneError

if TYPE_CHECKING:
    import xarray as xr

Overlap: TypeAlias = Literal["mean", "max", "nearest", "error"]
Contigs: TypeAlias = "Mapping[str, int] | str | Path"
ROWS = 256
"""Rows that are read, or predicted, together."""
_PLACES = ("chrom", "start", "end", "strand")


def places_of(ds: xr.Dataset) -> xr.Dataset:
    """Return where the rows of a dataset lie on the genome, and nothing else.

    Parameters
    ----------
    ds : xarray.Dataset
        With ``chrom``, ``start`` and ``end`` of its rows, perhaps ``strand``.

    Returns
    -------
    xarray.Dataset
        These, as variables.

    Raises
    ------
    EugeneError
        If the dataset does not say.
    """
    missing = [name for name in _PLACES[:3] if name not in ds.variables]
    if missing:
        raise EugeneError(
            f"the rows have no {', '.join(missing)}, so nothing says where on a genome they lie: "
            "BigWig files are made of regions (BED) of a genome"
        )
    return ds[[name for name in _PLACES if name in ds.variables]].reset_coords()


def track_files(path: str | Path, tracks: Sequence[str]) -> list[Path]:
    """Return the file of each track: the one named, or of several ``{stem}.{track}.bw`` beside it.

    Examples
    --------
    >>> [str(file) for file in track_files("out/pred.bw", ["plus", "minus"])]
    ['out/pred.plus.bw', 'out/pred.minus.bw']
    """
    given = Path(path)
    if len(tracks) == 1:
        return [given]
    stem = given.name.removesuffix(given.suffix)
    return [given.with_name(f"{stem}.{t.replace('/', '_')}{given.suffix}") for t in tracks]


def write_windows(
    blocks: Iterable[NDArray[np.floating[Any]]],
    places: xr.Dataset,
    tracks: Sequence[str],
    path: str | Path,
    *,
    contigs: Contigs,
    pairs: Sequence[str] | None = None,
    overlap: Overlap = "mean",
) -> list[Path]:
    """Write values of windows to BigWig files, one a track.

    Windows are written in the order of the genome and come in another, so their values are kept
    in a temporary file meanwhile; memory holds a few hundred rows.

    Parameters
    ----------
    blocks : iterable of ndarray of float, each of shape (rows, tracks, positions)
        Values along each row's strand, row after row. What is shorter than its windows lies in
        their middle.
    places : xarray.Dataset
        What `places_of` returned.
    tracks : sequence of str
        Names of the tracks.
    path : str or Path
        As of `track_files`.
    contigs : mapping, str or Path
        Contig lengths in bp, or the FASTA file, index or table of sizes that tells them.
    pairs : sequence of str, optional
        For each track the one that takes its place in rows of the minus strand; "" for none.
    overlap : {"mean", "max", "nearest", "error"}
        As of `seqdata.to_bigwig`.

    Returns
    -------
    list of Path
        The files, which appear when all of them are whole.

    Raises
    ------
    EugeneError
        If there are fewer or more rows than places.
    seqdata.errors.SeqdataError
        What `seqdata.to_bigwig` raises.
    """
    import seqdata as sd

    files = track_files(path, tracks)
    with tempfile.TemporaryDirectory(prefix="eugene-bigwig-") as folder:
        values = _spooled(blocks, places.sizes["_sequence"], Path(folder) / "values")
        signal = places.assign(values=(("_sequence", "values_sample", "_position"), values))
        signal = signal.assign_coords(values_sample=list(tracks))
        if pairs is not None:
            signal = signal.assign_coords(values_pair=("values_sample", list(pairs)))
        several = str(track_files(path, ["{sample}", ""])[0])
        pattern = str(files[0]) if len(files) == 1 else several
        return sd.to_bigwig(signal, pattern, "values", contigs=contigs, overlap=overlap)


def _spooled(
    blocks: Iterable[NDArray[np.floating[Any]]], n: int, file: Path
) -> NDArray[np.float32]:
    """Return the values of all rows, mapped from a file."""
    values: NDArray[np.float32] | None = None
    at = 0
    for block in blocks:
        if values is None:
            values = np.memmap(file, np.float32, mode="w+", shape=(n, *block.shape[1:]))
        values[at : at + len(block)] = block
        at += len(block)
    if values is None or at != n:
        raise EugeneError(f"there are values of {at} windows and places of {n}")
    return values
