from __future__ import annotations

import contextlib
import re
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import (
    BedError,
    ContigError,
    FastaError,
    LengthError,
    SeqdataError,
    TableError,
    TrackError,
    UnknownLetterError,
)

GENOME = "ACGTACGTAC" * 10


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    path = tmp_path / "g.fa"
    path.write_text(f">chr1\n{GENOME}\n")
    return path


def table(path: Path, text: str | bytes, **options: object) -> sd.Table:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return sd.Table("seq", path, "seq", **options)


def build(reader: sd.Table, target: Path, **options: object) -> dict[str, list]:
    ds = sd.from_flat_files(reader, path=target, fixed_length=options.pop("fixed_length", True))
    return {str(name): ds[name].values.tolist() for name in ds.variables}


def test_line_ends_of_other_systems(tmp_path: Path, genome: Path) -> None:
    unix = build(table(tmp_path / "a.csv", "seq,y\nAC,1\nGT,2\n"), tmp_path / "a.zarr")
    dos = build(table(tmp_path / "b.csv", "seq,y\r\nAC,1\r\nGT,2\r\n"), tmp_path / "b.zarr")
    assert unix == dos
    (tmp_path / "x.bed").write_bytes(b"chr1\t1\t5\r\nchr1\t7\t9\r\n")
    assert sd.read_bedlike(tmp_path / "x.bed")["chromEnd"].tolist() == [5, 9]
    genome.write_bytes(b">chr1\r\nACGT\r\nTTGA\r\nCC\r\n")
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [2], "chromEnd": [9]})
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", genome), path=tmp_path / "c.zarr", bed=bed, fixed_length=True
    )
    assert ds["seq"].values.tobytes() == b"GTTTGAC"


BAD_TABLES = {
    "tabs for commas": ("seq\ty\nAC\t1\n", TableError, "no column 'seq'"),
    "blanks for tabs": ("seq,y\nAC 1\n", TableError, "line 2: expected 2 fields"),
    "not UTF-8": (b"seq,y\nAC,\xff\xfe\n", TableError, "not UTF-8"),
    "mixed lengths": ("seq,y\nAC,1\nACG,2\n", LengthError, "record 2: .* 3 bp long, expected 2"),
    "letters of no alphabet": ("seq,y\nAC,1\nA!,2\n", UnknownLetterError, "'!' in .*row 2"),
    "a NUL": (b"seq,y\nA\x00,1\n", SeqdataError, "x.csv"),
    "no sequence": ("seq,y\nAC,1\n,2\n", TableError, "row 2: column 'seq' holds no sequence"),
    "an open quote": ('seq,y\nAC,"1\n', TableError, "opened and never closed"),
    "a header alone": ("seq,y\n", TableError, "no row below its header"),
    "nothing": ("", TableError, "is empty"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_tables_that_are_refused(tmp_path: Path, case: str) -> None:
    text, error, message = BAD_TABLES[case]
    with pytest.raises(error, match=message):
        build(table(tmp_path / "x.csv", text), tmp_path / "x.zarr")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_infinite_and_missing_targets_are_kept(tmp_path: Path) -> None:
    text = "seq,y\nAC,inf\nGT,-inf\nTT,nan\nAA,\nCC,1e400\n"
    found = build(table(tmp_path / "x.csv", text), tmp_path / "x.zarr")
    np.testing.assert_array_equal(found["y"], [np.inf, -np.inf, np.nan, np.nan, np.inf])


def test_one_line_of_ten_megabytes(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no column 'seq'"):
        build(table(tmp_path / "x.csv", "ACGT," * 2_000_000), tmp_path / "x.zarr")
    wide = "seq,y\n" + "ACGT" * 2_500_000 + ",1\n"
    ds = sd.from_flat_files(
        table(tmp_path / "y.csv", wide), path=tmp_path / "y.zarr", fixed_length=True
    )
    assert ds.sizes["_length"] == 10_000_000
    assert ds["seq"].values.tobytes() == b"ACGT" * 2_500_000


BAD_BEDS = {
    "nothing": ("", BedError, "holds no region"),
    "comments alone": ("# a\ntrack name=x\n", BedError, "holds no region"),
    "tabs for blanks in one line": ("chr1\t1\t5\nchr1 7 9\n", BedError, "line 2: expected 3"),
    "a negative start": ("chr1\t-1\t5\n", BedError, "line 1: start -1 is negative"),
    "end before start": ("chr1\t9\t5\n", BedError, "line 1: start 9 is greater than end 5"),
    "other contig names": ("1\t1\t5\n", ContigError, "calls it 'chr1'"),
    "a word for a start": ("chr1\tx\t9\n", BedError, "line 1: chromStart is 'x'"),
    "a summit outside": (
        "chr1\t1\t5\tp\t0\t.\t1\t1\t1\t9\n", BedError, "summit 9 lies outside its peak of 4 bp",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_BEDS)
def test_regions_that_are_refused(tmp_path: Path, genome: Path, case: str) -> None:
    text, error, message = BAD_BEDS[case]
    (tmp_path / "x.bed").write_text(text)
    with pytest.raises(error, match=message):
        sd.from_region_files(
            sd.GenomeFASTA("seq", genome), path=tmp_path / "x.zarr", bed=tmp_path / "x.bed",
            fixed_length=False,
        )  # fmt: skip
    assert not [entry for entry in tmp_path.iterdir() if "zarr" in entry.name]


def test_regions_out_of_order_and_beyond_the_contig(tmp_path: Path, genome: Path) -> None:
    """Order is kept; what lies off the contig is N and masked, as where positions count from 1."""
    (tmp_path / "x.bed").write_text("chr1\t90\t101\nchr1\t2\t6\nchr1\t2\t6\n")
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", genome), path=tmp_path / "x.zarr", bed=tmp_path / "x.bed",
        fixed_length=False,
    )  # fmt: skip
    rows = [row.tobytes().decode() for row in ds.sd.rows("seq")]
    assert rows == [GENOME[90:] + "N", GENOME[2:6], GENOME[2:6]]
    assert ds["mask"].values[0].tolist() == [1] * 10 + [0]


def test_two_contigs_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\nACGT\n>c\nTTTT\n")
    with pytest.raises(FastaError, match=r"more than one record called 'c'|[Dd]uplicate"):
        sd.GenomeFASTA("seq", tmp_path / "g.fa")


def blocks_of(data: bytes) -> list[int]:
    """Return where the blocks of a bgzip file begin."""
    places, place = [], 0
    while place < len(data):
        places.append(place)
        place += int.from_bytes(data[place + 16 : place + 18], "little") + 1
    return places


@pytest.mark.parametrize("kind", ["bed", "fragments", "fasta", "table"])
def test_bgzip_cut_between_blocks(tmp_path: Path, kind: str) -> None:
    """Such a file unpacks without complaint; only its missing end tells."""
    line = {
        "bed": "chr1\t{}\t{}\n", "fragments": "chr1\t{}\t{}\tB\t1\n", "fasta": ">r{}x{}\nACGT\n",
        "table": "ACGT,{},{}\n",
    }[kind]  # fmt: skip
    text = ("seq,a,b\n" if kind == "table" else "") + "".join(
        line.format(i, i + 5) for i in range(12_000)
    )
    plain, packed = tmp_path / "x.csv", tmp_path / "x.csv.gz"
    plain.write_text(text)
    pysam.tabix_compress(str(plain), str(packed))
    data = packed.read_bytes()
    places = blocks_of(data)
    assert len(places) >= 3
    for place in places[1:]:
        packed.write_bytes(data[:place])
        with pytest.raises(SeqdataError, match=r"x\.csv\.gz.*end mark of bgzip"):
            if kind == "bed":
                sd.read_bedlike(packed)
            elif kind == "fragments":
                sd.Fragments("x", packed, "s")
            elif kind == "fasta":
                list(sd.FlatFASTA("seq", packed).blocks({}))
            else:
                list(sd.Table("seq", packed, "seq").blocks({}))


def test_index_of_another_genome(tmp_path: Path, genome: Path) -> None:
    bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [0], "chromEnd": [60]})
    index = Path(f"{genome}.fai")
    sd.GenomeFASTA("seq", genome)
    sound = index.read_text()
    wrong = ("chr1 99 6 100 101", "chr1 100 7 100 101", "chr2 100 6 100 101", "chr1 100 6 50 51")
    for line in wrong:
        damaged = line.replace(" ", "\t") + "\n"
        assert damaged != sound
        index.write_text(damaged)
        with pytest.raises(SeqdataError, match=r"does not fit record|no contig 'chr1'|promises"):
            reader = sd.GenomeFASTA("seq", genome)
            sd.from_region_files(reader, path=tmp_path / "x.zarr", bed=bed, fixed_length=True)
    assert not (tmp_path / "x.zarr").exists()


def test_lines_of_uneven_length_within_a_record(tmp_path: Path) -> None:
    """The index was made before somebody edited the file in place."""
    path = tmp_path / "g.fa"
    path.write_text(">c\nACGT\nACGT\nACGT\n")
    reader = sd.GenomeFASTA("seq", path)
    path.write_text(">c\nACG\nTACGT\nACGT\n")
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [12]})
    with pytest.raises(SeqdataError, match=r"line does not end|Unknown letter"):
        sd.from_region_files(reader, path=tmp_path / "x.zarr", bed=bed, fixed_length=True)


FUZZ = settings(max_examples=15)
TEXT = st.text(string.ascii_letters + string.digits + " ,;'-._é\t", max_size=6)


@settings(max_examples=15)
@given(
    rows=st.lists(
        st.tuples(
            st.text("ACGTNacgt", min_size=1, max_size=8),
            st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-(2**63), 2**63 - 1)),
            st.one_of(st.none(), st.booleans()),
            TEXT,
        ),
        min_size=1, max_size=8,
    ),
    batch_size=st.one_of(st.none(), st.integers(1, 3)),
)  # fmt: skip
def test_any_table_round_trips(tmp_path: Path, rows: list[tuple], batch_size: int | None) -> None:
    frame = pd.DataFrame(rows, columns=["seq", "number", "truth", "text"], dtype=object)
    frame.to_csv(tmp_path / "x.csv", index=False, encoding="utf-8")
    reader = sd.Table("seq", tmp_path / "x.csv", "seq", batch_size=batch_size)
    ds = sd.from_flat_files(
        reader, path=tmp_path / "x.zarr", fixed_length=False, overwrite=True
    ).compute()
    assert [row.tobytes().decode() for row in ds.sd.rows("seq")] == [row[0] for row in rows]
    for got, (_, number, truth, _) in zip(
        zip(ds["number"].values, ds["truth"].values, strict=True), rows, strict=True
    ):
        if number is None:
            assert got[0] == "" or np.isnan(got[0])
        else:
            # whole numbers are exact (as text where they stand beside gaps)
            whole = got[0] if isinstance(got[0], str) else got[0].item()
            same = str(number) == whole or number == whole or float(number) == float(whole)
            assert (
                same
                if isinstance(number, float) or isinstance(whole, float)
                else (int(whole) == number)
            )
        assert np.isnan(got[1]) if truth is None else float(got[1]) == float(truth)


@settings(max_examples=15)
@given(data=st.one_of(st.binary(max_size=120), st.text(max_size=80).map(str.encode)))
def test_any_bytes_are_told_or_read(tmp_path: Path, data: bytes) -> None:
    """Whatever the bytes, every text reader returns rows or raises one of our errors."""
    path = tmp_path / "x"
    path.write_bytes(data)

    def fasta() -> None:
        list(sd.FlatFASTA("seq", path).blocks({}))

    def genome_windows() -> None:
        Path(f"{path}.fai").unlink(missing_ok=True)
        sd.GenomeFASTA("seq", path)

    readers = (
        fasta,
        genome_windows,
        lambda: sd.read_bedlike(path),
        lambda: sd.Fragments("x", path, "s"),
        lambda: list(sd.Table("seq", path, "seq").blocks({})),
        lambda: sd.BigWig("x", path, "s"),
        lambda: sd.BAM("x", path, "s"),
    )
    for read in readers:
        with contextlib.suppress(SeqdataError):
            read()
            continue
        with pytest.raises(SeqdataError, match=re.escape(str(tmp_path))):
            read()


def test_alignments_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "x.bam").write_bytes(b"SAM is text\n")
    with pytest.raises(TrackError, match="cannot be opened as BAM or CRAM"):
        sd.BAM("x", tmp_path / "x.bam", "s")
