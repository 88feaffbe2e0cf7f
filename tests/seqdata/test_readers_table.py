from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import MissingColumnError, MissingFileError, TableError, UnknownLetterError

ROWS = "sequence,activity,kind,n,ok\nACGT,1.5,a,3,True\nTTGA,,b,4,False\nNNGA,2,,5,True\n"


def write(folder: Path, text: str | bytes, name: str = "x.csv") -> Path:
    path = folder / name
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def read(path: Any, seq_col: str = "sequence", **options: Any) -> tuple[list[str], dict]:
    seqs: list[str] = []
    columns: dict[str, list[Any]] = {}
    for block in sd.Table("seq", path, seq_col, **options).blocks({}):
        ends = np.cumsum(block.lengths)
        text = block.letters.tobytes().decode()
        seqs += [text[e - n : e] for e, n in zip(ends, block.lengths, strict=True)]
        for name, values in block.columns.items():
            columns.setdefault(name, []).extend(values.tolist())
    return seqs, columns


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "name, separator",
    [
        ("x.csv", ","),
        ("x.tsv", "\t"),
        ("x.txt", "\t"),
        ("x.csv.gz", ","),
        ("x.tsv.gz", "\t"),
        ("x.dat", "\t"),
        ("x.dat", ","),
    ],
)
def test_separators_line_ends_and_types(
    tmp_path: Path, name: str, separator: str, ending: str
) -> None:
    text = ROWS.replace(",", separator).replace("\n", ending)
    seqs, columns = read(write(tmp_path, text, name))
    assert seqs == ["ACGT", "TTGA", "NNGA"]
    assert list(columns) == ["activity", "kind", "n", "ok"]
    assert columns["kind"] == ["a", "b", ""]
    assert columns["n"] == [3, 4, 5]
    assert columns["ok"] == [True, False, True]
    np.testing.assert_array_equal(columns["activity"], [1.5, np.nan, 2.0])


def test_byte_order_mark_blank_lines_and_quotes(tmp_path: Path) -> None:
    text = '\ufeffsequence,note\n\nACGT,"one, two"\n\nTTGA,"line\nbreak"\nAAAA,"a ""b"""\n'
    seqs, columns = read(write(tmp_path, text))
    assert seqs == ["ACGT", "TTGA", "AAAA"]
    assert columns["note"] == ["one, two", "line\nbreak", 'a "b"']


def test_several_tables_are_appended(tmp_path: Path) -> None:
    one = write(tmp_path, "sequence,y\nAC,1\n", "a.csv")
    two = write(tmp_path, "y,sequence\n2,GT\n", "b.csv")
    assert read([one, two]) == (["AC", "GT"], {"y": [1, 2]})
    other = write(tmp_path, "sequence,z\nAC,1\n", "c.csv")
    with pytest.raises(TableError, match=r"c\.csv has not the columns of .*a\.csv: \['y', 'z'\]"):
        read([one, other])


def test_batches_make_no_difference(tmp_path: Path) -> None:
    path = write(tmp_path, "sequence,y\n" + "".join(f"ACGT,{i}\n" for i in range(100)))
    assert read(path, batch_size=7) == read(path)


def test_pandas_options(tmp_path: Path) -> None:
    path = write(tmp_path, "# head\nACGT;1,5\nTTGA;2,5\n", "x.dat")
    seqs, columns = read(
        path, "s", sep=";", header=None, names=["s", "y"], comment="#", decimal=","
    )
    assert seqs == ["ACGT", "TTGA"]
    assert columns == {"y": [1.5, 2.5]}
    path = write(tmp_path, "ACGT   1\nTTGA 2\n", "y.dat")
    seqs, columns = read(path, "s", sep=r"\s+", header=None, names=["s", "y"])
    assert (seqs, columns) == (["ACGT", "TTGA"], {"y": [1, 2]})


def test_polars_name_of_the_separator(tmp_path: Path) -> None:
    assert read(write(tmp_path, "sequence|y\nAC|1\n"), separator="|") == (["AC"], {"y": [1]})


def test_a_peptide_called_na(tmp_path: Path) -> None:
    seqs, columns = read(write(tmp_path, "sequence,y\nNA,NA\nMK,1\n"), alphabet="AA")
    assert seqs == ["NA", "MK"]
    np.testing.assert_array_equal(columns["y"], [np.nan, 1.0])


@pytest.mark.parametrize(
    "row, line, got",
    [("ACGT,1\n", 3, 2), ("ACGT,1,2,3\n", 3, 4), ('"AC,GT",1\n', 3, 2), ("ACGT\n", 3, 1)],
)
def test_ragged_row(tmp_path: Path, row: str, line: int, got: int) -> None:
    path = write(tmp_path, "sequence,a,b\nTTGA,1,2\n" + row + "AAAA,1,2\n")
    with pytest.raises(TableError, match=rf"line {line}: expected 3 fields .*line 1.*got {got}"):
        read(path)


@pytest.mark.parametrize("width", [1, 3])
def test_ragged_from_the_second_line_on(tmp_path: Path, width: int) -> None:
    path = write(tmp_path, "sequence,a\n" + (",".join(["AC"] * width) + "\n") * 3)
    with pytest.raises(TableError, match=rf"line 2: expected 2 fields .* got {width}"):
        read(path)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("sequence,y\n", "holds no row below its header"),
        ("sequence,y\n,1\n", r"row 1: column 'sequence' holds no sequence"),
        ("sequence,y\nACGT,1\nAC!T,2\n", r"'!' in .*row 2 below the header.*position 3"),
        ("sequence,y\nACGU,1\n", "Is this RNA"),
        ("sequence,y\nACéT,1\n", r"Unknown letter 'é'.*row 1.*position 3"),
        ('sequence,y\nACGT,"open\n', r"line 2: a quote .* never closed"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises((TableError, UnknownLetterError), match=message):
        read(write(tmp_path, text))


def test_misspelt_column(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match=r"no column 'sequnce'.* Did you mean 'sequence'"):
        read(write(tmp_path, ROWS), "sequnce")


def test_not_utf8_and_damaged(tmp_path: Path) -> None:
    latin = "sequence,note\nACGT,caf\xe9\n".encode("latin-1")
    with pytest.raises(TableError, match="not UTF-8"):
        read(write(tmp_path, latin))
    assert read(write(tmp_path, latin), encoding="latin-1")[1] == {"note": ["caf\xe9"]}
    packed = gzip.compress(b"sequence\n" + b"ACGT\n" * 5000)
    (tmp_path / "y.csv.gz").write_bytes(packed[:-15])
    with pytest.raises(TableError, match="damaged gzip"):
        read(tmp_path / "y.csv.gz")


def test_missing_table(tmp_path: Path) -> None:
    write(tmp_path, ROWS, "data.csv")
    with pytest.raises(MissingFileError, match=r"Did you mean .*data\.csv"):
        sd.Table("seq", tmp_path / "dat.csv", "sequence")
    with pytest.raises(TableError, match="no table"):
        sd.Table("seq", [], "sequence")
    with pytest.raises(ValueError, match="batch_size"):
        sd.Table("seq", tmp_path / "data.csv", "sequence", batch_size=0)


def test_unknown_letters_replaced(tmp_path: Path) -> None:
    assert read(write(tmp_path, "sequence\nAC-T\n"), on_unknown="n")[0] == ["ACNT"]
    with pytest.warns(UserWarning, match="1 unknown letters"):
        read(write(tmp_path, "sequence\nAC-T\n"), on_unknown="warn")


def test_one_long_line(tmp_path: Path) -> None:
    path = write(tmp_path, "sequence,y\n" + "ACGT" * 2_500_000 + ",1\n")
    seqs, columns = read(path)
    assert len(seqs[0]) == 10_000_000
    assert columns == {"y": [1]}


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"sequence": ["ACGT", "TT"], "y": [1.5, None], "k": ["a", None]})
    frame.to_parquet(tmp_path / "x.parquet")
    seqs, columns = read(tmp_path / "x.parquet")
    assert seqs == ["ACGT", "TT"]
    assert columns["k"] == ["a", ""]
    np.testing.assert_array_equal(columns["y"], [1.5, np.nan])
    (tmp_path / "y.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(TableError, match="no Parquet file"):
        read(tmp_path / "y.parquet")


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"eugene-genomics\[parquet\]"):
        read(write(tmp_path, b"PAR1", "x.parquet"))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.text("ACGT", min_size=1, max_size=20),
            st.integers(-(2**40), 2**40),
            st.floats(allow_nan=False, allow_infinity=False, width=32),
            st.text("abc ,\"'\t", max_size=6).map(lambda text: f"x{text}x"),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_round_trip_through_pandas(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]
) -> None:
    path = tmp_path_factory.mktemp("table") / "x.csv"
    frame = pd.DataFrame(rows, columns=["sequence", "n", "y", "note"])
    frame.to_csv(path, index=False)
    seqs, columns = read(path, batch_size=4)
    assert seqs == frame["sequence"].tolist()
    assert columns["n"] == frame["n"].tolist()
    assert columns["note"] == frame["note"].tolist()
    np.testing.assert_allclose(columns["y"], frame["y"], rtol=1e-12)


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_our_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("table") / "x.csv"
    path.write_bytes(b"sequence,y\nACGT,1\n" + data)
    try:
        seqs, columns = read(path)
    except (TableError, UnknownLetterError):
        return
    assert len(seqs) == len(columns["y"])


def test_real_promoters(data_files) -> None:
    path = data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz"
    frame = pd.read_csv(path, sep="\t")
    seqs, columns = read(path, batch_size=1000)
    assert seqs == frame["sequence"].tolist()
    assert columns["gene"] == frame["gene"].tolist()
    np.testing.assert_array_equal(columns["enrichment"], frame["enrichment"])


def build(tmp_path, text, name="x.csv", **options):
    (tmp_path / name).write_bytes(text.encode())
    reader = sd.Table("seq", tmp_path / name, "sequence", **options)
    return sd.from_flat_files(reader, path=tmp_path / "x.zarr", fixed_length=True)


def test_columns_of_one_name(tmp_path):
    with pytest.raises(TableError, match=r"more than one column called 'y' \(columns 2, 4\)"):
        build(tmp_path, "sequence,y,z,y\nACGT,1,2,3\n")
    ds = build(tmp_path, "sequence,y,y\nACGT,1,2\n", header=0, names=["sequence", "a", "b"])
    assert (ds["a"].values, ds["b"].values) == ([1], [2])


def test_columns_without_a_name_and_called_na(tmp_path):
    ds = build(tmp_path, ",sequence,NA\r\n0,ACGT,2\r\n")
    assert set(ds.data_vars) == {"Unnamed: 0", "seq", "NA"}


def test_header_alone(tmp_path):
    with pytest.raises(TableError, match="no row below its header"):
        build(tmp_path, "sequence,y\n")
    assert not (tmp_path / "x.zarr").exists()


def test_a_sequence_of_blanks(tmp_path):
    with pytest.raises(TableError, match="row 2: column 'sequence' holds no sequence"):
        build(tmp_path, "sequence,y\nACGT,1\n  ,2\n")


@pytest.mark.parametrize("missing", ["-9", ["-9"], {"y": "-9"}, {"y": ["-9"], "z": ["x"]}])
def test_missing_values_of_the_user(tmp_path, missing):
    ds = build(tmp_path, "sequence,y\nACGT,-9\nACGT,2\n", na_values=missing)
    np.testing.assert_array_equal(ds["y"].values, [np.nan, 2])


def test_options_that_change_the_header(tmp_path):
    ds = build(tmp_path, "a,b\nc\nsequence,y\nACGT,2\n", skiprows=[0, 1])
    assert ds["y"].values.tolist() == [2]


def test_an_open_quote_in_a_long_table_is_found_fast(tmp_path):
    rows = "ACGT,1\n" * 200_000
    with pytest.raises(TableError, match="line 2: a quote"):
        build(tmp_path, 'sequence,y\nACGT,"1\n' + rows)


@pytest.mark.parametrize("batch_size", [None, 1, 2])
def test_columns_with_gaps(tmp_path: Path, batch_size: int | None) -> None:
    """Truth values stay numbers, and whole numbers exact, wherever the gaps fall."""
    big = 2**53 + 1
    rows = [
        f"A,True,{big},1,0.5,True",
        "C,,,,,1.5",
        f"G,False,{big + 2},3,inf,True",
        "T,True,1,4,2,",
    ]
    (tmp_path / "t.csv").write_text("seq,truth,big,small,number,mixed\n" + "\n".join(rows) + "\n")
    reader = sd.Table("seq", tmp_path / "t.csv", "seq", batch_size=batch_size)
    ds = sd.from_flat_files(reader, path=tmp_path / "x.zarr", fixed_length=True)
    np.testing.assert_array_equal(ds["truth"], [1, np.nan, 0, 1])
    assert ds["big"].values.tolist() == [str(big), "", str(big + 2), "1"]
    np.testing.assert_array_equal(ds["small"], [1, np.nan, 3, 4])
    np.testing.assert_array_equal(ds["number"], [0.5, np.nan, np.inf, 2])
    assert ds["mixed"].values.tolist() == ["True", "1.5", "True", ""]


@pytest.mark.parametrize("mark", [",", "."])
def test_semicolons_of_a_spreadsheet(tmp_path: Path, mark: str) -> None:
    table = tmp_path / "my table.csv"
    text = f"sequence;y;note\r\nACGT;1{mark}5;a,b\r\nTTGA;-0{mark}25;c\r\n"
    table.write_bytes(b"\xef\xbb\xbf" + text.encode())
    ds = sd.read_table("seq", tmp_path / "x.zarr", table, "sequence", fixed_length=True)
    assert ds["y"].values.tolist() == [1.5, -0.25]
    assert ds["note"].values.tolist() == ["a,b", "c"]


def test_decimal_commas_where_an_earlier_block_had_whole_numbers(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    rows = ["AC;1"] * 20 + ["AC;"] * 20 + ["AC;2,5"] * 20
    table.write_text("sequence;y\n" + "\n".join(rows) + "\n")
    reader = sd.Table("seq", table, "sequence", batch_size=20)
    ds = sd.from_flat_files(reader, path=tmp_path / "x.zarr", fixed_length=True)
    values = ds["y"].values
    assert values[[0, -1]].tolist() == [1.0, 2.5]
    assert np.isnan(values[20:40]).all()


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"PK\x03\x04" + bytes(range(128, 256)), "Excel workbook .*export the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r"old Excel workbook \(\.xls\)"),
        ("\ufeffsequence\ty\nAC\t1\n".encode("utf-16-le"), "UTF-16: save it as UTF-8"),
        (b"BZh91AY&SY\xff", "bzip2: unpack it first"),
        (b"\xff\x00", "Pass encoding="),
    ],
)
def test_what_a_file_is_that_is_no_text(tmp_path: Path, head: bytes, told: str) -> None:
    table = tmp_path / "x.csv"
    table.write_bytes(head)
    with pytest.raises(TableError, match=rf"x\.csv: not UTF-8 text .*{told}"):
        sd.read_table("seq", tmp_path / "x.zarr", table, "sequence", fixed_length=True)
    assert not (tmp_path / "x.zarr").exists()
