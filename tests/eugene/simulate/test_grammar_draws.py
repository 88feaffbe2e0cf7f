"""What our own draws of published grammars look like, against what the definitions say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from eugene.simulate import grammar as g

FOLDER = Path(__file__).resolve().parents[3].parent / "shared/data/seqgra_definitions/data"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared")

Draw = Callable[[str, int], tuple[g.Grammar, xr.Dataset]]


@pytest.fixture(scope="module")
def draw() -> Draw:
    """A grammar, and rows of its training set, as many for each example."""

    def drawn(name: str, rows: int) -> tuple[g.Grammar, xr.Dataset]:
        (path,) = FOLDER.glob(f"{name}*.xml.gz")
        grammar = g.from_definition(path)
        examples = tuple(
            dataclasses.replace(e, samples=rows if e.samples else 0)
            for e in grammar.sets["training"]
        )
        sets = {"training": examples, "validation": (), "test": ()}
        grammar = dataclasses.replace(grammar, sets=sets)
        return grammar, grammar.generate(seed=11)

    return drawn


def starts_of(ds: xr.Dataset, element: int) -> np.ndarray:
    """Place of the first letter of an element in each row, -1 where it is not."""
    there = ds["element"].values == element
    return np.where(there.any(1), there.argmax(1), -1)


@pytest.mark.parametrize(
    "name", ["mc10-dna1000-homer-10k", "mc2-protein100", "ml4-dna150", "mc20-dna1000"]
)
def test_every_example_has_its_rows(name: str, draw: Draw) -> None:
    grammar, ds = draw(name, 7)
    ids = [c.id for c in grammar.conditions]
    table = np.stack([ds[c].values for c in ids], 1).astype(bool)
    found: dict[tuple[str, ...], int] = {}
    for row in table:
        key = tuple(np.array(ids)[row])
        found[key] = found.get(key, 0) + 1
    wanted: dict[tuple[str, ...], int] = {}
    for example in grammar.sets["training"]:
        key = tuple(sorted(example.conditions, key=ids.index))
        wanted[key] = wanted.get(key, 0) + example.samples
    assert found == wanted
    empty = ~table.any(1)
    assert not ds["annotation"].values[empty].any()


@pytest.mark.parametrize("name", ["mc2-dna1000-homer-100k", "mc10-dna1000-homer-interaction"])
def test_letters_of_the_background(name: str, draw: Draw) -> None:
    grammar, ds = draw(name, 150 if name.startswith("mc10") else 750)
    letters = ds["seq"].values[ds["annotation"].values == 0]
    assert letters.size > 1e6
    weights = dict(grammar.background[0].weights)
    total = sum(weights.values())
    for letter, weight in weights.items():
        assert abs((letters == letter.encode()).mean() - weight / total) < 0.005


def test_letters_depend_on_the_condition(draw: Draw) -> None:
    grammar, ds = draw("ml4-dna150", 100)
    table = np.stack([ds[c.id].values for c in grammar.conditions], 1)
    for letters in grammar.background:
        if letters.condition is None or letters.set is not None:
            continue
        alone = (table.sum(1) == 1) & (ds[letters.condition].values == 1)
        own = ds["seq"].values[alone][ds["annotation"].values[alone] == 0]
        total = sum(w for _, w in letters.weights)
        for letter, weight in letters.weights:
            assert abs((own == letter.encode()).mean() - weight / total) < 0.02


def test_distances_between_elements(draw: Draw) -> None:
    grammar, ds = draw("mc10-dna1000-homer-interaction", 400)
    labels = ds["label"].values
    seen = set()
    for label, condition in enumerate(grammar.conditions):
        (rule,) = condition.rules
        (spacing,) = rule.spacing
        own = ds.isel(_sequence=labels == label)
        number = {e.id: i + 1 for i, e in enumerate(grammar.elements)}
        first, second = (starts_of(own, number[e]) for e in (spacing.first, spacing.second))
        width = grammar.by_id[spacing.first].width
        room = grammar.min_length - width - grammar.by_id[spacing.second].width
        low, high = spacing.min_distance, min(spacing.max_distance, room)
        gaps = second - first - width
        assert spacing.order == "in-order"
        assert (first < second).all()
        assert gaps.min() >= low
        assert gaps.max() <= high
        edges = np.linspace(low, high + 1, 11)
        # a bin holds as many whole distances as lie between its edges
        held = np.histogram(np.arange(low, high + 1), edges)[0]
        found = np.histogram(gaps, edges)[0]
        assert stats.chisquare(found, held * len(gaps) / held.sum()).pvalue > 1e-4
        seen.add((low, high))
    assert {(0, 100), (500, 968)} <= seen


def test_order_of_elements(draw: Draw) -> None:
    grammar, ds = draw("mc2-dna1000-homer-interaction-order", 500)
    first, second = (starts_of(ds, number) for number in (1, 2))
    swapped = ds["label"].values == 1
    assert ((first > second) == swapped).all()
    assert (ds["element"].values > 0).sum(1).max() == sum(e.width for e in grammar.elements)


def test_a_fixed_place_and_the_chance_of_a_rule(draw: Draw) -> None:
    grammar, ds = draw("mc8-dna150", 1000)
    for label, condition in enumerate(grammar.conditions):
        own = ds.isel(_sequence=ds["label"].values == label)
        there = own["annotation"].values.any(1)
        assert {*own["annotation"].values[there].argmax(1)} <= {64}
        chance = condition.rules[0].probability
        assert abs(there.mean() - chance) <= 3 * np.sqrt(chance * (1 - chance) / len(there))


def test_letters_of_a_matrix(draw: Draw) -> None:
    grammar, ds = draw("mc2-dna1000-homer-100k", 20_000)
    for number, element in enumerate(grammar.elements, start=1):
        there = ds["element"].values == number
        rows = there.any(1)
        letters = ds["seq"].values[there].reshape(rows.sum(), element.width)
        assert len(letters) == 20_000
        for column, weights in zip(letters.T, element.matrix, strict=True):
            total = sum(w for _, w in weights)
            for letter, weight in weights:
                assert abs((column == letter.encode()).mean() - weight / total) < 0.012


def test_threads_of_others_are_left_alone(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for name in ("get_num_threads", "set_num_threads"):
        monkeypatch.setattr(numba, name, lambda *_: asked.append(1))
    draw("mc8-dna150", 10)
    assert not asked
