"""The verb compare: seeds of one architecture against those of another."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from eugene.cli import main
from eugene.runs import RunFolder
from eugene.runs._replicates import summarise

SCORES = {"cnn": np.linspace(0.5, 0.6, 5), "rnn": np.linspace(0.55, 0.75, 5)}


def parent(place: Path, arms: dict[str, np.ndarray], over: str = "seed") -> str:
    """Write what a run over seeds leaves behind of its figures."""
    folder = RunFolder.create(place)
    evaluations = {
        arm: {
            i: {"metrics": {"r2": {"value": float(v)}, "pearson": {"value": 0.1}}}
            for i, v in enumerate(values)
        }
        for arm, values in arms.items()
    }
    folder.write_json("summary.json", summarise(evaluations, over))
    return str(place)


def test_architectures_over_five_seeds(tmp_path, capsys):
    folders = [parent(tmp_path / name, {"default": v}) for name, v in SCORES.items()]
    tests, plot = tmp_path / "tests.tsv", tmp_path / "box.svg"
    assert main(["compare", *folders, "--tests", str(tests), "--plot", str(plot)]) == 0
    out = capsys.readouterr().out
    assert "r2: Mann-Whitney between each two, Benjamini-Hochberg over 1 tests" in out
    (row,) = csv.DictReader(tests.open(), delimiter="\t")
    expected = stats.mannwhitneyu(*SCORES.values()).pvalue
    assert (row["a"], row["b"], float(row["p"])) == ("cnn", "rnn", pytest.approx(expected))
    assert plot.read_text().startswith("<?xml")


def test_arms_of_one_run_and_too_few_seeds(tmp_path, capsys):
    arms = {name: values[:3] for name, values in SCORES.items()}
    assert main(["compare", parent(tmp_path / "both", arms), "--metric", "pearson"]) == 0
    out = capsys.readouterr().out
    assert "cnn and rnn: with 3 and 3 scores the smallest possible p-value is 0.1" in out
    assert "pearson: Mann-Whitney" in out
    assert main(["compare", parent(tmp_path / "folds", SCORES, "fold")]) == 0
    assert "folds of one run share training rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--metric", "pearsn"], "not every group has it; did you mean 'pearson'"),
        (["--alpha", "2"], "between 0 and 1"),
        (["--plot", "box.txt"], "--plot box.txt: expected a name that ends in .png"),
    ],
)
def test_options_that_make_no_sense(tmp_path, capsys, options, words):
    assert main(["compare", parent(tmp_path / "run", SCORES), *options]) == 2
    assert words in capsys.readouterr().err


def test_pictures_need_groups(tmp_path, capsys):
    folder = parent(tmp_path / "one", {"default": SCORES["cnn"]})
    assert main(["compare", folder, "--tests", str(tmp_path / "t.tsv")]) == 2
    assert "there are 1 groups" in capsys.readouterr().err
