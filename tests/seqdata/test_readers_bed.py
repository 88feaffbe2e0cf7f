from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import BedError, MissingFileError


def write(folder: Path, text: str, name: str = "x.bed") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_bed3_to_bed12_columns(tmp_path: Path) -> None:
    line = "chr1\t10\t20\tgene\t5\t-\t11\t12\t0,0,0\t1\t10,\t0,\n"
    names = [
        "chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd",
        "itemRgb", "blockCount", "blockSizes", "blockStarts",
    ]  # fmt: skip
    for width in (3, 4, 5, 6, 8, 9, 12):
        text = "\t".join(line.rstrip("\n").split("\t")[:width]) + "\n"
        table = sd.read_bedlike(write(tmp_path, text))
        assert list(table.columns) == names[:width]
    assert table["chromStart"].dtype == np.int64
    assert table["score"].tolist() == [5.0]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "head",
    [
        "",
        "track name=x description='two words'\n",
        "browser position chr1:1-2\n#comment\n\n",
        "chrom\tstart\tend\n",
        "#chrom\tchromStart\tchromEnd\n",
    ],
)
def test_heads_and_line_ends(tmp_path: Path, head: str, ending: str) -> None:
    text = (head + "chr2\t5\t9\nchr1\t1\t3\n").replace("\n", ending)
    table = sd.read_bedlike(write(tmp_path, text))
    assert table.to_numpy().tolist() == [["chr2", 5, 9], ["chr1", 1, 3]]


def test_contig_called_track_is_a_region(tmp_path: Path) -> None:
    assert sd.read_bedlike(write(tmp_path, "tracker1\t1\t3\n"))["chrom"].tolist() == ["tracker1"]


def test_narrow_and_broad_by_suffix_and_by_content(tmp_path: Path) -> None:
    narrow = "chr1\t0\t100\tp\t3\t.\t1.5\t2\t3\t40\n"
    broad = "chr1\t0\t100\tp\t3\t.\t1.5\t2.5\t3\n"
    for name in ("a.narrowPeak", "ENCFF.bed"):
        table = sd.read_bedlike(write(tmp_path, narrow, name))
        assert table["peak"].tolist() == [40]
        assert table["signalValue"].tolist() == [1.5]
    for name in ("a.broadPeak", "b.bed"):
        table = sd.read_bedlike(write(tmp_path, broad, name))
        assert list(table.columns)[-3:] == ["signalValue", "pValue", "qValue"]
        assert "peak" not in table


def test_no_summit_is_minus_one(tmp_path: Path) -> None:
    text = "c\t0\t9\t.\t0\t.\t0\t-1\t-1\t-1\nc\t0\t9\t.\t.\t+\t0\t-1\t-1\t.\n"
    table = sd.read_bedlike(write(tmp_path, text, "x.narrowPeak"))
    assert table["peak"].tolist() == [-1, -1]
    assert np.isnan(table["score"][1])


def test_gzip_and_columns_beyond_the_standard(tmp_path: Path) -> None:
    path = tmp_path / "x.bed.gz"
    path.write_bytes(gzip.compress(b"chr1\t1\t5\tn\t.\t-\t8\t1.4e-05\n"))
    table = sd.read_bedlike(path)
    assert list(table.columns)[6:] == ["field7", "field8"]
    assert table["field8"].tolist() == [1.4e-05]


def test_blanks_instead_of_tabs(tmp_path: Path) -> None:
    assert sd.read_bedlike(write(tmp_path, "chr1 1   5 n\n"))["chromEnd"].tolist() == [5]


@pytest.mark.parametrize(
    "text, message",
    [
        ("chr1\t9\t3\n", r"line 1: start 9 is greater than end 3"),
        ("#x\nchr1\t1\t3\nchr1\t-5\t3\n", r"line 3: start -5 is negative"),
        ("chr1\t1\t3\nchr1\t1\n", r"line 2: expected 3 fields as in line 1, got 2"),
        ("chr1\t1\t3\nchr1\tx\t3\n", r"line 2: chromStart is 'x', expected a whole number"),
        ("chr1\t1.5\t3\n", r"chromStart is '1.5'"),
        ("chr1\t1\t99999999999999999999\n", r"chromEnd is '99999999999999999999'"),
        ("chr1\t1\t3\tn\t0\t*\n", r"line 1: strand '\*'"),
        ("chr1\t1\n", r"expected at least 3 fields"),
        ("chr1,1,3\n", r"expected at least 3 fields"),
        ("", r"holds no region"),
        ("track x\n#y\n", r"holds no region"),
        ("chr 1\t1\t3\n", r"white space"),
    ],
)
def test_bad_lines(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BedError, match=message):
        sd.read_bedlike(write(tmp_path, text))


def test_summit_outside_its_peak(tmp_path: Path) -> None:
    path = write(tmp_path, "c\t0\t9\t.\t0\t.\t0\t0\t0\t9\n", "x.narrowPeak")
    with pytest.raises(BedError, match="summit 9 lies outside its peak of 9 bp"):
        sd.read_bedlike(path)


def test_wrong_width_for_the_suffix(tmp_path: Path) -> None:
    with pytest.raises(BedError, match="narrowPeak file has 10 columns, this one has 3"):
        sd.read_bedlike(write(tmp_path, "c\t0\t9\n", "x.narrowPeak"))


def test_missing_file_suggests_a_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "c\t0\t9\n", "peaks.bed")
    with pytest.raises(MissingFileError, match=r"Did you mean .*peaks\.bed"):
        sd.read_bedlike(tmp_path / "peeks.bed")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        sd.read_bedlike(tmp_path)


def test_damaged_files(tmp_path: Path) -> None:
    whole = gzip.compress(b"chr1\t1\t5\n" * 1000)
    (tmp_path / "x.bed.gz").write_bytes(whole[:-20])
    with pytest.raises(BedError, match="damaged gzip"):
        sd.read_bedlike(tmp_path / "x.bed.gz")
    (tmp_path / "y.bed").write_bytes(b"chr1\t1\t5\n\xff\xfe\t1\t2\n")
    with pytest.raises(BedError, match="not UTF-8"):
        sd.read_bedlike(tmp_path / "y.bed")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chr1", "chrX", "scaffold_12"]),
            st.integers(0, 10**9),
            st.integers(0, 10**6),
            st.sampled_from("+-."),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:
    path = tmp_path_factory.mktemp("bed") / "x.bed"
    path.write_text("".join(f"{c}\t{s}\t{s + n}\tr\t0\t{d}\n" for c, s, n, d in rows))
    table = sd.read_bedlike(path)
    assert table["chrom"].tolist() == [row[0] for row in rows]
    assert table["chromStart"].tolist() == [row[1] for row in rows]
    assert table["chromEnd"].tolist() == [row[1] + row[2] for row in rows]
    assert table["strand"].tolist() == [row[3] for row in rows]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_our_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("bed") / "x.bed"
    path.write_bytes(data)
    try:
        table = sd.read_bedlike(path)
    except BedError:
        return
    assert len(table)
    assert (table["chromStart"] <= table["chromEnd"]).all()


@pytest.mark.parametrize(
    "file, rows, summits",
    [
        ("sacCer3/ATAC_macs3_hmmratac.narrowPeak", 1559, True),
        ("sacCer3/ATAC_macs3_callpeak_derived.narrowPeak", 1589, True),
        ("eclip_hg38_chr19/PTBP1_HepG2.enriched-windows.300nt.bed.gz", 15540, False),
    ],
)
def test_files_of_peak_callers(data_files, file: str, rows: int, summits: bool) -> None:
    table = sd.read_bedlike(data_files / file)
    reference = pd.read_csv(data_files / file, sep="\t", header=None, comment="#")
    assert len(table) == len(reference)
    assert len(table) == rows or not data_files.is_real
    np.testing.assert_array_equal(table["chromStart"], reference[1])
    np.testing.assert_array_equal(table["chromEnd"], reference[2])
    assert ("peak" in table) == summits
    if summits:
        np.testing.assert_array_equal(table["peak"], reference[9])


def test_narrow_peaks_without_every_summit(tmp_path):
    path = tmp_path / "peaks.bed"
    path.write_text("chr1\t0\t10\tp\t1\t.\t5.5\t-1\t-1\t3\nchr1\t0\t10\tq\t1\t.\t5.5\t-1\t-1\t.\n")
    assert sd.read_bedlike(path)["peak"].tolist() == [3, -1]


def test_a_workbook_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.bed").write_bytes(b"PK\x03\x04" + bytes(range(128, 256)))
    with pytest.raises(BedError, match=r"x\.bed: not UTF-8 text .*Excel workbook"):
        sd.read_bedlike(tmp_path / "x.bed")
