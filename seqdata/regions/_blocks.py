"""Blocks of regions that lie close together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from seqdata.errors import LengthError
from seqdata.windows._regions import as_regions


def linked(places: ArrayLike, longest: int) -> NDArray[np.int64]:
    """Group places on a line, nearest first, as long as no group spans too much.

    Single linkage: the smallest gap between neighbours is closed first, of equal ones the one
    further left, unless what it joins would span ``longest`` bp or more.

    Parameters
    ----------
    places : array_like of int, shape (n,)
        In ascending order, bp.
    longest : int
        Span in bp that a group stays below.

    Returns
    -------
    ndarray of int64, shape (groups, 2)
        First and last place of each group, by number.

    Raises
    ------
    LengthError
        If the places are in no order.

    Examples
    --------
    >>> linked([0, 50, 90, 400, 430, 1000], 200).tolist()
    [[0, 2], [3, 4], [5, 5]]
    """
    at = np.asarray(places, dtype=np.int64)
    gaps = np.diff(at)
    if (gaps < 0).any():
        raise LengthError("places: expected ascending order.")
    first, last = np.arange(len(at)), np.arange(len(at))
    # at either end of a group stands where its other end is
    for i in np.argsort(gaps, kind="stable").tolist():
        low, high = int(first[i]), int(last[i + 1])
        if at[high] - at[low] < longest:
            first[high], last[low] = low, high
            # so that a later gap at either end sees the whole group
            first[i + 1 : high + 1] = low
            last[low : i + 1] = high
    heads = np.unique(first)
    return np.stack([heads, last[heads]], 1).astype(np.int64)


def blocks(
    regions: str | Path | pd.DataFrame,
    *,
    longest: int,
    length: int | None = None,
    mappable: str | Path | pd.DataFrame | None = None,
    min_mappable: float = 0.9,
) -> pd.DataFrame:
    """Gather regions into blocks that fit into one window.

    Parameters
    ----------
    regions : path or DataFrame
        Hotspots, peaks. Their middles are linked, see `linked`.
    longest : int
        Span (bp) of the middles that a block stays below.
    length : int or None
        Length of the windows in bp, around the middle of each block; None for ``longest``.
    mappable : path or DataFrame, optional
        Regions that can be mapped.
    min_mappable : float
        Share of a window that they have to cover.

    Returns
    -------
    DataFrame
        BED12: the window, and as blocks the regions in it, cut to it. ``name`` counts them.
        A window off the beginning of its contig is moved to it.

    Raises
    ------
    LengthError
        If a length is no number of bp, or the share none.

    Examples
    --------
    >>> table = pd.DataFrame({"chrom": ["a"] * 3, "chromStart": [100, 150, 900],
    ...                       "chromEnd": [110, 170, 910]})
    >>> blocks(table, longest=200)[["chromStart", "chromEnd", "blockCount"]].values.tolist()
    [[32, 232, 2], [805, 1005, 1]]
    """
    size = longest if length is None else length
    if longest < 1 or size < 1 or not 0 <= min_mappable <= 1:
        raise LengthError(
            f"longest {longest}, length {size}, min_mappable {min_mappable}: expected at least 1 "
            "bp, and a share."
        )
    table, _ = as_regions(regions)
    cover = None if mappable is None else as_regions(mappable)[0]
    rows: list[tuple[object, ...]] = []
    for chrom, group in table.groupby("chrom", sort=True):
        start, end = (group[k].to_numpy(np.int64) for k in ("chromStart", "chromEnd"))
        order = np.argsort(start + end, kind="stable")
        start, end = start[order], end[order]
        middle = (start + end) // 2
        here = None if cover is None else cover[cover["chrom"] == chrom]
        for low, high in linked(middle, longest).tolist():
            begin = max(0, int(middle[low] + middle[high]) // 2 - size // 2)
            stop = begin + size
            if here is not None and _covered(here, begin, stop) < min_mappable * size:
                continue
            inside = range(low, high + 1)
            parts = [(max(int(start[i]), begin), min(int(end[i]), stop)) for i in inside]
            parts = [p for p in parts if p[0] < p[1]]
            widths = ",".join(str(e - s) for s, e in parts)
            offsets = ",".join(str(s - begin) for s, _ in parts)
            rows.append(
                (chrom, begin, stop, f"{high - low + 1}_regions", 0, ".", begin, stop, "0",
                 len(parts), widths, offsets)
            )  # fmt: skip
    columns = ["chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart",
               "thickEnd", "itemRgb", "blockCount", "blockSizes", "blockStarts"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _covered(regions: pd.DataFrame, start: int, end: int) -> int:
    """Return how many bases of a window regions cover."""
    low = np.clip(regions["chromStart"].to_numpy(np.int64), start, end)
    high = np.clip(regions["chromEnd"].to_numpy(np.int64), start, end)
    there = np.zeros(end - start + 1, np.int64)
    np.add.at(there, low - start, 1)
    np.add.at(there, high - start, -1)
    return int((np.cumsum(there[:-1]) > 0).sum())
