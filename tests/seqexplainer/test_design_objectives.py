"""Several objectives, several models, the gradient search and one interface."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from seqexplainer.design import SEARCHES, Constraints, Objective, design, evolve
from seqexplainer.design._genetic import sort_by_dominance
from seqexplainer.design._gradient import make_feasible
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb import backgrounds
from seqexplainer.predict import predict


def make_model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(4, 8, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(8 * 12, 2),
    ).eval()


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return make_model(0)


@pytest.fixture(scope="module")
def starts() -> torch.Tensor:
    return backgrounds(kind="random", n=5, length=24, seed=3)


SHORT = {"greedy": 3, "beam": 3, "annealing": 60, "genetic": 8, "gradient": 10}


def test_weights_over_outputs_are_a_callable_in_short(model, starts):
    by_weight = evolve(model, starts, rounds=3, target={0: 1.0, 1: -2.0})
    by_function = evolve(model, starts, rounds=3, target=lambda y: y[:, 0] - 2 * y[:, 1])
    np.testing.assert_array_equal(by_weight.positions, by_function.positions)
    np.testing.assert_allclose(by_weight.scores, by_function.scores, rtol=1e-5, atol=1e-6)


def test_weighted_objectives_are_their_sum(model, starts):
    listed = [{"target": 0, "weight": 2.0}, Objective(target=1, maximize=False)]
    result = evolve(model, starts, rounds=3, objectives=listed)
    summed = evolve(model, starts, rounds=3, target={0: 2.0, 1: -1.0})
    np.testing.assert_array_equal(result.positions, summed.positions)
    np.testing.assert_allclose(result.scores, summed.scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", sorted(SEARCHES))
def test_every_method_takes_objectives_models_and_plain_constraints(model, starts, method):
    result = design(
        [model, make_model(1)],
        starts,
        method=method,
        rounds=SHORT[method],
        objectives=[{"target": 0}, {"target": 1, "goal": 0.1, "weight": 0.5}],
        caution=1.0,
        constraints={"protected": [[0, 4]], "gc": [0.2, 0.8], "max_edits": 5},
        population=16,
    )
    outputs = np.stack([predict(m, result.sequences).numpy() for m in (model, make_model(1))])
    mean, sd = outputs.mean(axis=0), outputs.std(axis=0)
    expected = mean[:, 0] - sd[:, 0] + 0.5 * (-np.abs(mean[:, 1] - 0.1) - sd[:, 1])
    np.testing.assert_allclose(result.scores[:, -1], expected, rtol=1e-4, atol=1e-5)
    assert (result.scores[:, -1] > result.scores[:, 0]).all()
    codes, original = (x.numpy().argmax(axis=1) for x in (result.sequences, starts))
    limits = Constraints(protected=[(0, 4)], gc=(0.2, 0.8), max_edits=5)
    assert limits.satisfied(codes, original).all()


@pytest.mark.parametrize("maximize", [True, False])
def test_ensembles_are_judged_with_caution(model, starts, maximize):
    models = [make_model(s) for s in range(3)]
    result = evolve(models, starts, rounds=2, caution=0.5, maximize=maximize)
    outputs = np.stack([predict(m, result.sequences)[:, 0].numpy() for m in models])
    sign = 1 if maximize else -1
    expected = outputs.mean(axis=0) - sign * 0.5 * outputs.std(axis=0)
    np.testing.assert_allclose(result.scores[:, -1], expected, rtol=1e-4, atol=1e-6)


def dominated(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((other >= one).all() and (other > one).any())


def test_fronts_are_those_of_the_definition():
    gains = np.random.default_rng(0).integers(0, 5, size=(30, 3)).astype(float)
    order, rank = sort_by_dominance(gains)
    assert sorted(order.tolist()) == list(range(30))
    assert (np.diff(rank[order]) >= 0).all()
    left = set(range(30))
    for number in range(rank.max() + 1):
        front = {i for i in left if not any(dominated(gains[i], gains[j]) for j in left)}
        assert front == set(np.flatnonzero(rank == number).tolist())
        left -= front
    assert not left


def test_pareto_search_returns_a_front(model, starts):
    objectives = [Objective(target=0), Objective(target=1, maximize=False)]
    limits = Constraints(max_edits=6)
    result = design(
        model,
        starts,
        method="genetic",
        objectives=objectives,
        pareto=True,
        rounds=20,
        constraints=limits,
    )
    front = result.front
    assert front is not None
    np.testing.assert_allclose(front.values, predict(model, front.sequences), atol=1e-5)
    for i in range(len(starts)):
        rows = np.flatnonzero(front.owner == i)
        gains = front.values[rows] * [1, -1]
        assert len(rows) > 3
        assert not any(dominated(a, b) for a in gains for b in gains)
        start = predict(model, starts[i : i + 1])[0].numpy() * [1, -1]
        assert (gains.max(axis=0) > start).all()
    codes = front.sequences.numpy().argmax(axis=1)
    assert limits.satisfied(codes, starts.numpy().argmax(axis=1)[front.owner]).all()


# ---------------------------------------------------------------- gradient


def test_gradient_reaches_greedy_at_equal_budget(model):
    X = backgrounds(kind="random", n=4, length=24, seed=11)
    limits = Constraints(max_edits=5)
    greedy = design(model, X, rounds=5, constraints=limits)
    found = design(model, X, method="gradient", rounds=40, constraints=limits)
    assert (found.scores[:, -1] >= greedy.scores[:, -1] - 1e-6).mean() >= 0.75
    assert found.scores[:, -1].mean() >= greedy.scores[:, -1].mean()


def test_gradient_takes_needless_edits_back():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4 * 10, 1, bias=False))
    weight = torch.zeros(4, 10)
    weight[2, [3, 7]] = torch.tensor([1.0, 0.2])
    linear[1].weight.data.copy_(weight.reshape(1, -1))
    X = torch.zeros(1, 4, 10, dtype=torch.uint8)
    X[:, 0] = 1
    X[:, :, 9] = 0
    result = design(linear, X, method="gradient", rounds=60)
    assert result.edits()[["position", "ref", "alt"]].values.tolist() == [
        [3, "A", "G"],
        [7, "A", "G"],
    ]
    cheap = design(linear, X, method="gradient", rounds=60, edit_cost=0.5)
    assert cheap.edits()["position"].tolist() == [3]


def test_gradient_leaves_the_model_as_it_was(model, starts):
    model.train()
    design(model, starts[:1], method="gradient", rounds=2)
    assert model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    model.eval()


def test_no_budget_no_edit(model, starts):
    result = design(model, starts[:2], method="gradient", rounds=2, constraints={"max_edits": 0})
    np.testing.assert_array_equal(result.sequences, starts[:2])
    assert not len(result.edits())
    assert not len(result.trace())


def test_windows_are_made_feasible():
    rng = np.random.default_rng(0)
    original = rng.integers(0, 4, size=30)
    codes = rng.integers(0, 4, size=(50, 30))
    margin = rng.random((50, 30))
    limits = Constraints(
        gc=(0.4, 0.6), max_homopolymer=4, forbidden=["GAT", "CCW"], protected=[(3, 6)]
    )
    made = make_feasible(codes, margin, original, limits)
    starts = np.repeat(original[None], 50, axis=0)
    assert limits.satisfied(made, starts).all()
    assert np.isin(made == codes, True).sum() > (starts == codes).sum()
    assert ((made == codes) | (made == starts)).all()


# ---------------------------------------------------------------- traces


@pytest.mark.parametrize("method", sorted(SEARCHES))
def test_the_trace_rebuilds_every_round(model, starts, method):
    rounds = SHORT[method]
    result = design(model, starts, method=method, rounds=rounds, population=12)
    codes = starts.numpy().argmax(axis=1)
    table = result.trace()
    for r in range(rounds + 1):
        for row in table[table["round"] == r].itertuples():
            assert codes[row.sequence, row.position] == "ACGT".index(row.ref)
            codes[row.sequence, row.position] = "ACGT".index(row.alt)
        np.testing.assert_array_equal(result.at(r).numpy().argmax(axis=1), codes)
        scores = predict(model, result.at(r))[:, 0]
        np.testing.assert_allclose(result.scores[:, r], scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.sequences.numpy().argmax(axis=1), codes)
    frame = result.to_frame()
    assert (frame["position"] >= 0).sum() == len(table)
    scores = frame.groupby(["sequence", "round"])["score"].last().unstack().to_numpy()
    np.testing.assert_array_equal(scores, result.scores)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objectives": [{"targets": 0}]}, "expected target, maximize, goal and weight"),
        ({"objectives": [{"target": 0}], "goal": 1.0}, "but not both"),
        ({"objectives": []}, "at least one model and one objective"),
        ({"objectives": [{"weight": 0.0}]}, "expected a positive number"),
        ({"target": {}}, "empty mapping"),
        ({"caution": -1.0}, "caution is -1"),
        ({"pareto": True}, "needs method='genetic'"),
        ({"edit_cost": -1.0}, "at least 0"),
        ({"temperature": 0.0}, "positive"),
        ({"constraints": {"max_edit": 3}}, "did you mean 'max_edits'"),
        ({"constraints": {"protected": [3, 4]}}, "pairs"),
    ],
)
def test_arguments(model, starts, arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        design(model, starts, **arguments)
