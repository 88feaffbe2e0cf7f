"""Files and folders that are not there are told with their place and the name that is nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from eugene._folder import RunFolder
from eugene.cli import main
from eugene.config import load_run_config
from eugene.config._places import is_path
from eugene.config.registries import DATA_SOURCES
from eugene.errors import ConfigError, MissingFileError, MissingSourceError
from eugene.runs._sources import require_sources

# files that are read from nowhere, or whose absence their source tells in its own way
FILES = {"out", "cache_dir", "negatives", "test_negatives"}
READ = [
    (name, parameter.name)
    for name in DATA_SOURCES
    for parameter in DATA_SOURCES.signature(name).parameters
    if is_path(parameter.name, parameter.annotation, "x") and parameter.name not in FILES
]


def written(folder: Path, lines: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(
        f"name: x\ndata:\n{lines}model: {{name: cnn}}\n"
        "module: {name: sequence, task: regression}\n"
    )
    return path


@pytest.mark.parametrize(("source", "key"), READ, ids=str)
def test_each_file_of_each_source_is_told_with_its_line(
    source: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nope.txt").write_text("")
    lines = f"  name: {source}\n  {key}: nopf.txt\n"
    for p in DATA_SOURCES.signature(source).parameters:
        if p.required and p.name != key:
            file = is_path(p.name, p.annotation, "x")
            value = "nope.txt" if file else "8" if p.annotation == "int" else "x"
            lines += f"  {p.name}: {value}\n"
    with pytest.raises(MissingSourceError) as told:
        require_sources(load_run_config(written(tmp_path, lines)))
    assert isinstance(told.value, ConfigError)
    assert isinstance(told.value, FileNotFoundError)
    assert f"a.yaml:4: $.data.{key}: " in str(told.value)
    assert "nopf.txt does not exist" in str(told.value)
    assert "did you mean 'nope.txt'?" in str(told.value)


def test_nothing_is_made_for_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "  name: table\n  path: sub/x.tsv\n  seq_col: s\n  target_cols: [y]\n"
    path = written(tmp_path, lines)
    assert main(["fit", str(path), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "a.yaml:4: $.data.path: " in error
    assert f"nor does its folder {tmp_path / 'sub'}" in error
    assert main(["data", "build", str(path), "--out", "x.zarr", "--quiet"]) == 2
    assert "$.data.path: " in capsys.readouterr().err
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.yaml"]


def test_a_run_is_looked_for_beside(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_text("{}")
    (tmp_path / "thirst").mkdir()
    with pytest.raises(MissingFileError, match=r"make it with 'eugene fit'; did you mean 'first'"):
        RunFolder.open(tmp_path / "frist")
    with pytest.raises(MissingFileError, match=r"'eugene fit'; one of first, second$"):
        RunFolder.open(tmp_path / "zzzzzzzz")
    with pytest.raises(MissingFileError, match=r"'eugene fit'$"):
        RunFolder.open(tmp_path / "none" / "frist")
