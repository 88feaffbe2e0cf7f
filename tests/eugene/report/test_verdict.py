"""The verdict on a network: paired differences from its baselines, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import average_precision_score, roc_auc_score

from eugene.evaluate import evaluate, evaluate_beside
from eugene.report import build, verdicts
from eugene.runs import RunFolder
from eugene.runs._replicates import summarise


def labels(n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, good and worse probabilities that share the difficulty of rows."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, n).astype(float)
    hard = rng.normal(size=n)
    good, worse = (1 / (1 + np.exp(-(2 * (y - 0.5) + hard + s * rng.normal(size=n))))
                   for s in (0.1, 1.5))  # fmt: skip
    return y, good, worse


def test_differences_are_those_of_a_paired_bootstrap() -> None:
    y, good, worse = labels()
    own, others, gaps = evaluate_beside(
        y, good, {"kmers": worse}, "binary_classification", n_bootstrap=400, seed=7
    )
    assert own == evaluate(y, good, "binary_classification", n_bootstrap=400, seed=7)
    alone = evaluate(y, worse, "binary_classification", n_bootstrap=400, seed=7)
    assert others["kmers"] == alone
    rng = np.random.default_rng(11)  # resamples of our own
    for name, score in (("auroc", roc_auc_score), ("auprc", average_precision_score)):
        found = gaps["kmers"][name]
        assert found["value"] == pytest.approx(score(y, good) - score(y, worse), abs=1e-12)
        drawn = [rng.integers(0, len(y), len(y)) for _ in range(400)]
        low, high = np.quantile([score(y[d], good[d]) - score(y[d], worse[d]) for d in drawn],
                                [0.025, 0.975])  # fmt: skip
        assert found["low"] == pytest.approx(low, abs=0.015)
        assert found["high"] == pytest.approx(high, abs=0.015)
    # rows that are hard for both do not widen it
    gap, one = gaps["kmers"]["auroc"], own["auroc"]
    other = others["kmers"]["auroc"]
    apart = np.hypot(one["high"] - one["low"], other["high"] - other["low"])
    assert gap["high"] - gap["low"] < apart


def test_differences_of_several_targets_are_of_each() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(80, 2))
    good, worse = (y + s * rng.normal(size=y.shape) for s in (0.2, 1.0))
    y[:5, 1] = np.nan
    _, _, gaps = evaluate_beside(y, good, {"ridge": worse}, n_bootstrap=50, seed=0)
    there = ~np.isnan(y[:, 1])
    each = [
        np.corrcoef(y[rows, i], good[rows, i])[0, 1] - np.corrcoef(y[rows, i], worse[rows, i])[0, 1]
        for i, rows in enumerate((slice(None), there))
    ]
    assert gaps["ridge"]["pearson"]["per_target"] == pytest.approx(each)
    assert gaps["ridge"]["pearson"]["value"] == pytest.approx(np.mean(each))


def run_of(path: Path, own: float, theirs: dict[str, float], **more: Any) -> RunFolder:
    """Write a run that was tested; the keywords are differences: (value, low, high)."""

    def entry(value: float) -> dict[str, Any]:
        return {"auroc": {"value": value, "low": value - 0.02, "high": value + 0.02}}

    run = RunFolder.create(path)
    against = {
        name: {"auroc": dict(zip(("value", "low", "high"), gap, strict=True))}
        for name, gap in more.items()
    }
    baselines = {name: entry(value) for name, value in theirs.items()}
    run.write_json(
        "evaluation.json",
        {"split": "test", "n": 500, "metrics": entry(own), "baselines": baselines}
        | ({"against": against} if more else {}),
    )
    return run


@pytest.mark.parametrize(
    ("own", "gap", "side", "words"),
    [
        (0.9, (0.1, 0.05, 0.15), "above", "better than its baseline"),
        (0.7, (-0.1, -0.15, -0.05), "below", "WORSE than its baseline"),
        (0.81, (0.01, -0.01, 0.03), "even", "no better than its baseline"),
    ],
)
def test_the_page_says_who_wins(
    tmp_path: Path, own: float, gap: tuple[float, ...], side: str, words: str
) -> None:
    run = run_of(tmp_path / "run", own, {"kmer_logistic": 0.8}, kmer_logistic=gap)
    found = verdicts(run)
    assert [v.side for v in found] == [side]
    assert (found[0].value, found[0].low, found[0].high) == (pytest.approx(gap[0]), *gap[1:])
    page = build(run.path).read_text(encoding="utf8")
    head = page[page.index("<h1>") : page.index("<section")]
    assert words in head
    assert f"difference {gap[0]:+.3f} (95 % {gap[1]:+.3f} to {gap[2]:+.3f}" in head
    assert f'class="verdict {side}"' in head


def test_the_strongest_baseline_counts(tmp_path: Path) -> None:
    gaps = {"kmer_logistic": (0.1, 0.05, 0.15), "gc": (-0.05, -0.09, -0.01)}
    run = run_of(tmp_path / "run", 0.8, {"kmer_logistic": 0.7, "gc": 0.85}, **gaps)
    assert (verdicts(run)[0].side, verdicts(run)[0].baseline) == ("below", "gc")


def test_what_was_not_measured_is_no_verdict(tmp_path: Path) -> None:
    old = verdicts(run_of(tmp_path / "old", 0.9, {"kmer_logistic": 0.8}))[0]
    assert old.side == "unpaired"
    assert "older version" in old.text
    alone = verdicts(run_of(tmp_path / "alone", 0.9, {}))[0]
    assert alone.side == "alone"
    assert "No baseline was fitted" in alone.text
    other = run_of(tmp_path / "other", 0.9, {"kmer_logistic": 0.8})
    other.write_json("evaluation.json", other.read("evaluation.json") | {
        "baselines": {"kmer_logistic": {"auroc": {"value": None, "why": "one class"}}}
    })  # fmt: skip
    nothing = verdicts(other)[0]
    assert nothing.side == "alone"
    assert "no figure in common" in nothing.text
    assert "No baseline was fitted" not in nothing.text
    assert verdicts(RunFolder.create(tmp_path / "new")) == []


def test_lower_is_better_for_distances(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "profile")
    entry = {"value": 0.3, "low": 0.29, "high": 0.31}
    gap = {"value": -0.1, "low": -0.12, "high": -0.08}
    run.write_json("evaluation.json", {
        "n": 40, "metrics": {"jsd": entry}, "baselines": {"mean_profile": {"jsd": {"value": 0.4}}},
        "against": {"mean_profile": {"jsd": gap}},
    })  # fmt: skip
    assert verdicts(run)[0].side == "above"


def test_replicates_are_judged_over_seeds(tmp_path: Path) -> None:
    own, theirs = [0.5, 0.52, 0.55], [0.43, 0.43, 0.44]

    def one(a: float, b: float) -> dict[str, Any]:
        return {
            "metrics": {"pearson": {"value": a, "low": 0, "high": 1}},
            "baselines": {"kmer_ridge": {"pearson": {"value": b, "low": 0, "high": 1}}},
        }

    run = RunFolder.create(tmp_path / "parent")
    pairs = enumerate(zip(own, theirs, strict=True))
    run.write_json("summary.json", summarise({"plain": {i: one(*p) for i, p in pairs}}))
    (found,) = verdicts(run)
    gaps = np.subtract(own, theirs)
    low, high = t.interval(0.95, 2, gaps.mean(), gaps.std(ddof=1) / np.sqrt(3))
    assert (found.of, found.side) == ("plain", "above")
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert "over 3 seeds" in found.text
