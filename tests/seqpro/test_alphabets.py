"""Alphabets: letters, lookups, complements, codons."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Data import CodonTable, IUPACData

import seqpro as sp
from seqpro.errors import AlphabetError


@pytest.mark.parametrize(
    "alphabet, letters", [(sp.DNA, "ACGT"), (sp.RNA, "ACGU"), (sp.AA, "ACDEFGHIKLMNPQRSTVWY*")]
)
def test_constants(alphabet, letters):
    assert alphabet.alphabet == letters
    assert len(alphabet) == len(letters)
    assert alphabet.array.dtype == np.dtype("S1")
    assert alphabet.array.tobytes().decode() == letters
    for code, letter in enumerate(letters):
        assert alphabet.lookup[ord(letter)] == code
        assert alphabet.lookup[ord(letter.lower())] == code
    assert alphabet.lookup[ord("?")] == len(letters)


def test_family_attributes_exist():
    assert sp.DNA.complement == "TGCA"
    assert sp.DNA.complement_map["A"] == "T"
    assert sp.DNA.complement_map_bytes[b"C"] == b"G"
    assert "ACGT".translate(sp.DNA.str_comp_table) == "TGCA"
    assert b"acgt".translate(sp.DNA.bytes_comp_table) == b"tgca"
    assert sp.AA.codon_array.shape == (64, 3)
    assert sp.AA.aa_array.shape == (64,)
    assert sp.AA.codon_to_aa["ATG"] == "M"


def test_complement_of_ambiguous_letters_agrees_with_biopython():
    for letter, partner in IUPACData.ambiguous_dna_complement.items():
        if letter == "X":
            continue
        assert chr(sp.DNA.complement_table[ord(letter)]) == partner
        assert chr(sp.DNA.complement_table[ord(letter.lower())]) == partner.lower()


def test_standard_code_agrees_with_biopython():
    table = CodonTable.unambiguous_dna_by_id[1]
    expected = dict(table.forward_table) | dict.fromkeys(table.stop_codons, "*")
    assert sp.AA.codon_to_aa == expected


def test_equality_and_hash():
    again = sp.NucleotideAlphabet("ACGT", "TGCA")
    assert again == sp.DNA
    assert hash(again) == hash(sp.DNA)
    assert sp.DNA != sp.RNA
    assert sp.DNA != sp.AA
    assert "ACGT" in repr(sp.DNA)
    assert "64 codons" in repr(sp.AA)


def test_own_alphabet_with_both_cases_keeps_them_apart():
    alphabet = sp.NucleotideAlphabet("ACacgtGT"[:2] + "GT", "TGCA")
    assert alphabet == sp.DNA
    mixed = sp.NucleotideAlphabet("AaTt", "tTaA")
    assert sp.ohe("Aa", mixed).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    "args, message",
    [
        (("ACGT", "ACGT"), "must be the reverse"),
        (("AAGG", "GGAA"), "repeated letters: AG"),
        (("", ""), "at least one letter"),
        (("A\u00e9", "\u00e9A"), "ASCII"),
    ],
)
def test_bad_nucleotides(args, message):
    with pytest.raises(AlphabetError, match=message):
        sp.NucleotideAlphabet(*args)


@pytest.mark.parametrize(
    "codons, letters, message",
    [
        (["ATG"], ["M", "K"], "1 codons but 2"),
        (["ATG", "AT"], ["M", "K"], "one length"),
        (["ATG", "ATG"], ["M", "K"], "codons repeat: ATG"),
        (["ATG"], ["Met"], "single letter"),
        ([], [], "at least one"),
    ],
)
def test_bad_amino_acids(codons, letters, message):
    with pytest.raises(AlphabetError, match=message):
        sp.AminoAlphabet(codons, letters)


def test_methods_do_what_functions_do():
    seqs = sp.random_seqs((3, 12), sp.DNA, seed=1)
    hot = sp.DNA.ohe(seqs)
    np.testing.assert_array_equal(hot, sp.ohe(seqs, sp.DNA))
    np.testing.assert_array_equal(sp.DNA.decode_ohe(hot, -1), seqs)
    np.testing.assert_array_equal(sp.DNA.decode_tokens(sp.DNA.tokenize(seqs)), seqs)
    np.testing.assert_array_equal(
        sp.DNA.reverse_complement(seqs), sp.DNA.rev_comp_byte(seqs, length_axis=-1)
    )
    assert sp.DNA.rev_comp_string("AACg") == "cGTT"


@pytest.mark.parametrize("name", ["RNA", "rna", "ACGU"])
def test_an_alphabet_is_an_object_or_a_name(name):
    seqs = sp.random_seqs((4, 30), name, seed=0)
    hot = sp.ohe(seqs, name)
    ppm = hot.mean(0).T
    for given, expected in (
        (seqs, sp.random_seqs((4, 30), sp.RNA, seed=0)),
        (hot, sp.ohe(seqs, sp.RNA)),
        (sp.decode_ohe(hot, -1, name), sp.decode_ohe(hot, -1, sp.RNA)),
        (sp.reverse_complement(seqs, name), sp.reverse_complement(seqs, sp.RNA)),
        (sp.k_shuffle(seqs, 2, name, seed=1), sp.k_shuffle(seqs, 2, sp.RNA, seed=1)),
        (sp.gc_content(seqs, alphabet=name), sp.gc_content(seqs, alphabet=sp.RNA)),
        (sp.nucleotide_content(seqs, alphabet=name), sp.nucleotide_content(seqs, alphabet=sp.RNA)),
        (sp.kmer_counts(seqs, 2, alphabet=name), sp.kmer_counts(seqs, 2, alphabet=sp.RNA)),
        (sp.kmer_spectrum(seqs, 2, alphabet=name), sp.kmer_spectrum(seqs, 2, alphabet=sp.RNA)),
        (sp.kmers(2, name), sp.kmers(2, sp.RNA)),
        (sp.translate(hot, nuc_alphabet=name), sp.translate(hot, nuc_alphabet=sp.RNA)),
        (sp.motifs.consensus(ppm, alphabet=name), sp.motifs.consensus(ppm, alphabet=sp.RNA)),
        (sp.transforms.ReverseComplement(alphabet=name)(seqs), sp.reverse_complement(seqs, sp.RNA)),
    ):
        np.testing.assert_array_equal(given, expected)
    assert sp.motifs.Motif("m", ppm, alphabet=name).alphabet is sp.RNA
    assert sp.background.MarkovModel.fit(seqs, alphabet=name).alphabet is sp.RNA
    with pytest.raises(AlphabetError, match="have no complement"):
        sp.reverse_complement(seqs, "AA")
