"""Write the windows of a plan, shard by shard, here or on the workers of a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from seqdata.errors import LengthError
from seqdata.readers._base import RegionReader, Track
from seqdata.schema import check_new_names
from seqdata.store._objects import StoreLike
from seqdata.store._progress import progress_bar
from seqdata.store._provenance import build_attrs
from seqdata.store._resume import job_of
from seqdata.store._shards import Document, pack_rows, shard_rows
from seqdata.store._writer import StoreWriter
from seqdata.windows._plan import RegionPlan
from seqdata.windows._read import read_shard

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

# the rows of each array, or (rows of any length apart) the bytes of one shard of each
Rows = dict[str, "NDArray[np.generic]"]
Packed = dict[str, bytes | None]


def write_regions(
    plan: RegionPlan,
    readers: Sequence[RegionReader],
    path: StoreLike,
    *,
    overwrite: bool,
    resume: bool,
    client: Any,
    dims: tuple[str, str],
    options: Mapping[str, Any],
    sources: Sequence[str],
    mask: bool = True,
) -> None:
    """Write the windows of a plan.

    Parameters
    ----------
    plan : RegionPlan
    readers : sequence of RegionReader
    path : str, Path or zarr Store
    overwrite, resume : bool
    client : dask.distributed.Client or None
        As :func:`seqdata.from_region_files` takes them.
    dims : (str, str)
        Names of the rows and of the positions.
    options : mapping
        Arguments that shaped the plan.
    sources : sequence of str
        Files of regions.
    mask : bool, default True
        Whether to write ``mask``.
    """
    tracks = [reader.track() for reader in readers]
    # the plan holds what the files of regions said, so those need not be the same ones
    files = [file for reader in readers for file in reader.files()]
    job = job_of(
        readers, files, kind="regions", plan=plan, dims=dims, sources=sources, mask=mask, **options
    )
    with StoreWriter(path, overwrite=overwrite, job=job, resume=resume) as out:
        if out.in_place:
            return
        rows = _create_regions(out, plan, tracks, dims, mask=mask)
        for reader, track in zip(readers, tracks, strict=True):
            if (totals := reader.totals()) is not None:
                out.write_array(f"total_reads_{track.name}", totals, (track.sample_dim,))
        masks = [f"{track.name}_mask" for track in tracks if track.is_binned]
        names = [*(track.name for track in tracks), *(["mask", *masks] if mask else [])]
        first = _skip_finished(out, plan, names, rows)
        with progress_bar("build", plan.n_rows) as bar:
            bar.update(first)
            starts = range(first, plan.n_rows, rows)
            if client is None:
                _write_here(out, plan, readers, names, starts, bar)
            else:
                _write_there(out, plan, readers, names, starts, bar, client)
        attrs = build_attrs(
            readers, row_dim=dims[0], length_dim=dims[1], options=options,
            max_jitter=options["max_jitter"], sources=sources,
        )  # fmt: skip
        out.commit(attrs)


def _skip_finished(out: StoreWriter, plan: RegionPlan, names: Sequence[str], rows: int) -> int:
    """Pass over the blocks that an earlier, killed build wrote; return the row to go on with."""
    starts = np.arange(0, plan.n_rows, rows)
    items = plan.offsets[starts] if plan.layout == "flat" else starts
    block = int(np.searchsorted(items, out.written(names), side="right")) - 1
    out.skip_to(names, int(items[block]))
    return int(starts[block])


def _write_here(
    out: StoreWriter,
    plan: RegionPlan,
    readers: Sequence[RegionReader],
    names: Sequence[str],
    starts: range,
    bar: Any,
) -> None:
    for start in starts:
        block = read_shard(plan, readers, start, start + starts.step)
        # each array is let go once it is written: one shard is held at a time
        for name in names:
            out.append(name, block.pop(name))
        del block
        bar.update(min(starts.step, plan.n_rows - start))


def _write_there(
    out: StoreWriter,
    plan: RegionPlan,
    readers: Sequence[RegionReader],
    names: Sequence[str],
    starts: range,
    bar: Any,
    client: Any,
) -> None:
    """Let workers read and pack whole shards, a few in flight; put them in order here.

    All that a task needs travels with it or is a task itself, so that the scheduler can give the
    work of a lost worker to another.
    """
    documents = None if plan.layout == "flat" else {name: out.document(name) for name in names}
    with warnings.catch_warnings():
        # readers that hold their data, as fragments do, are as large as that
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        shared = client.submit(_held, readers, documents, pure=False)
    for start, block in _in_order(plan, starts, shared, client):
        n_rows = min(starts.step, plan.n_rows - start)
        for name in names:
            if documents is None:
                out.append(name, block[name])
            else:
                out.put_packed(name, block[name], n_rows)
        bar.update(n_rows)


def _in_order(
    plan: RegionPlan, starts: range, shared: Any, client: Any
) -> Iterator[tuple[int, dict[str, Any]]]:
    queue = list(starts)
    waiting: dict[int, Any] = {}
    for start in starts:
        ahead = max(2, 2 * len(client.scheduler_info()["workers"]))
        while queue and len(waiting) < ahead:
            begin = queue.pop(0)
            part = plan.part(begin, begin + starts.step)
            waiting[begin] = client.submit(_remote_shard, shared, part, pure=False)
        yield start, waiting.pop(start).result()


def _held(
    readers: Sequence[RegionReader], documents: Mapping[str, Document] | None
) -> tuple[Sequence[RegionReader], Mapping[str, Document] | None]:
    return readers, documents


def _remote_shard(
    shared: tuple[Sequence[RegionReader], Mapping[str, Document] | None], plan: RegionPlan
) -> Rows | Packed:
    readers, documents = shared
    rows = read_shard(plan, readers, 0, plan.n_rows)
    if documents is None:
        return rows
    return {name: pack_rows(document, rows[name]) for name, document in documents.items()}


def _create_regions(
    out: StoreWriter, plan: RegionPlan, tracks: list[Track], dims: tuple[str, str], *, mask: bool
) -> int:
    """Create the arrays of a region build; return the rows of a shard."""
    row_dim = dims[0]
    width = max(plan.width, 1)
    if plan.layout != "fixed" and any(track.is_binned for track in tracks):
        msg = "Binned signal needs windows of one length: pass fixed_length=<bp>."
        raise LengthError(msg)
    rows = shard_rows(
        max(
            t.width_of(width) * prod(t.middle.values()) * np.dtype(t.dtype).itemsize for t in tracks
        )
    )
    names = [*(track.name for track in tracks), "mask", "chrom", "start", "end", "strand"]
    check_new_names(names, dims, "readers and coordinates")
    check_new_names(list(plan.columns), [*names, *dims], "columns of the regions")
    for name, (along, values, attrs) in plan.coordinates(row_dim).items():
        out.write_array(name, values, along, attrs=attrs, coordinate=True)
    for name, column in plan.columns.items():
        out.write_array(name, column, (row_dim,))
    for track in tracks:
        for name, (along, values, attrs) in track.coordinates().items():
            out.write_array(name, values, along, attrs=attrs, coordinate=True)
        sizes = {**track.middle, track.along(dims[1]): track.width_of(plan.width)}
        _create_rows(out, plan, track.name, track.dtype, sizes, track.attrs, row_dim, rows)
        if mask and track.is_binned:
            own = {track.along(dims[1]): track.width_of(plan.width)}
            attrs = {**track.binning, "kind": "mask"}
            _create_rows(out, plan, f"{track.name}_mask", np.uint8, own, attrs, row_dim, rows)
        if plan.layout != "fixed":
            lengths = plan.lengths.astype(np.int32)
            out.write_array(f"{track.name}_length", lengths, (row_dim,), attrs={"units": "bp"})
    if mask:
        sizes = {dims[1]: plan.width}
        _create_rows(out, plan, "mask", np.uint8, sizes, {"kind": "mask"}, row_dim, rows)
    return rows if plan.layout != "flat" else plan.flat_rows(plan.n_rows)


def _create_rows(
    out: StoreWriter,
    plan: RegionPlan,
    name: str,
    dtype: DTypeLike,
    sizes: Mapping[str, int],
    attrs: Mapping[str, object],
    row_dim: str,
    rows: int,
) -> None:
    """Create the array of a variable, the last of its dimensions along the length.

    If it is flat, say where its rows begin.
    """
    if plan.layout == "flat":
        *middle, _ = sizes
        shape = (0, *(sizes[dim] for dim in middle))
        flat = (f"_{name}_flat", *middle)
        out.create(name, shape=shape, dtype=dtype, dims=flat, attrs=attrs)
        out.write_array(f"{name}_offsets", plan.offsets, (f"_{name}_offsets",))
        return
    shape = (0, *sizes.values())
    out.create(name, shape=shape, dtype=dtype, dims=(row_dim, *sizes), attrs=attrs, rows=rows)
