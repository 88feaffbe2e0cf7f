"""Arithmetic on motif matrices."""

from __future__ import annotations

import numpy as np
import pytest
from Bio import motifs as bio
from hypothesis import given, settings

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import SeqproError


def to_bio(motif):
    counts = {a: list(row) for a, row in zip("ACGT", motif.pfm(), strict=True)}
    return bio.Motif(alphabet="ACGT", counts=counts)


@given(spt.motifs())
@settings(max_examples=60, deadline=None)
def test_agrees_with_biopython(motif):
    other = to_bio(motif)
    for pseudocount in (0.0, 0.5):
        pwm = other.counts.normalize(pseudocounts=pseudocount)
        expected = np.array([pwm[a] for a in "ACGT"])
        np.testing.assert_allclose(motif.ppm(pseudocount=pseudocount), expected)
        base = [0.3, 0.2, 0.2, 0.3]
        odds = pwm.log_odds(background=dict(zip("ACGT", base, strict=True)))
        expected = np.array([odds[a] for a in "ACGT"])
        ours = motif.pwm(pseudocount=pseudocount, background=base)
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert motif.consensus() == str(other.consensus)
    assert motif.consensus(degenerate=True) == str(other.degenerate_consensus)
    flipped = other.reverse_complement()
    expected = np.array([flipped.counts[a] for a in "ACGT"])
    np.testing.assert_allclose(motif.reverse_complement().matrix, expected)
    total = motif.information_content().sum()
    np.testing.assert_allclose(total, other.relative_entropy.sum(), atol=1e-9)


def test_batches_of_matrices():
    counts = np.random.default_rng(0).integers(0, 9, (5, 4, 7)) + 1.0
    ppm = sp.motifs.pfm_to_ppm(counts)
    np.testing.assert_allclose(ppm.sum(1), 1)
    for i in range(5):
        np.testing.assert_allclose(ppm[i], sp.motifs.pfm_to_ppm(counts[i]))
        np.testing.assert_allclose(
            sp.motifs.information_content(ppm)[i], sp.motifs.information_content(ppm[i])
        )
    np.testing.assert_allclose(sp.motifs.pwm_to_ppm(sp.motifs.ppm_to_pwm(ppm)), ppm)
    base = [0.1, 0.4, 0.3, 0.2]
    odds = sp.motifs.ppm_to_pwm(ppm, background=base)
    np.testing.assert_allclose(sp.motifs.pwm_to_ppm(odds, background=base), ppm)
    twice = sp.motifs.reverse_complement(sp.motifs.reverse_complement(counts))
    np.testing.assert_array_equal(twice, counts)


def test_empty_columns_are_uniform():
    np.testing.assert_allclose(sp.motifs.pfm_to_ppm(np.zeros((4, 2))), 0.25)
    np.testing.assert_allclose(sp.motifs.information_content(np.zeros((4, 2))), 0)


def test_rna_consensus():
    ppm = np.array([[0, 0.5], [0, 0], [0, 0], [1, 0.5]])
    assert sp.motifs.consensus(ppm, alphabet=sp.RNA) == "UA"
    assert sp.motifs.consensus(ppm, alphabet=sp.RNA, degenerate=True) == "UW"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: sp.motifs.pfm_to_ppm([1, 2, 3, 4]), r"\(\.\.\., A, width\)"),
        (lambda: sp.motifs.pfm_to_ppm([[1], [-1], [0], [0]]), "not be negative"),
        (lambda: sp.motifs.ppm_to_pwm(np.ones((4, 1)), background=[1, 0, 0, 0]), "4 positive"),
        (lambda: sp.motifs.consensus(np.ones((5, 1))), r"shape \(4, width\)"),
        (
            lambda: sp.motifs.consensus(np.ones((21, 1)), alphabet=sp.AA, degenerate=True),
            "nucleotides only",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(SeqproError, match=message):
        call()
