from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr
import zarr

import seqdata as sd
from seqdata import schema
from seqdata.errors import (
    BedError,
    ContigError,
    LengthError,
    SchemaError,
    UnknownLetterError,
)


@pytest.mark.parametrize("width, jitter", [(20, 0), (21, 3), (150, 10)])
def test_windows_equal_slow_reading(
    letters: Any, genome: Any, tmp_path: Path, width: int, jitter: int
) -> None:
    bed = genome.random_bed(120)
    ds = sd.from_region_files(
        *genome.readers(), path=tmp_path / "x.zarr", bed=bed, fixed_length=width, max_jitter=jitter
    )
    full = width + 2 * jitter
    assert ds["seq"].dims == ("_sequence", "_length")
    assert ds["seq"].dtype == np.dtype("S1")
    assert ds["cov"].dims == ("_sequence", "cov_sample", "_length")
    assert ds["seq"].shape == (120, full)
    assert ds.sd.max_jitter == jitter
    seqs, cov, mask = letters(ds), ds["cov"].values, ds["mask"].values
    for i, row in bed.iterrows():
        middle = (row.chromStart + row.chromEnd) // 2
        centre = row.chromStart + row.peak if row.peak >= 0 else middle
        start = centre - width // 2 - jitter
        text, tracks, inside = genome.window(row.chrom, start, start + full, row.strand)
        assert seqs[i] == text
        np.testing.assert_array_equal(cov[i], tracks)
        np.testing.assert_array_equal(mask[i], inside)
        assert (int(ds["start"][i]), int(ds["end"][i])) == (start, start + full)
    assert ds.sd.labels("chrom").tolist() == bed["chrom"].tolist()
    assert ds.sd.labels("strand").tolist() == bed["strand"].tolist()


def test_rows_keep_the_order_of_the_bed(letters: Any, genome: Any, tmp_path: Path) -> None:
    bed = tmp_path / "x.bed"
    bed.write_text("track name=x\r\nchr2\t9\t19\tb\r\nchr1\t400\t410\ta\r\nchr2\t3\t13\tc\r\n")
    ds = sd.from_region_files(
        genome.readers()[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=True
    )
    assert ds["name"].values.tolist() == ["b", "a", "c"]
    assert letters(ds)[0] == genome.seqs["chr2"][9:19]
    assert ds["chrom"].attrs["flag_meanings"].split() == list(genome.seqs)


def test_reverse_complement_twice_and_pairs(
    turned: Any, letters: Any, genome: Any, tmp_path: Path
) -> None:
    bed = pd.DataFrame(
        {"chrom": "chr1", "chromStart": [100, 100], "chromEnd": [164, 164], "strand": ["+", "-"]}
    )
    ds = sd.from_region_files(*genome.readers(), path=tmp_path / "x.zarr", bed=bed, fixed_length=64)
    forward, reverse = letters(ds)
    assert turned(reverse) == forward
    mates = schema.pair_index(ds, "cov")
    assert mates.tolist() == [1, 0]
    cov = ds["cov"].values
    np.testing.assert_array_equal(cov[1][mates][:, ::-1], cov[0])
    assert ds["cov_pair"].values.tolist() == ["neg", "pos"]
    assert schema.decode(ds["cov_strand"]).tolist() == ["+", "-"]
    assert schema.pair_index(ds.isel(cov_sample=[1, 0]), "cov").tolist() == [1, 0]
    with pytest.raises(SchemaError, match="'pos' of 'cov' is paired with 'neg', which is not"):
        schema.pair_index(ds.isel(cov_sample=[0]), "cov")


@pytest.mark.parametrize("longest, flat", [(40, False), (400, True)])
def test_regions_of_any_length(genome: Any, tmp_path: Path, longest: int, flat: bool) -> None:
    bed = genome.random_bed(60).drop(columns="peak")
    bed["chromEnd"] = np.minimum(bed["chromEnd"], bed["chromStart"] + 30)
    bed.loc[7, ["chrom", "chromStart", "chromEnd", "strand"]] = ["chr1", 10, 10 + longest, "-"]
    ds = sd.from_region_files(
        *genome.readers(), path=tmp_path / "x.zarr", bed=bed, fixed_length=False
    )
    assert ("seq_offsets" in ds) == flat
    assert ds["seq"].ndim == (1 if flat else 2)
    np.testing.assert_array_equal(ds["seq_length"], bed["chromEnd"] - bed["chromStart"])
    rows = zip(ds.sd.rows("seq"), ds.sd.rows("cov"), ds.sd.rows("mask"), strict=True)
    for i, (seq, cov, mask) in enumerate(rows):
        row = bed.loc[i]
        text, tracks, inside = genome.window(row.chrom, row.chromStart, row.chromEnd, row.strand)
        assert seq.tobytes().rstrip(b"\0").decode() == text
        np.testing.assert_array_equal(cov, tracks)
        np.testing.assert_array_equal(mask[: len(inside)], inside)


def test_splice_joins_exons(turned: Any, letters: Any, genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame(
        [
            ("chr1", 300, 320, "tx2", "-"),
            ("chr1", 10, 30, "tx1", "+"),
            ("chr1", 100, 105, "tx1", "+"),
            ("chr1", 200, 217, "tx2", "-"),
            ("chr2", 5, 9, "tx3", "."),
        ],
        columns=["chrom", "chromStart", "chromEnd", "name", "strand"],
    )
    ds = sd.from_region_files(
        *genome.readers(), path=tmp_path / "x.zarr", bed=bed, fixed_length=False, splice=True
    )
    one, two = genome.seqs["chr1"], genome.seqs["chr2"]
    joined = one[200:217] + one[300:320]
    assert ds["name"].values.tolist() == ["tx2", "tx1", "tx3"]
    assert letters(ds) == [turned(joined), one[10:30] + one[100:105], two[5:9]]
    plus = genome.signal["pos"]["chr1"]
    expected = np.concatenate([plus[200:217], plus[300:320]])[::-1]
    np.testing.assert_array_equal(ds["cov"].values[0, 1, :37], expected)
    assert ds["start"].values.tolist() == [200, 10, 5]
    assert ds["end"].values.tolist() == [320, 105, 9]
    with pytest.raises(SchemaError, match="pass fixed_length=False"):
        sd.from_region_files(
            *genome.readers(), path=tmp_path / "y.zarr", bed=bed, fixed_length=5, splice=True
        )
    bed.loc[0, "strand"] = "+"
    with pytest.raises(BedError, match="exons of 'tx2' lie on more than one strand"):
        sd.from_region_files(
            *genome.readers(), path=tmp_path / "y.zarr", bed=bed, fixed_length=False, splice=True
        )


def test_columns_of_a_table_are_kept(genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {
            "chrom": ["chr1", "chr2"], "start": [5, 6], "end": [9, 10], "label": [1, 0],
            "is_peak": [True, False], "note": ["x", None], "score": [0.5, None],
        }
    )  # fmt: skip
    ds = sd.from_region_files(
        genome.readers()[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=4
    )
    assert ds["label"].values.tolist() == [1, 0]
    assert ds["is_peak"].dtype == bool
    assert ds["note"].values.tolist() == ["x", ""]
    np.testing.assert_array_equal(ds["score"], [0.5, np.nan])
    assert sorted(ds.sd.obs.data_vars) == ["is_peak", "label", "note", "score"]
    assert sorted(ds.sd.layers.data_vars) == ["mask", "seq"]


def test_fixed_length_true_warns_of_other_lengths(genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": "chr1", "chromStart": [50, 90], "chromEnd": [60, 120]})
    with pytest.warns(UserWarning, match="first region of regions, 10 bp; 1 regions of another"):
        ds = sd.from_region_files(
            genome.readers()[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=True
        )
    assert ds["seq"].shape == (2, 10)


@pytest.mark.parametrize(
    "bed, options, error, message",
    [
        ("1\t5\t9\n", {}, ContigError, r"no contig '1'.* calls it 'chr1'"),
        ("chr1\t9\t5\n", {}, BedError, "line 1: start 9 is greater than end 5"),
        ("chr1\t-9\t5\n", {}, BedError, "line 1: start -9 is negative"),
        ("", {}, BedError, "holds no region"),
        ("chr1\t5\t9\n", {"fixed_length": 0}, LengthError, "fixed_length must be True, False"),
        ("chr1\t5\t5\n", {"fixed_length": False}, LengthError, "region 0 is empty"),
        ("chr1\t5\t9\n", {"max_jitter": -1}, SchemaError, "max_jitter must be"),
        ("chr1\t5\t9\n", {"max_jitter": 1.5}, SchemaError, "max_jitter must be"),
    ],
)
def test_bad_regions_leave_nothing(
    genome: Any, tmp_path: Path, bed: str, options: dict, error: type, message: str
) -> None:
    (tmp_path / "x.bed").write_text(bed)
    arguments = {"bed": tmp_path / "x.bed", "fixed_length": 4, **options}
    with pytest.raises(error, match=message):
        sd.from_region_files(*genome.readers(), path=tmp_path / "x.zarr", **arguments)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.bed"]


def test_bad_letter_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\n" + "ACGT" * 5000 + "Z\n")
    bed = pd.DataFrame({"chrom": "c", "chromStart": np.arange(0, 20000, 5)})
    bed["chromEnd"] = bed["chromStart"] + 5
    with pytest.raises(UnknownLetterError, match="record 'c', position 20001"):
        sd.from_region_files(
            sd.GenomeFASTA("seq", tmp_path / "g.fa"), path=tmp_path / "x.zarr", bed=bed,
            fixed_length=9,
        )  # fmt: skip
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["g.fa", "g.fa.fai"]


def test_names_and_readers_that_do_not_fit(genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    fasta = sd.GenomeFASTA("seq", genome.fasta)
    with pytest.raises(SchemaError, match="Two variables would be called 'seq'"):
        sd.from_region_files(fasta, fasta, path=tmp_path / "x", bed=bed, fixed_length=4)
    with pytest.raises(SchemaError, match="Two variables would be called 'mask'"):
        sd.from_region_files(fasta, path=tmp_path / "x", bed=bed.assign(mask=1), fixed_length=4)
    with pytest.raises(SchemaError, match="No reader was given"):
        sd.from_region_files(path=tmp_path / "x", bed=bed, fixed_length=4)
    with pytest.raises(SchemaError, match="GenomeFASTA is no reader for this"):
        sd.from_flat_files(fasta, path=tmp_path / "x", fixed_length=4)  # type: ignore[arg-type]
    with pytest.raises(BedError, match="must be a BED-like file or a DataFrame, got list"):
        sd.from_region_files(fasta, path=tmp_path / "x", bed=[1], fixed_length=4)  # type: ignore[arg-type]
    with pytest.raises(BedError, match="table of regions is empty"):
        sd.from_region_files(fasta, path=tmp_path / "x", bed=bed[:0], fixed_length=4)


def test_assemblies_that_differ_are_named(genome: Any, tmp_path: Path) -> None:
    with pyBigWig.open(str(tmp_path / "y.bw"), "w") as bw:
        bw.addHeader([("chr1", 4000)])
        bw.addEntries(["chr1"], [0], ends=[5], values=[1.0])
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [3995], "chromEnd": [4005]})
    with pytest.warns(UserWarning, match="'chr1' has 5000 bp in .* and 4000 bp in .*assembly"):
        ds = sd.from_region_files(
            genome.readers()[0], sd.BigWig("y", tmp_path / "y.bw", "a"), path=tmp_path / "x.zarr",
            bed=bed, fixed_length=10,
        )  # fmt: skip
    assert ds["mask"].values.tolist() == [[1] * 5 + [0] * 5]


def test_custom_dimension_names(genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    ds = sd.from_region_files(
        genome.readers()[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=4,
        sequence_dim="row", length_dim="position",
    )  # fmt: skip
    assert ds["seq"].dims == ("row", "position")
    assert (ds.sd.sequence_dim, ds.sd.length_dim) == ("row", "position")


def test_store_layout_and_provenance(genome: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    bed = tmp_path / "x.bed"
    bed.write_text("chr1\t5\t9\n")
    sd.from_region_files(*genome.readers(), path=path, bed=bed, fixed_length=4)
    group = zarr.open_group(path, mode="r")
    seq = group["seq"]
    assert seq.dtype == np.uint8
    assert seq.shards == (2048, 4)
    assert seq.chunks == (64, 4)
    assert [type(codec).__name__ for codec in seq.compressors] == ["ZstdCodec"]
    assert seq.attrs.asdict() == {"kind": "sequence", "alphabet": "ACGT"}
    assert group.metadata.consolidated_metadata is not None
    assert group.attrs["complete"] is True
    provenance = group.attrs["provenance"]
    names = [Path(record["path"]).name for record in provenance["files"]]
    assert names == ["g.fa", "pos.bw", "neg.bw", "x.bed"]
    assert all(len(record["sha256"]) == 64 for record in provenance["files"])
    assert provenance["options"]["fixed_length"] == 4
    assert "zarr" in provenance["versions"]
    plain = xr.open_zarr(path)
    assert plain["seq"].dtype == np.uint8
    assert set(plain.coords) >= {"chrom", "start", "end", "strand", "cov_sample"}


def test_read_shortcuts(letters: Any, genome: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sequence,y\nACGT,1\n")
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    fasta = genome.fasta
    one = sd.read_table("seq", tmp_path / "1", tmp_path / "x.csv", "sequence", fixed_length=True)
    two = sd.read_flat_fasta("seq", tmp_path / "2", tmp_path / "x.fa", fixed_length=True)
    three = sd.read_genome_fasta("seq", tmp_path / "3", fasta, bed, fixed_length=4)
    four = sd.read_bigwig(
        "seq", "cov", tmp_path / "4", fasta, genome.folder / "pos.bw", "a", bed, fixed_length=4
    )
    assert letters(one) == letters(two) == ["ACGT"]
    assert letters(three) == letters(four) == [genome.seqs["chr1"][5:9]]
    np.testing.assert_array_equal(four["cov"][0, 0], genome.signal["pos"]["chr1"][5:9])


def test_lengths_of_any_whole_type(genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    reader = sd.GenomeFASTA("seq", genome.fasta)
    for i, length in enumerate((np.int64(6), 6.0)):
        ds = sd.from_region_files(
            reader, path=tmp_path / str(i), bed=bed, fixed_length=length, max_jitter=np.int32(1)
        )
        assert (ds.sizes["_length"], ds.sd.max_jitter) == (8, 1)
    with pytest.raises(LengthError, match=r"whole number of bp, 1 or more, got 4\.5"):
        sd.from_region_files(reader, path=tmp_path / "x", bed=bed, fixed_length=4.5)  # type: ignore[arg-type]


def test_exons_are_not_widened(genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {"chrom": ["chr1"] * 2, "chromStart": [1, 6], "chromEnd": [3, 8], "name": ["a", "a"]}
    )
    with pytest.raises(SchemaError, match="max_jitter=0"):
        sd.from_region_files(
            sd.GenomeFASTA("seq", genome.fasta), path=tmp_path / "x", bed=bed,
            fixed_length=False, splice=True, max_jitter=1,
        )  # fmt: skip


def test_unknown_contig_names_both_files(genome: Any, tmp_path: Path) -> None:
    (tmp_path / "x.bed").write_text("chr1\t1\t5\nchr9\t1\t5\n")
    with pytest.raises(
        ContigError, match=r"g\.fa has no contig 'chr9'.* 1 of 2 regions of .*x\.bed"
    ):
        sd.from_region_files(
            sd.GenomeFASTA("seq", genome.fasta), path=tmp_path / "x",
            bed=tmp_path / "x.bed", fixed_length=4,
        )  # fmt: skip


def test_windows_of_another_assembly(letters: Any, genome: Any, tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {"chrom": ["chr2", "chr1"], "chromStart": [198, 9000], "chromEnd": [202, 9004]}
    )
    with pytest.warns(UserWarning, match=r"1 of 2 windows .*chr1:9000-9004 of 5000 bp.*assembly"):
        ds = sd.from_region_files(
            sd.GenomeFASTA("seq", genome.fasta), path=tmp_path / "x", bed=bed, fixed_length=4
        )
    assert letters(ds) == ["CANN", "NNNN"]


def test_home_folder(
    letters: Any, genome: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.bed").write_text("chr2\t0\t4\n")
    (tmp_path / "g.fa").write_text(Path(genome.fasta).read_text())
    sd.from_region_files(
        sd.GenomeFASTA("seq", "~/g.fa"), path="~/x.zarr", bed="~/x.bed", fixed_length=4
    )
    assert letters(sd.open_zarr(tmp_path / "x.zarr")) == ["ACGT"]
