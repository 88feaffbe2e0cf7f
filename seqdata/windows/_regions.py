"""From a table of regions to windows on contigs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seqdata.errors import BedError, LengthError
from seqdata.readers._base import Windows
from seqdata.readers._bed_tables import table_of_regions
from seqdata.readers.bed import check_regions, read_bedlike
from seqdata.schema import STRANDS, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray


def plain_length(fixed_length: Any) -> bool | int:
    """Return ``fixed_length`` as a plain bool or int.

    Parameters
    ----------
    fixed_length : bool or int
        As :func:`seqdata.from_region_files` takes it; NumPy's types too.

    Returns
    -------
    bool or int

    Raises
    ------
    LengthError
        If it is neither a truth value nor a whole number of bp, 1 or more.

    Examples
    --------
    >>> plain_length(np.int64(5)), plain_length(np.True_)
    (5, True)
    """
    if isinstance(fixed_length, (bool, np.bool_)):
        return bool(fixed_length)
    number = isinstance(fixed_length, (int, float, np.number))
    if not number or fixed_length < 1 or int(fixed_length) != fixed_length:
        raise LengthError(
            "fixed_length must be True, False or a whole number of bp, 1 or more, got "
            f"{fixed_length!r}."
        )
    return int(fixed_length)


def as_regions(bed: str | Path | pd.DataFrame, *, beyond: bool = False) -> tuple[pd.DataFrame, str]:
    """Return regions as a checked table, and what to call them in messages.

    Parameters
    ----------
    bed : path or DataFrame
        BED-like file, or table (pandas, or polars through ``to_pandas``) with ``chrom``,
        ``chromStart`` and ``chromEnd``; names that other programs use are understood, and so are
        columns without a name, 0, 1, 2 ...
    beyond : bool, default False
        Let regions of a table begin before their contig, as resized ones may.

    Returns
    -------
    table : DataFrame
    where : str

    Raises
    ------
    BedError
        If a row is no region, or there is none.
    """
    if isinstance(bed, (str, Path)):
        return read_bedlike(bed), str(bed)
    given = bed if isinstance(bed, pd.DataFrame) else _to_pandas(bed)
    if not len(given):
        raise BedError("The table of regions is empty. Expected at least one row.")
    table = table_of_regions(given.reset_index(drop=True))
    check_regions(table, where="regions", beyond=beyond)
    return table, "regions"


def _to_pandas(bed: object) -> pd.DataFrame:
    if not hasattr(bed, "to_pandas"):
        raise BedError(f"Regions must be a BED-like file or a DataFrame, got {type(bed).__name__}.")
    return bed.to_pandas()


def centres(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the centre of each region: its summit if it has one, else its middle.

    Parameters
    ----------
    table : DataFrame
        Checked regions.

    Returns
    -------
    ndarray of int64, shape (n,)
        ``chromStart + peak`` where ``peak`` >= 0, else ``(chromStart + chromEnd) // 2``.

    Examples
    --------
    >>> centres(pd.DataFrame({"chromStart": [10, 10], "chromEnd": [15, 15], "peak": [0, -1]}))
    array([10, 12])
    """
    start = table["chromStart"].to_numpy(dtype=np.int64)
    end = table["chromEnd"].to_numpy(dtype=np.int64)
    middle: NDArray[np.int64] = (start + end) // 2
    if "peak" not in table.columns:
        return middle
    peak = table["peak"].to_numpy(dtype=np.int64)
    return np.where(peak >= 0, start + peak, middle).astype(np.int64)


def make_windows(table: pd.DataFrame, start: NDArray[np.int64], end: NDArray[np.int64]) -> Windows:
    """Return windows on the contigs of a table, contigs numbered as they first appear.

    Parameters
    ----------
    table : DataFrame
        Regions, with ``chrom`` and perhaps ``strand``.
    start, end : ndarray of int64, shape (n,)
        Bounds of the windows in bp.

    Returns
    -------
    Windows
    """
    chrom = table["chrom"].astype(str).to_numpy(dtype=object)
    names = tuple(dict.fromkeys(chrom))
    contig = encode(chrom, {name: i for i, name in enumerate(names)}, np.int32)
    strand = np.zeros(len(table), dtype=np.int8)
    if "strand" in table.columns:
        strand = encode(table["strand"], STRANDS)
    return Windows(names, contig, start, end, strand)
