"""Blocks and towers: sizes known in advance, arguments honoured."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import nn

from eugene.nn import (
    BiConv1DTower,
    Conv1DBlock,
    Conv1DTower,
    DenseBlock,
    Exponential,
    ModelError,
    RecurrentBlock,
    Tower,
)


@st.composite
def towers(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(1, 3))

    def each(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.one_of(strategy, st.lists(strategy, min_size=n, max_size=n)))

    strides = each(st.integers(1, 2))
    one = strides == 1 or (isinstance(strides, list) and set(strides) == {1})
    padding = st.integers(0, 3) | st.just("valid")
    return {
        "input_len": draw(st.integers(60, 150)),
        "input_channels": 4,
        "conv_channels": draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)),
        "conv_kernels": each(st.integers(1, 7)),
        "conv_strides": strides,
        "conv_dilations": each(st.integers(1, 3)),
        "conv_padding": each(padding | st.just("same") if one else padding),
        "pool_types": each(st.sampled_from(["max", None])),
        "pool_kernels": each(st.sampled_from([None, 2, 3])),
        "pool_strides": each(st.sampled_from([None, 1, 2])),
        "pool_padding": each(st.sampled_from([0, 1])),
        "pool_dilations": each(st.sampled_from([1, 2])),
        "batchnorm": draw(st.booleans()),
        "batchnorm_first": draw(st.booleans()),
        "dropout_rates": each(st.sampled_from([0, 0.5, None])),
    }


@settings(max_examples=80, deadline=None)
@given(towers())
def test_the_output_is_as_long_as_said(arguments: dict[str, Any]) -> None:
    try:
        tower = Conv1DTower(**arguments)
    except ModelError:
        reject()
    out = tower.eval()(torch.rand(2, 4, arguments["input_len"]))
    assert out.shape == (2, tower.out_channels, tower.output_len)
    assert tower.flatten_dim == tower.out_channels * tower.output_len


def test_pooling_steps_by_its_width() -> None:
    assert Conv1DTower(100, 4, [8], [1], pool_kernels=4).output_len == 25
    assert Conv1DTower(100, 4, [8], [1], pool_kernels=4, pool_strides=1).output_len == 97


def test_biases_are_honoured() -> None:
    tower = Conv1DTower(50, 4, [8, 8], [3, 3], conv_biases=[False, True])
    convs = [layer for layer in tower.layers if isinstance(layer, nn.Conv1d)]
    assert convs[0].bias is None
    assert convs[1].bias is not None


def test_one_activation_a_layer() -> None:
    tower = Conv1DTower(50, 4, [8, 8], [3, 3], activations=["exponential", None])
    assert [type(layer) for layer in tower.layers] == [nn.Conv1d, Exponential, nn.Conv1d]


@pytest.mark.parametrize("first", [True, False])
def test_order_of_the_parts(first: bool) -> None:
    tower = Conv1DTower(
        50, 4, [8], [3], pool_kernels=2, dropout_rates=1e-3, batchnorm=True, batchnorm_first=first
    )
    norm, rest = nn.BatchNorm1d, [nn.ReLU, nn.MaxPool1d, nn.Dropout]
    expected = [nn.Conv1d, norm, *rest] if first else [nn.Conv1d, *rest, norm]
    assert [type(layer) for layer in tower.layers] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conv_channels": []}, "conv_channels is empty"),
        ({"conv_kernels": [3]}, "conv_kernels has 1 values for 2 layers"),
        ({"conv_kernels": 60}, "does not fit on 50 positions"),
        ({"conv_padding": "same", "conv_strides": 2}, "needs a stride of 1"),
        ({"pool_kernels": 2, "pool_types": "median"}, "unknown pool_type"),
        ({"pool_kernels": 2, "pool_types": "avg", "pool_dilations": 2}, "has no dilation"),
        ({"activations": "rellu"}, "unknown activation"),
    ],
)
def test_towers_say_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Conv1DTower(50, 4, **{"conv_channels": [8, 8], "conv_kernels": 3, **arguments})


def test_block_in_another_order() -> None:
    block = Conv1DBlock(
        40,
        4,
        8,
        5,
        conv_padding="same",
        pool_type="avg",
        pool_kernel=2,
        norm_type="layernorm",
        dropout_rate=0.1,
        order="norm-act-conv-pool-dropout".replace("norm-act-conv", "conv-act-norm"),
    )
    assert list(dict(block.layers.named_children())) == ["conv", "act", "norm", "pool", "dropout"]
    assert block(torch.rand(2, 4, 40)).shape == (2, *block.output_size)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": "conv-nrm"}, "unknown part 'nrm'"),
        ({"norm_type": "batch"}, "unknown norm_type"),
        ({"conv_padding": "same", "conv_stride": 2}, "needs conv_stride=1"),
    ],
)
def test_blocks_say_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Conv1DBlock(40, 4, 8, 5, **arguments)


def test_dense_block() -> None:
    block = DenseBlock(
        6,
        2,
        hidden_dims=[5, 4],
        dropout_rates=[0.1, 0],
        batchnorm=True,
        biases=[True, False, False],
    )
    kinds = [type(layer).__name__ for layer in block.layers]
    assert kinds == [
        *("Linear", "ReLU", "Dropout", "BatchNorm1d"),
        *("Linear", "ReLU", "BatchNorm1d", "Linear"),
    ]
    linear = [layer for layer in block.layers if isinstance(layer, nn.Linear)]
    assert [layer.bias is not None for layer in linear] == [True, False, False]
    assert DenseBlock(6, 2)(torch.rand(3, 6)).shape == (3, 2)
    with pytest.raises(ModelError, match="activations has 1 values for 2 layers"):
        DenseBlock(6, 2, [5, 4], activations=["relu"])


@pytest.mark.parametrize("unit", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("both", [True, False])
def test_recurrent_block_gives_the_last_state_of_each_direction(unit: str, both: bool) -> None:
    block = RecurrentBlock(4, 5, 2, unit_type=unit, bidirectional=both)
    states, last = block(torch.rand(3, 7, 4))
    assert states.shape == (3, 7, block.out_channels)
    torch.testing.assert_close(last[:, :5], states[:, -1, :5])
    if both:
        torch.testing.assert_close(last[:, 5:], states[:, 0, 5:])


def test_recurrent_block_refuses_unknown_units() -> None:
    with pytest.raises(ModelError, match="did you mean 'lstm'"):
        RecurrentBlock(4, 5, unit_type="lsmt")


def test_tower_grows_geometrically() -> None:
    tower = Tower(
        lambda features, dim: nn.Conv1d(4, 4, features, dilation=dim, padding="same"),
        3,
        (4, 30),
        {"features": 3},
        {"dim": 1},
        {"dim": 2.0},
    )
    assert [block.dilation for block in tower.blocks] == [(1,), (2,), (4,)]
    assert tower.output_size == (4, 30)


@pytest.mark.parametrize("kernel", [5, 6])
@pytest.mark.parametrize("layers", [1, 3])
def test_biconv_tower_turns_with_its_input(kernel: int, layers: int) -> None:
    torch.manual_seed(0)
    tower = BiConv1DTower(6, kernel, layers=layers).eval()
    x = torch.rand(2, 4, 40)
    torch.testing.assert_close(tower(x.flip(1, 2)), tower(x).flip(2), atol=1e-5, rtol=1e-4)


def test_biconv_tower_arguments() -> None:
    with pytest.raises(ModelError, match="at least 1"):
        BiConv1DTower(6, 5, layers=0)
    with pytest.raises(ModelError, match="variant='paper'"):
        BiConv1DTower(6, 5, variant="paper")


def test_the_default_block_is_eugene_s() -> None:
    block = Conv1DBlock(40, 4, 8, 5, dropout_rate=0.1)
    assert list(dict(block.layers.named_children())) == ["conv", "norm", "act", "dropout"]
    assert isinstance(block.layers.norm, nn.BatchNorm1d)
    assert "norm" not in dict(Conv1DBlock(40, 4, 8, 5, norm_type=None).layers.named_children())
    assert Conv1DBlock(40, 4, 8, 5, pool_kernel=3).output_len == 12  # a width alone pools


EUGENE_DEFAULTS = {
    Conv1DBlock: {
        "conv_type": "conv1d", "conv_stride": 1, "conv_padding": "valid", "conv_dilation": 1,
        "conv_bias": True, "activation": "relu", "pool_type": "max", "pool_kernel": 1,
        "pool_stride": None, "pool_padding": 0, "norm_type": "batchnorm", "norm_dim": None,
        "dropout_rate": 0.0, "order": "conv-norm-act-pool-dropout",
    },
    DenseBlock: {
        "hidden_dims": (), "activations": "relu", "dropout_rates": 0.0, "batchnorm": False,
        "batchnorm_first": False, "biases": True,
    },
    RecurrentBlock: {
        "num_layers": 1, "unit_type": "lstm", "bidirectional": False, "dropout_rates": 0.0,
        "bias": True, "batch_first": True,
    },
    Tower: {
        "static_block_args": None, "dynamic_block_args": None, "mults": None, "name": "tower",
    },
    Conv1DTower: {
        "conv_strides": None, "conv_dilations": None, "conv_padding": "valid",
        "conv_biases": True, "activations": "relu", "pool_types": "max", "pool_kernels": None,
        "pool_strides": None, "pool_dilations": None, "pool_padding": None,
        "dropout_rates": 0.0, "batchnorm": False, "batchnorm_first": False,
    },
    BiConv1DTower: {"input_size": 4, "layers": 1, "stride": 1, "dropout_rate": 0.15},
}  # fmt: skip


@pytest.mark.parametrize("kind", EUGENE_DEFAULTS, ids=lambda k: k.__name__)
def test_defaults_are_eugene_s(kind: type) -> None:
    ours = inspect.signature(kind).parameters
    assert {k: ours[k].default for k in EUGENE_DEFAULTS[kind]} == EUGENE_DEFAULTS[kind]
