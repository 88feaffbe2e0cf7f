"""Predicted tracks as bedGraph and BigWig files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import seqdata as sd
from eugene._bigwig import Overlap
from eugene.errors import DataError
from eugene.tracks._build import PathLike

if TYPE_CHECKING:
    import xarray as xr

BIGWIG, BEDGRAPH = (".bw", ".bigwig"), (".bedgraph", ".bg", ".gz")
PARTS = ("prediction", "variance")


def write(
    ds: xr.Dataset,
    path: PathLike,
    *,
    contigs: Mapping[str, int] | PathLike,
    variance: bool = True,
    overlap: Overlap = "mean",
) -> list[Path]:
    """Write mean and variance of predicted tracks, each to a file of its own.

    Parameters
    ----------
    ds : xarray.Dataset
        As `predict` returns it.
    path : path
        ``.bw`` or ``.bigwig``; or ``.bedgraph``, ``.bg`` or ``.bedgraph.gz``. A track alone has
        this name; of several, that of the track is put before the suffix, and ``variance`` before
        that where it is one.
    contigs : mapping or path
        Contig lengths in bp, or the FASTA file, index or table of sizes that tells them.
    variance : bool
        Whether to write the variance as well.
    overlap : {"mean", "max", "nearest", "error"}
        What a base under several windows gets.

    Returns
    -------
    list of Path
        The files. Bins tile the middle of the window that they were predicted of, wherever its
        region lay; bins off the contig are left out.

    Raises
    ------
    DataError
        If the suffix is another, or there are no predictions.
    seqdata.errors.SeqdataError
        What `seqdata.to_bigwig` raises.
    """
    given = Path(path).expanduser()
    suffix = given.suffix.lower()
    if suffix not in (*BIGWIG, *BEDGRAPH):
        raise DataError(f"{path}: expected a name that ends in .bw, .bigwig, .bedgraph or .bg.")
    if not set(PARTS) <= set(ds.data_vars):
        raise DataError("the dataset has no predictions: expected what eu.tracks.predict returns.")
    save = sd.to_bigwig if suffix in BIGWIG else sd.to_bedgraph
    ending = "".join(given.suffixes[-2:]) if suffix == ".gz" else given.suffix
    stem = given.name.removesuffix(ending)
    names = [str(name) for name in ds["prediction_sample"].to_numpy()]
    size = int(ds.attrs["bin_size"])
    files: list[Path] = []
    for part in PARTS[: 1 + variance]:
        middle = "" if part == "prediction" else ".variance"
        base = given.with_name(f"{stem}{middle}{ending}")
        several = given.with_name(f"{stem}{middle}.{{sample}}{ending}")
        goal = str(base if len(names) == 1 else several)
        files += save(ds[[part]], goal, part, contigs=contigs, overlap=overlap, bin_size=size)
    return files
