"""Stores of one reader alone, under the name that SeqData's readers have for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest
import xarray as xr
import zarr

import seqdata as sd

LETTERS = "".join(np.random.default_rng(0).choice(list("ACGT"), 400))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "g.fa").write_text(f">c1\n{LETTERS}\n")
    (tmp_path / "flat.fa").write_text(f">a\n{LETTERS[:20]}\n>b\n{LETTERS[20:40]}\n")
    (tmp_path / "t.csv").write_text(f"seq,y\n{LETTERS[:20]},1.5\n{LETTERS[20:40]},2.5\n")
    with pyBigWig.open(str(tmp_path / "x.bw"), "w") as signal:
        signal.addHeader([("c1", 400)])
        signal.addEntries("c1", 0, values=np.arange(400.0).tolist(), span=1, step=1)
    header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "c1", "LN": 400}]})
    with pysam.AlignmentFile(tmp_path / "x.bam", "wb", header=header) as reads:
        for start in range(10, 350, 7):
            read = pysam.AlignedSegment(header)
            read.query_name, read.reference_id, read.reference_start = f"r{start}", 0, start
            read.query_sequence, read.cigartuples = LETTERS[start : start + 30], [(0, 30)]
            read.mapping_quality = 60
            reads.write(read)
    pysam.index(str(tmp_path / "x.bam"))
    return tmp_path


REGIONS = {
    "fasta": lambda folder: sd.GenomeFASTA("x", folder / "g.fa", batch_size=50),
    "bigwig": lambda folder: sd.BigWig("x", [folder / "x.bw"], ["s"], batch_size=50),
    "bam": lambda folder: sd.BAM("x", folder / "x.bam", ["s"], batch_size=50),
}
FLAT = {
    "fasta": lambda folder: sd.FlatFASTA("x", folder / "flat.fa", batch_size=50),
    "table": lambda folder: sd.Table("x", folder / "t.csv", "seq", batch_size=50),
}


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    one, other = one.load(), other.load()
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        np.testing.assert_array_equal(one[name].values, other[name].values)
        assert one[name].dims == other[name].dims


@pytest.mark.filterwarnings("ignore:Consolidated metadata is")
@pytest.mark.parametrize("kind", REGIONS)
def test_windows_of_one_reader(folder, kind):
    bed = pd.DataFrame([["c1", 10, 30], ["c1", 200, 220], ["c1", 41, 61]])
    bed["strand"] = "+"
    out = folder / "out.zarr"
    out.mkdir()
    REGIONS[kind](folder)._write(
        out=str(out), bed=bed, fixed_length=20, sequence_dim="_sequence", length_dim="_length",
        overwrite=True,
    )  # fmt: skip
    zarr.consolidate_metadata(out)
    named = bed.rename(columns={0: "chrom", 1: "chromStart", 2: "chromEnd"})
    expected = sd.from_region_files(
        REGIONS[kind](folder), path=folder / "other.zarr", bed=named, fixed_length=20
    )
    same(sd.open_zarr(out), expected)
    if kind == "fasta":
        rows = ["".join(row.astype(str)) for row in sd.open_zarr(out)["x"].values]
        assert rows == [LETTERS[s:e] for s, e in zip(bed[1], bed[2], strict=True)]
    elif kind == "bigwig":
        assert expected["x"].sel(x_sample="s").values[1].tolist() == list(range(200, 220))


@pytest.mark.parametrize("kind", FLAT)
@pytest.mark.parametrize("fixed_length", [20, True, False])
def test_rows_of_one_reader(folder, kind, fixed_length):
    out = folder / "out.zarr"
    options = {"fixed_length": fixed_length, "overwrite": True}
    FLAT[kind](folder)._write(out=out, sequence_dim="_sequence", length_dim="_length", **options)
    expected = sd.from_flat_files(FLAT[kind](folder), path=folder / "other.zarr", **options)
    same(sd.open_zarr(out), expected)
    rows = ["".join(row.astype(str)) for row in sd.open_zarr(out)["x"].values]
    assert rows == [LETTERS[:20], LETTERS[20:40]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("c1\t5\t9\n", ["chrom", "chromStart", "chromEnd"]),
        ("c1\t5\t9\tp\t3\t-\n", ["chrom", "chromStart", "chromEnd", "name", "score", "strand"]),
        ("c1\t5\t9\tp\tq\n", ["chrom", "chromStart", "chromEnd", "name", "field5"]),
        (
            "c1\t5\t9\tp\t3\t.\t2.5\t1\t1\t2\n",
            ["chrom", "chromStart", "chromEnd", "name", "score", "strand", "signalValue",
             "pValue", "qValue", "peak"],
        ),
    ],
)  # fmt: skip
def test_tables_read_without_a_header_are_understood(tmp_path, text, names):
    from seqdata.readers.bed import with_bed_names

    bed = tmp_path / "x.bed"
    bed.write_text(text)
    table = with_bed_names(pd.read_csv(bed, sep="\t", header=None))
    assert table.columns.tolist() == names == sd.read_bedlike(bed).columns.tolist()


def test_named_columns_stay():
    from seqdata.readers.bed import with_bed_names

    named = pd.DataFrame({"chrom": ["c"], "chromStart": [1], "chromEnd": [2], 7: [0]})
    assert with_bed_names(named).columns.tolist() == ["chrom", "chromStart", "chromEnd", 7]
    beside = pd.DataFrame([["c", 1, 2, "n"]]).assign(name="m")
    assert with_bed_names(beside).columns.tolist() == [
        "chrom", "chromStart", "chromEnd", "field4", "name",
    ]  # fmt: skip
