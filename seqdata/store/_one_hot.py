"""One-hot variables: stores keep the letters that they were made of, and make them again."""

from __future__ import annotations

import warnings

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

import seqpro as sp
from seqdata.schema import OHE_DIM, is_one_hot

MADE_OF = "letters"
"""Attribute of a one-hot variable: the variable that it is the one-hot encoding of."""
MARK = "one_hot"
"""Attribute of letters in a store: the name of the one-hot variable that is made of them."""
_ROWS = 4096


def without_one_hot(ds: xr.Dataset) -> xr.Dataset:
    """Return a dataset without its one-hot variables; letters say which are made of them again.

    Parameters
    ----------
    ds : Dataset
        What is to be stored.

    Returns
    -------
    Dataset
        A warning names the variables that are not kept in any form.
    """
    found = [str(name) for name in ds.variables if is_one_hot(ds[name])]
    lost = []
    kept = ds.drop_vars(found)
    for name in found:
        letters = ds[name].attrs.get(MADE_OF)
        if letters not in kept.variables or not _is_made_of(ds[name], ds[letters]):
            lost.append(name)
            continue
        said = {**kept[letters].attrs, MARK: name}
        kept = kept.assign({letters: kept[letters].assign_attrs(said)})
    if lost:
        warnings.warn(
            f"one-hot variables are not stored: {', '.join(lost)}. Their letters are, and "
            "eugene.preprocess.ohe_seqs_sdata makes them again.",
            UserWarning,
            stacklevel=3,
        )
    return kept


def with_one_hot(ds: xr.Dataset) -> xr.Dataset:
    """Return a dataset of a store with the one-hot variables that its letters name, lazily.

    Parameters
    ----------
    ds : Dataset
        As opened, letters as ``S1`` in chunks.

    Returns
    -------
    Dataset
    """
    made = {}
    for name in list(ds.variables):
        label = ds[name].attrs.get(MARK)
        if label is None or label in ds.variables or ds[name].dtype != np.dtype("S1"):
            continue
        alphabet = sp.alphabet_of(ds[name].attrs.get("alphabet", "ACGT"))
        letters = da.asarray(ds[name].data)  # type: ignore[no-untyped-call]
        hot = letters.map_blocks(
            _encode, alphabet.alphabet, dtype=np.uint8, new_axis=letters.ndim,
            chunks=(*letters.chunks, (len(alphabet),)),
        )  # fmt: skip
        said = {"alphabet": alphabet.alphabet, MADE_OF: str(name)}
        made[str(label)] = ((*ds[name].dims, OHE_DIM), hot, said)
    return ds.assign(made) if made else ds


def _encode(letters: NDArray[np.bytes_], alphabet: str) -> NDArray[np.uint8]:
    return np.asarray(sp.ohe(letters, sp.alphabet_of(alphabet)), np.uint8)


def _is_made_of(hot: xr.DataArray, letters: xr.DataArray) -> bool:
    """Say whether one-hot values are those of the letters, and can be made of them."""
    dims = (*letters.dims, OHE_DIM)
    if hot.dims != dims or letters.dtype != np.dtype("S1") or hot.dtype != np.uint8:
        return False
    alphabet = sp.alphabet_of(letters.attrs.get("alphabet", hot.attrs.get("alphabet", "ACGT")))
    if hot.sizes[OHE_DIM] != len(alphabet) or hot.attrs.get("alphabet") != alphabet.alphabet:
        return False
    rows = str(letters.dims[0])
    for begin in range(0, letters.sizes[rows], _ROWS):
        part = {rows: slice(begin, begin + _ROWS)}
        again = _encode(letters.isel(part).values, alphabet.alphabet)
        if not np.array_equal(hot.isel(part).values, again):
            return False
    return True
