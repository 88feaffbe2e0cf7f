"""Add variables from further files to the rows that a dataset has."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import xarray as xr
from dask.delayed import delayed

import seqdata._accessor  # noqa: F401 (registers ds.sd)
from seqdata.errors import LengthError, SchemaError
from seqdata.readers._base import FlatReader, RegionReader, check_readers
from seqdata.readers._columns import agreed_blocks
from seqdata.readers._kernels import pad_rows
from seqdata.readers.binned import Binned
from seqdata.schema import check_new_names, with_names
from seqdata.store import open_zarr, to_zarr
from seqdata.store._objects import StoreLike
from seqdata.store._shards import shard_rows
from seqdata.windows._plan import RegionPlan
from seqdata.windows._read import read_shard
from seqdata.windows._regions import make_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def add_layers_from_files(
    ds: xr.Dataset,
    *readers: RegionReader | FlatReader,
    path: StoreLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Add variables read from files to the rows of a dataset.

    Region readers (BigWig, BAM, GenomeFASTA, ...) are asked for the stored windows of the rows,
    jitter included, and turned round on the "-" strand as :func:`from_region_files` does. Flat
    readers (Table, FlatFASTA) bring one record or row for each row, in the same order.

    Parameters
    ----------
    ds : Dataset
        Dataset; with coordinates ``chrom``, ``start``, ``end`` for region readers.
    *readers : RegionReader or FlatReader
        Sources; their names must be new.
    path : str, Path or zarr Store, optional
        Write the dataset with its new variables there, shard by shard, and open it. With
        ``overwrite=True`` it may be the store that ``ds`` comes from. By default nothing is
        written: region variables are read lazily, whenever they are computed.
    overwrite : bool, default False
        Replace a store that is there.

    Returns
    -------
    Dataset
        The variables of ``ds`` and the new ones: ``{name}`` S1 ``(_sequence, _length)`` for
        sequences, ``(_sequence, sample, _length)`` for tracks, one 1-D variable a table column.

    Raises
    ------
    SchemaError
        If a name is taken, the rows have no coordinates, or were joined of exons.
    LengthError
        If a flat reader has another number of rows, or windows are longer than ``_length``.
    ContigError, TrackError, FastaError, TableError, StoreError
        If an input cannot be used, or the store cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> fasta = pathlib.Path(folder.name) / "g.fa"
    >>> _ = fasta.write_text(">chr1\nAACCGGTTAC\n")
    >>> ds = xr.Dataset({"y": ("_sequence", [0.5])}, coords={"chrom": ("_sequence", ["chr1"]),
    ...     "start": ("_sequence", [2]), "end": ("_sequence", [6])})
    >>> sd.add_layers_from_files(ds, sd.GenomeFASTA("seq", fasta))["seq"].values.tolist()
    [[b'C', b'C', b'G', b'G']]
    >>> folder.cleanup()
    """
    check_readers(readers, (RegionReader, FlatReader), "BigWig or Table")
    check_new_names([reader.name for reader in readers], map(str, ds.variables), "readers")
    source = ds.encoding.get("source")
    out = ds
    region = [reader for reader in readers if isinstance(reader, RegionReader)]
    if region:
        plan = _plan_of(ds)
        jitter = int(ds.attrs.get("max_jitter", 0) or 0)
        for reader in region:
            if isinstance(reader, Binned):
                reader = reader.widened(jitter)
            if reader.missing == "warn":
                reader.check_contigs(plan.windows, "the dataset")
            out = out.merge(_lazy_layer(out, plan, reader))
    for flat in (reader for reader in readers if isinstance(reader, FlatReader)):
        out = out.merge(_flat_layer(out, flat))
    out.attrs = dict(ds.attrs)
    if path is None:
        out.encoding["source"] = source
        return out
    to_zarr(out, path, overwrite=overwrite)
    return open_zarr(path)


def _plan_of(ds: xr.Dataset) -> RegionPlan:
    """Lay out the stored windows of the rows."""
    if ds.attrs.get("provenance", {}).get("options", {}).get("splice"):
        msg = (
            "The rows were joined of exons, which their coordinates do not tell: build the new "
            "variable with from_region_files(..., splice=True), and merge the two."
        )
        raise SchemaError(msg)
    table = ds.sd.regions()
    start, end = table["chromStart"].to_numpy(), table["chromEnd"].to_numpy()
    lengths = end - start
    width = int(lengths.max(initial=0))
    stored = ds.sizes.get(ds.sd.length_dim, width)
    if any(str(name).endswith("_offsets") for name in ds.variables) or width > stored:
        msg = (
            f"Windows reach {width} bp, the dataset has {stored} positions: its rows are stored "
            "one behind the other or were cropped. Build it again with from_region_files and all "
            "readers."
        )
        raise LengthError(msg)
    windows = make_windows(table, start, end)
    # the rows were cut out of a genome that has these contigs
    windows = replace(windows, known=frozenset(windows.names))
    return RegionPlan(
        windows, np.arange(len(table) + 1), table["chrom"].to_numpy(), start, end, windows.strand,
        lengths, stored, "fixed" if (lengths == stored).all() else "padded", {},
    )  # fmt: skip


def _lazy_layer(ds: xr.Dataset, plan: RegionPlan, reader: RegionReader) -> xr.Dataset:
    """Describe the variable of a reader, read in blocks of rows when it is computed."""
    track = reader.track()
    if track.is_binned and plan.layout != "fixed":
        msg = f"{track.name!r} is in bins, so all rows need one length."
        raise LengthError(msg)
    shape = (*track.middle.values(), track.width_of(plan.width))
    rows = shard_rows(int(np.prod(shape)) * np.dtype(track.dtype).itemsize)
    letters = track.kind == "sequence"
    dtype = np.dtype("S1") if letters else np.dtype(track.dtype)
    # file handles are not shared between threads
    lock = threading.Lock()

    def block(first: int) -> NDArray[np.generic]:
        with lock:
            try:
                values = read_shard(plan, [reader], first, first + rows)[track.name]
            finally:
                reader.close()
        return values.view("S1") if letters else values

    parts = [
        da.from_delayed(  # type: ignore[no-untyped-call]
            delayed(block)(first), (min(rows, plan.n_rows - first), *shape), dtype=dtype
        )
        for first in range(0, plan.n_rows, rows)
    ]
    row_dim, length_dim = ds.sd.sequence_dim, ds.sd.length_dim
    dims = (row_dim, *track.middle, track.along(length_dim))
    data: object = np.empty((0, *shape), dtype)
    if parts:
        data = da.concatenate(parts)  # type: ignore[no-untyped-call]
    found = {track.name: (dims, data, track.attrs)}
    if plan.layout != "fixed":
        found[f"{track.name}_length"] = (row_dim, plan.lengths.astype(np.int32), {"units": "bp"})
    return with_names(xr.Dataset(found, coords=track.coordinates()))


def _flat_layer(ds: xr.Dataset, reader: FlatReader) -> xr.Dataset:
    """Read the rows of a flat file into memory."""
    row_dim = ds.sd.sequence_dim
    blocks = agreed_blocks(reader)
    lengths = np.concatenate([block.lengths for block in blocks])
    n_rows = ds.sizes.get(row_dim, len(lengths))
    if len(lengths) != n_rows:
        msg = (
            f"{', '.join(reader.files())} has {len(lengths)} rows, the dataset {n_rows}: they "
            "need the same rows in the same order. merge_obs joins tables by a key."
        )
        raise LengthError(msg)
    matrix = np.zeros((n_rows, int(lengths.max(initial=0))), dtype=np.uint8)
    pad_rows(np.concatenate([block.letters for block in blocks]), lengths, matrix)
    length_dim = ds.sd.length_dim
    if ds.sizes.get(length_dim, matrix.shape[1]) != matrix.shape[1]:
        length_dim = f"{length_dim}_{reader.name}"
    attrs = {"kind": "sequence", "alphabet": reader.letters}
    found: dict[str, object] = {reader.name: ((row_dim, length_dim), matrix.view("S1"), attrs)}
    if (lengths != matrix.shape[1]).any():
        found[f"{reader.name}_length"] = (row_dim, lengths.astype(np.int32), {"units": "bp"})
    for name in blocks[0].columns:
        found[name] = (row_dim, np.concatenate([block.columns[name] for block in blocks]))
    check_new_names(list(found), map(str, ds.variables), f"reader {reader.name!r}")
    return xr.Dataset(found)
