"""Experiments with two motifs under any function."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import seqexplainer as se


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(4, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 20, 2)).eval()


EXPERIMENTS = {
    "space": lambda *a, **k: se.space(*a, "GAT", "CC", distances=[0, 3], **k),
    "cooperativity": lambda *a, **k: se.cooperativity(*a, "GAT", "CC", distances=[-4, 5], **k),
    "epistasis": lambda *a, **k: se.epistasis(*a, [("A", 2), ("GAT", 5), ("C", 12)], **k),
}


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_any_function_can_be_applied_before_and_after(model, name):
    X = se.backgrounds(kind="random", n=6, length=24)
    run = EXPERIMENTS[name]
    both = run(model, X, func=se.predict)
    assert both.mean.shape[-1] == 2
    for column in (0, 1):
        one = run(model, X, target=column)
        for field in ("mean", "low", "high", "p_value"):
            np.testing.assert_allclose(
                getattr(both, field)[..., column], getattr(one, field), rtol=1e-4, atol=1e-6
            )
