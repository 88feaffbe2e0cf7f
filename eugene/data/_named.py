"""Splits, samplers and transforms of targets: by name, by name and arguments, or as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from eugene.config import Registry
from eugene.config.registries import SAMPLERS, SPLITS, TARGET_TRANSFORMS
from eugene.errors import DataError
from seqdata import splits
from seqdata.errors import SeqdataError
from seqdata.loading import RowSampler, Selection
from seqdata.targets import TargetTransform

Named: TypeAlias = str | Mapping[str, Any]
Split: TypeAlias = Named | ArrayLike | Callable[[xr.Dataset], ArrayLike]
Transform: TypeAlias = Named | TargetTransform


def _make(registry: Registry, given: Named, *args: object, **filled: object) -> Any:
    """Build what is named, with its arguments and those of ours that it takes."""
    return registry.made(given, registry.kind, *args, error=DataError, **filled)


def make_codes(ds: xr.Dataset, split: Split, *, seed: int, seq_var: str) -> NDArray[np.int8]:
    """Return the codes of a split.

    Parameters
    ----------
    ds : xarray.Dataset
        What is parted.
    split : str, mapping, array_like or callable
        Name of a split, name and arguments, a function of the dataset, or what it would return.
    seed, seq_var
        For splits that take them.

    Returns
    -------
    ndarray of int8, shape (n,)
        As `seqdata.splits.as_codes` gives them.

    Raises
    ------
    DataError
        If there is no such split, or it does not fit the dataset.
    """
    try:
        if isinstance(split, str | Mapping):
            return splits.deal(
                ds, lambda rows: _make(SPLITS, split, rows, seed=seed, seq_var=seq_var)
            )
        if callable(split):
            return splits.deal(ds, split)
        return splits.as_codes(split, ds.sizes["_sequence"])
    except SeqdataError as error:
        raise DataError(f"split: {error}") from error


def make_sampler(given: Named | RowSampler | None) -> RowSampler | None:
    """Return a sampler from its name, or its name and arguments, or as it is given."""
    if isinstance(given, str | Mapping):
        made: RowSampler = _make(SAMPLERS, given)
        return made
    return given


def make_transforms(given: str | Sequence[Transform]) -> list[Transform]:
    """Return transforms of targets from their names, or names and arguments.

    Parameters
    ----------
    given : str or sequence of mapping, str or TargetTransform
        A name that is not registered is left to `seqdata.targets.apply`.

    Examples
    --------
    >>> make_transforms(["zscore", {"name": "log", "base": 2}])[1]
    Log(base=2, pseudocount=1.0)
    """
    steps: list[Transform] = [given] if isinstance(given, str) else list(given)
    for i, step in enumerate(steps):
        if isinstance(step, TargetTransform):
            continue
        options = {"name": step} if isinstance(step, str) else dict(step)
        if options.get("name") in TARGET_TRANSFORMS:
            cls = TARGET_TRANSFORMS.get(str(options.pop("name")))
            steps[i] = cls.from_dict(options)
    return steps


class OfDataset:
    """A sampler that looks its variable up in the dataset, whatever a batch calls it."""

    def __init__(self, sampler: RowSampler, ds: xr.Dataset) -> None:
        self._sampler, self._ds = sampler, ds

    def __repr__(self) -> str:
        return repr(self._sampler)

    def bind(self, ds: xr.Dataset, rows: NDArray[np.int64], seed: int) -> Selection:
        """Return the selection among rows of the dataset behind the one given."""
        return self._sampler.bind(self._ds, rows, seed)
