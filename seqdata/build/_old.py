"""Functions of SeqData that its packages called experimental, under their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import xarray as xr

from seqdata.errors import SchemaError
from seqdata.readers.bed import read_bedlike
from seqdata.regions import label_overlapping_regions as _label
from seqdata.schema import SEQUENCE_DIM, check_new_names, decode

if TYPE_CHECKING:
    from seqdata.torch import SequenceLoader

_BED = {"chrom": "chrom", "start": "chromStart", "end": "chromEnd"}


def add_bed_to_sdata(
    sdata: xr.Dataset,
    bed: str | Path | pd.DataFrame,
    col_prefix: str | None = None,
    sequence_dim: str | None = None,
) -> xr.Dataset:
    """Add the columns of a table of regions, a row for each sequence.

    Parameters
    ----------
    sdata : Dataset
        The sequences; it is left as it is.
    bed : path or DataFrame
        Regions in the order of the rows.
    col_prefix : str, optional
        Put before the names of the columns.
    sequence_dim : str, optional
        Dimension of the rows.

    Returns
    -------
    Dataset

    Raises
    ------
    SchemaError
        If there are more regions than rows, or fewer, or a name is taken.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", [1.0])})
    >>> bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    >>> add_bed_to_sdata(ds, bed, "bed_")["bed_chromStart"].values.tolist()
    [5]
    """
    table = bed if isinstance(bed, pd.DataFrame) else read_bedlike(bed)
    dim = sequence_dim or SEQUENCE_DIM
    if len(table) != sdata.sizes.get(dim):
        raise SchemaError(
            f"{len(table)} regions for {sdata.sizes.get(dim)} rows of {dim!r}: one each is needed."
        )
    names = {column: f"{col_prefix or ''}{column}" for column in map(str, table.columns)}
    check_new_names(list(names.values()), map(str, sdata.variables), "columns of the regions")
    made = {}
    for column, name in names.items():
        values = table[column]
        plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf"
        made[name] = (dim, values.to_numpy() if plain else values.to_numpy(dtype=object))
    return sdata.assign(made)


def label_overlapping_regions(
    sdata: xr.Dataset,
    targets: str | Path | pd.DataFrame,
    mode: Literal["binary", "multitask"],
    label_dim: str | None = None,
    fraction_overlap: float | None = None,
) -> xr.DataArray:
    """Label the rows of a dataset by the targets that their regions overlap.

    Parameters
    ----------
    sdata : Dataset
        With ``chrom``, and ``start`` and ``end`` or ``chromStart`` and ``chromEnd``, in bp.
    targets : path or DataFrame
        Targets; for ``"multitask"`` with a column ``name``.
    mode : {"binary", "multitask"}
        One label, or one a name.
    label_dim : str, optional
        Dimension of the names; ``"_label"`` by default.
    fraction_overlap : float, optional
        Share of the region that a target must cover, and of the target that the region must;
        any bp by default.

    Returns
    -------
    DataArray of uint8, (_sequence,) or (_sequence, label_dim)

    Raises
    ------
    SchemaError
        If the dataset has no regions.
    """
    columns = {}
    for ours, theirs in _BED.items():
        name = ours if ours in sdata.variables else theirs
        if name not in sdata.variables:
            raise SchemaError(f"The dataset has no variable {ours!r} or {theirs!r} of its regions.")
        coded = "flag_meanings" in sdata[name].attrs
        columns[theirs] = decode(sdata[name]) if coded else sdata[name].to_numpy()
    dim = str(sdata[_BED["chrom"]].dims[0])
    fraction = fraction_overlap or 0.0
    found = _label(pd.DataFrame(columns), targets, mode=mode, fraction=fraction)
    values = found.to_numpy(np.uint8)
    if mode == "binary":
        return xr.DataArray(values[:, 0], dims=dim, name="label")
    tasks = label_dim or "_label"
    return xr.DataArray(values, dims=(dim, tasks), coords={tasks: [*found.columns]}, name="label")


def xarray_data_loader(
    sdata: xr.Dataset,
    sample_dims: str | Sequence[str] = "_sequence",
    variables: str | Sequence[str] | None = None,
    transform: Callable[..., dict[str, object]] | None = None,
    dtypes: object = None,
    batch_size: int = 1,
    prefetch_factor: int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    return_tuples: bool = False,
) -> SequenceLoader:
    """Return what `seqdata.get_torch_dataloader` does, under XArrayDataLoader's arguments.

    SeqData's gave the first chunks again and again; here every row comes once.

    Parameters
    ----------
    sdata, sample_dims, variables, transform, dtypes, batch_size, shuffle, return_tuples
        As of `seqdata.get_torch_dataloader`.
    prefetch_factor : int, optional
        Unused: how much is read ahead follows from the shards.
    seed : int, optional
        Of the order; 0 by default.

    Returns
    -------
    SequenceLoader
    """
    import seqdata as sd

    return sd.get_torch_dataloader(
        sdata,
        sample_dims,
        variables,
        transform,
        dtypes,  # type: ignore[arg-type]
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed or 0,
        return_tuples=return_tuples,
    )
