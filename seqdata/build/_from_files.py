"""Build datasets from files, one shard at a time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import xarray as xr

from seqdata.build._flat import write_flat
from seqdata.build._regions import write_regions
from seqdata.errors import SeqdataError
from seqdata.readers._base import FlatReader, RegionReader, check_readers
from seqdata.readers.binned import Binned
from seqdata.schema import LENGTH_DIM, SEQUENCE_DIM, check_new_names
from seqdata.store import open_zarr
from seqdata.store._objects import StoreLike
from seqdata.windows._plan import plan_regions
from seqdata.windows._regions import plain_length


def from_flat_files(
    *readers: FlatReader,
    path: StoreLike,
    fixed_length: bool | int,
    overwrite: bool = False,
    sequence_dim: str | None = None,
    length_dim: str | None = None,
    resume: bool = True,
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
        Replace a store that is there. (To add rows to one, build them as a store of their own and
        pass that to :func:`to_zarr` with ``mode="a"`` and ``append_dim``.)
    sequence_dim, length_dim : str, optional
        Dimension names, by default ``_sequence`` and ``_length``.
    resume : bool, default True
        Take up a build of the same store that was killed, if inputs (by size and time of change),
        arguments and software are the same: the text is read again from its beginning, but no
        finished shard is packed or written again. The result is the same, byte for byte. With
        False, or where anything differs, the build starts afresh. Local stores only; what goes
        wrong by itself (bad input, a full disk, Ctrl-C) leaves nothing to be taken up.

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
        If the store cannot be written; or another process is building it, the message says which.

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
    check_readers(readers, (FlatReader,), "Table or FlatFASTA", "reader for this")
    fixed_length = plain_length(fixed_length)
    write_flat(
        readers,
        path,
        fixed_length,
        overwrite=overwrite,
        resume=resume,
        dims=(sequence_dim or SEQUENCE_DIM, length_dim or LENGTH_DIM),
    )
    return open_zarr(path)


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
    client: object = None,
    resume: bool = True,
    mask: bool = True,
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
        Join regions with the same ``name`` (exons), the blocks of a line of BED12, or the exons
        of a transcript in GFF into one row, in the order of transcription; needs
        ``fixed_length=False`` and no jitter.
    overwrite : bool, default False
        Replace a store that is there. (To add rows to one, build them as a store of their own and
        pass that to :func:`to_zarr` with ``mode="a"`` and ``append_dim``.)
    client : dask.distributed.Client, optional
        Read and pack the shards on its workers, which must see the same input files, and write
        them here; by default all is done here. The bytes are the same, and the work of a worker
        that dies is done by another.
    resume : bool, default True
        Go on behind the last finished shard of a build of the same store that was killed, if
        inputs (by size and time of change), regions, arguments and software are the same. The
        result is the same, byte for byte, with or without ``client``. With False, or where
        anything differs, the build starts afresh. Local stores only; what goes wrong by itself
        (bad input, a full disk, Ctrl-C) leaves nothing to be taken up.
    mask : bool, default True
        Write ``mask``, which says nothing where all windows lie on their contigs.

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
        If the store cannot be written; or another process is building it, the message says which.

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
    check_readers(readers, (RegionReader,), "GenomeFASTA or BigWig", "reader for this")
    if client is not None and not hasattr(client, "submit"):
        raise SeqdataError(
            f"client: expected a dask.distributed.Client, got {type(client).__name__} {client!r}; "
            "an address is Client(address)"
        )
    fixed_length = plain_length(fixed_length)
    check_new_names([reader.track().name for reader in readers], (), "readers")
    if max_jitter:
        readers = tuple(r.widened(max_jitter) if isinstance(r, Binned) else r for r in readers)
    plan = plan_regions(
        bed, readers, fixed_length=fixed_length, max_jitter=max_jitter, splice=splice
    )
    options = {
        "fixed_length": fixed_length,
        "max_jitter": int(max_jitter),
        "splice": bool(splice),
        "reader": [type(reader).__name__ for reader in readers],
    }
    try:
        write_regions(
            plan,
            readers,
            path,
            overwrite=overwrite,
            resume=resume,
            client=client,
            dims=(sequence_dim or SEQUENCE_DIM, length_dim or LENGTH_DIM),
            options=options,
            sources=[str(Path(bed).expanduser())] if isinstance(bed, (str, Path)) else [],
            mask=mask,
        )
    finally:
        for reader in readers:
            reader.close()
    return open_zarr(path)


# readers stand below this room: their own way to write a store leads here
FlatReader.build = from_flat_files
RegionReader.build = from_region_files
