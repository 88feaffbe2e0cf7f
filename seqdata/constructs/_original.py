"""Constructs in the files of finetune-enformer, and back."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import seqpro as sp
from seqdata import schema
from seqdata._whole import whole_files
from seqdata.constructs._inputs import upper
from seqdata.constructs._place import read_sites, write_sites
from seqdata.constructs._sample import require_constructs
from seqdata.errors import StoreError, TableError, require_file
from seqdata.schema import LENGTH_DIM, SEQUENCE_DIM

COLUMNS = ("index", "name", "group", "fold", "activity", "annotation", "sequence")
_NONE = "."
_ROWS = 256


def fold_split(
    ratios: list[float], size: int, seed: int, *, compat: str = "finetune_enformer"
) -> NDArray[np.int64]:
    """Deal rows into folds as the original does, with NumPy's former generator.

    `seqdata.splits` has the ways to deal that keep groups together; this one is for comparison.

    Parameters
    ----------
    ratios : list of float
        Shares of the folds, in any unit.
    size : int
        Number of rows.
    seed : int
        Seed of the draw.
    compat : str
        Whose way it is; there is this one.

    Returns
    -------
    ndarray of int64, shape (size,)
        Fold of each row, from 0. Shares are rounded up, and the surplus is cut off after the
        draw, wherever it has come to lie.

    Examples
    --------
    >>> np.bincount(fold_split([8, 1, 1], 40, 5)).tolist()
    [32, 4, 4]
    """
    if compat != "finetune_enformer":
        raise TableError(f"compat is {compat!r}: expected 'finetune_enformer'.")
    if not ratios or min(ratios) < 0 or not math.isfinite(sum(ratios)) or sum(ratios) <= 0:
        raise TableError(f"ratios are {ratios}: expected numbers from 0 up, not all 0.")
    shares = np.asarray(ratios, np.float64)
    counts = np.ceil(shares / shares.sum() * size).astype(np.int64)
    dealt = np.repeat(np.arange(len(shares), dtype=np.int64), counts)
    np.random.RandomState(seed).shuffle(dealt)
    return dealt[:size]


def to_tsv(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write constructs as the table of the original: the locus in lower, payloads in upper case.

    Parameters
    ----------
    ds : xarray.Dataset
        Constructs.
    path : path
        The table, tab-separated, with a header.
    overwrite : bool
        Whether it may replace one that is there.

    Returns
    -------
    Path
        The table. Activities have three decimals there; ``.`` stands for no group and no fold.

    Raises
    ------
    SchemaError
        If the dataset holds no constructs.
    StoreError
        If the file is there already.
    """
    require_constructs(ds)
    goal = _goal(path, overwrite)
    n = ds.sizes[SEQUENCE_DIM]
    letters = np.ascontiguousarray(ds["seq"].to_numpy()).view(np.uint8)
    starts, ends = ds["payload_start"].to_numpy(), ds["payload_end"].to_numpy()
    text = {
        name: [str(v) for v in ds[name].to_numpy()] if name in ds.variables else [_NONE] * n
        for name in ("id", "group", "fold", "sites")
    }
    if "fold" not in ds.variables and "split" in ds.variables:
        text["fold"] = [str(v) for v in schema.decode(ds["split"])]
    activity = ds["activity"].to_numpy() if "activity" in ds.variables else np.full(n, np.nan)
    with whole_files([goal]) as (part,), part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(COLUMNS)
        for i in range(n):
            row = letters[i] | 0x20
            row[starts[i] : ends[i]] = letters[i, starts[i] : ends[i]]
            value = "NA" if np.isnan(activity[i]) else f"{activity[i]:.3f}"
            sites = "" if text["sites"][i] == _NONE else text["sites"][i]
            table.writerow(
                [i, text["id"][i], text["group"][i], text["fold"][i], value, sites,
                 row.tobytes().decode("ascii")]
            )  # fmt: skip
    return goal


def read_tsv(path: str | Path, *, length: int) -> xr.Dataset:
    """Read the table of the original.

    Parameters
    ----------
    path : path
        Table of seven columns, ``index`` to ``sequence``, with a header or without.
    length : int
        Length in bp of what a network sees; the sequences are at least as long.

    Returns
    -------
    xarray.Dataset
        Constructs, as `seqdata.constructs.build` returns them. The payload is what is in upper
        case.

    Raises
    ------
    TableError
        If a line has other columns, a number is none, or sequences are of several lengths.
    """
    file = require_file(path, "table of constructs")
    with file.open(encoding="utf-8", newline="") as source:
        lines = [row for row in csv.reader(source, delimiter="\t") if row]
    first = 1
    if lines and lines[0][-1].lower() in ("sequence", "seq"):
        lines, first = lines[1:], 2
    if not lines:
        raise TableError(f"{file} holds no construct: expected a line for each.")
    rows: list[NDArray[np.uint8]] = []
    starts, ends, activity = [], [], []
    for number, line in enumerate(lines, first):
        where = f"{file}, line {number}"
        if len(line) != len(COLUMNS):
            raise TableError(f"{where}: {len(line)} columns, expected {', '.join(COLUMNS)}.")
        letters = np.frombuffer(line[-1].encode("ascii", "replace"), np.uint8)
        if len(letters) < length or (rows and len(letters) != len(rows[0])):
            wanted = f"{len(rows[0])} bp as above" if rows else f"at least {length} bp"
            raise TableError(f"{where}: a sequence of {len(letters)} bp, expected {wanted}.")
        large = np.flatnonzero(letters < ord("a"))
        rows.append(letters)
        starts.append(int(large[0]) if len(large) else 0)
        ends.append(int(large[-1]) + 1 if len(large) else 0)
        try:
            activity.append(float("nan" if line[4] in ("", "NA", _NONE) else line[4]))
            sites = read_sites(line[5])
        except ValueError as error:
            raise TableError(f"{where}: {error}") from error
        line[5] = write_sites(sites)
    start, end = np.array(starts, np.int64), np.array(ends, np.int64)
    total = len(rows[0])

    def text(column: int) -> NDArray[np.object_]:
        return np.array([line[column] for line in lines], object)

    columns: dict[str, NDArray[np.generic]] = {
        "id": text(1), "group": text(2), "fold": text(3), "sites": text(5),
        "activity": np.array(activity), "payload_start": start, "payload_end": end,
        "payload_length": end - start,
    }  # fmt: skip
    seq = upper(np.stack(rows)).view("S1")
    made: dict[str, object] = {
        "seq": ((SEQUENCE_DIM, LENGTH_DIM), seq, {"kind": "sequence", "alphabet": "ACGT"})
    }
    padding = total - length
    attrs = {"max_jitter": padding // 2 if padding % 2 == 0 else 0, "window_length": length}
    return xr.Dataset(made | {k: (SEQUENCE_DIM, v) for k, v in columns.items()}, attrs=attrs)


def to_npy(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write sequences one-hot, as the original trains on: 16 bytes a base, for comparison only.

    Parameters
    ----------
    ds : xarray.Dataset
        Constructs, or strides of them.
    path : path
        The file.
    overwrite : bool
        Whether it may replace one that is there.

    Returns
    -------
    Path
        The file: float32 (n, length, 4), ACGT; N is 0.25 of each.

    Raises
    ------
    SchemaError
        If the dataset holds no constructs.
    StoreError
        If the file is there already.
    """
    require_constructs(ds)
    goal = _goal(path, overwrite)
    n, length = ds["seq"].shape
    with whole_files([goal]) as (part,), part.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (n, length, 4)}
        np.lib.format.write_array_header_1_0(file, head)
        for low in range(0, n, _ROWS):
            letters = ds["seq"].isel({SEQUENCE_DIM: slice(low, low + _ROWS)}).to_numpy()
            file.write(one_hot(letters).tobytes())
    return goal


def one_hot(letters: NDArray[np.bytes_]) -> NDArray[np.float32]:
    """Encode letters as the original does: N is 0.25 of each base, other letters are 0.

    Parameters
    ----------
    letters : ndarray of S1, any shape
        In either case.

    Returns
    -------
    ndarray of float32, shape (..., 4)

    Examples
    --------
    >>> one_hot(np.array([b"c", b"N", b"X"], "S1")).tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 0.0]]
    """
    codes = upper(np.ascontiguousarray(letters).view(np.uint8))
    table = np.zeros((256, 4), np.float32)
    table[np.frombuffer(sp.DNA.alphabet.encode(), np.uint8)] = np.eye(4, dtype=np.float32)
    table[ord("N")] = 0.25
    return table[codes]


def _goal(path: str | Path, overwrite: bool) -> Path:
    goal = Path(path).expanduser()
    if goal.exists() and not overwrite:
        raise StoreError(f"{goal} exists. Pass overwrite=True to replace it, or another path.")
    return goal
