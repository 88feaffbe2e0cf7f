"""Meaning of every attribution method, its arguments and its errors."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import seqexplainer as se
from seqexplainer import references
from seqexplainer.attribute import ALIASES, METHODS, Result
from seqexplainer.errors import CompletenessError, CompletenessWarning, InputError, TargetError


def one_hot(n, length, seed=0):
    codes = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return F.one_hot(codes, 4).transpose(1, 2).to(torch.uint8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(4, 8, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool1d(3),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64, 2),
    )


X = one_hot(3, 30)


NOTHING = "ignore:.* have no sufficient input subset:UserWarning"


@pytest.mark.filterwarnings(NOTHING)
@pytest.mark.parametrize("method", METHODS)
def test_methods_give_the_shape_and_leave_the_model(model, method):
    model.train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompletenessWarning)
        found = se.attribute(model, X.numpy(), method, target=1, n_references=3)
    assert found.shape == X.shape
    assert found.dtype == torch.float32
    assert not found.requires_grad
    assert torch.equal(found, found * X)
    assert float(found.abs().sum()) > 0
    assert model.training
    assert model[1].inplace
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(m._backward_hooks or m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.hypothetical])
def test_projected_is_hypothetical_times_sequence(model, method):
    options = {"target": 1, "n_references": 3, "delta_tolerance": 9.0}
    whole = se.attribute(model, X, method, hypothetical=True, **options)
    assert torch.allclose(se.attribute(model, X, method, **options), whole * X, atol=1e-7)


@pytest.mark.parametrize(
    "method", ["deep_lift_shap", "gradient_shap", "smoothgrad", "integrated_gradients"]
)
def test_results_do_not_depend_on_the_batch(model, method):
    options = {"seed": 5, "n_references": 4, "n_samples": 6, "delta_tolerance": 9.0}
    together = se.attribute(model, X, method, **options)
    alone = torch.cat([se.attribute(model, X[i : i + 1], method, **options) for i in (0, 1, 2)])
    small = se.attribute(model, X, method, batch_size=3, **options)
    assert torch.allclose(together, alone, atol=1e-6)
    assert torch.allclose(together, small, atol=1e-6)


@pytest.mark.parametrize("method", ["deep_lift_shap", "smoothgrad", "gradient_shap"])
def test_seed_matters(model, method):
    options = {"n_references": 3, "n_samples": 3}
    a, b, c = (se.attribute(model, X, method, seed=s, **options) for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("method", ["deep_lift_shap", "deep_lift"])
@pytest.mark.parametrize("reference", ["dinuc_shuffle", "zero", "uniform", "gc"])
def test_sums_explain_the_difference(model, method, reference):
    found = se.attribute(
        model, X, method, references=reference, n_references=4, seed=3, return_delta=True
    )
    assert isinstance(found, Result)
    refs = references.make(X, reference, n=4, seed=3)
    at_x = se.predict(model, X)[:, 0]
    at_r = torch.stack([se.predict(model, r)[:, 0].mean() for r in refs])
    total = found.attributions.sum(dim=(1, 2))
    assert found.delta.shape == (3,)
    assert torch.allclose(total - (at_x - at_r), found.delta, atol=1e-6)
    assert float(found.delta.abs().max()) < 1e-5


def test_linear_model_has_closed_forms():
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4 * 30, 1))
    weight = linear[1].weight.detach().reshape(1, 4, 30)
    corrected = weight - weight.mean(dim=1, keepdim=True)
    refs = references.dinuc_shuffle(X, n=4, seed=0).float()
    against = (weight[:, None] - (refs * weight).sum(dim=2, keepdim=True)).mean(dim=1)
    for method, expected in {
        "saliency": corrected.expand(3, -1, -1),
        "input_x_gradient": corrected.expand(3, -1, -1),
        "smoothgrad": corrected.expand(3, -1, -1),
        "deep_lift_shap": against,
        "gradient_shap": against,
        "saturation_mutagenesis": corrected.expand(3, -1, -1),
    }.items():
        found = se.attribute(linear, X, method, hypothetical=True, n_references=4)
        effect = expected
        if method == "saturation_mutagenesis":
            own = (weight * X).sum(dim=1, keepdim=True)
            effect = (weight - own) - (weight - own).mean(dim=1, keepdim=True)
        assert torch.allclose(found, effect, atol=1e-5), method
    own = (weight * X).sum(dim=1, keepdim=True) * X
    assert torch.allclose(se.attribute(linear, X, "occlusion"), own, atol=1e-5)
    for method in ("deep_lift", "integrated_gradients"):
        assert torch.allclose(se.attribute(linear, X, method), own, atol=1e-5)
    uncorrected = se.attribute(linear, X, "saliency", hypothetical=True, gradient_correction=False)
    assert torch.allclose(uncorrected, weight.expand(3, -1, -1), atol=1e-6)


@pytest.mark.filterwarnings(NOTHING)
@pytest.mark.parametrize("alias", list(ALIASES))
def test_other_names_of_methods(model, alias):
    options = {"n_references": 2, "n_samples": 2, "delta_tolerance": 9.0}
    found = se.attribute(model, X, alias, **options)
    if alias == "NaiveISM":  # EUGENe's: the effects of all substitutions
        expected = se.saturation_mutagenesis(model, X, target=0)
    else:
        expected = se.attribute(model, X, ALIASES[alias], **options)
    assert torch.allclose(found, expected, atol=1e-7)


def test_other_names_of_arguments(model):
    a = se.attribute(model, inputs=X, method="DeepLift", reference_type="uniform")
    assert torch.equal(a, se.attribute(model, X, "deep_lift", references="uniform"))


class Heads(NamedTuple):
    profile: torch.Tensor
    counts: torch.Tensor


class Profile(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.deep = nn.Conv1d(4, 6, 5), nn.Conv1d(6, 2, 5)
        self.count = nn.Linear(6, 1)

    def forward(self, x):
        h = torch.relu(self.conv(x))
        return Heads(self.deep(h), self.count(h.mean(dim=-1)))


@pytest.mark.parametrize("target", ["counts", (1, 0), lambda out: out.counts[:, 0]])
def test_count_targets_agree(target):
    torch.manual_seed(1)
    profile = Profile()
    found = se.attribute(profile, X, target=target, n_references=3)
    assert torch.equal(found, se.attribute(profile, X, target="counts", n_references=3))


def test_profile_weights_are_constant():
    torch.manual_seed(1)
    profile = Profile()
    found = se.attribute(
        profile, X, "saliency", target="profile", hypothetical=True, gradient_correction=False
    )
    leaf = X.float().requires_grad_()
    logits = profile(leaf).profile.flatten(1)
    logits = logits - logits.mean(dim=1, keepdim=True)
    (logits.softmax(dim=1).detach() * logits).sum().backward()
    assert torch.allclose(found, leaf.grad, atol=1e-6)
    # they differ between sequence and reference, so that no delta is expected to be small
    with warnings.catch_warnings():
        warnings.simplefilter("error", CompletenessWarning)
        found = se.attribute(profile, X, target="profile", n_references=3, return_delta=True)
    assert float(found.delta.abs().max()) > 1e-6
    with pytest.warns(CompletenessWarning, match="does not add up"):
        se.attribute(profile, X, target="profile", n_references=3, delta_tolerance=1e-9)


def test_an_integer_on_a_profile_lists_the_targets():
    with pytest.raises(TargetError, match="'counts' or 'profile'"):
        se.attribute(Profile(), X, target=0)


class Sorted(nn.Module):
    """A net with an operation that has no exact rule."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv1d(4, 4, 5), nn.Linear(4 * 6, 1)

    def forward(self, x):
        return self.head(self.conv(x).sort(dim=-1).values[..., :6].flatten(1))


def test_incomplete_attributions_warn_raise_or_fall_back():
    with pytest.warns(CompletenessWarning, match="arises in operation 'sort'"):
        found = se.attribute(Sorted(), X, n_references=3)
    with pytest.raises(CompletenessError, match="does not add up for 3 of 3"):
        se.attribute(Sorted(), X, n_references=3, on_delta="raise")
    options = {"n_references": 3, "n_steps": 200, "delta_tolerance": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompletenessWarning)
        other = se.attribute(
            Sorted(), X, n_references=3, n_steps=200, delta_tolerance=1e-3, on_delta="fallback"
        )
        expected = se.attribute(
            Sorted(), X, "integrated_gradients", references="dinuc_shuffle", **options
        )
    assert torch.allclose(other, expected, atol=1e-7)
    assert not torch.allclose(other, found)


def test_fallback_only_where_needed(model):
    a = se.attribute(model, X, n_references=3)
    assert torch.equal(a, se.attribute(model, X, n_references=3, on_delta="fallback"))


def test_integrated_gradients_converge(model):
    few, many = (
        se.attribute(
            model, X, "integrated_gradients", n_steps=n, return_delta=True, delta_tolerance=9.0
        )
        .delta.abs()
        .max()
        for n in (2, 300)
    )
    assert many < 0.2 * few


def test_deletion_closes_the_gap():
    class First(nn.Module):
        def forward(self, x):
            return (x * torch.tensor([1.0, 2, 3, 4])[:, None])[:, :, 0].sum(dim=1)

    found = se.attribute(First(), X, "deletion").sum(dim=1)
    codes = X.argmax(dim=1).float() + 1
    assert torch.allclose(found[:, 0], codes[:, 0] - codes[:, 1])
    assert found[:, 1:].abs().max() == 0


def test_occlusion_of_wider_spans():
    class Sum(nn.Module):
        def forward(self, x):
            return (x * torch.arange(30.0)).sum(dim=(1, 2))

    found = se.attribute(Sum(), X, "occlusion", width=3).sum(dim=1)
    assert torch.allclose(found[:, 10], torch.full((3,), 30.0))
    assert torch.allclose(found[:, 0], torch.full((3,), 3.0))


def test_without_a_relu_nothing_can_be_guided():
    class Smooth(nn.Module):
        def forward(self, x):
            return torch.tanh(x).sum(dim=(1, 2))

    with pytest.raises(se.SeqexplainerError, match="change ReLUs, and none acts on the sequence"):
        se.attribute(Smooth(), X, "guided_backprop")


def test_guided_backprop_by_hand():
    net = nn.Sequential(nn.Flatten(), nn.Linear(120, 5), nn.ReLU(), nn.Linear(5, 1))
    found = se.attribute(net, X, "guided_backprop", hypothetical=True, gradient_correction=False)
    hidden = net[1](X.float().flatten(1))
    passed = net[3].weight.clamp(min=0) * (hidden > 0)
    assert torch.allclose(found.flatten(1), passed @ net[1].weight, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "deeplft"}, "did you mean"),
        ({"on_delta": "ignore"}, "unknown on_delta"),
        ({"method": "saliency", "return_delta": True}, "return_delta needs one of"),
        ({"n_references": 0}, "n_references must be at least 1"),
        ({"references": "zeros"}, "did you mean 'zero'"),
        ({"references": np.zeros((3, 4, 4, 29))}, "references must have shape"),
        ({"method": "deletion", "hypothetical": True}, "no hypothetical form"),
        ({"method": "occlusion", "width": 31}, "longer than the sequences"),
        ({"inputs": X}, "two names of one argument"),
    ],
)
def test_wrong_arguments(model, options, message):
    with pytest.raises(InputError, match=message):
        se.attribute(model, X, **options)


def test_missing_sequences(model):
    with pytest.raises(InputError, match="X is missing"):
        se.attribute(model)


@pytest.mark.parametrize("seed", range(18, 25))
def test_references_equal_to_the_sequence_are_told(seed):
    # a sequence with a single dinucleotide shuffle: nothing to explain but rounding
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv1d(4, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 1))
    X = torch.eye(4)[[0, 1, 2, 3, 2, 1]].T[None]
    with pytest.warns(se.ReferenceWarning, match="1 of 1 sequences equal all their references"):
        found = se.attribute(model, X, n_references=5, on_delta="raise", return_delta=True)
    assert float(found.delta.abs().max()) < 1e-6
    assert float(found.attributions.abs().max()) < 1e-6


@pytest.mark.filterwarnings(NOTHING)
def test_sis_marks_what_suffices():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4 * 12, 1, bias=False))
    X = one_hot(3, 12)
    with torch.no_grad():
        model[1].weight.view(4, 12)[:] = 0.0
        model[1].weight.view(4, 12)[:, 5] = X[0, :, 5].float() * 4
        model[1].weight.view(4, 12)[:, 8] = X[0, :, 8].float() * 3
    found = se.attribute(model, X, "sis")
    assert found.shape == X.shape
    assert set(found[0].sum(dim=0).nonzero()[:, 0].tolist()) == {5, 8}
    assert torch.equal(found, found * X)
    direct = se.sufficient_input_subsets(model, X, threshold=2.5)
    by_threshold = se.attribute(model, X, "sufficient_input_subsets", threshold=2.5)
    np.testing.assert_array_equal(by_threshold.sum(dim=1).numpy() > 0, direct.labels() > 0)
    with pytest.raises(InputError, match="no hypothetical form"):
        se.attribute(model, X, "sis", hypothetical=True)


class SumOfSquares(nn.Module):
    """12 for 12 letters as they are, 3 where each position holds 1 / 4 of each letter."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * x).sum(dim=(1, 2))[:, None]


@pytest.mark.parametrize(("threshold", "without"), [(100.0, 3), ([100.0, 6.0, 6.0], 1), (2.0, 3)])
def test_sis_says_where_nothing_suffices(threshold, without):
    with pytest.warns(UserWarning, match=f"{without} of 3 sequences have no sufficient input"):
        found = se.attribute(SumOfSquares(), one_hot(3, 12), "sis", threshold=threshold)
    assert int((found.sum(dim=(1, 2)) == 0).sum()) == without


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"n_reference": 3}, "did you mean 'n_references'"),
        ({"hypotetical": True}, "did you mean 'hypothetical'"),
        ({"n_shuffles": 3}, "it is called 'n_references' here"),
    ],
)
def test_a_wrong_keyword_is_told_what_was_meant(model, given, meant):
    with pytest.raises(TypeError, match=meant):
        se.attribute(model, X, **given)


@pytest.mark.parametrize("shape", [(3,), (3, 1, 30)])
def test_a_method_of_ones_own_returns_a_value_for_each_letter(model, shape):
    def narrow(explained, X):
        return explained(X).new_ones(shape)

    with pytest.raises(InputError, match=r"'narrow' returned shape .* for \(3, 4, 30\)"):
        se.attribute(model, X, narrow)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_told(model):
    with pytest.raises(InputError, match="torch sees no GPU here"):
        se.predict(model, X, device="cuda")
