"""TRANSFAC matrices, also as JASPAR and RSAT write them."""

from __future__ import annotations

from collections.abc import Iterable

from seqpro.alphabets import DNA, BaseAlphabet
from seqpro.motifs._carried import tell_losses
from seqpro.motifs._motif import Motif, MotifSet
from seqpro.motifs._text import (
    Lines,
    Source,
    as_set,
    make_motif,
    nucleotides_of,
    shortest,
    write_text,
)


def read_transfac(path: Source) -> MotifSet:
    """Read a TRANSFAC file.

    Parameters
    ----------
    path : str or Path
        Records (blanks or tabs between fields) with AC, ID or NA, a P0 (or PO) line that names
        the columns, one numbered row per position, and ``//`` at the end. May be compressed with
        gzip.

    Returns
    -------
    MotifSet
        AC becomes the accession; NA, else ID, else AC the name; BF the family.

    Raises
    ------
    MissingMotifFileError
        If there is no such file.
    MotifFormatError
        If the file is not in this format; the message names the line.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[3, 0], [1, 0], [0, 4], [0, 0]], "pfm", "M00008")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "sp1.transfac"
    ...     sp.motifs.write_transfac([one], path)
    ...     sp.motifs.read_transfac(path)["M00008"].consensus()
    'AG'
    """
    lines = Lines(path)
    motifs: list[Motif] = []
    entry: dict[str, str] = {}
    columns: list[int] | None = None
    alphabet: BaseAlphabet = DNA
    rows: list[list[float]] = []
    begin = 1
    position = 0

    def finish() -> None:
        if columns is None:
            if entry.keys() & {"AC", "ID", "NA"}:
                lines.fail(begin, "a record without a matrix (no P0 line)")
            return
        accession = entry.get("AC")
        name = entry.get("NA") or entry.get("ID") or accession
        if not name:
            lines.fail(begin, "a record without AC, ID or NA")
        motifs.append(
            make_motif(
                lines,
                begin,
                name,
                rows,
                alphabet=alphabet,
                accession=accession if accession != name else None,
                family=entry.get("BF"),
            )
        )

    while lines.peek() is not None:
        number, line = lines.take()
        tag, rest = [*line.split(None, 1), ""][:2]
        rest = rest.strip()
        if line.startswith("//"):
            finish()
            entry, columns, rows, position, begin = {}, None, [], 0, number + 1
        elif tag.upper() in ("P0", "PO"):
            if columns is not None:
                lines.fail(number, "a second matrix in one record; is a '//' line missing?")
            letters = [letter.upper() for letter in rest.split()[:4]]
            alphabet = nucleotides_of(letters)
            if sorted(letters) != sorted(alphabet.alphabet):
                lines.fail(number, f"expected columns A, C, G, T (or U), got {rest!r}")
            columns = [letters.index(letter) for letter in alphabet.alphabet]
        elif tag.isdigit():
            if columns is None:
                lines.fail(number, "a matrix row before its P0 line")
            if int(tag) != position + 1 and (rows or int(tag) != 0):
                lines.fail(number, f"matrix row {tag} where row {position + 1:02d} should stand")
            position = int(tag)
            values = lines.numbers(number, rest.split()[:4])
            if len(values) != 4:
                lines.fail(number, f"expected 4 numbers, got {len(values)}")
            rows.append([values[column] for column in columns])
        elif len(tag) == 2 and tag.isalnum():
            if rest:
                entry.setdefault(tag.upper(), rest)
        elif columns is not None:
            lines.fail(number, f"expected a matrix row, XX or //, got {line!r}")
    if columns is not None:
        finish()
    if not motifs:
        lines.fail(1, "found no TRANSFAC record (AC, P0, numbered rows, //)")
    return MotifSet(motifs)


def write_transfac(motifs: MotifSet | Motif | Iterable[Motif], path: Source) -> None:
    """Write motifs as TRANSFAC counts.

    Parameters
    ----------
    motifs : MotifSet or iterable of Motif
        Nucleotide motifs; see `Motif.pfm` for how counts are made from probabilities.
    path : str or Path
        A name that ends in .gz is compressed.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sp.motifs.write_transfac([one], pathlib.Path(folder) / "sp1.transfac")
    """
    text = ["VV  seqpro", "XX", "//"]
    items = as_set(motifs)
    tell_losses("transfac", items)
    for motif in items:
        text += [f"AC  {motif.accession or motif.name}", "XX", f"ID  {motif.name}", "XX"]
        text += [f"NA  {motif.name}", "XX"]
        text += [f"BF  {motif.family}", "XX"] if motif.family else []
        text.append("P0  " + " ".join(f"{letter:>8}" for letter in motif.alphabet.alphabet))
        letters = motif.consensus(degenerate=True)
        for position, (column, letter) in enumerate(zip(motif.pfm().T, letters, strict=True), 1):
            cells = " ".join(f"{shortest(round(float(value), 6)):>8}" for value in column)
            text.append(f"{position:02d}  {cells}  {letter}")
        text += ["XX", "//"]
    write_text(path, "\n".join(text) + "\n")
