"""Attribution methods of seqgra's evaluators, against its golden maps and plain torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import seqexplainer as se
import seqpro as sp
from seqexplainer.errors import SeqexplainerError

RAW = {"hypothetical": True, "gradient_correction": False}


@pytest.fixture(scope="module")
def golden(golden_files: Path):
    return np.load(golden_files / "fie_maps.npz")


@pytest.fixture(scope="module")
def net(golden) -> torch.nn.Module:
    made = torch.nn.Sequential(
        torch.nn.Conv1d(4, 6, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.AdaptiveMaxPool1d(4),
        torch.nn.Flatten(),
        torch.nn.Linear(24, 3),
    )
    weights = {"0.weight": "w_conv_weight", "0.bias": "w_conv_bias"}
    weights |= {"4.weight": "w_f_weight", "4.bias": "w_f_bias"}
    made.load_state_dict({key: torch.from_numpy(golden[name]) for key, name in weights.items()})
    return made.eval()


@pytest.fixture(scope="module")
def X(golden) -> np.ndarray:
    return sp.ohe(golden["x"].astype("S30"), sp.DNA).swapaxes(1, 2)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_gradient_of_a_class_is_its_own(golden, net, X, column):
    found = se.attribute(net, X, "gradient", target=column, **RAW).numpy()
    np.testing.assert_allclose(found.swapaxes(1, 2), golden[f"grad_class{column}"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("gradient", "gradient"),
        ("guided-backprop", "guided_backprop"),
        ("deconv", "deconv"),
    ],
)
def test_seqgra_explained_the_sum_of_the_first_two_outputs(golden, net, X, name, key):
    found = se.attribute(net, X, name, target=lambda out: out[:, 0] + out[:, 1], **RAW).numpy()
    np.testing.assert_allclose(found.swapaxes(1, 2), golden[f"fi_{key}"], atol=1e-6)
    assert np.abs(golden[f"fi_{key}"]).max() > 0.05


@pytest.mark.parametrize("n_steps", [100])
def test_integrated_gradients_add_up_on_a_relu_network(net, X, n_steps):
    found = se.attribute(
        net, X, "integrated-gradients", target=1, n_steps=n_steps, references="zero"
    ).numpy()
    with torch.no_grad():
        ends = net(torch.from_numpy(X).float())[:, 1] - net(torch.zeros(1, 4, 30))[:, 1]
    off = np.abs(found.sum(axis=(1, 2)) - ends.numpy()) / ends.abs().numpy()
    assert off.max() < 0.01


def test_grad_cam_by_hand(net, X):
    found = se.attribute(net, X, "grad-cam", target=2, batch_size=4).numpy()
    x = torch.from_numpy(X).float()
    maps = net[1](net[0](x)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(net[4](net[3](net[2](maps)))[:, 2].sum(), maps)
    cam = (gradient.mean(dim=2, keepdim=True) * maps).sum(dim=1).clamp(min=0).detach()
    # the layer has as many outputs as there are positions, each over its own
    np.testing.assert_allclose(found, (cam.unsqueeze(1) * x).numpy(), atol=1e-6)
    assert found.max() > 0


def test_grad_cam_stands_over_what_an_output_sees():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv1d(4, 1, 4, stride=4, bias=False), torch.nn.Flatten(), torch.nn.Linear(5, 1)
    )
    torch.nn.init.constant_(net[0].weight, 0.25)
    torch.nn.init.constant_(net[2].weight, 1.0)
    X = torch.zeros(1, 4, 20)
    X[:, 0] = 1
    X[:, 0, 8:12] = 0  # the third output sees nothing
    found = se.attribute(net, X, "grad_cam")[0, 0].numpy()
    # outputs stand over 1.5, 5.5, 9.5, ... and are 1, 1, 0, 1, 1; no letter, no attribution
    np.testing.assert_allclose(found[:9], [1, 1, 1, 1, 1, 1, 0.875, 0.625, 0], atol=1e-6)
    dense = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    with pytest.raises(SeqexplainerError, match="no one-dimensional convolution"):
        se.attribute(dense, X, "grad_cam")


def test_smooth_gradients_depend_on_no_batch(net, X):
    options = {"target": 0, "n_samples": 6, "seed": 5, **RAW}
    whole = se.attribute(net, X, "smooth-grad", batch_size=64, **options).numpy()
    parts = se.attribute(net, X, "smooth-grad", batch_size=2, **options).numpy()
    alone = se.attribute(net, X[3:4], "smooth-grad", **options).numpy()
    np.testing.assert_allclose(whole, parts, atol=1e-6)
    np.testing.assert_allclose(whole[3:4], alone, atol=1e-6)
    assert np.abs(whole).max() > 0
