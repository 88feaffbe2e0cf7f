"""Insertions and deletions, against string slicing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqexplainer.design import Constraints, design, evolve
from seqexplainer.design._edits import apply, decode, edit_distance, edit_script, make_tapes
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb import backgrounds
from seqexplainer.predict import predict

LENGTH = 16


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv1d(4, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6 * (LENGTH - 4), 1)
    ).eval()


@pytest.fixture(scope="module")
def starts() -> torch.Tensor:
    return backgrounds(kind="random", n=4, length=LENGTH, seed=5)


def to_text(x: torch.Tensor) -> str:
    codes = np.where(x.sum(0) > 0, x.argmax(0), 4)
    return "".join("ACGTN"[c] for c in codes)


def to_one_hot(texts: list[str]) -> torch.Tensor:
    codes = np.array([["ACGTN".find(c) for c in text] for text in texts])
    return torch.as_tensor(np.eye(5, dtype=np.uint8)[codes, :4].swapaxes(1, 2))


def all_edits(text: str, length: int):
    """Every single edit of a text whose first bases are the window, in the order of moves."""
    for p in range(length):
        for letter in "ACGT":
            if letter != text[p]:
                yield 0, p, letter, text[:p] + letter + text[p + 1 :]
    for p in range(length):
        yield 1, p, "", text[:p] + text[p + 1 :]
    for p in range(length):
        for letter in "ACGT":
            yield 2, p, letter, text[:p] + letter + text[p:]


def test_greedy_equals_string_slicing(model, starts):
    flank = "GATTACA"
    result = evolve(
        model, starts, rounds=4, insertions=True, deletions=True, flank=flank, allow_repeats=True
    )
    for i, start in enumerate(starts):
        text = to_text(start) + flank + "N" * 30
        for r in range(4):
            moves = list(all_edits(text, LENGTH))
            scores = predict(model, to_one_hot([m[3][:LENGTH] for m in moves]))[:, 0].numpy()
            best = moves[int(np.flatnonzero(scores >= scores.max() - 1e-6)[0])]
            kind, position, letter, text = best
            assert result.kinds[i, r] == kind
            assert result.positions[i, r] == position
            assert result.alts[i, r] == "ACGT".find(letter or "x")
            assert to_text(result.at(r + 1)[i]) == text[:LENGTH]
            np.testing.assert_allclose(result.scores[i, r + 1], scores.max(), atol=1e-5)
    np.testing.assert_array_equal(result.at(0), starts)
    assert {1, 2} & set(result.kinds.ravel().tolist())


def test_edit_steps_are_string_slicing(starts):
    text = to_text(starts[0]) + "GATT"
    codes = np.array([["ACGT".find(c) for c in text[:LENGTH]]])
    tape = make_tapes(codes, "GATT", 0)
    for move in range(9 * LENGTH):
        kind, position, letter = decode(np.array([move]), LENGTH)
        after = apply(tape, kind, position, letter)[0, :LENGTH]
        p, a = int(position[0]), "ACGT"[max(int(letter[0]), 0)]
        expected = [
            text[:p] + a + text[p + 1 :],
            text[:p] + text[p + 1 :],
            text[:p] + a + text[p:],
        ][int(kind[0])]
        assert "".join("ACGT"[c] for c in after) == expected[:LENGTH]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_edit_scripts_rebuild_the_window(data):
    letters = st.lists(st.integers(0, 3), min_size=8, max_size=8)
    codes, tape = np.array(data.draw(letters)), np.array(data.draw(letters))
    script = edit_script(codes, tape)
    rebuilt = tape.tolist()
    for kind, position, _, alt in script[::-1]:
        if kind == 2:
            rebuilt.insert(position, alt)
        elif kind == 1:
            del rebuilt[position]
        else:
            rebuilt[position] = alt
    assert rebuilt[: len(codes)] == codes.tolist()
    assert len(script) == edit_distance(codes[None], tape[None])[0]
    assert len(script) <= (codes != tape).sum()


@pytest.mark.parametrize("method", ["greedy", "beam", "annealing", "genetic"])
def test_constraints_hold_with_indels(model, starts, method):
    limits = Constraints(protected=[(2, 5)], max_homopolymer=6, forbidden=["GAATTC"], max_edits=4)
    rounds = {"annealing": 80, "genetic": 12}.get(method, 7)
    result = design(
        model,
        starts,
        method=method,
        rounds=rounds,
        constraints=limits,
        insertions=True,
        deletions=True,
        flank=["ACGTACGT", "GGGG", "", "TTGA"],
        population=20,
    )
    assert (result.scores[:, -1] > result.scores[:, 0]).all()
    texts = [to_text(x) for x in result.sequences]
    for text, start in zip(texts, starts, strict=True):
        assert text[2:5] == to_text(start)[2:5]
        assert "GAATTC" not in text
        assert not any(letter * 7 in text for letter in "ACGT")
    edits = result.edits()
    assert edits.groupby("sequence").size().max() <= 4
    np.testing.assert_array_equal(result.at(0), starts)
    np.testing.assert_array_equal(result.at(rounds), result.sequences)
    expected = predict(model, result.sequences)[:, 0]
    np.testing.assert_allclose(result.scores[:, -1], expected, rtol=1e-4, atol=1e-6)
    if method in {"greedy", "beam"}:
        trace = result.trace()
        assert trace.groupby(["sequence", "round"]).size().max() == 1


def test_a_deletion_can_take_back_what_an_insertion_pushed_out():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4 * 5, 1, bias=False))
    linear[1].weight.data.zero_()
    X = to_one_hot(["ACGTA"])
    found = evolve(linear, X, rounds=3, insertions=True, allow_worse=True)
    assert found.at(3).shape == X.shape
    tape = make_tapes(np.array([[0, 1, 2, 3, 0]]), "", 5)
    one = np.array([1])
    pushed = apply(tape, 2 * one, one, 3 * one)
    np.testing.assert_array_equal(apply(pushed, one, one, -one), tape)


def test_flanks_and_methods_are_checked(model, starts):
    with pytest.raises(SeqexplainerError, match="3 flanks are given for 4"):
        evolve(model, starts, deletions=True, flank=["A", "C", "G"])
    with pytest.raises(SeqexplainerError, match="a flank holds X"):
        evolve(model, starts, deletions=True, flank="AXA")
    with pytest.raises(SeqexplainerError, match="gradient cannot insert"):
        design(model, starts, method="gradient", insertions=True)
    with pytest.raises(SeqexplainerError, match="rounds run from 0 to 2"):
        evolve(model, starts, rounds=2).at(3)
    with pytest.raises(SeqexplainerError, match="rounds run from 0 to 2"):
        design(model, starts, rounds=2).at(-1)
