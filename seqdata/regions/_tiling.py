"""Bins around peaks, labelled by the peaks that they overlap."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seqdata.errors import BedError, LengthError, contig_hint
from seqdata.regions._contigs import check_known
from seqdata.windows._regions import as_regions

_COLUMNS = ["chrom", "chromStart", "chromEnd"]


def tiled_bins(
    peaks: str | Path | pd.DataFrame,
    contigs: Mapping[str, int],
    *,
    bin_width: int = 200,
    flank: int = 150,
    extend: int = 10_000,
    min_overlap: int = 1,
    fraction: float = 0.0,
    blacklist: str | Path | pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Tile the surroundings of peaks with bins that are positive where they overlap a peak.

    The bins of Janggu and of EUGENe's JunD data: peaks are merged and extended on both sides to
    regions of interest, which are merged and freed of the blacklist. They are cut into bins side
    by side that begin at multiples of their width, whole bins only. A bin is read with its
    flanks, but labelled by itself.

    Parameters
    ----------
    peaks : path or DataFrame
        Peaks.
    contigs : mapping of str to int
        Contig lengths in bp.
    bin_width : int, default 200
        Length of a bin in bp.
    flank : int, default 150
        Context on both sides of a bin in bp: bins whose context would leave their contig are
        left out. Read the windows with ``fixed_length=bin_width + 2 * flank``.
    extend : int, default 10_000
        Reach of a region of interest on both sides of a peak, in bp.
    min_overlap : int, default 1
        Bp that a positive bin shares with the (merged) peaks.
    fraction : float, default 0.0
        Share of a positive bin that the (merged) peaks cover.
    blacklist : path or DataFrame, optional
        Regions that no bin touches.

    Returns
    -------
    DataFrame
        ``chrom``, ``chromStart``, ``chromEnd`` of the bins, in the order of ``contigs`` and of
        their starts; ``label`` uint8, 1 for positive bins; ``overlap`` float64, the share of
        the bin that peaks cover.

    Raises
    ------
    LengthError
        If a length makes no sense.
    BedError
        If a peak lies on a contig that is not there.
    ContigError
        If no region of the blacklist lies on one of the contigs; some that do not are told.

    References
    ----------
    .. [1] Kopp et al. 2020, doi:10.1038/s41467-020-17155-y.
    .. [2] Klie et al. 2023, doi:10.1038/s43588-023-00544-w.

    Examples
    --------
    >>> peaks = pd.DataFrame({"chrom": ["c"], "chromStart": [950], "chromEnd": [1050]})
    >>> bins = tiled_bins(peaks, {"c": 3000}, extend=500)
    >>> bins["chromStart"].tolist(), bins["label"].tolist(), bins["overlap"].tolist()
    ([600, 800, 1000, 1200], [0, 1, 1, 0], [0.0, 0.25, 0.25, 0.0])
    """
    for name, value, least in (
        ("bin_width", bin_width, 1), ("flank", flank, 0), ("extend", extend, 0),
    ):  # fmt: skip
        if isinstance(value, bool) or int(value) != value or value < least:
            msg = f"{name} is {value!r}: expected a whole number of bp, {least} or more."
            raise LengthError(msg)
    import bioframe

    merged = _merged(peaks)
    unknown = sorted(set(merged["chrom"]) - set(contigs))
    if unknown:
        hint = contig_hint(unknown[0], contigs)
        raise BedError(f"a peak lies on {unknown[0]!r}, which is not among the contigs.{hint}")
    size = merged["chrom"].map(dict(contigs)).to_numpy(np.int64)
    around = merged.assign(
        chromStart=np.maximum(merged["chromStart"] - extend, 0),
        chromEnd=np.minimum(merged["chromEnd"] + extend, size),
    )
    around = _merged(around)
    if blacklist is not None:
        black, where = as_regions(blacklist)
        check_known(
            black, contigs, where="the blacklist" if where == "regions" else where,
            genome="the contigs given", then="they keep no bin away",
        )  # fmt: skip
        around = bioframe.subtract(around, _merged(black), cols1=_COLUMNS, cols2=_COLUMNS)
    begin = -(-around["chromStart"].to_numpy(np.int64) // bin_width)
    end = around["chromEnd"].to_numpy(np.int64) // bin_width
    count = np.maximum(end - begin, 0)
    first = np.repeat(begin - (np.cumsum(count) - count), count)
    start = (first + np.arange(count.sum())) * bin_width
    bins = pd.DataFrame(
        {
            "chrom": np.repeat(around["chrom"].to_numpy(object), count),
            "chromStart": start,
            "chromEnd": start + bin_width,
        }
    )
    room = bins["chrom"].map(dict(contigs)).to_numpy(np.int64)
    fits = (start >= flank) & (start + bin_width + flank <= room)
    place = bins["chrom"].map({name: i for i, name in enumerate(contigs)}).to_numpy(np.int64)
    order = np.lexsort((start, place))
    bins = bins.iloc[order[fits[order]]].reset_index(drop=True)
    covered = _covered(bins, merged)
    positive = (covered >= max(min_overlap, 1)) & (covered >= fraction * bin_width)
    return bins.assign(label=positive.astype(np.uint8), overlap=covered / bin_width)


def _merged(bed: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Return regions that neither overlap nor touch, in the order of contig names and starts."""
    import bioframe

    table, _ = as_regions(bed)
    plain = table[_COLUMNS].assign(chrom=table["chrom"].astype(str))
    plain = plain[plain["chromEnd"] > plain["chromStart"]]
    if not len(plain):
        return plain
    made: pd.DataFrame = bioframe.merge(plain, min_dist=0, cols=_COLUMNS)[_COLUMNS]
    return made


def _covered(bins: pd.DataFrame, merged: pd.DataFrame) -> NDArray[np.int64]:
    """Return how many bp of each bin the merged regions cover."""
    covered = np.zeros(len(bins), np.int64)
    for name, rows in bins.groupby("chrom").indices.items():
        here = merged[merged["chrom"] == name].sort_values("chromStart")
        low, high = (here[c].to_numpy(np.int64) for c in ("chromStart", "chromEnd"))
        if not len(low):
            continue
        before = np.concatenate([[0], np.cumsum(high - low)])

        def up_to(position: Any, low: Any = low, high: Any = high, before: Any = before) -> Any:
            """Return the covered bp left of a position."""
            last = np.searchsorted(low, position, side="right")
            beyond = np.where(last > 0, np.maximum(high[last - 1] - position, 0), 0)
            return before[last] - beyond

        start, end = (bins[c].to_numpy(np.int64)[rows] for c in ("chromStart", "chromEnd"))
        covered[rows] = up_to(end) - up_to(start)
    return covered
