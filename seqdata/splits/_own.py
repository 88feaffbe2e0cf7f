"""Rows that a split may deal: not those whose place is settled by others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata import schema
from seqdata.errors import SeqdataError
from seqdata.splits._codes import TEST, TRAIN, Codes, as_codes

TEST_FILE = "in_test_file"
"""Variable that is true where a row is of a file that was given as the test set."""


def own_rows(ds: xr.Dataset) -> NDArray[np.bool_]:
    """Tell which rows a split may deal.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.

    Returns
    -------
    ndarray of bool, shape (n,)
        False where a row is a shuffled copy (`seqdata.regions.add_shuffled_negatives`), which goes
        where its row goes, and where it is of a file that is the test set (``in_test_file``).

    Examples
    --------
    >>> own_rows(xr.Dataset({"source_row": ("_sequence", [-1, -1, 0])})).tolist()
    [True, True, False]
    """
    own = np.ones(ds.sizes[schema.sequence_dim(ds)], np.bool_)
    if "source_row" in ds.variables:
        own &= ds["source_row"].to_numpy() < 0
    if TEST_FILE in ds.variables:
        own &= ~ds[TEST_FILE].to_numpy().astype(np.bool_)
    return own


def deal(ds: xr.Dataset, how: Callable[[xr.Dataset], ArrayLike]) -> Codes:
    """Deal rows into splits; copies go where their rows go, and a file of test rows is tested on.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    how : callable
        Given the rows that may be dealt, as a dataset, it returns their split codes.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        Where the split wants test rows and there is a file of them.

    Examples
    --------
    >>> ds = xr.Dataset({"source_row": ("_sequence", [-1, -1, 1, 0])})
    >>> deal(ds, lambda rows: ["train", "test"]).tolist()
    [0, 2, 2, 0]
    """
    rows = schema.sequence_dim(ds)
    n, own = ds.sizes[rows], own_rows(ds)
    if own.all():
        return as_codes(how(ds), n)
    dealt = as_codes(how(ds.isel({rows: np.flatnonzero(own)})), int(own.sum()))
    codes = np.full(n, TRAIN, np.int8)
    codes[own] = dealt
    if TEST_FILE in ds.variables:
        codes[ds[TEST_FILE].to_numpy().astype(np.bool_)] = TEST
        more = int((dealt == TEST).sum())
        if more:
            raise SeqdataError(
                f"a file of its own is the test set, and the split makes {more} of the other rows "
                "test rows as well: leave none for testing, for example fractions [0.9, 0.1, 0]."
            )
    if "source_row" in ds.variables:
        source = ds["source_row"].to_numpy()
        codes[source >= 0] = codes[source[source >= 0]]
    return codes
