"""Strands, attention, skips, heads: what each part promises, checked against it written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eugene.nn import (
    ACTIVATIONS,
    AttentionPool1d,
    BothStrands,
    Clip,
    GatedHead,
    InceptionConv1d,
    MLPHead,
    ModelError,
    MultiHeadAttention,
    RCPSBatchNorm1d,
    RCPSConv1d,
    RCPSPool,
    RelativeAttention,
    ResidualBlock,
    SqueezeExcite,
    make_activation,
    relative_features,
)
from eugene.nn._attention import _shift


def turned(x: torch.Tensor) -> torch.Tensor:
    return x.flip(1, 2)


def forget(module: nn.Module) -> nn.Module:
    """Give normalisation something to do when it does not learn."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    return module.eval()


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_rcps_layers_turn_with_their_input() -> None:
    stack = nn.Sequential(
        RCPSConv1d(4, 6, 5),
        RCPSBatchNorm1d(6),
        nn.ReLU(),
        RCPSConv1d(12, 3, 3, dilation=2, bias=False),
        RCPSBatchNorm1d(3),
    )
    x = torch.rand(3, 4, 20)
    forget(stack)
    torch.testing.assert_close(stack(turned(x)), turned(stack(x)))
    assert sum(p.numel() for p in stack[0].parameters()) == 6 * 4 * 5 + 6


def test_rcps_normalisation_counts_both_strands() -> None:
    norm, x = RCPSBatchNorm1d(3), torch.randn(4, 6, 10)
    found = norm.train()(x)
    both = torch.stack((x[:, :3], x.flip(1)[:, :3]))
    torch.testing.assert_close(norm.running_mean, 0.1 * both.mean(dim=(0, 1, 3)))
    torch.testing.assert_close(found[:, :3].mean() + found[:, 3:].mean(), torch.tensor(0.0))


@pytest.mark.parametrize("aggregate", ["max", "mean", "sum"])
def test_rcps_pool_ends_blind_to_the_strand(aggregate: str) -> None:
    net = nn.Sequential(RCPSConv1d(4, 6, 5), RCPSPool(aggregate), nn.AdaptiveMaxPool1d(1))
    x = torch.rand(3, 4, 20)
    assert net(x).shape == (3, 6, 1)
    torch.testing.assert_close(net(turned(x)), net(x))


@pytest.mark.parametrize("aggregate", ["max", "mean", "sum", "concat"])
def test_any_network_on_both_strands(aggregate: str) -> None:
    inner = nn.Sequential(nn.Flatten(), nn.Linear(40, 3))
    net, x = BothStrands(inner, aggregate), torch.rand(2, 4, 10)
    ahead, back = inner(x), inner(turned(x))
    expected = {
        "max": torch.maximum(ahead, back),
        "mean": (ahead + back) / 2,
        "sum": ahead + back,
        "concat": torch.cat((ahead, back), dim=1),
    }[aggregate]
    torch.testing.assert_close(net(x), expected)


def test_inception_is_four_paths_and_not_linear() -> None:
    block = InceptionConv1d(4, 8, kernel_size2=4, kernel_size3=8)
    x = torch.rand(2, 4, 15)
    found = block(x)
    assert found.shape == (2, 8, 15)
    first = F.relu(F.conv1d(x, block.paths[0][0].weight, block.paths[0][0].bias))
    torch.testing.assert_close(found[:, :2], first)
    assert (found >= 0).all()
    linear = InceptionConv1d(4, 8, activation=None)
    assert not any(isinstance(part, nn.ReLU) for part in linear.modules())


def test_residual_block_written_out() -> None:
    block = forget(ResidualBlock(5, 3, dilations=[1, 2], dropout=0.5))
    x = torch.randn(2, 5, 12)
    conv1, norm1, _, _, conv2, norm2 = block.residual.wrapped
    h = norm1(F.conv1d(x, conv1.weight, padding=1))
    h = norm2(F.conv1d(F.relu(h), conv2.weight, padding=2, dilation=2))
    torch.testing.assert_close(block(x), F.relu(x + h))


def test_squeeze_excite_weighs_whole_channels() -> None:
    block, x = SqueezeExcite(4, 2), torch.rand(2, 4, 9) + 0.1
    weights = block(x) / x
    torch.testing.assert_close(weights, weights[..., :1].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()


@pytest.mark.parametrize("masked", [False, True])
def test_attention_written_out(masked: bool) -> None:
    layer, x = MultiHeadAttention(6, 4, 2, dropout_rate=0.3).eval(), torch.randn(2, 5, 6)
    mask = torch.tensor([[True] * 5, [True, True, True, False, False]]) if masked else None
    heads = []
    for head in range(2):
        q, k, v = (
            F.linear(x, part.weight, part.bias)[..., 4 * head : 4 * head + 4]
            for part in (layer.query, layer.key, layer.value)
        )
        scores = q @ k.mT / math.sqrt(4)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None], -math.inf)
        heads.append(scores.softmax(dim=-1) @ v)
    torch.testing.assert_close(layer(x, mask), torch.cat(heads, dim=-1))


@pytest.mark.parametrize("per_channel", [True, False])
def test_attention_pool_lies_between_mean_and_maximum(per_channel: bool) -> None:
    x = torch.rand(2, 3, 7)
    windows = F.pad(x, (0, 1)).unflatten(2, (4, 2))
    flat = AttentionPool1d(3, per_channel=per_channel, init_gain=0.0)(x)
    torch.testing.assert_close(flat[..., :3], windows.mean(dim=-1)[..., :3])
    torch.testing.assert_close(flat[..., 3], x[..., 6])  # what is filled up has no weight
    if per_channel:
        steep = AttentionPool1d(3, init_gain=1e4)(x)
        torch.testing.assert_close(steep, windows.amax(dim=-1), atol=1e-4, rtol=0)


def test_features_of_distances() -> None:
    found = relative_features(16, 12)
    assert found.shape == (31, 12)
    assert torch.equal(found[:, :6], found[:, :6].flip(0))  # the first half has no sign
    assert torch.equal(found[:, 6:], -found[:, 6:].flip(0))
    torch.testing.assert_close(found[15, :2], torch.ones(2))
    torch.testing.assert_close(found[15 + 8, 0], torch.tensor(0.5))  # the shortest half-life is 8
    assert found[:, 2].sum() == 1  # the central position alone
    assert found[:, 3].sum() == 5  # the central 2 * 3 - 1
    assert float(found[:, 4:6].amax()) == 1


def test_shifted_scores_stand_at_their_distance() -> None:
    length = 5
    by_distance = torch.arange(1 - length, length).float().expand(2, length, -1)
    at = torch.arange(length)
    expected = (at[None, :] - at[:, None]).float().expand(2, -1, -1)
    assert torch.equal(_shift(by_distance, length), expected)


def test_relative_attention_written_out() -> None:
    layer = RelativeAttention(6, num_heads=2, key_dim=3, value_dim=4, n_features=6).eval()
    x, length = torch.randn(2, 5, 6), 5
    features = relative_features(length, 6)
    heads = []
    for head in range(2):
        key = slice(3 * head, 3 * head + 3)
        q = layer.query(x)[..., key] / math.sqrt(3)
        k, r = layer.key(x)[..., key], layer.distance(features)[:, key]
        scores = torch.empty(2, length, length)
        for i in range(length):
            for j in range(length):
                content = ((q[:, i] + layer.content_bias[head, 0]) * k[:, j]).sum(dim=1)
                distance = (q[:, i] + layer.distance_bias[head, 0]) @ r[j - i + length - 1]
                scores[:, i, j] = content + distance
        heads.append(scores.softmax(dim=-1) @ layer.value(x)[..., 4 * head : 4 * head + 4])
    torch.testing.assert_close(layer(x), layer.output(torch.cat(heads, dim=-1)))


def test_heads() -> None:
    x = torch.randn(3, 6)
    gated = GatedHead(6, 2, hidden_dim=4)
    value, gate = torch.tanh(gated.value(x)), torch.sigmoid(gated.gate(x))
    torch.testing.assert_close(gated(x), gated.linear(value * gate))
    maps = torch.randn(3, 6, 7)
    head = MLPHead(6, 2, hidden_dims=[4]).eval()
    torch.testing.assert_close(head(maps)[..., 2], head.dense_block(maps[..., 2]))
    pooled = MLPHead(6, 2, hidden_dims=[4], pool=True)
    torch.testing.assert_close(pooled(maps), pooled.dense_block(maps.mean(dim=2)))


def test_forms_of_gelu_and_clip() -> None:
    x = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(make_activation("gelu_tanh")(x), F.gelu(x, approximate="tanh"))
    torch.testing.assert_close(make_activation("gelu_sigmoid")(x), x * torch.sigmoid(1.702 * x))
    torch.testing.assert_close(make_activation("softplus")(x), torch.log1p(x.exp()))
    assert {"exponential", "gelu", "softplus"} <= set(ACTIVATIONS)
    assert Clip(max=1)(x).amax() == 1
    assert Clip(-1, 2)(x).amin() == -1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RCPSConv1d(4, 8, 4), "must be odd"),
        (lambda: RCPSPool("concat"), "must be 'max', 'mean' or 'sum'"),
        (lambda: InceptionConv1d(4, 6), "multiple of 4"),
        (lambda: InceptionConv1d(4, 8, conv_maxpool_kernel_size=2), "must be odd"),
        (lambda: ResidualBlock(4, [3], dilations=[1, 2]), "1 values for 2 dilations"),
        (lambda: RelativeAttention(6, n_features=8), "multiple of 6"),
        (lambda: Clip(), "needs a bound"),
    ],
)
def test_parts_that_cannot_be(make: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        make()  # type: ignore[operator]
