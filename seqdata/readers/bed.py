"""Read BED3 to BED12, narrowPeak and broadPeak files, with line numbers in every complaint."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seqdata.errors import BedError, require_file
from seqdata.readers._gzip import open_unpacked
from seqdata.readers._text import known_format

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BED = (
    "chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd",
    "itemRgb", "blockCount", "blockSizes", "blockStarts",
)  # fmt: skip
_PEAK = (*_BED[:6], "signalValue", "pValue", "qValue")
_NARROW = (*_PEAK, "peak")
_INTEGERS = ("chromStart", "chromEnd", "thickStart", "thickEnd", "blockCount", "peak")
_NUMBERS = ("score", "signalValue", "pValue", "qValue")
_START_NAMES = ("start", "chromstart", "chrom_start", "begin", "txstart")


def read_bedlike(path: str | Path) -> pd.DataFrame:
    r"""Read a BED-like file into a table, one row a region, in the order of the file.

    BED3 to BED12, narrowPeak and broadPeak are told apart by suffix and content; ``.gz`` (also
    bgzip) is read as it is. ``track``, ``browser``, comment and header lines are skipped. Columns
    beyond the standard ones are kept as ``field7``, ``field8`` and so on.

    Parameters
    ----------
    path : str or Path
        The file; tab-separated (or separated by blanks when there is no tab).

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
    numbers, rows, separator = _data_lines(file)
    if not rows:
        msg = f"{file} holds no region. Expected lines such as: chr1<TAB>1000<TAB>1200"
        raise BedError(msg)
    width = _n_fields(rows[0], separator)
    if width < 3:
        found = "separated by tabs" if separator else "separated by blanks"
        msg = (
            f"{file}, line {numbers[0]}: expected at least 3 fields {found} (contig, start, end), "
            f"got {width}: {rows[0][:60]!r}."
        )
        raise BedError(msg)
    for number, row in zip(numbers, rows, strict=True):
        found_width = _n_fields(row, separator)
        if found_width != width:
            msg = (
                f"{file}, line {number}: expected {width} fields as in line {numbers[0]}, "
                f"got {found_width}. Repair the line (fields are separated by one tab)."
            )
            raise BedError(msg)
    # one long list: the garbage collector would go through a list for each row again and again
    fields = (separator or " ").join(rows).split(separator)
    columns = [fields[i::width] for i in range(width)]
    names = _column_names(file, columns)
    table = pd.DataFrame(
        {
            name: _convert(name, column, file, numbers)
            for name, column in zip(names, columns, strict=True)
        }
    )
    check_regions(table, where=str(file), lines=np.asarray(numbers))
    return table


def check_regions(
    table: pd.DataFrame, *, where: str = "regions", lines: NDArray[Any] | None = None
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
    if (start < 0).any():
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


def _data_lines(file: Path) -> tuple[list[int], list[str], str | None]:
    numbers: list[int] = []
    rows: list[str] = []
    separator: str | None = "\t"
    for number, line in _text_lines(file):
        if not line or line.isspace() or line[0] == "#":
            continue
        if line.startswith(("track", "browser")) and line.split(None, 1)[0] in ("track", "browser"):
            continue
        if not rows:
            separator = "\t" if "\t" in line else None
            if _is_header(line.split(separator)):
                continue
        rows.append(line)
        numbers.append(number)
    return numbers, rows, separator


def _is_header(fields: list[str]) -> bool:
    return len(fields) > 1 and fields[1].strip().lower() in _START_NAMES


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
    numbered = [name for name in table.columns if isinstance(name, int | np.integer)]
    if len(numbered) < 3 or numbered != list(range(len(numbered))):
        return table
    sample = [table[i].head(100).astype(str).tolist() for i in numbered]
    names = _column_names(Path("regions"), sample)
    taken = set(table.columns)
    return table.rename(
        columns={i: f"field{i + 1}" if n in taken else n for i, n in enumerate(names)}
    )


def _column_names(file: Path, columns: list[list[str]]) -> list[str]:
    width = len(columns)
    suffixes = {suffix.lower() for suffix in file.suffixes}
    narrow = ".narrowpeak" in suffixes
    broad = ".broadpeak" in suffixes
    if (narrow and width != 10) or (broad and width != 9):
        kind, expected = ("narrowPeak", 10) if narrow else ("broadPeak", 9)
        msg = f"{file}: a {kind} file has {expected} columns, this one has {width}."
        raise BedError(msg)
    sample = [column[:100] for column in columns]
    if not narrow and not broad:
        narrow = (
            width == 10
            and all(_are(float, column) for column in sample[6:9])
            and _are(int, [value for value in sample[9] if value != "."])
        )
        broad = (
            width == 9
            and all(_are(float, column) for column in sample[6:9])
            and not (_are(int, sample[6]) and _are(int, sample[7]))
        )
    if narrow:
        return list(_NARROW)
    if broad:
        return list(_PEAK)
    names = list(_BED[:width]) + [f"field{i + 1}" for i in range(len(_BED), width)]
    if width > 6 and not (_are(int, sample[6]) and (width < 8 or _are(int, sample[7]))):
        names[6:] = [f"field{i + 1}" for i in range(6, width)]
    elif width > 9 and not _are(int, sample[9]):
        names[9:] = [f"field{i + 1}" for i in range(9, width)]
    if width > 4 and not _are(float, [v for v in sample[4] if v != "."]):
        names[4] = "field5"
    # a sixth column of single characters is a strand (right or wrong), anything longer is none
    if width > 5 and any(len(value) > 1 for value in sample[5]):
        names[5] = "field6"
    return names


def _are(kind: type, values: list[str]) -> bool:
    try:
        for value in values:
            kind(value)
    except ValueError:
        return False
    return True


def _convert(name: str, column: list[str], file: Path, lines: list[int]) -> Any:
    if name in _INTEGERS:
        if name == "peak":
            column = ["-1" if value == "." else value for value in column]
        try:
            return np.array(list(map(int, column)), dtype=np.int64)
        except (ValueError, OverflowError):
            row = next(i for i, value in enumerate(column) if not _is_position(value))
            msg = f"{file}, line {lines[row]}: {name} is {column[row]!r}, expected a whole number."
            raise BedError(msg) from None
    if name in _NUMBERS:
        try:
            return np.array([np.nan if v in (".", "") else float(v) for v in column])
        except ValueError:
            row = next(
                i for i, v in enumerate(column) if v not in (".", "") and not _are(float, [v])
            )
            msg = f"{file}, line {lines[row]}: {name} is {column[row]!r}, expected a number or '.'."
            raise BedError(msg) from None
    if name.startswith("field") and _are(float, column):
        return np.array(column, dtype=np.float64)
    return np.array(column, dtype=object)


def _is_position(value: str) -> bool:
    try:
        return -(2**63) <= int(value) < 2**63
    except ValueError:
        return False
