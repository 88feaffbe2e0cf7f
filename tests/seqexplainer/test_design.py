"""Evolution under constraints."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqexplainer.design import SEARCHES, Constraints, design, evolve
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb import backgrounds
from seqexplainer.predict import predict


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv1d(4, 8, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(8 * 15, 2),
    )
    return net.eval()


@pytest.fixture(scope="module")
def starts() -> torch.Tensor:
    return backgrounds(kind="random", n=6, length=30, seed=3)


def slow_evolution(model: nn.Module, x: torch.Tensor, rounds: int, sign: float, column: int):
    """EUGENe's greedy search, one sequence and one substitution at a time.

    Every round takes the best substitution at a position that was not mutated before.
    """
    x, touched, trace = x.clone().float(), set(), []
    for _ in range(rounds):
        best = (-np.inf, -1, -1)
        for position in range(x.shape[1]):
            for letter in range(4):
                if position in touched or x[letter, position] == 1:
                    continue
                mutant = x.clone()
                mutant[:, position] = 0
                mutant[letter, position] = 1
                with torch.no_grad():
                    value = sign * float(model(mutant[None])[0, column])
                if value > best[0] + 1e-7:
                    best = (value, position, letter)
        _, position, letter = best
        trace.append((position, int(x[:, position].argmax()), letter, sign * best[0]))
        x[:, position] = 0
        x[letter, position] = 1
        touched.add(position)
    return x, trace


@pytest.mark.parametrize(("maximize", "column"), [(True, 0), (False, 1)])
def test_equals_one_sequence_at_a_time(model, starts, maximize, column):
    starts = starts[:3]
    result = evolve(model, starts, rounds=4, target=column, maximize=maximize, allow_worse=True)
    for i, start in enumerate(starts):
        x, trace = slow_evolution(model, start, 4, 1.0 if maximize else -1.0, column)
        np.testing.assert_array_equal(result.sequences[i], x)
        position, ref, alt, score = (np.array(v) for v in zip(*trace, strict=True))
        np.testing.assert_array_equal(result.positions[i], position)
        np.testing.assert_array_equal(result.refs[i], ref)
        np.testing.assert_array_equal(result.alts[i], alt)
        np.testing.assert_allclose(result.scores[i, 1:], score, rtol=1e-4, atol=1e-5)


def test_scores_are_those_of_the_sequences(model, starts):
    result = evolve(model, starts, rounds=5)
    for r in range(6):
        expected = predict(model, result.at(r))[:, 0]
        np.testing.assert_allclose(result.scores[:, r], expected, rtol=1e-5, atol=1e-6)
    assert (np.diff(result.scores, axis=1) >= 0).all()
    np.testing.assert_array_equal(result.at(0), starts)
    np.testing.assert_array_equal(result.at(5), result.sequences)


def test_batches_and_beams_do_not_depend_on_each_other(model, starts):
    together = evolve(model, starts, rounds=3, beam=3, batch_size=500)
    alone = evolve(model, starts[2:3], rounds=3, beam=3, batch_size=7)
    np.testing.assert_array_equal(together.positions[2], alone.positions[0])
    np.testing.assert_allclose(together.scores[2], alone.scores[0], rtol=1e-5, atol=1e-6)


def exhaustive_pairs(model: nn.Module, start: torch.Tensor) -> float:
    """Best score with at most two substitutions at different positions."""
    length = start.shape[1]
    rows = []
    for i in range(length):
        for a in range(4):
            for j in range(i + 1, length):
                for b in range(4):
                    x = start.clone()
                    x[:, i], x[:, j] = 0, 0
                    x[a, i], x[b, j] = 1, 1
                    rows.append(x)
    return float(predict(model, torch.stack(rows), batch_size=4096)[:, 0].max())


def test_a_wide_beam_is_at_least_as_good_and_finds_the_best_pair(model, starts):
    short = starts[:1]
    greedy = evolve(model, short, rounds=2).scores[0, -1]
    wide = evolve(model, short, rounds=2, beam=90, allow_worse=True)
    assert wide.scores[0, -1] >= greedy - 1e-6
    assert wide.scores[0, -1] == pytest.approx(
        exhaustive_pairs(model, short[0]), rel=1e-5, abs=1e-6
    )


def test_goal(model, starts):
    result = evolve(model, starts, rounds=12, goal=0.05)
    before, after = np.abs(result.scores[:, 0] - 0.05), np.abs(result.scores[:, -1] - 0.05)
    assert (after <= before).all()
    assert after.max() < 0.03


def test_callable_target_combines_outputs(model, starts):
    def gap(output: torch.Tensor) -> torch.Tensor:
        return output[:, 0] - output[:, 1]

    result = evolve(model, starts, rounds=3, target=gap)
    output = predict(model, result.sequences)
    np.testing.assert_allclose(
        result.scores[:, -1], output[:, 0] - output[:, 1], rtol=1e-5, atol=1e-6
    )


def test_stops_where_nothing_is_better():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(24, 1))
    flat[1].weight.data.zero_()
    flat[1].weight.data[0, 3] = 1.0
    X = np.eye(4, dtype=np.uint8)[np.ones((2, 6), int)].swapaxes(1, 2)
    result = evolve(flat, X, rounds=3)
    assert result.positions.tolist() == [[3, -1, -1]] * 2
    assert result.alts[:, 0].tolist() == [0, 0]
    assert evolve(flat, X, rounds=3, allow_worse=True).positions.min() >= 0
    frame = result.to_frame()
    expected = ["sequence", "round", "position", "ref", "alt", "score", "kind"]
    assert frame.columns.tolist() == expected
    assert frame["alt"].tolist() == ["", "A", "", ""] * 2


def test_ties_go_to_the_first_position_and_letter():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(24, 1))
    flat[1].weight.data.fill_(1.0)
    flat[1].weight.data[0, :6] = 0.0  # A is worse than any other letter everywhere
    X = np.eye(4, dtype=np.uint8)[np.zeros((1, 6), int)].swapaxes(1, 2)
    result = evolve(flat, X, rounds=3)
    assert result.positions[0].tolist() == [0, 1, 2]
    assert result.alts[0].tolist() == [1, 1, 1]


def test_unknown_bases_are_never_edited(model, starts):
    X = starts.clone()
    X[:, :, 5:25] = 0
    result = evolve(model, X, rounds=6, allow_worse=True)
    assert not result.sequences[:, :, 5:25].any()


def test_repeats(model, starts):
    once = evolve(model, starts[:2, :, :10].repeat(1, 1, 3), rounds=10, allow_worse=True)
    assert all(len(set(row)) == 10 for row in once.positions.tolist())
    again = evolve(model, starts[:2], rounds=5, allow_repeats=True)
    assert (again.scores[:, -1] >= again.scores[:, 0]).all()


# ---------------------------------------------------------------- constraints


def holds(limits: Constraints, codes: np.ndarray, original: np.ndarray) -> bool:
    """The limits read literally, for one sequence that meets them at the start."""
    text = "".join("ACGT"[c] for c in codes)
    if any((codes[a:b] != original[a:b]).any() for a, b in limits.protected):
        return False
    if limits.gc is not None:
        gc = np.isin(codes, (1, 2)).mean()
        if not limits.gc[0] - 1e-9 <= gc <= limits.gc[1] + 1e-9:
            return False
    if limits.max_homopolymer is not None and any(
        letter * (limits.max_homopolymer + 1) in text for letter in "ACGT"
    ):
        return False
    if limits.max_edits is not None and (codes != original).sum() > limits.max_edits:
        return False
    return not any(re.search(to_regex(site), text) for site in limits.forbidden)


def to_regex(site: str) -> str:
    """A regular expression of an IUPAC site (A, C, G, T, Y, W only) on either strand."""
    table = {"Y": "[CT]", "R": "[AG]", "W": "[AT]"}
    turned = site[::-1].translate(str.maketrans("ACGTYRW", "TGCARYW"))
    return "|".join("".join(table.get(c, c) for c in strand) for strand in (site, turned))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_allowed_is_the_literal_reading(data):
    """Every substitution is allowed exactly if its result meets all limits."""
    length = data.draw(st.integers(6, 14))
    letters = st.lists(st.integers(0, 3), min_size=length, max_size=length)
    original = np.array(data.draw(letters))
    codes = original.copy()
    for position in data.draw(st.lists(st.integers(0, length - 1), max_size=2)):
        codes[position] = data.draw(st.integers(0, 3))
    low = data.draw(st.sampled_from([0.0, 0.2, 0.4]))
    limits = Constraints(
        protected=data.draw(st.sampled_from([(), ((0, 2),), ((3, 5),)])),
        gc=data.draw(st.sampled_from([None, (low, 0.7)])),
        max_homopolymer=data.draw(st.sampled_from([None, 2, 3])),
        forbidden=data.draw(st.sampled_from([(), ("GAY",), ("ACGT", "TT")])),
        max_edits=data.draw(st.sampled_from([None, 1, 2])),
    )
    allowed = limits.allowed(codes[None], original[None])[0]
    if not holds(limits, codes, original):
        return
    assert limits.satisfied(codes[None], codes[None])[0]
    for position in range(length):
        for letter in range(4):
            child = codes.copy()
            child[position] = letter
            expected = letter != codes[position] and holds(limits, child, original)
            assert allowed[position, letter] == expected
            if letter != codes[position] and holds(limits, original, original):
                assert limits.satisfied(child[None], original[None])[0] == expected


def test_evolution_respects_constraints(model, starts):
    limits = Constraints(
        protected=[(10, 20)],
        gc=(0.3, 0.7),
        max_homopolymer=5,
        forbidden=["GAATTC", "GGWCC"],
        max_edits=4,
    )
    result = evolve(model, starts, rounds=8, constraints=limits, beam=2)
    codes, original = (x.numpy().argmax(axis=1) for x in (result.sequences, starts))
    assert limits.satisfied(codes, original).all()
    assert (codes[:, 10:20] == original[:, 10:20]).all()
    assert ((codes != original).sum(axis=1) <= 4).all()
    assert (result.scores[:, -1] > result.scores[:, 0]).all()


def test_a_sequence_outside_the_gc_band_may_only_come_closer():
    codes = np.zeros((1, 10), int)
    allowed = Constraints(gc=(0.4, 0.6)).allowed(codes, codes)[0]
    assert allowed[:, [1, 2]].all()
    codes[0] = 1
    allowed = Constraints(gc=(0.4, 0.6)).allowed(codes, codes)[0]
    assert allowed[:, [0, 3]].all()
    assert allowed[:, 2].all()  # no better, no worse


def test_an_old_forbidden_site_does_not_stop_edits_elsewhere():
    codes = np.array([[2, 0, 0, 3, 3, 1, 0, 0, 0]])
    limits = Constraints(forbidden=["GAATTC"])
    allowed = limits.allowed(codes, codes)[0]
    assert allowed.sum() == 27
    assert limits.satisfied(codes, codes).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protected": [(5, 5)]}, "empty or starts before"),
        ({"gc": (0.6, 0.4)}, "lowest, highest"),
        ({"max_homopolymer": 0}, "at least 1 bp"),
        ({"max_edits": -1}, "cannot be negative"),
        ({"forbidden": ["GAXTC"]}, "IUPAC letters"),
        ({"forbidden": "GAATTC"}, r"give a list of sites: forbidden=\['GAATTC'\]"),
    ],
)
def test_impossible_constraints(arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        Constraints(**arguments)


def test_one_forbidden_site_of_a_mapping_is_a_site():
    assert Constraints.of({"forbidden": "GAATTC"}).forbidden == ("GAATTC",)


@pytest.mark.parametrize("function", [evolve, design])
def test_what_no_sequence_can_have_is_told(model, starts, function):
    length = starts.shape[2]
    limits = {"protected": [(length - 2, length + 1)]}
    with pytest.raises(SeqexplainerError, match=rf"ends behind the sequences, which have {length}"):
        function(model, starts, constraints=limits)
    with pytest.raises(SeqexplainerError, match="goal is nan; expected a number"):
        function(model, starts, goal=float("nan"))


@pytest.mark.parametrize("arguments", [{"rounds": 0}, {"beam": 0}])
def test_numbers(model, starts, arguments):
    with pytest.raises(SeqexplainerError, match="at least 1"):
        evolve(model, starts, **arguments)


def test_only_dna(model):
    with pytest.raises(SeqexplainerError, match="5 letters"):
        evolve(model, torch.zeros(1, 5, 30))


# ---------------------------------------------------------------- searches


@pytest.mark.parametrize("method", sorted(SEARCHES))
def test_every_search_improves_within_limits(model, starts, method):
    limits = Constraints(protected=[(0, 5)], max_homopolymer=6, forbidden=["GAATTC"], max_edits=8)
    rounds = {"annealing": 150, "genetic": 15, "gradient": 6}.get(method, 4)
    result = design(model, starts, method=method, rounds=rounds, constraints=limits, population=30)
    assert result.scores.shape == (6, rounds + 1)
    assert (np.diff(result.scores, axis=1) >= -1e-6).all()
    assert (result.scores[:, -1] > result.scores[:, 0] + 0.02).all()
    codes, original = (x.numpy().argmax(axis=1) for x in (result.sequences, starts))
    assert limits.satisfied(codes, original).all()
    expected = predict(model, result.sequences)[:, 0]
    np.testing.assert_allclose(result.scores[:, -1], expected, rtol=1e-4, atol=1e-6)
    assert len(result.edits()) == (codes != original).sum()


@pytest.mark.parametrize("method", ["annealing", "genetic", "gradient"])
def test_searches_depend_on_seed_and_letters_only(model, starts, method):
    options = {"method": method, "rounds": 10, "population": 12}
    all_rows = design(model, starts, seed=3, **options)
    again = design(model, starts[2:4], seed=3, batch_size=5, **options)
    np.testing.assert_array_equal(all_rows.sequences[2:4], again.sequences)
    other = design(model, starts, seed=4, **options)
    assert (all_rows.sequences != other.sequences).any()


def test_genetic_search_finds_the_optimum_of_an_easy_landscape():
    easy = nn.Sequential(nn.Flatten(), nn.Linear(4 * 12, 1))
    X = backgrounds(kind="random", n=2, length=12)
    X[:, :, 3] = 0
    result = design(easy, X, method="genetic", rounds=60, maximize=False)
    weight = easy[1].weight.detach().reshape(4, 12)
    known = [i for i in range(12) if i != 3]
    best = weight[:, known].min(dim=0).values.sum() + easy[1].bias
    np.testing.assert_allclose(result.scores[:, -1], best.item(), rtol=1e-5, atol=1e-6)
    assert not result.sequences[:, :, 3].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "genetics"}, "did you mean 'genetic'"),
        ({"population": 1}, "at least 2"),
        ({"cooling": 0.0}, r"in \(0, 1\]"),
        ({"rounds": 0}, "at least 1"),
    ],
)
def test_design_arguments(model, starts, arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        design(model, starts, **arguments)
