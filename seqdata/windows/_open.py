"""Datasets of windows that are cut out of genome files when they are used, without a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from seqdata.errors import SchemaError
from seqdata.readers._base import RegionReader, check_readers
from seqdata.schema import LENGTH_DIM, SEQUENCE_DIM, check_new_names, with_names
from seqdata.store._attrs import shown
from seqdata.store._provenance import build_attrs
from seqdata.windows._lazy import MASK, RegionArray, RegionFiles
from seqdata.windows._plan import plan_regions
from seqdata.windows._regions import plain_length

if TYPE_CHECKING:
    import pandas as pd


def open_regions(
    *readers: RegionReader,
    bed: str | Path | pd.DataFrame,
    fixed_length: bool | int,
    cache_dir: str | Path | None = None,
) -> xr.Dataset:
    r"""Open windows on contigs as a dataset, without writing one.

    The dataset is that of :func:`seqdata.from_region_files`: the same variables, coordinates and
    values, rows on the "-" strand turned round. Its sequences and tracks are read from the files
    when they are used. :func:`seqdata.get_torch_dataloader` cuts the windows of each batch, and
    since it can read as far beyond a window as it likes, ``max_jitter`` there needs no room
    stored; :func:`seqdata.to_zarr` writes the dataset down.

    Signal of BigWig files is decoded when a contig is first met in such a batch: into runs of one
    value, 8 bytes each, in files of the cache directory that are mapped into memory and used
    again until the BigWig changes. Other readers (BAM, fragments) are asked anew for each batch.

    Parameters
    ----------
    *readers : GenomeFASTA, BigWig, ...
        Sources. A plain FASTA is faster here than a bgzip one.
    bed : path or DataFrame
        Regions in the order of the rows, as :func:`seqdata.from_region_files` takes them; other
        columns are kept as variables.
    fixed_length : bool or int
        Length of every window (bp), or True for the length of the first region.
    cache_dir : path or None
        Where decoded signal is kept; default the cache directory.

    Returns
    -------
    xarray.Dataset
        ``{name}`` S1 ``(_sequence, _length)`` for sequences and ``(_sequence, sample, _length)``
        for tracks, ``mask`` uint8, coordinates ``chrom``, ``start``, ``end`` (bp), ``strand``.

    Raises
    ------
    BedError, ContigError, LengthError, SchemaError
        If regions and readers do not fit each other, or windows are of different lengths.

    Examples
    --------
    >>> import tempfile, pathlib, pandas as pd, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> fasta = pathlib.Path(folder.name) / "g.fa"
    >>> _ = fasta.write_text(">chr1\nAACCGGTTAC\n")
    >>> bed = pd.DataFrame({"chrom": ["chr1", "chr1"], "chromStart": [1, 5],
    ...                     "chromEnd": [5, 9], "strand": ["-", "+"]})
    >>> ds = sd.open_regions(sd.GenomeFASTA("seq", fasta), bed=bed, fixed_length=4)
    >>> [b"".join(row).decode() for row in ds["seq"].values]
    ['CGGT', 'GTTA']
    >>> folder.cleanup()
    """
    check_readers(readers, (RegionReader,), "GenomeFASTA or BigWig", "reader of regions")
    if plain_length(fixed_length) is False:
        raise SchemaError(
            "Windows that are cut when they are used have one length: pass fixed_length=<bp> or "
            "True, or build a dataset of regions as they are with seqdata.from_region_files."
        )
    tracks = [reader.track() for reader in readers]
    check_new_names([track.name for track in tracks], (), "readers")
    for track in tracks:
        if track.is_binned:
            raise SchemaError(
                f"{track.name!r} is in bins, which are made once and stored: build a dataset with "
                "seqdata.from_region_files."
            )
    plan = plan_regions(bed, readers, fixed_length=fixed_length)
    files = RegionFiles(plan, readers, cache_dir=None if cache_dir is None else Path(cache_dir))
    rows = np.arange(plan.n_rows, dtype=np.int64)
    names = [track.name for track in tracks]
    taken = [*names, MASK, "chrom", "start", "end", "strand", SEQUENCE_DIM, LENGTH_DIM]
    check_new_names(list(plan.columns), taken, "columns of the regions")
    data: dict[str, Any] = {name: (SEQUENCE_DIM, values) for name, values in plan.columns.items()}
    coords = plan.coordinates()
    for reader, track in zip(readers, tracks, strict=True):
        dtype = np.dtype("S1") if track.kind == "sequence" else np.dtype(track.dtype)
        array = RegionArray(files, track.name, rows, tuple(track.middle.values()), dtype)
        data[track.name] = ((SEQUENCE_DIM, *track.middle, LENGTH_DIM), array, track.attrs)
        coords |= track.coordinates()
        if (totals := reader.totals()) is not None:
            data[f"total_reads_{track.name}"] = (track.sample_dim, totals)
    mask = RegionArray(files, MASK, rows, (), np.dtype(np.uint8))
    data[MASK] = ((SEQUENCE_DIM, LENGTH_DIM), mask, {"kind": "mask"})
    sources = [str(Path(bed).expanduser())] if isinstance(bed, (str, Path)) else []
    attrs = build_attrs(
        readers, row_dim=SEQUENCE_DIM, length_dim=LENGTH_DIM, sources=sources,
        options={"fixed_length": fixed_length},
    )  # fmt: skip
    return with_names(xr.Dataset(data, coords, shown(attrs)))
