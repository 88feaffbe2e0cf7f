"""Payloads put into a locus, one long window each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from seqdata._told import tell
from seqdata.constructs._inputs import Payloads, read_payloads, some, upper
from seqdata.constructs._place import Letters, Placed, Site, place, read_site, write_sites
from seqdata.errors import ContigError, LengthError, SchemaError, contig_hint, did_you_mean
from seqdata.readers._base import Windows
from seqdata.readers.fasta import GenomeFASTA
from seqdata.schema import LENGTH_DIM, SEQUENCE_DIM
from seqdata.store._provenance import build_attrs
from seqdata.store._zarr import open_zarr, to_zarr


def build(
    table: str | Path,
    fasta: str | Path | None,
    reference: str | Path,
    context: str,
    annotation: str | Path | None = None,
    *,
    length: int = 25600,
    padding: int = 1280,
    name_col: str | Sequence[str] | None = None,
    activity_col: str | None = "activity",
    group_col: str | None = None,
    missing: Literal["error", "drop"] = "error",
    longer: Literal["crop", "error"] = "crop",
    cut_sites: Literal["drop", "error"] = "drop",
    out: str | Path | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Put payloads into a locus: one row each, a window that is longer than a network sees.

    The payload takes the place of the locus. It lies in the middle of the window; what is left
    on either side is the genome beside the locus. From these windows, rows of ``length`` are
    drawn by `sample`, or by a loader as jitter.

    Parameters
    ----------
    table : path
        CSV, TSV or Parquet table with a row for each replicate of each payload. A column
        ``fold`` is kept. Rows of one name are replicates, whose activities are averaged; with a
        column ``replicate``, two rows of one replicate are an error.
    fasta : path or None
        FASTA file of the payloads. A ``~`` or a blank in the table's names is ``_`` there, and in
        the BED file. None where they stand in the column ``sequence`` of the table.
    reference : path
        FASTA file of the genome, plain or bgzip.
    context : str
        The locus, ``"chr3:34732778-34772706"``, in bp, counted from 0, the end not included; it
        may be empty, to insert payloads.
    annotation : path or None
        BED file of sites on the payloads: its contigs are their names, its fourth column names
        the site.
    length : int
        Length in bp of what a network sees.
    padding : int
        Bases (bp) by which a window is longer.
    name_col : str, sequence of str or None
        Column of the names; default ``name`` or ``MenDel.Name``. Of several columns, what is in
        them, joined by ``/``.
    activity_col : str or None
        Column of the activity, missing (NA) where it was not measured; None for payloads of
        which nothing is known.
    group_col : str or None
        Column of the groups; default ``group`` or ``groups``, where there is one.
    missing : {"error", "drop"}
        What to do where a name is in the table or the FASTA file alone.
    longer : {"crop", "error"}
        What to do with a payload that is longer than its window: keep its middle, with a warning
        that names it, or refuse it.
    cut_sites : {"drop", "error"}
        What to do with a site that does not lie in the window with all its bases.
    out : path or None
        Zarr store to write.
    overwrite : bool
        Whether it may replace one that is there.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length), upper case; ``id``, ``activity`` float64, ``replicates``
        int64, ``group`` and ``fold`` where the table has them; ``payload_start``,
        ``payload_end`` int64, where the payload lies in the row (bp); ``payload_length`` int64,
        its length before it was cut; ``sites``, text ``name:start-end`` joined by ``;``, in
        positions of the row.

    Raises
    ------
    SeqdataError
        Where the window runs off the contig, names are missing on either side, a name has two
        groups or two activities of one replicate, a site lies outside of its payload. Nothing is
        written then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = [Path(folder) / name for name in ("t.tsv", "p.fa", "g.fa", "s.bed")]
    ...     for file, text in zip(files, ("name\tactivity\na\t1\na\t2\n", ">a\nTTTT\n",
    ...                                   ">c\nAAAAAGGCCCCC\n", "a\t1\t3\tS1\n"), strict=True):
    ...         _ = file.write_text(text)
    ...     ds = build(*files[:3], "c:5-7", files[3], length=8, padding=2)
    >>> ds["seq"].values.tobytes(), ds["activity"].values.tolist(), ds["sites"].values.tolist()
    (b'AAATTTTCCC', [1.5], ['S1:4-6'])
    """
    for name, value, choices in (
        ("missing", missing, ("error", "drop")),
        ("longer", longer, ("crop", "error")),
        ("cut_sites", cut_sites, ("drop", "error")),
    ):
        if value not in choices:
            raise SchemaError(f"{name}: {value!r} is not known.{did_you_mean(value, choices)}")
    if length < 1 or padding < 0:
        raise LengthError(f"length {length}, padding {padding}: expected at least 1 and 0 bp.")
    total = length + padding
    locus = read_site(context, "context")
    genome = GenomeFASTA("seq", reference, on_unknown="n")
    found = read_payloads(
        table, fasta, annotation, name_col=name_col, activity_col=activity_col,
        group_col=group_col, missing=missing,
    )  # fmt: skip
    placed = [place(len(letters), total) for letters in found.letters]
    cut = [n for n, v in zip(found.names, found.letters, strict=True) if len(v) > total]
    if cut:
        message = f"{len(cut)} payloads are longer than the window of {total} bp"
        if longer == "error":
            raise LengthError(f"{message}: {some(cut)}. Take a greater length or padding.")
        tell(f"{message}, of which the middle is kept: {some(cut)}.")
    sites = _moved(found, placed, cut_sites)
    left, right = _flanks(genome, locus, max(p.left for p in placed), max(p.right for p in placed))
    ds = _dataset(found, placed, sites, (left, right), total)
    sources = [str(Path(file).expanduser()) for file in (table, fasta, annotation) if file]
    options = {"context": str(locus), "length": length, "padding": padding, "longer": longer}
    ds.attrs = build_attrs(
        [genome], row_dim=SEQUENCE_DIM, length_dim=LENGTH_DIM, options=options, sources=sources,
        # a loader moves its windows in what is longer, if both sides have as much of it
        max_jitter=padding // 2 if padding % 2 == 0 else 0,
    ) | {"context": str(locus), "window_length": length}  # fmt: skip
    if out is None:
        return ds
    to_zarr(ds, out, overwrite=overwrite)
    return open_zarr(out)


def _moved(
    found: Payloads, placed: list[Placed], cut_sites: Literal["drop", "error"]
) -> list[list[Site]]:
    """Return the sites in positions of the windows."""
    kept: list[list[Site]] = []
    lost: list[str] = []
    for name, sites, where in zip(found.names, found.sites, placed, strict=True):
        moved = [where.moved(site) for site in sites]
        kept.append([site for site in moved if site is not None])
        lost += [f"{name}/{s}" for s, m in zip(sites, moved, strict=True) if m is None]
    if lost:
        message = f"{len(lost)} sites lie where a payload was cut"
        if cut_sites == "error":
            raise LengthError(f"{message}: {some(lost)}. Take a greater length or padding.")
        tell(f"{message} and are left out: {some(lost)}.")
    return kept


def _flanks(genome: GenomeFASTA, locus: Site, left: int, right: int) -> tuple[Letters, Letters]:
    """Return the letters beside the locus, upper case."""
    sizes = genome.contigs()
    if locus.name not in sizes:
        raise ContigError(
            f"context {str(locus)!r}: {genome.path} has no contig {locus.name!r}."
            f"{contig_hint(locus.name, sizes)}"
        )
    size = sizes[locus.name]
    first, last = locus.start - left, locus.end + right
    if first < 0 or last > size or locus.end > size:
        raise LengthError(
            f"context {str(locus)!r}: the windows reach from {first:,} to {last:,} of "
            f"{locus.name!r}, which has {size:,} bp: take another locus, or a smaller length or "
            "padding."
        )
    sides = []
    try:
        for start, end in ((first, locus.start), (locus.end, last)):
            if start == end:
                sides.append(np.zeros(0, np.uint8))
                continue
            window = Windows(
                (locus.name,), np.zeros(1, np.int32), np.array([start]), np.array([end]),
                np.zeros(1, np.int8),
            )  # fmt: skip
            sides.append(upper(genome.read(window, end - start)[0]))
    finally:
        genome.close()
    return sides[0], sides[1]


def _dataset(
    found: Payloads,
    placed: list[Placed],
    sites: list[list[Site]],
    flanks: tuple[Letters, Letters],
    total: int,
) -> xr.Dataset:
    left, right = flanks
    letters = np.empty((len(placed), total), np.uint8)
    for row, payload, p in zip(letters, found.letters, placed, strict=True):
        row[: p.left] = left[len(left) - p.left :]
        row[p.left : p.left + p.kept] = payload[p.cut : p.cut + p.kept]
        row[p.left + p.kept :] = right[: p.right]
    start = np.array([p.left for p in placed], np.int64)
    columns: dict[str, object] = {
        "id": np.array(found.names, object),
        "activity": found.activity,
        "replicates": found.replicates,
        "payload_start": start,
        "payload_end": start + np.array([p.kept for p in placed], np.int64),
        "payload_length": np.array([len(v) for v in found.letters], np.int64),
        "sites": np.array([write_sites(of) for of in sites], object),
    }
    if found.group is not None:
        columns["group"] = np.array(found.group, object)
    if found.fold is not None:
        columns["fold"] = np.array(found.fold, object)
    made: dict[str, object] = {
        "seq": (
            (SEQUENCE_DIM, LENGTH_DIM),
            letters.view("S1"),
            {"kind": "sequence", "alphabet": "ACGT"},
        )
    }
    return xr.Dataset(made | {name: (SEQUENCE_DIM, v) for name, v in columns.items()})
