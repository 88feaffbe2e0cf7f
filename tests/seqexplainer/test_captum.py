"""captum's methods by name: a reference for ours, and for layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import seqexplainer as se
from seqexplainer.attribute._captum import _KNOWN, _LAYERS
from seqexplainer.errors import InputError, SeqexplainerError
from seqexplainer.methods import Method

LENGTH = 20


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv1d(4, 6, 5),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(6 * (LENGTH - 4), 2),
    )


@pytest.fixture(scope="module")
def X() -> torch.Tensor:
    letters = np.random.default_rng(0).integers(4, size=(3, LENGTH))
    return torch.eye(4)[letters].swapaxes(1, 2)


@pytest.mark.parametrize(
    ("name", "ours", "options"),
    [
        ("DeepLift", "deep_lift", {}),
        ("DeepLift", "deep_lift_shap", {"references": "dinuc_shuffle", "n_references": 3}),
        ("IntegratedGradients", "integrated_gradients", {"delta_tolerance": 0.1}),
        ("Saliency", "saliency", {}),
        ("InputXGradient", "input_x_gradient", {"gradient_correction": False}),
        ("GuidedBackprop", "guided_backprop", {}),
        ("Deconvolution", "deconvolution", {}),
        ("FeatureAblation", "occlusion", {}),
        ("Occlusion", "occlusion", {}),
    ],
)
def test_ours_and_captums_agree(model, X, name, ours, options):
    there = se.attribute(model, X, f"captum.{name}", target=1, **options)
    here = se.attribute(model, X, ours, target=1, **options)
    torch.testing.assert_close(there, here, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", _KNOWN)
def test_every_method_is_of_its_sequence_alone_and_leaves_the_state(model, X, name):
    state = torch.random.get_rng_state()
    options = {"seed": 3, "batch_size": 7}
    whole = se.attribute(model, X, f"captum.{name}", **options)
    last = se.attribute(model, X[2:], f"captum.{name}", **options)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert whole.shape == X.shape
    assert float(whole.abs().sum()) > 0
    assert bool((whole[X == 0] == 0).all())
    torch.testing.assert_close(whole[2:], last, rtol=1e-4, atol=1e-5)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_extra_inputs_follow_their_sequences(X):
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Linear(4 * LENGTH, 1)

        def forward(self, x, scale):
            return self.net(x.flatten(1)) * scale

    torch.manual_seed(1)
    args = [torch.tensor([[1.0], [2.0], [-3.0]])]
    references = torch.rand(3, 2, 4, LENGTH)
    net, given = Scaled(), {"references": references, "args": args}
    for name, ours in (
        ("DeepLift", "deep_lift"),
        ("IntegratedGradients", "integrated_gradients"),
        ("Saliency", "saliency"),
    ):
        found = se.attribute(net, X, f"captum.{name}", **given)
        torch.testing.assert_close(found, se.attribute(net, X, ours, **given))


def test_what_captum_lacks_is_said(model, X):
    with pytest.raises(InputError, match="unknown method of captum 'DeepLft'; did you mean"):
        se.attribute(model, X, "captum.DeepLft")
    with pytest.raises(InputError, match="no hypothetical form"):
        se.attribute(model, X, "captum.KernelShap", hypothetical=True)
    with pytest.raises(InputError, match="for layers 'LayerGrad'"):
        se.layer_attribution(model, X, "0", "LayerGrad")
    with pytest.raises(SeqexplainerError, match="the model has no layer 'conv'"):
        se.layer_attribution(model, X, "conv")


@pytest.mark.parametrize("method", _LAYERS)
def test_layers(model, X, method):
    found = se.layer_attribution(
        model, X, "1", method, target=1, references="dinuc_shuffle", n_references=2, batch_size=2
    )
    width = 1 if method == "LayerGradCam" else 6
    assert found.shape == (3, width, LENGTH - 4)
    assert float(found.abs().sum()) > 0
    same = se.layer_attribution(
        model, X, model[1], method, target=1, references="dinuc_shuffle", n_references=2
    )
    torch.testing.assert_close(found, same, rtol=1e-4, atol=1e-6)


def test_a_layer_of_a_linear_end_adds_up(model, X):
    found = se.layer_attribution(model, X, "1", "LayerGradientXActivation", target=1)
    outputs = se.predict(model, X)[:, 1] - model[3].bias[1].detach()
    torch.testing.assert_close(found.flatten(1).sum(dim=1), outputs, rtol=1e-4, atol=1e-5)


def test_a_function_and_a_method_of_ones_own(model, X):
    def doubled(explained, X):
        X = X.requires_grad_()
        return 2 * torch.autograd.grad(explained(X).sum(), X)[0]

    def differences(explained, X, references, *, power=1):
        steps = explained(X)[:, None] - explained(references.flatten(0, 1)).reshape(len(X), -1)
        return steps[..., None, None].expand(references.shape) ** power

    plain = se.attribute(model, X, "saliency", gradient_correction=False, hypothetical=True)
    torch.testing.assert_close(se.attribute(model, X, doubled, hypothetical=True), 2 * plain)
    own = Method("own", doubled, gradient=True)
    corrected = se.attribute(model, X, "saliency")
    torch.testing.assert_close(se.attribute(model, X, own), 2 * corrected)
    found = se.attribute(model, X, differences, references="zero", power=2, hypothetical=True)
    size = (se.predict(model, X) - se.predict(model, torch.zeros_like(X)))[:, 0] ** 2
    torch.testing.assert_close(found[:, 0, 0], size)
    summed = Method("summed", differences, references=True, delta=True)
    with pytest.warns(se.CompletenessWarning, match="summed does not add up"):
        result = se.attribute(model, X, summed, references="zero", return_delta=True)
    assert float(result.delta.abs().min()) > 0
    with pytest.raises(TypeError, match="'powr'; did you mean 'power'"):
        se.attribute(model, X, differences, powr=2)
