"""Networks written down as lists of operations, beside plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eugene.models.zoo import Operations
from eugene.nn import ModelError


def sequences(n: int, length: int, letters: int = 4) -> torch.Tensor:
    return torch.rand(n, letters, length, generator=torch.Generator().manual_seed(0))


def convolved(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, low: int, high: int
) -> np.ndarray:
    """Convolve (positions, channels), zeros at both ends, position by position."""
    filters, _, width = weight.shape
    padded = np.pad(x, ((low, high), (0, 0)))
    positions = (len(padded) - width) // stride + 1
    out = np.zeros((positions, filters))
    for p in range(positions):
        window = padded[p * stride : p * stride + width]
        for f in range(filters):
            out[p, f] = bias[f] + (window * weight[f].T).sum()
    return out


# Keras: the whole padding is (ceil(L / s) - 1) s + k - L, the smaller half of it in front
@pytest.mark.parametrize(
    ("padding", "stride", "kernel", "ends"),
    [
        ("valid", 1, 5, (0, 0)),
        ("valid", 3, 4, (0, 0)),
        ("same", 1, 4, (1, 2)),
        ("same", 2, 5, (1, 2)),
        ("same", 3, 2, (0, 0)),
        ("causal", 1, 3, (2, 0)),
        (2, 1, 5, (2, 2)),
    ],
)
def test_convolutions_are_padded_as_in_keras(
    padding: str | int, stride: int, kernel: int, ends: tuple[int, int]
) -> None:
    conv = {"name": "Conv1D", "filters": 3, "kernel_size": kernel, "strides": stride,
            "padding": padding}  # fmt: skip
    x = sequences(2, 20)
    layers = [conv, {"name": "Flatten"}, {"name": "Dense"}]
    network = Operations(20, 2, layers, library="keras").double()
    weights = {k: v.detach().numpy() for k, v in network.named_parameters()}
    conv_weight, conv_bias, weight, bias = weights.values()
    found = network(x.double()).detach().numpy()
    for row, got in zip(x.double().numpy(), found, strict=True):
        seen = convolved(row.T, conv_weight, conv_bias, stride, *ends)
        # positions go slowest, as Keras flattens
        np.testing.assert_allclose(got, weight @ seen.reshape(-1) + bias, atol=1e-12)


def test_torch_flattens_channels_slowest() -> None:
    x = sequences(2, 7)
    network = Operations(7, 1, [{"name": "flatten"}, {"name": "Linear"}])
    weight, bias = (p.detach() for p in network.parameters())
    torch.testing.assert_close(network(x), x.flatten(1) @ weight.T + bias)
    turned = Operations(7, 1, [{"name": "flatten", "order": "positions"}, {"name": "Linear"}])
    turned.load_state_dict(dict(zip(turned.state_dict(), (weight, bias), strict=True)))
    torch.testing.assert_close(turned(x), x.transpose(1, 2).flatten(1) @ weight.T + bias)


def test_an_lstm_of_keras_has_one_bias_and_its_start() -> None:
    layers = [
        {"name": "lstm", "units": 5, "return_sequences": True, "bidirectional": True},
        {"name": "lstm", "units": 3},
        {"name": "dense"},
    ]
    network = Operations(9, 2, layers, library="keras")
    # Keras: 4 (in + units + 1) units for each direction
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained == 2 * 4 * (4 + 5 + 1) * 5 + 4 * (10 + 3 + 1) * 3 + 3 * 2 + 2
    state = {k.rpartition(".")[2]: v for k, v in network.layers[1].state_dict().items()}
    assert state["bias_ih_l0"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert not state["bias_hh_l0"].any()
    torch.testing.assert_close(
        state["weight_hh_l0"].T @ state["weight_hh_l0"], torch.eye(3), atol=1e-5, rtol=0
    )
    # the last state, by hand
    x = sequences(1, 9)
    states, _ = network.layers[0].block(x.transpose(1, 2))
    h, c = torch.zeros(3), torch.zeros(3)
    for seen in states[0]:
        gates = state["weight_ih_l0"] @ seen + state["weight_hh_l0"] @ h + state["bias_ih_l0"]
        i, f, g, o = gates.split(3)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    last = network.layers[2]
    torch.testing.assert_close(network(x)[0], last.weight @ h + last.bias)


@pytest.mark.parametrize(
    ("shape", "order"),
    [((1, 12, 4), (0, 3, 2, 1)), ((12, 4, 1), (0, 2, 1, 3)), ((4, 12, 1), (0, 1, 2, 3))],
)
def test_images_are_convolved_in_two_dimensions(
    shape: tuple[int, int, int], order: tuple[int, ...]
) -> None:
    rows, columns, channels = shape
    kernel = (1 if rows == 1 else 3, min(3, columns))
    conv = {"name": "conv2d", "filters": 2, "kernel_size": kernel, "input_shape": shape}
    layers = [conv, {"name": "flatten"}, {"name": "dense"}]
    network = Operations(12, 2, layers, library="keras", encoding="2D").double()
    x = sequences(2, 12).double()
    # to (row, column, channel), as Keras has it
    images = {
        (1, 12, 4): x.permute(0, 2, 1)[:, None],
        (12, 4, 1): x.permute(0, 2, 1)[..., None],
        (4, 12, 1): x[..., None],
    }[shape]
    weight, bias, dense, last = (p.detach() for p in network.parameters())
    high, wide = rows - kernel[0] + 1, columns - kernel[1] + 1
    expected = torch.zeros(2, high, wide, 2, dtype=torch.float64)
    for r in range(high):
        for c in range(wide):
            window = images[:, r : r + kernel[0], c : c + kernel[1]].permute(0, 3, 1, 2)
            expected[:, r, c] = (window[:, None] * weight[None]).sum((2, 3, 4)) + bias
    torch.testing.assert_close(network(x), expected.flatten(1) @ dense.T + last)
    assert channels == weight.shape[1]


def test_reshape_turns_as_keras_does() -> None:
    layers = [{"name": "reshape", "target_shape": [4, -1]}, {"name": "flatten"}, {"name": "dense"}]
    network = Operations(6, 2, layers, library="keras")
    weight, bias = (p.detach() for p in network.parameters())
    x = sequences(3, 6)
    torch.testing.assert_close(network(x), x.transpose(1, 2).flatten(1) @ weight.T + bias)
    pooled = Operations(
        6, 2, [{"name": "reshape", "target_shape": (3, 8)}, {"name": "globalmaxpool1d"},
               {"name": "dense"}], library="keras"
    )  # fmt: skip
    weight, bias = (p.detach() for p in pooled.parameters())
    largest = x.transpose(1, 2).reshape(3, 3, 8).amax(1)
    torch.testing.assert_close(pooled(x), largest @ weight.T + bias)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([], "operations is empty"),
        ([{"name": "conv3d"}], "there is no operation 'conv3d'; did you mean"),
        ([{"name": "dense", "units": 3}], "gives \\(10, 3\\), expected \\(2,\\)"),
        (
            [{"name": "conv1d", "filters": 2, "kernel_size": 20}, {"name": "globalmaxpool1d"}],
            "is 20 wide, and 10 positions .* the shortest input_len that does: 20",
        ),
        ([{"name": "flatten"}, {"name": "lstm", "units": 2}], "reads \\(positions, channels\\)"),
        (
            [{"name": "flatten"}, {"name": "dense", "activation": "softmax"}],
            "a softmax is part of loss and predictions here",
        ),
        ([{"name": "flatten", "input_shape": (9, 4)}], "input_shape is \\(9, 4\\)"),
        ([{"name": "lstm", "units": 2, "dropout": 0.5}], "put a Dropout before the LSTM"),
        ([{"name": "reshape", "target_shape": (7,)}], "cannot be brought to \\(7,\\)"),
        ([{"name": "maxpool1d", "pool_size": 3, "strides": 2, "padding": "same"}], "by its width"),
    ],
)
def test_what_does_not_fit_is_told(layers: list[dict[str, object]], expected: str) -> None:
    with pytest.raises(ModelError, match=expected):
        Operations(10, 2, layers)
