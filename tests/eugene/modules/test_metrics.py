"""Metrics over an epoch against scikit-learn and scipy, whatever the batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from eugene.config.registries import METRICS
from eugene.errors import EugeneError
from eugene.modules.metrics import better_when, make_metric

RNG = np.random.default_rng(0)
N = 60
SCORE = RNG.random(N)
VALUE = 3 + RNG.normal(size=N)
TARGET = 0.5 * VALUE + RNG.normal(size=N)
LABEL = (SCORE + 0.4 * RNG.normal(size=N) > 0.5).astype(float)

REGRESSION: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "r2": sk.r2_score,
    "pearson": lambda y, x: stats.pearsonr(x, y).statistic,
    "spearman": lambda y, x: stats.spearmanr(x, y).statistic,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "explained_variance": sk.explained_variance_score,
    "ccc": lambda y, x: (
        2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    ),
    "poisson_deviance": lambda y, x: sk.mean_poisson_deviance(y, x),
}
BINARY: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auroc": sk.roc_auc_score,
    "auprc": sk.average_precision_score,
    "accuracy": lambda y, x: sk.accuracy_score(y, x > 0.5),
    "precision": lambda y, x: sk.precision_score(y, x > 0.5),
    "recall": lambda y, x: sk.recall_score(y, x > 0.5),
    "f1": lambda y, x: sk.f1_score(y, x > 0.5),
    "mcc": lambda y, x: sk.matthews_corrcoef(y, x > 0.5),
}


def numbers(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and targets, from 0 up where they are rates and counts."""
    return (abs(VALUE), abs(TARGET)) if name == "poisson_deviance" else (VALUE, TARGET)


def measured(name: str, x: np.ndarray, y: np.ndarray, batches: int = 4) -> np.ndarray:
    metric = make_metric(name)
    for part in np.array_split(np.arange(len(x)), batches):
        if len(part):
            metric.update(torch.from_numpy(x[part]).float(), torch.from_numpy(y[part]).float())
    return metric.compute().reshape(-1).numpy()


@pytest.mark.parametrize("name", list(REGRESSION))
def test_regression(name: str) -> None:
    value, target = numbers(name)
    found = measured(name, value[:, None], target[:, None])
    assert found[0] == pytest.approx(REGRESSION[name](target, value), abs=1e-5)


@pytest.mark.parametrize("name", list(BINARY))
def test_binary(name: str) -> None:
    found = measured(name, SCORE[:, None], LABEL[:, None])
    assert found[0] == pytest.approx(BINARY[name](LABEL, SCORE), abs=1e-5)


@pytest.mark.parametrize("name", list(METRICS))
@settings(max_examples=15, deadline=None)
@given(batches=st.integers(1, N), holes=st.integers(0, 40))
def test_batches_and_holes_do_not_matter(name: str, batches: int, holes: int) -> None:
    first, truth = (SCORE, LABEL) if name in BINARY else numbers(name)
    x = np.stack([first, first[::-1], first], axis=1)
    y = np.stack([truth, truth[::-1], truth], axis=1)
    y[:holes, 2] = np.nan
    found = measured(name, x, y, batches)
    oracle = {**REGRESSION, **BINARY}[name]
    expected = [oracle(truth, first), oracle(truth, first), oracle(truth[holes:], first[holes:])]
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("name", ["r2", "pearson", "spearman", "auroc"])
def test_nothing_to_measure_is_nan(name: str) -> None:
    constant = np.ones((5, 1))
    assert np.isnan(measured(name, np.linspace(0, 1, 5)[:, None], constant)).all()


@pytest.mark.parametrize("name", ["ccc", "mcc"])
def test_sides_without_spread_have_no_agreement(name: str) -> None:
    ones = np.ones((5, 1))
    assert np.isnan(measured(name, ones, ones)).all()


def test_a_rate_below_zero_has_no_deviance() -> None:
    assert np.isnan(measured("poisson_deviance", np.array([[1.0], [-1.0]]), np.ones((2, 1)))).all()
    assert measured("poisson_deviance", np.zeros((2, 1)), np.zeros((2, 1)))[0] == 0


def test_large_offsets_keep_their_digits() -> None:
    x, y = 1000 + VALUE, 1000 + TARGET
    found = measured("pearson", x[:, None], y[:, None], 6)
    assert found[0] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-3)


def test_metrics_can_be_reset() -> None:
    metric = make_metric("mse")
    metric.update(torch.ones(2, 1), torch.zeros(2, 1))
    metric.reset()
    metric.update(torch.zeros(2, 1), torch.zeros(2, 1))
    assert float(metric.compute()) == 0


def test_names() -> None:
    assert METRICS.resolve("r2score") == "r2"
    with pytest.raises(EugeneError, match="did you mean 'auroc'"):
        make_metric("aurocc")


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_loss", "min"),
        ("train_loss", "min"),
        ("val_mse", "min"),
        ("val_mse_leaf", "min"),
        ("val_mae_0", "min"),
        ("val_r2", "max"),
        ("val_pearson_mse", "max"),
        ("val_explained_variance_leaf", "max"),
        ("val_f1", "max"),
        ("anything", "max"),
    ],
)
def test_which_way_a_value_is_better(monitor: str, mode: str) -> None:
    assert better_when(monitor) == mode
