"""Reading a motif file whose format is told from its content."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpro.motifs._fasta_like import homer_fields, read_homer, read_jaspar, read_simdna
from seqpro.motifs._meme import VERSION, read_meme
from seqpro.motifs._motif import MotifSet
from seqpro.motifs._text import ROUNDING, Lines, Source, is_numeric
from seqpro.motifs._transfac import read_transfac

_BANNER = 20
"""Lines among which a MEME file says its version: stars and the program's name come first."""

READERS = {
    "meme": read_meme,
    "jaspar": read_jaspar,
    "homer": read_homer,
    "transfac": read_transfac,
    "simdna": read_simdna,
}


def read(path: Source) -> MotifSet:
    """Read motifs from a file of any known format.

    Parameters
    ----------
    path : str or Path
        MEME, JASPAR, HOMER, TRANSFAC or simdna, told apart by content; may be compressed with
        gzip.

    Returns
    -------
    MotifSet

    Raises
    ------
    MissingMotifFileError
        If there is no such file.
    MotifFormatError
        If the format is not recognised, four rows of four bare numbers do not show which way
        they are to be read, or the file is damaged.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "motifs.txt"
    ...     sp.motifs.write_transfac([one], path)
    ...     sp.motifs.read(path)
    MotifSet(1: SP1)
    """
    return READERS[_sniff(Lines(path))](path)


def _sniff(lines: Lines) -> str:
    rows = [line for _, line in lines.rows if not line.startswith("#")]
    if not rows:
        lines.fail(1, "the file is empty")
    if any(line.startswith(VERSION) for line in rows[:_BANNER]):
        return "meme"
    if is_numeric(rows[0]):
        rows.insert(0, ">")
    if not rows[0].startswith(">"):
        if any(line[:2].upper() in ("P0", "PO") for line in rows):
            return "transfac"
        lines.fail(1, "not a motif file: expected MEME, JASPAR, HOMER, TRANSFAC or simdna")
    starts = [i for i, line in enumerate(rows) if line.startswith(">")]
    records = list(zip(starts, [*starts[1:], len(rows)], strict=True))
    body = [line.split() for line in rows[1 : records[0][1]]]
    if not body:
        lines.fail(1, f"record {rows[0]!r} is empty")
    lettered = all(fields[0][:1].isalpha() for fields in body)
    named = sorted(fields[0].upper().replace("U", "T") for fields in body)
    if "[" in rows[1] or (lettered and named == list("ACGT")):
        return "jaspar"
    if lettered:
        return "simdna"
    return _way_of_numbers(lines, rows, records)


def _way_of_numbers(lines: Lines, rows: list[str], records: list[tuple[int, int]]) -> str:
    """Tell four rows, one a letter (JASPAR), from rows of four, one a position (HOMER).

    The first motif that is not as wide as it is high shows it; among those of four positions
    letters sum to one number at every position, and a title of three fields is HOMER's.
    """
    ways: set[str] = set()
    for begin, end in records:
        body = [line.split() for line in rows[begin + 1 : end]]
        if len(body) != 4 or any(len(fields) != 4 for fields in body):
            return "jaspar" if len(body) == 4 else "homer"
        title = homer_fields(rows[begin][1:])
        if len(title) > 2 and is_numeric(title[2]):
            return "homer"
        matrix = np.array([lines.numbers(begin + 1, fields) for fields in body])
        down, across = _even(matrix.sum(axis=0)), _even(matrix.sum(axis=1))
        if down != across:
            ways.add("jaspar" if down else "homer")
    if len(ways) == 1:
        return ways.pop()
    lines.fail(
        1,
        "four rows of four bare numbers can be read both ways, and their sums do not tell which: "
        "use read_jaspar (a row a letter) or read_homer (a row a position)",
    )


def _even(sums: NDArray[np.float64]) -> bool:
    return bool(np.ptp(sums) <= ROUNDING * max(float(np.abs(sums).max()), 1e-12))
