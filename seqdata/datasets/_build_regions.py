"""Builders of genomes, of datasets cut from them, of stores made by SeqData, and of motif sets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from seqdata import regions, splits
from seqdata.build import from_region_files
from seqdata.convert import read_legacy
from seqdata.datasets._archive import extract, unpack_gzip
from seqdata.datasets._cache import locked
from seqdata.errors import ArchiveError, ContigError, DatasetError, TableError
from seqdata.readers import GenomeFASTA, read_bedlike
from seqdata.readers._gzip import is_bgzip, is_gzip
from seqdata.store import open_zarr

if TYPE_CHECKING:
    from seqpro.motifs import MotifSet

logger = logging.getLogger(__name__)
Files = Mapping[str, Path]
_PLACE = r"^(?P<chrom>.+):(?P<chromStart>\d+)-(?P<chromEnd>\d+)\((?P<strand>[+-])\)$"
_ROWS = 100_000
_BASSET_ROWS = 2_071_886


def kopp21(files: Files, work: Path, *, bin_width: int, flank: int, extend: int) -> xr.Dataset:
    """Build the JunD bins: the surroundings of peaks, tiled, labelled by the peaks they overlap.

    Parameters
    ----------
    files : mapping of str to Path
        ``genome`` (FASTA, plain, gzip or bgzip), ``peaks`` (BED or narrowPeak) and ``blacklist``
        (BED).
    work : Path
        Folder for drafts.
    bin_width : int
        Width of a bin in bp.
    flank : int
        Context on either side of a bin in bp.
    extend : int
        Reach of a region of interest on either side of a peak in bp.

    Returns
    -------
    Dataset
        ``seq`` of ``bin_width + 2 * flank`` bp and ``label`` uint8; chr2 validates, chr3 tests.
    """
    genome = GenomeFASTA("seq", readable_fasta(files["genome"]), on_unknown="n")
    bins = regions.tiled_bins(
        read_bedlike(files["peaks"]),
        genome.contigs(),
        bin_width=bin_width,
        flank=flank,
        extend=extend,
        blacklist=read_bedlike(files["blacklist"]),
    )
    ds = from_region_files(
        genome, path=work / "kopp21", bed=bins[["chrom", "chromStart", "chromEnd"]],
        fixed_length=bin_width + 2 * flank,
    )  # fmt: skip
    ds["label"] = ("_sequence", bins["label"].to_numpy(dtype=np.uint8))
    held = {"val": "chr2", "test": "chr3"}
    known = set(bins["chrom"].astype(str))
    for split, contig in held.items():
        if contig not in known:
            logger.warning("there is no bin on %s: the %s split is empty", contig, split)
    chrom = bins["chrom"].astype(str).to_numpy()
    codes = np.select([chrom == held["val"], chrom == held["test"]], [1, 2], 0).astype(np.int8)
    return splits.assign(ds, codes)


def basset(files: Files, work: Path, *, seed: int) -> xr.Dataset:
    """Build the DNase I hypersensitive sites of Kelley, Snoek and Rinn.

    Parameters
    ----------
    files : mapping of str to Path
        ``activity``: a table, plain or gzip, of places such as ``chr1:100-700(+)`` and one column
        of 0 and 1 a cell type; ``genome`` (FASTA, plain, gzip or bgzip).
    work : Path
        Folder for drafts.
    seed : int
        Seed of the split.

    Returns
    -------
    Dataset
        ``seq``; ``label`` uint8 (_sequence, _target), with the cell types as the coordinate
        ``target``. As many rows in each split as published, drawn at random.

    Raises
    ------
    TableError
        If a row names no place, or a label is neither 0 nor 1.
    """
    places, labels, names = [], [], []
    done = 0
    compression = "gzip" if is_gzip(files["activity"]) else None
    blocks = pd.read_csv(
        files["activity"], sep="\t", index_col=0, chunksize=_ROWS, compression=compression
    )
    for block in blocks:
        names = [str(column) for column in block.columns]
        place = block.index.to_series().astype(str).str.extract(_PLACE)
        values = block.to_numpy()
        wrong = place.isna().any(axis=1).to_numpy() | ~np.isin(values, (0, 1)).all(axis=1)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise TableError(
                f"{files['activity']}, row {done + row + 1}, {block.index[row]!r}: expected a "
                "place such as chr1:100-700(+), then 0 or 1 for each cell type."
            )
        places.append(place)
        labels.append(values.astype(np.uint8))
        done += len(block)
    table = pd.concat(places, ignore_index=True)
    table = table.astype({"chromStart": np.int64, "chromEnd": np.int64})
    ds = from_region_files(
        GenomeFASTA("seq", readable_fasta(files["genome"]), on_unknown="n"),
        path=work / "basset", bed=table, fixed_length=True,
    )  # fmt: skip
    ds["label"] = (("_sequence", "_target"), np.concatenate(labels))
    ds = ds.assign_coords(target=("_target", np.array(names, dtype=object)))
    val, test = (count / _BASSET_ROWS for count in (70_000, 71_886))
    return splits.assign(ds, splits.random(ds, fractions=(1 - val - test, val, test), seed=seed))


def seqdata_store(files: Files, work: Path, *, type: str) -> xr.Dataset:
    """Open a store that SeqData published, packed in an archive.

    Parameters
    ----------
    files : mapping of str to Path
        ``seqdata``: the archive.
    work : Path
        Folder for drafts.
    type : {"seqdata", "bigwig"}
        The signal alone, as BigWig, is no dataset.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        For ``type="bigwig"``.
    ArchiveError
        If the archive holds no store, or is not one.
    """
    if type != "seqdata":
        raise DatasetError(
            "type='bigwig' names signal files, which need a genome and regions to become a "
            "dataset. sd.datasets.fetch(name, type='bigwig') returns their paths; pass them to "
            "sd.from_region_files(sd.GenomeFASTA(...), sd.BigWig(...), bed=...)."
        )
    store = find_store(extract(files["seqdata"], work / "unpacked"))
    if (store / "zarr.json").exists():
        return open_zarr(store, allow_incomplete=True)
    return read_legacy(store)


def find_store(folder: Path) -> Path:
    """Return the one Zarr store below a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Path

    Raises
    ------
    ArchiveError
        If there is none, or more than one.
    """
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    tops = {path.parent for mark in marks for path in folder.rglob(mark)}
    roots = sorted(path for path in tops if not tops & set(path.parents))
    if len(roots) != 1:
        raise ArchiveError(f"Expected one Zarr store in the archive, found {len(roots)}.")
    return roots[0]


def readable_fasta(path: Path) -> Path:
    """Return a FASTA file that can be read at random, unpacking one that is plain gzip.

    Parameters
    ----------
    path : Path
        FASTA file, plain, gzip or bgzip.

    Returns
    -------
    Path
        The file itself, or the one unpacked beside it.
    """
    if not is_gzip(path) or is_bgzip(path):
        return path
    plain = path.with_suffix("")
    with locked(plain):
        if not plain.exists() or plain.stat().st_mtime_ns < path.stat().st_mtime_ns:
            unpack_gzip(path, plain)
    return plain


def genome(
    files: Files,
    work: Path,
    *,
    sequence: bool,
    sizes: Mapping[str, int],
    blacklist: bool = False,
) -> xr.Dataset:
    """Describe a genome: contigs with their lengths, and where the files are.

    Parameters
    ----------
    files : mapping of str to Path
        ``fasta`` and, for some, ``blacklist``.
    work : Path
        Not used.
    sequence : bool
        Whether the sequence is there.
    blacklist : bool
        Whether the blacklist is there.
    sizes : mapping of str to int
        Assembled contigs and their lengths in bp, which the sequence has to have.

    Returns
    -------
    Dataset
        ``length`` int64 (_contig) in bp, with the coordinate ``contig``; the attributes ``fasta``
        and ``blacklist`` are paths, or empty.

    Raises
    ------
    ContigError
        If the sequence is another assembly.
    """
    contigs = dict(sizes)
    fasta = readable_fasta(files["fasta"]) if sequence else None
    if fasta is not None:
        contigs = GenomeFASTA("seq", fasta).contigs()
        odd = {name: size for name, size in sizes.items() if contigs.get(name) != size}
        if odd:
            name, size = next(iter(odd.items()))
            raise ContigError(
                f"{fasta} is another assembly, or not all of it: contig {name!r} should have "
                f"{size:,} bp and has {contigs.get(name, 'none')} ({len(odd)} such contigs)."
            )
    return xr.Dataset(
        {"length": ("_contig", np.array([*contigs.values()], dtype=np.int64), {"units": "bp"})},
        coords={"contig": ("_contig", np.array([*contigs], dtype=object))},
        attrs={
            "fasta": "" if fasta is None else str(fasta),
            "blacklist": str(files["blacklist"]) if blacklist else "",
        },
    )


def motif_set(files: Files, work: Path) -> xr.Dataset:
    """Read a set of motifs as letter probabilities.

    Parameters
    ----------
    files : mapping of str to Path
        ``motifs``: a motif file that :func:`seqpro.motifs.read` knows.
    work : Path
        Not used.

    Returns
    -------
    Dataset
        ``ppm`` float64 (_motif, _ohe, _length), 0 behind the end of a motif; ``width`` int32
        (_motif) in bp; ``accession`` (_motif); coordinate ``motif``, the names.
    """
    found = read_motifs(files["motifs"])
    widths = np.array([motif.width for motif in found], dtype=np.int32)
    ppm = np.zeros((len(found), 4, int(widths.max(initial=0))))
    for i, motif in enumerate(found):
        ppm[i, :, : motif.width] = motif.ppm()
    names = pd.Series([motif.name for motif in found], dtype=object).to_numpy(dtype=object)
    accessions: object = np.array([motif.accession or "" for motif in found], dtype=object)
    return xr.Dataset(
        {
            "ppm": (("_motif", "_ohe", "_length"), ppm, {"alphabet": "ACGT"}),
            "width": ("_motif", widths, {"units": "bp"}),
            "accession": ("_motif", accessions),
        },
        coords={"motif": ("_motif", names)},
    )


def read_motifs(path: Path) -> MotifSet:
    """Read a motif file, whatever its format."""
    from seqpro import motifs

    return motifs.read(path)
