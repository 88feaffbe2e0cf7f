"""Sequences and tracks of any length as SeqData had them: Python objects, one a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from seqdata.schema import LENGTH_DIM, SEQUENCE_DIM

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARKS = ("_length", "_offsets")


def as_objects(ds: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose variables of any length are read, and are arrays of objects.

    Parameters
    ----------
    ds : Dataset
        With ``{name}_length`` or ``{name}_offsets`` beside such variables; these are left out.

    Returns
    -------
    Dataset
        ``{name}``: object, ``bytes`` for letters and arrays for tracks, ``(_sequence,)`` or
        ``(_sequence, samples)``.

    Examples
    --------
    >>> import seqdata
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b""], [b"C", b"G"]])),
    ...                  "seq_length": ("_sequence", [1, 2])})
    >>> as_objects(ds)["seq"].values.tolist()
    [b'A', b'CG']
    """
    rows_dim = str(ds.attrs.get("sequence_dim") or SEQUENCE_DIM)
    for name in [str(v) for v in ds.data_vars if any(f"{v}{mark}" in ds for mark in _MARKS)]:
        var, rows = ds[name], list(ds.sd.rows(name))
        letters = var.dtype == np.dtype("S1")
        length = str(ds.attrs.get("length_dim") or LENGTH_DIM)
        inner = [d for d in var.dims[1:] if d != length] if rows and rows[0].ndim > 1 else []
        values = _boxed([row.tobytes() for row in rows] if letters else rows, bool(inner))
        ds = ds.drop_vars([name, *(f"{name}{mark}" for mark in _MARKS)], errors="ignore")
        ds = ds.assign({name: ((rows_dim, *inner), values, var.attrs)})
    return ds


def _boxed(rows: Iterable[object], inner: bool) -> NDArray[np.object_]:
    """Return objects in an array of one axis, or of two where rows hold samples."""
    listed = [list(row) for row in rows] if inner else [[row] for row in rows]  # type: ignore[call-overload]
    boxed = np.empty((len(listed), len(listed[0]) if listed else 1), dtype=object)
    for i, row in enumerate(listed):
        for j, value in enumerate(row):
            boxed[i, j] = value
    return boxed if inner else boxed[:, 0]


def pad_objects(values: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.int32]]:
    """Pad sequences or tracks of any length on the right.

    Parameters
    ----------
    values : ndarray of object, any shape
        ``bytes``, or arrays.

    Returns
    -------
    values : ndarray, one axis more
    lengths : ndarray of int32, shape (n,)

    Examples
    --------
    >>> pad_objects(np.array([b"A", b"CG"], dtype=object))[1].tolist()
    [1, 2]
    """
    flat = [
        np.frombuffer(value, dtype="S1") if isinstance(value, bytes) else np.asarray(value)
        for value in values.ravel()
    ]
    lengths = np.array([len(value) for value in flat], dtype=np.int32)
    width = int(lengths.max(initial=0))
    out = np.zeros((len(flat), width), dtype=flat[0].dtype)
    for row, value in zip(out, flat, strict=True):
        row[: len(value)] = value
    per_row = lengths.reshape(values.shape)
    while per_row.ndim > 1:
        per_row = per_row.max(axis=-1)
    return out.reshape(*values.shape, width), per_row


def without_objects(ds: xr.Dataset) -> xr.Dataset:
    """Return a dataset in which what `as_objects` made is padded rows again.

    Parameters
    ----------
    ds : Dataset

    Examples
    --------
    >>> boxed = np.array([b"A", b"CG"], dtype=object)
    >>> ds = xr.Dataset({"seq": ("_sequence", boxed, {"kind": "sequence"})})
    >>> without_objects(ds)["seq"].values.tolist()
    [[b'A', b''], [b'C', b'G']]
    """
    length = str(ds.attrs.get("length_dim") or LENGTH_DIM)
    for name in map(str, ds.data_vars):
        var = ds[name]
        if var.dtype != object or var.chunks is not None or not var.size:
            continue
        values = var.to_numpy()
        whole = var.attrs.get("kind") == "sequence" and var.ndim == 1
        if whole and all(isinstance(v, bytes) for v in values):
            pass
        elif not all(isinstance(v, np.ndarray) and v.ndim == 1 for v in values.ravel()):
            continue
        padded, lengths = pad_objects(values)
        along = length if length not in ds.sizes or ds.sizes[length] == padded.shape[-1] else None
        dim = along or f"{length}_{name}"
        ds = ds.assign(
            {
                name: ((*var.dims, dim), padded, var.attrs),
                f"{name}_length": (var.dims[:1], lengths, {"units": "bp"}),
            }
        )
    return ds
