"""Saturation mutagenesis against the obvious loop."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import seqexplainer as se
from seqexplainer.errors import InputError, TargetError


def one_hot(n, length, seed=0):
    codes = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return F.one_hot(codes, 4).transpose(1, 2).to(torch.uint8)


def by_hand(model, X):
    model.eval()
    with torch.no_grad():
        wild_type = model(X.float())
        found = torch.zeros(*X.shape, *wild_type.shape[1:])
        for letter in range(4):
            for position in range(X.shape[2]):
                mutant = X.clone()
                mutant[:, :, position] = 0
                mutant[:, letter, position] = 1
                found[:, letter, position] = model(mutant.float()) - wild_type
    return found


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(4, 6, 5), nn.BatchNorm1d(6), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 16, 3)
    )


X = one_hot(3, 20)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_equals_the_obvious_loop(batch_size):
    model = net()
    found = se.saturation_mutagenesis(model, X, batch_size=batch_size)
    assert found.shape == (3, 4, 20, 3)
    assert torch.allclose(found, by_hand(model, X), atol=1e-5)


def test_the_sequence_itself_is_zero():
    found = se.saturation_mutagenesis(net(), X, target=1)
    assert found.shape == X.shape
    assert found[X == 1].abs().max() == 0
    assert torch.allclose(found, by_hand(net(), X)[..., 1], atol=1e-5)


@pytest.mark.parametrize(("start", "end", "span"), [(3, 9, (3, 9)), (-4, None, (16, 20))])
def test_spans(start, end, span):
    whole = se.saturation_mutagenesis(net(), X, target=0)
    part = se.saturation_mutagenesis(net(), X, target=0, start=start, end=end)
    assert torch.allclose(part, whole[:, :, slice(*span)], atol=1e-6)


def test_unknown_letters_take_every_letter():
    unknown = X.clone()
    unknown[0, :, 4] = 0
    found = se.saturation_mutagenesis(net(), unknown, target=0)
    assert (found[0, :, 4] != 0).all()
    assert torch.allclose(found, by_hand(net(), unknown)[..., 0], atol=1e-5)


def test_only_differing_letters_are_computed():
    rows = []
    model = net()
    model.register_forward_hook(lambda module, args, out: rows.append(len(out)))
    se.saturation_mutagenesis(model, X[:1])
    assert sum(rows) == 3 * 20 + 1


def test_extra_inputs():
    class Scaled(nn.Module):
        def forward(self, x, scale):
            return x[:, 0].sum(dim=1) * scale

    found = se.saturation_mutagenesis(Scaled(), X, args=[torch.tensor([1.0, 2.0, 3.0])])
    plain = se.saturation_mutagenesis(Scaled(), X, args=[torch.ones(3)])
    assert torch.equal(found, plain * torch.tensor([1.0, 2.0, 3.0])[:, None, None])


@pytest.mark.parametrize(("start", "end"), [(5, 5), (30, 40), (9, 2)])
def test_empty_spans(start, end):
    with pytest.raises(InputError, match="hold no position"):
        se.saturation_mutagenesis(net(), X, start=start, end=end)


def test_tuples_need_a_target():
    class Two(nn.Module):
        def forward(self, x):
            return x.sum(dim=1), x[:, 0].sum(dim=1)

    with pytest.raises(TargetError, match="give target="):
        se.saturation_mutagenesis(Two(), X)
    assert se.saturation_mutagenesis(Two(), X, target="counts").shape == X.shape


def test_soft_sequences_are_refused():
    with pytest.raises(InputError, match="not one-hot"):
        se.saturation_mutagenesis(net(), torch.rand(1, 4, 20))
