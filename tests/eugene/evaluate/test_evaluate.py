"""Scores against scikit-learn and scipy, intervals against resampling one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from eugene._weighted import METRICS
from eugene.errors import EugeneError
from eugene.evaluate import curves, evaluate, paired_difference

Oracle = Callable[[np.ndarray, np.ndarray], float]
REGRESSION: dict[str, Oracle] = {
    "r2": sk.r2_score,
    "pearson": lambda y, p: stats.pearsonr(y, p).statistic,
    "pearson_r2": lambda y, p: stats.pearsonr(y, p).statistic ** 2,
    "spearman": lambda y, p: stats.spearmanr(y, p).statistic,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "explained_variance": sk.explained_variance_score,
    "ccc": lambda y, p: (
        2 * np.cov(y, p, ddof=0)[0, 1] / (y.var() + p.var() + (y.mean() - p.mean()) ** 2)
    ),
    "poisson_deviance": sk.mean_poisson_deviance,
}
BINARY: dict[str, Oracle] = {
    "auroc": sk.roc_auc_score,
    "auprc": sk.average_precision_score,
    "accuracy": lambda y, p: sk.accuracy_score(y, p > 0.5),
    "f1": lambda y, p: sk.f1_score(y, p > 0.5),
    "precision": lambda y, p: sk.precision_score(y, p > 0.5),
    "recall": lambda y, p: sk.recall_score(y, p > 0.5),
    "mcc": lambda y, p: sk.matthews_corrcoef(y, p > 0.5),
}


def rows(kind: str, n: int = 80, seed: int = 0, decimals: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions with ties."""
    rng = np.random.default_rng(seed)
    p = rng.random(n).round(decimals)
    if kind == "binary":
        return (p + rng.normal(0, 0.4, n) > 0.5).astype(float), p
    if kind == "counts":
        return rng.poisson(3 * p + 1).astype(float), 3 * p + 1
    return (2 * p + rng.normal(0, 1, n)).round(decimals), p


def kind_of(name: str) -> str:
    if name == "poisson_deviance":
        return "counts"
    return "binary" if name in BINARY else "regression"


@pytest.mark.parametrize("name", [*REGRESSION, *BINARY])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), decimals=st.integers(1, 6))
def test_values(name: str, seed: int, decimals: int) -> None:
    kind = kind_of(name)
    y, p = rows(kind, seed=seed, decimals=decimals)
    task = "binary_classification" if kind == "binary" else "regression"
    found = evaluate(y, p, task, metrics=[name], n_bootstrap=0)[name]["value"]
    assert found == pytest.approx({**REGRESSION, **BINARY}[name](y, p), abs=1e-9)


@pytest.mark.parametrize("name", list(METRICS))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_weight_is_a_repeated_row(name: str, seed: int) -> None:
    y, p = rows(kind_of(name), seed=seed)
    counts = np.random.default_rng(seed).integers(0, 4, (3, len(y)))
    found = METRICS[name](y, p, counts.astype(float))
    for value, count in zip(found, counts, strict=True):
        drawn = np.repeat(np.arange(len(y)), count)
        expected = {**REGRESSION, **BINARY}[name](y[drawn], p[drawn])
        assert value == pytest.approx(expected, abs=1e-9)


def test_intervals_are_those_of_the_bootstrap() -> None:
    y, p = rows("regression", n=200)
    found = evaluate(y, p, n_bootstrap=2000, seed=1)["pearson"]
    rng = np.random.default_rng(7)
    draws = []
    for _ in range(2000):
        i = rng.integers(0, len(y), len(y))
        draws.append(stats.pearsonr(y[i], p[i]).statistic)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert found["low"] == pytest.approx(low, abs=0.01)
    assert found["high"] == pytest.approx(high, abs=0.01)
    assert found["low"] < found["value"] < found["high"]


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(100):
        x, noise = rng.normal(size=(2, 60))
        scores = evaluate(x, 0.6 * x + 0.8 * noise, metrics=["pearson"], seed=seed, n_bootstrap=300)
        inside += scores["pearson"]["low"] <= 0.6 <= scores["pearson"]["high"]
    assert 86 <= inside <= 100


def test_block_size_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p = rows("binary")
    first = evaluate(y, p, "binary_classification", n_bootstrap=50)
    monkeypatch.setattr("eugene.evaluate._intervals.BLOCK", 80 * 50)
    assert evaluate(y, p, "binary_classification", n_bootstrap=50) == first


def test_several_targets_with_holes() -> None:
    y, p = rows("regression")
    both = np.stack([y, y], axis=1)
    both[::3, 1] = np.nan
    found = evaluate(both, np.stack([p, p], axis=1), n_bootstrap=20)["r2"]
    there = ~np.isnan(both[:, 1])
    expected = [sk.r2_score(y, p), sk.r2_score(y[there], p[there])]
    assert found["per_target"] == pytest.approx(expected)
    assert found["value"] == pytest.approx(np.mean(expected))


def test_classes() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    p = rng.dirichlet(np.ones(3), 90) + np.eye(3)[y] * 0.3
    p /= p.sum(axis=1, keepdims=True)
    found = evaluate(y, p, "multiclass_classification", n_bootstrap=0)
    assert found["accuracy"]["value"] == pytest.approx(sk.accuracy_score(y, p.argmax(1)))
    assert found["auroc"]["value"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"))
    assert found["f1"]["value"] == pytest.approx(sk.f1_score(y, p.argmax(1), average="macro"))


def test_what_does_not_exist_is_nan() -> None:
    found = evaluate([1, 1, 1], [0.2, 0.4, 0.6], "binary_classification", n_bootstrap=10)
    assert np.isnan(found["auroc"]["value"])
    assert np.isnan(found["auroc"]["low"])
    empty = evaluate([np.nan, np.nan], [0.1, 0.2], n_bootstrap=3)
    assert np.isnan(empty["r2"]["value"])


@pytest.mark.parametrize(
    ("y", "p", "task", "message"),
    [
        ([1, 2], [1], "regression", r"shape \(2, 1\) and predictions \(1, 1\)"),
        ([], [], "regression", "there is no row"),
        ([1, 2], [1, np.nan], "regression", "prediction in row 1 is not finite"),
        ([1, 2], [1, 0], "binary_classification", r"must be 0, 1 or NaN, found 2\.0"),
        ([1, 0], [3, 0], "binary_classification", "must be probabilities, found 0 to 3"),
        ([1, 0], [1, 0], "clasification", "unknown task"),
    ],
)
def test_errors(y: list[float], p: list[float], task: str, message: str) -> None:
    with pytest.raises(EugeneError, match=message):
        evaluate(y, p, task)


def test_unknown_metrics() -> None:
    with pytest.raises(EugeneError, match="did you mean 'pearson'"):
        evaluate([1, 2], [1, 2], metrics=["perason"])


def test_curves_against_scikit_learn() -> None:
    y, p = rows("binary", n=300)
    found = curves(y, p)
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(found["roc"], [fpr, tpr])
    precision, recall, _ = sk.precision_recall_curve(y, p)
    np.testing.assert_allclose(found["pr"], [recall[::-1], precision[::-1]])
    short = curves(y, np.random.default_rng(0).random(300), points=20)
    assert len(short["roc"][0]) <= 20
    assert short["roc"][0][-1] == short["roc"][1][-1] == 1
    with pytest.raises(EugeneError, match="both classes"):
        curves([1, 1], [0.1, 0.2])


def test_paired_difference() -> None:
    gap = paired_difference([0.52, 0.55, 0.50], [0.50, 0.51, 0.49], seed=0)
    assert gap["value"] == pytest.approx(0.07 / 3)
    assert 0.0099 < gap["low"] < gap["value"] < gap["high"] < 0.0401
    with pytest.raises(EugeneError, match="one score a seed"):
        paired_difference([1, 2], [1])


def test_published_scores_of_jores21(shared_data: Path) -> None:
    folder = shared_data / "jores21"
    for part in ("test_leaf", "test_proto", "train_leaf", "train_proto"):
        table = pd.read_csv(folder / f"CNN_{part}_pred_noseq.tsv.gz", sep="\t")
        stats = pd.read_csv(folder / f"CNN_{part}_stats.tsv", sep="\t").set_index("sample.name")
        groups = {"all": table, **dict(list(table.groupby("sample.name")))}
        for name, group in groups.items():
            scores = evaluate(group["enrichment"], group["prediction"], n_bootstrap=0)
            # the published square is that of the correlation
            assert round(scores["pearson_r2"]["value"], 2) == stats.loc[name, "rsquare"]
            assert round(scores["spearman"]["value"], 2) == stats.loc[name, "spearman"]
            if (part, name) == ("test_leaf", "all"):
                assert scores["pearson_r2"]["value"] == pytest.approx(0.714, abs=5e-4)


def test_a_probability_of_one_half_is_the_same_call_here_and_in_training() -> None:
    from eugene.modules.metrics import make_metric

    y, p = np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.9])
    found = evaluate(y, p, "binary_classification", n_bootstrap=0)
    for name in ("accuracy", "f1"):
        metric = make_metric(name)
        metric.update(torch.tensor(p)[:, None], torch.tensor(y)[:, None])
        assert found[name]["value"] == pytest.approx(float(metric.compute()))
