"""Text tables, checked line by line before they are parsed."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path

from seqdata.errors import TableError
from seqdata.readers._gzip import open_unpacked

_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or another zip archive: export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls): export the sheet as CSV",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
    b"%PDF": "a PDF document",
    b"BZh": "packed with bzip2: unpack it first",
    b"\xfd7zXZ": "packed with xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "packed with zstandard: unpack it first",
}


class CheckedText(io.TextIOBase):
    """A table's text that complains about a ragged row where it stands.

    pandas fills short rows with missing values and shifts or cuts long ones in silence; this
    stream counts the fields of every line on the way.

    Parameters
    ----------
    path : Path
        Table, plain or gzip.
    separator : str
        One character.
    quote : str, default '"'
        Quote character; fields in quotes may hold separators and line ends.
    skip : int, default 0
        Lines to drop at the top.
    comment : str, optional
        Lines that start with it are dropped.
    encoding : str, default "utf-8-sig"
        Text encoding.
    """

    def __init__(
        self,
        path: Path,
        separator: str,
        *,
        quote: str = '"',
        skip: int = 0,
        comment: str | None = None,
        encoding: str = "utf-8-sig",
    ) -> None:
        self.path = path
        self.separator = separator
        self.quote = quote
        self.comment = comment
        self.fields: int | None = None
        self.line = 0
        self._first_line = 0
        try:
            self._text = io.TextIOWrapper(open_unpacked(path), encoding=encoding)
        except gzip.BadGzipFile as error:
            raise damaged_gzip(path, 0, error) from error
        self._skip = skip

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1) -> str:
        """Return at least one whole row, about ``size`` characters; "" at the end."""
        wanted = float("inf") if size is None or size < 0 else size
        parts = []
        held = 0
        while held < wanted:
            row = self.readline()
            if not row:
                break
            parts.append(row)
            held += len(row)
        return "".join(parts)

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        """Return the next row, checked."""
        while True:
            row = self._next_line()
            if not row:
                return ""
            dropped = self.comment and row.startswith(self.comment)
            if self.line > self._skip and not row.isspace() and not dropped:
                return self._checked(row)

    def _checked(self, row: str) -> str:
        """Return a row, with the lines that its quoted fields run over, if its fields are right."""
        begin = self.line
        if self.quote in row:
            row = self._to_closing_quote(row, begin)
            count = self._quoted_fields(row, begin)
        else:
            count = row.count(self.separator) + 1
        if self.fields is None:
            self.fields, self._first_line = count, begin
        elif count != self.fields:
            raise TableError(
                f"{self.path}, line {begin}: expected {self.fields} fields "
                f"(as in line {self._first_line}), got {count}. Repair the row; "
                f"fields are separated by {self.separator!r}."
            )
        return row

    def __next__(self) -> str:  # type: ignore[override]
        row = self.readline()
        if not row:
            raise StopIteration
        return row

    def close(self) -> None:
        """Close the file."""
        self._text.close()
        super().close()

    def _to_closing_quote(self, row: str, line: int) -> str:
        """Add the lines that a quoted field runs over."""
        parts = [row]
        quotes = row.count(self.quote)
        while quotes % 2:
            more = self._next_line()
            if not more:
                raise TableError(
                    f"{self.path}, line {line}: a quote ({self.quote}) is opened and never closed."
                )
            parts.append(more)
            quotes += more.count(self.quote)
        return "".join(parts)

    def _quoted_fields(self, row: str, line: int) -> int:
        csv.field_size_limit(1 << 30)
        try:
            parsed = list(csv.reader([row], delimiter=self.separator, quotechar=self.quote))
        except csv.Error as error:
            raise TableError(f"{self.path}, line {line}: {error}.") from error
        return len(parsed[0])

    def _next_line(self) -> str:
        try:
            row = self._text.readline()
        except UnicodeDecodeError as error:
            what = known_format(self.path) or " Pass encoding=..., or save the table as UTF-8."
            place = f", after line {self.line}" if self.line else ""
            msg = f"{self.path}{place}: not UTF-8 text ({error.reason}).{what}"
            raise TableError(msg) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise damaged_gzip(self.path, self.line, error) from error
        if row:
            self.line += 1
        return row


def known_format(path: Path) -> str:
    r"""Say what a file that is no UTF-8 text is, by its first bytes, and what to do; "" if unknown.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (file := Path(folder) / "x.csv").write_bytes(b"PK\x03\x04")
    ...     known_format(file)
    ' It is an Excel workbook or another zip archive: export the sheet as CSV.'
    """
    with path.open("rb") as handle:
        head = handle.read(8)
    told = next((words for mark, words in _FORMATS.items() if head.startswith(mark)), None)
    return f" It is {told}." if told else ""


def damaged_gzip(path: Path, line: int, error: Exception) -> TableError:
    """Return the error of a table that cannot be unpacked behind a line."""
    return TableError(
        f"{path}, after line {line}: damaged gzip file ({error}). Fetch or pack it again."
    )
