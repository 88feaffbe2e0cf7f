"""Regions of a data source: read as seqdata reads them, on the contigs that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import seqdata as sd
from eugene.data._files import PathLike
from eugene.data._negatives import SourceError
from seqdata.errors import contig_hint
from seqdata.regions import check_known
from seqdata.windows import as_regions


def read_regions(
    bed: PathLike | pd.DataFrame, contigs: Sequence[str] | None, what: str
) -> tuple[pd.DataFrame, str]:
    """Return regions, on some contigs, and what to call them in messages.

    Parameters
    ----------
    bed : path or DataFrame
        Regions in any form that seqdata reads.
    contigs : sequence of str or None
        Contigs to keep; None keeps all.
    what : str
        What a region is, for messages: "peak".

    Returns
    -------
    table : pandas.DataFrame
        Rows counted from 0.
    where : str

    Raises
    ------
    SourceError
        Where no region lies on a contig that is asked for.
    """
    table, where = as_regions(bed)
    if contigs is None:
        return table, where
    known = sorted(set(table["chrom"]))
    for contig in contigs:
        if contig not in known:
            raise SourceError(f"contigs: no {what} is on {contig!r}.{contig_hint(contig, known)}")
    return table[table["chrom"].isin(list(contigs))].reset_index(drop=True), where


def require_contigs(
    table: pd.DataFrame, sizes: Collection[str], *, where: str, genome: str
) -> None:
    """Refuse regions on contigs that a genome does not have.

    Parameters
    ----------
    table : pandas.DataFrame
        Regions.
    sizes : collection of str
        Contigs of the genome.
    where, genome : str
        The two, for messages.

    Raises
    ------
    SourceError
        At the first region on another contig.
    """
    unknown = sorted(set(table["chrom"]) - set(sizes))
    if unknown:
        row = int(np.flatnonzero(table["chrom"] == unknown[0])[0])
        raise SourceError(
            f"{where}, region {row + 1}: the genome has no contig {unknown[0]!r}."
            f"{contig_hint(unknown[0], sizes)} Rename the contigs, or name those to keep in "
            f"`contigs`; {len(unknown)} of the file's are not in {genome}."
        )


def read_blacklist(
    blacklist: PathLike | None, sizes: Iterable[str], genome: str
) -> pd.DataFrame | None:
    """Return the regions of a blacklist on the contigs of a genome.

    Parameters
    ----------
    blacklist : path or None
    sizes : iterable of str
        Contigs of the genome.
    genome : str
        The genome, for messages.

    Returns
    -------
    pandas.DataFrame or None
        None where there is no blacklist.

    Raises
    ------
    ContigError
        Where it names none of the contigs; some that are not there are told.
    """
    if blacklist is None:
        return None
    table, where = as_regions(blacklist)
    contigs = set(sizes)
    check_known(table, contigs, where=where, genome=genome, then="they keep nothing away")
    return table[table["chrom"].isin(contigs)].reset_index(drop=True)


def touches(windows: pd.DataFrame, others: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which windows overlap regions that may lie on other contigs than they do.

    Parameters
    ----------
    windows, others : pandas.DataFrame

    Returns
    -------
    ndarray of bool, shape (n_windows,)
    """
    near = others[others["chrom"].isin(set(windows["chrom"]))]
    if not len(near) or not len(windows):
        return np.zeros(len(windows), np.bool_)
    return sd.regions.overlaps(windows, near)


def peak_windows(
    peaks: pd.DataFrame,
    width: int,
    max_jitter: int,
    centre: Literal["summit", "midpoint"],
    sizes: Mapping[str, int],
    blacklist: pd.DataFrame | None,
    notes: dict[str, int],
) -> pd.DataFrame:
    """Return windows around peaks that lie on their contig and outside the blacklist.

    Parameters
    ----------
    peaks : pandas.DataFrame
        The peaks.
    width, max_jitter : int
        Length (bp) of a window, and what has to lie on the contig beyond it on both sides.
    centre : {"summit", "midpoint"}
        Middle of a window.
    sizes : mapping of str to int
        Length (bp) of each contig.
    blacklist : pandas.DataFrame or None
        Regions to keep away from.
    notes : dict of str to int
        Numbers of windows left out are written into it.

    Returns
    -------
    pandas.DataFrame
        Windows with the index of their peaks.
    """
    wide = sd.regions.resize(peaks, width + 2 * max_jitter, centre=centre, contigs=sizes)
    notes["dropped_past_contig_ends"] = len(peaks) - len(wide)
    if blacklist is not None and len(wide):
        bad = touches(wide, blacklist)
        notes["dropped_blacklisted"] = int(bad.sum())
        wide = wide[~bad]
    return sd.regions.resize(peaks, width, centre=centre).loc[wide.index]
