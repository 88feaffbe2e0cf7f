"""Casting whatever holds sequences to letters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import seqpro as sp
from seqpro.errors import AxisError, SeqproError


@pytest.mark.parametrize(
    "given, expected",
    [
        ("ACG", [b"A", b"C", b"G"]),
        (b"ACG", [b"A", b"C", b"G"]),
        (["AC", "GT"], [[b"A", b"C"], [b"G", b"T"]]),
        ([b"AC", b"GT"], [[b"A", b"C"], [b"G", b"T"]]),
        (("AC", "G"), [[b"A", b"C"], [b"G", b""]]),
        ([["AC"], ["GT"]], [[[b"A", b"C"]], [[b"G", b"T"]]]),
        (np.array(["AC", "G"]), [[b"A", b"C"], [b"G", b""]]),
        (np.array([b"AC", b"GT"]), [[b"A", b"C"], [b"G", b"T"]]),
        (np.array(["AC", "G"], object), [[b"A", b"C"], [b"G", b""]]),
        (np.array("ACG"), [b"A", b"C", b"G"]),
        (["", "A"], [[b""], [b"A"]]),
    ],
)
def test_cast(given, expected):
    out = sp.cast_seqs(given)
    assert out.dtype == np.dtype("S1")
    assert out.tolist() == expected
    assert out.flags.writeable


def test_letters_and_one_hot_pass_through():
    letters = sp.cast_seqs("ACG")
    assert sp.cast_seqs(letters) is letters
    hot = sp.ohe(letters)
    assert sp.cast_seqs(hot) is hot


def test_labelled_arrays_are_unwrapped():
    expected = sp.cast_seqs(["ACG", "T"])
    for texts in (pd.Series(["ACG", "T"]), pd.array(["ACG", "T"]), pd.Index(["ACG", "T"])):
        np.testing.assert_array_equal(sp.cast_seqs(texts), expected)
    np.testing.assert_array_equal(sp.cast_seqs(xr.DataArray(expected)), expected)
    dtype = np.dtypes.StringDType()
    np.testing.assert_array_equal(sp.cast_seqs(np.array(["ACG", "T"], dtype)), expected)


def test_empty_list():
    assert sp.cast_seqs([]).shape == (0, 0)


@pytest.mark.parametrize(
    "given, message",
    [
        ("", "empty string"),
        (b"", "empty string"),
        ("AC\u00e9", "ASCII, got '\u00e9' at character 2"),
        (["AC", "A\u00e9"], "ASCII"),
        (np.array(["A\u00e9"]), "ASCII"),
        ([1, 2], "must hold strings, got int"),
        (["A", None], "must hold strings, got NoneType"),
        ([["A"], "B"], "cannot read sequences"),
        (np.zeros(3), "dtype float64"),
        (3, "from int"),
        ({"A"}, "from set"),
    ],
)
def test_what_cannot_be_cast(given, message):
    with pytest.raises(SeqproError, match=message):
        sp.cast_seqs(given)


def test_ascii_codes_are_told_from_one_hot():
    codes = sp.cast_seqs(["ACGTACG"]).view(np.uint8)
    for call in (
        lambda: sp.reverse_complement(codes, sp.DNA),
        lambda: sp.k_shuffle(codes, 2, sp.DNA),
        lambda: sp.gc_content(codes),
        lambda: sp.ohe(codes, sp.DNA),
        lambda: sp.tokenize(codes, {"A": 0}, -1),
        lambda: sp.pad_seqs(codes, "left"),
        lambda: sp.kmer_counts(codes, 2),
        lambda: sp.translate(codes[:, :6]),
        lambda: sp.gc_content(codes[0]),
    ):
        with pytest.raises(SeqproError, match=r'view\("S1"\)'):
            call()
    assert sp.gc_content(codes.view("S1")).tolist() == [4 / 7]


def test_axes_that_do_not_exist():
    hot = sp.ohe(["ACGT"])
    with pytest.raises(AxisError, match="length_axis=3 does not exist"):
        sp.reverse_complement(hot, sp.DNA, 3, -1)
    with pytest.raises(AxisError, match="both 2"):
        sp.reverse_complement(hot, sp.DNA, -1, -1)
    with pytest.raises(AxisError, match="length_axis=-2"):
        sp.reverse_complement("ACG", sp.DNA, -2)


def test_a_list_of_letter_arrays_is_stacked():
    rows = [sp.cast_seqs("ACG"), sp.cast_seqs("T")]
    np.testing.assert_array_equal(sp.cast_seqs(rows), sp.cast_seqs(["ACG", "T"]))
    assert sp.cast_seqs([sp.cast_seqs(["AC", "GT"])]).shape == (1, 2, 2)
    with pytest.raises(SeqproError, match="leading axes"):
        sp.cast_seqs([sp.cast_seqs(["AC"]), sp.cast_seqs(["AC", "GT"])])
