from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
import pysam

import seqdata as sd


def test_real_yeast_windows(letters: Any, data_files, tmp_path: Path) -> None:
    folder = data_files / "sacCer3"
    peaks = folder / "ATAC_macs3_hmmratac.narrowPeak"
    names = ["ATAC_cutsites_both_ends.bw", "ATAC_fragment_coverage.bw"]
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", folder / "sacCer3.fa.gz"),
        sd.BigWig("cov", [folder / name for name in names], ["cuts", "fragments"]),
        path=tmp_path / "x.zarr", bed=peaks, fixed_length=512, max_jitter=16,
    )  # fmt: skip
    table = sd.read_bedlike(peaks)
    assert ds.sizes["_sequence"] == len(table)
    assert ds.sd.labels("chrom").tolist() == table["chrom"].tolist()
    fasta = pysam.FastaFile(str(folder / "sacCer3.fa.gz"))
    tracks = [pyBigWig.open(str(folder / name)) for name in names]
    sizes = dict(zip(fasta.references, fasta.lengths, strict=True))
    seqs, cov = letters(ds), ds["cov"].values
    for i in np.random.default_rng(0).integers(0, len(table), 150):
        row = table.iloc[i]
        start = row.chromStart + row.peak - 256 - 16
        end = start + 544
        left, right = max(0, -start), max(0, end - sizes[row.chrom])
        core = fasta.fetch(row.chrom, max(0, start), end)
        assert seqs[i] == "N" * left + core + "N" * right
        for k, track in enumerate(tracks):
            expected = np.zeros(544, dtype=np.float32)
            values = track.values(row.chrom, max(0, start), min(end, sizes[row.chrom]))
            expected[left : 544 - right] = np.nan_to_num(values)
            np.testing.assert_array_equal(cov[i, k], expected)
    for track in tracks:
        track.close()


def test_real_stranded_eclip(data_files, tmp_path: Path) -> None:
    folder = data_files / "eclip_hg38_chr19"
    files = [folder / f"PTBP1_HepG2.eCLIP.{strand}.bw" for strand in ("pos", "neg")]
    bed = sd.read_bedlike(folder / "PTBP1_HepG2.enriched-windows.300nt.bed.gz")[::100]
    ds = sd.from_region_files(
        sd.BigWig("eclip", files, ["eCLIP.pos", "eCLIP.neg"], strands=["+", "-"]),
        path=tmp_path / "x.zarr", bed=bed, fixed_length=300,
    )  # fmt: skip
    assert set(ds.sd.labels("strand")) == {"+", "-"}
    tracks = [pyBigWig.open(str(file)) for file in files]
    sense, cov = 0.0, ds["eclip"].values
    for i, row in enumerate(bed.itertuples()):
        values = [np.nan_to_num(t.values("chr19", row.chromStart, row.chromEnd)) for t in tracks]
        if row.strand == "-":
            values = [values[1][::-1], values[0][::-1]]
        np.testing.assert_array_equal(cov[i], np.array(values, dtype=np.float32))
        sense += values[0].sum() - values[1].sum()
    assert sense > 0  # enriched windows carry their signal on their own strand
    for track in tracks:
        track.close()


def test_real_promoters(letters: Any, data_files, tmp_path: Path) -> None:
    path = data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz"
    ds = sd.from_flat_files(
        sd.Table("seq", path, "sequence"), path=tmp_path / "x.zarr", fixed_length=True
    )
    frame = pd.read_csv(path, sep="\t")
    assert ds["seq"].shape == (len(frame), 170)
    assert letters(ds) == frame["sequence"].tolist()
    np.testing.assert_array_equal(ds["enrichment"], frame["enrichment"])


def test_real_windows_of_chromosome_22(
    turned: Any, letters: Any, data_files, tmp_path: Path
) -> None:
    source = data_files / "hg38_chr22_300kb" / "chr22_32000000_32300000.fa"
    fasta = tmp_path / "g.fa"
    fasta.write_bytes(source.read_bytes())
    oracle = pyfaidx.Fasta(str(fasta), as_raw=True)
    name = next(iter(oracle.keys()))
    bed = sd.regions.tile({name: len(oracle[name])}, 2114, step=1500)
    bed["strand"] = np.where(np.arange(len(bed)) % 2, "-", "+")
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", fasta), path=tmp_path / "x.zarr", bed=bed, fixed_length=True
    )
    for got, row in zip(letters(ds), bed.itertuples(), strict=True):
        text = oracle[name][row.chromStart : row.chromEnd]
        assert got == (turned(text) if row.strand == "-" else text)


def test_real_gzip_fasta(letters: Any, data_files, tmp_path: Path) -> None:
    path = data_files / "chip_human_100bp" / "ctcf.fa.gz"
    ds = sd.from_flat_files(sd.FlatFASTA("seq", path), path=tmp_path / "x.zarr", fixed_length=True)
    with gzip.open(path, "rt") as handle:
        lines = handle.read().split()
    assert letters(ds) == lines[1::2]
    assert ds["id"].values.tolist() == [line[1:] for line in lines[::2]]
