"""Exons joined into transcripts: lines of one name, blocks of BED12, exons of GFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from seqdata._told import tell
from seqdata.errors import BedError
from seqdata.schema import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCKS = ("blockCount", "blockSizes", "blockStarts")


def exons_of(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the exons of regions, sorted into transcripts.

    Parameters
    ----------
    table : DataFrame
        Checked regions: exons with the name of their transcript, transcripts with the blocks of
        BED12, or features of GFF, of which those of type ``exon`` count.
    where : str
        The regions, for messages.

    Returns
    -------
    exons : DataFrame
        One row an exon; a transcript's by their start.
    row_of : ndarray of int64, shape (n_transcripts + 1,)
        Where each transcript begins.

    Raises
    ------
    BedError
        If a name or block makes no sense, or exons of one name lie on two contigs or strands.

    Examples
    --------
    >>> bed = pd.DataFrame({"chrom": "c", "chromStart": [5], "chromEnd": [20], "blockCount": [2],
    ...                     "blockSizes": ["3,4,"], "blockStarts": ["0,11,"]})
    >>> exons, row_of = exons_of(bed, "x.bed")
    >>> exons[["chromStart", "chromEnd"]].values.tolist(), row_of.tolist()
    ([[5, 8], [16, 20]], [0, 2])
    """
    if set(_BLOCKS) <= set(table.columns):
        return _blocks(table, where)
    if {"type", "phase"} <= set(table.columns):
        kept = (table["type"].astype(str).str.lower() == "exon").to_numpy()
        if not kept.any():
            kinds = sorted(set(table["type"].astype(str)))[:6]
            msg = f"{where}: splice=True joins features of type 'exon'; there are only {kinds}."
            raise BedError(msg)
        if not kept.all():
            tell(
                f"{where}: splice=True joins {int(kept.sum())} exons; other features are left out."
            )
        table = table[kept].reset_index(drop=True)
    return _by_name(table, where)


def _by_name(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    if "name" not in table.columns:
        msg = f"{where} has no column 'name', which splice=True groups the exons by."
        raise BedError(msg)
    unnamed = table["name"].isna().to_numpy() | table["name"].isin(["", "."]).to_numpy()
    if unnamed.any():
        msg = (
            f"{where}, region {int(np.argmax(unnamed))}: splice=True groups the exons by name, "
            "and this one has none."
        )
        raise BedError(msg)
    names = table["name"].astype(str).to_numpy(dtype=object)
    codes = encode(names, {n: i for i, n in enumerate(dict.fromkeys(names))}, np.int64)
    order = np.lexsort((table["chromStart"].to_numpy(), codes))
    codes = codes[order]
    row_of = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1], [True]]))
    for column in ("chrom", "strand"):
        if column not in table.columns:
            continue
        values = table[column].astype(str).to_numpy(dtype=object)[order]
        mixed = (values[1:] != values[:-1]) & (codes[1:] == codes[:-1])
        if mixed.any():
            name = names[order][int(np.argmax(mixed))]
            msg = f"{where}: the exons of {name!r} lie on more than one {column}."
            raise BedError(msg)
    return table.iloc[order].reset_index(drop=True), row_of


def _blocks(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the blocks of each line of BED12."""
    begin = table["chromStart"].to_numpy(np.int64)
    length = table["chromEnd"].to_numpy(np.int64) - begin
    starts, sizes = [], []
    for row, (count, size, start) in enumerate(table[list(_BLOCKS)].itertuples(index=False)):
        n = int(count)
        some, others = _numbers(size), _numbers(start)
        problem = ""
        if some is None or others is None or len(some) != n or len(others) != n or n < 1:
            problem = f"expected {n} sizes and starts"
        elif (some < 1).any() or (others[1:] < others[:-1] + some[:-1]).any():
            problem = "blocks are empty or overlap"
        elif others[0] != 0 or others[-1] + some[-1] != length[row]:
            problem = "the first block has to begin, the last to end with the region"
        if problem or some is None or others is None:
            msg = (
                f"{where}, region {row}: blockSizes {size!r} and blockStarts {start!r} are no "
                f"blocks of {length[row]} bp: {problem}."
            )
            raise BedError(msg)
        sizes.append(some)
        starts.append(others + begin[row])
    counts = np.array([len(one) for one in sizes])
    exons = table.loc[np.repeat(np.arange(len(table)), counts)].reset_index(drop=True)
    start = np.concatenate(starts)
    exons = exons.assign(chromStart=start, chromEnd=start + np.concatenate(sizes))
    return exons, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _numbers(text: object) -> NDArray[np.int64] | None:
    """Return whole numbers between commas, or None."""
    try:
        return np.array([int(v) for v in str(text).strip().rstrip(",").split(",")], np.int64)
    except ValueError:
        return None
