"""What a dataset holds, in numbers for a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eugene.data._count_rows import NOTES
from seqdata.schema import SPLITS, is_nucleotide, letters_of
from seqdata.splits import TEST_FILE

_SPLITS = {**SPLITS, "unassigned": -1}
_MADE = ("shuffled_negatives", "shuffled_k")
_MOST_ROWS = 20_000
_MOST_CLASSES = 20


def summarise(
    ds: xr.Dataset,
    *,
    seq_var: str = "seq",
    target_vars: Sequence[str] = (),
    codes: NDArray[np.int8] | None = None,
) -> dict[str, object]:
    """Describe a dataset: rows in each split, sequences, targets.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    seq_var : str
        Variable that holds the sequences.
    target_vars : sequence of str
        Target variables.
    codes : ndarray of int8, shape (n,), or None
        Split codes.

    Returns
    -------
    dict
        Plain numbers and names, ready for JSON: ``n``, ``splits``, ``sequence`` (length in bp,
        GC fraction), ``targets`` (statistics in each split), ``chosen`` (limits and numbers of
        rows chosen by their counts), ``made`` (shuffled copies), ``test_file`` (rows of a file
        that is the test set), ``dropped`` (rows left out) and ``source``.

    Examples
    --------
    >>> letters = np.array([list("ACGG"), list("TTTT")], dtype="S1")
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> summarise(ds)["sequence"]["gc_mean"]
    0.375
    """
    n = int(ds.sizes["_sequence"])
    parts = {"all": np.ones(n, np.bool_)}
    if codes is not None:
        parts |= {name: codes == code for name, code in _SPLITS.items() if (codes == code).any()}
    names = list(target_vars)
    return {
        "n": n,
        "splits": {name: int(rows.sum()) for name, rows in parts.items() if name != "all"},
        "sequence": _sequence(ds, seq_var),
        "targets": {name: _target(ds[name], parts) for name in names},
        "chosen": {k: ds.attrs[k] for k in NOTES if k in ds.attrs},
        "made": {k: int(ds.attrs[k]) for k in _MADE if k in ds.attrs},
        "test_file": int(ds[TEST_FILE].sum()) if TEST_FILE in ds.variables else 0,
        "dropped": {k: v for k, v in ds.attrs.items() if str(k).startswith("dropped")},
        "source": str(ds.encoding.get("source", ds.attrs.get("source", ""))),
    }


def _sequence(ds: xr.Dataset, seq_var: str) -> dict[str, object]:
    variable = ds[seq_var]
    described: dict[str, Any] = {
        "variable": seq_var,
        "alphabet": letters_of(variable),
    }
    if "_ohe" in variable.dims or variable.ndim != 2:
        sizes = {str(d): int(s) for d, s in variable.sizes.items()}
        return {**described, "sizes": sizes}
    n, length = variable.shape
    # consecutive rows of a few places are read faster than single rows from everywhere
    pieces = max(1, min(10, n // 2048))
    size = min(n, _MOST_ROWS) // pieces
    starts = np.linspace(0, n - size, pieces).astype(int)
    kept = [variable.isel({variable.dims[0]: slice(s, s + size)}).to_numpy() for s in starts]
    letters = np.ascontiguousarray(np.concatenate(kept)).view(np.uint8)
    upper = letters & 0xDF
    gc = np.isin(upper, np.frombuffer(b"GCS", np.uint8)).sum(1)
    at = np.isin(upper, np.frombuffer(b"ATUW", np.uint8)).sum(1)
    used = (letters != 0).sum(1)
    fraction = gc / np.maximum(gc + at, 1)
    known = is_nucleotide(described["alphabet"]) and len(used) > 0
    counts = np.bincount(upper.reshape(-1), minlength=256)
    total = max(int(used.sum()), 1)
    return {
        **described,
        "length": int(length),
        "shortest": int(used.min(initial=length)),
        "longest": int(used.max(initial=0)),
        "gc_mean": round(float(fraction.mean()), 6) if known else None,
        "gc_std": round(float(fraction.std()), 6) if known else None,
        "letters": {chr(i): round(float(counts[i]) / total, 6) for i in range(1, 256) if counts[i]},
        "rows_looked_at": len(letters),
    }


def _target(variable: xr.DataArray, parts: dict[str, NDArray[np.bool_]]) -> dict[str, object]:
    if variable.ndim != 1:
        return {"sizes": {str(d): int(s) for d, s in variable.sizes.items()}}
    values = variable.to_numpy().astype(np.float64)
    return {name: statistics(values[rows]) for name, rows in parts.items()}


def statistics(values: NDArray[np.float64]) -> dict[str, object]:
    """Return number, spread and, where they are few whole numbers, classes of some values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        NaN where missing.

    Returns
    -------
    dict
        Plain numbers.

    Examples
    --------
    >>> statistics(np.array([1.5, np.nan]))["missing"]
    1
    """
    finite = values[np.isfinite(values)]
    infinite = int(np.isinf(values).sum())
    out: dict[str, object] = {"n": len(finite), "missing": len(values) - len(finite) - infinite}
    if infinite:
        out["infinite"] = infinite
    if len(finite):
        low, middle, high = np.quantile(finite, [0, 0.5, 1])
        out |= {
            "mean": float(finite.mean()),
            "std": float(finite.std()),
            "min": float(low),
            "median": float(middle),
            "max": float(high),
        }
        classes, counts = np.unique(finite, return_counts=True)
        if len(classes) <= _MOST_CLASSES and (classes == np.round(classes)).all():
            out["classes"] = {str(int(c)): int(k) for c, k in zip(classes, counts, strict=True)}
    return out
