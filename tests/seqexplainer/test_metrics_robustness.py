"""Translational robustness against a plain loop, and nets whose score is known (E9)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import seqexplainer as se
from seqexplainer.errors import InputError

LENGTH = 40


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(5)
    return np.eye(4, dtype=np.float32)[rng.integers(0, 4, (5, LENGTH))].swapaxes(1, 2).copy()


def circular(*, anywhere):
    """Return a net that sees the same motif everywhere, or one that minds where it is."""
    torch.manual_seed(1)
    body = [nn.Conv1d(4, 6, 7, padding=3, padding_mode="circular"), nn.ReLU()]
    if anywhere:
        head = [nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 2)]
    else:
        head = [nn.Flatten(), nn.Linear(6 * LENGTH, 2)]
    return nn.Sequential(*body, *head)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "deep_lift_shap", "ism"])
@pytest.mark.parametrize("reference", ["wt", "mean"])
def test_a_net_that_minds_no_place_scores_zero(X, method, reference):
    """Also with shuffled references: they are drawn once and move with their sequence."""
    how = {"n_shifts": 4, "max_shift": 15, "n_references": 3, "n_steps": 200}
    how["reference"] = reference
    found = se.metrics.translational_robustness(circular(anywhere=True), X, method, **how)
    assert found.score.max() < 1e-5
    placed = se.metrics.translational_robustness(circular(anywhere=False), X, method, **how)
    assert placed.score.min() > 1e-4
    assert placed.relative.min() > 0.1


def test_no_shift_changes_nothing(X):
    found = se.metrics.translational_robustness(circular(anywhere=False), X, max_shift=0)
    assert found.score.max() < 1e-7
    assert (found.shifts == 0).all()


def corrected_gradient(model, x):
    x = torch.tensor(x, requires_grad=True)
    gradient = torch.autograd.grad(model(x[None])[0, 1], x)[0].numpy().astype(np.float64)
    return gradient - gradient.mean(axis=0)


@pytest.mark.parametrize("reference", ["wt", "mean"])
@pytest.mark.parametrize("flank", [None, 0, 3])
def test_scores_equal_a_plain_loop(X, reference, flank):
    model = circular(anywhere=False)
    found = se.metrics.translational_robustness(
        model, X, n_shifts=6, max_shift=9, reference=reference, exclude_flank=flank, target=1
    )
    out = 9 if flank is None else flank
    for x, shifts, score, relative in zip(
        X, found.shifts, found.score, found.relative, strict=True
    ):
        wild = corrected_gradient(model, x)[:, out : LENGTH - out]
        aligned = [
            np.roll(corrected_gradient(model, np.roll(x, s, axis=1)), -s, axis=1) for s in shifts
        ]
        aligned = np.array(aligned)[:, :, out : LENGTH - out]
        centre = wild if reference == "wt" else aligned.mean(axis=0)
        expected = np.sqrt(np.mean((aligned - centre) ** 2))
        assert score == pytest.approx(expected, rel=1e-5)
        assert relative == pytest.approx(expected / np.sqrt(np.mean(wild**2)), rel=1e-5)
    assert found.mean == pytest.approx(found.score.mean())
    assert found.median == pytest.approx(np.median(found.score))
    assert found.low < found.mean < found.high
    assert found.settings["exclude_flank"] == out


def test_draws_belong_to_the_sequence(X):
    """Batch size, order and company change nothing; the seed does."""
    model = circular(anywhere=False)
    whole = se.metrics.translational_robustness(model, X, seed=3, max_shift=8)
    parts = se.metrics.translational_robustness(model, X[::-1].copy()[1:3], seed=3, max_shift=8,
                                                batch_size=5)  # fmt: skip
    assert np.array_equal(whole.shifts[[3, 2]], parts.shifts)
    assert np.allclose(whole.score[[3, 2]], parts.score, rtol=1e-5)
    other = se.metrics.translational_robustness(model, X, seed=4, max_shift=8)
    assert not np.array_equal(whole.shifts, other.shifts)


def test_shifts_are_uniform():
    rng = np.random.default_rng(0)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (300, 9))].swapaxes(1, 2).copy()
    found = se.metrics.translational_robustness(
        lambda x: x[:, 0].sum(dim=1), X, n_shifts=14, max_shift=2, batch_size=1024
    )
    counts = np.bincount(found.shifts.ravel() + 2, minlength=5)
    assert len(counts) == 5
    expected = found.shifts.size / 5
    assert ((counts - expected) ** 2 / expected).sum() < 18.5  # chi-square, 4 degrees, p = 0.001


def test_functions_extra_inputs_and_methods_of_ones_own(X):
    weights = torch.linspace(0, 1, LENGTH)

    def score(x, scale):
        return (x[:, 2] * weights).sum(dim=1) * scale

    def halved(function, batch):
        leaf = batch.clone().requires_grad_()
        return torch.autograd.grad(function(leaf).sum(), leaf)[0] / 2

    how = {"max_shift": 5, "exclude_flank": 0}
    once = se.metrics.translational_robustness(score, X, args=[torch.ones(5)], **how)
    scale = torch.arange(1.0, 6)
    more = se.metrics.translational_robustness(score, X, halved, args=[scale], **how)
    assert np.allclose(more.score, once.score * scale.numpy() / 2, rtol=1e-5)
    assert np.allclose(more.relative, once.relative, rtol=1e-5)
    assert more.settings["method"] == "halved"


def test_a_map_of_zeros_has_no_relative_score(X):
    found = se.metrics.translational_robustness(lambda x: x.sum(dim=(1, 2)), X, max_shift=4)
    assert found.score.max() < 1e-7  # the gradient is the same for all letters
    assert np.isnan(found.relative).all()
    assert np.isnan(found.relative_mean)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_shift": 20}, "nothing is left of 40 bp without 20"),
        ({"max_shift": 40, "exclude_flank": 0}, "max_shift is 40 bp, the sequences are 40"),
        ({"max_shift": -1}, "max_shift is -1"),
        ({"max_shift": 3, "exclude_flank": 2.5}, "exclude_flank is 2.5"),
        ({"max_shift": 3, "n_shifts": 0}, "n_shifts must be at least 1"),
        ({"max_shift": 3, "reference": "wild"}, "unknown reference 'wild'"),
        ({"max_shift": 3, "method": "salience"}, "did you mean 'saliency'"),
    ],
)
def test_wrong_arguments(X, options, message):
    with pytest.raises(InputError, match=message):
        se.metrics.translational_robustness(circular(anywhere=True), X, **options)
