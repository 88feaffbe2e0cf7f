"""The page of several runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from eugene.report import compare_runs
from eugene.runs import RunFolder


def run_of(path: Path, value: float, lr: float, rows: str = "same") -> RunFolder:
    run = RunFolder.create(path)
    run.write_text(
        "config.yaml", f"name: {path.name}\nmodel: {{name: cnn}}\nmodule: {{optimizer_lr: {lr}}}\n"
    )
    run.write_json("data.json", {"rows_sha256": rows})
    entry = {"auroc": {"value": value, "low": value - 0.01, "high": value + 0.01}}
    theirs = {"auroc": {"value": 0.8, "low": 0.7, "high": 0.9}}
    gap = {"value": value - 0.8, "low": value - 0.85, "high": value - 0.75}
    run.write_json("evaluation.json", {
        "n": 50, "split": "test", "metrics": entry, "baselines": {"kmer_logistic": theirs},
        "against": {"kmer_logistic": {"auroc": gap}},
    })  # fmt: skip
    pd.DataFrame({"epoch": [0, 1], "val_loss": [0.7, 0.6]}).to_csv(run.metrics, index=False)
    run.note(training={"parameters": 1234, "epochs": 2, "best_epoch": 1, "receptive_field": 19})
    return run


def test_runs_stand_side_by_side(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "a", 0.9, 0.001), run_of(tmp_path / "b", 0.7, 0.01)]
    unset = runs[0].settings() | {"replicates": {"seeds": None}}  # as not given at all
    runs[0].write_text("config.yaml", json.dumps(unset))
    text = compare_runs(runs, tmp_path / "out.html").read_text(encoding="utf8")
    for words in (
        "0.900 (0.890 to 0.910)", "0.700 (0.690 to 0.710)", "better than its baseline",
        "WORSE than its baseline", "module.optimizer_lr", "0.001", "1,234",
        "All runs have the same rows",
    ):  # fmt: skip
        assert words in text
    assert "model.name" not in text  # in which they do not differ
    assert "replicates.seeds" not in text
    assert text.count("<img ") == 2


def test_other_rows_are_said(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "a", 0.9, 0.1), run_of(tmp_path / "b", 0.9, 0.1, rows="other")]
    text = compare_runs(runs, tmp_path / "out.html").read_text(encoding="utf8")
    assert "not trained and tested on the same rows" in text
    assert "do not differ in any setting" in text


def test_a_run_without_figures_is_named_beside_one_whose_name_begins_alike(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "run1", 0.9, 0.1), run_of(tmp_path / "run10", 0.9, 0.1)]
    (runs[0].path / "evaluation.json").unlink()
    text = compare_runs(runs, tmp_path / "out.html").read_text(encoding="utf8")
    assert "Not tested, so without figures: run1." in text


def test_the_shell_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from eugene.cli._main import main

    for name in "ab":
        run_of(tmp_path / name, 0.9, 0.1)
    page = tmp_path / "compare.html"
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--report", str(page)]) == 0
    assert f"page: {page}" in capsys.readouterr().out
    assert "<h1>Comparison of 2 runs</h1>" in page.read_text(encoding="utf8")
