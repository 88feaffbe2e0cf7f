"""Predictions as Parquet and Zarr: names and types of columns, block by block."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import seqdata as sd
from eugene._frames import write_frames
from eugene.cli import _predict, main
from eugene.errors import MissingExtraError


@pytest.fixture
def fasta(tmp_path):
    rng = np.random.default_rng(0)
    letters = ["".join(row) for row in rng.choice(list("ACGT"), (5, 140))]
    path = tmp_path / "new.fa"
    path.write_text("".join(f">s{'x' * i}\n{text}\n" for i, text in enumerate(letters)))
    return path


def test_every_form_holds_the_same(trained, fasta, tmp_path, monkeypatch):
    monkeypatch.setattr(_predict, "_BLOCK", 2)  # three blocks
    for name in ("p.tsv", "p.parquet", "p.zarr"):
        words = ["predict", str(trained), "--input", str(fasta), "--out", str(tmp_path / name)]
        assert main(words) == 0
    table = pd.read_csv(tmp_path / "p.tsv", sep="\t")
    parquet = pq.read_table(tmp_path / "p.parquet")
    assert pq.ParquetFile(tmp_path / "p.parquet").num_row_groups == 3
    assert parquet.schema.names == ["name", "label"]
    with sd.open_zarr(tmp_path / "p.zarr") as ds:
        for found in (parquet.to_pandas(), ds[["name", "label"]].to_dataframe()):
            assert found["name"].tolist() == table["name"].tolist()
            assert found["label"].dtype.kind == "f"
            np.testing.assert_allclose(found["label"], table["label"], rtol=1e-6)
    assert not list(tmp_path.glob(".*"))


def test_rows_of_a_run_keep_their_types(trained, tmp_path, capsys):
    out = tmp_path / "rows.parquet"
    assert main(["predict", str(trained), "--out", str(out)]) == 0
    table = pq.read_table(out)
    assert [str(field.type) for field in table.schema] == ["int64", "double"]
    assert table.num_rows == 240
    store = tmp_path / "rows.zarr"
    assert main(["predict", str(trained), "--out", str(store)]) == 0
    assert main(["predict", str(trained), "--out", str(store)]) == 2
    assert "exists: give --overwrite to replace a store" in capsys.readouterr().err
    assert main(["predict", str(trained), "--out", str(store), "--overwrite"]) == 0


def test_parquet_needs_pyarrow_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    def blocks():
        yield pd.DataFrame({"a": [1]})
        raise RuntimeError("stopped")

    for name in ("x.parquet", "x.zarr"):
        with pytest.raises(RuntimeError, match="stopped"):
            write_frames(tmp_path / name, blocks())
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"eugene-genomics\[parquet\]"):
        write_frames(tmp_path / "x.parquet", blocks())
