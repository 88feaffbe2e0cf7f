"""Saturation mutagenesis against the obvious loop."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))

import attribution_nets

import seqexplainer as se
from seqexplainer._incremental import Substitutions
from seqexplainer._incremental._layers import Convolution
from seqexplainer._incremental._window import Window
from seqexplainer._inputs import frozen
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
    se.saturation_mutagenesis(model, X[:1], engine="plain")
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


def plain_and_windows(model, X):
    """Return effects both ways and the operations that needed whole tensors."""
    plain = se.saturation_mutagenesis(model, X, engine="plain")
    sequences = X.float()
    edits = Substitutions(sequences, 0, X.shape[2])
    with frozen(model) as held, torch.no_grad():
        window = Window(edits, {}, len(edits))
        batch = window.begin(sequences)
        with window:
            output = held(batch)
        change = window.fill(output) - held(sequences)[edits.rows]
    found = torch.zeros(len(X), X.shape[2], X.shape[1], *plain.shape[3:])
    places = change.view(*edits.letter.shape, *plain.shape[3:])
    index = edits.letter.view(*edits.letter.shape, *[1] * (plain.ndim - 3)).expand_as(places)
    found.scatter_(2, index, places)
    return plain, found.transpose(1, 2), window.materialised


class Tower(nn.Module):
    """Dilated convolutions with sums, as in profile nets."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(4, 6, 7, padding=3)
        self.deep = nn.ModuleList(nn.Conv1d(6, 6, 3, padding=d, dilation=d) for d in (1, 2, 4))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = F.relu(self.first(x))
        for layer in self.deep:
            x = x + F.gelu(layer(x))
        return self.head(x.mean(dim=-1))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.short, self.long = (
            nn.Conv1d(4, 5, 3, padding="same"),
            nn.Conv1d(4, 5, 9, padding="same"),
        )
        self.head = nn.Linear(10, 2)

    def forward(self, x):
        both = torch.cat([self.short(x).relu_(), torch.tanh(self.long(x)) * 0.5], dim=1)
        return self.head(both.amax(dim=-1))


class InPlaceSum(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(4, 5, 5, padding=2), nn.Conv1d(5, 5, 3, padding=1)
        self.head = nn.LazyLinear(2)

    def forward(self, x):
        x = self.first(x)
        x += self.second(x)
        return self.head(F.relu(x, inplace=True).view(x.size(0), -1))


LOCAL = {
    "starr": lambda: nn.Sequential(
        nn.Conv1d(4, 8, 7, padding="same"), nn.BatchNorm1d(8), nn.ReLU(inplace=True),
        nn.MaxPool1d(2),
        nn.Conv1d(8, 6, 3, padding="same"), nn.BatchNorm1d(6), nn.ReLU(), nn.MaxPool1d(3, 2, 1),
        nn.Flatten(), nn.Dropout(), nn.LazyLinear(9), nn.ReLU(), nn.Linear(9, 2),
    ),
    "strided": lambda: nn.Sequential(
        nn.Conv1d(4, 8, 6, stride=3, padding=4), nn.SiLU(), nn.AvgPool1d(2), nn.Conv1d(8, 6, 4),
        nn.ELU(), nn.Flatten(), nn.LazyLinear(2),
    ),
    "ceil": lambda: nn.Sequential(
        nn.Conv1d(4, 8, 5), nn.ReLU(), nn.MaxPool1d(4, ceil_mode=True), nn.Flatten(),
        nn.LazyLinear(2),
    ),
    "global max": lambda: nn.Sequential(
        nn.Conv1d(4, 8, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 2)
    ),
    "global mean": lambda: nn.Sequential(
        nn.Conv1d(4, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2)
    ),
    "tower": Tower,
    "branches": Branches,
    "in-place sum": InPlaceSum,
}  # fmt: skip


@pytest.mark.parametrize("length", [41, 60])
@pytest.mark.parametrize("name", list(LOCAL))
def test_windows_equal_whole_sequences(name, length):
    torch.manual_seed(0)
    model = LOCAL[name]().eval()
    model(torch.zeros(2, 4, length))
    plain, found, materialised = plain_and_windows(model, one_hot(2, length, seed=3))
    assert materialised == []
    assert torch.allclose(found, plain, atol=1e-5)


WHOLE = ["LayerNorm", "GroupNorm", "squeeze-excite", "softmax attention pool", "MultiheadAttention"]
WHOLE += ["PReLU", "both strands", "2-D maxpool", "outer product", "spectrum", "written in place"]


@pytest.mark.parametrize("name", WHOLE)
def test_other_operations_get_whole_tensors(name):
    model = attribution_nets.build(name)
    X = attribution_nets.one_hot(1, attribution_nets.LENGTH, seed=5).to(torch.uint8)
    plain = se.saturation_mutagenesis(model, X, start=40, end=44, engine="plain")
    found = se.saturation_mutagenesis(model, X, start=40, end=44, engine="window")
    assert torch.allclose(found, plain, atol=1e-5)


def test_windows_that_differ_are_not_used(monkeypatch, caplog):
    taps = Convolution.taps.fget
    monkeypatch.setattr(Convolution, "taps", property(lambda self: taps(self) * 1.1))
    torch.manual_seed(0)
    model = LOCAL["starr"]().eval()
    sequences = one_hot(1, 41)
    model(sequences.float())
    with caplog.at_level(logging.INFO, logger="seqexplainer"):
        found = se.saturation_mutagenesis(model, sequences, engine="window")
    assert "windows differ" in caplog.text
    assert torch.allclose(found, by_hand(model, sequences), atol=1e-5)


def test_unknown_engine():
    with pytest.raises(InputError, match="unknown engine 'fast'"):
        se.saturation_mutagenesis(net(), X, engine="fast")
