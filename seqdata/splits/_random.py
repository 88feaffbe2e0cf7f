"""Random splits: by rows, classes, groups and clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata import schema
from seqdata.errors import SeqdataError, did_you_mean
from seqdata.schema import letters_of
from seqdata.splits._codes import Codes, size_of
from seqpro.random import counter_seed

Fractions: TypeAlias = Sequence[float]

DRAW = 11


def _check_fractions(fractions: Fractions) -> NDArray[np.float64]:
    values = np.asarray(fractions, dtype=np.float64)
    if values.shape == (2,):
        values = np.append(values, 0.0)
    if values.shape != (3,) or not np.isfinite(values).all() or (values < 0).any():
        raise SeqdataError(
            f"fractions are {list(fractions)}: expected three numbers from 0 up "
            "(train, validation, test)."
        )
    if not np.isclose(values.sum(), 1.0, atol=1e-6):
        raise SeqdataError(f"fractions {list(fractions)} add up to {values.sum():g}, not to 1.")
    return values


def _counts(n: int, fractions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return whole numbers that add up to n, nearest to the fractions."""
    exact = fractions * n
    counts = np.floor(exact + 1e-9).astype(np.int64)
    rest = n - int(counts.sum())
    for i in np.argsort(-(exact - counts), kind="stable")[:rest]:
        counts[i] += 1
    return counts


def random(ds: xr.Dataset | int, *, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Codes:
    """Split rows at random, in exact proportions.

    Parameters
    ----------
    ds : xarray.Dataset or int
        The dataset, or its number of rows.
    fractions : sequence of float
        Shares of train, validation and test; they add up to 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        Where the fractions are no shares of 1.

    Examples
    --------
    >>> [int((random(10, seed=3) == code).sum()) for code in (0, 1, 2)]
    [8, 1, 1]
    """
    shares = _check_fractions(fractions)
    n = size_of(ds)
    order = np.argsort(counter_seed(seed, DRAW, np.arange(n)), kind="stable")
    codes = np.empty(n, np.int8)
    codes[order] = np.repeat(np.arange(3, dtype=np.int8), _counts(n, shares))
    return codes


def stratified(
    ds: xr.Dataset | ArrayLike,
    *,
    by: str | None = None,
    fractions: Fractions = (0.8, 0.1, 0.1),
    n_bins: int = 10,
    seed: int = 0,
) -> Codes:
    """Split rows at random with every class, or every range of a number, in equal shares.

    Parameters
    ----------
    ds : xarray.Dataset or array_like, shape (n,)
        The dataset, or the labels themselves.
    by : str or None
        Variable of the dataset that holds the labels.
    fractions : sequence of float
        Shares of train, validation and test.
    n_bins : int
        Number of equally filled ranges that a floating-point label is cut into.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    Raises
    ------
    SeqdataError
        Where there are no labels, or the fractions are no shares of 1.

    Examples
    --------
    >>> labels = np.array([0] * 90 + [1] * 10)
    >>> codes = stratified(labels)
    >>> int(labels[codes == 2].sum()), int((codes == 2).sum())
    (1, 10)
    """
    shares = _check_fractions(fractions)
    inverse = strata(labels_of(ds, by, "stratified"), n_bins)
    codes = np.empty(len(inverse), np.int8)
    for value in range(int(inverse.max(initial=-1)) + 1):
        rows = np.flatnonzero(inverse == value)
        order = rows[np.argsort(counter_seed(seed, DRAW, rows), kind="stable")]
        codes[order] = np.repeat(np.arange(3, dtype=np.int8), _counts(len(rows), shares))
    return codes


def strata(labels: NDArray[np.generic], n_bins: int) -> NDArray[np.int64]:
    """Return the number of the class of every row, or of the range that its number is in.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Classes, or floating-point numbers, of which those that are missing are a range.
    n_bins : int
        Number of equally filled ranges.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0 up.
    """
    if labels.dtype.kind == "f":
        finite = np.isfinite(labels)
        if not finite.any():
            raise SeqdataError("a stratified split needs labels: all are missing (NaN).")
        numbers = labels.astype(np.float64)
        edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, n_bins + 1)[1:-1]))
        labels = np.where(finite, np.digitize(numbers, edges), -1)
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(-1))


def labels_of(ds: xr.Dataset | ArrayLike, by: str | None, what: str) -> NDArray[np.generic]:
    """Return one label a row: those given, or a variable of the dataset."""
    if isinstance(ds, xr.Dataset):
        if by is None:
            raise SeqdataError(f"a {what} split of a dataset needs `by`, the name of a variable.")
        values = named(ds, by)
    else:
        values = np.asarray(ds)
    if values.ndim != 1:
        raise SeqdataError(f"a {what} split needs one label a row, got shape {values.shape}.")
    return values.astype(str) if values.dtype.kind not in "biuf" else values


def named(ds: xr.Dataset, name: str) -> NDArray[np.generic]:
    """Return a variable of one value a row, codes turned into their names."""
    rows = [str(v) for v in ds.variables if ds[v].dims == (schema.sequence_dim(ds),)]
    if name not in rows:
        raise SeqdataError(
            f"the dataset has no column {name!r} of one value a row.{did_you_mean(name, rows)}"
        )
    variable = ds[name]
    return schema.decode(variable) if "flag_values" in variable.attrs else variable.to_numpy()


def group(
    ds: xr.Dataset | ArrayLike,
    *,
    by: str | None = None,
    fractions: Fractions = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> Codes:
    """Split whole groups of rows (genes, clusters, contigs), near the proportions asked for.

    Parameters
    ----------
    ds : xarray.Dataset or array_like, shape (n,)
        The dataset, or the group of every row.
    by : str or None
        Variable of the dataset that names the groups.
    fractions : sequence of float
        Shares of train, validation and test, by rows.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes; rows of one group share theirs.

    Examples
    --------
    >>> codes = group(np.repeat(np.arange(20), 5), fractions=(0.5, 0.25, 0.25))
    >>> [int((codes == code).sum()) for code in (0, 1, 2)]
    [50, 25, 25]
    """
    shares = _check_fractions(fractions)
    labels = labels_of(ds, by, "group")
    _, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(counter_seed(seed, DRAW, np.arange(len(sizes))), kind="stable")
    # large groups first, each to the split that is furthest below its share
    order = order[np.argsort(-sizes[order], kind="stable")]
    wanted = shares * len(labels)
    of_group = np.empty(len(sizes), np.int8)
    for g in order:
        part = int(np.argmax(np.where(shares > 0, wanted, -np.inf)))
        of_group[g] = part
        wanted[part] -= sizes[g]
    return np.asarray(of_group[inverse.reshape(-1)])


def homology(
    ds: xr.Dataset | ArrayLike,
    *,
    seq_var: str = "seq",
    fractions: Fractions = (0.8, 0.1, 0.1),
    threshold: float = 0.5,
    k: int = 11,
    seed: int = 0,
) -> Codes:
    """Split clusters of similar sequences, so that relatives never part.

    Sequences are linked where the sketches of their k-mers (both strands alike) agree to the
    threshold, and linked sequences form a cluster.

    Parameters
    ----------
    ds : xarray.Dataset or array_like of S1 or uint8, shape (n, length)
        The dataset, or the sequences.
    seq_var : str
        Variable of the dataset that holds the sequences.
    fractions : sequence of float
        Shares of train, validation and test, by rows.
    threshold : float
        Estimated share of common k-mers (Jaccard index) from which two sequences are relatives.
    k : int
        Length of a k-mer (bp).
    seed : int
        Seed of the sketches and of the draw.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes.

    References
    ----------
    .. [1] Ondov et al. 2016, doi:10.1186/s13059-016-0997-x.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> seqs = rng.choice(np.frombuffer(b"ACGT", "S1"), (30, 80))
    >>> codes = homology(np.concatenate([seqs, seqs]))
    >>> bool((codes[:30] == codes[30:]).all())
    True
    """
    found = relatives(ds, seq_var=seq_var, threshold=threshold, k=k, seed=seed)
    return group(found, fractions=fractions, seed=seed)


def relatives(
    ds: xr.Dataset | ArrayLike, *, seq_var: str, threshold: float, k: int, seed: int
) -> NDArray[np.int64]:
    """Return the cluster of similar sequences that every row is in; see `homology`."""
    from seqdata.splits._homology import clusters

    variable = ds[seq_var] if isinstance(ds, xr.Dataset) else xr.DataArray(np.asarray(ds))
    letters = letters_of(variable)
    found = clusters(variable.to_numpy(), k=k, threshold=threshold, seed=seed, alphabet=letters)
    return np.asarray(found, np.int64)
