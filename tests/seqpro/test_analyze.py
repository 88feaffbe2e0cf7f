"""Length, composition and k-mers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from Bio.SeqUtils import gc_fraction
from hypothesis import given, settings

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import SeqproError


@pytest.mark.parametrize("seqs, lengths", [("A", 1), (["A", "AA", "AAA", ""], [1, 2, 3, 0])])
def test_length(seqs, lengths):
    np.testing.assert_equal(sp.length(seqs), lengths)


@pytest.mark.parametrize("measure", [sp.length, sp.gc_content, sp.nucleotide_content])
@pytest.mark.parametrize("text", ["", b""])
def test_an_empty_text_alone_is_refused(measure, text):
    with pytest.raises(SeqproError, match="empty string"):
        measure(text)


def test_length_of_arrays():
    letters = sp.cast_seqs(["ACG", "A"])
    np.testing.assert_array_equal(sp.length(letters.T, length_axis=0), [3, 1])
    hot = sp.ohe(letters)
    np.testing.assert_array_equal(sp.length(hot), [3, 3])
    np.testing.assert_array_equal(sp.length(hot.swapaxes(1, 2), length_axis=-1), [3, 3])
    np.testing.assert_array_equal(sp.length(hot, length_axis=-2), [3, 3])


@pytest.mark.parametrize(
    "seqs, counts, fractions",
    [
        ("A", 0, 0),
        (["A", "C", "ACGT", "acgtACGT"], [0, 1, 2, 4], [0, 1 / 8, 2 / 8, 4 / 8]),
    ],
)
def test_gc_content(seqs, counts, fractions):
    np.testing.assert_equal(sp.gc_content(seqs, normalize=False), counts)
    np.testing.assert_equal(sp.gc_content(seqs, alphabet=sp.DNA), fractions)


@given(spt.sequence_arrays(unknown=""))
@settings(max_examples=40, deadline=None)
def test_gc_content_agrees_with_biopython(letters):
    expected = [gc_fraction(row.tobytes().decode()) for row in letters]
    np.testing.assert_allclose(sp.gc_content(letters), expected)
    hot = sp.ohe(letters)
    np.testing.assert_allclose(sp.gc_content(hot, length_axis=-2, ohe_axis=-1), expected)
    first = hot.swapaxes(1, 2)
    np.testing.assert_allclose(sp.gc_content(first, length_axis=2, ohe_axis=1), expected)


@given(spt.sequence_arrays(unknown="N"))
@settings(max_examples=40, deadline=None)
def test_nucleotide_content(letters):
    upper = np.char.upper(letters)
    expected = np.stack([(upper == base).sum(1) for base in sp.DNA.array], 1)
    counts = sp.nucleotide_content(letters, normalize=False)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_allclose(sp.nucleotide_content(letters), expected / letters.shape[1])
    np.testing.assert_array_equal(
        sp.nucleotide_content(letters.T, normalize=False, length_axis=0), expected
    )
    hot = sp.ohe(letters)
    np.testing.assert_array_equal(
        sp.nucleotide_content(hot, normalize=False, length_axis=-2), expected
    )
    np.testing.assert_array_equal(
        sp.nucleotide_content(hot.swapaxes(1, 2), normalize=False, length_axis=-1), expected
    )


def test_nucleotide_content_of_nothing():
    np.testing.assert_equal(sp.nucleotide_content([""], normalize=False), np.zeros((1, 4)))


def test_rna_and_missing_letters():
    assert sp.gc_content("GCUU", alphabet=sp.RNA) == 0.5
    with pytest.raises(SeqproError, match="no G or no C"):
        sp.gc_content("AT", alphabet=sp.NucleotideAlphabet("AT", "TA"))


def slow_kmers(seq, k, canonical=False):
    found = Counter()
    for i in range(len(seq) - k + 1):
        kmer = seq[i : i + k].upper()
        if set(kmer) <= set("ACGT"):
            if canonical:
                kmer = min(kmer, sp.DNA.rev_comp_string(kmer))
            found[kmer] += 1
    return found


@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize("canonical", [False, True])
@given(letters=spt.sequence_arrays(unknown="N"))
@settings(max_examples=20, deadline=None)
def test_kmer_counts(k, canonical, letters):
    counts = sp.kmer_counts(letters, k, canonical=canonical)
    assert counts.shape == (letters.shape[0], 4**k)
    names = sp.kmers(k)
    for row, seq in zip(counts, letters, strict=True):
        found = {names[i]: int(row[i]) for i in row.nonzero()[0]}
        assert found == dict(slow_kmers(seq.tobytes().decode(), k, canonical))
    hot = sp.ohe(letters)
    np.testing.assert_array_equal(sp.kmer_counts(hot, k, canonical=canonical), counts)
    pooled = sp.kmer_spectrum(letters, k, canonical=canonical, normalize=False)
    np.testing.assert_array_equal(pooled, counts.sum(0))


def test_kmers_of_proteins():
    counts = sp.kmer_counts("MKMK", 2, sp.AA)
    assert counts.shape == (21**2,)
    names = sp.kmers(2, sp.AA)
    assert {names[i]: int(counts[i]) for i in counts.nonzero()[0]} == {"MK": 2, "KM": 1}


def test_kmer_spectrum():
    np.testing.assert_allclose(sp.kmer_spectrum(["AC", "CC"], 1), [0.25, 0.75, 0, 0])
    assert sp.kmer_spectrum("NNN", 2).sum() == 0
    assert sp.kmer_counts(["AC"], 3).sum() == 0
    assert sp.kmer_counts("ACGT", 2).shape == (16,)


def test_kmer_errors():
    with pytest.raises(SeqproError, match="at least 1, got 0"):
        sp.kmer_counts("ACGT", 0)
    with pytest.raises(SeqproError, match="kmer_spectrum"):
        sp.kmer_counts(["ACGT"], 20)


@pytest.mark.parametrize("count", [sp.kmer_counts, sp.kmer_spectrum])
def test_amino_acids_have_no_canonical_kmers(count):
    with pytest.raises(SeqproError, match="canonical needs nucleotides"):
        count(["MKMK"], 2, sp.AA, canonical=True)
