"""Names that code written for SeqPro 0.1 imports from private modules."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqpro._analyzers import count_kmers_seq
from seqpro._modifiers import _align_axes, _slice_kmers, normalize_coverage
from seqpro._numba import gufunc_translate
from seqpro._utils import cast_seqs, check_axes
from seqpro.errors import AxisError, SeqproError


def test_axes_must_be_named_for_arrays_of_bytes():
    letters = cast_seqs(["ACGT"])
    check_axes(letters, -1)
    check_axes(letters, length_axis=False)
    check_axes(sp.ohe(letters), 1, 2)
    check_axes("ACGT")
    with pytest.raises(AxisError, match="needs a length_axis"):
        check_axes(letters)
    with pytest.raises(AxisError, match="needs an ohe_axis"):
        check_axes(sp.ohe(letters), 1)
    with pytest.raises(AxisError, match="must differ"):
        check_axes(sp.ohe(letters), 1, 1)


@given(st.text("ACGTNx", min_size=1), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_count_kmers_of_a_string(seq, k):
    if k > len(seq):
        with pytest.raises(SeqproError, match="between 1 and the length"):
            count_kmers_seq(seq, k)
        return
    counts = count_kmers_seq(seq, k)
    assert counts == Counter(seq[i : i + k] for i in range(len(seq) - k + 1))
    assert list(counts) == sorted(counts)


def test_aligned_axes_and_slices():
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 9, (3, 2, *middle, 7)) for middle in ((), (4,), (5, 6))]
    moved, places = _align_axes(*arrays, axes=(0, 1, -1))
    assert places == (-3, -2, -1)
    starts = rng.integers(0, 3, (3, 2))
    for array in moved:
        out = _slice_kmers(array, starts, 5)
        assert out.shape == (*array.shape[:-1], 5)
        for i, j in np.ndindex(3, 2):
            window = slice(starts[i, j], starts[i, j] + 5)
            np.testing.assert_array_equal(out[..., i, j, :], array[..., i, j, window])
    with pytest.raises(AxisError, match="differ in size"):
        _align_axes(arrays[0], arrays[0][:2], axes=(0, -1))


def test_normalized_coverage():
    coverage = np.arange(6).reshape(2, 3)
    total = np.array([[10], [20]])
    expected = coverage / total * 1e6
    np.testing.assert_allclose(normalize_coverage(coverage, "CPM", total, -1), expected)
    np.testing.assert_allclose(normalize_coverage(coverage, "CPKM", total, 1), expected / 3 * 1e3)
    with pytest.raises(SeqproError, match="'CPM' or 'CPKM'"):
        normalize_coverage(coverage, "RPKM", total, -1)


def test_table_of_codons():
    codons, letters = sp.AA.codon_array.view(np.uint8), sp.AA.aa_array.view(np.uint8)
    np.testing.assert_array_equal(gufunc_translate(codons, codons, letters), letters)
    assert gufunc_translate(np.frombuffer(b"NNN", np.uint8), codons, letters) == 0
    assert sp.alphabets.canonical_codons_to_aas["ATG"] == "M"
