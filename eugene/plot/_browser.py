"""Tracks along a genome or a construct, as a genome browser shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import seqdata as sd
from eugene.errors import EugeneError, did_you_mean
from eugene.plot._picture import picture
from eugene.plot._style import BLUE, GREY, ORANGE, VERMILION, tidy
from seqdata.constructs import Site, read_site, read_sites

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from eugene.evaluate import ConstructPredictions

PathLike = str | Path
_COLOURS = (GREY, BLUE, VERMILION)
# width of a letter of a label, as a share of the axis
_LETTER = 0.009


def signal_of(path: PathLike, chrom: str, start: int, end: int) -> NDArray[np.float64]:
    """Return the values of a BigWig or bedGraph file at each base of a region; NaN for none.

    Parameters
    ----------
    path : path
        ``.bw``, ``.bigwig``, or a bedGraph, which may be packed.
    chrom : str
        Contig.
    start, end : int
        Bounds in bp, 0-based half-open.

    Returns
    -------
    ndarray of float64, shape (end - start,)

    Raises
    ------
    EugeneError
        If a bedGraph has other than four columns.
    """
    if Path(path).suffix.lower() in (".bw", ".bigwig"):
        from seqdata.readers import Windows

        reader = sd.BigWig("cov", path, "x", uncovered="missing", missing="error")
        window = Windows(
            (chrom,), np.zeros(1, np.int32), np.array([start]), np.array([end]),
            np.zeros(1, np.int8),
        )  # fmt: skip
        try:
            signal: NDArray[np.float64] = reader.read(window, end - start)[0, 0].astype(np.float64)
            return signal
        finally:
            reader.close()
    table = pd.read_csv(path, sep="\t", header=None, comment="#", dtype={0: str})
    if table.shape[1] != 4:
        raise EugeneError(f"{path} has {table.shape[1]} columns, expected the 4 of a bedGraph")
    here = table[(table[0] == chrom) & (table[1] < end) & (table[2] > start)]
    out = np.full(end - start, np.nan)
    for low, high, value in here[[1, 2, 3]].itertuples(index=False, name=None):
        out[max(low - start, 0) : max(high - start, 0)] = value
    return out


@picture()
def genome_tracks(
    panels: Mapping[str, PathLike | Sequence[PathLike]],
    region: str,
    *,
    bed: PathLike | None = None,
    labels: Sequence[str] = ("measured", "predicted"),
) -> Figure:
    """Draw files of signal along a region, a row for each panel, as a genome browser does.

    Parameters
    ----------
    panels : mapping of str to path, or sequence of paths
        BigWig or bedGraph files of each row: the first filled, others as lines over it.
    region : str
        ``"chr1:1000-2000"`` (bp, from 0, the end not included).
    bed : path, optional
        Regions that are drawn below, such as peaks.
    labels : sequence of str
        What the files of a panel are called, for the legend.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EugeneError
        If there is no panel.
    """
    import matplotlib.pyplot as plt

    if not panels:
        raise EugeneError("genome_tracks: there is no panel")
    where = read_site(region, "region")
    place = np.arange(where.start, where.end) / 1000
    rows = len(panels) + (bed is not None)
    heights = [1.0] * len(panels) + [0.3] * (bed is not None)
    figure, axes = plt.subplots(
        rows, 1, figsize=(9.5, 0.85 * rows + 0.7), sharex=True, squeeze=False,
        height_ratios=heights, layout="constrained",
    )  # fmt: skip
    for ax, (name, files) in zip(axes[:, 0], panels.items(), strict=False):
        paths = [files] if isinstance(files, str | Path) else list(files)
        for i, (path, colour) in enumerate(zip(paths, _COLOURS, strict=False)):
            values = signal_of(path, where.name, where.start, where.end)
            label = labels[i] if i < len(labels) and len(paths) > 1 else None
            if i == 0:
                ax.fill_between(place, np.nan_to_num(values), step="post", color=colour, lw=0,
                                alpha=0.75, label=label)  # fmt: skip
            else:
                ax.plot(place, values, color=colour, lw=0.9, drawstyle="steps-post", label=label)
        tidy(ax)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=7)
        ax.tick_params(labelsize=6)
        ax.margins(x=0)
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        told = ax.get_legend_handles_labels()[1] if ax is axes[0, 0] else []
        if told:
            ax.legend(fontsize=6, frameon=False, ncols=len(told), loc="upper right")
    if bed is not None:
        ax = axes[-1, 0]
        table = sd.readers.read_bedlike(bed)
        table = table[table["chrom"] == where.name]
        for low, high in table[["chromStart", "chromEnd"]].itertuples(index=False, name=None):
            ax.axvspan(low / 1000, high / 1000, color=ORANGE, lw=0)
        ax.set_yticks([])
        tidy(ax)
        ax.set_ylabel(Path(bed).stem, rotation=0, ha="right", va="center", fontsize=7)
        ax.set_xlim(where.start / 1000, where.end / 1000)
    axes[-1, 0].tick_params(labelsize=6)
    axes[-1, 0].set_xlabel(f"{where.name} (kb)", fontsize=7)
    return figure


@picture()
def construct_track(
    found: ConstructPredictions, ds: xr.Dataset, construct: int | str = 0
) -> Figure:
    """Draw the track over one construct, its payload and its sites.

    Parameters
    ----------
    found : eugene.evaluate.ConstructPredictions
        With a track.
    ds : xarray.Dataset
        The constructs that were predicted.
    construct : int or str
        Which one, by row or name.

    Returns
    -------
    matplotlib.figure.Figure
        Mean over windows and strands, a band of one standard deviation, the payload shaded, and
        a bar for each site.

    Raises
    ------
    EugeneError
        If there is no such construct, or no track was predicted.
    """
    import matplotlib.pyplot as plt

    names = found.constructs["name"].tolist()
    if found.track is None or found.track_sd is None:
        raise EugeneError("construct_track: no track was predicted: give tracks= when predicting")
    if isinstance(construct, str) and construct not in names:
        raise EugeneError(f"construct: {construct!r}{did_you_mean(construct, names)}")
    row = names.index(construct) if isinstance(construct, str) else int(construct)
    if not 0 <= row < len(names):
        raise EugeneError(f"construct is {row}, there are {len(names)}, from 0")
    mean, spread = found.track[row], np.nan_to_num(found.track_sd[row])
    start, end = found.payload[row].tolist()
    sites = read_sites(str(ds["sites"].to_numpy()[row]))
    lines = _lines(sites, len(mean))
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(8.0, 2.4 + 0.22 * (max(lines, default=0) + 1)), sharex=True,
        height_ratios=[1.9, 0.25 + 0.22 * (max(lines, default=0) + 1)], layout="constrained",
    )  # fmt: skip
    place = np.arange(len(mean))
    for ax in (upper, lower):
        ax.axvspan(start, end, color=ORANGE, alpha=0.15, lw=0)
    upper.fill_between(place, mean - spread, mean + spread, color=BLUE, alpha=0.25, lw=0)
    upper.plot(place, mean, color=BLUE, lw=1.0)
    predicted = found.constructs["predicted"][row]
    told = "" if np.isnan(predicted) else f", predicted {predicted:.2f}"
    activity = found.constructs["activity"][row]
    told += "" if np.isnan(activity) else f", measured {activity:.2f}"
    tidy(upper, title=f"{names[row]}{told}", y="track")
    for site, line in zip(sites, lines, strict=True):
        lower.plot([site.start, site.end], [-line, -line], color=VERMILION, lw=4,
                   solid_capstyle="butt")  # fmt: skip
        lower.text((site.start + site.end) / 2, -line + 0.2, site.name, fontsize=6, ha="center",
                   va="bottom")  # fmt: skip
    lower.set_ylim(-max(lines, default=0) - 0.5, 1.0)
    lower.set_yticks([])
    tidy(lower, x="bp of the construct (shaded: payload)")
    lower.margins(x=0)
    return figure


def _lines(sites: Sequence[Site], total: int) -> list[int]:
    """Return for each site the first line in which neither it nor its name meets another."""
    ends: list[float] = []
    found = [0] * len(sites)
    for i in sorted(range(len(sites)), key=lambda i: sites[i].start):
        site = sites[i]
        middle, half = (site.start + site.end) / 2, len(site.name) * _LETTER * total / 2
        left, right = min(site.start, middle - half), max(site.end, middle + half)
        line = next((n for n, last in enumerate(ends) if last <= left), len(ends))
        ends[line : line + 1] = [right]
        found[i] = line
    return found
