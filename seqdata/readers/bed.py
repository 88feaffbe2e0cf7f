"""Read BED3 to BED12, narrowPeak and broadPeak files, with line numbers in every complaint."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from seqdata._told import tell
from seqdata.errors import BedError, require_file
from seqdata.readers._bed_names import Columns, are, by_format, by_guess, by_header
from seqdata.readers._bed_tables import MISSING, finished, gff_names, plain_strands
from seqdata.readers._bed_tables import with_bed_names as with_bed_names
from seqdata.readers._gzip import open_unpacked
from seqdata.readers._text import known_format

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INTEGERS = ("chromStart", "chromEnd", "thickStart", "thickEnd", "blockCount", "peak", "summit")
_NUMBERS = ("score", "signalValue", "pValue", "qValue")


class _Lines(NamedTuple):
    """The lines of a file of regions, and what stands in front of them."""

    numbers: list[int]
    rows: list[str]
    separator: str | None
    header: list[str] | None
    comments: list[str]


def read_bedlike(path: str | Path, *, check_summits: bool = True) -> pd.DataFrame:
    r"""Read a BED-like file into a table, one row a region, in the order of the file.

    The names in a header decide which column is what, also in one behind ``#`` and in tables of
    R, MACS (``.xls``), HOMER and featureCounts, whose positions count from 1 and are turned into
    those of BED. Without a header, BED3 to BED12, narrowPeak, broadPeak, GFF and Picard's interval
    lists are told apart by suffix and content; what had to be guessed is said. ``.gz`` (also
    bgzip) is read as it is; ``track``, ``browser`` and comment lines are skipped. Columns beyond
    the standard ones keep the name in the header; without one they are ``field7``, ``field8``
    and so on.

    Parameters
    ----------
    path : str or Path
        The file; tab-separated (or separated by blanks when there is no tab; by commas where a
        header is).

    check_summits : bool, default True
        Refuse a summit outside its peak.

    Returns
    -------
    DataFrame
        ``chrom`` (str), ``chromStart``, ``chromEnd`` (int64, bp, 0-based half-open) and, as far as
        the file has them, ``name`` (str), ``score`` (float64), ``strand`` (``+ - .``),
        ``signalValue pValue qValue`` (float64), ``peak`` (int64, bp from chromStart, -1 for none)
        and the rest of BED12.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    BedError
        If a line is no region: too few or too many fields, positions that are no whole numbers,
        start < 0, start > end, an unknown strand, a summit outside its peak; or no region at all.

    Warns
    -----
    SeqdataWarning
        Names file and column where a column was guessed or positions counted from 1.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bed = pathlib.Path(folder) / "x.bed"
    ...     _ = bed.write_text("track name=x\nchr1\t5\t9\tp1\t0\t-\n")
    ...     read_bedlike(bed)
      chrom  chromStart  chromEnd name  score strand
    0  chr1           5         9   p1    0.0      -
    """
    file = require_file(path, "BED")
    lines = _data_lines(file)
    if not lines.rows:
        msg = f"{file} holds no region. Expected lines such as: chr1<TAB>1000<TAB>1200"
        raise BedError(msg)
    fields = _fields(file, lines)
    columns = _columns(file, lines, fields)
    table = pd.DataFrame(
        {
            name: _convert(name, column, file, lines.numbers, columns)
            for name, column in zip(columns.names, fields, strict=True)
        }
    )
    table = finished(table, columns, str(file), lambda row: f"{file}, line {lines.numbers[row]}")
    checked = table if check_summits else table.drop(columns="peak", errors="ignore")
    check_regions(checked, where=str(file), lines=np.asarray(lines.numbers))
    return table


def _fields(file: Path, lines: _Lines) -> list[list[str]]:
    """Return the values of each column, after a check that all lines have as many."""
    numbers, rows, separator = lines.numbers, lines.rows, lines.separator
    if lines.header is not None and any('"' in row for row in rows[:1000]):
        parsed = list(csv.reader(rows, delimiter=separator or " ", skipinitialspace=True))
        widths = [len(row) for row in parsed]
    else:
        parsed = []
        widths = [_n_fields(row, separator) for row in rows]
    width = widths[0]
    if width < 3:
        found = "separated by tabs" if separator else "separated by blanks"
        fasta = rows[0].startswith(">")
        hint = " It looks like FASTA: are regions and genome swapped?" if fasta else ""
        msg = (
            f"{file}, line {numbers[0]}: expected at least 3 fields {found} (contig, start, end), "
            f"got {width}: {rows[0][:60]!r}.{hint}"
        )
        raise BedError(msg)
    for number, found_width in zip(numbers, widths, strict=True):
        if found_width != width:
            msg = (
                f"{file}, line {number}: expected {width} fields as in line {numbers[0]}, "
                f"got {found_width}. Repair the line (fields are separated by one tab)."
            )
            raise BedError(msg)
    if parsed:
        return [list(column) for column in zip(*parsed, strict=True)]
    # one long list: the garbage collector would go through a list for each row again and again
    flat = (separator or " ").join(rows).split(separator)
    return [flat[i::width] for i in range(width)]


def _columns(file: Path, lines: _Lines, fields: list[list[str]]) -> Columns:
    """Return what the columns are: by the header, by the format, else by a guess."""
    width = len(fields)
    if lines.header is not None:
        header = lines.header
        if len(header) == width - 1:
            # R writes no name above the names of rows
            header = ["row_name", *header]
        if len(header) != width:
            msg = (
                f"{file}, line {lines.numbers[0]}: the header names {len(header)} columns, the "
                f"line has {width}. Repair the header or the line."
            )
            raise BedError(msg)
        found = by_header(header, str(file))
        if found is not None:
            return found
    for comment in reversed(lines.comments):
        if not comment.startswith("#"):
            continue
        text = comment.lstrip("#").strip()
        header = text.split("\t") if "\t" in text else text.split()
        found = by_header(header, str(file))
        if found is None:
            continue
        if len(header) == width:
            return found
        tell(
            f"{file}: the header {comment[:60]!r} names {len(header)} columns, the lines have "
            f"{width}; it is left out of account, and the columns are taken as those of BED."
        )
        break
    sample = [column[:100] for column in fields]
    return by_format(file, lines.comments, sample) or by_guess(file, fields)


def check_regions(
    table: pd.DataFrame,
    *,
    where: str = "regions",
    lines: NDArray[np.generic] | None = None,
    beyond: bool = False,
) -> None:
    """Check that a table of regions makes sense.

    Parameters
    ----------
    table : DataFrame
        With ``chrom``, ``chromStart``, ``chromEnd`` and perhaps ``strand``, ``peak``.
    where : str, default "regions"
        What to call it in messages.
    lines : ndarray of int, shape (n,), optional
        Line of each row in its file; by default rows are counted from 0.
    beyond : bool, default False
        Let regions begin before their contig, as resized ones may.

    Raises
    ------
    BedError
        At the first row that is no region.

    Examples
    --------
    >>> try:
    ...     check_regions(pd.DataFrame({"chrom": ["chr1"], "chromStart": [9], "chromEnd": [3]}))
    ... except BedError as error:
    ...     print(str(error)[:46])
    regions, row 0: start 9 is greater than end 3.
    """
    for name in ("chrom", "chromStart", "chromEnd"):
        if name not in table.columns:
            msg = f"{where}: no column {name!r}; there are {list(map(str, table.columns))}."
            raise BedError(msg)

    def place(row: int) -> str:
        return f"{where}, row {row}" if lines is None else f"{where}, line {lines[row]}"

    for name in ("chrom", "chromStart", "chromEnd"):
        missing = table[name].isna().to_numpy()
        if missing.any():
            msg = f"{place(int(np.argmax(missing)))}: {name} is missing. Leave the row out."
            raise BedError(msg)
    for name in ("chromStart", "chromEnd"):
        if not pd.api.types.is_integer_dtype(table[name]):
            msg = f"{where}: column {name!r} has type {table[name].dtype}, expected whole numbers."
            raise BedError(msg)
    start = table["chromStart"].to_numpy(dtype=np.int64)
    end = table["chromEnd"].to_numpy(dtype=np.int64)
    chrom = table["chrom"].astype(str).to_numpy()
    odd = {name for name in set(chrom.tolist()) if name.split() != [name]}
    if odd:
        row = next(row for row, name in enumerate(chrom.tolist()) if name in odd)
        msg = f"{place(row)}: contig name {chrom[row]!r} is empty or holds white space."
        raise BedError(msg)
    if (start < 0).any() and not beyond:
        row = int(np.argmax(start < 0))
        msg = (
            f"{place(row)}: start {start[row]} is negative. Expected 0 <= start <= end "
            "(0-based, half-open); clip the region to its contig."
        )
        raise BedError(msg)
    if (start > end).any():
        row = int(np.argmax(start > end))
        msg = (
            f"{place(row)}: start {start[row]} is greater than end {end[row]}. "
            "Expected 0 <= start <= end (0-based, half-open)."
        )
        raise BedError(msg)
    if "strand" in table.columns:
        strand = table["strand"].astype(str).to_numpy()
        wrong = ~np.isin(strand, ["+", "-", "."])
        if wrong.any():
            row = int(np.argmax(wrong))
            msg = f"{place(row)}: strand {strand[row]!r}, expected '+', '-' or '.'."
            raise BedError(msg)
    if "peak" in table.columns:
        peak = table["peak"].to_numpy()
        wrong = (peak >= np.maximum(end - start, 1)) | (peak < -1)
        if wrong.any():
            row = int(np.argmax(wrong))
            msg = (
                f"{place(row)}: summit {peak[row]} lies outside its peak of "
                f"{end[row] - start[row]} bp. It counts from the start of the peak; -1 means none."
            )
            raise BedError(msg)


def _n_fields(line: str, separator: str | None) -> int:
    return line.count(separator) + 1 if separator else len(line.split())


def _data_lines(file: Path) -> _Lines:
    numbers: list[int] = []
    rows: list[str] = []
    comments: list[str] = []
    separator: str | None = "\t"
    header: list[str] | None = None
    for number, line in _text_lines(file):
        if not line or line.isspace() or line[0] == "#":
            if line and line[0] == "#" and not rows:
                comments.append(line)
            continue
        if line.startswith(("track", "browser")) and line.split(None, 1)[0] in ("track", "browser"):
            continue
        if not rows and header is None:
            if line.startswith(("@HD", "@SQ", "@RG", "@PG", "@CO")):
                comments.append(line)
                continue
            separator, header = _header(line, file)
            if header is not None:
                continue
        rows.append(line)
        numbers.append(number)
    return _Lines(numbers, rows, separator, header, comments)


def _header(line: str, file: Path) -> tuple[str | None, list[str] | None]:
    """Return the separator of the first line, and its names if it is a header."""
    separator = "\t" if "\t" in line else None
    for between in (separator, ",", ";"):
        names = [name.strip().strip('"') for name in line.split(between)]
        if by_header(names, str(file)) is not None:
            return between, names
    names = line.split(separator)
    if len(names) > 2 and by_header(["chrom", *names[1:]], str(file)) is not None:
        tell(f"{file}: column 1, {names[0]!r}, stands before start and end: it is the contig.")
        return separator, ["chrom", *names[1:]]
    return separator, None


def _text_lines(file: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with open_unpacked(file) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as text:
            for number, line in enumerate(text, start=1):
                yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        what = known_format(file) or " Is it a BED file?"
        place = f", after line {number}" if number else ""
        msg = f"{file}{place}: not UTF-8 text ({error.reason}).{what}"
        raise BedError(msg) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{file}, after line {number}: damaged gzip file ({error}). Fetch or pack it again."
        raise BedError(msg) from error


def _convert(
    name: str, column: list[str], file: Path, lines: list[int], columns: Columns
) -> object:
    named = columns.named
    if name == "strand" and named:
        return plain_strands(column, columns)
    if name == "name" and columns.one_based == "GFF features":
        return gff_names(column)
    if name in _INTEGERS:
        if name == "peak":
            none = MISSING if named else {"."}
            column = ["-1" if value in none else value for value in column]
        try:
            return np.array(list(map(int, column)), dtype=np.int64)
        except (ValueError, OverflowError):
            row = next(i for i, value in enumerate(column) if not _is_position(value))
            header = (
                " If it is a header, name the columns chrom, start and end." if row == 0 else ""
            )
            if name == "peak":
                header = " A summit counts from chromStart; rename the column if it holds none."
            msg = (
                f"{file}, line {lines[row]}: {name} is {column[row]!r}, expected a whole number."
                f"{header}"
            )
            raise BedError(msg) from None
    if name in _NUMBERS:
        none = MISSING if named else {".", ""}
        try:
            return np.array([np.nan if v in none else float(v) for v in column])
        except ValueError:
            row = next(i for i, v in enumerate(column) if v not in none and not are(float, [v]))
            msg = f"{file}, line {lines[row]}: {name} is {column[row]!r}, expected a number or '.'."
            raise BedError(msg) from None
    if name not in ("chrom", "name", "strand", "itemRgb", "blockSizes", "blockStarts"):
        return _further(column, named=named)
    return np.array(column, dtype=object)


def _further(column: list[str], *, named: bool) -> object:
    """Return a column that says nothing of the region as numbers where it holds some."""
    if not named:
        return np.array(column, dtype=np.float64 if are(float, column) else object)
    given = [value for value in column if value not in MISSING]
    # 007 is a name
    text = any((v[0] == "0" and v[1:2].isdigit()) or "_" in v for v in given)
    if not given or text or not are(float, given):
        return np.array(column, dtype=object)
    if len(given) == len(column) and are(int, column):
        exact = [int(value) for value in column]
        if max(map(abs, exact)) < 2**63:
            return np.array(exact, dtype=np.int64)
        return np.array(column, dtype=object)
    return np.array([np.nan if value in MISSING else float(value) for value in column])


def _is_position(value: str) -> bool:
    try:
        return -(2**63) <= int(value) < 2**63
    except ValueError:
        return False
