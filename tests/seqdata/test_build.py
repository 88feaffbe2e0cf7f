from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
import pysam
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
    SeqdataError,
    StoreError,
    TableError,
    UnknownLetterError,
)

COMPLEMENT = str.maketrans("ACGTNacgtn", "TGCANtgcan")


def turned(seq: str) -> str:
    return seq.translate(COMPLEMENT)[::-1]


def letters(ds: xr.Dataset, name: str = "seq") -> list[str]:
    return [row.tobytes().rstrip(b"\0").decode() for row in ds[name].values]


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A genome of two contigs with a forward and a reverse track, and slow ways to read them."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    seqs = {"chr1": "".join(rng.choice(list("ACGTNacgt"), 5000)), "chr2": "ACGTTGCA" * 25}
    fasta = folder / "g.fa"
    with fasta.open("w") as out:
        for name, seq in seqs.items():
            out.write(
                f">{name}\n" + "\n".join(seq[k : k + 70] for k in range(0, len(seq), 70)) + "\n"
            )
    signal: dict[str, dict[str, np.ndarray]] = {}
    for strand in ("pos", "neg"):
        signal[strand] = {}
        with pyBigWig.open(str(folder / f"{strand}.bw"), "w") as bw:
            bw.addHeader([(name, len(seq)) for name, seq in seqs.items()])
            for name, seq in seqs.items():
                values = rng.integers(0, 5, len(seq)).astype(np.float32)
                signal[strand][name] = values
                some = np.flatnonzero(values)
                bw.addEntries(
                    [name] * len(some), some.tolist(), ends=(some + 1).tolist(),
                    values=values[some].tolist(),
                )  # fmt: skip
    return {"folder": folder, "fasta": fasta, "seqs": seqs, "signal": signal}


def slow_window(genome: dict[str, Any], chrom: str, start: int, end: int, strand: str) -> tuple:
    seq = genome["seqs"][chrom]
    inside = [0 <= i < len(seq) for i in range(start, end)]
    text = "".join(seq[i] if ok else "N" for i, ok in zip(range(start, end), inside, strict=True))
    tracks = np.array(
        [
            [
                genome["signal"][s][chrom][i] if ok else 0
                for i, ok in zip(range(start, end), inside, strict=True)
            ]
            for s in ("pos", "neg")
        ]
    )
    mask = np.array(inside, dtype=np.uint8)
    if strand == "-":
        return turned(text), tracks[::-1, ::-1], mask[::-1]
    return text, tracks, mask


def readers(genome: dict[str, Any]) -> tuple:
    folder = genome["folder"]
    return (
        sd.GenomeFASTA("seq", genome["fasta"]),
        sd.BigWig(
            "cov", [folder / "pos.bw", folder / "neg.bw"], ["pos", "neg"], strands=["+", "-"]
        ),
    )


def random_bed(genome: dict[str, Any], n: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        chrom = str(rng.choice(["chr2", "chr1"]))
        size = len(genome["seqs"][chrom])
        start = int(rng.integers(0, size - 2))
        end = int(rng.integers(start + 1, min(size, start + 60)))
        peak = int(rng.integers(-1, end - start))
        rows.append((chrom, start, end, str(rng.choice(list("+-."))), peak))
    return pd.DataFrame(rows, columns=["chrom", "chromStart", "chromEnd", "strand", "peak"])


# ------------------------------------------------------------------ regions


@pytest.mark.parametrize("width, jitter", [(20, 0), (21, 3), (150, 10)])
def test_windows_equal_slow_reading(
    genome: dict[str, Any], tmp_path: Path, width: int, jitter: int
) -> None:
    bed = random_bed(genome, 120)
    ds = sd.from_region_files(
        *readers(genome), path=tmp_path / "x.zarr", bed=bed, fixed_length=width, max_jitter=jitter
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
        text, tracks, inside = slow_window(genome, row.chrom, start, start + full, row.strand)
        assert seqs[i] == text
        np.testing.assert_array_equal(cov[i], tracks)
        np.testing.assert_array_equal(mask[i], inside)
        assert (int(ds["start"][i]), int(ds["end"][i])) == (start, start + full)
    assert ds.sd.labels("chrom").tolist() == bed["chrom"].tolist()
    assert ds.sd.labels("strand").tolist() == bed["strand"].tolist()


def test_rows_keep_the_order_of_the_bed(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = tmp_path / "x.bed"
    bed.write_text("track name=x\r\nchr2\t9\t19\tb\r\nchr1\t400\t410\ta\r\nchr2\t3\t13\tc\r\n")
    ds = sd.from_region_files(
        readers(genome)[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=True
    )
    assert ds["name"].values.tolist() == ["b", "a", "c"]
    assert letters(ds)[0] == genome["seqs"]["chr2"][9:19]
    assert ds["chrom"].attrs["flag_meanings"] == "chr2 chr1"


def test_reverse_complement_twice_and_pairs(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {"chrom": "chr1", "chromStart": [100, 100], "chromEnd": [164, 164], "strand": ["+", "-"]}
    )
    ds = sd.from_region_files(*readers(genome), path=tmp_path / "x.zarr", bed=bed, fixed_length=64)
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
def test_regions_of_any_length(
    genome: dict[str, Any], tmp_path: Path, longest: int, flat: bool
) -> None:
    bed = random_bed(genome, 60).drop(columns="peak")
    bed["chromEnd"] = np.minimum(bed["chromEnd"], bed["chromStart"] + 30)
    bed.loc[7, ["chrom", "chromStart", "chromEnd", "strand"]] = ["chr1", 10, 10 + longest, "-"]
    ds = sd.from_region_files(
        *readers(genome), path=tmp_path / "x.zarr", bed=bed, fixed_length=False
    )
    assert ("seq_offsets" in ds) == flat
    assert ds["seq"].ndim == (1 if flat else 2)
    np.testing.assert_array_equal(ds["seq_length"], bed["chromEnd"] - bed["chromStart"])
    rows = zip(ds.sd.rows("seq"), ds.sd.rows("cov"), ds.sd.rows("mask"), strict=True)
    for i, (seq, cov, mask) in enumerate(rows):
        row = bed.loc[i]
        text, tracks, inside = slow_window(
            genome, row.chrom, row.chromStart, row.chromEnd, row.strand
        )
        assert seq.tobytes().rstrip(b"\0").decode() == text
        np.testing.assert_array_equal(cov, tracks)
        np.testing.assert_array_equal(mask[: len(inside)], inside)


def test_splice_joins_exons(genome: dict[str, Any], tmp_path: Path) -> None:
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
        *readers(genome), path=tmp_path / "x.zarr", bed=bed, fixed_length=False, splice=True
    )
    one, two = genome["seqs"]["chr1"], genome["seqs"]["chr2"]
    joined = one[200:217] + one[300:320]
    assert ds["name"].values.tolist() == ["tx2", "tx1", "tx3"]
    assert letters(ds) == [turned(joined), one[10:30] + one[100:105], two[5:9]]
    plus = genome["signal"]["pos"]["chr1"]
    expected = np.concatenate([plus[200:217], plus[300:320]])[::-1]
    np.testing.assert_array_equal(ds["cov"].values[0, 1, :37], expected)
    assert ds["start"].values.tolist() == [200, 10, 5]
    assert ds["end"].values.tolist() == [320, 105, 9]
    with pytest.raises(SchemaError, match="pass fixed_length=False"):
        sd.from_region_files(
            *readers(genome), path=tmp_path / "y.zarr", bed=bed, fixed_length=5, splice=True
        )
    bed.loc[0, "strand"] = "+"
    with pytest.raises(BedError, match="exons of 'tx2' lie on more than one strand"):
        sd.from_region_files(
            *readers(genome), path=tmp_path / "y.zarr", bed=bed, fixed_length=False, splice=True
        )


def test_columns_of_a_table_are_kept(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {
            "chrom": ["chr1", "chr2"], "start": [5, 6], "end": [9, 10], "label": [1, 0],
            "is_peak": [True, False], "note": ["x", None], "score": [0.5, None],
        }
    )  # fmt: skip
    ds = sd.from_region_files(readers(genome)[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=4)
    assert ds["label"].values.tolist() == [1, 0]
    assert ds["is_peak"].dtype == bool
    assert ds["note"].values.tolist() == ["x", ""]
    np.testing.assert_array_equal(ds["score"], [0.5, np.nan])
    assert sorted(ds.sd.obs.data_vars) == ["is_peak", "label", "note", "score"]
    assert sorted(ds.sd.layers.data_vars) == ["mask", "seq"]


def test_fixed_length_true_warns_of_other_lengths(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": "chr1", "chromStart": [50, 90], "chromEnd": [60, 120]})
    with pytest.warns(UserWarning, match="first region of regions, 10 bp; 1 regions of another"):
        ds = sd.from_region_files(
            readers(genome)[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=True
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
    genome: dict[str, Any], tmp_path: Path, bed: str, options: dict, error: type, message: str
) -> None:
    (tmp_path / "x.bed").write_text(bed)
    arguments = {"bed": tmp_path / "x.bed", "fixed_length": 4, **options}
    with pytest.raises(error, match=message):
        sd.from_region_files(*readers(genome), path=tmp_path / "x.zarr", **arguments)
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


def test_names_and_readers_that_do_not_fit(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    fasta = sd.GenomeFASTA("seq", genome["fasta"])
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


def test_assemblies_that_differ_are_named(genome: dict[str, Any], tmp_path: Path) -> None:
    with pyBigWig.open(str(tmp_path / "y.bw"), "w") as bw:
        bw.addHeader([("chr1", 4000)])
        bw.addEntries(["chr1"], [0], ends=[5], values=[1.0])
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [3995], "chromEnd": [4005]})
    with pytest.warns(UserWarning, match="'chr1' has 5000 bp in .* and 4000 bp in .*assembly"):
        ds = sd.from_region_files(
            readers(genome)[0], sd.BigWig("y", tmp_path / "y.bw", "a"), path=tmp_path / "x.zarr",
            bed=bed, fixed_length=10,
        )  # fmt: skip
    assert ds["mask"].values.tolist() == [[1] * 5 + [0] * 5]


def test_custom_dimension_names(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    ds = sd.from_region_files(
        readers(genome)[0], path=tmp_path / "x.zarr", bed=bed, fixed_length=4,
        sequence_dim="row", length_dim="position",
    )  # fmt: skip
    assert ds["seq"].dims == ("row", "position")
    assert (ds.sd.sequence_dim, ds.sd.length_dim) == ("row", "position")


def test_many_shards_and_a_cluster_give_the_same_bytes(
    genome: dict[str, Any], tmp_path: Path
) -> None:
    bed = random_bed(genome, 2500)
    ds = sd.from_region_files(*readers(genome), path=tmp_path / "a.zarr", bed=bed, fixed_length=16)
    assert ds["cov"].chunksizes["_sequence"] == (2048, 452)
    from distributed import Client

    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as client:
        sd.from_region_files(
            *readers(genome), path=tmp_path / "b.zarr", bed=bed, fixed_length=16, client=client
        )
    files = sorted(
        p.relative_to(tmp_path / "a.zarr") for p in (tmp_path / "a.zarr").rglob("*") if p.is_file()
    )
    assert len(files) > 15
    for file in files:
        assert (tmp_path / "a.zarr" / file).read_bytes() == (
            tmp_path / "b.zarr" / file
        ).read_bytes()


def test_store_layout_and_provenance(genome: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    bed = tmp_path / "x.bed"
    bed.write_text("chr1\t5\t9\n")
    sd.from_region_files(*readers(genome), path=path, bed=bed, fixed_length=4)
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


# ------------------------------------------------------------------ flat files


def test_table_and_fasta_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("id2\tprom\ty\na\tACGT\t1\nb\tTTTT\t2\n")
    (tmp_path / "x.fa").write_text(">r1\nAC\n>r2\nGT\n")
    ds = sd.from_flat_files(
        sd.Table("prom", tmp_path / "x.tsv", "prom"),
        sd.FlatFASTA("seq", tmp_path / "x.fa"),
        path=tmp_path / "x.zarr",
        fixed_length=True,
    )
    assert ds["prom"].dims == ("_sequence", "_length")
    assert ds["seq"].dims == ("_sequence", "_length_seq")
    assert letters(ds) == ["AC", "GT"]
    assert ds["id"].values.tolist() == ["r1", "r2"]
    assert ds["y"].values.tolist() == [1, 2]
    (tmp_path / "y.fa").write_text(">r1\nAC\n")
    with pytest.raises(LengthError, match=r"different numbers of rows \(prom: 2, seq: 1\)"):
        sd.from_flat_files(
            sd.Table("prom", tmp_path / "x.tsv", "prom"),
            sd.FlatFASTA("seq", tmp_path / "y.fa"),
            path=tmp_path / "y.zarr",
            fixed_length=True,
        )
    assert not (tmp_path / "y.zarr").exists()


@pytest.mark.parametrize("flat", [False, True])
def test_sequences_of_any_length(tmp_path: Path, flat: bool) -> None:
    rng = np.random.default_rng(0)
    seqs = ["".join(rng.choice(list("ACGT"), rng.integers(1, 12))) for _ in range(300)]
    if flat:
        seqs[5] = "ACGT" * 100
    path = tmp_path / "x.csv"
    path.write_text("sequence,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(seqs)))
    ds = sd.from_flat_files(
        sd.Table("seq", path, "sequence", batch_size=64), path=tmp_path / "x.zarr",
        fixed_length=False,
    )  # fmt: skip
    assert ("seq_offsets" in ds) == flat
    np.testing.assert_array_equal(ds["seq_length"], list(map(len, seqs)))
    got = [row.tobytes().decode() for row in ds.sd.rows("seq")]
    assert got == seqs
    assert ds["y"].values.tolist() == list(range(300))


def test_one_length_is_checked(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_text(">a\nACGT\n>b\nACG\n")
    for length, message in ((True, "record 2: .* 3 bp long, expected 4"), (5, "record 1: .* 4 bp")):
        with pytest.raises(LengthError, match=message):
            sd.from_flat_files(
                sd.FlatFASTA("seq", tmp_path / "x.fa"), path=tmp_path / "x.zarr",
                fixed_length=length,
            )  # fmt: skip
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.fa"]


@pytest.mark.parametrize(
    "values, expected",
    [
        (["1"] * 10 + ["2.5"], [1.0] * 10 + [2.5]),
        (["01"] * 10 + ["x"], ["01"] * 10 + ["x"]),
        (["1"] * 10 + [""], [1.0] * 10 + [np.nan]),
        (["True"] * 10 + ["3"], ["True"] * 10 + ["3"]),
        (["1.5"] * 10 + ["2"], [1.5] * 10 + [2.0]),
    ],
)
def test_column_types_settle(tmp_path: Path, values: list[str], expected: list[Any]) -> None:
    path = tmp_path / "x.csv"
    path.write_text("sequence,v,y\n" + "".join(f"ACGT,{v},{i}\n" for i, v in enumerate(values)))
    ds = sd.from_flat_files(
        sd.Table("seq", path, "sequence", batch_size=4), path=tmp_path / "x.zarr",
        fixed_length=True,
    )  # fmt: skip
    if isinstance(expected[0], str):
        assert ds["v"].values.tolist() == expected
    else:
        np.testing.assert_array_equal(ds["v"], expected)
    assert ds["y"].values.tolist() == list(range(11))


def test_column_named_like_the_sequence(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sequence,seq\nACGT,1\n")
    with pytest.raises(SchemaError, match="Two variables would be called 'seq'"):
        sd.from_flat_files(
            sd.Table("seq", tmp_path / "x.csv", "sequence"), path=tmp_path / "x.zarr",
            fixed_length=True,
        )  # fmt: skip


@pytest.mark.parametrize("text", ["sequence,y\nACGT,1\nACG\n", "sequence,y\nACGT,1\nAC!T,2\n"])
def test_bad_row_leaves_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises((TableError, UnknownLetterError), match=r"line 3|row 2"):
        sd.from_flat_files(
            sd.Table("seq", tmp_path / "x.csv", "sequence", batch_size=1),
            path=tmp_path / "x.zarr", fixed_length=True,
        )  # fmt: skip
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_overwrite(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sequence,y\nACGT,1\n")
    arguments: dict[str, Any] = {"path": tmp_path / "x.zarr", "fixed_length": True}
    reader = sd.Table("seq", tmp_path / "x.csv", "sequence")
    sd.from_flat_files(reader, **arguments)
    with pytest.raises(StoreError, match=r"exists. Pass overwrite=True"):
        sd.from_flat_files(reader, **arguments)
    (tmp_path / "x.csv").write_text("sequence,y\nAC!T,1\n")
    with pytest.raises(SeqdataError, match="Unknown letter"):
        sd.from_flat_files(reader, **arguments, overwrite=True)
    assert sd.open_zarr(tmp_path / "x.zarr")["y"].values.tolist() == [1]
    (tmp_path / "x.csv").write_text("sequence,y\nACGT,2\n")
    assert sd.from_flat_files(reader, **arguments, overwrite=True)["y"].values.tolist() == [2]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.csv", "x.zarr"]


def test_read_shortcuts(genome: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sequence,y\nACGT,1\n")
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    fasta = genome["fasta"]
    one = sd.read_table("seq", tmp_path / "1", tmp_path / "x.csv", "sequence", fixed_length=True)
    two = sd.read_flat_fasta("seq", tmp_path / "2", tmp_path / "x.fa", fixed_length=True)
    three = sd.read_genome_fasta("seq", tmp_path / "3", fasta, bed, fixed_length=4)
    four = sd.read_bigwig(
        "seq", "cov", tmp_path / "4", fasta, genome["folder"] / "pos.bw", "a", bed, fixed_length=4
    )
    assert letters(one) == letters(two) == ["ACGT"]
    assert letters(three) == letters(four) == [genome["seqs"]["chr1"][5:9]]
    np.testing.assert_array_equal(four["cov"][0, 0], genome["signal"]["pos"]["chr1"][5:9])


# ------------------------------------------------------------------ real data


def test_real_yeast_windows(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "sacCer3"
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


def test_real_stranded_eclip(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "eclip_hg38_chr19"
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


def test_real_promoters(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "jores21" / "jores21_test_leaf_public75.tsv.gz"
    ds = sd.from_flat_files(
        sd.Table("seq", path, "sequence"), path=tmp_path / "x.zarr", fixed_length=True
    )
    frame = pd.read_csv(path, sep="\t")
    assert ds["seq"].shape == (len(frame), 170)
    assert letters(ds) == frame["sequence"].tolist()
    np.testing.assert_array_equal(ds["enrichment"], frame["enrichment"])


def test_real_windows_of_chromosome_22(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "hg38_chr22_300kb" / "chr22_32000000_32300000.fa"
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


def test_real_gzip_fasta(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "chip_human_100bp" / "ctcf.fa.gz"
    ds = sd.from_flat_files(sd.FlatFASTA("seq", path), path=tmp_path / "x.zarr", fixed_length=True)
    with gzip.open(path, "rt") as handle:
        lines = handle.read().split()
    assert letters(ds) == lines[1::2]
    assert ds["id"].values.tolist() == [line[1:] for line in lines[::2]]


def test_lengths_of_any_whole_type(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [5], "chromEnd": [9]})
    reader = sd.GenomeFASTA("seq", genome["fasta"])
    for i, length in enumerate((np.int64(6), 6.0)):
        ds = sd.from_region_files(
            reader, path=tmp_path / str(i), bed=bed, fixed_length=length, max_jitter=np.int32(1)
        )
        assert (ds.sizes["_length"], ds.sd.max_jitter) == (8, 1)
    with pytest.raises(LengthError, match=r"whole number of bp, 1 or more, got 4\.5"):
        sd.from_region_files(reader, path=tmp_path / "x", bed=bed, fixed_length=4.5)  # type: ignore[arg-type]


def test_exons_are_not_widened(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {"chrom": ["chr1"] * 2, "chromStart": [1, 6], "chromEnd": [3, 8], "name": ["a", "a"]}
    )
    with pytest.raises(SchemaError, match="max_jitter=0"):
        sd.from_region_files(
            sd.GenomeFASTA("seq", genome["fasta"]), path=tmp_path / "x", bed=bed,
            fixed_length=False, splice=True, max_jitter=1,
        )  # fmt: skip


def test_unknown_contig_names_both_files(genome: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.bed").write_text("chr1\t1\t5\nchr9\t1\t5\n")
    with pytest.raises(
        ContigError, match=r"g\.fa has no contig 'chr9'.* 1 of 2 regions of .*x\.bed"
    ):
        sd.from_region_files(
            sd.GenomeFASTA("seq", genome["fasta"]), path=tmp_path / "x",
            bed=tmp_path / "x.bed", fixed_length=4,
        )  # fmt: skip


@pytest.mark.parametrize("column", ["_sequence", "_length"])
def test_column_named_like_an_axis(tmp_path: Path, column: str) -> None:
    (tmp_path / "x.csv").write_text(f"sequence,{column}\nACGT,1\n")
    with pytest.raises(SchemaError, match=f"called '{column}'"):
        sd.from_flat_files(
            sd.Table("seq", tmp_path / "x.csv", "sequence"), path=tmp_path / "x", fixed_length=True
        )


def test_windows_of_another_assembly(genome: dict[str, Any], tmp_path: Path) -> None:
    bed = pd.DataFrame(
        {"chrom": ["chr2", "chr1"], "chromStart": [198, 9000], "chromEnd": [202, 9004]}
    )
    with pytest.warns(UserWarning, match=r"1 of 2 windows .*chr1:9000-9004 of 5000 bp.*assembly"):
        ds = sd.from_region_files(
            sd.GenomeFASTA("seq", genome["fasta"]), path=tmp_path / "x", bed=bed, fixed_length=4
        )
    assert letters(ds) == ["CANN", "NNNN"]


def test_home_folder(
    genome: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.bed").write_text("chr2\t0\t4\n")
    (tmp_path / "g.fa").write_text(Path(genome["fasta"]).read_text())
    sd.from_region_files(
        sd.GenomeFASTA("seq", "~/g.fa"), path="~/x.zarr", bed="~/x.bed", fixed_length=4
    )
    assert letters(sd.open_zarr(tmp_path / "x.zarr")) == ["ACGT"]


def test_one_warning_of_unknown_letters(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sequence\nACXT\n")
    reader = sd.Table("seq", tmp_path / "x.csv", "sequence", on_unknown="warn")
    with pytest.warns(UserWarning, match="1 unknown letters") as found:
        sd.from_flat_files(reader, path=tmp_path / "x", fixed_length=False)
    assert len(found) == 1
