"""Peaks of tracks: where they stand above a threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from eugene.errors import EugeneError


def runs_above(values: ArrayLike, threshold: float) -> NDArray[np.int64]:
    """Return the runs of values that reach a threshold, one that is open at the end with them.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        NaN reaches nothing.
    threshold : float
        Least value.

    Returns
    -------
    ndarray of int64, shape (runs, 2)
        First value, and the one behind the last.

    Examples
    --------
    >>> runs_above([0, 2, 3, 0, 2], 2).tolist()
    [[1, 3], [4, 5]]
    """
    with np.errstate(invalid="ignore"):
        over = np.asarray(values, dtype=np.float64) >= threshold
    edges = np.diff(np.concatenate([[0], over.astype(np.int8), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], 1).astype(np.int64)


def call_peaks(
    ds: xr.Dataset,
    threshold: float,
    *,
    variable: str = "prediction",
    track: int | str = 0,
    gap: int = 0,
    min_width: int = 1,
    max_width: int | None = None,
) -> pd.DataFrame:
    """Find where a track of windows reaches a threshold, as narrowPeak has it.

    Parameters
    ----------
    ds : xarray.Dataset
        Windows with ``chrom``, ``start`` and ``end``, and values in bins in their middle, as
        `eugene.tracks.predict` returns them. Windows that lie side by side are joined; what
        several windows say of a bin is averaged.
    threshold : float
        Least value of a bin of a peak.
    variable : str
        The values, (_sequence, tracks, bins).
    track : int or str
        Track, by number or name.
    gap : int
        Join peaks that are at most so many bp apart.
    min_width : int
        Least length in bp.
    max_width : int or None
        Cut longer ones to so many bp around their summit.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``chromStart``, ``chromEnd``, ``name``, ``score`` (0 to 1000, of the highest),
        ``strand``, ``signalValue`` (highest value), ``pValue`` and ``qValue`` (-1), ``peak``
        (middle of the highest bin, bp from the start), in the order of the genome.

    Raises
    ------
    EugeneError
        If there is no such variable or track, or a width is out of range.

    Examples
    --------
    >>> ds = xr.Dataset({"prediction": (("_sequence", "s", "_bin"), [[[0.0, 3.0, 5.0, 0.0]]])},
    ...     coords={"chrom": ("_sequence", ["a"]), "start": ("_sequence", [100]),
    ...             "end": ("_sequence", [140])}, attrs={"bin_size": 10})
    >>> call_peaks(ds, 2)[["chromStart", "chromEnd", "signalValue", "peak"]].values.tolist()
    [[110.0, 130.0, 5.0, 15.0]]
    """
    if gap < 0 or min_width < 1 or (max_width is not None and max_width < min_width):
        raise EugeneError(
            f"gap {gap}, min_width {min_width}, max_width {max_width}: expected 0 or more, 1 or "
            "more, and no less than min_width"
        )
    if variable not in ds.data_vars or ds[variable].ndim != 3:
        raise EugeneError(f"the dataset has no {variable!r} of (windows, tracks, bins)")
    size = int(ds.attrs.get("bin_size") or ds[variable].attrs.get("bin_size", 1))
    dim = str(ds[variable].dims[1])
    number = track
    if isinstance(track, str):
        names = [str(v) for v in ds[dim].to_numpy()] if dim in ds.coords else []
        if track not in names:
            raise EugeneError(f"there is no track {track!r}: there are {names}")
        number = names.index(track)
    values = ds[variable].isel({dim: number}).to_numpy().astype(np.float64)
    start, end = (ds[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    begins = start + (end - start - values.shape[1] * size) // 2
    chrom = ds["chrom"].to_numpy().astype(str)
    rows: list[tuple[object, ...]] = []
    for name in dict.fromkeys(sorted(chrom.tolist())):
        here = chrom == name
        for first, line in _joined(begins[here], values[here], size):
            rows += [
                (name, *peak) for peak in _peaks(line, first, size, threshold, gap, min_width,
                                                 max_width)
            ]  # fmt: skip
    columns = ["chrom", "chromStart", "chromEnd", "signalValue", "peak"]
    table = pd.DataFrame(rows, columns=columns)
    highest = float(table["signalValue"].max()) if len(table) else 0.0
    table["name"] = [f"peak{i + 1}" for i in range(len(table))]
    share = table["signalValue"] / highest if highest > 0 else 0.0 * table["signalValue"]
    table["score"] = np.clip(np.round(1000 * share), 0, 1000).astype(np.int64)
    table["strand"], table["pValue"], table["qValue"] = ".", -1.0, -1.0
    ordered = ["chrom", "chromStart", "chromEnd", "name", "score", "strand", "signalValue",
               "pValue", "qValue", "peak"]  # fmt: skip
    return table[ordered]


def _joined(
    begins: NDArray[np.int64], values: NDArray[np.float64], size: int
) -> list[tuple[int, NDArray[np.float64]]]:
    """Return stretches of bins side by side, each with its first base; overlaps are averaged."""
    order = np.argsort(begins, kind="stable")
    found: list[tuple[int, NDArray[np.float64], NDArray[np.float64]]] = []
    for begin, line in zip(begins[order].tolist(), values[order], strict=True):
        there = np.isfinite(line)
        total, count = np.where(there, line, 0.0), there.astype(np.float64)
        if found:
            first, sums, counts = found[-1]
            at, off = divmod(begin - first, size)
            if off == 0 and at <= len(sums):
                more = max(0, at + len(line) - len(sums))
                sums, counts = (np.pad(v, (0, more)) for v in (sums, counts))
                sums[at : at + len(line)] += total
                counts[at : at + len(line)] += count
                found[-1] = (first, sums, counts)
                continue
        found.append((begin, total, count))
    return [(f, np.where(c > 0, s / np.maximum(c, 1), np.nan)) for f, s, c in found]


def _peaks(
    line: NDArray[np.float64],
    first: int,
    size: int,
    threshold: float,
    gap: int,
    min_width: int,
    max_width: int | None,
) -> list[tuple[int, int, float, int]]:
    """Return start, end, height and summit of the peaks of one stretch."""
    runs: list[list[int]] = []
    for low, high in runs_above(line, threshold).tolist():
        if runs and (low - runs[-1][1]) * size <= gap:
            runs[-1][1] = high
        else:
            runs.append([low, high])
    found = []
    for low, high in runs:
        highest = low + int(np.nanargmax(line[low:high]))
        start, end = first + low * size, first + high * size
        summit = first + highest * size + size // 2
        if end - start < min_width:
            continue
        if max_width is not None and end - start > max_width:
            start = min(max(summit - max_width // 2, start), end - max_width)
            end = start + max_width
        found.append((start, end, float(line[highest]), summit - start))
    return found
