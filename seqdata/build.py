"""Build datasets from files, one shard at a time."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from seqdata._windows import Layout, RegionPlan, plain_length, plan_regions, read_shard
from seqdata._writer import StoreLike, StoreWriter, shard_rows
from seqdata.errors import LengthError, SchemaError, SeqdataError
from seqdata.readers._base import Block, FlatReader, RegionReader, Track
from seqdata.readers._kernels import pad_rows
from seqdata.schema import (
    LENGTH_DIM,
    SCHEMA_VERSION,
    SEQUENCE_DIM,
    STRANDS,
    check_new_names,
    code_attrs,
    encode,
    file_record,
    versions,
)
from seqdata.store import open_zarr

if TYPE_CHECKING:
    from numpy.typing import NDArray

# variables are padded to the longest row unless that is this many times the median
RAGGED_RATIO = 4


@dataclass
class _TypeChangedError(Exception):
    """A column of a later block needs a wider type than the first block showed."""

    column: str
    kind: Any


def from_flat_files(
    *readers: FlatReader,
    path: StoreLike,
    fixed_length: bool | int,
    overwrite: bool = False,
    sequence_dim: str | None = None,
    length_dim: str | None = None,
) -> xr.Dataset:
    r"""Build a dataset from files of sequences: one record or row, one sequence.

    Parameters
    ----------
    *readers : Table or FlatFASTA
        Sources; several must have the same number of rows.
    path : str, Path or zarr Store
        Where the store goes.
    fixed_length : bool or int
        True: all sequences have the length of the first. An int: that length (bp). False: any
        length; rows are padded with NUL on the right, ``{name}_length`` (int32) tells how far
        they go. If the longest is more than four times the median, ``{name}`` is flat instead,
        one sequence behind the other, and ``{name}_offsets`` (int64, n + 1) tells where each
        begins.
    overwrite : bool, default False
        Replace a store that is there.
    sequence_dim, length_dim : str, optional
        Dimension names, by default ``_sequence`` and ``_length``.

    Returns
    -------
    Dataset
        Opened lazily: ``{name}`` S1 ``(_sequence, _length)`` and one 1-D variable a column.

    Raises
    ------
    LengthError
        If a sequence has not the fixed length, or readers have different numbers of rows.
    TableError, FastaError, UnknownLetterError, MissingFileError
        If an input cannot be read; the message says where and how to repair it.
    StoreError, DiskFullError
        If the store cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> table = pathlib.Path(folder.name) / "x.tsv"
    >>> _ = table.write_text("sequence\tactivity\nACGT\t1.5\nTTGA\t0.5\n")
    >>> ds = sd.from_flat_files(
    ...     sd.Table("seq", table, "sequence"), path=f"{folder.name}/x.zarr", fixed_length=True)
    >>> ds["seq"].shape, ds["activity"].values.tolist()
    ((2, 4), [1.5, 0.5])
    >>> folder.cleanup()
    """
    _check_readers(readers, FlatReader, "Table or FlatFASTA")
    fixed_length = plain_length(fixed_length)
    fixed_types: dict[str, Any] = {}
    while True:
        try:
            _write_flat(
                readers, path, fixed_length, overwrite=overwrite, fixed_types=fixed_types,
                dims=(sequence_dim or SEQUENCE_DIM, length_dim or LENGTH_DIM),
            )  # fmt: skip
            break
        except _TypeChangedError as change:
            fixed_types[change.column] = change.kind
    return open_zarr(path)


def _write_flat(
    readers: tuple[FlatReader, ...],
    path: StoreLike,
    fixed_length: bool | int,
    *,
    overwrite: bool,
    fixed_types: dict[str, Any],
    dims: tuple[str, str],
) -> None:
    row_dim, length_dim = dims
    totals: dict[str, int] = {}
    lengths: dict[str, int] = {}
    with StoreWriter(path, overwrite=overwrite) as out:
        taken = set(dims)
        for reader in readers:
            sink = _FlatSink(out, reader, row_dim, length_dim, lengths, taken)
            if fixed_length is False:
                sink.choose_layout(fixed_types)
            elif fixed_length is not True:
                sink.width = fixed_length
            for block in reader.blocks(fixed_types):
                if len(block):
                    sink.add(block)
            sink.finish()
            totals[reader.name] = sink.rows
        if len(set(totals.values())) > 1:
            counts = ", ".join(f"{name}: {count}" for name, count in totals.items())
            msg = (
                f"Readers have different numbers of rows ({counts}). Files that are read side by "
                "side need the same rows in the same order."
            )
            raise LengthError(msg)
        options = {"fixed_length": fixed_length, "reader": [type(r).__name__ for r in readers]}
        out.commit(_attrs(row_dim, length_dim, 0, readers, options))


class _FlatSink:
    """Take the blocks of one reader."""

    def __init__(
        self,
        out: StoreWriter,
        reader: FlatReader,
        row_dim: str,
        length_dim: str,
        lengths: dict[str, int],
        taken: set[str],
    ) -> None:
        self.out = out
        self.reader = reader
        self.row_dim = row_dim
        self.length_dim = length_dim
        self.lengths = lengths
        self.taken = taken
        self.width: int | None = None
        self.layout = "fixed"
        self.rows = 0
        self.offset = 0
        self._types: dict[str, np.dtype[Any]] = {}

    def choose_layout(self, fixed_types: dict[str, Any]) -> None:
        """Read the lengths once, to choose between padded and flat rows."""
        counts: Counter[int] = Counter()
        with warnings.catch_warnings():
            # the second reading warns of the same letters
            warnings.simplefilter("ignore", UserWarning)
            for block in self.reader.blocks(fixed_types):
                values, number = np.unique(block.lengths, return_counts=True)
                counts.update(dict(zip(values.tolist(), number.tolist(), strict=True)))
        self.layout, self.width = layout_of(counts)

    def add(self, block: Block) -> None:
        """Append a block to the store."""
        name = self.reader.name
        if self.width is None:
            self.width = int(block.lengths[0])
        if self.rows == 0:
            self._create(block)
        for column, values in block.columns.items():
            self.out.append(column, self._checked(column, values))
        if self.layout == "flat":
            self.out.append(name, block.letters)
            ends = self.offset + np.cumsum(block.lengths)
            self.out.append(f"{name}_offsets", ends)
            self.offset = int(ends[-1])
        else:
            if self.layout == "fixed":
                self._check_lengths(block)
            matrix = np.zeros((len(block), self.width), dtype=np.uint8)
            pad_rows(block.letters, block.lengths, matrix)
            self.out.append(name, matrix)
        if self.layout != "fixed":
            self.out.append(f"{name}_length", block.lengths.astype(np.int32))
        self.rows += len(block)

    def finish(self) -> None:
        """Check that there was something."""
        if self.rows == 0:
            msg = f"{', '.join(self.reader.files())} holds no sequence."
            raise SeqdataError(msg)

    def _create(self, block: Block) -> None:
        name = self.reader.name
        names = [name, *block.columns]
        if self.layout != "fixed":
            names.append(f"{name}_length")
        check_new_names(names, self.taken, f"reader {name!r}")
        self.taken.update(names)
        letters = getattr(self.reader, "letters", "ACGT")
        attrs = {"kind": "sequence", "alphabet": letters}
        if self.layout == "flat":
            self.out.create(name, shape=(0,), dtype=np.uint8, dims=(f"_{name}_flat",), attrs=attrs)
            self.out.create(
                f"{name}_offsets", shape=(0,), dtype=np.int64, dims=(f"_{name}_offsets",)
            )
            self.out.append(f"{name}_offsets", np.zeros(1, dtype=np.int64))
        else:
            dim = self.length_dim
            if self.lengths.setdefault(dim, self.width or 0) != self.width:
                dim = f"{self.length_dim}_{name}"
            self.out.create(
                name, shape=(0, self.width or 0), dtype=np.uint8, dims=(self.row_dim, dim),
                attrs=attrs,
            )  # fmt: skip
        if self.layout != "fixed":
            self.out.create(
                f"{name}_length", shape=(0,), dtype=np.int32, dims=(self.row_dim,),
                attrs={"units": "bp"},
            )  # fmt: skip
        for column, values in block.columns.items():
            self._types[column] = values.dtype
            dtype = str if values.dtype.kind == "O" else values.dtype
            self.out.create(column, shape=(0,), dtype=dtype, dims=(self.row_dim,))

    def _checked(self, column: str, values: NDArray[Any]) -> NDArray[Any]:
        known = self._types[column]
        if values.dtype == known:
            return values
        kinds = {known.kind, values.dtype.kind}
        if known.kind == "f" and values.dtype.kind == "i":
            return values.astype(known)
        raise _TypeChangedError(column, np.float64 if kinds == {"i", "f"} else str)

    def _check_lengths(self, block: Block) -> None:
        wrong = block.lengths != self.width
        if wrong.any():
            row = int(np.argmax(wrong))
            file, first = block.where
            msg = (
                f"{file}, record {first + row}: the sequence is {block.lengths[row]} bp long, "
                f"expected {self.width}. Pass fixed_length=False for sequences of many lengths."
            )
            raise LengthError(msg)


def layout_of(counts: Counter[int]) -> tuple[Layout, int]:
    """Choose between padded and flat rows from a histogram of lengths.

    Parameters
    ----------
    counts : Counter
        Length (bp) to number of rows.

    Returns
    -------
    layout : {"padded", "flat"}
    longest : int

    Examples
    --------
    >>> layout_of(Counter({10: 5, 12: 5})), layout_of(Counter({10: 5, 41: 1}))
    (('padded', 12), ('flat', 41))
    """
    if not counts:
        return "padded", 0
    lengths = sorted(counts)
    half = sum(counts.values()) / 2
    passed = 0
    median = lengths[-1]
    for length in lengths:
        passed += counts[length]
        if passed >= half:
            median = length
            break
    longest = lengths[-1]
    return ("flat" if longest > RAGGED_RATIO * median else "padded"), longest


def from_region_files(
    *readers: RegionReader,
    path: StoreLike,
    fixed_length: bool | int,
    bed: str | Path | pd.DataFrame,
    max_jitter: int = 0,
    sequence_dim: str | None = None,
    length_dim: str | None = None,
    splice: bool = False,
    overwrite: bool = False,
    client: Any = None,
) -> xr.Dataset:
    r"""Build a dataset from windows on contigs: sequence and signal of each region.

    A window of fixed length is centred on the summit (``chromStart + peak`` where ``peak`` >= 0),
    else on the middle of its region: it starts at ``centre - length // 2``. Rows on the "-"
    strand are turned round: the sequence is reverse-complemented, tracks are reversed and samples
    paired across strands swap. Beyond the ends of a contig bases are N, tracks 0 and ``mask`` 0.

    Parameters
    ----------
    *readers : GenomeFASTA, BigWig, ...
        Sources.
    path : str, Path or zarr Store
        Where the store goes.
    fixed_length : bool or int
        An int: length of every window (bp). True: the length of the first region. False: regions
        as they are (see :func:`from_flat_files` for the layout).
    bed : path or DataFrame
        Regions in the order of the rows: a BED-like file, or a table with ``chrom``,
        ``chromStart``, ``chromEnd`` and perhaps ``strand``, ``peak``; other columns are kept as
        variables.
    max_jitter : int, default 0
        Widen each window by so many bp on both sides, for jitter in training.
    sequence_dim, length_dim : str, optional
        Dimension names, by default ``_sequence`` and ``_length``.
    splice : bool, default False
        Join regions with the same ``name`` (exons) into one row, in the order of transcription;
        needs ``fixed_length=False`` and no jitter.
    overwrite : bool, default False
        Replace a store that is there.
    client : dask.distributed.Client, optional
        Build the shards on its workers, which must see the same files; by default here.

    Returns
    -------
    Dataset
        Opened lazily: ``{name}`` S1 ``(_sequence, _length)`` for sequences and
        ``(_sequence, sample, _length)`` for tracks, ``mask`` uint8, coordinates ``chrom``,
        ``start``, ``end`` (bp, bounds of the stored window, jitter included), ``strand``.

    Raises
    ------
    BedError, ContigError, MissingFileError, FastaError, TrackError
        If an input cannot be used; the message says where and how to repair it.
    StoreError, DiskFullError
        If the store cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> fasta = pathlib.Path(folder.name) / "g.fa"
    >>> _ = fasta.write_text(">chr1\nAACCGGTTAC\n")
    >>> bed = pd.DataFrame({"chrom": ["chr1", "chr1"], "chromStart": [1, 7],
    ...                     "chromEnd": [5, 10], "strand": ["-", "+"]})
    >>> ds = sd.from_region_files(sd.GenomeFASTA("seq", fasta), path=f"{folder.name}/x.zarr",
    ...                           bed=bed, fixed_length=4)
    >>> [b"".join(row).decode() for row in ds["seq"].values]
    ['CGGT', 'TTAC']
    >>> folder.cleanup()
    """
    _check_readers(readers, RegionReader, "GenomeFASTA or BigWig")
    fixed_length = plain_length(fixed_length)
    tracks = [reader.track() for reader in readers]
    check_new_names([track.name for track in tracks], (), "readers")
    plan = plan_regions(
        bed, readers, fixed_length=fixed_length, max_jitter=max_jitter, splice=splice
    )
    row_dim, length_dim = sequence_dim or SEQUENCE_DIM, length_dim or LENGTH_DIM
    options = {
        "fixed_length": fixed_length,
        "max_jitter": int(max_jitter),
        "splice": bool(splice),
        "reader": [type(reader).__name__ for reader in readers],
    }
    sources = [str(Path(bed).expanduser())] if isinstance(bed, (str, Path)) else []
    try:
        with StoreWriter(path, overwrite=overwrite) as out:
            rows = _create_regions(out, plan, tracks, row_dim, length_dim)
            for reader, track in zip(readers, tracks, strict=True):
                if hasattr(reader, "totals"):
                    name = f"total_reads_{track.name}"
                    out.write_array(name, reader.totals(), (track.sample_dim,))
            for block in _shards(plan, readers, rows, client):
                # each array is let go once it is written: one shard is held at a time
                for name in list(block):
                    out.append(name, block.pop(name))
                del block
            out.commit(_attrs(row_dim, length_dim, int(max_jitter), readers, options, sources))
    finally:
        for reader in readers:
            reader.close()
    return open_zarr(path)


def _shards(
    plan: RegionPlan, readers: tuple[RegionReader, ...], rows: int, client: Any
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield blocks of whole shards in row order, read here or by the workers of a client."""
    starts = range(0, plan.n_rows, rows)
    if client is None:
        for start in starts:
            yield read_shard(plan, readers, start, start + rows)
        return
    shared = client.scatter((plan, readers), broadcast=True)
    ahead = max(2, 2 * len(client.scheduler_info()["workers"]))
    waiting: dict[int, Any] = {}
    queue = list(starts)
    for start in starts:
        while queue and len(waiting) < ahead:
            begin = queue.pop(0)
            waiting[begin] = client.submit(_remote_shard, shared, begin, begin + rows, pure=False)
        yield waiting.pop(start).result()


def _remote_shard(
    shared: tuple[RegionPlan, tuple[RegionReader, ...]], start: int, stop: int
) -> dict[str, NDArray[Any]]:
    plan, readers = shared
    return read_shard(plan, readers, start, stop)


def _create_regions(
    out: StoreWriter, plan: RegionPlan, tracks: list[Track], row_dim: str, length_dim: str
) -> int:
    """Create the arrays of a region build; return the rows of a shard."""
    width = max(plan.width, 1)
    wide = max(width * prod(t.middle.values()) * np.dtype(t.dtype).itemsize for t in tracks)
    rows = shard_rows(wide)
    names = [track.name for track in tracks]
    names += ["mask", "chrom", "start", "end", "strand"]
    n_rows = plan.n_rows
    check_new_names(names, (row_dim, length_dim), "readers and coordinates")
    taken = [*names, row_dim, length_dim]
    check_new_names(list(plan.columns), taken, "columns of the regions")
    for name, values, attrs in (
        ("chrom", plan.chrom, code_attrs({name: i for i, name in enumerate(plan.windows.names)})),
        ("start", plan.start, {"units": "bp"}),
        ("end", plan.end, {"units": "bp"}),
        ("strand", plan.strand, code_attrs(STRANDS)),
    ):
        out.write_array(name, values, (row_dim,), attrs=attrs, coordinate=True)
    for name, column in plan.columns.items():
        out.write_array(name, column, (row_dim,))
    for track in tracks:
        attrs = {"kind": track.kind}
        if track.kind == "sequence":
            attrs["alphabet"] = track.alphabet
            if track.samples:
                text = np.array(track.samples, dtype=object)
                out.write_array(track.sample_dim, text, (track.sample_dim,), coordinate=True)
        else:
            attrs["sample_dim"] = track.sample_dim
            if track.units:
                attrs["units"] = track.units
            _write_samples(out, track)
        middle, sizes = tuple(track.middle), tuple(track.middle.values())
        if plan.layout == "flat":
            dims: tuple[str, ...] = (f"_{track.name}_flat", *middle)
            shape: tuple[int, ...] = (0, *sizes)
        else:
            dims, shape = (row_dim, *middle, length_dim), (0, *sizes, plan.width)
        out.create(
            track.name, shape=shape, dtype=track.dtype, dims=dims, attrs=attrs,
            rows=rows if plan.layout != "flat" else None,
        )  # fmt: skip
        if plan.layout == "flat":
            out.write_array(f"{track.name}_offsets", plan.offsets, (f"_{track.name}_offsets",))
        if plan.layout != "fixed":
            out.write_array(
                f"{track.name}_length", plan.lengths.astype(np.int32), (row_dim,),
                attrs={"units": "bp"},
            )  # fmt: skip
    if plan.layout == "flat":
        out.create("mask", shape=(0,), dtype=np.uint8, dims=("_mask_flat",), attrs={"kind": "mask"})
        out.write_array("mask_offsets", plan.offsets, ("_mask_offsets",))
    else:
        out.create(
            "mask", shape=(0, plan.width), dtype=np.uint8, dims=(row_dim, length_dim),
            attrs={"kind": "mask"}, rows=rows,
        )  # fmt: skip
    return rows if plan.layout != "flat" else plan.flat_rows(n_rows)


def _write_samples(out: StoreWriter, track: Track) -> None:
    dim = (track.sample_dim,)
    text = np.array(track.samples, dtype=object)
    out.write_array(track.sample_dim, text, dim, coordinate=True)
    out.write_array(
        f"{track.name}_strand", encode(track.strands, STRANDS), dim,
        attrs=code_attrs(STRANDS), coordinate=True,
    )  # fmt: skip
    out.write_array(f"{track.name}_pair", np.array(track.pairs, dtype=object), dim, coordinate=True)


def _attrs(
    row_dim: str,
    length_dim: str,
    max_jitter: int,
    readers: tuple[Any, ...],
    options: dict[str, Any],
    sources: list[str] | None = None,
) -> dict[str, Any]:
    files = list(dict.fromkeys([*(f for r in readers for f in r.files()), *(sources or [])]))
    return {
        "schema_version": SCHEMA_VERSION,
        "sequence_dim": row_dim,
        "length_dim": length_dim,
        "max_jitter": max_jitter,
        "provenance": {
            "files": [file_record(file) for file in files],
            "versions": versions(),
            "options": options,
        },
    }


def _check_readers(readers: tuple[Any, ...], kind: Any, expected: str) -> None:
    if not readers:
        msg = f"No reader was given. Pass at least one, such as {expected}."
        raise SchemaError(msg)
    for reader in readers:
        if not isinstance(reader, kind):
            msg = f"{type(reader).__name__} is no reader for this: expected {expected}."
            raise SchemaError(msg)
