"""Identifiers, padding and one-hot encoding of the sequences of a dataset."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import seqpro as sp
from eugene.preprocess._common import PreprocessError, require, rows_of


def make_unique_ids_sdata(
    sdata: xr.Dataset, id_var: str = "id", copy: bool = False
) -> xr.Dataset | None:
    """Name every sequence: ``seq0``, ``seq1``, ... with as many digits as the last one needs.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    id_var : str
        Variable to write the names to.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", [0.0, 1.0])})
    >>> make_unique_ids_sdata(ds)
    >>> ds["id"].values.tolist()
    ['seq0', 'seq1']
    """
    sdata = sdata.copy() if copy else sdata
    n = rows_of(sdata)
    digits = len(str(n))
    names = np.array([f"seq{i:0{digits}d}" for i in range(n)], dtype=object)
    sdata[id_var] = ("_sequence", names)
    return sdata if copy else None


def _letters(sdata: xr.Dataset, seq_var: str) -> NDArray[Any]:
    require(sdata, seq_var, "seq_var")
    values: NDArray[np.generic] = sdata[seq_var].to_numpy()
    if values.dtype == np.uint8 and sdata[seq_var].attrs.get("kind") == "sequence":
        return values.view("S1")
    if values.dtype.kind == "S" and values.dtype.itemsize == 1:
        return values
    if values.ndim == 1:
        return sp.cast_seqs(values.astype(str).tolist())
    raise PreprocessError(
        f"seq_var: {seq_var!r} is {values.dtype} of shape {values.shape}: expected letters (S1) of "
        "shape (n, length), or one string a row."
    )


def _length_dim(sdata: xr.Dataset, seq_var: str) -> str:
    dims = [str(d) for d in sdata[seq_var].dims if d != "_sequence"]
    return dims[0] if dims else "_length"


def pad_seqs_sdata(
    sdata: xr.Dataset,
    length: int,
    seq_var: str = "seq",
    pad: Literal["left", "both", "right"] = "right",
    pad_value: str | None = None,
    copy: bool = False,
) -> xr.Dataset | None:
    """Pad or cut sequences to one length, as the variable ``{seq_var}_padded``.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    length : int
        Length in bp.
    seq_var : str
        Variable that holds the sequences.
    pad : {"left", "both", "right"}
        Side to pad, and to cut, on; an odd letter of ``"both"`` goes to the right.
    pad_value : str or None
        Letter to pad with, default N.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Examples
    --------
    >>> ds = xr.Dataset({"seq": ("_sequence", ["ACG", "AC"])})
    >>> pad_seqs_sdata(ds, 4)
    >>> [b"".join(row).decode() for row in ds["seq_padded"].values]
    ['ACGN', 'ACNN']
    """
    sdata = sdata.copy() if copy else sdata
    letters = _letters(sdata, seq_var)
    strings = [row.tobytes().rstrip(b"\0").decode("ascii") for row in letters]
    padded = sp.pad_seqs(strings, pad=pad, pad_value=pad_value or "N", length=length)
    attrs = {"kind": "sequence", **sdata[seq_var].attrs}
    sdata[f"{seq_var}_padded"] = (("_sequence", "length"), padded, attrs)
    return sdata if copy else None


def ohe_seqs_sdata(
    sdata: xr.Dataset,
    alphabet: str | None = None,
    seq_var: str = "seq",
    ohe_var: str = "ohe_seq",
    fill_value: float = 0,
    copy: bool = False,
) -> xr.Dataset | None:
    """One-hot encode sequences.

    A network reads letters directly, so this is needed only to look at the encoding, or for a
    network that is fed without `eugene.data.SequenceDataModule`.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    alphabet : str, optional
        ``"DNA"``, ``"RNA"`` or ``"AA"``: letters in the order of the new axis. By default those
        that the variable says or shows; letters that contradict are refused.
    seq_var : str
        Variable that holds the sequences.
    ohe_var : str
        Variable to write to: uint8 (_sequence, length, _ohe), or float32 where ``fill_value``
        is not 0.
    fill_value : float
        Value of every letter where the sequence has none of the alphabet.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Raises
    ------
    PreprocessError
        For an unknown alphabet or variable.

    Examples
    --------
    >>> ds = xr.Dataset({"seq": ("_sequence", ["AC", "GN"])})
    >>> ohe_seqs_sdata(ds, fill_value=0.25)
    >>> ds["ohe_seq"].values[1].tolist()
    [[0.0, 0.0, 1.0, 0.0], [0.25, 0.25, 0.25, 0.25]]
    """
    sdata = sdata.copy() if copy else sdata
    known = ("AA", "DNA", "RNA")
    if alphabet is not None and alphabet not in known:
        raise PreprocessError(f"alphabet: {alphabet!r} is none of {list(known)}.")
    letters = _letters(sdata, seq_var)
    said = sdata[seq_var].attrs.get("alphabet") if alphabet is None else alphabet
    try:
        kind = sp.alphabet_of(letters if said is None else said)
        sp.check_letters(letters, kind, f"the sequences {seq_var!r}")
    except sp.errors.AlphabetError as error:
        raise PreprocessError(f"alphabet: {error}.") from error
    one_hot: NDArray[np.generic] = sp.ohe(letters, kind)
    if fill_value != 0:
        one_hot = one_hot.astype(np.float32)
        one_hot[(one_hot == 0).all(-1)] = fill_value
    dims = ("_sequence", _length_dim(sdata, seq_var), "_ohe")
    made_of = {} if fill_value else {"letters": seq_var}  # what a store makes it of again
    sdata[ohe_var] = (dims, one_hot, {"alphabet": kind.alphabet, **made_of})
    return sdata if copy else None
