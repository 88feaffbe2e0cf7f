"""Checks of sequences and targets, and the state a model is held in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import seqexplainer as se
from seqexplainer._inputs import as_sequences, check_args, check_choice, check_one_hot, frozen
from seqexplainer._targets import resolve
from seqexplainer.errors import CompletenessWarning, InputError, TargetError


def one_hot(n=2, length=5):
    codes = torch.arange(n * length).reshape(n, length) % 4
    return nn.functional.one_hot(codes, 4).transpose(1, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_number_types_are_taken(dtype):
    X = one_hot().numpy().astype(dtype)
    assert np.array_equal(check_one_hot(X).numpy(), X)


def test_views_with_odd_strides_are_taken():
    X = one_hot().numpy()[:, ::-1, ::-1]
    assert np.array_equal(check_one_hot(X).numpy(), X)


def test_unknown_letters_are_taken():
    X = one_hot().double()
    X[0, :, 1] = 0
    X[1, :, 2] = 0.25
    assert torch.equal(check_one_hot(X), X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((4, 5)), r"X\[None\]"),
        (np.zeros((0, 4, 5)), "empty"),
        (np.zeros((2, 9, 4)), "swapaxes"),
        (np.array([["ACGT"]]), "must hold numbers"),
    ],
)
def test_wrong_forms_say_what_to_do(X, message):
    with pytest.raises(InputError, match=message):
        as_sequences(X)


def test_not_one_hot_names_the_place():
    X = one_hot().double()
    X[1, :, 3] = torch.tensor([0.5, 0.5, 0.5, 0])
    with pytest.raises(InputError, match="sequence 1, position 3 holds"):
        check_one_hot(X)
    X[1, :, 3] = torch.tensor([1.0, 1.0, 0, 0])
    with pytest.raises(InputError, match="sequence 1, position 3 holds"):
        check_one_hot(X)


def test_args_need_a_row_per_sequence():
    floats, whole = check_args([np.ones((3, 2)), np.arange(3)], 3, torch.float16)
    assert floats.shape == (3, 2)
    assert (floats.dtype, whole.dtype) == (torch.float16, torch.int64)
    with pytest.raises(InputError, match=r"args\[0\] must have one row per sequence \(3\)"):
        check_args([np.ones((2, 2))], 3, torch.float32)


def test_choice_suggests():
    with pytest.raises(InputError, match="did you mean 'zero'"):
        check_choice("zeros", ("zero", "gc"), "references")


def test_frozen_restores_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.BatchNorm1d(2))
    model[1].eval()
    model[0].bias.requires_grad_(False)
    model[0].weight.grad = torch.ones(2, 2)
    with pytest.raises(RuntimeError, match="inside"), frozen(model) as held:
        assert not any(m.training for m in held.modules())
        assert not any(p.requires_grad for p in held.parameters())
        raise RuntimeError("inside")
    assert [m.training for m in model] == [True, False, True]
    assert model[0].weight.requires_grad
    assert not model[0].bias.requires_grad
    assert torch.equal(model[0].weight.grad, torch.ones(2, 2))


def test_frozen_wants_a_module():
    with pytest.raises(InputError, match=r"torch\.nn\.Module"), frozen("model"):
        pass


class Heads(NamedTuple):
    profile: torch.Tensor
    counts: torch.Tensor


def test_targets():
    flat, deep = torch.arange(6.0).reshape(2, 3), torch.arange(24.0).reshape(2, 3, 4)
    heads = Heads(deep, flat[:, :1])
    assert resolve(0)(flat[:, 0]).tolist() == [0, 3]
    assert resolve(-1)(flat).tolist() == [2, 5]
    assert resolve(np.int64(1))(flat).tolist() == [1, 4]
    assert resolve((2, 1))(deep).tolist() == [9, 21]
    assert resolve((0, 2, 1))(heads).tolist() == [9, 21]
    assert resolve("counts")(heads).tolist() == [0, 3]
    assert resolve("counts")((deep, flat[:, 0])).tolist() == [0, 3]
    assert resolve(lambda out: out.sum(dim=1))(flat).tolist() == [3, 12]
    logits = deep.flatten(1) - deep.flatten(1).mean(dim=1, keepdim=True)
    expected = (logits.softmax(dim=1) * logits).sum(dim=1)
    assert torch.allclose(resolve("profile")(heads), expected)


@pytest.mark.parametrize(
    ("target", "output", "message"),
    [
        (3, torch.zeros(2, 3), "out of range"),
        (1, torch.zeros(2), "out of range"),
        (0, torch.zeros(2, 3, 4), "'counts' or 'profile'"),
        (0, (torch.zeros(2, 3), torch.zeros(2, 1)), "tuple of shape"),
        ("counts", torch.zeros(2, 1), r"needs a \(profile, counts\) output"),
        ("counts", (torch.zeros(2, 3), torch.zeros(2, 2)), r"target=\(1, 0\)"),
        ((0, 9), torch.zeros(2, 3, 4), "does not fit"),
        ((0,), torch.zeros(2, 3, 4), r"expected shape \(n_seqs,\)"),
        (torch.sum, torch.zeros(2, 3), r"expected shape \(n_seqs,\)"),
    ],
)
def test_targets_that_do_not_fit(target, output, message):
    with pytest.raises(TargetError, match=message):
        resolve(target)(output)


@pytest.mark.parametrize("target", ["count", True, 1.5j])
def test_targets_that_mean_nothing(target):
    with pytest.raises(TargetError, match="target"):
        resolve(target)


def test_heads_of_several_tasks():
    profile, counts = torch.randn(2, 3, 5), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    heads = (profile, counts)
    assert resolve("counts:1")(heads).tolist() == [2, 4]
    both = resolve("profile:2,0")(heads)
    # which of the tracks comes first changes nothing
    assert torch.allclose(both, resolve("profile")((profile[:, [0, 2]], counts)))
    centred = profile[:, 1] - profile[:, 1].mean(dim=1, keepdim=True)
    expected = (torch.softmax(centred, dim=1) * centred).sum(dim=1)
    assert torch.allclose(resolve("profile:1")(heads), expected)
    for target, message in (
        ("counts:2", "out of range: there are 2 counts"),
        ("profile:3", "'profile:3' is out of range"),
        ("counts:0,1", "names 2 columns"),
        ("profile:", "unknown target 'profile:'"),
        ("count:1", "unknown target"),
    ):
        with pytest.raises(TargetError, match=message):
            resolve(target)(heads)


def test_dicts_of_heads_are_targets():
    heads = {"profile": torch.randn(2, 5), "counts": torch.tensor([[1.0], [2.0]])}
    assert resolve("counts")(heads).tolist() == [1, 2]
    assert resolve(("counts", 0))(heads).tolist() == [1, 2]
    pair = (heads["profile"], heads["counts"])
    assert torch.equal(resolve("profile")(heads), resolve("profile")(pair))
    with pytest.raises(TargetError, match=r"dict with 'profile': shape \(2, 5\), 'counts'"):
        resolve(0)(heads)


def test_a_column_is_a_whole_number():
    assert resolve(1.0)(torch.tensor([[1.0, 2.0]])).tolist() == [2]
    with pytest.raises(TargetError, match=r"1\.5 is not a whole number"):
        resolve(1.5)


@pytest.mark.parametrize(
    "convert", [lambda a: a.astype(">f4"), lambda a: torch.tensor(a).bfloat16()]
)
def test_unusual_number_types_give_the_same_attributions(convert):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1))
    X = np.eye(4, dtype=np.float32)[np.arange(20).reshape(2, 10) % 4].swapaxes(1, 2)
    options = {"references": "uniform", "n_references": 2}
    expected = se.attribute(model, X, **options)
    assert expected.any()
    assert torch.equal(se.attribute(model, convert(X), **options), expected)


@pytest.mark.parametrize("method", ["saliency", "deep_lift"])
def test_values_that_are_not_finite_are_refused(method):
    X = np.zeros((3, 4, 10))
    X[1, 2, 7] = np.nan
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1))
    with pytest.raises(InputError, match="not finite in sequence 1, position 7"):
        se.attribute(model, X, method)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 2.5}, "batch_size must be a whole number, got 2.5"),
        ({"batch_size": None}, "batch_size must be a whole number"),
        ({"n_references": 2.0}, "n_references must be a whole number"),
        ({"device": "foo"}, "device 'foo' is not known"),
        ({"dtype": "float32"}, "expected a floating type of torch"),
        ({"dtype": torch.int32}, "expected a floating type of torch"),
        ({"args": np.zeros((3, 2))}, r"expected a list .*args=\[array\]"),
        ({"on_delta": "ignore"}, r"unknown on_delta 'ignore'\. Choose"),
    ],
)
def test_wrong_options_are_named(options, message):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1))
    with pytest.raises(InputError, match=message):
        se.attribute(model, np.zeros((3, 4, 10)), **options)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "got NoneType"),
        ("model.pt", "got str"),
        (lambda x: x, "wrap a function"),
        (torch.nn.Linear, "Linear is a class"),
    ],
)
@pytest.mark.parametrize("explain", ["predict", "attribute", "saturation_mutagenesis"])
def test_models_are_modules(model, message, explain):
    with pytest.raises(InputError, match=message):
        getattr(se, explain)(model, np.zeros((3, 4, 10)))


def test_outputs_that_are_not_numbers_do_not_pass_for_complete():
    class Log(torch.nn.Module):
        def forward(self, x):
            return (x.sum((1, 2)) - 20).log()

    X = np.eye(4)[np.arange(10) % 4].T[None]
    with pytest.warns(CompletenessWarning, match="does not add up"):
        se.attribute(Log(), X, "deep_lift")


def test_guided_backprop_takes_a_relu_beside_the_sequence():
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.act = torch.nn.ReLU()

        def forward(self, x, z):
            return self.act(x).sum((1, 2)) + self.act(z).sum(1)

    X = np.eye(4)[np.arange(10) % 4].T[None]
    found = se.attribute(Two(), X, "guided_backprop", args=[np.ones((1, 3), np.float32)])
    # a gradient of 1 at the letter that is there, less the mean over the letters
    np.testing.assert_allclose(found, 0.75 * X)
