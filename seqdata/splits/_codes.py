"""Split codes, one a row: 0 train, 1 validation, 2 test, -1 in none of them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata import schema
from seqdata.errors import SeqdataError, did_you_mean

Codes: TypeAlias = NDArray[np.int8]

TRAIN, VAL, TEST, NONE = 0, 1, 2, -1
SYNONYMS = {
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


def size_of(ds: xr.Dataset | int) -> int:
    """Return the number of rows of a dataset, or the number itself."""
    if isinstance(ds, xr.Dataset):
        return int(ds.sizes[schema.sequence_dim(ds)])
    if ds < 0:
        raise SeqdataError(f"the number of rows is {ds}: expected a whole number from 0 up.")
    return int(ds)


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
        Where the codes do not fit, or part strides of one construct (`seqdata.constructs.sample`):
        what is validated on would be trained on. The attribute ``shared_constructs``, where it is
        true, allows it.

    Examples
    --------
    >>> ds = assign(xr.Dataset({"y": ("_sequence", [1.0, 2.0])}), [0, 2])
    >>> ds.split.attrs["flag_meanings"]
    'train val test unassigned'
    """
    values = as_codes(codes, size_of(ds))
    if "construct" in ds.variables and not ds.attrs.get("shared_constructs"):
        _check_constructs(ds, values)
    made = (schema.sequence_dim(ds), values, schema.code_attrs(schema.SPLITS))
    return ds.assign_coords(split=made)


def _check_constructs(ds: xr.Dataset, codes: Codes) -> None:
    """Raise where windows of one construct are in two splits."""
    construct = ds["construct"].to_numpy()
    used = codes != NONE
    pairs = np.unique(np.stack([construct[used], codes[used].astype(np.int64)]), axis=1)
    found, count = np.unique(pairs[0], return_counts=True)
    shared = found[count > 1]
    if not len(shared):
        return
    row = int(np.argmax(construct == shared[0]))
    name = str(ds["id"].to_numpy()[row]) if "id" in ds.variables else f"row {shared[0]}"
    raise SeqdataError(
        f"{len(shared)} of {len(found)} constructs have windows in two splits, the first {name!r}: "
        "what is validated or tested on would be trained on. Keep them together with "
        "{name: group, by: id}, or by: group, or set shared_constructs to allow it."
    )


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
        found = ["unassigned" if v in ("", ".") else SYNONYMS.get(v.lower(), v) for v in names]
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
