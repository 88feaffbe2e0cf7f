"""Folds of a cross-validation: every row is in one of them, relatives in the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata.errors import SeqdataError, did_you_mean
from seqdata.splits._by_column import chromosome
from seqdata.splits._codes import NONE, TEST, TRAIN, VAL, Codes, size_of
from seqdata.splits._random import DRAW, labels_of, named, relatives, strata
from seqpro.random import counter_seed

Folds: TypeAlias = NDArray[np.int64]

_LIKE = ("random", "stratified", "chromosome", "group", "homology", "kfold")


def folds(
    ds: xr.Dataset | int,
    *,
    n_folds: int = 5,
    groups: str | ArrayLike | None = None,
    like: Mapping[str, object] | None = None,
    seed: int = 0,
) -> Folds:
    """Deal the rows into folds of similar size.

    Groups are dealt largest first, each to the fold that is smallest until then; groups of one
    size come in random order.

    Parameters
    ----------
    ds : xarray.Dataset or int
        The dataset, or its number of rows.
    n_folds : int
        Number of folds, 3 or more.
    groups : str, array_like of shape (n,), or None
        Groups of rows that stay together.
    like : mapping or None
        A split, as ``{"name": "chromosome", "test": ["chr8"]}``, whose rules the folds keep:
        ``random`` deals rows; ``stratified`` deals the rows of each class or range; ``chromosome``
        deals whole contigs, and rows on contigs that it names nowhere are in no fold; ``group``
        and ``homology`` deal groups and clusters. Its fractions play no part.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray of int64, shape (n,)
        Fold of every row, from 0 up; -1 for rows that are in none.

    Raises
    ------
    SeqdataError
        Where there are less than 3 folds, ``like`` is no split that says what stays together, or
        both it and ``groups`` are given.

    Examples
    --------
    >>> np.bincount(folds(10, n_folds=3)).tolist()
    [4, 3, 3]
    >>> ds = xr.Dataset(coords={"chrom": ("_sequence", ["chr1", "chr2", "chr1", "chr3"])})
    >>> found = folds(ds, n_folds=3, like={"name": "chromosome"})
    >>> found.tolist()[0] == found.tolist()[2] == 0, sorted(set(found.tolist()))
    (True, [0, 1, 2])
    """
    if n_folds < 3:
        raise SeqdataError(f"{n_folds} folds: expected at least 3 folds (train, validation, test).")
    if like is not None and groups is not None:
        raise SeqdataError("groups and like both say which rows stay together: give one of them.")
    n = size_of(ds)
    if like is not None:
        return _like(ds, dict(like), n_folds, seed)
    if groups is None:
        members: NDArray[np.generic] = np.arange(n)
    elif isinstance(groups, str):
        if not isinstance(ds, xr.Dataset):
            raise SeqdataError("a name of groups needs a dataset: pass the groups themselves.")
        members = labels_of(ds, groups, "k-fold")
    else:
        members = np.asarray(groups)
    return _dealt(members, n_folds, seed)


def group_folds(
    ds: xr.Dataset | ArrayLike, by: str | None = None, *, seed: int = 0
) -> tuple[Folds, list[str]]:
    """Put each group of rows into a fold of its own, for leaving one out at a time.

    Parameters
    ----------
    ds : xarray.Dataset or array_like of shape (n,)
        The dataset, or the group of each row.
    by : str, optional
        Variable of the dataset that names the groups.
    seed : int
        Seed of the order of the folds.

    Returns
    -------
    folds : ndarray of int64, shape (n,)
        Fold of every row, as ``folds`` and ``kfold`` deal them with ``groups=by`` and as many
        folds as groups.
    names : list of str
        The group in each fold.

    Raises
    ------
    SeqdataError
        Where rows are in no group, or there are less than 3 groups.

    Examples
    --------
    >>> found, names = group_folds(["b", "a", "b", "c"])
    >>> [names[fold] for fold in found]
    ['b', 'a', 'b', 'c']
    """
    labels = labels_of(ds, by, "leave-one-group-out")
    lost = np.isnan(labels) if labels.dtype.kind == "f" else np.isin(labels, ("", "nan", "NaN"))
    if lost.any():
        raise SeqdataError(
            f"{int(lost.sum())} rows are in no group of {by or 'those given'}, the first of them "
            f"row {int(np.argmax(lost))}: name a group for each, or leave the rows out."
        )
    count = len(np.unique(labels))
    if count < 3:
        raise SeqdataError(
            f"{by or 'what was given'} names {count} groups: expected at least 3 (one tests, one "
            "validates, the others train)."
        )
    dealt = _dealt(labels, count, seed)
    return dealt, [str(labels[dealt == fold][0]) for fold in range(count)]


def _like(ds: xr.Dataset | int, like: dict[str, object], n_folds: int, seed: int) -> Folds:
    """Deal rows by the rules of a split."""
    name = str(like.pop("name", None))
    if name == "column":
        raise SeqdataError(
            "a column of the data fixes the split, so there is nothing to deal into folds. Name a "
            "split that says which rows stay together: random, chromosome, group or homology."
        )
    if name not in _LIKE:
        raise SeqdataError(f"{name!r} is no split of which folds can be made"
                           f"{did_you_mean(name, _LIKE)}")  # fmt: skip
    if name == "random" or (name == "kfold" and not like.get("groups") and not like.get("like")):
        return folds(ds, n_folds=n_folds, seed=seed)
    if not isinstance(ds, xr.Dataset):
        raise SeqdataError(f"folds like a split {name!r} need a dataset.")
    by = None if like.get("by") is None else str(like["by"])
    if name == "stratified":
        classes = strata(labels_of(ds, by, name), int(str(like.get("n_bins") or 10)))
        # rows of a class follow each other, and are dealt one by one
        order = np.lexsort((counter_seed(seed, DRAW, np.arange(len(classes))), classes))
        dealt = np.empty(len(classes), np.int64)
        dealt[order] = np.arange(len(classes)) % n_folds
        return dealt
    if name == "chromosome":
        parts = {key: like[key] for key in ("train", "val", "test") if like.get(key)}
        dealt = np.full(size_of(ds), -1, np.int64)
        there = chromosome(ds, **parts) != NONE  # type: ignore[arg-type]
        dealt[there] = _dealt(named(ds, "chrom").astype(str)[there], n_folds, seed)
        return dealt
    if name == "group":
        return _dealt(labels_of(ds, by, name), n_folds, seed)
    if name == "kfold":
        inner, groups = like.get("like"), like.get("groups")
        return folds(ds, n_folds=n_folds, groups=groups, like=inner, seed=seed)  # type: ignore[arg-type]
    found = relatives(
        ds,
        seq_var=str(like.get("seq_var") or "seq"),
        threshold=float(str(like.get("threshold") or 0.5)),
        k=int(str(like.get("k") or 11)),
        seed=seed,
    )
    return _dealt(found, n_folds, seed)


def _dealt(members: NDArray[np.generic], n_folds: int, seed: int) -> Folds:
    """Deal whole groups, the large ones first, each to the smallest fold."""
    _, inverse, sizes = np.unique(members, return_inverse=True, return_counts=True)
    order = np.argsort(counter_seed(seed, DRAW, np.arange(len(sizes))), kind="stable")
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of = np.empty(len(sizes), np.int64)
    if len(sizes) and sizes.min() == sizes.max():
        fold_of[order] = np.arange(len(sizes)) % n_folds
    else:
        filled = np.zeros(n_folds, np.int64)
        for g in order:
            fold_of[g] = int(np.argmin(filled))
            filled[fold_of[g]] += sizes[g]
    return np.asarray(fold_of[inverse.reshape(-1)])


def kfold(
    ds: xr.Dataset | int,
    *,
    n_folds: int = 5,
    fold: int = 0,
    groups: str | ArrayLike | None = None,
    like: Mapping[str, object] | None = None,
    seed: int = 0,
) -> Codes:
    """Split rows for one turn of a cross-validation.

    Parameters
    ----------
    ds : xarray.Dataset or int
        The dataset, or its number of rows.
    n_folds : int
        Number of folds, 3 or more.
    fold : int
        Fold to test on; the next one validates, the others train.
    groups : str, array_like of shape (n,), or None
        Groups of rows that stay together.
    like : mapping or None
        A split whose rules the folds keep, as of `folds`.
    seed : int
        Seed of the draw; the same for all folds.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes; -1 for rows that are in no fold.

    Raises
    ------
    SeqdataError
        Where there is no such fold.

    Examples
    --------
    >>> codes = [kfold(10, fold=fold) for fold in range(5)]
    >>> sum((c == 2).astype(int) for c in codes).tolist() == [1] * 10
    True
    """
    if n_folds < 3 or not 0 <= fold < n_folds:
        raise SeqdataError(
            f"fold {fold} of {n_folds}: expected at least 3 folds (train, validation, test), "
            "counted from 0."
        )
    dealt = folds(ds, n_folds=n_folds, groups=groups, like=like, seed=seed)
    codes = np.full(len(dealt), TRAIN, np.int8)
    codes[dealt == (fold + 1) % n_folds] = VAL
    codes[dealt == fold] = TEST
    codes[dealt < 0] = NONE
    return codes
