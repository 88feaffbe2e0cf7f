"""Rows of a dataset as one-hot arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import seqpro as sp
from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from seqpro.alphabets import BaseAlphabet


def require_variable(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable of a dataset, or say which one may be meant.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    name : str
        Its variable.

    Returns
    -------
    xarray.DataArray
        The variable.

    Raises
    ------
    EugeneError
        If there is no such variable.
    """
    if name not in ds.variables:
        names = [str(known) for known in ds.data_vars]
        raise EugeneError(f"the dataset has no variable {name!r}{did_you_mean(name, names)}")
    return ds[name]


class OneHot(np.ndarray):
    """One-hot sequences that know their letters, so that what is made of them has them, too.

    Attributes
    ----------
    alphabet : str or None
        Letters of the columns.
    """

    alphabet: str | None

    def __array_finalize__(self, other: object) -> None:
        """Hand the alphabet on to views and copies."""
        self.alphabet = getattr(other, "alphabet", None)


def with_alphabet(X: NDArray[np.generic], alphabet: BaseAlphabet) -> OneHot:
    """Return an array that knows its alphabet.

    Examples
    --------
    >>> import seqpro as sp
    >>> with_alphabet(np.zeros((1, 4, 2)), sp.RNA)[:, :, :1].alphabet
    'ACGU'
    """
    found = np.asarray(X).view(OneHot)
    found.alphabet = alphabet.alphabet.upper()
    return found


def _alphabet_of(variable: xr.DataArray) -> BaseAlphabet:
    try:
        return sp.alphabet_of(variable, sp.DNA)
    except sp.errors.AlphabetError as error:
        raise EugeneError(f"{variable.name!r}: {error}") from error


def one_hot(
    ds: xr.Dataset,
    seq_var: str = "seq",
    *,
    rows: ArrayLike | None = None,
    length: int | None = None,
) -> OneHot:
    """Return sequences as one-hot arrays in the order that networks read.

    Parameters
    ----------
    ds : xarray.Dataset
        With letters (S1 or ASCII, ``(_sequence, _length)``) or one-hot
        (``(_sequence, _length, _ohe)`` or ``(_sequence, _ohe, _length)``).
    seq_var : str, optional
        Variable of the sequences.
    rows : array_like of int, shape (n,), optional
        Rows to take; all by default.
    length : int, optional
        Window in bp, cut from the middle; all by default.

    Returns
    -------
    OneHot of uint8, shape (n, letters, length)
        An array that knows its ``alphabet``. Letters outside it are columns of zeros. One-hot
        sequences that hold fractions (unknown letters as columns of 1/A) stay what they are,
        float32.

    Raises
    ------
    EugeneError
        If there is no such variable, nothing says its alphabet, or letters contradict it.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b"G"]]))})
    >>> one_hot(ds).tolist()
    [[[1, 0], [0, 0], [0, 1], [0, 0]]]
    """
    variable = require_variable(ds, seq_var)
    alphabet = _alphabet_of(variable)
    first = "_sequence" if "_sequence" in variable.dims else variable.dims[0]
    if rows is not None:
        variable = variable.isel({first: np.asarray(rows, dtype=np.int64)})
    if "_ohe" in variable.dims:
        encoded = variable.transpose(first, "_ohe", ...).to_numpy()
        whole = encoded.astype(np.uint8)
        # columns of 1/A are unknown letters, too
        encoded = whole if np.array_equal(whole, encoded) else encoded.astype(np.float32)
    else:
        letters = variable.to_numpy()
        if letters.dtype.kind != "u":
            letters = letters.astype("S1")  # text of another kind, a letter a cell
        letters = np.ascontiguousarray(letters).view("S1")
        try:
            sp.check_letters(letters, alphabet, f"the sequences {seq_var!r}")
        except sp.errors.AlphabetError as error:
            raise EugeneError(str(error)) from error
        encoded = np.ascontiguousarray(sp.ohe(letters, alphabet).swapaxes(1, 2))
    encoded = with_alphabet(encoded, alphabet)
    if length is None or length == encoded.shape[2]:
        return encoded
    start = (encoded.shape[2] - length) // 2
    return with_alphabet(np.ascontiguousarray(encoded[:, :, start : start + length]), alphabet)


def split_rows(ds: xr.Dataset, split: str | None) -> NDArray[np.int64]:
    """Return the rows of a split; all rows for ``None``.

    Parameters
    ----------
    ds : xarray.Dataset
        With a ``split`` coordinate.
    split : str or None
        ``train``, ``val`` or ``test``.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row numbers in order.
    """
    if split is None:
        return np.arange(ds.sizes["_sequence"])
    import seqdata as sd

    return np.flatnonzero(sd.splits.mask(ds, split))


def best_rows(
    rows: NDArray[np.int64], scores: NDArray[np.floating], n: int | None, *, highest: bool = True
) -> NDArray[np.int64]:
    """Return the rows with the highest or lowest scores, the most extreme first.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Row numbers.
    scores : ndarray of float, shape (n,)
        One a row; of equal ones the earlier row comes first.
    n : int or None
        How many; all for ``None``.
    highest : bool, optional
        Which end.

    Returns
    -------
    ndarray of int64
        Row numbers.

    Examples
    --------
    >>> best_rows(np.array([4, 5, 6]), np.array([.1, .9, .5]), 2).tolist()
    [5, 6]
    """
    order = np.argsort(-scores if highest else scores, kind="stable")
    return rows[order[: len(order) if n is None else n]]
