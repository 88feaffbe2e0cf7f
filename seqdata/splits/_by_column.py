"""Splits that a column of the data decides: its contigs, or names of splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from seqdata import schema
from seqdata._told import tell
from seqdata.errors import SeqdataError, contig_hint, did_you_mean
from seqdata.splits._codes import NONE, SYNONYMS, TRAIN, Codes
from seqdata.splits._random import named
from seqpro.random import counter_seed

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
    mapping: Mapping[object, str] | None = None,
    *,
    carve: Mapping[str, str | float] | None = None,
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
        table = {v: SYNONYMS[v.lower()] for v in unique.tolist() if v.lower() in SYNONYMS}
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


def _carve(codes: Codes, carve: Mapping[str, str | float], seed: int) -> Codes:
    """Move a random share of one split to another."""
    unknown = set(carve) - {"from", "to", "fraction"}
    if unknown or not {"fraction", "to"} <= set(carve):
        raise SeqdataError(
            f"carve holds {sorted(carve)}: expected 'from' (default train), 'to' and 'fraction'."
        )
    source, goal = str(carve.get("from", "train")), str(carve["to"])
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
