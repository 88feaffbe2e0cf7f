"""Choose where a loader gets its rows from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import xarray as xr

from seqdata.errors import SeqdataError
from seqdata.loading._fields import describe, is_binned
from seqdata.loading._memmap import map_variables
from seqdata.loading._options import LoaderOptions
from seqdata.loading._ragged import describe_ragged, is_ragged
from seqdata.loading._source import AnyField, ArraySource, BlockSource, RegionSource, Source
from seqdata.windows._lazy import region_array

#: Datasets up to this size (bytes) are read whole rather than streamed.
IN_MEMORY_LIMIT = 512 * 2**20

# mapped pages held before they are given back; each row brings its neighbourhood along
_MAPPED_BYTES = 40 * 2**20
_NEIGHBOURHOOD = 256 * 2**10
# batches of windows cut ahead
_BATCHES_AHEAD = 8


def describe_all(ds: xr.Dataset, options: LoaderOptions) -> tuple[AnyField, ...]:
    """Describe the variables of a batch.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    options : LoaderOptions
        Variables and windows.

    Returns
    -------
    tuple of Field or RaggedField
    """
    sample_dims, length, max_jitter = options.sample_dims, options.length, options.max_jitter
    stored = int(ds.attrs.get("max_jitter", 0) or 0)
    trim = 0 if max_jitter is None else max(max_jitter, stored)
    length_dim = str(ds.attrs.get("length_dim") or "_length")
    window = length if max_jitter is not None else None
    fields: list[AnyField] = []
    for name in options.variables:
        own = options.lengths.get(name)
        if is_ragged(ds, name, sample_dims):
            fields.append(describe_ragged(ds, name, n_rows=ds.sizes[sample_dims[0]]))
            continue
        fields.append(
            describe(
                ds,
                name,
                sample_dims=sample_dims,
                length_dim=length_dim,
                width=own if own is not None or is_binned(ds[name]) else window,
                trim=trim if own is None and length is None else (max_jitter or 0),
            )
        )
    return tuple(fields)


def open_source(ds: xr.Dataset, fields: Sequence[AnyField], options: LoaderOptions) -> Source:
    """Return the source that suits a dataset and its size.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    fields : sequence of Field or RaggedField
        Variables to serve.
    options : LoaderOptions
        Where rows are to be held.

    Returns
    -------
    Source

    Raises
    ------
    SeqdataError
        For settings that contradict the dataset.
    """
    sample_dims, batch_size, in_memory = options.sample_dims, options.batch_size, options.in_memory
    cut = any(region_array(ds[f.name]) is not None for f in fields)
    lazy = any(region_array(ds[f.name]) is None and ds[f.name].chunks is not None for f in fields)
    if options.cache == "memmap":
        if cut:
            raise SeqdataError(
                "windows of sd.open_regions are cut from files that are mapped already: leave "
                "`cache` away, or write the dataset with sd.to_zarr first."
            )
        mapped = map_variables(ds, fields, sample_dims=sample_dims, folder=options.cache_dir)
        each = sum(f.row_bytes + _NEIGHBOURHOOD for f in fields)
        return ArraySource(
            ds,
            fields,
            sample_dims=sample_dims,
            mapped=mapped,
            rows_at_once=max(batch_size, _MAPPED_BYTES // each) if mapped.has_pages else None,
        )
    if in_memory is None:
        size = sum(
            f.row_bytes * math.prod(ds.sizes[sample_dims[i]] for i in f.axes) for f in fields
        )
        in_memory = not (lazy or cut) or size <= IN_MEMORY_LIMIT
    if in_memory:
        return ArraySource(ds, fields, sample_dims=sample_dims)
    if cut:
        each = max(1, sum(f.row_bytes for f in fields))
        rows = min(_BATCHES_AHEAD * batch_size, max(1, options.read_bytes // each))
        return RegionSource(ds, fields, sample_dims=sample_dims, rows_at_once=rows)
    return BlockSource(ds, fields, sample_dims=sample_dims)
