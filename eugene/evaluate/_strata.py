"""Strata: rows of one class, or of one range of a number."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene.errors import EugeneError

Strata: TypeAlias = str | Sequence[str] | Mapping[str, int | None]
"""Variables to part rows by, with a number of bins for those that are measured."""

MOST = 50
_FEW = 20


def listed_strata(strata: Strata | None) -> dict[str, int | None]:
    """Return the variables that rows are parted by, and the bins of each, None for classes.

    Examples
    --------
    >>> listed_strata("chrom"), listed_strata({"gc": 4})
    ({'chrom': None}, {'gc': 4})
    """
    if strata is None:
        return {}
    if isinstance(strata, Mapping):
        return {str(name): None if bins is None else int(bins) for name, bins in strata.items()}
    return dict.fromkeys([strata] if isinstance(strata, str) else list(strata))


def stratify(
    values: ArrayLike, bins: int | None = None, *, name: str = "strata"
) -> dict[str, NDArray[np.int64]]:
    """Part rows by the value of a variable.

    Parameters
    ----------
    values : array_like, shape (n,)
        Classes, or numbers where there are bins. What is missing (NaN, or an empty text) is a
        stratum of its own.
    bins : int, optional
        Ranges with as many rows each as ties allow; without it each value is a class.
    name : str
        What the variable is called in messages.

    Returns
    -------
    dict of ndarray of int64
        Label -> its rows, in order: ``"0.25 to 0.4"`` holds what is above 0.25, up to and with
        0.4; the first range holds its lower end too.

    Raises
    ------
    EugeneError
        If there are more than 50 strata, measured values have no bins, or texts have some.

    Examples
    --------
    >>> {k: v.tolist() for k, v in stratify([1.0, 3.0, 2.0, 9.0], bins=2).items()}
    {'1 to 2.5': [0, 2], '2.5 to 9': [1, 3]}
    >>> {k: v.tolist() for k, v in stratify(["chr1", "chr2", "chr1"]).items()}
    {'chr1': [0, 2], 'chr2': [1]}
    """
    given = np.asarray(values)
    if given.ndim != 1:
        raise EugeneError(f"{name!r} has shape {given.shape}: expected one value a row")
    number = given.dtype.kind in "iuf"
    if bins is not None:
        return _ranges(given, bins, name)
    classes = given if number or given.dtype.kind == "b" else given.astype(str)
    missing = np.isnan(classes) if classes.dtype.kind == "f" else classes == ""
    missing = np.broadcast_to(missing, classes.shape)
    unique, inverse = np.unique(classes[~missing], return_inverse=True)
    measured = classes.dtype.kind == "f" and (unique % 1 != 0).any()
    if (number and len(unique) > _FEW) or measured or len(unique) > MOST:
        raise EugeneError(
            f"{name!r} has {len(unique)} different values, too many for a stratum each; "
            + (f"give a number of bins, {{{name}: 4}}" if number else f"{MOST} is the most")
        )
    rows = np.flatnonzero(~missing)
    found = {
        f"{value:g}" if number else str(value): rows[inverse.reshape(-1) == i]
        for i, value in enumerate(unique.tolist())
    }
    return _with_missing(found, np.flatnonzero(missing))


def _ranges(given: NDArray[np.generic], bins: int, name: str) -> dict[str, NDArray[np.int64]]:
    if given.dtype.kind not in "biuf" or bins < 2:
        what = f"is of type {given.dtype}" if bins >= 2 else f"has {bins} bins"
        raise EugeneError(f"{name!r} {what}: bins need numbers, and two of them or more")
    numbers = given.astype(np.float64)
    there = np.isfinite(numbers)
    if not there.any():
        return _with_missing({}, np.arange(len(numbers)))
    edges = np.unique(np.quantile(numbers[there], np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="left") - 1, 0, max(len(edges) - 2, 0))
    labels = [f"{a:.4g} to {b:.4g}" for a, b in itertools.pairwise(edges)]
    found = {}
    for i, label in enumerate(labels or [f"{edges[0]:.4g}"]):
        # two ranges that round to the same label are told apart by more digits
        key = label if label not in found else f"{edges[i]:.9g} to {edges[i + 1]:.9g}"
        found[key] = np.flatnonzero(there & (place == i))
    return _with_missing(found, np.flatnonzero(~there))


def _with_missing(
    found: dict[str, NDArray[np.int64]], missing: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    return {**found, **({"missing": missing} if len(missing) else {})}
