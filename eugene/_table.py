"""Small tables on the terminal and in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eugene._files import write_atomic
from eugene.errors import UsageError


def text_of(value: object) -> str:
    """Return a value as a reader wants it.

    Examples
    --------
    >>> text_of(0.98765), text_of(None), text_of(1200)
    ('0.988', '-', '1200')
    """
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def aligned(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with aligned columns.

    Examples
    --------
    >>> print(aligned(["run", "auroc"], [["a", 0.5]]))
    run  auroc
    a    0.500
    """
    cells = [list(header), *([text_of(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def delimited(path: Path) -> str:
    """Return the separator that a file name asks for.

    Raises
    ------
    UsageError
        If it is neither CSV nor TSV.
    """
    found = {".csv": ",", ".tsv": "\t", ".txt": "\t"}.get(path.suffix.lower())
    if found is None:
        raise UsageError(f"--out {path}: expected a name that ends in .csv or .tsv")
    return found


def write_table(path: str | Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows to a CSV or TSV file at once.

    Raises
    ------
    UsageError
        If the name ends in neither, or the folder is missing.
    """
    import csv
    import io

    path = Path(path)
    separator = delimited(path)
    if not path.parent.is_dir():
        raise UsageError(f"--out {path}: the folder {path.parent} does not exist")
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_atomic(path, buffer.getvalue())


def copy_to(source: Path, path: Path) -> None:
    """Write a file of a run to where ``--out`` says, at once."""
    write_atomic(path, source.read_text(encoding="utf-8"))
