"""What single networks of the zoo promise beyond what all of them do."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F
from zoo_table import build_tiny, one_hot

from eugene.augment import hidden_layers
from eugene.models import build, zoo
from eugene.nn import InputShapeError, ModelError


@pytest.mark.parametrize("name", ["ds_fcn", "ds_cnn", "ds_rnn", "ds_hybrid"])
@pytest.mark.parametrize("aggr", ["max", "avg", "sum", "concat"])
def test_double_stranded_networks_do_not_see_the_strand(name: str, aggr: str) -> None:
    model = build_tiny(name, aggr=aggr).eval()
    x = one_hot(3, model.input_len)
    same = torch.allclose(model(x), model(x.flip(1, 2)), atol=1e-6)
    assert same == (aggr != "concat")


def test_double_stranded_networks_take_the_weights_of_eugene_s() -> None:
    model = build_tiny("ds_cnn").eval()
    theirs = {k.removeprefix("network."): v for k, v in model.state_dict().items()}
    assert "conv1d_tower.layers.0.weight" in theirs
    other = build(**model.config).eval()
    other.load_state_dict(theirs)
    x = one_hot(2, model.input_len)
    torch.testing.assert_close(other(x), model(x))


def test_channels_of_both_strands_before_the_recurrent_net() -> None:
    model = build_tiny("ds_hybrid").eval()
    inner, x = model.network, one_hot(2, model.input_len)
    both = torch.cat((inner.conv1d_tower(x), inner.conv1d_tower(x.flip(1, 2))), dim=1)
    _, last = inner.recurrent_block(both.transpose(1, 2))
    torch.testing.assert_close(model(x), inner.dense_block(last))


def test_jores_as_published_reads_one_strand() -> None:
    model = build_tiny("jores21_cnn", variant="published", layers=2).eval()
    assert model.batchnorm.eps == 1e-3
    torch.nn.init.normal_(model.biconv.convs[0].bias)
    x = one_hot(2, model.input_len)
    ahead = x
    for conv in model.biconv.convs:
        ahead = F.relu(F.conv1d(ahead, conv.weight, conv.bias, padding="same"))
    back = F.relu(ahead + model.biconv.convs[-1].bias[:, None])
    torch.testing.assert_close(model.biconv(x), ahead + back)


def test_deepbind_scores_as_the_better_strand() -> None:
    model = build_tiny("deepbind", mode="dna", strands="both").eval()
    x = one_hot(3, model.input_len)
    single = build(**{**model.config, "strands": "single"}).eval()
    single.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(x), torch.maximum(single(x), single(x.flip(1, 2))))


def test_deepmel_gives_the_mean_probability_of_both_strands() -> None:
    model = build_tiny("deepmel").eval()
    single = build(**{**model.config, "strands": "single"}).eval()
    single.load_state_dict(model.state_dict())
    x = one_hot(3, model.input_len)
    mean = (torch.sigmoid(single(x)) + torch.sigmoid(single(x.flip(1, 2)))) / 2
    torch.testing.assert_close(torch.sigmoid(model(x)), mean)


def test_danq_shows_every_state() -> None:
    model = build_tiny("danq").eval()
    x = one_hot(2, model.input_len)
    seen = F.max_pool1d(F.relu(model.conv1d_tower.layers[0](x)), 13)
    states, _ = model.recurrent_block.layers(seen.transpose(1, 2))
    torch.testing.assert_close(model(x), model.dense_block(states.flatten(1)))


def test_basset_pools_what_is_left_at_the_ends() -> None:
    with torch.device("meta"):
        same, valid = zoo.Basset(), zoo.Basset(padding="valid")
    assert same.conv1d_tower.output_len == 13
    assert valid.conv1d_tower.output_len == 10


def test_scbasset_embeds_peaks_and_cells_are_vectors() -> None:
    model = build_tiny("scbasset").eval()
    x = one_hot(2, model.input_len)
    assert model.embed(x).shape == (2, 5)
    torch.testing.assert_close(model(x), F.linear(model.embed(x), *model.cells.parameters()))


@pytest.mark.parametrize("activation", ["relu", "exponential"])
def test_acme_s_first_activation(activation: str) -> None:
    model = build_tiny("acme_cnn", activation=activation, batchnorm=False).eval()
    kernel = model.conv1d_tower.layers[0]
    assert kernel.bias is None
    assert model.conv1d_tower.output_len == 3
    sent = kernel(one_hot(1, 200))
    expected = F.relu(sent) if activation == "relu" else sent.exp()
    torch.testing.assert_close(model.conv1d_tower.layers[1](sent), expected)


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("batchnorm, size", [(True, 46_225), (False, 45_697)])
def test_acme_s_size_and_hidden_layers(activation: str, batchnorm: bool, size: int) -> None:
    model = zoo.AcmeCNN(activation=activation, batchnorm=batchnorm)
    assert sum(p.numel() for p in model.parameters()) == size
    first, *others = hidden_layers(model, one_hot(2, 200))
    assert [type(layer).__name__ for layer in others] == ["ReLU"] * 4
    assert type(first).__name__ == activation.title().replace("Relu", "ReLU")


def test_satori_does_not_mix_the_batch_and_weighs_positions() -> None:
    model = build_tiny("satori", use_rnn=False).eval()
    x = one_hot(2, model.input_len)
    seen = model.conv1d_tower(x).transpose(1, 2)
    q, k, v = (layer(seen)[..., :6] for layer in (model.mha.query, model.mha.key, model.mha.value))
    head = (q @ k.mT / math.sqrt(6)).softmax(dim=-1) @ v
    torch.testing.assert_close(model.mha(seen)[..., :6], head)
    summed = model.readout(model.mha(seen)).sum(dim=1)
    centred = summed - summed.mean(dim=1, keepdim=True)
    scale = (centred.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(model(x), model.linear(centred / scale))


def test_the_second_stage_of_chromdragonn_reads_expression() -> None:
    model = build_tiny("chromdragonn", n_expression=5, n_cell_types=3).eval()
    x, expression = one_hot(4, model.input_len), torch.rand(4, 5)
    expression.requires_grad_()
    found = model(x, expression)
    assert found.shape == (4, 2)
    found.sum().backward()
    assert expression.grad.abs().sum() > 0
    torch.testing.assert_close(model(x), model(x, torch.zeros(4, 5)))
    with pytest.raises(InputShapeError, match="give n_expression when building it"):
        model(x, torch.zeros(4, 6))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("basset", {"padding": "full"}, "padding='full' must be 'same' or 'valid'"),
        ("factorized_basset", {"maxpool_kernels": [3]}, "1 values for 3 towers"),
        ("heartenn", {"dropouts": [0.1]}, "1 values for 3 pairs"),
        ("chromdragonn", {"blocks": [1]}, "blocks has 1 values, one for each of 4"),
        ("chromdragonn", {"channels": [4, 4, 4, 5]}, "last two channels must be equal"),
        ("inception", {"channels": [4]}, "needs the letters and a block"),
        ("inception", {"channels": [4, 6]}, "multiple of 4"),
        ("ds_cnn", {"aggr": "median"}, "aggregate='median' must be"),
        ("deepsea", {"conv_kwargs": {"kernels": 3}}, "conv_kwargs has no argument 'kernels'"),
        ("acme_cnn", {"activation": "rlu"}, "did you mean 'relu'"),
        ("deepmel", {"strands": "two"}, "strands='two' must be"),
    ],
)
def test_errors(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_tiny(name, **arguments)
