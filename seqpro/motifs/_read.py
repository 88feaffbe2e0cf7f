"""Reading a motif file whose format is told from its content."""

from __future__ import annotations

from seqpro.motifs._fasta_like import read_homer, read_jaspar, read_simdna
from seqpro.motifs._meme import read_meme
from seqpro.motifs._motif import MotifSet
from seqpro.motifs._text import Lines, Source
from seqpro.motifs._transfac import read_transfac

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
        If the format is not recognised or the file is damaged.

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
    if rows[0].startswith("MEME version"):
        return "meme"
    if not rows[0].startswith(">"):
        if any(line[:2].upper() in ("P0", "PO") for line in rows):
            return "transfac"
        lines.fail(1, "not a motif file: expected MEME, JASPAR, HOMER, TRANSFAC or simdna")
    end = next((i for i, line in enumerate(rows[1:], 1) if line.startswith(">")), len(rows))
    body = [line.split() for line in rows[1:end]]
    if not body:
        lines.fail(1, f"record {rows[0]!r} is empty")
    lettered = all(fields[0][:1].isalpha() for fields in body)
    if "[" in rows[1] or (lettered and [fields[0].upper() for fields in body] == list("ACGT")):
        return "jaspar"
    if lettered:
        return "simdna"
    return "jaspar" if len(body) == 4 and len(body[0]) != 4 else "homer"
