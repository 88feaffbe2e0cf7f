"""Losses against torch, and masks that leave no trace."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eugene.errors import EugeneError
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
