"""What a page shows as results: significant matches alone, with the units of scores."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eugene.report._logos import significant
from eugene.report._words import predicted_as, score_unit
from eugene.runs import RunFolder


def test_only_significant_matches_are_results() -> None:
    table = pd.DataFrame({"query": list("abc"), "p_bonferroni": [0.2, 0.04, 1.0],
                          "q_value": [0.05, 0.001, 0.06]})  # fmt: skip
    assert significant(table)["query"].tolist() == ["a", "b"]
    assert significant(table.drop(columns="q_value"))["query"].tolist() == ["b"]
    assert significant(table[:0]).empty


@pytest.mark.parametrize(
    ("task", "steps", "unit", "word"),
    [
        ("binary_classification", [], "logits, not probabilities", "probability"),
        ("multilabel_classification", [], "logits, not probabilities", "probability"),
        ("poisson", [], "the log of the rate", "predicted"),
        ("regression", [], "the units of the target", "predicted"),
        ("regression", [{"name": "log"}], "the transformed target", "predicted"),
    ],
)
def test_scores_say_their_unit(
    tmp_path: Path, task: str, steps: list[dict[str, str]], unit: str, word: str
) -> None:
    run = RunFolder.create(tmp_path / "run")
    run.write_text("config.yaml", f"module: {{name: sequence, task: {task}}}\n")
    run.write_json("data.json", {"transforms": {"y": steps}})
    assert (score_unit(run), predicted_as(run)) == (unit, word)


def test_profiles_say_no_unit(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    run.write_text("config.yaml", "module: {name: profile}\n")
    assert score_unit(run) == ""
