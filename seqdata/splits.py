"""Ways to part a dataset into train, validation and test rows, and a check for leaks.

Every function returns one code a row: 0 train, 1 validation, 2 test, -1 in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata import schema
from seqdata._leakage import describe_leakage, leakage
from seqdata._random_splits import (
    NONE,
    TRAIN,
    VAL,
    Codes,
    group,
    homology,
    kfold,
    named,
    random,
    size_of,
    stratified,
)
from seqdata._told import tell
from seqdata.errors import SeqdataError, contig_hint, did_you_mean
from seqpro._rng import counter_seed

__all__ = [
    "as_codes",
    "assign",
    "chromosome",
    "codes_of",
    "column",
    "describe_leakage",
    "group",
    "homology",
    "kfold",
    "leakage",
    "mask",
    "random",
    "stratified",
]

_SYNONYMS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "true": "train",
    "false": "val",
}
_CARVE = 12


def chromosome(
    ds: xr.Dataset,
    *,
    train: Iterable[str] | None = None,
    val: Iterable[str] = (),
    test: Iterable[str] = (),
) -> Codes:
    """Split rows by contig.

    Parameters
    ----------
    ds : xarray.Dataset
        Dataset with a coordinate ``chrom``.
    train : iterable of str or None
        Contigs to train on; None means all that are not named elsewhere. Contigs named nowhere
        get code -1.
    val, test : iterable of str
        Contigs to validate and to test on.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        Where a contig is unknown, or named for two splits.

    Examples
    --------
    >>> ds = xr.Dataset(coords={"chrom": ("_sequence", ["chr1", "chr2", "chr1"])})
    >>> chromosome(ds, val=["chr2"]).tolist()
    [0, 1, 0]
    """
    chroms = named(ds, "chrom").astype(str)
    known = sorted(set(chroms.tolist()) | set(_contigs(ds)))
    parts = {
        name: [part] if isinstance(part, str) else [str(c) for c in part]
        for name, part in (("train", train or ()), ("val", val), ("test", test))
    }
    problems = [
        f"{name}: contig {c!r} is not in the dataset.{contig_hint(c, known)}"
        for name, part in parts.items()
        for c in part
        if c not in known
    ]
    names = list(parts)
    for i, a in enumerate(names):
        problems += [
            f"contig {c!r} is named for {a} and for {b}."
            for b in names[i + 1 :]
            for c in sorted(set(parts[a]) & set(parts[b]))
        ]
    if problems:
        raise SeqdataError("chromosome split: " + " ".join(problems))
    present = set(chroms.tolist())
    empty = {name: [c for c in part if c not in present] for name, part in parts.items()}
    for name, part in empty.items():
        if part:
            tell(
                f"chromosome split: no row of the dataset lies on {', '.join(map(repr, part))}, "
                f"named for {name}."
            )
    codes = np.full(len(chroms), TRAIN if train is None else NONE, np.int8)
    for code, name in enumerate(names):
        codes[np.isin(chroms, parts[name])] = code
    return codes


def _contigs(ds: xr.Dataset) -> list[str]:
    chrom = ds["chrom"]
    return list(schema.codes_of(chrom)) if "flag_values" in chrom.attrs else []


def column(
    ds: xr.Dataset,
    column: str,
    mapping: Mapping[Any, str] | None = None,
    *,
    carve: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Codes:
    """Take the split from a column of the dataset.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    column : str
        Name of a variable of one value a row, of any type.
    mapping : mapping or None
        Split (``"train"``, ``"val"``, ``"test"`` or ``"unassigned"``) of each value. By default
        the usual names are understood, and True is train and False validation.
    carve : mapping or None
        Rows to move at random from one split to another, for example
        ``{"from": "train", "fraction": 0.1, "to": "val"}``.
    seed : int
        Seed of the carving.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        Where the column is missing, or a value has no split.

    Examples
    --------
    >>> ds = xr.Dataset({"part": ("_sequence", ["train", "val", "train"])})
    >>> column(ds, "part", {"train": "train", "val": "test"}).tolist()
    [0, 2, 0]
    """
    values = named(ds, column).astype(str)
    table = {str(k): v for k, v in (mapping or {}).items()}
    for split in table.values():
        if split not in schema.SPLITS:
            raise SeqdataError(
                f"column split: {split!r} is no split.{did_you_mean(str(split), schema.SPLITS)}"
            )
    unique, inverse = np.unique(values, return_inverse=True)
    if mapping is None:
        table = {v: _SYNONYMS[v.lower()] for v in unique.tolist() if v.lower() in _SYNONYMS}
    missing = [v for v in unique.tolist() if v not in table]
    unused = [v for v in table if mapping is not None and v not in set(unique.tolist())]
    if missing:
        raise SeqdataError(
            f"column {column!r} holds values that no split is given for: {missing[:8]}. Name each "
            f"in `mapping`, for example {{{missing[0]}: unassigned}}."
        )
    if unused:
        raise SeqdataError(
            f"column {column!r} never holds {unused}, which `mapping` names: it holds "
            f"{unique.tolist()[:12]}."
        )
    of_value = np.array([schema.SPLITS[table[v]] for v in unique.tolist()], dtype=np.int8)
    codes = of_value[inverse.reshape(-1)]
    return codes if carve is None else _carve(codes, carve, seed)


def _carve(codes: Codes, carve: Mapping[str, Any], seed: int) -> Codes:
    """Move a random share of one split to another."""
    unknown = set(carve) - {"from", "to", "fraction"}
    if unknown or not {"fraction", "to"} <= set(carve):
        raise SeqdataError(
            f"carve holds {sorted(carve)}: expected 'from' (default train), 'to' and 'fraction'."
        )
    source, goal = carve.get("from", "train"), carve["to"]
    for name in (source, goal):
        if name not in schema.SPLITS:
            raise SeqdataError(f"carve: {name!r} is no split.{did_you_mean(name, schema.SPLITS)}")
    fraction = float(carve["fraction"])
    if not 0.0 <= fraction <= 1.0:
        raise SeqdataError(f"carve: fraction is {fraction}: expected a share from 0 to 1.")
    rows = np.flatnonzero(codes == schema.SPLITS[source])
    order = rows[np.argsort(counter_seed(seed, _CARVE, rows), kind="stable")]
    moved = codes.copy()
    moved[order[: round(fraction * len(rows))]] = schema.SPLITS[goal]
    return moved


def assign(ds: xr.Dataset, codes: ArrayLike) -> xr.Dataset:
    """Return the dataset with a coordinate ``split``.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    codes : array_like of int8, shape (n,)
        Split codes.

    Returns
    -------
    xarray.Dataset
        A shallow copy.

    Raises
    ------
    SeqdataError
        Where the codes do not fit.

    Examples
    --------
    >>> ds = assign(xr.Dataset({"y": ("_sequence", [1.0, 2.0])}), [0, 2])
    >>> ds.split.attrs["flag_meanings"]
    'train val test unassigned'
    """
    values = as_codes(codes, size_of(ds))
    made = (schema.sequence_dim(ds), values, schema.code_attrs(schema.SPLITS))
    return ds.assign_coords(split=made)


def as_codes(values: ArrayLike, n: int | None = None) -> Codes:
    """Return split codes from codes, names or booleans, one a row.

    Parameters
    ----------
    values : array_like of shape (n,)
        Codes (0 train, 1 val, 2 test, -1 unassigned), whole numbers of any type; names such as
        ``"train"`` and ``"validation"``; or booleans, True for training and False for validation
        as EUGENe's ``train_val`` has them.
    n : int or None
        Rows that there must be.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        With the first value that is no split, and its row.

    Examples
    --------
    >>> as_codes([True, False]).tolist(), as_codes(["train", "test"]).tolist()
    ([0, 1], [0, 2])
    """
    given = np.asarray(values)
    if given.ndim != 1 or (n is not None and len(given) != n):
        raise SeqdataError(
            f"split codes of shape {given.shape} do not fit a dataset of {n} rows: expected one "
            "of 0 (train), 1 (val), 2 (test), -1 (unassigned) a row."
        )
    if given.dtype.kind == "b":
        return np.where(given, TRAIN, VAL).astype(np.int8)
    if given.dtype.kind in "iuf":
        known = np.isin(given, list(schema.SPLITS.values()))
        made = np.where(known, given, 0).astype(np.int8)
    else:
        names, inverse = np.unique(given.astype(str), return_inverse=True)
        found = ["unassigned" if v in ("", ".") else _SYNONYMS.get(v.lower(), v) for v in names]
        table = np.array([schema.SPLITS.get(v, 0) for v in found], dtype=np.int8)
        made = table[inverse.reshape(-1)]
        known = np.isin(found, list(schema.SPLITS))[inverse.reshape(-1)]
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise SeqdataError(
            f"the split holds {given.tolist()[row]!r} in row {row}, which is none: expected one "
            "of 0 (train), 1 (val), 2 (test), -1 (unassigned), one of their names, or True for "
            "train and False for val. Map other names with sd.splits.column."
        )
    return np.asarray(made)


def codes_of(ds: xr.Dataset) -> Codes:
    """Return the split codes of a dataset.

    Parameters
    ----------
    ds : xarray.Dataset
        Dataset with a variable ``split``, or with EUGENe's boolean ``train_val`` (True train,
        False validation).

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        Where the dataset has neither.

    Examples
    --------
    >>> codes_of(xr.Dataset({"train_val": ("_sequence", [True, False])})).tolist()
    [0, 1]
    """
    if "split" in ds.variables:
        variable = ds["split"]
        coded = "flag_values" in variable.attrs
        return as_codes(schema.decode(variable) if coded else variable.to_numpy())
    if "train_val" in ds.variables:
        train = ds["train_val"].to_numpy()
        if train.dtype.kind in "iuf":
            # a number is a truth value here, not a code
            odd = ~np.isin(train, (0, 1))
            if odd.any():
                row = int(np.flatnonzero(odd)[0])
                raise SeqdataError(
                    f"'train_val' is {train[row]!r} in row {row}: expected True (train) or False "
                    "(val) in every row."
                )
            train = train == 1
        return as_codes(train)
    raise SeqdataError(
        "the dataset has no split: make one with sd.splits (random, chromosome, column, ...) and "
        "put it on with sd.splits.assign(ds, codes)."
    )


def mask(ds: xr.Dataset, split: str) -> NDArray[np.bool_]:
    """Return which rows belong to a split.

    Parameters
    ----------
    ds : xarray.Dataset
        Dataset with a split.
    split : str
        ``"train"``, ``"val"``, ``"test"``, ``"unassigned"`` or ``"all"``.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where a row belongs to it.

    Examples
    --------
    >>> ds = assign(xr.Dataset({"y": ("_sequence", [1.0, 2.0])}), [0, 2])
    >>> mask(ds, "test").tolist()
    [False, True]
    """
    if split == "all":
        return np.ones(size_of(ds), np.bool_)
    if split not in schema.SPLITS:
        choices = [*schema.SPLITS, "all"]
        raise SeqdataError(f"{split!r} is no split.{did_you_mean(split, choices)}")
    return np.equal(codes_of(ds), schema.SPLITS[split])
