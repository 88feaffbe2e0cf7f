"""Importance against a grammar: golden numbers of seqgra, and loops over single sequences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import seqexplainer as se
from seqexplainer.errors import InputError

NAMES = ("precision", "recall", "specificity", "f1")
# what the original gets wrong: precision without grammar, specificity without background
OURS = {3: {"precision": 1.0, "f1": 1.0}, 4: {"precision": 0.0}, 7: {"specificity": 1.0}}


@pytest.fixture(scope="module")
def golden(golden_files: Path) -> dict:
    return json.loads((golden_files / "fie.json").read_text())


def test_smooth_agreement_is_that_of_seqgra_but_for_its_faults(golden):
    for i, case in enumerate(golden["smooth_metrics"]):
        grammar = np.array([[letter == "G" for letter in case["annotation"]]])
        vector = np.array([case["fi"]], dtype=float)
        theirs = se.metrics.smooth_agreement(vector, grammar, compat="seqgra")
        ours = se.metrics.smooth_agreement(vector, grammar)
        for name in NAMES:
            assert getattr(theirs, name)[0] == pytest.approx(case[name], abs=1e-12)
            expected = OURS.get(i, {}).get(name, case[name])
            assert getattr(ours, name)[0] == pytest.approx(expected, abs=1e-12), (i, name)


def test_thresholded_agreement_is_that_of_seqgra(golden):
    for case in golden["thresholded_metrics"]:
        groups = case["groups"]
        called = np.array([[0.01 if g in ("TP", "FP") else 0.0099 for g in groups]])
        grammar = np.array([[g in ("TP", "FN") for g in groups]])
        found = se.metrics.thresholded_agreement(
            called.reshape(1, -1), grammar.reshape(1, -1).astype(bool)
        )
        for name in NAMES:
            assert getattr(found, name)[0] == pytest.approx(case[name], abs=1e-12)


def test_position_vectors_are_those_of_seqgra(golden):
    case = golden["prepare_fi_vector"]
    found = se.metrics.position_vectors(np.array(case["in"]).T[None])
    np.testing.assert_allclose(found[0], case["normalized"], atol=1e-12)
    assert not se.metrics.position_vectors(-np.ones((1, 4, 3))).any()
    assert se.metrics.strongest(np.array(case["in"]).T[None])[0].tolist() == [0.5, 0.0, 2.0]


def test_sequences_of_several_lengths_are_measured_as_if_alone():
    rng = np.random.default_rng(0)
    lengths = np.array([7, 12, 5, 1])
    maps = rng.normal(size=(4, 4, 12))  # numbers behind the ends count for nothing
    grammar = rng.random((4, 12)) < 0.4
    vectors = se.metrics.position_vectors(maps, lengths=lengths)
    smooth = se.metrics.smooth_agreement(vectors, grammar, lengths=lengths)
    called = se.metrics.thresholded_agreement(maps, grammar, threshold=0.8, lengths=lengths)
    for i, length in enumerate(lengths):
        z, g = np.maximum(maps[i, :, :length], 0).sum(0), grammar[i, :length]
        z /= z.max()
        np.testing.assert_allclose(vectors[i], np.append(z, np.zeros(12 - length)))
        hits = maps[i, :, :length].max(0) >= 0.8
        if g.any():
            assert smooth.precision[i] == pytest.approx(z[g].sum() / z.sum())
            assert smooth.recall[i] == pytest.approx(z[g].mean())
            assert called.recall[i] == pytest.approx(hits[g].mean())
        if not g.all():
            assert smooth.specificity[i] == pytest.approx(1 - z[~g].mean())
            assert called.specificity[i] == pytest.approx(1 - hits[~g].mean())


def test_each_placed_element_is_measured_alone():
    elements = np.array([[0, 1, 1, 1, 1, 2, 0, 0], [0] * 8, [3] * 8])
    rules = np.array([[0, 1, 1, 2, 2, 2, 0, 0], [0] * 8, [1] * 8])
    z = np.array([[0.1, 1, 0.5, 0.2, 0, 0.05, 0.1, 0.4], np.linspace(0, 1, 8), [0.5] * 8])
    found = se.metrics.element_recovery(z, elements, groups=rules, lengths=[7, 8, 8])
    assert found.sequence.tolist() == [0, 0, 0, 2]
    assert found.element.tolist() == [1, 1, 2, 3]
    assert found.start.tolist() == [1, 3, 5, 0]
    assert found.width.tolist() == [2, 2, 1, 8]
    np.testing.assert_allclose(found.importance, [0.75, 0.1, 0.05, 0.5])
    np.testing.assert_allclose(found.background, [0.1, 0.1, 0.1, np.nan])
    assert found.found.tolist() == [True, False, False, True]
    together = se.metrics.element_recovery(z, elements)
    assert together.width.tolist() == [4, 1, 8]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: se.metrics.smooth_agreement([[0.5, 2]], [[0, 1]]), "from 0 to 1"),
        (lambda: se.metrics.smooth_agreement([[0.5, 1]], [[0, 1, 0]]), "expected .n_seqs, length."),
        (lambda: se.metrics.smooth_agreement([[0.5]], [[0]], compat="other"), "compat"),
        (lambda: se.metrics.position_vectors([[np.nan]]), "NaN"),
        (lambda: se.metrics.position_vectors([0.5]), "must have shape"),
        (lambda: se.metrics.position_vectors([[1.0]], lengths=[1, 2]), "one a sequence"),
        (lambda: se.metrics.element_recovery([[1.0]], [[1]], groups=[[1, 2]]), "groups"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
