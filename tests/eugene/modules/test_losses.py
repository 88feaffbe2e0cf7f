"""Losses against torch, and masks that leave no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from eugene.config.registries import LOSSES
from eugene.errors import DataError, EugeneError
from eugene.modules.losses import make_loss, masked_mean

torch.manual_seed(0)
X, Y = torch.randn(6, 3), torch.rand(6, 3)


@pytest.mark.parametrize(
    ("name", "kwargs", "oracle", "target"),
    [
        ("mse", {}, nn.MSELoss(), Y),
        ("mae", {}, nn.L1Loss(), Y),
        ("huber", {"delta": 0.3}, nn.HuberLoss(delta=0.3), Y),
        ("poisson", {}, nn.PoissonNLLLoss(), (5 * Y).round()),
        ("bce", {}, nn.BCEWithLogitsLoss(), Y.round()),
        (
            "bce",
            {"pos_weight": 3.0},
            nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0)),
            Y.round(),
        ),
    ],
)
def test_against_torch(name: str, kwargs: Any, oracle: nn.Module, target: torch.Tensor) -> None:
    found, total = masked_mean(make_loss(name, **kwargs), X, target)
    torch.testing.assert_close(found, oracle(X, target))
    assert total == 18


def test_cross_entropy() -> None:
    target = torch.tensor([0.0, 2, 1, 1, 0, 2])
    found, _ = masked_mean(make_loss("cross_entropy", label_smoothing=0.1), X, target[:, None])
    oracle = nn.CrossEntropyLoss(label_smoothing=0.1)
    torch.testing.assert_close(found, oracle(X, target.long()))


def test_logarithmic_losses() -> None:
    counts = (9 * Y).round()
    found, _ = masked_mean(make_loss("log1pMSELoss"), X, counts)
    torch.testing.assert_close(found, nn.MSELoss()(X, torch.log1p(counts)))
    found, _ = masked_mean(make_loss("rmsle"), X.abs(), counts)
    torch.testing.assert_close(found, nn.MSELoss()(torch.log1p(X.abs()), torch.log1p(counts)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.booleans(), min_size=18, max_size=18), st.sampled_from(["mse", "bce", "poisson"])
)
def test_missing_targets_change_nothing(missing: list[bool], name: str) -> None:
    holes = torch.tensor(missing).view(6, 3)
    target = Y.round().masked_fill(holes, torch.nan)
    x = X.clone().requires_grad_()
    loss, total = masked_mean(make_loss(name), x, target)
    loss.backward()
    assert int(total) == int((~holes).sum())
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad[holes] == 0).all()
    if (~holes).any():
        torch.testing.assert_close(loss, make_loss(name)(X[~holes], Y.round()[~holes]).mean())
    else:
        assert float(loss) == 0


def test_weights_by_row_and_by_value() -> None:
    rows = torch.tensor([1.0, 0, 0, 2, 0, 0])
    found, total = masked_mean(make_loss("mse"), X, Y, rows)
    expected = ((X[0] - Y[0]) ** 2).sum() + 2 * ((X[3] - Y[3]) ** 2).sum()
    torch.testing.assert_close(found, expected / 9)
    assert total == 9
    again, _ = masked_mean(make_loss("mse"), X, Y, rows[:, None].expand(6, 3))
    torch.testing.assert_close(found, again)


def test_unknown_names() -> None:
    with pytest.raises(EugeneError, match="did you mean 'huber'"):
        make_loss("hubr")


COUNTS = (9 * Y).round()
P, C = X.double().numpy(), COUNTS.double().numpy()


def test_focal_loss_against_its_formula() -> None:
    label = Y.round().numpy()
    q = np.where(label == 1, 1 / (1 + np.exp(-P)), 1 / (1 + np.exp(P)))
    expected = -np.where(label == 1, 0.3, 0.7) * (1 - q) ** 1.5 * np.log(q)
    found = make_loss("focal", gamma=1.5, alpha=0.3)(X, Y.round())
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    plain = make_loss("focal", gamma=0.0, alpha=None)(X, Y.round())
    torch.testing.assert_close(plain, make_loss("bce")(X, Y.round()))


def test_quantile_loss_is_least_at_the_quantile() -> None:
    values = torch.linspace(0, 1, 101)[:, None]
    tried = torch.linspace(0, 1, 41)
    losses = [make_loss("quantile", q=0.9)(t.expand(101, 1), values).mean() for t in tried]
    assert float(tried[int(torch.stack(losses).argmin())]) == pytest.approx(0.9)
    half = make_loss("pinball")(X, Y)
    torch.testing.assert_close(half, (X - Y).abs() / 2)


def test_negative_binomial_against_scipy() -> None:
    size = 1 / 0.4
    expected = -stats.nbinom.logpmf(C, size, size / (size + np.exp(P)))
    found = make_loss("negative_binomial", dispersion=0.4)(X, COUNTS)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def shares(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def test_multinomial_against_scipy() -> None:
    found = make_loss("mnll")(X, COUNTS)
    expected = [-stats.multinomial.logpmf(c, c.sum(), p) for c, p in zip(C, shares(P), strict=True)]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4)


def test_poisson_multinomial_against_poisson_and_its_parts() -> None:
    mean, _ = masked_mean(make_loss("poisson_multinomial"), X, COUNTS)
    torch.testing.assert_close(mean, nn.PoissonNLLLoss()(X, COUNTS))
    total = np.exp(P).sum(-1)
    sums = total - C.sum(-1) * np.log(total)
    shape = -(C * np.log(shares(P))).sum(-1)
    found = make_loss("poisson_multinomial", total_weight=0.2)(X, COUNTS)
    np.testing.assert_allclose(found[:, 0], (0.2 * sums + shape) / 3, rtol=1e-5)


def test_cosine_mse_against_its_formula() -> None:
    y, scale = Y.double().numpy(), 5.0
    cosine = (P * y).sum(1) / np.linalg.norm(P, axis=1) / np.linalg.norm(y, axis=1)
    error = ((scale * P - y) ** 2).mean(1)
    found, _ = masked_mean(make_loss("cosine_mse", max_weight=4.0), scale * X, Y)
    weight = min(max(error.mean(), 1), 4.0)
    assert float(found) == pytest.approx((error - weight * cosine).mean(), rel=1e-5)


@pytest.mark.parametrize("name", ["cosine_mse", "mnll", "poisson_multinomial"])
def test_losses_of_rows_leave_missing_values_out(name: str) -> None:
    """A row with a hole has the loss of the row without that column; an empty row none."""
    holes = COUNTS.clone()
    holes[:, 1] = torch.nan
    holes[5] = torch.nan
    x = X.clone().requires_grad_()
    found, total = masked_mean(make_loss(name), x, holes)
    found.backward()
    left = masked_mean(make_loss(name), X[:5, [0, 2]], COUNTS[:5, [0, 2]])[0]
    torch.testing.assert_close(found, left)
    assert int(total) == 5
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad[:, 1] == 0).all()
    assert (x.grad[5] == 0).all()
    tracks = masked_mean(make_loss(name), X[:5, None, [0, 2]], COUNTS[:5, None, [0, 2]])[0]
    torch.testing.assert_close(tracks, left)
    with pytest.raises(DataError, match="one a row"):
        masked_mean(make_loss(name), X, COUNTS, torch.ones(6, 3))


def test_class_weights() -> None:
    classes = torch.tensor([0.0, 2, 1, 1, 0, 2])
    weight = [1.0, 2.0, 5.0]
    found = make_loss("cross_entropy", class_weight=weight)(X, classes[:, None])
    oracle = nn.CrossEntropyLoss(weight=torch.tensor(weight), reduction="none")
    torch.testing.assert_close(found[:, 0], oracle(X, classes.long()))
    found = make_loss("bce", pos_weight=weight)(X, Y.round())
    oracle = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight), reduction="none")
    torch.testing.assert_close(found, oracle(X, Y.round()))
    with pytest.raises(EugeneError, match="class_weight has 2 numbers, the network gives 3"):
        make_loss("cross_entropy", class_weight=[1.0, 2.0])(X, classes[:, None])


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda x, y: float((x - y).mean()), "no tensor"),
        (lambda x, y: (x - y).mean(0), r"shape \(3,\) for targets of shape \(6, 3\)"),
        (lambda x, y: x[:, None] - y[None], r"\(6, 6, 3\) for targets"),
    ],
)
def test_losses_of_a_wrong_shape_are_refused(loss: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        masked_mean(make_loss(loss), X, Y)


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_names_what_it_cannot_take(name: str) -> None:
    with pytest.raises(EugeneError, match="has no argument 'nonsense'"):
        make_loss(name, nonsense=1)
