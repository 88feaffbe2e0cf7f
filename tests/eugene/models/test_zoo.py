"""Every architecture: sizes, strands, weights, and what explainers need."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import eugene as eu
import seqexplainer as se
from eugene.models import build, zoo
from eugene.nn import ModelError, first_conv

# the others go through the machine of test_zoo_table alone
NAMES = ("cnn", "deepbind", "deepstarr", "hybrid", "jores21_cnn", "kopp21_cnn")
LENGTHS = {"deepstarr": 249, "jores21_cnn": 170, "kopp21_cnn": 150, "deepbind": 41}


EVEN = {
    "conv_channels": [8, 8],
    "conv_kernels": [6, 4],
    "conv_padding": "same",
    "activations": ["exponential", "gelu"],
    "pool_kernels": [4, None],
}


def make(name: str, **kwargs: Any) -> nn.Module:
    return build(name, seed=1, **{"input_len": LENGTHS.get(name, 64), "output_dim": 2, **kwargs})


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


PUBLISHED = [
    # de Almeida 2022: Keras counts 624,738 with the 2,016 statistics of batch normalisation
    ("deepstarr", {"input_len": 249, "output_dim": 2}, 622_722),
    # EUGENe 0.1.2's arrangement, same filters
    ("jores21_cnn", {"input_len": 170, "output_dim": 1}, 1_825_921),
    ("kopp21_cnn", {"input_len": 1000, "output_dim": 1, "variant": "eugene"}, 743),
    ("kopp21_cnn", {"input_len": 500, "output_dim": 1}, 743),
    ("deepbind", {"input_len": 41, "output_dim": 1}, 2_129),
    # DeepBind for DNA: 16 detectors of width 16, 32 hidden, largest values only
    ("deepbind", {"input_len": 101, "output_dim": 1, "mode": "dna"}, 1_617),
]


@pytest.mark.parametrize(("name", "arguments", "count"), PUBLISHED)
def test_published_sizes(name: str, arguments: dict[str, Any], count: int) -> None:
    model = build(name, **arguments)
    assert parameters(model) == count


def test_deepstarr_counts_like_keras() -> None:
    model = zoo.DeepSTARR()
    buffers = sum(b.numel() for n, b in model.named_buffers() if "num_batches" not in n)
    assert parameters(model) + buffers == 624_738


@pytest.mark.parametrize("name", NAMES)
def test_forward_backward_and_state(name: str) -> None:
    model = make(name)
    x = torch.rand(3, 4, model.input_len)
    out = model(x)
    assert out.shape == (3, 2)
    out.square().mean().backward()
    unused = {"batchnorm.weight", "batchnorm.bias"} if name == "kopp21_cnn" else set()
    without = {n for n, p in model.named_parameters() if p.grad is None}
    assert without <= unused
    again = build(**model.config)
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again.eval()(x), model.eval()(x))


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_weights_and_no_trace(name: str) -> None:
    state = torch.random.get_rng_state()
    first, second = make(name), make(name)
    assert torch.equal(torch.random.get_rng_state(), state)
    for one, two in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_network_of_another_length_is_its_own(name: str) -> None:
    first = make(name)
    length = first.input_len * 2
    second = make(name, input_len=length)
    assert second(torch.rand(2, 4, length)).shape == (2, 2)
    assert first(torch.rand(2, 4, first.input_len)).shape == (2, 2)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_left_as_they_were(name: str) -> None:
    given = {k: v for k, v in make(name).config.items() if isinstance(v, dict)}
    frozen = copy.deepcopy(given)
    make(name, **given)
    assert given == frozen


@pytest.mark.parametrize("name", NAMES)
def test_the_first_convolution_can_be_found_and_watched(name: str) -> None:
    model = make(name).eval()
    layer_name, conv = first_conv(model)
    seen: list[torch.Tensor] = []
    handle = conv.register_forward_hook(lambda _m, _i, out: seen.append(out))
    x = torch.rand(2, 4, model.input_len)
    model(x)
    handle.remove()
    assert seen[0].shape[:2] == (2, conv.out_channels), layer_name
    same = conv.padding == "same"
    expected = model.input_len if same else model.input_len - conv.kernel_size[0] + 1
    assert seen[0].shape[2] == expected


@pytest.mark.parametrize("name", ["cnn", "hybrid"])
@pytest.mark.parametrize("aggregate", ["max", "mean", "concat"])
def test_both_strands(name: str, aggregate: str) -> None:
    model = make(name, strands="both", aggregate=aggregate).eval()
    x = torch.rand(3, 4, 64)
    same = torch.allclose(model(x), model(x.flip(1, 2)), atol=1e-6)
    assert same == (aggregate != "concat")
    # one sequence at a time gives what the batch gives
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]))


@pytest.mark.parametrize("aggr", ["max", "avg"])
def test_kopp_does_not_see_the_strand(aggr: str) -> None:
    # 140 positions, five pools of 28: the pooling is symmetric too, the second convolution not
    model = make("kopp21_cnn", aggr=aggr, maxpool_kernel_size=28, conv_kernel_size=[11, 1]).eval()
    x = torch.rand(2, 4, 150)
    torch.testing.assert_close(model(x.flip(1, 2)), model(x))


@pytest.mark.parametrize("aggr", ["max", "avg", "concat", None])
def test_kopp_aggregations(aggr: str | None) -> None:
    assert make("kopp21_cnn", aggr=aggr)(torch.rand(2, 4, 150)).shape == (2, 2)


def test_kopp_in_eugene_s_arrangement() -> None:
    model = make("kopp21_cnn", variant="eugene").eval()
    x = torch.rand(2, 4, 150)
    ahead = F.relu(model.conv(x))
    back = F.relu(model.conv(x.flip(1, 2)))
    h = F.max_pool1d(torch.maximum(ahead, back), 30, stride=1)
    h = F.relu(model.conv2(h)).amax(dim=2)
    torch.testing.assert_close(model(x), model.linear(model.batchnorm2(h)))


def test_jores_in_eugene_s_arrangement_takes_eugene_s_names() -> None:
    model = make("jores21_cnn", filters=16, variant="eugene").eval()
    theirs = {
        key.replace("biconv.convs.0.weight", "biconv.kernels.0")
        .replace("biconv.convs.1.weight", "biconv.kernels.1")
        .replace("biconv.convs.0.bias", "biconv.biases.0")
        .replace("biconv.convs.1.bias", "biconv.biases.1"): value
        for key, value in model.state_dict().items()
    }
    other = build(**model.config).eval()
    other.load_state_dict(theirs)
    x = torch.rand(2, 4, 170)
    torch.testing.assert_close(other(x), model(x))
    # the arrangement written out
    k0, k1 = theirs["biconv.kernels.0"], theirs["biconv.kernels.1"]
    b0, b1 = theirs["biconv.biases.0"], theirs["biconv.biases.1"]
    ahead = F.relu(F.conv1d(F.relu(F.conv1d(x, k0, b0, padding="same")), k1, b1, padding="same"))
    f0, f1 = k0.flip(0, 1), k1.flip(0, 1)
    back = F.relu(F.conv1d(F.relu(F.conv1d(x, f0, b0, padding="same")), f1, b1, padding="same"))
    torch.testing.assert_close(model.biconv(x), ahead + back)


def test_jores_corrected_turns_with_its_input() -> None:
    model = make("jores21_cnn", filters=16).eval()
    x = torch.rand(2, 4, 170)
    torch.testing.assert_close(
        model.biconv(x.flip(1, 2)), model.biconv(x).flip(2), atol=1e-5, rtol=1e-4
    )


def test_deepbind_reads_other_lengths() -> None:
    model = make("deepbind").eval()
    assert model(torch.rand(2, 4, 300)).shape == (2, 2)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("cnn", {"conv_kwargs": {"conv_channels": [8]}}, "conv_kwargs lacks conv_kernels"),
        ("cnn", {"dense_kwargs": {"hiden_dims": [8]}}, "did you mean 'hidden_dims'"),
        ("cnn", {"dense_kwargs": {"output_dim": 7}}, "network sets it to 2: leave it out"),
        ("cnn", {"strands": "double"}, "strands='double' must be"),
        ("cnn", {"pool": "sum"}, "mode='sum' must be"),
        ("cnn", {"input_len": 0}, "input_len must be a whole number"),
        ("cnn", {"output_dim": 1.5}, "output_dim must be a whole number"),
        ("hybrid", {"summary": "first"}, "summary='first'"),
        ("hybrid", {"recurrent_kwargs": {"hidden_dim": 4, "batch_first": False}}, "leave it out"),
        ("deepbind", {"mode": "protein"}, "mode='protein'"),
        ("deepstarr", {"input_len": 10}, "does not fit"),
        ("deepstarr", {"conv_kwargs": {"conv_channels": [8, 8]}}, "4 values for 2 layers"),
        ("jores21_cnn", {"variant": "tf"}, "variant='tf'"),
        ("kopp21_cnn", {"aggr": "sum"}, "aggr='sum'"),
        ("kopp21_cnn", {"input_len": 60}, "is too short"),
        ("kopp21_cnn", {"variant": "keras"}, "variant='keras'"),
        ("kopp21_cnn", {"filters": [3]}, "need two values"),
    ],
)
def test_errors(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        make(name, **arguments)


def test_unknown_names() -> None:
    with pytest.raises(eu.errors.EugeneError, match="did you mean 'deepstarr'"):
        build("deepstar")
    assert eu.models.list_models("kopp*") == ["kopp21_cnn"]
    with pytest.raises(AttributeError, match="no attribute 'Zoo'"):
        eu.models.Zoo  # noqa: B018
    assert {"zoo", "SequenceModule", "build"} <= set(dir(eu.models))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(name, {}) for name in NAMES if name != "hybrid"]
    + [("cnn", {"strands": "both", "aggregate": a}) for a in ("max", "mean", "concat")]
    + [("kopp21_cnn", {"variant": "eugene"}), ("cnn", {"pool": "max_avg"})]
    + [("cnn", {"conv_kwargs": EVEN}), ("jores21_cnn", {"kernel_size": 6, "filters": 8})],
)
def test_deeplift_contributions_add_up(name: str, arguments: dict[str, Any]) -> None:
    model = make(name, **arguments).eval()
    rng = np.random.default_rng(0)
    letters = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (2, 2, model.input_len))]
    x, reference = (torch.from_numpy(a.transpose(0, 2, 1).copy()) for a in letters)
    _, delta = se.attribute(model, x, "deep_lift", references=reference[:, None], return_delta=True)
    assert float(torch.as_tensor(delta).abs().max()) < 1e-5
