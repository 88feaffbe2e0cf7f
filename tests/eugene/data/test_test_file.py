"""Shuffled negatives of tables and FASTA files, and a file that is the test set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqdata as sd
from eugene.cli import main
from eugene.data import SequenceDataModule, sources
from eugene.data.sources import SourceError


def letters(n: int, seed: int, length: int = 30) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(row) for row in rng.choice(list("ACGT"), (n, length))]


def table(path: Path, rows: list[str], column: str = "y", values: Any = None) -> Path:
    given = values or [1] * len(rows)
    text = "".join(f"{row}\t{value}\n" for row, value in zip(rows, given, strict=True))
    path.write_text(f"seq\t{column}\n{text}")
    return path


def fasta(path: Path, rows: list[str]) -> Path:
    path.write_text("".join(f">{path.stem}{i}\n{row}\n" for i, row in enumerate(rows)))
    return path


def dinucleotides(row: Any) -> Counter[bytes]:
    text = row.tobytes()
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


def test_copies_keep_dinucleotides_and_go_where_their_row_goes(tmp_path: Path) -> None:
    file = table(tmp_path / "t.tsv", letters(40, 0))
    ds = sources.table(
        file, seq_col="seq", target_cols="y", negatives={"method": "shuffled", "ratio": 1.5}
    )
    assert ds["y"].values.tolist() == [1] * 40 + [0] * 60
    source = ds["source_row"].values
    seqs = ds["seq"].values
    for row in range(40, 100):
        assert dinucleotides(seqs[row]) == dinucleotides(seqs[source[row]])
    assert sum((seqs[row] == seqs[source[row]]).all() for row in range(40, 100)) < 3
    for split in ({"name": "random"}, {"name": "stratified", "by": "y"}, {"name": "homology"}):
        codes = SequenceDataModule(ds, target_vars="y", split=split).codes
        assert codes is not None
        assert set(codes.tolist()) == {0, 1, 2}
        assert (codes[40:] == codes[source[40:]]).all()
    stored = sources.table(
        file, seq_col="seq", negatives={"method": "shuffled", "seed": 3}, out=tmp_path / "s.zarr"
    )
    assert stored["label"].values.tolist() == [1] * 40 + [0] * 40
    assert np.isnan(stored["y"].values[40:]).all()  # what was measured is not known of a copy


def test_negatives_of_a_fasta_file(tmp_path: Path) -> None:
    file = fasta(tmp_path / "p.fa", letters(5, 1))
    ds = sources.fasta(file, negatives={"method": "shuffled", "k": 1})
    assert ds["label"].values.tolist() == [1] * 5 + [0] * 5
    np.testing.assert_array_equal(np.sort(ds["seq"].values[0]), np.sort(ds["seq"].values[5]))
    assert ds.attrs["shuffled_negatives"] == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"negatives": {"method": "gc_matched"}}, "takes windows of a genome"),
        ({"negatives": {"method": "shufled"}}, "did you mean 'shuffled'"),
        ({"negatives": {"metod": "shuffled"}}, "metod"),
        ({"negatives": {}, "target_cols": ["y", "z"]}, "name one label of 1 and 0"),
        ({"negatives": {}, "target_cols": "z"}, "holds \\[2.5\\]: expected 1 for positives and 0"),
        ({"test_path": "t.tsv"}, "is trained on as well"),
    ],
)
def test_what_makes_no_negatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{row}\t1\t{i + 2.5}\n" for i, row in enumerate(letters(4, 2)))
    Path("t.tsv").write_text(f"seq\ty\tz\n{rows}")
    with pytest.raises((SourceError, sd.SeqdataError), match=message):
        sources.table("t.tsv", seq_col="seq", out="o.zarr", **options)
    assert not Path("o.zarr").exists()


def test_a_file_of_test_rows_is_the_test_set(tmp_path: Path) -> None:
    rows, held = letters(30, 3), letters(10, 4)
    held[2] = rows[7]
    first = table(tmp_path / "a.tsv", rows)
    second = table(tmp_path / "b.tsv", held)
    ds = sources.table(first, test_path=second, seq_col="seq", target_cols="y")
    assert ds[sd.splits.TEST_FILE].values.tolist() == [False] * 30 + [True] * 10
    data = SequenceDataModule(
        ds, target_vars="y", split={"name": "random", "fractions": [0.8, 0.2, 0]}
    )
    assert data.codes is not None
    assert (data.codes[30:] == 2).all()
    assert np.bincount(data.codes[:30]).tolist() == [24, 6]
    # the sequence that is in both files is found
    found = data.leakage_report()["duplicates"]
    assert found["train-test"] + found["val-test"] == 1
    with pytest.raises(Exception, match="makes 3 of the other rows test rows as well"):
        SequenceDataModule(ds, target_vars="y", split={"name": "random"})
    table(tmp_path / "c.tsv", held, column="activity")
    with pytest.raises(sd.SeqdataError, match="has not the columns of"):
        sources.table(first, test_path=tmp_path / "c.tsv", seq_col="seq", target_cols="y")


def test_files_of_positives_and_negatives_to_train_and_to_test(tmp_path: Path) -> None:
    names = ("pos", "neg", "tpos", "tneg")
    pos, neg, tpos, tneg = (fasta(tmp_path / f"{n}.fa", letters(4, i)) for i, n in enumerate(names))
    with pytest.raises(SourceError, match="with a file of negatives give both"):
        sources.fasta(pos, negatives=neg, test_path=tpos)
    ds = sources.fasta(
        pos, negatives=neg, test_path=tpos, test_negatives=tneg, out=tmp_path / "o.zarr"
    )
    assert ds["label"].values.tolist() == [1] * 4 + [0] * 4 + [1] * 4 + [0] * 4
    assert ds[sd.splits.TEST_FILE].values.tolist() == [False] * 8 + [True] * 8
    ds = sources.fasta(pos, test_path=tpos, negatives={"method": "shuffled"})
    codes = sd.splits.deal(ds, lambda own: sd.splits.random(own, fractions=(0.5, 0.5, 0)))
    assert codes[4:8].tolist() == [2] * 4
    assert codes[12:].tolist() == [2] * 4  # copies of test rows
    assert (codes[8:12] == codes[:4]).all()


def test_a_run_says_what_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    fasta(Path("shuffled"), [])  # a file of that name is not the method
    table(Path("a.tsv"), letters(40, 5))
    table(Path("b.tsv"), letters(10, 6))
    Path("run.yaml").write_text(
        "name: r\nseed: 1\ndata:\n  name: table\n  path: a.tsv\n  test_path: b.tsv\n"
        "  seq_col: seq\n  target_cols: [y]\n  target_vars: [y]\n"
        "  negatives: {method: shuffled}\n  split: {name: random, fractions: [0.8, 0.2, 0]}\n"
        "model: {name: cnn}\n"
    )
    assert main(["data", "build", "run.yaml", "--out", "d.zarr"]) == 0
    codes = sd.splits.codes_of(sd.open_zarr("d.zarr"))
    assert np.bincount(codes).tolist() == [64, 16, 20]
    capsys.readouterr()
    assert main(["data", "info", "d.zarr"]) == 0
    told = capsys.readouterr().out
    assert "shuffled_negatives: 50" in told
    assert "test_file: 10" in told
