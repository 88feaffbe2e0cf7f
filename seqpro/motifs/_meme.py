"""MEME minimal motif format, as the MEME Suite and JASPAR write it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro.alphabets import AA, DNA, RNA, BaseAlphabet
from seqpro.errors import SeqproError
from seqpro.motifs._convert import _background
from seqpro.motifs._motif import Motif, MotifSet
from seqpro.motifs._text import (
    Lines,
    Source,
    alphabet_of,
    as_set,
    make_motif,
    shortest,
    title_of,
    write_text,
)

_AMINO = "ACDEFGHIKLMNPQRSTVWY"


def read_meme(path: Source) -> MotifSet:
    """Read a MEME file.

    Parameters
    ----------
    path : str or Path
        May be compressed with gzip.

    Returns
    -------
    MotifSet
        Probabilities, with name, accession (where a motif has both), number of sites,
        background and URL.

    Raises
    ------
    MissingMotifFileError
        If there is no such file.
    MotifFormatError
        If the file is not in this format; the message names the line.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[0.5, 0], [0.5, 0], [0, 1], [0, 0]], n_sites=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "motifs.meme"
    ...     sp.motifs.write_meme([one], path)
    ...     sp.motifs.read_meme(path)
    MotifSet(1: SP1)
    """
    lines = Lines(path)
    first = lines.peek()
    if first is None or not first[1].startswith("MEME version"):
        lines.fail(first[0] if first else 1, "expected 'MEME version ...' as the first line")
    alphabet: BaseAlphabet = DNA
    background: NDArray[np.float64] | None = None
    motifs: list[Motif] = []
    header: tuple[int, str] | None = None
    while lines.peek() is not None:
        number, line = lines.take()
        if line.upper().startswith("ALPHABET"):
            alphabet = _read_alphabet(lines, number, line)
        elif line.startswith("Background letter frequencies"):
            background = _read_background(lines, alphabet)
        elif line.startswith("MOTIF"):
            if header is not None:
                lines.fail(header[0], f"motif {header[1]!r} has no letter-probability matrix")
            header = (number, line[5:].strip())
            if not header[1]:
                lines.fail(number, "MOTIF without a name")
        elif line.startswith("letter-probability matrix"):
            if header is None:
                lines.fail(number, "a matrix without a MOTIF line before it")
            motifs.append(_read_matrix(lines, number, line, header[1], alphabet, background))
            header = None
    if header is not None:
        lines.fail(header[0], f"motif {header[1]!r} has no letter-probability matrix")
    return MotifSet(motifs)


def _read_alphabet(lines: Lines, number: int, line: str) -> BaseAlphabet:
    letters = line[len("ALPHABET") :].strip()
    if letters.startswith("="):
        found = alphabet_of(letters[1:].strip())
    else:
        core = []
        while True:
            number, entry = lines.take()
            if entry.upper().startswith("END ALPHABET"):
                break
            if "=" not in entry:
                core.append(entry[0])
            elif "~" in entry:
                core += [entry[0], entry.split("~", 1)[1].split()[0]]
        found = next((a for a in (DNA, RNA, AA) if set(core) == set(a.alphabet) - {"*"}), None)
    if found is None:
        lines.fail(number, f"unknown alphabet {line!r}; DNA, RNA and protein are read")
    return found


def _read_background(lines: Lines, alphabet: BaseAlphabet) -> NDArray[np.float64]:
    found: dict[str, float] = {}
    size = len(alphabet.alphabet.replace("*", ""))
    number = 0
    while len(found) < size:
        number, line = lines.take()
        fields = line.split()
        if len(fields) % 2 or not all(len(letter) == 1 for letter in fields[::2]):
            lines.fail(number, "expected letters and frequencies in turn")
        found |= dict(zip(fields[::2], lines.numbers(number, fields[1::2]), strict=True))
    values = np.array([found.get(letter, 0.0) for letter in alphabet.alphabet])
    values = np.maximum(values, 1e-6)
    return np.asarray(values / values.sum())


def _read_matrix(
    lines: Lines,
    number: int,
    line: str,
    header: str,
    alphabet: BaseAlphabet,
    background: NDArray[np.float64] | None,
) -> Motif:
    accession, name = [*header.split(None, 1), ""][:2]
    fields = line.split(":", 1)[-1].split()
    width = lines.number_after(number, "w=", fields)
    n_sites = lines.number_after(number, "nsites=", fields)
    rows: list[list[float]] = []
    while (following := lines.peek()) is not None and _is_row(following[1]):
        if width is not None and len(rows) == int(width):
            break
        row_number, row = lines.take()
        values = lines.numbers(row_number, row.split())
        if alphabet is AA and len(values) == len(_AMINO):
            values.append(0.0)
        if len(values) != len(alphabet):
            lines.fail(
                row_number,
                f"motif {name or accession!r}: expected {len(alphabet)} numbers, got {len(values)}",
            )
        rows.append(values)
    if width is not None and len(rows) != int(width):
        lines.fail(number, f"motif {header!r} states w= {width:g} but has {len(rows)} rows")
    following = lines.peek()
    if following is not None and _is_row(following[1]):
        lines.fail(following[0], f"motif {header!r} has more rows than w= {width:g}")
    url = None
    if following is not None and following[1].startswith("URL"):
        url = lines.take()[1][3:].strip() or None
    return make_motif(
        lines,
        number,
        name or accession,
        rows,
        accession=accession if name else None,
        alphabet=alphabet,
        n_sites=n_sites,
        background=background,
        url=url,
    )


def _is_row(line: str) -> bool:
    return line[0].isdigit() or line[0] in ".-+"


def write_meme(
    motifs: MotifSet | Motif | Iterable[Motif],
    path: Source,
    *,
    background: ArrayLike | None = None,
) -> None:
    """Write motifs in MEME format, version 4.

    Parameters
    ----------
    motifs : MotifSet or iterable of Motif
        All over one alphabet.
    path : str or Path
        A name that ends in .gz is compressed.
    background : ndarray of float, shape (A,), optional
        The first motif's, else uniform, by default.

    Raises
    ------
    SeqproError
        If there is no motif or alphabets differ.

    Examples
    --------
    >>> import tempfile, pathlib, seqpro as sp
    >>> one = sp.motifs.Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sp.motifs.write_meme([one], pathlib.Path(folder) / "motifs.meme")
    """
    items = as_set(motifs)
    if not items:
        msg = "there is no motif to write"
        raise SeqproError(msg)
    alphabet = items[0].alphabet
    if any(motif.alphabet != alphabet for motif in items):
        msg = "a MEME file holds motifs over one alphabet; write them to separate files"
        raise SeqproError(msg)
    letters = alphabet.alphabet.replace("*", "")
    base = _background(background if background is not None else items[0].background, len(alphabet))
    frequencies = " ".join(
        f"{a} {shortest(round(float(f), 6))}" for a, f in zip(letters, base, strict=False)
    )
    text = ["MEME version 4", "", f"ALPHABET= {letters}", ""]
    if alphabet == DNA:
        text += ["strands: + -", ""]
    text += ["Background letter frequencies", frequencies, ""]
    for motif in items:
        label = title_of(motif, " ")
        sites = 20 if motif.n_sites is None else motif.n_sites
        text += [
            f"MOTIF {label}",
            f"letter-probability matrix: alength= {len(letters)} w= {motif.width} "
            f"nsites= {shortest(sites)} E= 0",
        ]
        ppm = motif.ppm()[: len(letters)]
        text += [" " + " ".join(f"{value:.10f}" for value in column) for column in ppm.T]
        text += [f"URL {motif.url}"] if motif.url else []
        text.append("")
    write_text(path, "\n".join(text))
