"""Put datasets together, add columns to them, and turn batches over, under EUGENe's names."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from eugene.errors import EugeneError, EugeneWarning, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = ["RandomRC", "add_obs", "concat_sdatas"]
__path__: list[str] = []  # EUGENe's was a package: its modules are found by seqpro.family


class DataloadError(EugeneError, ValueError):
    """Datasets or tables do not fit each other."""


def concat_sdatas(
    sdatas: Iterable[xr.Dataset], keys: Sequence[Hashable] | None = None
) -> xr.Dataset:
    """Put datasets one behind the other.

    Parameters
    ----------
    sdatas : iterable of xarray.Dataset
        Datasets with the dimension ``_sequence``; they are left as they are.
    keys : sequence or None
        A name for each, kept as the variable ``batch`` (_sequence,); default their numbers.

    Returns
    -------
    xarray.Dataset
        All rows; only variables that every dataset has.

    Raises
    ------
    DataloadError
        Where there is nothing to put together, or not one key for each.

    Examples
    --------
    >>> one = xr.Dataset({"y": ("_sequence", [1.0])})
    >>> two = xr.Dataset({"y": ("_sequence", [2.0, 3.0])})
    >>> concat_sdatas([one, two], ["a", "b"])["batch"].values.tolist()
    ['a', 'b', 'b']
    """
    from seqdata.schema import with_names

    parts = list(sdatas)
    if not parts:
        raise DataloadError("there is no dataset to put together.")
    names = list(range(len(parts))) if keys is None else list(keys)
    if len(names) != len(parts):
        raise DataloadError(f"there are {len(names)} keys for {len(parts)} datasets: one each.")
    for i, part in enumerate(parts):
        if "_sequence" not in part.sizes:
            raise DataloadError(f"dataset {i} has no dimension '_sequence': {list(part.sizes)}.")
    common = [v for v in parts[0].variables if all(v in p.variables for p in parts)]
    plain = [_decoded(p[[v for v in common if v in p.data_vars]]) for p in parts]
    kind = object if any(isinstance(n, str) for n in names) else None
    marked = [
        part.assign(batch=("_sequence", np.full(part.sizes["_sequence"], name, dtype=kind)))
        for part, name in zip(plain, names, strict=True)
    ]
    joined = xr.concat(marked, "_sequence", combine_attrs="drop_conflicts", join="outer")
    return with_names(_coded(joined, parts[0]))


def _decoded(ds: xr.Dataset) -> xr.Dataset:
    """Return codes as names: two datasets may number their contigs differently."""
    from seqdata.schema import decode

    made = {
        name: (ds[name].dims, decode(ds[name]).astype(object))
        for name in ds.variables
        if "flag_values" in ds[name].attrs
    }
    return ds.assign_coords({k: v for k, v in made.items() if k in ds.coords}).assign(
        {k: v for k, v in made.items() if k not in ds.coords}
    )


def _coded(ds: xr.Dataset, first: xr.Dataset) -> xr.Dataset:
    """Return names as codes again, those of the first dataset before new ones."""
    from seqdata.schema import coded_coordinate, codes_of

    for name in [n for n in ds.variables if n in first and "flag_values" in first[n].attrs]:
        codes = codes_of(first[name])
        values = [str(v) for v in ds[name].to_numpy()]
        fresh = [v for v in dict.fromkeys(values) if v not in codes]
        top = max(codes.values(), default=-1)
        codes = codes | {v: top + 1 + i for i, v in enumerate(fresh)}
        variable = coded_coordinate(values, codes)
        ds = (
            ds.assign_coords({name: variable}) if name in ds.coords else ds.assign({name: variable})
        )
    return ds


def _name(value: Any) -> str:
    """Return an identifier as text: 1, 1.0 and "1" are one, bytes are text."""
    if isinstance(value, bytes):
        return value.decode()
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value) if whole else value)


def add_obs(
    sdata: xr.Dataset,
    obs: pd.DataFrame,
    on: str | None = None,
    left_on: str | None = None,
    right_on: str | None = None,
) -> None:
    """Add the columns of a table to a dataset, matched by a name.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset; it is changed.
    obs : pandas.DataFrame
        Table with one row for each name; rows of other names are left out, and rows of the
        dataset without one get missing values.
    on : str or None
        Variable and column of the names, where both are called the same.
    left_on, right_on : str or None
        Variable of the dataset and column of the table, where they are not.

    Raises
    ------
    DataloadError
        Where a name is missing or not unique, no name is shared, or the columns would replace
        variables.

    Warns
    -----
    EugeneWarning
        Where the table lacks rows of the dataset.

    Examples
    --------
    >>> import pandas as pd
    >>> ds = xr.Dataset({"id": ("_sequence", ["a", "b"])})
    >>> add_obs(ds, pd.DataFrame({"id": ["b", "a"], "y": [2.0, 1.0]}), on="id")
    >>> ds["y"].values.tolist()
    [1.0, 2.0]
    """
    if (on is None) == (left_on is None and right_on is None) or (left_on is None) != (
        right_on is None
    ):
        raise DataloadError("give either `on`, or both `left_on` and `right_on`.")
    left = str(on if on is not None else left_on)
    right = str(on if on is not None else right_on)
    if left not in sdata.variables:
        known = [str(v) for v in sdata.variables]
        raise DataloadError(f"the dataset has no variable {left!r}{did_you_mean(left, known)}")
    if right not in obs.columns:
        known = [str(c) for c in obs.columns]
        raise DataloadError(f"the table has no column {right!r}{did_you_mean(right, known)}")
    table = obs.assign(**{right: [_name(v) for v in obs[right]]}).set_index(right)
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise DataloadError(f"the table has several rows for {twice!r}: one is expected.")
    taken = [str(c) for c in table.columns if c in sdata.variables]
    if taken:
        raise DataloadError(f"the dataset has variables {taken} already: rename the columns.")
    names = [_name(n) for n in sdata[left].to_numpy().tolist()]
    there = sum(name in table.index for name in names)
    if names and not there:
        raise DataloadError(
            f"no {left!r} of the dataset ({names[0]!r}, ...) is among the {len(table)} names in "
            f"{right!r} of the table ({', '.join(map(repr, table.index[:1]))}, ...)"
        )
    if there < len(names):
        lost = next(name for name in names if name not in table.index)
        warnings.warn(
            f"the table has no row for {len(names) - there} of {len(names)} sequences, the first "
            f"{lost!r}: their values are missing",
            EugeneWarning,
            stacklevel=2,
        )
    matched = table.reindex(names)
    for column in matched.columns:
        values = matched[column]
        plain = values.dtype.kind in "biuf" if isinstance(values.dtype, np.dtype) else False
        array: Any = values.to_numpy() if plain else values.to_numpy(dtype=object)
        if not plain:
            array = np.where(values.isna(), "", array)
        sdata[str(column)] = ("_sequence", array)


class RandomRC:
    """Turn random sequences of a batch of one-hot sequences into their reverse complement.

    All arrays of one call are turned alike. The loader does this better: there the strand of a
    row follows from the seed and the epoch (``reverse_complement`` of
    `eugene.data.SequenceDataModule`).

    Parameters
    ----------
    rc_prob : float
        Chance of each sequence to be turned.
    generator : torch.Generator or None
        Source of randomness, on the CPU; default a new one with seed 0.

    Examples
    --------
    >>> import torch
    >>> x = torch.eye(4)[None]
    >>> RandomRC(rc_prob=1.0)(x).equal(x.flip(1, 2))
    True
    """

    def __init__(self, rc_prob: float = 0.5, *, generator: torch.Generator | None = None) -> None:
        if not 0.0 <= rc_prob <= 1.0:
            raise DataloadError(f"rc_prob is {rc_prob}: expected a probability from 0 to 1.")
        self.rc_prob = rc_prob
        self._generator = generator

    def __call__(self, *arrays: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Return the batch with some sequences turned.

        Parameters
        ----------
        *arrays : Tensor, shape (N, A, L)
            One-hot sequences, or tracks with one channel a strand.

        Returns
        -------
        Tensor or tuple of Tensor
            As many as were given.
        """
        import torch

        if self._generator is None:
            self._generator = torch.Generator().manual_seed(0)
        turned = torch.rand(len(arrays[0]), generator=self._generator) < self.rc_prob
        out = []
        for array in arrays:
            if array.ndim != 3 or len(array) != len(turned):
                raise DataloadError(
                    f"a batch of shape {tuple(array.shape)} is not (N, A, L) with N = "
                    f"{len(turned)}."
                )
            chosen = turned.to(array.device)[:, None, None]
            out.append(torch.where(chosen, array.flip(1, 2), array))
        return out[0] if len(out) == 1 else tuple(out)
