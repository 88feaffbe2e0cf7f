"""One call for one common data set: a reader and a build together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from seqdata.build._from_files import from_flat_files, from_region_files
from seqdata.errors import SeqdataError
from seqdata.readers.bam import BAM
from seqdata.readers.bigwig import BigWig
from seqdata.readers.fasta import FlatFASTA, GenomeFASTA
from seqdata.readers.table import Table
from seqdata.readers.vcf import VCF
from seqdata.store._objects import StoreLike
from seqpro.family import old_call

if TYPE_CHECKING:
    from seqdata.schema import AlphabetLike


@old_call("seqdata.read_table", error=SeqdataError)
def read_table(
    name: str,
    out: StoreLike,
    tables: Any,
    seq_col: str,
    *,
    fixed_length: bool | int,
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Build a dataset from tables: :class:`Table` and :func:`from_flat_files` in one call.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    out : str, Path or zarr Store
        Where the store goes.
    tables : path or sequence of paths
        CSV, TSV or Parquet tables.
    seq_col : str
        Column of the sequences.
    fixed_length : bool or int
        As :func:`from_flat_files` takes it.
    overwrite : bool, default False
        Replace a store that is there.
    **options
        Further arguments of :class:`Table`.

    Returns
    -------
    Dataset
    """
    reader = Table(name, tables, seq_col, **options)
    return from_flat_files(reader, path=out, fixed_length=fixed_length, overwrite=overwrite)


@old_call("seqdata.read_flat_fasta", error=SeqdataError)
def read_flat_fasta(
    name: str,
    out: StoreLike,
    fasta: str | Path,
    *,
    fixed_length: bool | int,
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Build a dataset from a FASTA file: :class:`FlatFASTA` and :func:`from_flat_files` in one.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    out : str, Path or zarr Store
        Where the store goes.
    fasta : str or Path
        FASTA file.
    fixed_length : bool or int
        As :func:`from_flat_files` takes it.
    overwrite : bool, default False
        Replace a store that is there.
    **options
        Further arguments of :class:`FlatFASTA`.

    Returns
    -------
    Dataset
    """
    reader = FlatFASTA(name, fasta, **options)
    return from_flat_files(reader, path=out, fixed_length=fixed_length, overwrite=overwrite)


@old_call("seqdata.read_genome_fasta", error=SeqdataError)
def read_genome_fasta(
    name: str,
    out: StoreLike,
    fasta: str | Path,
    bed: str | Path | pd.DataFrame,
    *,
    fixed_length: bool | int,
    max_jitter: int = 0,
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Build a dataset of genome windows: :class:`GenomeFASTA` and :func:`from_region_files` in one.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    out : str, Path or zarr Store
        Where the store goes.
    fasta : str or Path
        FASTA file of contigs.
    bed : path or DataFrame
        Regions.
    fixed_length : bool or int
        As :func:`from_region_files` takes it.
    max_jitter : int, default 0
        Bp to add on both sides.
    overwrite : bool, default False
        Replace a store that is there.
    **options
        Further arguments of :class:`GenomeFASTA`.

    Returns
    -------
    Dataset
    """
    return from_region_files(
        GenomeFASTA(name, fasta, **options), path=out, bed=bed, fixed_length=fixed_length,
        max_jitter=max_jitter, overwrite=overwrite,
    )  # fmt: skip


@old_call("seqdata.read_bigwig", error=SeqdataError)
def read_bigwig(
    seq_name: str,
    cov_name: str,
    out: StoreLike,
    fasta: str | Path,
    bigwigs: Any,
    samples: Any,
    bed: str | Path | pd.DataFrame,
    *,
    fixed_length: bool | int,
    alphabet: AlphabetLike | None = "DNA",
    max_jitter: int = 0,
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Build a dataset of sequence and BigWig signal over regions.

    Parameters
    ----------
    seq_name, cov_name : str
        Names of the sequence and the signal variable.
    out : str, Path or zarr Store
        Where the store goes.
    fasta : str or Path
        FASTA file of contigs.
    bigwigs : path or sequence of paths
        BigWig files.
    samples : str or sequence of str
        Sample names.
    bed : path or DataFrame
        Regions.
    fixed_length : bool or int
        As :func:`from_region_files` takes it.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences; None is DNA.
    max_jitter : int, default 0
        Bp to add on both sides.
    overwrite : bool, default False
        Replace a store that is there.
    **options
        Further arguments of :class:`BigWig`.

    Returns
    -------
    Dataset
    """
    return from_region_files(
        GenomeFASTA(seq_name, fasta, alphabet=alphabet),
        BigWig(cov_name, bigwigs, samples, **options),
        path=out, bed=bed, fixed_length=fixed_length, max_jitter=max_jitter, overwrite=overwrite,
    )  # fmt: skip


@old_call("seqdata.read_bam", error=SeqdataError)
def read_bam(
    seq_name: str,
    cov_name: str,
    out: StoreLike,
    fasta: str | Path,
    bams: Any,
    samples: Any,
    bed: str | Path | pd.DataFrame,
    *,
    fixed_length: bool | int,
    alphabet: AlphabetLike | None = "DNA",
    max_jitter: int = 0,
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Build a dataset of sequence and read counts over regions.

    Parameters
    ----------
    seq_name, cov_name : str
        Names of the sequence and the count variable.
    out : str, Path or zarr Store
        Where the store goes.
    fasta : str or Path
        FASTA file of contigs.
    bams : path or sequence of paths
        BAM or CRAM files.
    samples : str or sequence of str
        Sample names.
    bed : path or DataFrame
        Regions.
    fixed_length : bool or int
        As :func:`from_region_files` takes it.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences; None is DNA.
    max_jitter : int, default 0
        Bp to add on both sides.
    overwrite : bool, default False
        Replace a store that is there.
    **options
        Further arguments of :class:`BAM`.

    Returns
    -------
    Dataset
    """
    return from_region_files(
        GenomeFASTA(seq_name, fasta, alphabet=alphabet),
        BAM(cov_name, bams, samples, **options),
        path=out, bed=bed, fixed_length=fixed_length, max_jitter=max_jitter, overwrite=overwrite,
    )  # fmt: skip


@old_call("seqdata.read_vcf", error=SeqdataError)
def read_vcf(
    name: str,
    out: StoreLike,
    vcf: str | Path,
    fasta: str | Path,
    samples: Any,
    bed: str | Path | pd.DataFrame,
    *,
    fixed_length: bool | int,
    alphabet: AlphabetLike | None = "DNA",
    max_jitter: int = 0,
    splice: bool = False,
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Build a dataset of haplotypes over regions: :class:`VCF` and :func:`from_region_files`.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    out : str, Path or zarr Store
        Where the store goes.
    vcf : str or Path
        VCF or BCF file.
    fasta : str or Path
        FASTA file of contigs.
    samples : str, sequence of str or None
        Samples of the file, None for all.
    bed : path or DataFrame
        Regions.
    fixed_length : bool or int
        As :func:`from_region_files` takes it.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences; None is DNA.
    max_jitter : int, default 0
        Bp to add on both sides.
    splice : bool, default False
        Join the regions of each ``name`` (exons) into one row.
    overwrite : bool, default False
        Replace a store that is there.
    **options
        Further arguments of :class:`VCF`.

    Returns
    -------
    Dataset
        ``{name}`` S1 ``(_sequence, {name}_sample, {name}_haplotype, _length)``.
    """
    return from_region_files(
        VCF(name, vcf, fasta, samples, alphabet=alphabet, **options),
        path=out, bed=bed, fixed_length=fixed_length, max_jitter=max_jitter, splice=splice,
        overwrite=overwrite,
    )  # fmt: skip
