"""Nucleotides to amino acids."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Seq import transcribe as bio_transcribe
from Bio.Seq import translate as bio_translate
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqpro.errors import SeqproError

codons = st.lists(st.text("ACGTacgt", min_size=3, max_size=3), min_size=1, max_size=40)


@given(codons.map("".join))
@settings(max_examples=100, deadline=None)
def test_agrees_with_biopython(seq):
    expected = bio_translate(seq).encode()
    assert sp.AA.translate(seq).tobytes() == expected
    assert sp.translate(seq.replace("T", "U").replace("t", "u")).tobytes() == expected


def test_shapes():
    seqs = sp.cast_seqs([["ATCGAT", "GATCAT"], ["GATCAT", "ATCGAT"]])
    expected = sp.cast_seqs([["ID", "DH"], ["DH", "ID"]])
    np.testing.assert_array_equal(sp.AA.translate(seqs, length_axis=-1), expected)
    np.testing.assert_array_equal(
        sp.AA.translate(np.moveaxis(seqs, -1, 0), length_axis=0), np.moveaxis(expected, -1, 0)
    )
    np.testing.assert_array_equal(sp.AA.translate(sp.AA.codon_array), sp.AA.aa_array[:, None])


@pytest.mark.parametrize(
    "seq, options, expected",
    [
        ("ATGNAAAAA", {}, b"MXK"),
        ("ATG---AAA", {"unknown": "-"}, b"M-K"),
        ("ATGTAAAAA", {}, b"M*K"),
        ("ATGTAAAAATGA", {"truncate_stop": True}, b"M*\0\0"),
        ("ATGAAA", {"truncate_stop": True}, b"MK"),
    ],
)
def test_stops_and_unknowns(seq, options, expected):
    assert sp.AA.translate(seq, **options).tobytes() == expected


def test_ragged_padding_stays_padding():
    out = sp.translate(["ATGAAATAA", "ATG"])
    assert out[1].tolist() == [b"M", b"", b""]
    assert sp.translate(["ATGAAA", "ATGA"])[1].tolist() == [b"M", b"X"]


@pytest.mark.parametrize("alphabet", [sp.DNA, sp.RNA])
@pytest.mark.parametrize("axes", [(-2, -1), (-1, -2), (0, 2), (2, 0)])
def test_one_hot(alphabet, axes):
    letters = sp.random_seqs((2, 12), alphabet, seed=0)
    hot = np.moveaxis(sp.ohe(letters, alphabet), (1, 2), axes)
    out = sp.AA.translate(hot, axes[0], ohe_axis=axes[1], nuc_alphabet=alphabet)
    assert out.dtype == np.uint8
    decoded = sp.AA.decode_ohe(np.moveaxis(out, axes, (1, 2)))
    np.testing.assert_array_equal(decoded, sp.translate(letters))


def test_errors():
    with pytest.raises(SeqproError, match="divisible by codon length 3"):
        sp.translate("ATCG")
    with pytest.raises(
        SeqproError, match=r"sequence 1 has no amino acid for codon 'CNA' at posi.* 3"
    ):
        sp.translate(["ATGAAA", "ATGCNA"], validate=True)
    with pytest.raises(SeqproError, match="sequence 0 has no amino acid for codon 'A"):
        sp.translate(["ATGA", "ATGAAA"], validate=True)
    assert sp.translate(["ATG", "ATGAAA"], validate=True).shape == (2, 2)
    with pytest.raises(SeqproError, match="one ASCII letter"):
        sp.translate("ATG", unknown="??")


def test_own_code():
    pairs = sp.AminoAlphabet(["AA", "AC", "CA", "CC"], ["w", "x", "y", "z"])
    assert pairs.translate("AACCAC").tobytes() == b"wzx"


@given(st.text("ACGTUNacgtun-", min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_transcribe_agrees_with_biopython(seq):
    expected = bio_transcribe(seq).encode()
    assert sp.transcribe(seq).tobytes() == expected


def test_transcribe_keeps_what_it_was_given():
    given_letters = sp.cast_seqs(["ATG", "TTTT"])
    before = given_letters.copy()
    out = sp.transcribe(given_letters)
    np.testing.assert_array_equal(given_letters, before)
    assert out.tolist() == [[b"A", b"U", b"G", b""], [b"U"] * 4]
    with pytest.raises(SeqproError, match="no letter to change"):
        sp.transcribe(sp.ohe("ATG"))
