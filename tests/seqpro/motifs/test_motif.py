"""Motif and MotifSet."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import seqpro as sp
from seqpro.errors import SeqproError
from seqpro.motifs import Motif, MotifSet

COUNTS = np.array([[9.0, 0, 2], [1, 0, 3], [0, 10, 5], [0, 0, 0]])


@pytest.fixture
def motif():
    return Motif("ex", COUNTS, kind="pfm", accession="M1.1")


def test_counts(motif):
    assert (motif.width, motif.n_sites, motif.kind) == (3, 10, "pfm")
    np.testing.assert_array_equal(motif.pfm(), COUNTS)
    np.testing.assert_allclose(motif.pfm(n_sites=20), 2 * COUNTS)
    np.testing.assert_allclose(motif.ppm(), COUNTS / 10)
    assert motif.consensus() == "AGG"
    assert "M1.1" in repr(motif)


def test_kinds_agree(motif):
    ppm = Motif("p", COUNTS / 10, n_sites=10)
    pwm = Motif("w", ppm.pwm(pseudocount=0), kind="pwm", n_sites=10)
    for other in (ppm, pwm):
        np.testing.assert_allclose(other.ppm(), motif.ppm(), atol=1e-12)
        np.testing.assert_allclose(other.pfm(), COUNTS, atol=1e-9)
        np.testing.assert_allclose(other.ppm(pseudocount=1), motif.ppm(pseudocount=1))
        np.testing.assert_allclose(other.information_content(), motif.information_content())
    assert np.isfinite(motif.pwm()).all()
    assert Motif("p", COUNTS / 10).pfm().sum(0).tolist() == [100, 100, 100]


def test_own_background():
    motif = Motif("b", COUNTS / 10, background=np.array([0.4, 0.1, 0.1, 0.4]))
    expected = np.log2(0.9 / 0.4)
    assert motif.pwm(pseudocount=0)[0, 0] == pytest.approx(expected)
    assert motif.pwm(pseudocount=0, background=[0.25] * 4)[0, 0] == pytest.approx(np.log2(3.6))
    turned = Motif("b", COUNTS / 10, background=np.array([0.4, 0.3, 0.2, 0.1]))
    np.testing.assert_allclose(turned.reverse_complement().background, [0.1, 0.2, 0.3, 0.4])


def test_frozen(motif):
    with pytest.raises(FrozenInstanceError):
        motif.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        motif.matrix[0, 0] = 1
    COUNTS[0, 0] += 0  # the caller's array is not locked


def test_reverse_complement_twice(motif):
    back = motif.reverse_complement().reverse_complement()
    np.testing.assert_array_equal(back.matrix, motif.matrix)
    assert motif.reverse_complement().consensus() == sp.DNA.rev_comp_string(motif.consensus())


def test_trim():
    flat = np.full((4, 2), 0.25)
    sharp = np.eye(4)
    motif = Motif("t", np.hstack([flat, sharp, flat[:, :1], sharp, flat]))
    assert motif.trim().width == 9
    assert Motif("f", flat).trim().width == 1


@pytest.mark.parametrize(
    "args, message",
    [
        ((np.ones((3, 2)),), r"shape \(4, width\), got \(3, 2\)"),
        ((np.ones((4, 0)),), "got"),
        ((np.ones((4, 2)),), "position 0 sums to 4, expected 1"),
        ((-COUNTS, "pfm"), "cannot hold negative"),
        ((np.full((4, 2), np.nan), "pwm"), "NaN"),
        ((COUNTS, "counts"), "kind must be pfm, ppm or pwm"),
    ],
)
def test_bad_matrices(args, message):
    with pytest.raises(SeqproError, match=message):
        Motif("bad", *args)


def test_proteins_have_no_complement():
    motif = Motif("p", np.full((21, 2), 1 / 21), alphabet=sp.AA)
    with pytest.raises(SeqproError, match="no complement"):
        motif.reverse_complement()


def test_set_finds_by_position_accession_and_name(motif):
    other = Motif("two", COUNTS, kind="pfm", accession="M2.1")
    motifs = MotifSet([motif, other])
    assert len(motifs) == 2
    assert motifs[1] is motifs["two"] is motifs["M2.1"] is other
    assert motifs[-1] is other
    assert [m.name for m in motifs] == motifs.names == ["ex", "two"]
    assert motifs.accessions == ["M1.1", "M2.1"]
    assert "two" in motifs
    assert "M1.1" in motifs
    assert "x" not in motifs
    assert motifs[:1].names == ["ex"]
    assert motifs[["M2.1", "ex"]].names == ["two", "ex"]
    assert motifs.filter(lambda m: m.name == "two").names == ["two"]
    assert repr(motifs) == "MotifSet(2: ex, two)"
    with pytest.raises(KeyError, match=r"did you mean M1\.1"):
        motifs["M1.2"]
    with pytest.raises(IndexError):
        motifs[2]


def test_labels_are_distinct(motif):
    twin = Motif("ex", COUNTS, kind="pfm", accession="M9.1")
    bare = Motif("ex", COUNTS, kind="pfm")
    motifs = MotifSet([motif, twin, bare, bare])
    assert motifs.keys() == ["ex (M1.1)", "ex (M9.1)", "ex", "ex (2)"]
    matrices = motifs.to_dict()
    assert len(matrices) == 4
    np.testing.assert_allclose(matrices["ex"], COUNTS / 10)
