"""Payloads, what was measured of them, and the sites on them: read and held against each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seqdata._told import tell
from seqdata.constructs._place import Letters, Site
from seqdata.errors import MissingColumnError, SchemaError, TableError, did_you_mean
from seqdata.readers._letter_check import LetterCheck
from seqdata.readers.bed import read_bedlike
from seqdata.readers.fasta import FlatFASTA
from seqdata.readers.table import KeyedTable

NAMES = ("name", "MenDel.Name")
GROUPS = ("group", "groups")
REPLICATE, FOLD, SEQUENCE = "replicate", "fold", "sequence"
_LISTED = 10


@dataclass
class Payloads:
    """Payloads that have letters and a row of the table, in the order of the table.

    Attributes
    ----------
    names : list of str
        As the table has them.
    letters : list of ndarray of uint8
        ASCII, upper case.
    activity : ndarray of float64, shape (n,)
        Mean over replicates; NaN where none was measured.
    replicates : ndarray of int64, shape (n,)
        Number of replicates in it.
    group, fold : list of str, or None
        None where the table does not say.
    sites : list of list of Site
        Of each payload, in its own positions.
    """

    names: list[str]
    letters: list[Letters]
    activity: NDArray[np.float64]
    replicates: NDArray[np.int64]
    group: list[str] | None
    fold: list[str] | None
    sites: list[list[Site]] = field(default_factory=list)


def in_fasta(name: str) -> str:
    """Return how FASTA and BED files write the name of a payload: ``_`` for ``~`` and blanks.

    Examples
    --------
    >>> in_fasta("a~b c")
    'a_b_c'
    """
    return re.sub(r"[~\s]", "_", name)


def some(names: list[str]) -> str:
    """Return names for a message, the first ten of many."""
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"{', '.join(map(repr, names[:_LISTED]))}{more}"


def read_payloads(
    table: str | Path,
    fasta: str | Path | None,
    annotation: str | Path | None,
    *,
    name_col: str | Sequence[str] | None,
    activity_col: str | None,
    group_col: str | None,
    missing: Literal["error", "drop"],
) -> Payloads:
    """Read the three files.

    Parameters
    ----------
    table, fasta, annotation, name_col, activity_col, group_col, missing
        As `seqdata.constructs.build` takes them.

    Returns
    -------
    Payloads

    Raises
    ------
    SeqdataError
        As `seqdata.constructs.build` says.
    """
    found, own = _measured(
        Path(table), name_col, activity_col, group_col, sequences=fasta is None
    )  # fmt: skip
    letters = own if fasta is None else _letters(Path(fasta))
    of_name: dict[str, str] = {}
    for name in found.names:
        other = of_name.setdefault(in_fasta(name), name)
        if other != name:
            raise TableError(
                f"{table} has rows of {other!r} and {name!r}, and both are {in_fasta(name)!r} in "
                f"{fasta}, which has '_' for '~' and blanks: rename one."
            )
    absent = [name for name in found.names if in_fasta(name) not in letters]
    unused = [name for name in letters if name not in of_name]
    if (absent or unused) and missing == "error":
        near = did_you_mean(absent[0], unused) if absent and unused else ""
        raise TableError(
            f"{table} and {fasta} do not hold the same payloads. Without a sequence: "
            f"{some(absent) or 'none'}. Without a row: {some(unused) or 'none'}.{near} Add them, "
            "or pass missing='drop' to leave them out."
        )
    for names, lack in ((absent, "no sequence in " + str(fasta)), (unused, f"no row in {table}")):
        if names:
            tell(f"{len(names)} payloads have {lack} and are left out: {some(names)}.")
    if len(absent) == len(found.names):
        raise TableError(f"no payload of {table} has a sequence in {fasta}.")
    kept = [i for i, name in enumerate(found.names) if in_fasta(name) in letters]
    found = _part(found, kept)
    found.letters = [letters[in_fasta(name)] for name in found.names]
    found.sites = [[] for _ in kept]
    if annotation is not None:
        _annotate(found, Path(annotation), dropped=set(absent) | set(unused))
    return found


def _part(found: Payloads, rows: list[int]) -> Payloads:
    def of(values: list[str] | None) -> list[str] | None:
        return None if values is None else [values[i] for i in rows]

    names = [found.names[i] for i in rows]
    return Payloads(
        names, [], found.activity[rows], found.replicates[rows], of(found.group), of(found.fold)
    )


def _column(file: Path, known: list[str], given: str | None, usual: tuple[str, ...]) -> str | None:
    """Return the column that is named, or the one of the usual names that is there."""
    if given is not None:
        if given not in known:
            raise MissingColumnError(
                f"{file} has no column {given!r}.{did_you_mean(given, known)} It has {known}."
            )
        return given
    there = [name for name in usual if name in known]
    if len(there) > 1:
        raise TableError(
            f"{file} has the columns {there[0]!r} and {there[1]!r}: say which of them is meant."
        )
    return there[0] if there else None


def _measured(
    file: Path,
    name_col: str | Sequence[str] | None,
    activity_col: str | None,
    group_col: str | None,
    *,
    sequences: bool,
) -> tuple[Payloads, dict[str, Letters]]:
    """Return the table with one row a payload, replicates averaged, and sequences it may hold."""
    first, keys, others = KeyedTable(file).read(repeated=True)
    columns: dict[str, NDArray[np.generic]] = {first: np.asarray(keys, dtype=object), **others}
    known = list(columns)
    if name_col is None or isinstance(name_col, str):
        named = _column(file, known, name_col, NAMES)
        if named is None:
            raise MissingColumnError(
                f"{file} has no column {' or '.join(map(repr, NAMES))} of the payloads' names: it "
                f"has {known}. Say which it is with name_col."
            )
        named_by = [named]
    else:
        named_by = [str(_column(file, known, name, ())) for name in name_col]
    names = ["/".join(map(str, row)) for row in zip(*(columns[k] for k in named_by), strict=True)]
    if "" in names:
        row = names.index("") + 1
        raise TableError(f"{file}, row {row} below the header: column {named_by[0]!r} is empty.")
    grouped = _column(file, known, group_col, GROUPS)
    order = list(dict.fromkeys(names))
    row_of = {name: i for i, name in enumerate(order)}
    rows = np.array([row_of[name] for name in names], np.int64)
    n = len(order)
    mean, count = np.full(n, np.nan), np.zeros(n, np.int64)
    if activity_col is not None:
        column = _column(file, known, activity_col, ())
        values = columns[str(column)]
        if values.dtype.kind not in "biuf":
            raise TableError(
                f"{file}: column {activity_col!r} holds text ({values[0]!r}): expected numbers, or "
                "NA where nothing was measured."
            )
        numbers = values.astype(np.float64)
        _check_replicates(file, names, numbers, columns.get(REPLICATE))
        there = np.isfinite(numbers)
        if np.isinf(numbers).any():
            raise TableError(
                f"{file}, row {int(np.argmax(np.isinf(numbers))) + 1} below the header: column "
                f"{activity_col!r} is infinite."
            )
        count = np.bincount(rows[there], minlength=n)
        total = np.bincount(rows[there], weights=numbers[there], minlength=n)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        lacking = [order[i] for i in np.flatnonzero(count == 0)]
        if lacking:
            tell(f"{file}: nothing was measured of {len(lacking)} payloads: {some(lacking)}.")
    elif len(names) > n:
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise TableError(f"{file} has two rows of {twice!r}, and no activity to be averaged.")
    measured = Payloads(
        order,
        [],
        mean,
        count,
        _one_each(file, grouped, order, rows, columns),
        _one_each(file, FOLD if FOLD in known else None, order, rows, columns),
    )
    if not sequences:
        return measured, {}
    texts = _one_each(file, _column(file, known, SEQUENCE, ()), order, rows, columns)
    check = LetterCheck("DNA", "error")
    letters: dict[str, Letters] = {}
    for name, text in zip(order, texts or (), strict=True):
        raw = np.frombuffer(text.strip().encode("ascii", "replace"), np.uint8).copy()
        if not len(raw):
            raise TableError(f"{file}: {name!r} has no letters in column {SEQUENCE!r}.")
        letters[in_fasta(name)] = upper(check(raw, partial(_where, file, name)))
    return measured, letters


def _where(file: Path, name: str, place: int) -> str:
    """Say where a letter stands."""
    return f"{file}, {name!r}, position {place + 1} of column {SEQUENCE!r}"


def _check_replicates(
    file: Path,
    names: list[str],
    values: NDArray[np.float64],
    replicate: NDArray[np.generic] | None,
) -> None:
    """Refuse two activities of one replicate; rows without its number are replicates."""
    if replicate is None:
        return
    seen: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(names, map(str, replicate), strict=True)):
        before = seen.setdefault(key, row)
        if before != row:
            raise TableError(
                f"{file}, rows {before + 1} and {row + 1} below the header: two activities "
                f"({values[before]:g}, {values[row]:g}) of {key[0]!r} in replicate {key[1]}: "
                "number the replicates, or leave one row out."
            )


def _one_each(
    file: Path,
    column: str | None,
    order: list[str],
    rows: NDArray[np.int64],
    columns: dict[str, NDArray[np.generic]],
) -> list[str] | None:
    """Return the value of a column for each payload, of which its rows have to have one."""
    if column is None:
        return None
    found: dict[int, str] = {}
    for row, value in zip(rows.tolist(), map(str, columns[column]), strict=True):
        before = found.setdefault(row, value)
        if before != value:
            raise TableError(
                f"{file}: column {column!r} has two values for {order[row]!r}, {before!r} and "
                f"{value!r}: expected one."
            )
    return [found[i] for i in range(len(order))]


def _letters(file: Path) -> dict[str, Letters]:
    """Return the sequences of a FASTA file by name, upper case."""
    found: dict[str, Letters] = {}
    for block in FlatFASTA("seq", file).blocks({}):
        ends = np.cumsum(block.lengths)
        for name, start, end in zip(block.columns["id"], ends - block.lengths, ends, strict=True):
            if str(name) in found:
                raise SchemaError(f"{file} has two sequences called {str(name)!r}: rename one.")
            found[str(name)] = upper(block.letters[start:end])
    return found


def upper(letters: Letters) -> Letters:
    """Return letters in upper case."""
    small = (letters >= ord("a")) & (letters <= ord("z"))
    return np.where(small, letters - 32, letters).astype(np.uint8)


def _annotate(found: Payloads, file: Path, dropped: set[str]) -> None:
    """Put the regions of a BED file, whose contigs are payloads, on the payloads."""
    table = read_bedlike(file)
    if "name" not in table:
        raise SchemaError(f"{file} has no fourth column: expected the name of each site.")
    place = {in_fasta(name): i for i, name in enumerate(found.names)}
    unknown: list[str] = []
    frame = pd.DataFrame(table)[["chrom", "chromStart", "chromEnd", "name"]]
    for chrom, start, end, name in frame.itertuples(index=False, name=None):
        at = place.get(in_fasta(str(chrom)))
        if at is None:
            if not {str(chrom), in_fasta(str(chrom))} & dropped:
                unknown.append(str(chrom))
            continue
        size = len(found.letters[at])
        label = str(name)
        if end > size:
            raise SchemaError(
                f"{file}: site {label!r} at {start}-{end} of {chrom!r} lies outside of the "
                f"payload, which has {size} bp."
            )
        if not label or set(label) & set(";: \t"):
            raise SchemaError(
                f"{file}: site {label!r} of {chrom!r}: expected a name without ';', ':' and blanks."
            )
        found.sites[at].append(Site(label, int(start), int(end)))
    if unknown:
        names = list(dict.fromkeys(unknown))
        raise SchemaError(
            f"{file} has sites on {some(names)}, which are no payloads"
            f"{did_you_mean(names[0], list(place)) or '.'} Leave them out."
        )
