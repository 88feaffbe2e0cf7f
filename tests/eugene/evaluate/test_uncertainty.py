"""Dropout, ensembles, temperatures and intervals against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from eugene.errors import EugeneError
from eugene.evaluate import (
    calibrated,
    calibration,
    calibration_error,
    conformal_width,
    ensemble,
    fit_temperature,
    monte_carlo_dropout,
)
from eugene.models import SequenceModule
from eugene.modules import get_task

RNG = np.random.default_rng(3)
X = np.eye(4, dtype=np.float32)[RNG.integers(4, size=(6, 12))].swapaxes(1, 2).copy()


def dropping(p: float = 0.5) -> SequenceModule:
    torch.manual_seed(0)
    layers = (nn.Flatten(), nn.BatchNorm1d(48), nn.Dropout(p), nn.Linear(48, 2))
    return SequenceModule(nn.Sequential(*layers))


def test_dropout_gives_the_spread_of_its_masks() -> None:
    made = dropping().eval()
    found = monte_carlo_dropout(made, X, 2000, seed=1)
    plain, layer = made.predict(X), made.arch[3]
    # x is 0 or 1 (batch normalisation does nothing yet): var = sum w^2 p / (1 - p) over letters
    expected = (torch.from_numpy(X).flatten(1) @ layer.weight.detach().square().T).sqrt()
    torch.testing.assert_close(found.mean, plain, atol=0.06, rtol=0)
    torch.testing.assert_close(found.sd, expected, rtol=0.1, atol=0)
    again = monte_carlo_dropout(made, X, 5, seed=2)
    assert torch.equal(again.sd, monte_carlo_dropout(made, X, 5, seed=2).sd)
    assert not made.arch[2].training
    assert torch.equal(made.predict(X), plain)
    assert int(made.arch[1].num_batches_tracked) == 0


def test_networks_that_drop_nothing_say_so() -> None:
    with pytest.raises(EugeneError, match="has no dropout"):
        monte_carlo_dropout(dropping(0.0), X)
    with pytest.raises(EugeneError, match="n is 1"):
        monte_carlo_dropout(dropping(), X, 1)


def test_ensembles() -> None:
    made = [
        SequenceModule({"name": "fcn", "input_len": 12, "output_dim": 2}, seed=i) for i in range(3)
    ]
    each = torch.stack([m.predict(X) for m in made]).numpy()
    found = ensemble(made, X)
    np.testing.assert_allclose(found.mean, each.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.sd, each.std(0, ddof=1), rtol=1e-4)
    other = SequenceModule(
        {"name": "fcn", "input_len": 12, "output_dim": 2}, task="binary_classification"
    )
    with pytest.raises(EugeneError, match="share a task"):
        ensemble([made[0], other], X)
    wide = SequenceModule({"name": "fcn", "input_len": 12, "output_dim": 3})
    with pytest.raises(EugeneError, match="one shape"):
        ensemble([made[0], wide], X)


def test_temperatures_are_found_again() -> None:
    logits = RNG.normal(0, 2, (20_000, 2))
    labels = (RNG.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)
    labels[:50, 1] = np.nan
    found = fit_temperature(logits * [3.0, 0.5], labels, "multilabel_classification")
    np.testing.assert_allclose(found, [3.0, 0.5], rtol=0.06)
    honest = calibrated(logits * [3.0, 0.5], found, "multilabel_classification")
    assert calibration_error(labels[:, 0], honest[:, 0]) < 0.015
    assert calibration_error(labels[:, 0], 1 / (1 + np.exp(-3 * logits[:, 0]))) > 0.08


def test_temperatures_of_classes() -> None:
    logits = torch.from_numpy(RNG.normal(0, 1.5, (20_000, 4)))
    labels = torch.distributions.Categorical(logits=logits).sample()[:, None].double()
    scores = get_task("multiclass_classification").scores(2 * logits).numpy()
    found = fit_temperature(scores, labels, "multiclass_classification")
    np.testing.assert_allclose(found, [2.0], rtol=0.06)
    np.testing.assert_allclose(
        calibrated(scores, found, "multiclass_classification"),
        (2 * logits / found[0]).softmax(1),
        rtol=1e-9,
    )


def test_calibration_error_by_hand() -> None:
    found = calibration_error([1, 1, 0, np.nan, 0], [0.9, 0.8, 0.85, 0.5, 0.1], bins=2)
    assert found == pytest.approx((abs(2.55 - 2) + 0.1) / 4)


def test_intervals_hold_what_they_promise() -> None:
    """The share inside is that of the order statistic, on average exactly (n + 1) a / (n + 1)."""
    y = RNG.normal(size=(4000, 39))
    widths = np.array([conformal_width(row[:-1], np.zeros(38), level=0.9)[0] for row in y])
    inside = np.mean(np.abs(y[:, -1]) <= widths)
    exact = np.ceil(39 * 0.9) / 39
    assert abs(inside - exact) < 4 * stats.binom.std(4000, exact) / 4000
    assert np.isinf(conformal_width(np.arange(5.0), np.zeros(5), level=0.9)).all()
    scaled = conformal_width([2.0, 4.0, 6.0], np.zeros(3), level=0.5, scale=[1.0, 2.0, 3.0])
    assert scaled == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("level", "scale", "target"), [(1.5, None, 3), (0.9, [0.0, 1.0, 1.0], 3), (0.9, None, 2)]
)
def test_intervals_that_cannot_be(level: float, scale: object, target: int) -> None:
    with pytest.raises(EugeneError):
        conformal_width(np.zeros(target), np.zeros(3), level=level, scale=scale)


def test_calibration_of_each_task() -> None:
    p = RNG.normal(size=(600, 2))
    y = p + RNG.normal(size=p.shape) * [1, 3]
    y[::5, 1] = np.nan
    found = calibration("regression", (y[:300], p[:300]), (y[300:], p[300:]))
    assert found["width"] == pytest.approx([1.645, 3 * 1.645], rel=0.15)
    assert found["coverage"] == pytest.approx([0.9, 0.9], abs=0.06)
    rate = np.exp(RNG.normal(3, 1, (2000, 1)))
    counts = RNG.poisson(rate).astype(float)
    found = calibration("poisson", (counts[:1000], rate[:1000]), (counts[1000:], rate[1000:]))
    assert found["width"] == pytest.approx([1.645], rel=0.15)  # in units of the root
    logits = 4 * p
    labels = (RNG.random(p.shape) < 1 / (1 + np.exp(-p))).astype(float)
    sides = (labels[:300], logits[:300]), (labels[300:], logits[300:])
    found = calibration("multilabel_classification", *sides)
    assert found["nll"][1] < found["nll"][0]
    assert found["ece"][1] < found["ece"][0]
    missing = np.full_like(y[:300], np.nan)
    assert "no validation row" in calibration("regression", (missing, p[:300]), (y, p))["why"]
    with pytest.raises(EugeneError, match="conformal_width"):
        fit_temperature(p, y, "regression")
