"""Every metric of both registries on data where it hardly exists, against formulas written out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from eugene._weighted import METRICS as WEIGHTED
from eugene.config.registries import METRICS as STREAMED
from eugene.evaluate import evaluate
from eugene.modules.metrics import make_metric

Values = np.ndarray
RNG = np.random.default_rng(4)
LABELS = {"auroc", "auprc", "accuracy", "precision", "recall", "f1", "mcc"}


def spread(x: Values) -> float:
    """Return the sum of squares about the mean, exactly 0 where all values are one."""
    if len(x) == 0 or x.min() == x.max():
        return 0.0
    centre = math.fsum(x) / len(x)
    return math.fsum((x - centre) ** 2)


def over(a: float, b: float) -> float:
    return a / b if b > 0 else math.nan


def correlation(y: Values, p: Values) -> float:
    both = math.sqrt(spread(y)) * math.sqrt(spread(p))
    cross = math.fsum((y - math.fsum(y) / len(y)) * (p - math.fsum(p) / len(p)))
    return over(cross, both)


def roc(y: Values, p: Values) -> float:
    high, low = p[y == 1], p[y == 0]
    wins = sum(float((h > low).sum()) + 0.5 * float((h == low).sum()) for h in high)
    return over(wins, len(high) * len(low))


def average_precision(y: Values, p: Values) -> float:
    total, before = 0.0, 0
    for level in np.unique(p)[::-1]:
        called = p >= level
        hits = int((y[called] == 1).sum())
        total += (hits - before) * hits / int(called.sum())
        before = hits
    return over(total, float((y == 1).sum()))


def table(y: Values, p: Values) -> tuple[int, int, int]:
    call, truth = p > 0.5, y > 0.5
    return int((call & truth).sum()), int((call & ~truth).sum()), int((~call & truth).sum())


def concordance(y: Values, p: Values) -> float:
    apart = math.fsum(y - p) / len(y)
    cross = math.fsum((y - math.fsum(y) / len(y)) * (p - math.fsum(p) / len(p)))
    both = spread(y) + spread(p)
    return over(2 * cross, both + len(y) * apart**2 if both else 0.0)


def matthews(y: Values, p: Values) -> float:
    hit, false, miss = table(y, p)
    right = len(y) - hit - false - miss
    margins = (hit + false) * (hit + miss) * (right + false) * (right + miss)
    return over(hit * right - false * miss, math.sqrt(margins))


def deviance(y: Values, p: Values) -> float:
    if (y < 0).any() or (p <= 0).any():
        return math.nan
    logs = [v * math.log1p((v - x) / x) if v else 0.0 for v, x in zip(y, p, strict=True)]
    return 2 * math.fsum([*logs, *(p - y)]) / len(y)


ORACLES: dict[str, Callable[[Values, Values], float]] = {
    "mse": lambda y, p: math.fsum((y - p) ** 2) / len(y),
    "mae": lambda y, p: math.fsum(np.abs(y - p)) / len(y),
    "r2": lambda y, p: 1 - over(math.fsum((y - p) ** 2), spread(y)),
    "explained_variance": lambda y, p: 1 - over(spread(y - p), spread(y)),
    "pearson": correlation,
    "pearson_r2": lambda y, p: correlation(y, p) ** 2,
    "spearman": lambda y, p: correlation(rankdata(y), rankdata(p)),
    "auroc": roc,
    "auprc": average_precision,
    "accuracy": lambda y, p: float(np.mean((p > 0.5) == (y > 0.5))),
    "precision": lambda y, p: over(table(y, p)[0], sum(table(y, p)[:2])),
    "recall": lambda y, p: over(table(y, p)[0], table(y, p)[0] + table(y, p)[2]),
    "f1": lambda y, p: over(2 * table(y, p)[0], 2 * table(y, p)[0] + sum(table(y, p)[1:])),
    "mcc": matthews,
    "ccc": concordance,
    "poisson_deviance": deviance,
}


def case(kind: str, *, labels: bool) -> tuple[Values, Values]:
    """Return targets and predictions of a difficult kind, float64 (n,)."""
    n = 37
    p = RNG.random(n)
    y = (p + RNG.normal(0, 0.3, n) > 0.5).astype(float) if labels else p + RNG.normal(0, 0.3, n)
    if kind == "constant prediction":
        p = np.full(n, 0.1)
    elif kind == "constant target":
        y = np.full(n, 0.0 if labels else 0.1)
    elif kind == "all positive":
        y = np.ones(n)
    elif kind == "both constant":
        y, p = np.full(n, 1.0), np.full(n, 0.7)
    elif kind == "missing":
        y[::3] = np.nan
    elif kind == "all but one missing":
        y[1:] = np.nan
    elif kind == "one row":
        y, p = y[:1], p[:1]
    elif kind == "huge offset" and not labels:
        y, p = 1e6 + 1e-3 * y, 1e6 + 1e-3 * p
    elif kind == "one far row" and not labels:
        y[0], p[0] = 1e9, -1e9
    return y, p


KINDS = (
    "plain",
    "constant prediction",
    "constant target",
    "all positive",
    "both constant",
    "missing",
    "all but one missing",
    "one row",
    "huge offset",
    "one far row",
)


def expected(name: str, y: Values, p: Values) -> float:
    there = ~np.isnan(y)
    return ORACLES[name](y[there], p[there])


def test_the_oracles_know_every_metric() -> None:
    assert set(ORACLES) >= set(WEIGHTED) | set(STREAMED)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(WEIGHTED))
def test_evaluated(name: str, kind: str) -> None:
    y, p = case(kind, labels=name in LABELS)
    task = "binary_classification" if name in LABELS else "regression"
    found = evaluate(y, p, task, metrics=[name], n_bootstrap=25)[name]
    wanted = expected(name, y, p)
    assert found["value"] == pytest.approx(wanted, rel=1e-7, abs=1e-12, nan_ok=True)
    assert ("why" in found) == math.isnan(wanted)
    if math.isnan(wanted):
        assert math.isnan(found["low"])
        assert math.isnan(found["high"])
    elif name in ("pearson", "spearman") and not math.isnan(found["low"]):
        assert -1 <= found["low"] <= found["high"] <= 1


@pytest.mark.parametrize("batch", [1, 5, 64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(STREAMED))
def test_streamed(name: str, kind: str, batch: int) -> None:
    y, p = case(kind, labels=name in LABELS)
    metric = make_metric(name)
    for at in range(0, len(y), batch):
        part = slice(at, at + batch)
        metric.update(torch.from_numpy(p[part, None]), torch.from_numpy(y[part, None]))
    wanted = expected(name, y, p)
    assert float(metric.compute()) == pytest.approx(wanted, rel=1e-5, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("n", [3, 7, 10, 49, 100])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-30, -123456.7, 1e12])
def test_rounding_is_no_spread(n: int, value: float) -> None:
    noise = RNG.normal(size=n)
    for y, p, lacking in (
        (noise, np.full(n, value), ("pearson", "pearson_r2", "spearman")),
        (np.full(n, value), noise, ("pearson", "pearson_r2", "spearman", "r2")),
    ):
        found = evaluate(y, p, n_bootstrap=20)
        for name in lacking:
            assert math.isnan(found[name]["value"]), name
            assert math.isnan(found[name]["high"]), name


def test_predictions_that_differ_by_float32_rounding_are_constant() -> None:
    y = RNG.normal(size=50)
    p = np.float32(0.3) + np.float32(3e-8) * RNG.integers(0, 2, 50).astype(np.float32)
    assert len(np.unique(p)) == 2
    found = evaluate(y, p, n_bootstrap=0)
    assert math.isnan(found["pearson"]["value"])
    assert "predictions do not vary" in found["pearson"]["why"]
    # the same differences in double precision are differences
    assert not math.isnan(evaluate(y, p.astype(np.float64), n_bootstrap=0)["pearson"]["value"])


def test_ranks_are_those_of_logits() -> None:
    from eugene.modules.tasks import get_task

    logits = torch.tensor([[20.0], [25.0], [30.0], [35.0]])
    truth = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    task = get_task("binary_classification")
    prediction = task.predict(logits)
    assert len(torch.unique(prediction)) < 4  # the sigmoid is 1 in single precision
    metric = make_metric("auroc")
    read = task.metric_inputs(prediction, truth, metric.reads, "auroc", task.scores(logits))
    metric.update(*read)
    assert float(metric.compute()) == 1
    found = evaluate(
        truth.numpy(), prediction.numpy(), task.name, scores=logits.numpy(), n_bootstrap=0
    )
    assert found["auroc"]["value"] == 1
    classes = torch.tensor([[40.0, 0.0, 1.0], [60.0, 0.0, 2.0], [0.0, 3.0, 50.0]])
    odds = get_task("multiclass_classification").scores(classes).double()
    wide = classes.double()
    for k in range(3):
        others = torch.logsumexp(wide[:, [j for j in range(3) if j != k]], 1)
        np.testing.assert_allclose(odds[:, k], wide[:, k] - others, rtol=1e-5)


def test_a_mean_is_over_the_targets_that_it_exists_for() -> None:
    y = np.stack([np.tile([0.0, 1.0], 10), np.zeros(20)], axis=1)
    p = np.stack([y[:, 0] * 0.6 + 0.2, RNG.random(20)], axis=1)
    found = evaluate(
        y, p, "multilabel_classification", metrics=["auroc"], names=["a", "b"], n_bootstrap=10
    )["auroc"]
    assert found["value"] == 1
    assert math.isnan(found["per_target"][1])
    assert found["why"] == "auroc does not exist for b (all targets are 0)"


def test_metrics_of_the_user_are_scored_on_the_same_resamples() -> None:
    import torchmetrics
    from sklearn.metrics import median_absolute_error

    y, p = RNG.normal(size=(2, 40))
    found = evaluate(
        y, p, metrics=[median_absolute_error, torchmetrics.MeanAbsoluteError()], n_bootstrap=20
    )
    assert found["median_absolute_error"]["value"] == pytest.approx(np.median(np.abs(y - p)))
    assert found["mean_absolute_error"]["value"] == pytest.approx(np.abs(y - p).mean())
    assert found["mean_absolute_error"]["low"] < found["mean_absolute_error"]["high"]
