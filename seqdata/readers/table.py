"""Tables of sequences: CSV, TSV and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seqdata.errors import (
    MissingColumnError,
    SchemaError,
    SeqdataError,
    TableError,
    UnknownLetterError,
    did_you_mean,
    require_file,
)
from seqdata.readers._base import Block, FlatReader
from seqdata.readers._columns import NUMBER, agreed_blocks, parse_values
from seqdata.readers._gzip import open_unpacked
from seqdata.readers._letter_check import LetterCheck, OnUnknown
from seqdata.readers._text import CheckedText, damaged_gzip
from seqpro.family import old_call

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.schema import AlphabetLike

# what counts as a missing value in a column that is not the sequence ("NA" is a fine peptide)
_MISSING = ["", "#N/A", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan",
            "null"]  # fmt: skip
_OWN_CHECK = {"sep", "delimiter", "header", "names", "dtype", "na_values", "keep_default_na",
              "comment", "skiprows", "encoding", "true_values", "false_values", "decimal",
              "thousands", "quotechar", "nrows"}  # fmt: skip
# what changes how a header is read, where pandas reads the file itself
_READING = {"skiprows", "comment", "encoding", "compression", "engine", "skip_blank_lines",
            "skipinitialspace", "quoting", "escapechar"}  # fmt: skip
_DECIMAL_COMMA = re.compile(rb'\s*"?[+-]?\d+,\d+([eE][+-]?\d+)?"?\s*')
_LINES_JUDGED = 100
_TEXT_BYTES = 8 * 1024 * 1024


class Table(FlatReader):
    """Read sequences and their variables from CSV, TSV or Parquet tables.

    Every other column becomes a variable of one value a row: whole numbers int64, numbers float64
    (missing values NaN), truth values bool (1, 0 and NaN where some are missing), anything else
    text (missing values empty). Whole numbers beyond 2**53 become text where some are missing,
    because float64 would round them.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    tables : path or sequence of paths
        One table, or several with the same columns that are read one behind the other. ``.csv``
        is separated by commas, ``.tsv`` and ``.txt`` by tabs, others by what their first line
        shows; by semicolons, with "," or "." as decimal mark, if the first line has those
        instead (as spreadsheets write CSV in many countries); ``.gz`` is unpacked;
        ``.parquet`` needs the extra ``parquet``.
    seq_col : str
        Column of the sequences.
    batch_size : int, optional
        Rows to hold at a time; by default about 8 MB of text.
    alphabet : NucleotideAlphabet, AminoAlphabet or str, default "DNA"
        Letters of the sequences.
    on_unknown : {"error", "warn", "n"}, default "error"
        What to do with a letter that the alphabet does not know.
    **read_csv_kwargs
        Passed to :func:`pandas.read_csv` (``sep``, ``header``, ``names``, ``comment``, ...).

    Raises
    ------
    MissingFileError
        If a table does not exist.
    """

    @old_call("seqdata.Table", error=SeqdataError)
    def __init__(
        self,
        name: str,
        tables: str | Path | Sequence[str | Path],
        seq_col: str,
        *,
        batch_size: int | None = None,
        alphabet: AlphabetLike = "DNA",
        on_unknown: OnUnknown = "error",
        **read_csv_kwargs: Any,
    ) -> None:
        many = [tables] if isinstance(tables, (str, Path)) else list(tables)
        if not many:
            msg = f"Reader {name!r} was given no table."
            raise TableError(msg)
        if batch_size is not None and batch_size < 1:
            msg = f"batch_size must be at least 1, got {batch_size}."
            raise SchemaError(msg)
        self.name = name
        self.paths = [require_file(table, "Table") for table in many]
        self.seq_col = seq_col
        self.batch_size = batch_size
        self.check = LetterCheck(alphabet, on_unknown)
        self.letters = self.check.letters
        if "separator" in read_csv_kwargs:
            read_csv_kwargs["sep"] = read_csv_kwargs.pop("separator")
        self.options = read_csv_kwargs
        self.counts: dict[str, int] = {}

    def files(self) -> list[str]:
        """Return the tables read."""
        return [str(path) for path in self.paths]

    def blocks(self, fixed: dict[str, str]) -> Iterator[Block]:
        """Yield the rows in blocks; ``fixed`` holds column types settled by an earlier try."""
        columns: list[str] | None = None
        for path in self.paths:
            row = 1
            for frame in self._frames(path, fixed):
                if not len(frame):
                    continue
                found = [str(column) for column in frame.columns]
                if columns is None:
                    columns = found
                elif set(found) != set(columns):
                    odd = sorted(set(found) ^ set(columns))
                    msg = (
                        f"{path} has not the columns of {self.paths[0]}: {odd} are in one only. "
                        "Tables that are read together need the same columns."
                    )
                    raise TableError(msg)
                yield self._block(frame[columns], path, row, fixed)
                row += len(frame)
            if row == 1:
                msg = f"{path} holds no row below its header. Expected one sequence a row."
                raise TableError(msg)
            self.counts[str(path)] = row - 1
        self.check.report(", ".join(self.files()))

    def _block(self, frame: pd.DataFrame, path: Path, row: int, fixed: dict[str, str]) -> Block:
        values = frame[self.seq_col].to_numpy(dtype=object)
        missing = np.array([not isinstance(value, str) or not value.strip() for value in values])
        if missing.any():
            first = int(np.argmax(missing))
            msg = f"{path}, row {row + first}: column {self.seq_col!r} holds no sequence."
            raise TableError(msg)
        try:
            encoded = [value.strip().encode("ascii") for value in values]
        except UnicodeEncodeError as error:
            first = next(i for i, value in enumerate(values) if not value.isascii())
            msg = (
                f"Unknown letter {error.object[error.start]!r} in {path}, row {row + first}, "
                f"column {self.seq_col!r}, position {error.start + 1}. "
                f"Expected letters of {self.letters!r}."
            )
            raise UnknownLetterError(msg) from None
        block = Block.of(encoded, self._columns(frame, fixed), (str(path), row))
        block.letters = self.check(block.letters, partial(_place, block, self.seq_col))
        return block

    def _columns(
        self, frame: pd.DataFrame, fixed: dict[str, str]
    ) -> dict[str, NDArray[np.generic]]:
        return {
            str(name): parse_values(frame[name], fixed.get(str(name)))
            for name in frame.columns
            if name != self.seq_col
        }

    def _frames(self, path: Path, fixed: dict[str, str]) -> Iterator[pd.DataFrame]:
        if {".parquet", ".pq"} & {suffix.lower() for suffix in path.suffixes}:
            yield from self._parquet(path, fixed)
            return
        try:
            yield from self._text_frames(path, fixed)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise damaged_gzip(path, 0, error) from error

    def _text_frames(self, path: Path, fixed: dict[str, str]) -> Iterator[pd.DataFrame]:
        options = dict(self.options)
        separator = options.pop("sep", None) or options.pop("delimiter", None)
        if separator is None:
            separator = _separator(path)
            if separator == ";":
                options.setdefault("decimal", _decimal(path))
        options["sep"] = separator
        checked = len(separator) == 1 and set(options) <= _OWN_CHECK
        checked = checked and isinstance(options.get("skiprows", 0), int)
        skip = options.pop("skiprows", 0) if checked else 0
        encoding = options.pop("encoding", "utf-8-sig") if checked else ""

        def opened() -> Any:
            if not checked:
                open_unpacked(path).close()
                return path
            return CheckedText(
                path,
                separator,
                quote=options.get("quotechar", '"'),
                skip=skip,
                comment=options.get("comment"),
                encoding=encoding,
            )

        names = self._names(opened(), path, options)
        missing = _MISSING if options.pop("keep_default_na", True) else []
        extra = options.pop("na_values", None)
        types = dict(options.pop("dtype", None) or {})
        types = {**types, **{name: str for name in fixed if name in names}, self.seq_col: str}
        options.update(
            dtype=types,
            keep_default_na=False,
            na_values={n: [*missing, *_extra_for(n, extra)] for n in names if n != self.seq_col},
            index_col=False,
            chunksize=self.batch_size or _rows_per_block(path),
            low_memory=False,
            # truth values and whole numbers keep their kind where some are missing
            dtype_backend="numpy_nullable",
        )
        source = opened()
        try:
            with pd.read_csv(source, **options) as reader:
                for frame in reader:
                    yield _with_points(frame, fixed, options.get("decimal", "."))
        except pd.errors.ParserError as error:
            msg = f"{path} cannot be parsed: {error}"
            raise TableError(msg) from error
        except UnicodeDecodeError as error:
            msg = f"{path} is not UTF-8 text ({error}). Pass encoding=..., or save it as UTF-8."
            raise TableError(msg) from error
        finally:
            if isinstance(source, CheckedText):
                source.close()

    def _names(self, source: Any, path: Path, options: dict[str, Any]) -> list[str]:
        header = {k: v for k, v in options.items() if k in ("sep", "header", "names", "quotechar")}
        if not isinstance(source, CheckedText):
            header |= {k: v for k, v in options.items() if k in _READING}
        named = header.get("names") is None and header.get("header", "infer") in ("infer", 0)
        if named:
            # pandas would give columns of one name new names in silence
            header["header"] = None
        try:
            if named and isinstance(source, CheckedText):
                return self._header(source, path, header)
            frame = pd.read_csv(
                source, **header, nrows=1, dtype=str, index_col=False, na_filter=False
            )
            names = frame.iloc[0] if named else frame.columns
        except pd.errors.EmptyDataError:
            msg = f"{path} is empty. Expected a header line and one sequence a row."
            raise TableError(msg) from None
        finally:
            if isinstance(source, CheckedText):
                source.close()
        return self._distinct([str(name) for name in names], path)

    def _header(self, source: CheckedText, path: Path, options: dict[str, Any]) -> list[str]:
        """Read the line of column names; pandas would take gigabytes for a very long one."""
        line = source.readline()
        if not line:
            raise pd.errors.EmptyDataError
        quote = options.get("quotechar", '"')
        rows = csv.reader(io.StringIO(line, newline=""), delimiter=options["sep"], quotechar=quote)
        return self._distinct(next(rows), path)

    def _distinct(self, found: list[str], path: Path) -> list[str]:
        """Check the column names of a table."""
        self._checked_names(found, path)
        counts = Counter(name for name in found if name)
        name, count = counts.most_common(1)[0]
        if count > 1:
            places = [str(i + 1) for i, other in enumerate(found) if other == name]
            more = ", ..." if count > 9 else ""
            msg = (
                f"{path} has more than one column called {name!r} (columns "
                f"{', '.join(places[:9])}{more}). Rename them in the header, or pass header=0 and "
                "names=[...]."
            )
            raise TableError(msg)
        return [name or f"Unnamed: {i}" for i, name in enumerate(found)]

    def _checked_names(self, names: list[str], path: Path) -> list[str]:
        if self.seq_col not in names:
            msg = (
                f"{path} has no column {self.seq_col!r} (the sequences)."
                f"{did_you_mean(self.seq_col, names[:1000])}"
            )
            raise MissingColumnError(msg)
        return names

    def _parquet(self, path: Path, fixed: dict[str, str]) -> Iterator[pd.DataFrame]:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            msg = (
                f"Reading {path} needs the extra 'parquet' (pyarrow): "
                "pip install 'eugene-genomics[parquet]'"
            )
            raise TableError(msg) from error
        try:
            file = pyarrow.parquet.ParquetFile(path)
        except (pyarrow.ArrowInvalid, OSError) as error:
            msg = f"{path} is no Parquet file: {error}"
            raise TableError(msg) from error
        with file:
            self._checked_names(list(file.schema_arrow.names), path)
            kinds = {pyarrow.bool_(): pd.BooleanDtype()}
            for bits in (8, 16, 32, 64):
                kinds[getattr(pyarrow, f"int{bits}")()] = pd.Int64Dtype()
                kinds[getattr(pyarrow, f"uint{bits}")()] = pd.UInt64Dtype()
            for batch in file.iter_batches(batch_size=self.batch_size or 8192):
                frame = batch.to_pandas(types_mapper=kinds.get)
                frame[self.seq_col] = frame[self.seq_col].astype(object)
                for name in fixed:
                    if name in frame.columns:
                        frame[name] = frame[name].astype(object)
                yield frame


class KeyedTable(Table):
    """Read the columns of a table whose rows are found by a key, which is text.

    The table is read as :class:`Table` reads it: the same separators, decimal marks, missing
    values and types.

    Parameters
    ----------
    table : path
        CSV, TSV or Parquet table.
    key : str or None
        Column of the keys; default the first.
    """

    def __init__(self, table: str | Path, key: str | None = None) -> None:
        super().__init__("key", table, key or "")

    def read(
        self, *, repeated: bool = False
    ) -> tuple[str, pd.Index, dict[str, NDArray[np.generic]]]:
        """Return the table.

        Parameters
        ----------
        repeated : bool
            Whether a key may stand in several rows.

        Returns
        -------
        key : str
            Name of the column of the keys.
        keys : Index of str, shape (n,)
        columns : dict of str to ndarray, shape (n,)
            The other columns, in their order.

        Raises
        ------
        TableError
            If the table cannot be read, or a key is missing or stands in two rows.
        """
        blocks = agreed_blocks(self)
        columns = {
            name: np.concatenate([block.columns[name] for block in blocks])
            for name in blocks[0].columns
        }
        keys = pd.Index(columns.pop(self.seq_col))
        if keys.has_duplicates and not repeated:
            twice = keys[keys.duplicated()][0]
            msg = (
                f"{self.paths[0]} has two rows for {twice!r} in column {self.seq_col!r}: one is "
                "expected."
            )
            raise TableError(msg)
        return self.seq_col, keys, columns

    def _checked_names(self, names: list[str], path: Path) -> list[str]:
        self.seq_col = self.seq_col or names[0]
        if self.seq_col not in names:
            msg = (
                f"{path} has no column {self.seq_col!r}.{did_you_mean(self.seq_col, names[:1000])}"
            )
            raise MissingColumnError(msg)
        return names

    def _block(self, frame: pd.DataFrame, path: Path, row: int, fixed: dict[str, str]) -> Block:
        keys = np.array(["" if pd.isna(v) else str(v).strip() for v in frame[self.seq_col]], object)
        if (keys == "").any():
            first = row + int(np.argmax(keys == ""))
            msg = f"{path}, row {first} below the header: column {self.seq_col!r} is empty."
            raise TableError(msg)
        columns = {self.seq_col: keys, **self._columns(frame, fixed)}
        return Block.of([b""] * len(frame), columns)


def _place(block: Block, column: str, place: int) -> str:
    """Say in which row of a table a letter stands."""
    record, position = block.place_of(place)
    file, first = block.where
    return f"{file}, row {first + record} below the header, column {column!r}, position {position}"


def _extra_for(name: str, extra: Any) -> list[Any]:
    """Return what the user takes for missing in a column, in any of the forms of pandas."""
    if isinstance(extra, Mapping):
        extra = extra.get(name)
    if extra is None:
        return []
    return [extra] if isinstance(extra, str) or not isinstance(extra, Iterable) else list(extra)


def _with_points(frame: pd.DataFrame, fixed: dict[str, str], decimal: str) -> pd.DataFrame:
    """Return numbers that are read as text, because their kind is settled, with decimal points."""
    if decimal == ".":
        return frame
    names = [n for n in frame.columns if fixed.get(str(n)) == NUMBER]
    return frame.assign(**{n: frame[n].str.replace(decimal, ".", regex=False) for n in names})


def _first_line(path: Path) -> str:
    try:
        with open_unpacked(path) as handle:
            line: bytes = handle.readline(1 << 20)
    except (OSError, EOFError):
        return ""
    return line.decode("utf-8", errors="replace")


def _separator(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    first = _first_line(path)
    usual = "\t" if "\t" in first else ","
    if suffixes and suffixes[-1] == ".csv":
        usual = ","
    elif suffixes and suffixes[-1] in (".tsv", ".txt", ".tab"):
        usual = "\t"
    # spreadsheets write CSV with semicolons where the comma stands in numbers
    return ";" if ";" in first and usual not in first else usual


def _decimal(path: Path) -> str:
    """Return the decimal mark of a table with semicolons, judged by its first lines."""
    try:
        with open_unpacked(path) as handle:
            lines = [handle.readline(1 << 20) for _ in range(_LINES_JUDGED)]
    except (OSError, EOFError):
        return "."
    fields = [field for line in lines for field in line.split(b";")]
    return "," if any(_DECIMAL_COMMA.fullmatch(field) for field in fields) else "."


def _rows_per_block(path: Path) -> int:
    """Return how many rows make about 8 MB, judged by the first lines."""
    try:
        with open_unpacked(path) as handle:
            handle.readline(1 << 22)
            size = max(1, len(handle.readline(1 << 22)))
    except (OSError, EOFError):
        size = 1024
    return int(np.clip(_TEXT_BYTES // size, 16, 65_536))
