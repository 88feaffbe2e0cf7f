"""Sequences without places in a genome: from tables and FASTA files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

import seqdata as sd
from eugene.data._files import PathLike, finished, formerly, nothing_left, store_at, with_more
from eugene.data._negatives import SourceError, shuffled_rows
from eugene.errors import did_you_mean
from seqdata.readers.table import KeyedTable


def _names(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@nothing_left
def table(
    path: PathLike | Sequence[PathLike],
    *,
    seq_col: str,
    target_cols: str | Sequence[str] = (),
    split_col: str | None = None,
    test_path: PathLike | Sequence[PathLike] | None = None,
    negatives: Mapping[str, object] | None = None,
    seq_var: str = "seq",
    alphabet: str = "DNA",
    sep: str | None = None,
    fixed_length: bool | int = True,
    on_unknown: Literal["error", "warn", "n"] = "error",
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Read sequences and targets from CSV, TSV or Parquet tables.

    Parameters
    ----------
    path : path or sequence of paths
        Table, or tables with the same columns; ``.gz`` is unpacked.
    seq_col : str
        Column of the sequences.
    target_cols : str or sequence of str
        Columns to be predicted; they have to hold numbers, empty cells are missing.
    split_col : str or None
        Column that says ``train``, ``val`` or ``test``; it becomes the split of the dataset.
    test_path : path, sequence of paths or None
        Table of the same columns whose rows are the test rows, all of them and no others: the
        split deals only the rows of ``path``.
    negatives : mapping or None
        ``{"method": "shuffled"}`` puts a shuffled copy of every positive behind the rows, with the
        label 0, in the split of its positive: ``seqdata.regions.add_shuffled_negatives``, whose
        ``k`` (2: dinucleotides are kept), ``ratio`` and ``seed`` may stand beside it. Without
        ``target_cols`` all rows are positives and the variable is ``label``.
    seq_var : str
        Name of the sequences in the dataset.
    alphabet : str
        ``"DNA"``, ``"RNA"``, ``"AA"``, or the letters.
    sep : str or None
        Separator; default by the file's name or first line.
    fixed_length : bool or int
        Length in bp; True for that of the first row, False for rows of any length.
    on_unknown : {"error", "warn", "n"}
        What to do with a letter outside the alphabet.
    out : path or None
        Where to write the dataset.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length) and one variable for every other column.

    Raises
    ------
    SourceError
        Where a column is missing, or a target is no number.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "x.tsv"
    ...     _ = file.write_text("sequence\tactivity\nACGT\t1.5\nTTGA\t0.5\n")
    ...     ds = table(file, seq_col="sequence", target_cols="activity")
    >>> ds["seq"].shape, ds["activity"].values.tolist()
    ((2, 4), [1.5, 0.5])
    """
    options: dict[str, Any] = {} if sep is None else {"sep": sep}
    files, tests = _files(path), _files(test_path)
    _require_other(files, tests)
    reader = sd.Table(
        seq_var, [*files, *tests], seq_col, alphabet=alphabet, on_unknown=on_unknown, **options
    )
    ds = sd.from_flat_files(
        reader, path=store_at(out), fixed_length=fixed_length, overwrite=overwrite
    )
    columns = [str(v) for v in ds.data_vars if v != seq_var]
    problems = []
    for key, names in (
        ("target_cols", _names(target_cols)),
        ("split_col", [split_col] if split_col else []),
    ):
        for name in names:
            if name == seq_col:
                problems.append(f"{key}: column {name!r} of {path} holds the sequences.")
            elif name not in columns:
                problems.append(
                    f"{key}: {path} has no column {name!r}{did_you_mean(name, columns)}"
                )
            elif key == "target_cols" and ds[name].dtype.kind not in "biuf":
                problems.append(
                    f"target_cols: column {name!r} of {path} holds text "
                    f"({_first_text(ds[name])}), not numbers."
                )
    if problems:
        raise SourceError(" ".join(problems))
    made: dict[str, object] = {}
    if tests:
        n = sum(reader.counts[str(file)] for file in files)
        made[sd.splits.TEST_FILE] = ("_sequence", np.arange(ds.sizes["_sequence"]) >= n)
    if split_col is not None:
        codes = sd.splits.deal(ds.assign(made), lambda rows: sd.splits.column(rows, split_col))
        made["split"] = sd.splits.assign(ds, codes)["split"]
    if negatives is not None:
        return with_more(
            shuffled_rows(ds.assign(made), seq_var, negatives, _names(target_cols)), out, {}
        )
    return with_more(ds, out, made) if made else finished(ds, out)


def _files(path: PathLike | Sequence[PathLike] | None) -> list[PathLike]:
    if path is None:
        return []
    return [path] if isinstance(path, str | Path) else list(path)


def _require_other(files: Sequence[PathLike], tests: Sequence[PathLike]) -> None:
    """Refuse a file of test rows that is trained on as well."""
    both = {Path(file).resolve() for file in files} & {Path(file).resolve() for file in tests}
    if both:
        raise SourceError(f"test_path: {both.pop()} is trained on as well: test rows are others.")


def _first_text(variable: xr.DataArray) -> str:
    """Return the first value of a column of text that is no number."""
    for row, value in enumerate(variable.to_numpy()):
        try:
            float(value or "nan")
        except ValueError:
            return f"row {row + 1}: {str(value)!r}"
    return "row 1"


@nothing_left
@formerly(targets="target_table")
def fasta(
    path: PathLike,
    *,
    negatives: PathLike | Mapping[str, object] | None = None,
    test_path: PathLike | None = None,
    test_negatives: PathLike | None = None,
    target_table: PathLike | None = None,
    id_col: str | None = None,
    target_cols: str | Sequence[str] = (),
    seq_var: str = "seq",
    alphabet: str = "DNA",
    fixed_length: bool | int = True,
    on_unknown: Literal["error", "warn", "n"] = "error",
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Read sequences from FASTA, with labels by file or targets from a table.

    Parameters
    ----------
    path : path
        FASTA file, plain or compressed. With ``negatives`` it holds the positives.
    negatives : path, mapping or None
        FASTA file of the negatives; the variable ``label`` is 1 and 0. Or
        ``{"method": "shuffled"}``: a shuffled copy of every record, as `table` has it.
    test_path : path or None
        FASTA file whose records are the test rows, all of them and no others: the split deals
        only the records of ``path``.
    test_negatives : path or None
        FASTA file of the negatives among the test rows, where ``negatives`` is a file.
    target_table : path or None
        CSV, TSV or Parquet table with a row for every record, read as `seqdata.Table` reads it;
        ids are text. ``targets`` is its former name.
    id_col : str or None
        Column of the table that holds the record's id; default the first.
    target_cols : str or sequence of str
        Columns of the table to take; default all.
    seq_var : str
        Name of the sequences in the dataset.
    alphabet : str
        ``"DNA"``, ``"RNA"``, ``"AA"``, or the letters.
    fixed_length : bool or int
        Length in bp; True for that of the first record, False for records of any length.
    on_unknown : {"error", "warn", "n"}
        What to do with a letter outside the alphabet.
    out : path or None
        Where to write the dataset.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length), ``id``, and ``label`` or the targets.

    Raises
    ------
    SourceError
        Where records and table do not fit each other.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     yes, no = Path(folder) / "yes.fa", Path(folder) / "no.fa"
    ...     _ = yes.write_text(">a\nACGT\n"), no.write_text(">b\nTTTT\n")
    ...     ds = fasta(yes, negatives=no)
    >>> ds["label"].values.tolist()
    [1, 0]
    """
    if isinstance(negatives, str | Path) and target_table is not None:
        raise SourceError(
            "negatives, target_table: labels come from two files or targets from a table, not both."
        )
    parts: list[tuple[PathLike, bool, bool]] = [(path, True, False)]
    if isinstance(negatives, str | Path):
        parts.append((negatives, False, False))
        if (test_path is None) is not (test_negatives is None):
            raise SourceError("test_path, test_negatives: with a file of negatives give both.")
    elif test_negatives is not None:
        raise SourceError("test_negatives: there is no file of `negatives` that they go with.")
    if test_path is not None:
        parts.append((test_path, True, True))
    if test_negatives is not None:
        parts.append((test_negatives, False, True))
    _require_other(
        [file for file, _, test in parts if not test], [file for file, _, test in parts if test]
    )
    several = len(parts) > 1
    read: list[xr.Dataset] = []
    length = fixed_length
    for file, label, test in parts:
        reader = sd.FlatFASTA(seq_var, file, alphabet=alphabet, on_unknown=on_unknown)
        where = store_at(None if several else out)
        ds = sd.from_flat_files(reader, path=where, fixed_length=length, overwrite=overwrite)
        if several:
            ds = ds.load()
            length = int(ds.sizes["_length"]) if fixed_length is True else fixed_length
            made: dict[str, np.int8 | np.bool_] = {}
            if isinstance(negatives, str | Path):
                made["label"] = np.int8(label)
            if test_path is not None:
                made[sd.splits.TEST_FILE] = np.bool_(test)
            n = ds.sizes["_sequence"]
            ds = ds.assign({k: ("_sequence", np.full(n, v)) for k, v in made.items()})
        read.append(ds)
    ds = _concatenate(read) if several else read[0]
    names = _names(target_cols)
    made_of = {} if target_table is None else _joined(ds, target_table, id_col, names)
    if isinstance(negatives, Mapping):
        ds = shuffled_rows(ds.assign(made_of), seq_var, negatives, names)
        return with_more(ds, out, {}, overwrite=overwrite or not several)
    if several:
        return with_more(ds.assign(made_of), out, {}, overwrite=overwrite)
    return with_more(ds, out, made_of) if made_of else finished(ds, out)


def _concatenate(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    width = max(p.sizes["_length"] for p in parts)
    return xr.concat(
        [_widened(p, width) for p in parts], "_sequence", combine_attrs="drop_conflicts"
    )


def _widened(ds: xr.Dataset, width: int) -> xr.Dataset:
    """Return the dataset with sequences padded by NUL to a width in bp."""
    made = {}
    for name, values in ds.data_vars.items():
        if "_length" in values.dims:
            letters = np.zeros((values.shape[0], width), "S1")
            letters[:, : values.shape[1]] = values.to_numpy()
            made[name] = (values.dims, letters, values.attrs)
    return ds.drop_vars(list(made)).assign(made)


def _joined(
    ds: xr.Dataset, table: PathLike, id_col: str | None, names: list[str]
) -> dict[str, object]:
    """Return the columns of a table in the order of the records."""
    key, keys, columns = KeyedTable(table, id_col).read()
    for name in names:
        if name not in columns:
            raise SourceError(f"{table} has no column {name!r}{did_you_mean(name, columns)}")
    ids = [str(v) for v in ds["id"].to_numpy()]
    repeated = pd.Index(ids)
    if repeated.has_duplicates:
        twice = repeated[repeated.duplicated()][0]
        raise SourceError(f"two records are called {twice!r}: a row of {table} could be of either.")
    place = keys.get_indexer(repeated)
    missing = [ids[row] for row in np.flatnonzero(place < 0)]
    if missing:
        raise SourceError(
            f"{table} has no row for {len(missing)} of {len(ids)} records, the first "
            f"{missing[0]!r}; column {key!r} was taken for the record id"
            f"{did_you_mean(missing[0], keys.tolist()[:5000])}"
        )
    chosen = {name: columns[name][place] for name in names or columns}
    taken = [name for name in chosen if name in ds.variables or name in ds.dims]
    if taken:
        raise SourceError(
            f"columns {taken} of {table} would replace what the FASTA file gives: rename them, or "
            "name the columns to take in `target_cols`."
        )
    text = [name for name, values in chosen.items() if values.dtype.kind not in "biuf"]
    if names and text:
        raise SourceError(f"target_cols: {text} of {table} hold text, not numbers.")
    return {name: ("_sequence", values) for name, values in chosen.items()}
