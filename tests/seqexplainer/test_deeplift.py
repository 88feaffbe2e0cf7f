"""DeepLIFT's rules: completeness, hand-computed multipliers, tangermeme, robustness."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))

from attribution_nets import LENGTH, NETS, PEER, RECURRENT, build, one_hot

import seqexplainer as se
from seqexplainer._inputs import frozen
from seqexplainer.attribute import _rules, _trace
from seqexplainer.attribute._deeplift import blame, multipliers
from seqexplainer.attribute._rows import FIRST, Pairs, Rows
from seqexplainer.errors import GraphError, TargetError

X = one_hot(3, LENGTH, seed=1)
R = one_hot(3, 5, LENGTH, seed=2)


def explain(model, x=X, r=R, target=lambda out: out[:, 0], args=()):
    with frozen(model) as held:
        return multipliers(held, x, r, target, args)


def relative(found) -> float:
    change = (found.at_sequences[:, None] - found.at_references).abs().mean()
    return float(found.residual.abs().max() / change)


@pytest.mark.parametrize("name", list(NETS))
def test_rules_are_complete(name):
    assert relative(explain(build(name))) <= 1e-4


@pytest.mark.parametrize("name", list(RECURRENT))
def test_recurrent_nets_integrate_locally(name):
    assert relative(explain(build(name))) <= 1e-4


@pytest.mark.parametrize("name", PEER)
def test_equals_tangermeme_where_it_is_right(name):
    peer = pytest.importorskip("tangermeme.deep_lift_shap")
    model = build(name).double()
    theirs = peer.deep_lift_shap(
        model, X.double(), references=R.double(), raw_outputs=True, device="cpu", batch_size=64
    )
    ours = explain(model, X.double(), R.double()).values
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def linear(rows) -> nn.Linear:
    layer = nn.Linear(len(rows[0]), len(rows), bias=False).double()
    layer.weight.data = torch.tensor(rows, dtype=torch.float64)
    return layer


class TwoLayers(nn.Module):
    """Two linear layers on a sequence of one position, with an operation between."""

    def __init__(self, first, operation, second) -> None:
        super().__init__()
        self.first, self.operation, self.second = linear(first), operation, linear(second)

    def forward(self, x):
        return self.second(self.operation(self.first(x.flatten(1))))


# Input A against reference C: with first layer W the hidden values are W[:, 0] and W[:, 1].
HAND = {
    # hidden 2 -> relu 2 against -2 -> 0: slope 2 / 4; hidden 1 against 3: slope 1
    "relu": (
        [[2.0, -2.0, 1.0, 0.0], [1.0, 3.0, 0.0, 5.0]],
        torch.relu,
        [[1.0, 10.0]],
        [0.5 * 2 + 10 * 1, 0.5 * -2 + 10 * 3, 0.5 * 1, 10 * 5.0],
    ),
    # hidden 3 against 1: squares differ by 8 over 2, slope 4
    "square": ([[3.0, 1.0, 2.0, 0.0]], torch.square, [[0.5]], [6.0, 2.0, 4.0, 0.0]),
    # (2, 5) against (4, 1): product 10 against 4; mean of the other factor: 3 and 3
    "product": (
        [[2.0, 4.0, 0.0, 1.0], [5.0, 1.0, 1.0, 0.0]],
        lambda h: h[:, :1] * h[:, 1:],
        [[1.0]],
        [3 * 2 + 3 * 5.0, 3 * 4 + 3 * 1.0, 3 * 1.0, 3 * 1.0],
    ),
    # (1, 4) against (3, 2): the larger rises from 3 to 4. Over the top 4, the rise of 1 belongs
    # to the second (which changes by 2: slope 1/2); the fall of 0 to the first
    "maximum": (
        [[1.0, 3.0, 0.0, 0.0], [4.0, 2.0, 6.0, 0.0]],
        lambda h: h.amax(dim=1, keepdim=True),
        [[2.0]],
        [2 * 0.5 * 4, 2 * 0.5 * 2, 2 * 0.5 * 6, 0.0],
    ),
    # hidden 2 does not change: gradient of the sigmoid there; other hidden 0 against log 3
    "sigmoid": (
        [[2.0, 2.0, 1.0, 0.0], [0.0, 1.0986122886681098, 0.0, 1.0]],
        torch.sigmoid,
        [[1.0, 1.0]],
        None,
    ),
}


@pytest.mark.parametrize("name", list(HAND))
def test_multipliers_by_hand(name):
    first, operation, second, expected = HAND[name]
    if expected is None:
        at_two = float(torch.sigmoid(torch.tensor(2.0, dtype=torch.float64)))
        slope = 0.25 / 1.0986122886681098
        expected = [at_two * (1 - at_two) * w0 + slope * w1 for w0, w1 in zip(*first, strict=True)]
    x = torch.tensor([[[1.0], [0], [0], [0]]], dtype=torch.float64)
    r = torch.tensor([[[[0.0], [1], [0], [0]]]], dtype=torch.float64)
    found = explain(TwoLayers(first, operation, second), x, r)
    assert found.values.flatten().tolist() == pytest.approx(expected, abs=1e-12)


def test_a_broken_rule_shows_in_the_delta(monkeypatch):
    model = build("SiLU")
    assert relative(explain(model)) < 1e-5
    monkeypatch.setattr(_rules.Elementwise, "_slope", lambda self, w, x, r, fx, fr: (x - r) * 0 + 1)
    assert relative(explain(model)) > 0.05


@pytest.mark.parametrize("rule", ["relu", "sigmoid", "exp", "tanh", "reciprocal", "rsqrt", "sqrt"])
@given(values=st.lists(st.floats(0.01, 20), min_size=2, max_size=2))
@settings(max_examples=40, deadline=None)
def test_exact_slopes(rule, values):
    x, r = torch.tensor(values, dtype=torch.float64) - (8 if rule in ("relu", "tanh") else 0)
    function = getattr(torch, rule)
    slope = _rules._EXACT_SLOPES[rule](x, r)
    expected = function(x) - function(r)
    scale = max(1e-9, abs(float(function(x))) + abs(float(function(r))))
    assert abs(float(slope * (x - r) - expected)) <= 1e-12 * scale + 1e-13


def test_one_forward_pass_of_the_sequence():
    seen = []
    model = nn.Sequential(nn.Flatten(), nn.Linear(4 * LENGTH, 2))
    model.register_forward_hook(lambda module, args, out: seen.append(len(out)))
    explain(model)
    assert seen == [3 + 15]


def test_blame_names_operation_and_module():
    model = build("conv-relu")
    model[1] = SortLayer()
    with frozen(model) as held:
        found = blame(held, X, R, lambda out: out[:, 0])
    assert (found[0].operation, found[0].module) == ("sort", "1")
    assert found[0].residual > 100 * found[1].residual
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


class SortLayer(nn.Module):
    def forward(self, x):
        return x.sort(dim=-1).values


def test_detached_weights_are_those_of_the_sequence():
    class Profile(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(4, 1, 5)

        def forward(self, x):
            logits = self.conv(x)[:, 0]
            return (torch.softmax(logits.detach(), dim=-1) * logits).sum(dim=-1, keepdim=True)

    model = Profile()
    found = explain(model)
    with torch.no_grad():
        weights = torch.softmax(model.conv(X)[:, 0], dim=-1)
    leaf = X.clone().requires_grad_()
    (weights * model.conv(leaf)[:, 0]).sum().backward()
    assert torch.allclose(found.values, leaf.grad[:, None].expand_as(found.values), atol=1e-6)


def test_extra_inputs_are_shared_with_references():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.flat = nn.Linear(4 * LENGTH, 3)

        def forward(self, x, gate):
            return (F.relu(self.flat(x.flatten(1))) * gate).sum(dim=1, keepdim=True)

    found = explain(Gated(), args=[torch.rand(3, 3)])
    assert relative(found) < 1e-5


def test_mode_flags_and_hooks_are_restored_after_an_error():
    model = build("conv-bn-relu-maxpool4").train()
    model[0].eval()
    model[1].weight.requires_grad_(False)
    before = [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]
    with pytest.raises(TargetError, match="out of range"):
        se.attribute(model, X, target=7)
    assert before == (
        [m.training for m in model.modules()],
        [p.requires_grad for p in model.parameters()],
    )
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    assert not torch.overrides._get_current_function_mode()


class _MixesBatch(nn.Module):
    def forward(self, x):
        h = x.flatten(1)
        return (torch.tanh(h.sum(dim=0)).sum() * h.sum(dim=1)).unsqueeze(1)


class _Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(4, 2)

    def forward(self, x):
        return self.table(x.argmax(dim=1)).mean(dim=1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_MixesBatch(), "no longer apart"),
        (_Tokens(), "does not depend on the sequence through differentiable"),
        (nn.Sequential(nn.Flatten(), nn.Softmax(dim=0)), "mixes the examples"),
        (
            nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.Flatten()),
            "no running statistics",
        ),
    ],
)
def test_what_cannot_be_followed_raises(model, message):
    with pytest.raises(GraphError, match=message):
        explain(model)


def test_saved_tensors_survive_later_in_place_changes():
    class Rewrites(nn.Module):
        def __init__(self):
            super().__init__()
            self.flat = nn.Linear(4 * LENGTH, 4)

        def forward(self, x):
            h = self.flat(x.flatten(1))
            first = torch.sigmoid(h)
            h.mul_(2).exp_()
            first += h
            return first

    assert relative(explain(Rewrites())) < 1e-5


@pytest.mark.parametrize("rows", [FIRST, Rows(1), Rows(1, 3, 2), Rows(2, 1, 4), Rows(0, 2, 1)])
def test_rows_come_back(rows):
    pairs = Pairs(2, 3)
    shape = [5, 5, 5]
    shape[rows.dim] = rows.outer * pairs.total * rows.inner
    tensor = torch.rand(shape)
    front = pairs.front(tensor, rows)
    assert front.shape[0] == pairs.total
    assert torch.equal(pairs.back(front, rows, shape), tensor)
    numbers = pairs.front(pairs.row_numbers(tensor, rows), rows).flatten(1)
    assert torch.equal(numbers, torch.arange(8.0).double()[:, None].expand_as(numbers))


def test_an_axis_as_long_as_the_batch_is_not_mistaken_for_it():
    # 18 rows; 18 positions and 36 channels
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(4, 36, 3, padding=1),
        nn.Tanh(),
        _Turn(),
        nn.Linear(36, 18),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(18 * 18, 1),
    )
    found = explain(model, one_hot(3, 18), one_hot(3, 5, 18, seed=4))
    assert relative(found) < 1e-4


class _PadFirst(nn.Module):
    """Pads to a length that is a multiple of the batch before anything else."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value
        self.conv = nn.Conv1d(4, 5, 3)
        self.head = nn.Linear(5 * 34, 1)

    def forward(self, x):
        h = torch.relu(torch.nn.functional.pad(x, (9, 9), value=self.value))
        return self.head(torch.nn.functional.gelu(self.conv(h)).flatten(1))


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_padding_is_not_mistaken_for_an_example(value):
    # 18 rows, 18 positions padded to 36
    found = explain(_PadFirst(value), one_hot(3, 18), one_hot(3, 5, 18, seed=4))
    assert relative(found) < 1e-5


class _PoolsApart(nn.Module):
    """Pools rows that hold the batch together with another axis."""

    def __init__(self, pool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 5)
        self.pool = pool
        self.head = nn.LazyLinear(1)

    def forward(self, x):
        h = torch.relu(self.conv(x))
        apart = self.pool(h.reshape(h.shape[0] * 3, 2, -1))
        return self.head(torch.tanh(apart).reshape(x.shape[0], -1))


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool1d(4, stride=2),
        nn.MaxPool1d(4, stride=2, padding=1),
        nn.AdaptiveMaxPool1d(3),
        lambda h: h.amax(dim=(1, 2)),
        lambda h: h.amin(dim=-1, keepdim=True),
        lambda h: h.max(dim=1).values,
    ],
)
def test_maxima_of_a_batch_that_shares_its_axis(pool):
    model = _PoolsApart(pool)
    model(one_hot(3, 18))
    found = explain(model, one_hot(3, 18), one_hot(3, 5, 18, seed=4))
    assert relative(found) < 1e-5


class _Turn(nn.Module):
    def forward(self, x):
        return torch.tanh(x.permute(2, 1, 0)).permute(2, 0, 1)


def test_names_of_operations_do_not_overlap():
    from seqexplainer import _operations
    from seqexplainer.attribute import _decompose

    groups = [
        _operations.ELEMENTWISE,
        _operations.ADDITIVE,
        _operations.MOVING,
        _operations.MULTILINEAR,
        _operations.CONSTANT,
        frozenset(_decompose.DECOMPOSED),
        frozenset(_trace._POOLS),
    ]
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert _operations.SMOOTH <= _operations.ELEMENTWISE
