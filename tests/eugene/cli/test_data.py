from __future__ import annotations

import pathlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqdata as sd
from eugene.cli import main

TABLE = "sequence,activity,half\n" + "".join(
    f"{'ACGT'[i % 4] * 12},{i}.5,{'train' if i % 2 else 'test'}\n" for i in range(20)
)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my table.csv"
    path.write_text(TABLE)
    return path


def words(*given: Any) -> list[str]:
    return [str(word) for word in given]


NAMED = ["--data.name", "table", "--data.seq_col", "sequence", "--data.path", "my table.csv"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_build_without_a_file(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("data", "build", *NAMED, "--out", "a b/x.zarr")) == 0
    assert "source: a b/x.zarr" in capsys.readouterr().out
    ds = sd.open_zarr("a b/x.zarr")
    assert ds["activity"].values.tolist() == [i + 0.5 for i in range(20)]
    assert "split" not in ds.variables
    assert names_in(Path("a b")) == ["x.zarr"]


def test_build_with_a_split_twice(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = words("data", "build", *NAMED, "--data.split", "random", "--out", "x.zarr")
    assert main(build) == 0
    first = sd.open_zarr("x.zarr").load()
    assert sorted(set(first["split"].values.tolist())) == [0, 1, 2]
    assert main(build) == 2
    assert "x.zarr exists. Give --overwrite" in capsys.readouterr().err
    assert main([*build, "--overwrite", "--seed", "5"]) == 0
    second = sd.open_zarr("x.zarr").load()
    assert not np.array_equal(first["split"].values, second["split"].values)
    assert names_in(table.parent) == ["my table.csv", "x.zarr"]


def test_build_from_a_run_file_and_describe_it(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("run.yaml").write_text(
        "data: {name: table, path: my table.csv, seq_col: sequence, split_col: half}\n"
    )
    assert main(words("data", "build", "run.yaml", "--out", "x.zarr")) == 0
    built = capsys.readouterr().out
    assert sd.open_zarr("x.zarr")["split"].values.tolist() == [2, 0] * 10
    assert main(words("data", "info", "x.zarr")) == 0
    assert capsys.readouterr().out == built
    assert main(words("data", "build", "run.yaml", "--print_config")) == 0
    assert "seq_col: sequence" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["build"], "needs --config FILE.yaml, or --data.name NAME"),
        (["build", *NAMED], "needs --out STORE.zarr"),
        (["buid"], "did you mean 'build'"),
        (["info", "my table.csv", "--out", "x.zarr"], "--out belongs to 'eugene data build'"),
        (["build", "--data.name", "tabel", "--out", "x.zarr"], "did you mean 'table'"),
        (["build", "--data.name", "table", "--out", "x.zarr"], "needs 'seq_col'"),
        (["build", *NAMED, "--out", "my table.csv"], "exists"),
        (["build", *NAMED, "--out", "my table.csv", "--overwrite"], "is no Zarr store"),
        (["build", *NAMED, "--data.split", "chromosome", "--out", "x.zarr"], "split"),
        (
            ["build", *NAMED, "--data.target_cols", "sequence", "--out", "x.zarr"],
            "my table.csv holds the sequences",
        ),
    ],
)
def test_builds_that_cannot_be(
    table: Path, given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *given]) == 2
    assert told in capsys.readouterr().err
    assert names_in(table.parent) == ["my table.csv"]
    assert table.read_text() == TABLE


def test_an_interrupted_build_says_what_is_left(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(self: pathlib.Path, target: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pathlib.Path, "rename", stopped)
    assert main(words("data", "build", *NAMED, "--out", "x.zarr")) == 130
    assert "nothing unfinished was left that opens" in capsys.readouterr().err
    assert not Path("x.zarr").exists()


def test_help_is_about_the_data(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("data", "build", "--help-all")) == 0
    plain = capsys.readouterr().out
    assert "--data.split" in plain
    assert "--trainer.max_epochs INT" not in plain
    assert main(words("data", "build", "--data.name", "regions", "--help")) == 0
    assert "--data.blacklist" in capsys.readouterr().out
    assert "--data.blacklist" not in plain


def test_a_network_is_fitted_without_a_file(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words("fit", *NAMED, "--data.target_cols", "activity")) == 2
    assert "needs 'model'" in capsys.readouterr().err
    assert main(words("fit", *NAMED, "--model", "cnn", "--print_config")) == 0
    assert f"path: {table}\n" in capsys.readouterr().out


def test_a_word_of_datasets_without_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "info"]) == 2
    err = capsys.readouterr().err
    assert "got 'info'; 'eugene datasets list' shows the names" in err
    assert "did you mean" not in err
