"""Data sets in the text files of seqgra's input folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from eugene.errors import DataError, MissingFileError
from eugene.simulate._dataset import finished
from eugene.simulate.grammar._tree import ALPHABETS, SETS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

_MARKS = {b"_"[0]: 0, b"G"[0]: 1, b"C"[0]: 2}
_CODES = {"background": 0, "grammar": 1, "confounder": 2}


def read_text(
    folder: str | Path,
    *,
    space: Literal["DNA", "RNA", "protein"] = "DNA",
    task: Literal["multi-class", "multi-label"] | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Read an input folder of seqgra, as `Grammar.write_text` writes it.

    It is the data source ``seqgra_text`` of a run.

    Parameters
    ----------
    folder : str or Path
        With ``training.txt``, ``validation.txt`` and ``test.txt`` (a header ``x`` and ``y``,
        then a sequence and its labels a line, ``|`` between labels, none for no label), and
        ``training-annotation.txt`` and so on: ``G`` for grammar, ``C`` for confounders, ``_`` for
        background. Sets may be missing, and all annotations together may.
    space : {"DNA", "RNA", "protein"}
        What the letters are.
    task : {"multi-class", "multi-label"}, optional
        By default multi-label where a row has several labels.
    out : str or Path, optional
        Write the data set there as a Zarr store, too, and open it from there.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length), ``split`` int8 (_sequence), an int8 variable for each
        label, ``label`` int64 (its number, -1 for none) unless rows have several, ``seq_length``
        int64 where lengths differ, and ``annotation`` uint8 (_sequence, _length): 0 for
        background, 1 for grammar, 2 for confounders.

    Raises
    ------
    MissingFileError
        If no set is there, or some sets have annotations and others none.
    DataError
        If a line is none of a set, with its file and number.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101
    """
    import xarray as xr

    from seqdata import schema

    folder = Path(folder)
    there = [name for name in SETS if (folder / f"{name}.txt").is_file()]
    if not there:
        files = ", ".join(f"{name}.txt" for name in SETS)
        raise MissingFileError(f"{folder} has none of {files}: expected seqgra's input folder")
    annotated = [name for name in there if (folder / f"{name}-annotation.txt").is_file()]
    if annotated and annotated != there:
        lacking = next(name for name in there if name not in annotated)
        raise MissingFileError(
            f"{folder / f'{lacking}-annotation.txt'} is not there, and {annotated[0]} has one: add "
            "it, or take all annotations away"
        )
    letters: list[bytes] = []
    marks: list[bytes] = []
    labels: list[str] = []
    sets: list[int] = []
    for name in there:
        path = folder / f"{name}.txt"
        own = _lines(path, ("x", "y"))
        _check_letters(path, own, ALPHABETS[space])
        letters += [line[0] for line in own]
        labels += [line[1].decode() for line in own]
        sets += [SETS.index(name)] * len(own)
        if annotated:
            beside = folder / f"{name}-annotation.txt"
            marks += _marks(beside, _lines(beside, ("annotation", "y")), own)
    each = [[label for label in one.split("|") if label] for one in labels]
    several = max(map(len, each), default=0) > 1
    if task == "multi-class" and several:
        row = next(i for i, one in enumerate(each) if len(one) > 1)
        raise DataError(f"row {row} has the labels {labels[row]}: task='multi-class' has one a row")
    names = sorted({label for one in each for label in one}, key=_natural)
    row_dim, position = schema.SEQUENCE_DIM, schema.LENGTH_DIM
    data: dict[str, object] = {
        "seq": ((row_dim, position), _padded(letters).view("S1")),
        "split": (row_dim, np.array(sets, np.int8)),
    }
    lengths = np.array([len(one) for one in letters], np.int64)
    if (lengths != lengths[0]).any():
        data["seq_length"] = (row_dim, lengths)
    hot = np.array([[name in one for name in names] for one in each], np.int8)
    data |= {name: (row_dim, hot[:, i]) for i, name in enumerate(names)}
    if not several and task != "multi-label":
        number = np.where(hot.any(axis=1), hot.argmax(axis=1), -1).astype(np.int64)
        data["label"] = (row_dim, number, {"classes": names})
    if annotated:
        codes = np.zeros(256, np.uint8)
        codes[list(_MARKS)] = list(_MARKS.values())
        data["annotation"] = ((row_dim, position), codes[_padded(marks)], {"codes": _CODES})
    ds = xr.Dataset(data)
    ds["seq"].attrs = {"kind": "sequence", "alphabet": ALPHABETS[space]}
    ds.attrs = {"task": "multi-label" if several or task == "multi-label" else "multi-class"}
    return finished(ds, out, overwrite)


def _lines(path: Path, header: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    """Return the two columns of a file, after a look at its header."""
    lines = path.read_bytes().splitlines()
    expected = "\t".join(header).encode()
    if not lines or lines[0] != expected:
        first = lines[0].decode(errors="replace") if lines else ""
        raise DataError(f"{path}:1: the header is {first!r}, expected {expected.decode()!r}")
    if len(lines) == 1:
        raise DataError(f"{path}: there is no row")
    found: list[tuple[bytes, bytes]] = []
    for number, line in enumerate(lines[1:], start=2):
        columns = line.split(b"\t")
        if len(columns) != 2 or not columns[0]:
            raise DataError(
                f"{path}:{number}: expected {header[0]}, a tab and {header[1]}, got "
                f"{len(columns)} columns"
            )
        found.append((columns[0], columns[1]))
    return found


def _check_letters(path: Path, lines: list[tuple[bytes, bytes]], alphabet: str) -> None:
    """Refuse letters that the alphabet has not; N and its like are unknown ones."""
    known = (alphabet + alphabet.lower() + "NnXx").encode()
    for number, (letters, _) in enumerate(lines, start=2):
        strange = letters.translate(None, known)
        if strange:
            raise DataError(
                f"{path}:{number}: {chr(strange[0])!r} is none of the letters {alphabet}: give "
                "space='RNA' or 'protein' if it is that"
            )


def _marks(
    path: Path, lines: list[tuple[bytes, bytes]], rows: list[tuple[bytes, bytes]]
) -> list[bytes]:
    """Return annotations of rows, after a look whether they fit them."""
    if len(lines) != len(rows):
        raise DataError(f"{path} has {len(lines)} rows and the sequences have {len(rows)}")
    for number, (mark, row) in enumerate(zip(lines, rows, strict=True), start=2):
        if len(mark[0]) != len(row[0]) or mark[1] != row[1]:
            raise DataError(
                f"{path}:{number}: {len(mark[0])} positions of {mark[1].decode()!r}, and the "
                f"sequence has {len(row[0])} of {row[1].decode()!r}"
            )
        strange = mark[0].translate(None, bytes(_MARKS))
        if strange:
            raise DataError(
                f"{path}:{number}: {chr(strange[0])!r} is no annotation: expected G for grammar, C "
                "for confounders and _ for background"
            )
    return [mark for mark, _ in lines]


def _padded(rows: list[bytes]) -> NDArray[np.uint8]:
    """Return rows as bytes, NUL behind the end of each, uint8 (n, longest)."""
    width = max(map(len, rows))
    whole = b"".join(row.ljust(width, b"\0") for row in rows)
    return np.frombuffer(whole, np.uint8).reshape(len(rows), width).copy()


def _natural(name: str) -> list[tuple[str, int]]:
    """Return what sorts c2 before c10."""
    return [(word, int(part or 0)) for word, part in re.findall(r"(\D*)(\d*)", name)]
