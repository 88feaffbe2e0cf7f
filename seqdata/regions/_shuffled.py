"""Shuffled copies of sequences as negatives."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata import schema
from seqdata.errors import SchemaError, SeqdataError, did_you_mean
from seqdata.schema import is_nucleotide
from seqpro.random import counter_seed

_DRAW = 13


def add_shuffled_negatives(
    ds: xr.Dataset,
    *,
    seq_var: str = "seq",
    label_var: str = "label",
    k: int = 2,
    ratio: float = 1.0,
    seed: int = 0,
) -> xr.Dataset:
    """Append shuffled copies of the positives as rows with the label 0.

    A shuffle keeps the counts of all k-lets; which of them comes out depends on the seed and the
    row alone. A shuffled row has no place in the genome: ``start`` and ``end`` are -1 and
    ``strand`` is ".". It keeps ``chrom`` and ``split`` of its positive, so that a split never
    parts the two. What was measured for the positive is missing for the copy (NaN, False, "").

    Parameters
    ----------
    ds : Dataset
        Dataset with letters.
    seq_var : str, default "seq"
        Variable of the sequences.
    label_var : str, default "label"
        Variable of the labels; where there is none, all rows are positives.
    k : int, default 2
        Length of the k-lets that are kept: 1 letters, 2 dinucleotides.
    ratio : float, default 1.0
        Shuffled copies a positive; a part of one falls to positives drawn at random.
    seed : int, default 0
        Seed of the shuffles.

    Returns
    -------
    Dataset
        The rows of ``ds``, then the shuffled ones in the order of their positives; ``label``
        int8 and ``source_row`` int64, the row that a copy was made of, -1 for others.

    Raises
    ------
    SchemaError
        If there are no such letters.
    SeqdataError
        If there is nothing to shuffle, the alphabet has no shuffle, or a label is not 0 or 1.

    Examples
    --------
    >>> letters = np.array([list("ACACGT"), list("TTGACA")], dtype="S1")
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> out = add_shuffled_negatives(ds, k=1)
    >>> out["label"].values.tolist(), out["source_row"].values.tolist()
    ([1, 1, 0, 0], [-1, -1, 0, 1])
    """
    import seqpro as sp

    rows = schema.sequence_dim(ds)
    letters = [str(v) for v in ds.data_vars if schema.is_sequence(ds[v])]
    if seq_var not in letters:
        hint = did_you_mean(seq_var, letters)
        raise SchemaError(f"the dataset has no sequences {seq_var!r} as letters.{hint}")
    alphabet = schema.letters_of(ds[seq_var])
    if not is_nucleotide(alphabet):
        msg = f"{seq_var!r} has the alphabet {alphabet!r}: shuffled negatives are of nucleotides."
        raise SeqdataError(msg)
    n = ds.sizes[rows]
    label = np.ones(n, np.int8)
    if label_var in ds.variables:
        given = ds[label_var].to_numpy()
        if given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
            odd = given[~np.isin(given, (0, 1))].tolist()[:1]
            msg = f"label {label_var!r} holds {odd}: expected 1 for positives and 0, in every row."
            raise SeqdataError(msg)
        label = given.astype(np.int8)
    source = _sources(np.flatnonzero(label == 1), ratio, seed)
    if not len(source):
        msg = f"ratio {ratio} of {int((label == 1).sum())} positives makes no negative."
        raise SeqdataError(msg)
    # rows of text that lies in a store are not picked by dask
    ds = ds.assign({name: v.load() for name, v in ds.variables.items() if v.dtype == object})
    kind = sp.alphabet_of(alphabet)
    copies = ds.isel({rows: source}).load()
    shuffled = sp.k_shuffle(
        np.ascontiguousarray(copies[seq_var].to_numpy()).view("S1"),
        k, kind, length_axis=1, seed=int(counter_seed(seed, _DRAW)),
        row_ids=np.arange(n, n + len(source)),
    )  # fmt: skip
    made: dict[Hashable, object] = {
        seq_var: copies[seq_var].copy(data=shuffled.view(copies[seq_var].dtype)),
        label_var: (rows, np.zeros(len(source), np.int8)),
        "source_row": (rows, source),
    }
    kept = {seq_var, label_var, f"{seq_var}_length", "chrom", "split"}
    for name, variable in copies.variables.items():
        if name not in kept and variable.dims[:1] == (rows,):
            made[name] = variable.copy(data=_missing(str(name), variable.to_numpy()))
    before = ds.assign({label_var: (rows, label), "source_row": (rows, np.full(n, -1, np.int64))})
    return xr.concat(
        [before, copies.assign(made)], rows, data_vars="minimal", coords="minimal",
        compat="override", combine_attrs="override",
    )  # fmt: skip


def _sources(positives: NDArray[np.int64], ratio: float, seed: int) -> NDArray[np.int64]:
    """Return which row each copy is made of."""
    if ratio <= 0:
        raise SeqdataError(f"ratio is {ratio}: expected a number above 0.")
    total = round(ratio * len(positives))
    if not len(positives):
        return positives
    whole, rest = divmod(total, len(positives))
    drawn = np.argsort(counter_seed(seed, _DRAW, positives), kind="stable")[:rest]
    return np.sort(np.concatenate([np.tile(positives, whole), positives[drawn]]))


def _missing(name: str, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return values of the same shape that say that nothing is known."""
    if name in ("start", "end"):
        return np.full_like(values, -1)
    if name == "strand":
        return np.full_like(values, schema.STRANDS["."] if values.dtype.kind in "iu" else ".")
    if values.dtype.kind in "iu":
        return np.full(values.shape, np.nan)
    return np.full_like(values, {"f": np.nan, "b": False}.get(values.dtype.kind, ""))
