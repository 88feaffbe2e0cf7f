"""Rows that a split lets through: the same sequence, or the same bases, on both sides."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata import schema
from seqdata._batch_kernels import gather_letters
from seqdata._fields import complement_table, is_nucleotide
from seqdata.errors import SeqdataError
from seqpro._rng import row_hash

_BLOCK = 8192
_PAIRS = tuple(combinations(("train", "val", "test"), 2))


def _hashes(ds: xr.Dataset, seq_var: str) -> NDArray[np.uint64]:
    """Return one number a sequence, equal for a sequence and its reverse complement."""
    variable = ds[seq_var]
    n = variable.sizes[schema.SEQUENCE_DIM]
    alphabet = str(variable.attrs.get("alphabet", "ACGT"))
    table = complement_table(alphabet) if is_nucleotide(alphabet) else None
    upper = np.arange(256, dtype=np.uint8)
    upper[ord("a") : ord("z") + 1] -= 32
    out = np.empty(n, np.uint64)
    for low in range(0, n, _BLOCK):
        block = variable.isel({schema.SEQUENCE_DIM: slice(low, low + _BLOCK)}).to_numpy()
        letters = upper[np.ascontiguousarray(block).view(np.uint8)]
        hashes = row_hash(letters)
        if table is not None:
            m = len(letters)
            turned = np.empty_like(letters)
            zeros = np.zeros(m, np.int64)
            gather_letters(
                letters, np.arange(m, dtype=np.int64), zeros, np.ones(m, np.bool_), table, turned
            )
            hashes = np.minimum(hashes, row_hash(turned))
        out[low : low + len(block)] = hashes
    return out


def _duplicates(
    hashes: NDArray[np.uint64], a: NDArray[np.bool_], b: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the rows of ``b`` whose sequence is also in ``a``."""
    return np.flatnonzero(b)[np.isin(hashes[b], hashes[a])]


def _overlaps(
    chrom: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    a: NDArray[np.bool_],
    b: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return the rows of ``b`` whose window shares a base with a window of ``a``."""
    found = []
    for name in np.intersect1d(chrom[a], chrom[b]):
        left = np.flatnonzero(a & (chrom == name))
        right = np.flatnonzero(b & (chrom == name))
        left = left[np.argsort(start[left], kind="stable")]
        furthest = np.maximum.accumulate(end[left])
        before = np.searchsorted(start[left], end[right], side="left")
        reach = np.where(before > 0, furthest[np.maximum(before - 1, 0)], np.iinfo(np.int64).min)
        found.append(right[reach > start[right]])
    return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)


def leakage(
    ds: xr.Dataset, codes: ArrayLike | None = None, *, seq_var: str | None = "seq"
) -> dict[str, Any]:
    """Look for rows that one split shares with another.

    Two kinds are counted: sequences that are equal, on either strand and in either case, and
    windows that share at least one base of the genome.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    codes : array_like of int8, shape (n,), or None
        Split codes; default those of the dataset.
    seq_var : str or None
        Variable that holds the sequences; None leaves them out.

    Returns
    -------
    dict
        ``rows`` (number in each split), ``duplicates`` and ``overlaps`` (number of rows of the
        second split found in the first, under keys such as ``"train-test"``; None where the
        dataset has nothing to compare), ``examples`` (a row of each kind) and ``clean``.

    Raises
    ------
    SeqdataError
        Where the codes do not fit the dataset.

    Examples
    --------
    >>> letters = np.array([list("AAC"), list("GTT"), list("CCC")], dtype="S1")
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> leakage(ds, [0, 2, 2])["duplicates"]["train-test"]
    1
    """
    if codes is None:
        from seqdata.splits import codes_of

        codes = codes_of(ds)
    values = np.asarray(codes)
    n = ds.sizes[schema.SEQUENCE_DIM]
    if values.shape != (n,):
        raise SeqdataError(f"{values.shape} split codes do not fit a dataset of {n} rows.")
    masks = {name: values == schema.SPLITS[name] for name in ("train", "val", "test")}
    report: dict[str, Any] = {
        "rows": {name: int(mask.sum()) for name, mask in masks.items()},
        "duplicates": None,
        "overlaps": None,
        "examples": {},
    }
    hashes = None
    if seq_var is not None and seq_var in ds.variables and schema.is_sequence(ds[seq_var]):
        hashes = _hashes(ds, seq_var)
        report["duplicates"] = {}
    placed = all(name in ds.variables for name in ("chrom", "start", "end"))
    if placed:
        chrom = ds["chrom"].to_numpy()
        start = ds["start"].to_numpy().astype(np.int64)
        end = ds["end"].to_numpy().astype(np.int64)
        report["overlaps"] = {}
    for a, b in _PAIRS:
        key = f"{a}-{b}"
        if hashes is not None:
            rows = _duplicates(hashes, masks[a], masks[b])
            report["duplicates"][key] = len(rows)
            if len(rows):
                report["examples"].setdefault("duplicate", {"splits": key, "row": int(rows[0])})
        if placed:
            rows = _overlaps(chrom, start, end, masks[a], masks[b])
            report["overlaps"][key] = len(rows)
            if len(rows):
                report["examples"].setdefault("overlap", {"splits": key, "row": int(rows[0])})
    report["clean"] = not report["examples"]
    return report
