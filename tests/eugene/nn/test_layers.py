"""Layers that know about strands."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.nn import functional as F

from eugene.nn import (
    BiConv1d,
    Exponential,
    GlobalPool,
    MergeStrands,
    ModelError,
    Residual,
    ReverseComplement,
    SameConv1d,
    make_activation,
)


def reverse_complement(x: torch.Tensor) -> torch.Tensor:
    return x.flip(1, 2)


@pytest.mark.parametrize("kernel", [1, 4, 5, 12, 13])
def test_biconv_reverse_is_the_other_strand(kernel: int) -> None:
    torch.manual_seed(kernel)
    conv = BiConv1d(4, 6, kernel)
    torch.nn.init.normal_(conv.bias)
    x = torch.rand(3, 4, 30)
    torch.testing.assert_close(conv.reverse(x), conv(reverse_complement(x)).flip(2))


def test_biconv_as_eugene_flips_filters_and_channels() -> None:
    torch.manual_seed(0)
    conv = BiConv1d(4, 6, 6, flip="eugene")
    x = torch.rand(2, 4, 20)
    expected = F.conv1d(F.pad(x, (2, 3)), conv.weight.flip(0, 1), conv.bias)
    torch.testing.assert_close(conv.reverse(x), expected)
    assert not torch.allclose(conv.reverse(x), conv(reverse_complement(x)).flip(2))


@pytest.mark.parametrize(("kernel", "dilation"), [(5, 1), (6, 1), (4, 3), (4, 2)])
def test_same_padding_is_torch_s(kernel: int, dilation: int) -> None:
    conv = SameConv1d(4, 3, kernel, dilation=dilation)
    x = torch.rand(2, 4, 25)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel")
        expected = F.conv1d(x, conv.weight, conv.bias, padding="same", dilation=dilation)
    torch.testing.assert_close(conv(x), expected)


def test_biconv_refuses_unknown_flips() -> None:
    with pytest.raises(ModelError, match="flip='both' must be one of"):
        BiConv1d(4, 6, 5, flip="both")


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [("max", [3, 5]), ("mean", [2, 3.5]), ("avg", [2, 3.5]), ("concat", [1, 5, 3, 2])],
)
def test_merge_strands(aggregate: str, expected: list[float]) -> None:
    merge = MergeStrands(aggregate)
    assert merge(torch.tensor([[1.0, 5.0]]), torch.tensor([[3.0, 2.0]])).tolist() == [expected]
    assert merge.multiplier == len(expected) // 2


def test_reverse_complement() -> None:
    x = torch.rand(2, 4, 5)
    assert torch.equal(ReverseComplement()(x), reverse_complement(x))


@pytest.mark.parametrize("layer", [MergeStrands, GlobalPool])
def test_unknown_modes(layer: type[torch.nn.Module]) -> None:
    with pytest.raises(ModelError, match="must be"):
        layer("median")


@pytest.mark.parametrize(("mode", "width"), [("max", 3), ("avg", 3), ("max_avg", 6)])
def test_global_pool(mode: str, width: int) -> None:
    x = torch.rand(2, 3, 9)
    found = GlobalPool(mode)(x)
    assert found.shape == (2, width)
    parts = {"max": [x.amax(2)], "avg": [x.mean(2)], "max_avg": [x.amax(2), x.mean(2)]}[mode]
    torch.testing.assert_close(found, torch.cat(parts, dim=1))


def test_activations_are_fresh_modules() -> None:
    relu = torch.nn.ReLU()
    assert make_activation(relu) is not relu
    assert make_activation(None) is None
    assert isinstance(make_activation("exponential"), Exponential)
    assert isinstance(make_activation(torch.nn.Tanh), torch.nn.Tanh)
    with pytest.raises(ModelError, match="did you mean 'relu'"):
        make_activation("rellu")


def test_residual() -> None:
    conv = torch.nn.Conv1d(3, 3, 3, padding="same")
    x = torch.rand(2, 3, 8)
    torch.testing.assert_close(Residual(conv)(x), x + conv(x))
