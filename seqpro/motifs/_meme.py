"""MEME minimal motif format, as the MEME Suite and JASPAR write it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro.alphabets import AA, DNA, RNA, BaseAlphabet, NucleotideAlphabet
from seqpro.errors import SeqproError
from seqpro.motifs._carried import tell_losses
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

VERSION = "MEME version"
_AMINO = "ACDEFGHIKLMNPQRSTVWY"
_FACTS = re.compile(r"\s+width\s*=.*$")
_QUOTED = re.compile(r'"[^"]*"')


def _is_banner(line: str) -> bool:
    """Tell whether a line may stand before the version: comments, stars, a program's name."""
    return line[0] in "#*" or bool(re.match(r"[A-Z]+ - ", line))


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
    while (following := lines.peek()) is not None and not following[1].startswith(VERSION):
        if not _is_banner(following[1]):
            lines.fail(following[0], f"expected {VERSION!r} before anything else")
        lines.take()
    if lines.peek() is None:
        lines.fail(first[0] if first else 1, f"there is no line {VERSION!r}")
    alphabet: BaseAlphabet = DNA
    background: NDArray[np.float64] | None = None
    strands: str | None = None
    motifs: list[Motif] = []
    header: tuple[int, str] | None = None
    while lines.peek() is not None:
        number, line = lines.take()
        if line.startswith("#"):
            continue
        if line.startswith(VERSION):
            alphabet, background, strands = DNA, None, None
        elif line.upper().startswith("ALPHABET"):
            alphabet = _read_alphabet(lines, number, line)
        elif line.startswith("Background letter frequencies"):
            background = _read_background(lines, alphabet)
        elif line.lower().startswith("strands:"):
            strands = "".join(c for c in line.partition(":")[2] if c in "+-") or None
        elif line.split()[0] == "MOTIF":
            if header is not None:
                lines.fail(header[0], f"motif {header[1]!r} has no letter-probability matrix")
            # meme.txt says width, sites and E-value behind the name
            header = (number, _FACTS.sub("", line[5:]).strip())
            if not header[1]:
                lines.fail(number, "MOTIF without a name")
        elif line.startswith("letter-probability matrix"):
            if header is None:
                lines.fail(number, "a matrix without a MOTIF line before it")
            told = (background, strands)
            motifs.append(_read_matrix(lines, number, line, header[1], alphabet, *told))
            header = None
    if header is not None:
        lines.fail(header[0], f"motif {header[1]!r} has no letter-probability matrix")
    return MotifSet(motifs)


def _read_alphabet(lines: Lines, number: int, line: str) -> BaseAlphabet:
    letters = line[len("ALPHABET") :].strip()
    if letters.startswith("="):
        found = alphabet_of(letters[1:].strip())
    else:
        core: set[str] = set()
        while True:
            number, entry = lines.take()
            if entry.upper().startswith("END ALPHABET"):
                break
            entry = _QUOTED.sub("", entry)
            if entry.startswith("#"):
                continue
            left, pair, right = entry.partition("~")
            if pair:
                core |= {left.strip()[0], right.strip()[0]}
            elif "=" not in entry:
                core.add(entry.strip()[0])
        found = next((a for a in (DNA, RNA, AA) if core | {"*"} == {*a.alphabet, "*"}), None)
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
    strands: str | None,
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
        strands=strands,
        url=url,
    )


def _is_row(line: str) -> bool:
    return bool(re.match(r"[-+]?\.?\d", line))


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
        The first motif's by default. Without one the file says none.

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
        raise SeqproError("there is no motif to write")
    alphabet = items[0].alphabet
    if any(motif.alphabet != alphabet for motif in items):
        msg = "a MEME file holds motifs over one alphabet; write them to separate files"
        raise SeqproError(msg)
    stops = "*" in alphabet.alphabet and any(motif.matrix[-1].any() for motif in items)
    letters = alphabet.alphabet if stops else alphabet.alphabet.replace("*", "")
    tell_losses("meme", items, background_given=background is not None)
    text = ["MEME version 4", ""]
    if stops:
        # the 20 of MEME's own protein alphabet have no stop
        text += ['ALPHABET "Protein with stop"', *letters, "END ALPHABET", ""]
    else:
        text += [f"ALPHABET= {letters}", ""]
    if isinstance(alphabet, NucleotideAlphabet):
        text += [f"strands: {' '.join(items[0].strands or '+-')}", ""]
    base = items[0].background if background is None else background
    if base is not None:
        frequencies = _background(base, len(alphabet))[: len(letters)]
        frequencies = frequencies / frequencies.sum()
        pairs = zip(letters, frequencies, strict=True)
        line = " ".join(f"{a} {shortest(round(float(f), 9))}" for a, f in pairs)
        text += ["Background letter frequencies", line, ""]
    for motif in items:
        label = title_of(motif, " ")
        sites = "" if motif.n_sites is None else f" nsites= {shortest(motif.n_sites)}"
        text += [
            f"MOTIF {label}",
            f"letter-probability matrix: alength= {len(letters)} w= {motif.width}{sites} E= 0",
        ]
        ppm = motif.ppm()[: len(letters)]
        text += [" " + " ".join(f"{value:.10f}" for value in column) for column in ppm.T]
        text += [f"URL {motif.url}"] if motif.url else []
        text.append("")
    write_text(path, "\n".join(text))
