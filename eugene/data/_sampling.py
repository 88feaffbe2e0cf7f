"""Samplers of training rows by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eugene.errors import DataError, did_you_mean
from seqdata.loading import RatioSampler, RowSampler, Selection, WeightedSampler

_SAMPLERS: dict[str, Any] = {"ratio": RatioSampler, "weighted": WeightedSampler}


class OfDataset:
    """A sampler that looks its variable up in the dataset, whatever a batch calls it."""

    def __init__(self, sampler: RowSampler, ds: xr.Dataset) -> None:
        self._sampler, self._ds = sampler, ds

    def __repr__(self) -> str:
        return repr(self._sampler)

    def bind(self, ds: xr.Dataset, rows: NDArray[np.int64], seed: int) -> Selection:
        """Return the selection among rows of the dataset behind the one given."""
        return self._sampler.bind(self._ds, rows, seed)


def make_sampler(given: Mapping[str, Any] | str | RowSampler | None) -> RowSampler | None:
    """Return a sampler from its name, or its name and arguments, or as it is given."""
    if given is None or isinstance(given, RowSampler):
        return given
    options = {"name": given} if isinstance(given, str) else dict(given)
    name = str(options.pop("name", None))
    if name not in _SAMPLERS:
        raise DataError(f"sampler: there is no sampler {name!r}{did_you_mean(name, _SAMPLERS)}")
    try:
        made: RowSampler = _SAMPLERS[name](**options)
    except TypeError as error:
        raise DataError(f"sampler {name!r}: {error}.") from error
    return made
