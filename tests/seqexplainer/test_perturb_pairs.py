"""Experiments with two motifs under any function; sites drawn from a motif."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import seqexplainer as se
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb import substitute
from seqexplainer.statistics import summarise
from seqpro.motifs import Motif


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


def test_edits_that_cannot_meet_have_no_p_value_by_rounding(model):
    X = se.backgrounds(kind="random", n=6, length=24)
    found = se.epistasis(model, X, [("A", 2), ("GAT", 5), ("C", 20)])
    assert found.p_value[0, 2] == found.p_value[1, 2] == 1
    assert found.p_value[0, 1] < 1


# ---------------------------------------------------------------- sites drawn from a motif


def test_sites_are_drawn_from_the_motif():
    counts = np.array([[6, 0, 2], [2, 0, 2], [0, 8, 2], [0, 0, 2]], dtype=float)
    motif = Motif("drawn", counts / 8)
    X = torch.zeros(4000, 4, 9, dtype=torch.uint8)
    for orientation in ("+", "-"):
        made = substitute(X, motif, position=2, orientation=orientation, sample=True, seed=1)
        assert not made[:, :, :2].any()
        assert not made[:, :, 5:].any()
        share = made[:, :, 2:5].double().mean(dim=0).numpy()
        expected = motif.ppm() if orientation == "+" else motif.ppm()[::-1, ::-1]
        np.testing.assert_allclose(share, expected, atol=0.03)
    rows = substitute(X[:7], motif, position=[2] * 7, sample=True, seed=1)
    np.testing.assert_array_equal(rows, substitute(X, motif, position=2, sample=True, seed=1)[:7])
    other = substitute(X, motif, position=2, sample=True, seed=2)
    assert (other != substitute(X, motif, position=2, sample=True, seed=1)).any()


def test_only_a_motif_has_probabilities():
    with pytest.raises(SeqexplainerError, match="which has probabilities"):
        substitute(torch.zeros(1, 4, 9), "GATA", sample=True)


def test_marginalize_draws_sites(model):
    motif = Motif("even", np.full((4, 3), 0.25))
    X = torch.zeros(12, 4, 24, dtype=torch.uint8)
    fixed = se.marginalize(model, X, motif, position=8)
    drawn = se.marginalize(model, X, motif, position=8, sample=True)
    assert np.ptp(fixed.effect) < 1e-6
    assert np.ptp(drawn.effect) > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, X: se.marginalize(m, X, 5), "the motif is 5, of type int"),
        (lambda m, X: se.marginalize(m, X, "A" * 41), "it is longer than the sequences"),
        (lambda m, X: se.marginalize(m, X, "ACG", confidence=95), "confidence is 95"),
        (lambda m, X: se.marginalize(m, X, "ACG", n_resamples=0), "n_resamples must be at least 1"),
        (lambda m, X: se.marginalize(m, X, "ACG", seed=-1), "seed is -1"),
        (lambda m, X: se.marginalize(m, X, "ACG", func="attribute"), "give the function itself"),
        (lambda m, X: se.marginalize(m, X, "ACG", func=lambda m, X: X), "does not allow"),
        (lambda m, X: se.ablate(m, X, (0, 3), n=0), "n must be at least 1"),
        (lambda m, X: se.occlude(m, X, width=2.5), "width must be a whole number"),
        (lambda m, X: se.positional_importance(m, X, "ACG", stride=0), "stride must be at least 1"),
        (lambda m, X: se.epistasis(m, X, ["AC", "GT"]), r"give pairs \(motif, position\)"),
        (lambda m, X: se.evolve(m, X, rounds=1.5), "rounds must be a whole number"),
    ],
)
def test_wrong_arguments_of_experiments_are_named(call, message):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(160, 1))
    X = np.eye(4)[np.arange(80).reshape(2, 40) % 4].swapaxes(1, 2)
    with pytest.raises(se.SeqexplainerError, match=message):
        call(model, X)


def test_sign_patterns_that_tie_but_for_rounding_count():
    exact = np.array([1.0, 2.0, 3.0, -2.0, 1.0, 1.0])
    noise = np.array([3e-7, -2e-7, 1e-7, 4e-7, -3e-7, 2e-7])
    scores = np.full(6, 10.0)
    expected = summarise(exact, scores=scores).p_value
    for sign in (1, -1):
        assert summarise(exact + sign * noise, scores=scores).p_value == expected
