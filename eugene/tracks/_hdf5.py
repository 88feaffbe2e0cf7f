"""Windows with tracks in the HDF5 file of finetune-enformer, and back."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import xarray as xr

import seqdata as sd
from eugene._optional import require
from eugene.errors import DataError, RunExistsError
from eugene.tracks._build import VARIABLE, PathLike
from seqdata.constructs import one_hot
from seqdata.convert import open_hdf5

logger = logging.getLogger(__name__)
_ROWS = 64
_LIMIT = float(np.finfo(np.float16).max)


def to_hdf5(
    ds: xr.Dataset, path: PathLike, *, variable: str = VARIABLE, overwrite: bool = False
) -> Path:
    """Write windows as ``input`` and ``outcome`` of an HDF5 file, and their places as BED.

    Parameters
    ----------
    ds : xarray.Dataset
        As `build` returns it.
    path : path
        The file; ``{stem}.bed`` is written beside it.
    variable : str
        The tracks.
    overwrite : bool
        Whether files that are there may be replaced.

    Returns
    -------
    Path
        The file: ``input`` float16 (n, length, 4), ``outcome`` float16 (n, bins, tracks), packed.
        Missing values stay NaN; values beyond float16 are cut to it, and counted in the log.

    Raises
    ------
    DataError
        If the dataset has no such tracks or no places.
    RunExistsError
        If a file is there already.
    """
    h5py = require("h5py", extra="h5")
    goal = Path(path).expanduser()
    beside = goal.with_suffix(".bed")
    for file in (goal, beside):
        if file.exists() and not overwrite:
            raise RunExistsError(f"{file} exists: pass overwrite=True to replace it.")
    if variable not in ds.data_vars or ds[variable].ndim != 3 or "chrom" not in ds.variables:
        raise DataError(f"the dataset has no windows with tracks {variable!r} in bins.")
    n, length = ds["seq"].shape
    tracks, bins = ds[variable].shape[1:]
    part = goal.with_name(f".{goal.name}.part")
    cut = 0
    try:
        with h5py.File(part, "w") as file:
            packed = {"dtype": "f2", "compression": "gzip"}
            inputs = file.create_dataset("input", (n, length, 4), **packed)
            outcome = file.create_dataset("outcome", (n, bins, tracks), **packed)
            for low in range(0, n, _ROWS):
                rows = ds[["seq", variable]].isel(_sequence=slice(low, low + _ROWS))
                values = rows[variable].to_numpy().astype(np.float64)
                cut += int((np.abs(np.nan_to_num(values)) > _LIMIT).sum())
                inputs[low : low + _ROWS] = one_hot(rows["seq"].to_numpy())
                outcome[low : low + _ROWS] = np.clip(values, -_LIMIT, _LIMIT).swapaxes(1, 2)
        part.replace(goal)
    finally:
        part.unlink(missing_ok=True)
    if cut:
        logger.warning("%s: %d values beyond %g were cut to it", goal, cut, _LIMIT)
    sd.convert.to_bed(ds, beside)
    return goal


def read_hdf5(
    path: PathLike, bed: PathLike | None = None, *, bin_size: int | None = None
) -> xr.Dataset:
    """Read the HDF5 file of finetune-enformer.

    Parameters
    ----------
    path : path
        With ``input`` (n, length, 4) and ``outcome`` (n, bins, tracks).
    bed : path or None
        Where the windows lie; default ``{stem}.bed`` where it is there.
    bin_size : int or None
        Bases (bp) of a bin; by default what bins that fill the windows have.

    Returns
    -------
    xarray.Dataset
        As `build` returns it, without a split.

    Raises
    ------
    DataError
        If arrays are missing or do not fit each other.
    """
    file = Path(path).expanduser()
    with open_hdf5(file) as source:
        for name in ("input", "outcome"):
            if name not in source or source[name].ndim != 3:
                raise DataError(f"{file} has no array {name!r} of three axes.")
        inputs, outcome = source["input"], source["outcome"]
        n, length, letters = inputs.shape
        if letters != 4 or outcome.shape[0] != n:
            raise DataError(
                f"{file}: input has shape {inputs.shape}, outcome {outcome.shape}: expected "
                "(n, length, 4) and (n, bins, tracks)."
            )
        bins, tracks = outcome.shape[1:]
        size = length // max(bins, 1) if bin_size is None else bin_size
        rest = length - bins * size
        if rest < 0 or rest % 2:
            raise DataError(
                f"{file}: {bins} bins of {size} bp do not lie in the middle of {length} bp."
            )
        seq = np.empty((n, length), "S1")
        for low in range(0, n, _ROWS):
            block = np.asarray(inputs[low : low + _ROWS], np.float32)
            known = block.max(-1) > 0.5
            seq[low : low + _ROWS] = np.where(
                known, np.array(list("ACGT"), "S1")[block.argmax(-1)], b"N"
            )
        values = np.asarray(outcome[()]).swapaxes(1, 2)
    beside = file.with_suffix(".bed") if bed is None else Path(bed)
    coords: dict[str, object] = {f"{VARIABLE}_sample": [f"track{i}" for i in range(tracks)]}
    if bed is not None or beside.is_file():
        table = sd.readers.read_bedlike(beside)
        if len(table) != n:
            raise DataError(f"{beside} has {len(table)} regions, {file} {n} windows.")
        for name, column in (("chrom", "chrom"), ("start", "chromStart"), ("end", "chromEnd")):
            coords[name] = ("_sequence", table[column].to_numpy())
    attrs = {
        "kind": "track", "sample_dim": f"{VARIABLE}_sample", "bin_size": size,
        "crop": rest // 2, "flank": 0, "aggregate": "as given",
    }  # fmt: skip
    made: dict[str, object] = {
        "seq": (("_sequence", "_length"), seq, {"kind": "sequence", "alphabet": "ACGT"}),
        VARIABLE: (("_sequence", f"{VARIABLE}_sample", f"_length_{VARIABLE}"), values, attrs),
    }
    return xr.Dataset(made, coords)
