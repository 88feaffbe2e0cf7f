"""Markov models of background."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given, settings

import seqpro as sp
import seqpro.testing as spt
from seqpro.background import MarkovModel
from seqpro.errors import SeqproError


def slow_score(model, seq):
    """Score the obvious way: context by context."""
    total = 0.0
    order = model.order
    for part in "".join(c if c in "ACGT" else " " for c in seq.upper()).split():
        codes = ["ACGT".index(c) for c in part]
        if len(codes) < order:
            continue
        context = int("".join(map(str, codes[:order])) or "0", 4)
        total += log2(model.start[context]) if order else 0.0
        for i in range(order, len(codes)):
            context = int("".join(map(str, codes[i - order : i])) or "0", 4)
            total += log2(model.probs[context, codes[i]])
    return total


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@given(letters=spt.sequence_arrays(unknown="N"))
@settings(max_examples=20, deadline=None)
def test_fit_and_score(order, letters):
    model = MarkovModel.fit(letters, order, pseudocount=0.5)
    counts = np.full((4**order, 4), 0.5)
    for row in letters:
        seq = row.tobytes().decode().upper()
        for i in range(len(seq) - order):
            word = seq[i : i + order + 1]
            if "N" not in word:
                codes = ["ACGT".index(c) for c in word]
                counts[int("".join(map(str, codes[:-1])) or "0", 4), codes[-1]] += 1
    np.testing.assert_allclose(model.probs, counts / counts.sum(1, keepdims=True))
    np.testing.assert_allclose(model.start, counts.sum(1) / counts.sum())
    expected = [slow_score(model, row.tobytes().decode()) for row in letters]
    np.testing.assert_allclose(model.score(letters), expected, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_samples_follow_the_model(order):
    rng = np.random.default_rng(0)
    model = MarkovModel(order, rng.dirichlet(np.full(4, 2.0), 4**order))
    drawn = model.sample(2000, 200, seed=1)
    again = MarkovModel.fit(drawn, order, pseudocount=0)
    np.testing.assert_allclose(again.probs, model.probs, atol=0.02)
    np.testing.assert_allclose(again.start, model.start, atol=0.01)
    first = sp.nucleotide_content(drawn[:, :1]).mean(0)
    later = sp.nucleotide_content(drawn[:, 100:]).mean(0)
    np.testing.assert_allclose(first, later, atol=0.06)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_rows_depend_on_seed_and_row_only(order):
    model = MarkovModel.fit(sp.random_seqs((5, 500), sp.DNA, seed=0), order)
    whole = model.sample(30, 80, seed=4)
    np.testing.assert_array_equal(model.sample(7, 80, seed=4), whole[:7])
    np.testing.assert_array_equal(model.sample(30, 50, seed=4), whole[:, :50])
    ids = [22, 3]
    np.testing.assert_array_equal(model.sample(2, 80, seed=4, row_ids=ids), whole[ids])
    assert (model.sample(30, 80, seed=5) != whole).any()
    assert len({row.tobytes() for row in whole}) == 30


def test_short_and_empty_samples():
    model = MarkovModel(2, np.full((16, 4), 0.25))
    assert model.sample(3, 1, seed=0).shape == (3, 1)
    assert model.sample(0, 5, seed=0).shape == (0, 5)
    assert model.sample(2, 0, seed=0).shape == (2, 0)


def test_impossible_sequences_score_minus_infinity():
    model = MarkovModel(0, np.array([1.0, 0, 0, 0]))
    assert model.score("AA") == 0
    assert model.score("AC") == -np.inf


def test_proteins():
    model = MarkovModel.fit(["MKMKMK"], 1, alphabet=sp.AA, pseudocount=0)
    assert model.sample(1, 6, seed=0).tobytes() in (b"MKMKMK", b"KMKMKM")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: MarkovModel(-1, [0.25] * 4), "order must not be negative"),
        (lambda: MarkovModel(1, [0.25] * 4), r"shape \(4, 4\)"),
        (lambda: MarkovModel(0, [0.25, 0.25, 0.25, 0.5]), "sum to 1"),
        (lambda: MarkovModel(0, [np.nan] * 4), "sum to 1"),
        (lambda: MarkovModel(1, np.full((4, 4), 0.25), np.ones(3)), r"start must have shape \(4,"),
        (lambda: MarkovModel.fit("NNN", 1, 0.0), "no stretch of 2 letters"),
        (lambda: MarkovModel.fit("ACG", -1), "must not be negative"),
        (lambda: MarkovModel(0, [0.25] * 4).sample(-1, 3), "must not be negative"),
        (lambda: MarkovModel(0, [0.25] * 4).score(np.zeros((2, 4), np.uint8)), "takes letters"),
    ],
)
def test_errors(call, message):
    with pytest.raises(SeqproError, match=message):
        call()
