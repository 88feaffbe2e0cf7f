"""No verb replaces a file that is there already, unless that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eugene._step import steps
from eugene.cli import main
from eugene.cli._verbs import verbs

STEPS = {step.verb.name: step.verb for step in steps().values() if step.verb is not None}
FILES = [
    (name, "out", ending)
    for name, verb in STEPS.items()
    if any(option.name == "out" for option in verb.options)
    for ending in verb.suffixes
]
MORE = [
    ("report", "out", ".html"),
    *(("predict", "out", e) for e in (".csv", ".tsv", ".txt", ".parquet", ".zarr")),
    *(("compare", "out", e) for e in (".csv", ".tsv")),
    ("compare", "report", ".html"),
    ("compare", "plot", ".png"),
    ("compare", "tests", ".csv"),
]
OF_INPUT = [("attribute", e) for e in (".tsv", ".csv", ".png")]
OF_INPUT += [("seqlets", ".tsv"), ("predict", ".tsv")]


def answered(words: list[str], file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a verb says whose file is there already, and see that it stays."""
    file.write_text("mine")
    assert main(words) == 2
    assert file.read_text() == "mine"
    return capsys.readouterr().err


@pytest.mark.parametrize(("verb", "option", "ending"), FILES + MORE, ids=str)
def test_files_that_are_there_stay(
    verb: str,
    option: str,
    ending: str,
    trained_once: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "overwrite" in {o.name for o in verbs()[verb].options}
    before = sorted(trained_once.rglob("*"))
    file = tmp_path / f"there{ending}"
    error = answered([verb, str(trained_once), f"--{option}", str(file)], file, capsys)
    assert re.search(rf"{re.escape(file.name)} exists[;:] give --overwrite", error)
    assert sorted(trained_once.rglob("*")) == before


@pytest.mark.parametrize(("verb", "ending"), OF_INPUT, ids=str)
def test_files_of_sequences_are_not_replaced_either(
    verb: str, ending: str, trained_once: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.fa").write_text(f">a\n{'ACGT' * 35}\n")
    file = tmp_path / f"there{ending}"
    words = [verb, str(trained_once), "--input", str(tmp_path / "x.fa"), "--out", str(file)]
    error = answered(words, file, capsys)
    assert f"{file.name} exists; give --overwrite to replace it" in error
    assert [p.name for p in tmp_path.iterdir() if p.name != "x.fa"] == [file.name]


def test_tracks_beside_the_file_are_looked_at(
    trained_once: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.first.bw").write_text("mine")
    (tmp_path / "xy.first.bw").write_text("of another")
    assert main(["predict", str(trained_once), "--out", str(tmp_path / "x.bw")]) == 2
    assert "x.first.bw exists; give --overwrite" in capsys.readouterr().err


def test_all_steps_that_write_a_file_are_walked() -> None:
    walked = {name for name, *_ in FILES}
    assert walked >= {"test", "seqlets", "motifs", "robustness", "consistency", "evolve"}
