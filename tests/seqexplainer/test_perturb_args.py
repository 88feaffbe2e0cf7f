"""Experiments on models with extra inputs: every edited sequence keeps those of its original."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import seqexplainer as se
from seqexplainer.errors import SeqexplainerError

N, L = 5, 300


class WithControl(nn.Module):
    """Local convolutions, a control track of the same length and a depth per sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 6, 7, padding=3)
        self.second = nn.Conv1d(7, 1, 5, padding=2)

    def forward(self, x: torch.Tensor, control: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.first(x))
        profile = self.second(torch.cat([hidden, control], dim=1))
        return profile.sum(dim=2) * depth[:, None]


class Bound(nn.Module):
    """The model with the extra inputs of one sequence."""

    def __init__(self, model: nn.Module, control: torch.Tensor, depth: torch.Tensor) -> None:
        super().__init__()
        self.model, self.control, self.depth = model, control, depth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = len(x)
        return self.model(x, self.control.expand(n, -1, -1), self.depth.expand(n))


def tripled(model, X, *, batch_size, device, args=None):
    return 3 * se.predict(model, X, batch_size=batch_size, device=device, args=args).numpy()[:, 0]


EXPERIMENTS = {
    "marginalize": lambda model, X, **o: se.marginalize(model, X, "GATAAG", **o).effect,
    "ablate": lambda model, X, **o: (
        se.ablate(model, X, [(3, 9), (250, 260)], method="zero", **o).effect
    ),
    "occlude": lambda model, X, **o: se.occlude(model, X, width=9, stride=11, **o).effect,
    "positional_importance": lambda model, X, **o: (
        se.positional_importance(model, X, "TGACTCA", stride=7, **o).effect
    ),
    "space": lambda model, X, **o: (
        se.space(model, X, "GATA", "TGA", distances=[0, 5, 40], **o).effect
    ),
    "cooperativity": lambda model, X, **o: (
        se.cooperativity(model, X, "GATA", "TGA", distances=[-20, 8, 31], **o).excess
    ),
    "epistasis": lambda model, X, **o: (
        se.epistasis(model, X, [("A", 3), ("GATA", 150), ("C", 154), ("T", 156)], **o).interaction
    ),
}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(3)
    return WithControl()


@pytest.fixture(scope="module")
def inputs() -> tuple[torch.Tensor, list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    control = torch.randn(N, 1, L, generator=generator)
    return se.backgrounds(kind="random", n=N, length=L, seed=1), [control, torch.arange(1.0, N + 1)]


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("engine", ["plain", "window", "auto"])
def test_every_sequence_keeps_its_inputs(model, inputs, name, engine):
    X, args = inputs
    got = EXPERIMENTS[name](model, X, args=args, engine=engine, batch_size=7)
    alone = [
        EXPERIMENTS[name](Bound(model, *(a[i : i + 1] for a in args)), X[i : i + 1], engine="plain")
        for i in range(N)
    ]
    assert np.nanmax(np.abs(got)) > 1e-3
    np.testing.assert_allclose(got, np.concatenate(alone), atol=2e-4)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_functions_get_the_inputs(model, inputs, name):
    X, args = inputs
    got = EXPERIMENTS[name](model, X, args=args, func=tripled)
    plain = EXPERIMENTS[name](model, X, args=args, engine="plain")
    np.testing.assert_allclose(got, 3 * plain, atol=5e-4)


def test_more_sequences_than_a_pass_holds(model):
    X = se.backgrounds(kind="random", n=150, length=60, seed=1)
    args = [torch.randn(150, 1, 60), torch.linspace(1, 2, 150)]
    got = se.marginalize(model, X, "GATA", args=args).effect
    some = se.marginalize(model, X[140:], "GATA", args=[a[140:] for a in args]).effect
    np.testing.assert_allclose(got[140:], some, atol=1e-4)


def test_inputs_have_a_row_a_sequence(model, inputs):
    X, args = inputs
    with pytest.raises(SeqexplainerError, match=r"args\[0\] must have one row per sequence \(5\)"):
        se.marginalize(model, X, "GATA", args=[args[0][:3], args[1]])


def test_a_function_without_room_for_inputs_is_refused(model, inputs):
    X, args = inputs
    with pytest.raises(SeqexplainerError, match=r"device=\.\.\., args=\.\.\.\), which its sig"):
        se.marginalize(
            model, X, "GATA", args=args, func=lambda model, X, batch_size, device: np.zeros(len(X))
        )


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_fractions_are_of_the_type_of_the_model(model, inputs, name):
    X, args = inputs
    doubles = [a.double().numpy() for a in args]
    found = EXPERIMENTS[name](model, X, args=doubles, engine="plain")
    np.testing.assert_array_equal(found, EXPERIMENTS[name](model, X, args=args, engine="plain"))


def test_every_function_takes_doubles(model, inputs):
    X, args = inputs
    doubles = [a.double() for a in args]
    assert torch.equal(se.predict(model, X, args=doubles), se.predict(model, X, args=args))
    for method in ("saliency", "deep_lift_shap", "ism"):
        options = {"n_references": 2, "args": doubles} if "lift" in method else {"args": doubles}
        assert se.attribute(model, X[:, :, :], method, **options).shape == X.shape


def test_one_number_for_a_batch_is_told():
    class Total(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sum()

    X = se.backgrounds(kind="random", n=3, length=30, seed=1)
    with pytest.raises(SeqexplainerError, match="a single number for a batch"):
        se.marginalize(Total(), X, "GATA")
