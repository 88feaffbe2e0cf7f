"""How well predicted tracks agree with measured ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

import seqdata as sd
from eugene.errors import DataError
from eugene.evaluate import TrackRows, score_tracks, track_table
from eugene.tracks._build import PathLike, table_reader
from eugene.tracks._predict import windows_of
from seqdata.readers import read_track_table

_ROWS = 64


def correlate(
    ds: xr.Dataset,
    measured: Mapping[str, PathLike] | PathLike,
    *,
    n_bootstrap: int = 1000,
    seed: int | None = None,
) -> pd.DataFrame:
    """Compare predicted tracks with those of BigWig files, bin by bin.

    Parameters
    ----------
    ds : xarray.Dataset
        As `eugene.tracks.predict` returns it.
    measured : mapping of str to path, or path
        BigWig file of each track, by its name; or the table that names files and says how each is
        binned (``tracks.tsv``).
    n_bootstrap : int
        Resamples of windows for the intervals.
    seed : int or None
        Seed of the resamples.

    Returns
    -------
    pandas.DataFrame
        A row for each track, as `eugene.evaluate.track_table` returns it. Bins without a measured
        value do not count.

    Raises
    ------
    DataError
        If a track has no file.
    """
    names = [str(name) for name in ds["prediction_sample"].to_numpy()]
    size = int(ds.attrs["bin_size"])
    start, end = (ds[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    span = int(ds["prediction"].shape[2]) * size
    lead = (end - start - span) // 2
    windows = pd.DataFrame(
        {"chrom": ds["chrom"].to_numpy(), "chromStart": start + lead,
         "chromEnd": start + lead + span}
    )  # fmt: skip
    if isinstance(measured, Mapping):
        lacking = [name for name in names if name not in measured]
        if lacking:
            raise DataError(f"no file is given for the track {lacking[0]!r}: it has {names}.")
        files = sd.BigWig("cov", [measured[n] for n in names], names, uncovered="missing")
        signal = sd.Binned(files, size)
    else:
        known = read_track_table(measured)
        lacking = [name for name in names if name not in known.names]
        if lacking:
            raise DataError(f"{measured} has no track {lacking[0]!r}: it has {list(known.names)}.")
        signal = table_reader(known, size, None, "missing", "float32")
    read = windows_of(windows)
    order = [signal.reader.track().samples.index(name) for name in names]
    parts = []
    for low in range(0, len(read), _ROWS):
        observed = signal.read(read[low : low + _ROWS], span)[:, order]
        predicted = ds["prediction"].isel(_sequence=slice(low, low + _ROWS)).to_numpy()
        parts.append(score_tracks(observed, predicted))
    rows = TrackRows.joined(parts)
    return track_table(rows, names, n_bootstrap=n_bootstrap, seed=seed)
