"""Tables of regions made alike: positions from 0, strands as + - and ., summits from the start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seqdata._told import tell
from seqdata.errors import BedError
from seqdata.readers._bed_names import ROLES, Columns, by_guess, by_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Place = Callable[[int], str]

MISSING = frozenset({"", ".", "NA", "NaN", "nan", "None", "<NA>", "null"})
_STRANDS = {"*": ".", "?": ".", "1": "+", "+1": "+", "-1": "-", "1.0": "+", "-1.0": "-"}
_EXACT = 2.0**53


def with_bed_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names of BED columns, if it was read without a header.

    Parameters
    ----------
    table : DataFrame
        Its columns may be called 0, 1, 2 and so on; columns with a name keep it.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> with_bed_names(pd.DataFrame([["chr1", 5, 9, "peak1"]])).columns.tolist()
    ['chrom', 'chromStart', 'chromEnd', 'name']
    """
    return _named(table)[0]


def _named(table: pd.DataFrame) -> tuple[pd.DataFrame, Columns]:
    numbered = [name for name in table.columns if isinstance(name, int | np.integer)]
    if len(numbered) >= 3 and numbered == list(range(len(numbered))):
        sample = [table[i].head(1000).dropna().astype(str).tolist() for i in numbered]
        columns = by_guess(Path("regions"), sample)
        taken = set(table.columns)
        new = {i: f"field{i + 1}" if n in taken else n for i, n in enumerate(columns.names)}
        return table.rename(columns=new), columns
    found = by_header(list(table.columns), "regions")
    if found is None:
        return table, Columns([], named=True)
    names = zip(table.columns, found.names, strict=True)
    return table.set_axis([new if new in ROLES else old for old, new in names], axis=1), found


def table_of_regions(table: pd.DataFrame, where: str = "regions") -> pd.DataFrame:
    """Return a table of regions with the names and types that a file of regions gives.

    Parameters
    ----------
    table : DataFrame
        As users have them: from pandas, bioframe, R or a peak caller.
    where : str
        What to call it in messages.

    Returns
    -------
    DataFrame
        With ``chrom`` (text), ``chromStart`` and ``chromEnd`` (int64) where the table has them;
        its index is kept.

    Raises
    ------
    BedError
        At the first row without a contig or a position, or whose position is no whole number.

    Examples
    --------
    >>> ranges = pd.DataFrame({"Chromosome": ["c"], "Start": [4], "End": [9]})
    >>> table_of_regions(ranges).to_dict("records")
    [{'chrom': 'c', 'chromStart': 4, 'chromEnd': 9}]
    """
    made, columns = _named(table)

    def place(row: int) -> str:
        return f"{where}, row {row}"

    changes: dict[str, object] = {}
    if "chrom" in made.columns:
        changes["chrom"] = _contigs(made["chrom"], place)
    for name in ("chromStart", "chromEnd", "summit"):
        if name in made.columns:
            changes[name] = _positions(made[name], name, place)
    if "strand" in made.columns:
        changes["strand"] = _plain_strands(made["strand"], columns, made["strand"].isna())
    if "peak" in made.columns:
        changes["peak"] = _summits(made["peak"], place)
    return finished(made.assign(**changes), columns, where, place)


def finished(table: pd.DataFrame, columns: Columns, where: str, place: Place) -> pd.DataFrame:
    """Turn positions that count from 1 into those that count from 0, and say so.

    Parameters
    ----------
    table : DataFrame
        Regions with whole numbers as positions.
    columns : Columns
        What its columns were called.
    where : str
        The table, for messages.
    place : callable
        Names a row in messages.

    Returns
    -------
    DataFrame
        ``summit``, a position on the contig, becomes ``peak``, one from the start.

    Raises
    ------
    BedError
        If a region of such a table starts at 0.
    """
    if not {"chrom", "chromStart", "chromEnd"} <= set(table.columns):
        return table
    start, end = (np.asarray(table[name], np.int64) for name in ("chromStart", "chromEnd"))
    reason = columns.one_based
    if columns.size and columns.size in table.columns:
        size = pd.to_numeric(table[columns.size], errors="coerce").to_numpy(float, na_value=np.nan)
        if (size == end - start).all():
            reason = ""
        elif (size == end - start + 1).all():
            reason = reason or f"its column {columns.size!r} holds end - start + 1"
    if reason and (start < 1).any():
        row = int(np.argmax(start < 1))
        raise BedError(
            f"{place(row)}: start is {start[row]}, but positions count from 1 in this table "
            f"({reason}). If they count from 0, call the columns chrom, chromStart and chromEnd."
        )
    if reason:
        start = start - 1
        table = table.assign(chromStart=start)
        told = ""
        if "type" in table.columns and columns.one_based.startswith("GFF"):
            kinds = table["type"].value_counts().head(6).items()
            told = f" Every feature is a region: {', '.join(f'{n} {kind}' for kind, n in kinds)}."
        tell(
            f"{where}: positions count from 1 ({reason}), so 1 is taken off every start.{told} If "
            "they count from 0, call the columns chrom, chromStart and chromEnd."
        )
    if "summit" in table.columns:
        at = np.asarray(table["summit"], np.int64) - (1 if reason else 0)
        table = table.drop(columns="summit").assign(peak=at - start)
    return table


def _contigs(column: pd.Series, place: Place) -> NDArray[np.object_]:
    """Return contig names as text; whole numbers without their fraction."""
    missing = column.isna().to_numpy()
    if missing.any():
        raise BedError(f"{place(int(np.argmax(missing)))}: there is no contig. Leave the row out.")
    if column.dtype.kind == "f" and (column == column.round()).all():
        column = column.astype(np.int64)
    return np.asarray(column.astype(str), dtype=object)


def _positions(column: pd.Series, name: str, place: Place) -> NDArray[np.int64]:
    """Return positions as int64, or say in which row there is none."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return np.asarray(column, dtype=np.int64)
    given = column.to_numpy(dtype=object)
    numbers = pd.to_numeric(pd.Series(given), errors="coerce").to_numpy(float, na_value=np.nan)
    odd = ~(np.abs(numbers) < _EXACT) | (np.rint(numbers) != numbers)
    if column.dtype == bool:
        odd[:] = True
    if odd.any():
        row = int(np.argmax(odd))
        what = "missing" if pd.isna(given[row]) else repr(given[row])
        raise BedError(f"{place(row)}: {name} is {what}, expected whole numbers (bp).")
    return np.asarray(numbers, dtype=np.int64)


def _summits(peak: pd.Series, place: Place) -> NDArray[np.int64]:
    """Return summits as whole numbers; missing ones and ``.`` become -1."""
    if isinstance(peak.dtype, np.dtype) and peak.dtype.kind in "iu":
        return np.asarray(peak, dtype=np.int64)
    given = peak.to_numpy(dtype=object)
    none = peak.isna().to_numpy() | np.array([value == "." for value in peak.astype(str)])
    numbers = pd.to_numeric(pd.Series(np.where(none, -1, given)), errors="coerce").to_numpy(float)
    odd = ~(np.abs(numbers) < _EXACT) | (np.rint(numbers) != numbers)
    if odd.any():
        row = int(np.argmax(odd))
        raise BedError(
            f"{place(row)}: peak is {given[row]!r}, expected a whole number of bp from "
            "chromStart, or -1 or '.' for none."
        )
    return np.asarray(numbers, dtype=np.int64)


def _plain_strands(column: pd.Series, columns: Columns, missing: Any) -> NDArray[np.object_]:
    text = column.astype(object).where(~missing, ".").astype(str)
    return plain_strands(text.tolist(), columns)


def plain_strands(values: list[str], columns: Columns) -> NDArray[np.object_]:
    """Return the strands of a named column as ``+``, ``-`` and ``.``; others stay as they are.

    Parameters
    ----------
    values : list of str
    columns : Columns
        What the columns are named after: HOMER writes strands as 0 and 1.

    Returns
    -------
    ndarray of str, shape (n,)

    Examples
    --------
    >>> plain_strands(["*", "-1", "NA"], Columns([])).tolist()
    ['.', '-', '.']
    """
    known = {**dict.fromkeys(MISSING, "."), **_STRANDS}
    if "HOMER" in columns.one_based:
        known |= {"0": "+", "1": "-"}
    table = {value: known.get(value, value) for value in set(values)}
    return np.array([table[value] for value in values], dtype=object)


def gff_names(attributes: list[str]) -> NDArray[np.object_]:
    """Return a name for each feature of GFF or GTF: its transcript, else its ID, else "".

    Parameters
    ----------
    attributes : list of str
        The ninth column.

    Returns
    -------
    ndarray of str, shape (n,)

    Examples
    --------
    >>> gff_names(['gene_id "g"; transcript_id "t.1";', "ID=x;Parent=t", "note=1"]).tolist()
    ['t.1', 't', '']
    """
    patterns = [
        re.compile(rf'(?:^|;)\s*{key}[ =]"?([^";]+)')
        for key in ("transcript_id", "Parent", "ID", "gene_id", "Name")
    ]

    def name(text: str) -> str:
        found = next((m for p in patterns if (m := p.search(text))), None)
        return found.group(1).strip() if found else ""

    return np.array([name(text) for text in attributes], dtype=object)
