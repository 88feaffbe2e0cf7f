"""Outputs of edited sequences from windows against outputs from whole sequences."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))

import attribution_nets

import seqexplainer as se
from seqexplainer._incremental import Engine, Replacements, Substitutions
from seqexplainer._incremental._window import Window
from seqexplainer._inputs import frozen
from seqexplainer.errors import InputError

LENGTH = 50


def one_hot(n, length=LENGTH, letters=4, seed=0):
    codes = torch.randint(0, letters, (n, length), generator=torch.Generator().manual_seed(seed))
    return F.one_hot(codes, letters).transpose(1, 2).float()


def ready(model, length=LENGTH, letters=4, seed=0):
    """Return a net in evaluation mode with normalisation that does something."""
    torch.manual_seed(seed)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(16, letters, length))
    return model.eval()


def materialised(model, edits, X):
    """Return the outputs of edits from windows, and the operations that needed whole tensors."""
    with frozen(model) as held, torch.no_grad():
        window = Window(edits, {}, len(edits))
        batch = window.begin(X)
        with window:
            output = held(batch)
        return window.fill(output), window.materialised


class Forward(nn.Module):
    """A convolution, then a function of its output, then a linear layer on all that remains."""

    def __init__(self, function, channels=6, **options):
        super().__init__()
        self.first = nn.Conv1d(4, channels, 5, **options)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)
        self.weight = nn.Parameter(torch.rand(channels) + 0.5)
        self.function = function
        self.head = nn.LazyLinear(2)

    def forward(self, x):
        return self.head(self.function(self, F.relu(self.first(x))).flatten(1))


def layer_norm(net, x):
    return F.layer_norm(x.transpose(1, 2), (6,), net.weight).transpose(1, 2)


def pointwise_linear(net, x):
    return F.linear(x.permute(0, 2, 1), net.second.weight[:, :, 0]).permute(0, 2, 1)


LOCAL = {
    "same values twice": lambda net, x: x * x + x,
    "product of branches": lambda net, x: net.second(x) * torch.sigmoid(x),
    "quotient of branches": lambda net, x: x / (1 + net.second(x) ** 2),
    "difference": lambda net, x: net.second(x) - x,
    "subtracted from a number": lambda net, x: 1.5 - net.second(x),
    "scaled by channel": lambda net, x: (
        net.second(x) * net.weight[:, None] / 3 + net.weight[:, None]
    ),
    "scaled by number": lambda net, x: torch.tanh(2 * x - 0.5),
    "channels normalised": layer_norm,
    "linear by position": pointwise_linear,
    "softmax over channels": lambda net, x: torch.softmax(net.second(x), dim=1),
    "glu": lambda net, x: F.glu(net.second(x), dim=1),
    "cropped": lambda net, x: net.second(x)[:, :, 4:-7],
    "channels picked": lambda net, x: torch.cat([x[:, :3], net.second(x)[:, 2:]], dim=1),
    "padded": lambda net, x: torch.tanh(F.pad(x, (3, 2), value=0.7)),
    "prelu": lambda net, x: F.prelu(net.second(x), net.weight),
    "max pool": lambda net, x: F.max_pool1d(net.second(x), 4),
    "max pool with padding": lambda net, x: F.max_pool1d(net.second(x), 5, 2, padding=2),
    "dilated max pool": lambda net, x: F.max_pool1d(x, 3, 2, dilation=2),
    "average pool with padding": lambda net, x: F.avg_pool1d(x, 4, 3, padding=2),
    "pools in a row": lambda net, x: F.max_pool1d(F.avg_pool1d(net.second(x), 3, 2), 2),
    "three exits": lambda net, x: torch.cat([x.mean(dim=2), x.amax(dim=2), x.sum(dim=-1)], dim=1),
    "mean by position": lambda net, x: x.transpose(1, 2).mean(dim=1),
    "hardly anything left": lambda net, x: net.second(x)[:, :, -2:],
}
PLACED = [{}, {"padding": 2}, {"stride": 3, "padding": 1}, {"dilation": 3}, {"padding": "same"}]


CASES = [(name, options) for name in LOCAL for options in PLACED]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_operations_that_keep_windows(name, options):
    model = ready(Forward(LOCAL[name], **options))
    X = one_hot(2)
    edits = Substitutions(X, 0, LENGTH)
    with torch.no_grad():
        expected = model(edits.full(torch.arange(len(edits))))
    found, whole = materialised(model, edits, X)
    assert whole == []
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)


SEQUENTIAL = {
    "depthwise": lambda: [nn.Conv1d(4, 8, 5), nn.Conv1d(8, 8, 3, groups=8), nn.BatchNorm1d(8)],
    "two groups": lambda: [nn.Conv1d(4, 8, 5), nn.Conv1d(8, 6, 3, groups=2), nn.BatchNorm1d(6)],
    "norm twice": lambda: [nn.BatchNorm1d(4), nn.Conv1d(4, 8, 5), nn.BatchNorm1d(8), nn.ELU()],
    "remainder": lambda: [nn.Conv1d(4, 8, 5), nn.ReLU(), nn.MaxPool1d(7), nn.Conv1d(8, 5, 2)],
    "ceil": lambda: [nn.Conv1d(4, 8, 5), nn.MaxPool1d(4, ceil_mode=True), nn.ReLU()],
    "no bias": lambda: [nn.Conv1d(4, 8, 9, bias=False, padding=8), nn.Softplus(), nn.AvgPool1d(5)],
}  # fmt: skip


@pytest.mark.parametrize("name", list(SEQUENTIAL))
def test_layers_that_keep_windows(name):
    model = ready(nn.Sequential(*SEQUENTIAL[name](), nn.Flatten(), nn.LazyLinear(3)))
    X = one_hot(3)
    edits = Substitutions(X, 0, LENGTH)
    found, whole = materialised(model, edits, X)
    assert whole == []
    with torch.no_grad():
        expected = model(edits.full(torch.arange(len(edits))))
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)


GLOBAL = {
    "LayerNorm over positions": lambda net, x: F.layer_norm(x, x.shape[2:]),
    "GroupNorm": lambda net, x: F.group_norm(x, 2),
    "squeeze-excite": lambda net, x: x * torch.sigmoid(x.mean(dim=2, keepdim=True)),
    "softmax over positions": lambda net, x: torch.softmax(x, dim=2),
    "turned around": lambda net, x: x + x.flip(2),
    "positional weights": lambda net, x: x * torch.linspace(0, 1, x.shape[2]),
    "without gradient": lambda net, x: x.double().float(),
}


@pytest.mark.parametrize("name", list(GLOBAL))
def test_operations_that_need_whole_tensors(name):
    model = ready(Forward(GLOBAL[name]))
    X = one_hot(2)
    edits = Substitutions(X, 10, 20)
    found, whole = materialised(model, edits, X)
    assert whole
    with torch.no_grad():
        expected = model(edits.full(torch.arange(len(edits))))
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", sorted(attribution_nets.NETS))
def test_every_net_of_the_attributions(name):
    model = attribution_nets.build(name)
    X = attribution_nets.one_hot(2, attribution_nets.LENGTH, seed=5)
    options = {"start": 30, "end": 33}
    found = se.saturation_mutagenesis(model, X, engine="window", **options)
    plain = se.saturation_mutagenesis(model, X, engine="plain", **options)
    torch.testing.assert_close(found, plain, atol=1e-5 * float(plain.abs().max() + 1), rtol=1e-5)


def starr(letters=4, outputs=2):
    layers = [nn.Conv1d(letters, 8, 7, padding="same"), nn.BatchNorm1d(8), nn.ReLU()]
    layers += [nn.MaxPool1d(2), nn.Conv1d(8, 6, 3, padding="same"), nn.BatchNorm1d(6), nn.ReLU()]
    layers += [nn.MaxPool1d(3), nn.Flatten(), nn.LazyLinear(9), nn.ReLU(), nn.Linear(9, outputs)]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("letters", [2, 5, 20])
def test_other_alphabets_and_types(letters, dtype):
    model = ready(starr(letters), letters=letters).to(dtype)
    X = one_hot(2, letters=letters)
    X[0, :, [0, 20, 49]] = 0
    found = se.saturation_mutagenesis(model, X, engine="window")
    plain = se.saturation_mutagenesis(model, X, engine="plain")
    assert found.shape == (2, letters, LENGTH, 2)
    assert found.dtype == dtype
    precision = 1e-5 if dtype == torch.float32 else 1e-12
    scale = float(model(X.to(dtype)).detach().abs().max()) + float(plain.abs().max())
    torch.testing.assert_close(found, plain, atol=precision * scale, rtol=0)


@pytest.mark.parametrize(("start", "end"), [(0, 1), (13, 40), (-2, None)])
def test_spans_and_extra_inputs(start, end):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = starr()

        def forward(self, x, by):
            return self.net(x) * by[:, None]

    model = Scaled()
    model.net = ready(model.net)
    options = {"args": [torch.tensor([1.0, -2.0, 0.5])], "start": start, "end": end}
    found = se.saturation_mutagenesis(model, one_hot(3), engine="window", **options)
    plain = se.saturation_mutagenesis(model, one_hot(3), engine="plain", **options)
    torch.testing.assert_close(found, plain, atol=1e-6, rtol=1e-5)


def test_many_passes_equal_one(monkeypatch):
    from seqexplainer._incremental import _engine, _exits

    model, X = ready(starr()), one_hot(3)
    expected = se.saturation_mutagenesis(model, X, engine="window")
    monkeypatch.setattr(_engine, "_TOGETHER", 50)
    monkeypatch.setattr(_exits, "_NUMBERS", 300)
    found = se.saturation_mutagenesis(model, X, engine="window")
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    monkeypatch.setattr(_exits, "_LARGEST", 1000)
    found = se.saturation_mutagenesis(model, X, engine="window")
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("width", [1, 6, 30])
def test_replacements(width):
    model, X = ready(starr()), one_hot(4)
    generator = torch.Generator().manual_seed(2)
    rows = torch.randint(0, 4, (37,), generator=generator)
    starts = torch.randint(0, LENGTH - width + 1, (37,), generator=generator)
    edits = Replacements(X, rows, starts, torch.rand(37, 4, width, generator=generator))
    found, whole = materialised(model, edits, X)
    assert whole == []
    with torch.no_grad():
        expected = model(edits.full(torch.arange(37)))
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)


def test_sequences_that_differ_in_places():
    model, X = ready(starr()), one_hot(3)
    rows = torch.arange(24) % 3
    edited = X[rows]
    for i, width in enumerate([0, 1, 3, 15, 20, 50] * 4):
        edited[i, :, i % 5 : i % 5 + width] = one_hot(1, 50, seed=i)[0, :, :width][
            :, : max(0, 50 - i % 5)
        ]
    with frozen(model) as held, torch.no_grad():
        engine = Engine(held, lambda y: y, engine="window")
        wild_type, found = engine.edited(X, rows, edited)
        torch.testing.assert_close(wild_type, held(X))
        torch.testing.assert_close(found, held(edited), atol=2e-6, rtol=1e-5)
    assert engine.reason == ""


def test_the_reason_is_kept_and_told(caplog):
    class Batch(nn.Module):
        def forward(self, x):
            return (x * x.mean(dim=0)).sum(dim=(1, 2))

    with frozen(Batch()) as held, torch.no_grad(), caplog.at_level(logging.INFO, "seqexplainer"):
        engine = Engine(held, lambda y: y, engine="window", purpose="the test")
        X = one_hot(1)
        engine.outputs(X, Substitutions(X, 0, LENGTH))
    assert "windows differ" in engine.reason
    assert "the test takes the plain way: windows differ" in caplog.text


class Counting(nn.Module):
    """A net that counts the sequences that go through it whole, and keeps its largest output."""

    def __init__(self):
        super().__init__()
        self.net = ready(starr(outputs=1), 200)
        self.whole, self.largest = 0, 0.0

    def forward(self, x):
        out = self.net(x)
        if getattr(x, "_seqexplainer_edited", None) is None:
            self.whole += len(x)
            self.largest = max(self.largest, float(out.detach().abs().max()))
        return out


def compare(run):
    """Compare a function under both engines; return the share of sequences run whole by windows."""
    model = Counting()
    expected = run(model, "plain")
    plain, model.whole = model.whole, 0
    found = run(model, "window")
    # effects and interactions may be far smaller than the outputs they are differences of
    scale = max(model.largest, np.nanmax(np.abs(expected)))
    np.testing.assert_allclose(found, expected, atol=1e-5 * scale, rtol=1e-5)
    return model.whole / plain


def test_variants_share_their_reference():
    generator = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", "S1")
    ref = generator.choice(letters, (3, 200)).repeat(40, axis=0)
    alt = ref.copy()
    for i, row in enumerate(alt):
        at = generator.integers(0, 190)
        row[at : at + 1 + i % 5] = generator.choice(letters, 1 + i % 5)
    alt[7] = np.roll(ref[7], 3)

    def run(model, engine):
        table = se.variant_effects(model, ref, alt, engine=engine, scores="difference")
        return table.to_numpy()

    assert compare(run) < 0.2


def test_epistasis_takes_the_first_edit_as_its_reference():
    edits = [("A", 20), ("GATA", 60), ("T", 90), ("CCC", 120), ("G", 160)]
    X = one_hot(12, 200)
    run = lambda m, e: se.epistasis(m, X, edits, engine=e, n_resamples=20).interaction  # noqa: E731
    assert compare(run) < 0.9


@pytest.mark.parametrize(
    "run",
    [
        lambda m, X, e: se.marginalize(m, X, "GATAAG", engine=e, n_resamples=20).after,
        lambda m, X, e: se.ablate(m, X, [(20, 30), (100, 109)], engine=e, n_resamples=20).after,
        lambda m, X, e: se.perturb.occlude(m, X, width=5, engine=e, n_resamples=20).effect,
        lambda m, X, e: se.positional_importance(m, X, "GAT", engine=e, n_resamples=20).effect,
        lambda m, X, e: se.space(
            m, X, "GATA", "TGA", distances=[0, 5], engine=e, n_resamples=20
        ).effect,
    ],
)  # fmt: skip
def test_experiments(run):
    X = one_hot(6, 200)
    assert compare(lambda m, e: run(m, X, e)) < 1.8


def test_subsets():
    pool = one_hot(30, 200)

    def run(model, engine):
        outputs = se.predict(model.net, pool)[:, 0]
        at = outputs.argsort(descending=True)[:2]
        lowest = float(outputs[at].min() + se.predict(model.net, torch.full((1, 4, 200), 0.25))) / 2
        found = se.sufficient_input_subsets(
            model, pool[at], threshold=lowest, max_subsets=1, engine=engine
        )
        return np.concatenate([s[0].values[:150] for s in found.subsets])

    assert compare(run) < 0.1


def test_evolution():
    X = one_hot(2, 200)
    assert compare(lambda m, e: se.evolve(m, X, rounds=3, engine=e).scores) < 0.05


@pytest.mark.parametrize(
    "run",
    [
        lambda m, X: se.evolve(m, X, engine="fast"),
        lambda m, X: se.marginalize(m, X, "GATA", engine="fast"),
        lambda m, X: se.sufficient_input_subsets(m, X, threshold=0.0, engine="fast"),
        lambda m, X: se.variant_effects(m, X, X, engine="fast"),
    ],
)
def test_unknown_engines(run):
    with pytest.raises(InputError, match="unknown engine 'fast'"):
        run(ready(starr()), one_hot(1))
