from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqdata as sd
from seqdata.errors import (
    LengthError,
    SchemaError,
    SeqdataError,
    StoreError,
    TableError,
    UnknownLetterError,
)


def test_table_and_fasta_side_by_side(letters: Any, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("column", ["_sequence", "_length"])
def test_column_named_like_an_axis(tmp_path: Path, column: str) -> None:
    (tmp_path / "x.csv").write_text(f"sequence,{column}\nACGT,1\n")
    with pytest.raises(SchemaError, match=f"called '{column}'"):
        sd.from_flat_files(
            sd.Table("seq", tmp_path / "x.csv", "sequence"), path=tmp_path / "x", fixed_length=True
        )


def test_one_warning_of_unknown_letters(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sequence\nACXT\n")
    reader = sd.Table("seq", tmp_path / "x.csv", "sequence", on_unknown="warn")
    with pytest.warns(UserWarning, match="1 unknown letters") as found:
        sd.from_flat_files(reader, path=tmp_path / "x", fixed_length=False)
    assert len(found) == 1
