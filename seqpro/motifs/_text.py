"""Reading and writing the text of motif files, whatever their format."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seqpro.alphabets import AA, DNA, RNA, BaseAlphabet
from seqpro.errors import MissingMotifFileError, MotifFormatError
from seqpro.motifs._motif import Motif, MotifSet

Source: TypeAlias = str | os.PathLike[str]
_GZIP_MAGIC = b"\x1f\x8b"
ROUNDING = 0.0201
"""What four probabilities of two decimals may lack to 1."""


class Lines:
    """The lines of a motif file with their numbers, blank ones left out."""

    def __init__(self, path: Source) -> None:
        self.path = Path(path).expanduser()
        self.rows = [
            (number, line.strip())
            for number, line in enumerate(read_text(self.path).splitlines(), 1)
            if line.strip()
        ]
        self.at = 0

    def peek(self) -> tuple[int, str] | None:
        """Return the next line without moving on, or None at the end."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    def take(self) -> tuple[int, str]:
        """Return the next line and move on."""
        if self.at >= len(self.rows):
            self.fail(self.rows[-1][0] if self.rows else 1, "the file ends in the middle")
        row = self.rows[self.at]
        self.at += 1
        return row

    def fail(self, number: int, message: str) -> NoReturn:
        """Raise an error that names file and line."""
        raise MotifFormatError(f"{self.path}, line {number}: {message}")

    def numbers(self, number: int, fields: Sequence[str]) -> list[float]:
        """Read finite numbers or fail."""
        values = []
        for text in fields:
            try:
                value = float(text)
            except ValueError:
                self.fail(number, f"expected a number, got {text!r}")
            if not np.isfinite(value):
                self.fail(number, f"expected a finite number, got {text!r}")
            values.append(value)
        return values

    def number_after(self, number: int, key: str, fields: Sequence[str]) -> float | None:
        """Read the number behind ``key=`` in a line, joined or as the next field."""
        for position, text in enumerate(fields):
            if text.startswith(key):
                rest = text[len(key) :] or "".join(fields[position + 1 : position + 2])
                return self.numbers(number, [rest])[0]
        return None


def is_numeric(line: str) -> bool:
    """Tell whether a line holds numbers and nothing else."""
    try:
        return bool([float(field) for field in line.split()])
    except ValueError:
        return False


def read_text(path: Path) -> str:
    """Read a text file, decompressing gzip by content."""
    if not path.is_file():
        state = "is a folder; name the file inside it" if path.is_dir() else "does not exist"
        raise MissingMotifFileError(f"motif file {path} {state}")
    raw = path.read_bytes()
    if raw.startswith(_GZIP_MAGIC):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise MotifFormatError(f"{path} is a damaged gzip file: {error}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: byte {error.start} is not UTF-8 text; is this a motif file?"
        raise MotifFormatError(msg) from error


def write_text(path: Source, text: str) -> None:
    """Write a text file at once; a name that ends in .gz is compressed."""
    target = Path(path).expanduser()
    raw = text.encode("utf-8")
    if target.suffix == ".gz":
        raw = gzip.compress(raw, mtime=0)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_motif(
    lines: Lines, number: int, name: str, rows: Sequence[Sequence[float]], **details: object
) -> Motif:
    """Build a motif from its positions (width, A), scaling rounded probabilities to sum to 1.

    Counts are told from probabilities by their column sums: where most are 1, all must be.
    """
    alphabet = details.pop("alphabet", DNA)
    if not rows:
        lines.fail(number, f"motif {name!r} has no positions")
    widths = {len(row) for row in rows}
    if widths != {len(alphabet)}:  # type: ignore[arg-type]
        lines.fail(
            number,
            f"motif {name!r} has {sorted(widths)} columns, expected {len(alphabet)}",  # type: ignore[arg-type]
        )
    matrix: NDArray[np.float64] = np.array(rows, dtype=np.float64).T
    if (matrix < 0).any():
        lines.fail(number, f"motif {name!r} holds negative numbers; log-odds are not read here")
    total = matrix.sum(0)
    if (total <= 0).any():
        lines.fail(number, f"motif {name!r} has a position without any count")
    off = abs(total - 1) > ROUNDING
    kind = "ppm" if 2 * off.sum() < off.size else "pfm"
    if kind == "ppm":
        if off.any():
            place = int(off.argmax())
            lines.fail(
                number,
                f"motif {name!r} holds probabilities, but position {place + 1} sums to "
                f"{total[place]:g}; expected 1",
            )
        matrix = matrix / total
    return Motif(name, matrix, kind, alphabet=alphabet, source=str(lines.path), **details)  # type: ignore[arg-type]


def alphabet_of(letters: str) -> BaseAlphabet | None:
    """Return the alphabet that has just these letters, in any order, or None."""
    known = (DNA, RNA, AA)
    return next((a for a in known if {*letters.upper(), "*"} == {*a.alphabet, "*"}), None)


def nucleotides_of(letters: Iterable[str]) -> BaseAlphabet:
    """Return RNA where letters hold a U and no T, else DNA."""
    found = {letter.upper() for letter in letters}
    return RNA if "U" in found and "T" not in found else DNA


def as_set(motifs: MotifSet | Motif | Iterable[Motif]) -> list[Motif]:
    """Return motifs as a list."""
    return [motifs] if isinstance(motifs, Motif) else list(motifs)


def title_of(motif: Motif, separator: str = "\t") -> str:
    """Return accession and name as a title line holds them.

    The first blank of a title ends the accession, so a blank within it, or within a name that
    stands alone, becomes an underscore.
    """
    first = "_".join((motif.accession or motif.name).split())
    return f"{first}{separator}{motif.name}" if motif.accession else first


def shortest(value: float) -> str:
    """Write a number so that it reads back the same."""
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )
