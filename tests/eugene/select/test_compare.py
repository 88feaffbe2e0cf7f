"""Comparisons: tables against plain sums, words, the page; evaluators of one run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

import seqdata as sd
from eugene.cli import main
from eugene.errors import EugeneError, MissingFileError
from eugene.runs import RunFolder
from eugene.select import Comparison, Grid, compare, evaluate_run
from eugene.select._tables import Predicted, accuracy_of, loss_of
from eugene.select._verdict import verdict


@pytest.fixture(scope="module")
def found(done: Grid) -> Comparison:
    return compare(done.folder)


def test_the_table_has_what_predictions_say(done: Grid, found: Comparison) -> None:
    assert len(found.table) == 4
    line = found.table[found.table["path"] == "toy-100-s1/conv-s1"].iloc[0]
    with sd.open_zarr(done.folder / line["path"] / "predictions.zarr") as ds:
        rows = ds["split"].values == 2
        y, p = ds["target"].values[rows, 0].astype(int), ds["prediction"].values[rows]
    truth = np.eye(2)[y]
    p = p.astype(np.float64)
    assert line["e_metrics_loss"] == pytest.approx(log_loss(y, p / p.sum(1, keepdims=True)), 1e-5)
    assert line["e_metrics_accuracy"] == (p.argmax(1) == y).mean()
    for kind in ("micro", "macro"):
        assert line[f"e_roc_{kind}_auc"] == pytest.approx(roc_auc_score(truth, p, average=kind))
        assert line[f"e_pr_{kind}_auc"] == pytest.approx(
            average_precision_score(truth, p, average=kind)
        )
    assert (line["d_train"], line["d_val"], line["d_test"], line["d_size"]) == (70, 10, 20, 100)
    assert line["m_parameters"] == 4 * 8 * 8 + 8 + 8 * 4 + 4 + 4 * 2 + 2
    classes = found.curve_table[found.curve_table["grammar_id"] == "toy"]
    assert set(classes["label"]) == {"one", "two", "micro", "macro"}
    assert {"x", "y", "label", "model_id"} <= set(found.roc.columns)


def test_figures_against_data_have_student_s_intervals(found: Comparison) -> None:
    rows = found.learning[
        (found.learning["model_id"] == "conv") & (found.learning["metric"] == "metrics_loss")
    ]
    assert len(rows) == 1
    own = found.table[found.table["model_id"] == "conv"]["e_metrics_loss"].to_numpy()
    low, high = stats.t.interval(0.95, 1, own.mean(), stats.sem(own))
    row = rows.iloc[0]
    assert row["n"] == 2
    assert (row["mean"], row["sd"]) == pytest.approx((own.mean(), own.std(ddof=1)))
    assert (row["t_low"], row["t_high"]) == pytest.approx((low, high))


def test_importance_is_that_of_the_step(done: Grid, found: Comparison) -> None:
    assert list(found.importance["method"]) == ["saliency"] * 4
    run = RunFolder(done.path(done.runs[0]))
    metrics = run.read_json("interpretation/grammar.json")["metrics"]
    line = found.importance.iloc[0]
    assert line["smooth_precision"] == metrics["saliency_smooth_precision"]["value"]
    assert line["grammar_fraction"] == pytest.approx(0.2)
    assert set(found.importance_by_label["label"]) == {"one", "two"}
    assert "saliency_smooth_recall" in set(found.learning["metric"])


def test_the_page_needs_nothing_and_the_tables_are_files(found: Comparison) -> None:
    text = found.page.read_text()
    assert text.count("data:image/svg+xml") >= 6
    assert not re.search(r"(src|href)=[\"']https?:", text)
    for line in found.verdict:
        assert line.replace("'", "&#39;") in text
    for name, table in found.tables.items():
        read = pd.read_csv(found.folder / "comparison" / f"{name}.tsv", sep="\t")
        assert list(read.columns) == list(table.columns)
        assert len(read) == len(table)


@pytest.mark.slow
def test_the_same_files_give_the_same_page(found: Comparison) -> None:
    again = compare(found.folder, out=found.folder / "comparison" / "again.html").page.read_text()
    date = re.compile(r" on \d{4}-\d\d-\d\d \d\d:\d\d \S+\.")
    assert date.sub("", again) == date.sub("", found.page.read_text())


def frames(
    scores: dict[str, list[float]], precision: dict[str, float], share: float = 0.1
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return learning, lines and importance of networks on one amount of data."""
    from eugene.select._tables import learning_table

    key = {"grammar_id": "g", "d_size": 1000, "d_rate": None}
    lines = pd.DataFrame(
        [
            {**key, "model_id": m, "d_seed": i, "m_seed": i, "e_roc_macro_auc": v}
            for m, values in scores.items()
            for i, v in enumerate(values)
        ]
    )
    importance = pd.DataFrame(
        [
            {
                **key,
                "model_id": m,
                "d_seed": i,
                "m_seed": i,
                "method": "saliency",
                "grammar_fraction": share,
                "smooth_precision": v,
            }
            for m, v in precision.items()
            for i in range(3)
        ]
    )
    return learning_table(lines, importance), lines, importance


def test_words_say_what_figures_say() -> None:
    sure = frames(
        {"a": [0.90, 0.91, 0.92], "b": [0.70, 0.71, 0.73], "c": [0.5, 0.5, 0.5]},
        {"a": 0.5, "b": 0.15, "c": 0.1},
    )
    best, *rules = verdict(*sure)
    assert best.startswith("g, 1,000 sequences: a has the best macro AUROC, 0.910")
    assert "next is b" in best
    assert "Over 3 seeds the difference is 0.1" in best
    assert "a: found the rules" in rules[0]
    assert "5.0 times their share of 0.100" in rules[0]
    assert "b: knows the labels, not the rules" in rules[1]
    assert "c: found neither labels nor rules" in rules[2]
    assert "at least 2 times what chance reaches and its interval over seeds" in rules[3]
    learning, *rest = sure
    wide = learning.assign(
        t_low=learning["t_low"].where(learning["metric"] != "saliency_smooth_precision", 0.05)
    )
    doubt = list(verdict(wide, *rest))[1]
    assert "a: knows the labels, not the rules as far as these seeds show" in doubt
    unsure = frames({"a": [0.6, 0.9, 0.7], "b": [0.8, 0.6, 0.7]}, {})
    best, rules_ = verdict(*unsure)
    assert "3 seeds do not tell them apart" in best
    assert "nothing says which network found the rules" in rules_
    some = sure[2].assign(labels=[1, 2, 2] * 3, outputs=10)
    told = list(verdict(*sure[:2], some))[1]
    assert "of examples of 1 to 2 of 10 labels" in told
    assert "One seed cannot tell" in next(verdict(*frames({"a": [0.6], "b": [0.5]}, {})))


def test_losses_of_labels_and_values() -> None:
    y = np.array([[1.0, 0.0], [np.nan, 1.0]], np.float32)
    score = np.array([[2.0, -1.0], [0.0, 0.5]], np.float32)
    p = 1 / (1 + np.exp(-score))
    labels = Predicted("multilabel_classification", ["a", "b"], y, p, score)
    expected = -np.log([p[0, 0], 1 - p[0, 1], p[1, 1]]).mean()
    assert loss_of(labels) == pytest.approx(expected, 1e-6)
    assert accuracy_of(labels) == 1.0
    values = Predicted("regression", ["a", "b"], y, score, score)
    assert loss_of(values) == pytest.approx(np.mean([1.0, 1.0, 0.25]))
    assert accuracy_of(values) is None


def test_what_cannot_be_compared(done: Grid, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no folder of a selection"):
        compare(tmp_path)
    with pytest.raises(EugeneError, match="no set 'tests'; did you mean 'test'"):
        compare(done.folder, set_name="tests")


@pytest.mark.slow
def test_the_shell_compares(done: Grid, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["select", "compare", str(done.folder), "--set", "val"]
    assert main([*words, "--page", str(tmp_path / "c.html")]) == 0
    out = capsys.readouterr().out
    assert "macro AUROC" in out
    assert "val rows" in (tmp_path / "c.html").read_text()
    assert main(["select", "grid", str(done.folder)]) == 0
    assert "4 runs" in capsys.readouterr().out
    assert main(["select", "gird", str(done.folder)]) == 2
    assert "grid" in capsys.readouterr().err
    assert main(["select", "run", str(done.folder), "--sizes", "5"]) == 2
    assert "--sizes out" in capsys.readouterr().err


def test_evaluators_by_the_names_of_seqgra(
    done: Grid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the step of the run is done with other settings
    shutil.copytree(done.folder / "toy-100-s1", tmp_path / "toy-100-s1")
    run = tmp_path / "toy-100-s1" / "flat-s1"
    words = ["evaluate", "--run_dir", str(run), "--out", str(tmp_path / "ev")]
    asked = ["--evaluators", "metrics,predict,roc,gradient-x-input", "--eval-sets", "val"]
    numbers = ["--eval-n-per-label", "3", "--eval-fi-predict-threshold", "0", "--overwrite"]
    assert main([*words, *asked, *numbers]) == 0
    out = capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "ev").iterdir()) == [
        "validation-metrics.txt",
        "validation-roc-curve.pdf",
        "validation-y-hat.txt",
    ]
    y = pd.read_csv(tmp_path / "ev/validation-y-hat.txt", sep="\t")
    assert list(y.columns) == ["y_one", "y_two", "y_hat_one", "y_hat_two"]
    assert len(y) == 10
    np.testing.assert_allclose(y[["y_hat_one", "y_hat_two"]].sum(1), 1, rtol=1e-6)
    metrics = pd.read_csv(tmp_path / "ev/validation-metrics.txt", sep="\t")
    right = (y["y_two"] == (y["y_hat_two"] > y["y_hat_one"])).mean()
    assert metrics.set_index("metric")["value"]["accuracy"] == pytest.approx(right)
    said = RunFolder(run).read_json("interpretation/grammar.json")
    assert (said["split"], said["threshold"]) == ("val", 0.01)
    assert "smooth" in out
    with pytest.raises(EugeneError, match="no evaluator 'rocs'; did you mean 'roc'"):
        evaluate_run(run, ["rocs"])
    with pytest.raises(EugeneError, match="one set, got 2"):
        evaluate_run(run, ["saliency"], sets=["test", "val"])
    assert main(["evaluate"]) == 2
