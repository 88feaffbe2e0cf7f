from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import seqexplainer as se
from seqexplainer.errors import InputError, TargetError


class Function(torch.nn.Module):
    """A function as a model, which notes how many rows each pass had."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function
        self.passes: list[int] = []

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        self.passes.append(len(X))
        return self.function(X)


def slow(function, x: np.ndarray, threshold: float, mask: np.ndarray) -> list[tuple]:
    """The definition, one sequence and one position at a time."""
    found = []
    rest, open_ = x.copy(), list(range(x.shape[1]))
    while open_ and function(rest) >= threshold:
        now, left, order, values = rest.copy(), list(open_), [], []
        while left:
            tried = []
            for position in left:
                without = now.copy()
                without[:, position] = mask[:, position]
                tried.append(function(without))
            best = int(np.argmax(tried))
            now[:, left[best]] = mask[:, left[best]]
            order.append(left.pop(best))
            values.append(tried[best])
        inside = []
        alone = mask.copy()
        for position in order[::-1]:
            if function(alone) >= threshold:
                break
            alone[:, position] = x[:, position]
            inside.append(position)
        if not inside:
            break
        found.append((inside, order, values))
        for position in inside:
            rest[:, position] = mask[:, position]
            open_.remove(position)
    return found


def same(subsets, expected) -> None:
    assert len(subsets) == len(expected)
    for subset, (inside, order, values) in zip(subsets, expected, strict=True):
        assert subset.positions.tolist() == list(inside)
        assert subset.order.tolist() == list(order)
        np.testing.assert_allclose(subset.values, values, atol=1e-9)


@pytest.fixture(scope="module")
def golden(golden_files: Path) -> dict:
    return json.loads((golden_files / "sis_toy.json").read_text())


def test_golden_vectors(golden):
    norm = Function(lambda X: X.double().flatten(1).norm(dim=1))
    total = Function(lambda X: X.double().flatten(1).sum(dim=1))
    one = Function(lambda X: torch.ones(len(X), dtype=torch.float64))
    for name, function, x, threshold in (
        ("l2_docstring", norm, [0.1, 10.0, 5.0], 1.0),
        ("ties_sum", total, [1.0] * 5, 2.0),
        ("below_threshold", total, [1.0] * 5, 6.0),
        ("always_above", one, [1.0] * 3, 0.5),
    ):
        X = np.array([[x]])
        found = se.sufficient_input_subsets(
            function, X, threshold=threshold, mask=0.0, dtype=torch.float64
        )
        cases = [
            tuple(
                [v[0] if isinstance(v, list) else v for v in case[key]]
                for key in case
                if key != "mask"
            )
            for case in golden[name]
            if case["sis"]
        ]
        same(found.subsets[0], cases)
        expected = [case["mask"] for case in golden[name] if case["sis"]]
        labels = found.labels()[0]
        assert [(labels == i + 1).astype(int).tolist() for i in range(len(expected))] == expected


def test_golden_logistic_model(golden):
    case = golden["linear_logistic_dna_positive"]
    weights = torch.tensor(case["w"], dtype=torch.float64).T
    model = Function(lambda X: torch.sigmoid((X * weights).sum(dim=(1, 2)) + case["bias"]))
    X = np.eye(4)[case["x_idx"]].T[None]
    found = se.sufficient_input_subsets(
        model, X, threshold=case["threshold"], dtype=torch.float64, batch_size=5
    )
    assert found.outputs[0] == pytest.approx(case["f_x"], abs=1e-12)
    assert found.masked[0] == pytest.approx(case["f_masked"], abs=1e-12)
    expected = [
        ([p for p, _ in c["sis"]], [p for p, _ in c["order"]], c["values"])
        for c in case["collection"]
    ]
    same(found.subsets[0], expected)
    low = golden["linear_logistic_dna"]
    weights = torch.tensor(low["w"], dtype=torch.float64).T
    model = Function(lambda X: torch.sigmoid((X * weights).sum(dim=(1, 2))))
    X = np.eye(4)[low["x_idx"]].T[None]
    options = {"dtype": torch.float64}
    none = se.sufficient_input_subsets(model, X, threshold=low["threshold"], **options)
    assert none.outputs[0] == pytest.approx(low["f_x"], abs=1e-12)
    assert none.masked[0] == pytest.approx(low["f_masked"], abs=1e-12)
    assert none.subsets == ((),)
    # everything masked is above this threshold: an empty set is no subset
    other = se.sufficient_input_subsets(model, X, threshold=0.9 * low["f_x"], **options)
    assert other.subsets == ((),)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_equals_the_definition(batch_size):
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv1d(4, 6, 4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(6 * 9, 1)
    ).double()
    rng = np.random.default_rng(3)
    X = np.eye(4)[rng.integers(0, 4, (8, 12))].swapaxes(1, 2)
    mask = np.broadcast_to(rng.dirichlet([1] * 4)[:, None], (4, 12)).copy()
    outputs = net(torch.tensor(X))[:, 0].detach().numpy()
    masked = float(net(torch.tensor(mask[None])).detach())
    thresholds = masked + 0.25 * np.abs(outputs - masked) + 0.02
    found = se.sufficient_input_subsets(
        net, X, threshold=thresholds, mask=mask, batch_size=batch_size
    )

    def function(x: np.ndarray) -> float:
        return float(net(torch.tensor(x[None])).detach())

    for i in range(8):
        same(found.subsets[i], slow(function, X[i], thresholds[i], mask))
    assert max(map(len, found.subsets)) > 1
    first = se.sufficient_input_subsets(net, X, threshold=thresholds, mask=mask, max_subsets=1)
    for one, every in zip(first.subsets, found.subsets, strict=True):
        same(one, every[:1])
    assert ((found.labels() == 1) == (first.labels() == 1)).all()


def test_all_sequences_advance_together():
    weights = torch.linspace(1, 2, 30)
    model = Function(lambda X: (X[:, 0] * weights).sum(dim=1))
    X = torch.ones(5, 1, 30)
    found = se.sufficient_input_subsets(
        model, X, threshold=10.0, mask=0.0, max_subsets=1, batch_size=150, engine="plain"
    )
    # one pass a position, and the outputs before and after
    assert len(model.passes) == 32
    assert max(model.passes) == 150
    assert (found.labels() == found.labels()[:1]).all()
    assert found.labels()[0].nonzero()[0].tolist() == [24, 25, 26, 27, 28, 29]


def test_extra_inputs_and_state():
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, X: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
            return X[:, 0].sum(dim=1) * by * self.weight

    model = Scaled().train()
    found = se.sufficient_input_subsets(
        model, torch.ones(3, 1, 6), threshold=6.0, mask=0.0, args=[torch.tensor([0.5, 1.0, 3.0])]
    )
    assert [[len(s.positions) for s in row] for row in found.subsets] == [[], [6], [2, 2, 2]]
    assert model.training
    assert model.weight.requires_grad


def test_bad_arguments():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1))
    X = np.zeros((2, 4, 3))
    for options, message in (
        ({"threshold": [0.1, 0.2, 0.3]}, r"one a sequence \(2\)"),
        ({"threshold": np.nan}, "threshold must be"),
        ({"threshold": 0.1, "mask": np.zeros(5)}, "mask must be a number or broadcast"),
        ({"threshold": 0.1, "batch_size": 0}, "batch_size must be at least 1"),
        ({"threshold": 0.1, "max_subsets": 0}, "max_subsets must be at least 1"),
    ):
        with pytest.raises(InputError, match=message):
            se.sufficient_input_subsets(model, X, **options)
    with pytest.raises(TargetError, match="out of range"):
        se.sufficient_input_subsets(model, X, threshold=0.1, target=3)
    broken = Function(lambda X: X.flatten(1).sum(dim=1) * np.nan)
    with pytest.raises(InputError, match="not a number"):
        se.sufficient_input_subsets(broken, X, threshold=0.1)
