"""Padding, reverse complement, jitter, random sequences, bins."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Seq import Seq
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import AxisError, SeqproError


def text(array):
    return [row.tobytes().decode() for row in array]


def slow_pad(seq, pad, length):
    spare = length - len(seq)
    if pad == "right":
        return seq[:length].ljust(length, ".")
    if pad == "left":
        return (seq[-length:] if length else "").rjust(length, ".")
    if spare >= 0:
        left = spare // 2
        return "." * left + seq + "." * (spare - left)
    cut = -spare // 2
    return seq[cut : cut + length]


@pytest.mark.parametrize("pad", ["left", "both", "right"])
@given(
    seqs=st.lists(spt.sequences(max_length=9), min_size=1, max_size=5),
    length=st.none() | st.integers(0, 12),
)
@settings(max_examples=60, deadline=None)
def test_pad_letters(pad, seqs, length):
    wanted = max(map(len, seqs)) if length is None else length
    expected = [slow_pad(s, pad, wanted) for s in seqs]
    out = sp.pad_seqs(seqs, pad, ".", length)
    assert out.shape == (len(seqs), wanted)
    assert text(out) == expected
    cast = sp.cast_seqs(seqs)
    assert text(sp.pad_seqs(cast, pad, ".", length)) == expected
    turned = sp.pad_seqs(np.ascontiguousarray(cast.T), pad, ".", length, length_axis=0)
    assert text(turned.T) == expected


@pytest.mark.parametrize("pad, lead", [("left", 3), ("both", 1), ("right", 0)])
@pytest.mark.parametrize("axis", [-2, 1])
def test_pad_one_hot_on_the_side_asked_for(pad, lead, axis):
    hot = sp.ohe(["ACGT", "TTTT"])
    out = sp.pad_seqs(hot, pad, None, 7, axis)
    assert out.shape == (2, 7, 4)
    np.testing.assert_array_equal(out[:, lead : lead + 4], hot)
    assert out.sum() == hot.sum()
    np.testing.assert_array_equal(sp.pad_seqs(out, pad, None, 4, axis), hot)
    first = sp.pad_seqs(hot.swapaxes(1, 2), pad, None, 7, -1)
    np.testing.assert_array_equal(first.swapaxes(1, 2), out)


def test_pad_errors():
    with pytest.raises(SeqproError, match="left, both, right"):
        sp.pad_seqs("A", "middle", "N")
    with pytest.raises(SeqproError, match="need a pad_value"):
        sp.pad_seqs("A", "left")
    with pytest.raises(SeqproError, match="not be negative"):
        sp.pad_seqs("A", "left", "N", -1)
    with pytest.raises(SeqproError, match="one ASCII letter"):
        sp.pad_seqs("A", "left", "NN")


# ------------------------------------------------------------------ reverse complement


@given(spt.sequences(unknown="NRYKMBVDHSW-", max_length=80))
@settings(max_examples=100, deadline=None)
def test_reverse_complement_agrees_with_biopython(seq):
    expected = str(Seq(seq).reverse_complement())
    assert sp.reverse_complement(seq, sp.DNA).tobytes().decode() == expected
    rna = seq.replace("T", "U").replace("t", "u")
    expected = str(Seq(rna).reverse_complement_rna())
    assert sp.reverse_complement(rna, sp.RNA).tobytes().decode() == expected


@given(spt.sequence_arrays(unknown="N"))
@settings(max_examples=40, deadline=None)
def test_reverse_complement_commutes_with_one_hot(letters):
    expected = sp.ohe(sp.reverse_complement(letters, sp.DNA))
    hot = sp.ohe(letters)
    np.testing.assert_array_equal(sp.reverse_complement(hot, sp.DNA), expected)
    for length_axis, ohe_axis in [(1, 2), (2, 1), (0, 1), (0, 2), (1, 0), (2, 0), (-1, -3)]:
        turned = np.moveaxis(hot, (1, 2), (length_axis, ohe_axis))
        wanted = np.moveaxis(expected, (1, 2), (length_axis, ohe_axis))
        out = sp.reverse_complement(turned, sp.DNA, length_axis, ohe_axis)
        np.testing.assert_array_equal(out, wanted)
        solid = np.ascontiguousarray(turned)
        out = sp.reverse_complement(solid, sp.DNA, length_axis, ohe_axis)
        np.testing.assert_array_equal(out, wanted)
        assert not np.shares_memory(out, solid)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_reverse_complement_along_any_axis(axis):
    letters = sp.random_seqs((3, 4, 5), sp.DNA, seed=0)
    out = sp.reverse_complement(letters, sp.DNA, axis)
    np.testing.assert_array_equal(out, np.flip(sp.DNA.complement_bytes(letters), axis))
    np.testing.assert_array_equal(sp.reverse_complement(out, sp.DNA, axis), letters)


def test_reverse_complement_of_a_custom_alphabet():
    pairs = sp.NucleotideAlphabet("XPQZ", "ZQPX")
    assert sp.reverse_complement("XXPz", pairs).tobytes() == b"xQZZ"
    with pytest.raises(SeqproError, match="3 wide"):
        sp.reverse_complement(np.zeros((5, 3), np.uint8), sp.DNA)


@pytest.mark.parametrize("n, length", [(1, 9000), (7, 2114), (90, 249), (300, 64), (5000, 3)])
@pytest.mark.parametrize("letters", ["ACGT", "acgtACGT", "ACGTN", "ACGTRyn-"])
def test_reverse_complement_of_many_rows(n, length, letters):
    pool = np.frombuffer(letters.encode(), np.uint8)
    rows = np.random.default_rng(n).choice(pool[:4], (n, length))
    rows[n // 2, : length // 2] = np.random.default_rng(0).choice(pool, length // 2)
    expected = sp.DNA.complement_table[rows[:, ::-1]]
    out = sp.reverse_complement(rows.view("S1"), sp.DNA)
    np.testing.assert_array_equal(out.view(np.uint8), expected)


@pytest.mark.parametrize("alphabet", ["ACGT", "TGCA", "CATG", "GTAC", "UGCA"])
def test_reverse_complement_whatever_the_order_of_the_letters(alphabet):
    pairs = sp.NucleotideAlphabet(alphabet, alphabet[::-1])
    seqs = sp.random_seqs((5, 40), pairs, seed=0)
    out = sp.reverse_complement(seqs, pairs)
    assert text(out) == [pairs.rev_comp_string(row) for row in text(seqs)]


def test_reverse_complement_empty():
    assert sp.reverse_complement(np.empty((0, 4), "S1")).shape == (0, 4)
    assert sp.reverse_complement(np.empty((2, 0, 4), np.uint8)).shape == (2, 0, 4)


# ------------------------------------------------------------------ jitter


def test_jitter_moves_all_arrays_alike():
    letters = sp.random_seqs((6, 3, 11), sp.DNA, seed=0)
    position = np.broadcast_to(np.arange(11), (6, 3, 11))
    wide = np.broadcast_to(np.arange(11.0)[:, None], (6, 3, 11, 4)).swapaxes(2, 3)
    a, b, c = sp.jitter(
        letters, position, wide, max_jitter=2, length_axis=-1, jitter_axes=(0, 1), seed=4
    )
    assert (a.shape, b.shape, c.shape) == ((6, 3, 7), (6, 3, 7), (6, 3, 4, 7))
    starts = b[..., 0]
    assert starts.min() >= 0
    assert starts.max() <= 4
    np.testing.assert_array_equal(b, starts[..., None] + np.arange(7))
    np.testing.assert_array_equal(c, np.broadcast_to(b[:, :, None], c.shape))
    np.testing.assert_array_equal(a, np.take_along_axis(letters, b, -1))


@pytest.mark.parametrize("length_axis, jitter_axes", [(0, 1), (1, 0), (2, 0), (-1, (1, 0)), (0, 2)])
def test_jitter_on_any_axes(length_axis, jitter_axes):
    x = np.arange(9 * 9 * 9, dtype=np.int16).reshape(9, 9, 9)
    (out,) = sp.jitter(x, max_jitter=2, length_axis=length_axis, jitter_axes=jitter_axes, seed=1)
    axis = length_axis % 3
    assert out.shape == tuple(5 if i == axis else 9 for i in range(3))
    moved = np.moveaxis(out, axis, -1)
    source = np.moveaxis(x, axis, -1)
    step = source[0, 0, 1] - source[0, 0, 0]
    starts = (moved[..., 0] - source[..., 0]) // step
    others = [i for i in range(3) if i != axis]
    named = jitter_axes if isinstance(jitter_axes, tuple) else (jitter_axes,)
    for place, original in enumerate(others):
        if original not in named:
            assert (np.ptp(starts, axis=place) == 0).all()
    np.testing.assert_array_equal(np.diff(moved, axis=-1), step)


@pytest.mark.parametrize("row_ids", [None, np.arange(20_000)], ids=["drawn", "counted"])
def test_jitter_reaches_every_shift_equally(row_ids):
    x = np.broadcast_to(np.arange(9), (20_000, 9))
    (out,) = sp.jitter(x, max_jitter=3, seed=0, row_ids=row_ids)
    counts = np.bincount(out[:, 0], minlength=7)
    assert counts.size == 7
    expected = 20_000 / 7
    assert ((counts - expected) ** 2 / expected).sum() < 22.5  # chi-square, 6 df, p = .001


def test_jitter_depends_on_row_ids_only():
    x = np.broadcast_to(np.arange(21), (50, 21))
    (whole,) = sp.jitter(x, max_jitter=8, seed=3, row_ids=np.arange(50))
    ids = np.array([41, 3, 17])
    (some,) = sp.jitter(x[:3], max_jitter=8, seed=3, row_ids=ids)
    np.testing.assert_array_equal(some, whole[ids])
    (generated,) = sp.jitter(x, max_jitter=8, seed=np.random.default_rng(0))
    assert generated.shape == (50, 5)


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_jitter_without_row_ids_draws_as_numpy(seed):
    x = np.broadcast_to(np.arange(9), (4, 3, 9))
    starts = np.random.default_rng(seed).integers(0, 5, (4, 3))
    for source in (seed, np.random.default_rng(seed)):
        (out,) = sp.jitter(x, max_jitter=2, jitter_axes=(0, 1), seed=source)
        np.testing.assert_array_equal(out, starts[..., None] + np.arange(5))


def test_jitter_errors():
    x = np.zeros((3, 7))
    with pytest.raises(SeqproError, match="at least one array"):
        sp.jitter(max_jitter=1)
    with pytest.raises(SeqproError, match="shorter than"):
        sp.jitter(x, max_jitter=4)
    with pytest.raises(SeqproError, match="array 1 has"):
        sp.jitter(x, np.zeros((4, 7)), max_jitter=1)
    with pytest.raises(AxisError, match="must all differ"):
        sp.jitter(x, max_jitter=1, length_axis=0, jitter_axes=0)
    with pytest.raises(SeqproError, match="not be negative"):
        sp.jitter(x, max_jitter=-1)
    with pytest.raises(SeqproError, match="row_ids of shape"):
        sp.jitter(x, max_jitter=1, row_ids=[1, 2])
    with pytest.raises(SeqproError, match="object arrays"):
        sp.jitter(np.full((2, 5), None), max_jitter=1)


def test_jitter_by_nothing_copies():
    x = np.arange(12).reshape(3, 4)
    (out,) = sp.jitter(x, max_jitter=0, seed=0)
    np.testing.assert_array_equal(out, x)
    assert not np.shares_memory(out, x)


# ------------------------------------------------------------------ the rest


def test_random_seqs():
    assert sp.random_seqs((2, 5), sp.DNA, 0).tobytes() == b"TGGCCAAAAT"
    assert sp.random_seqs(7, sp.RNA, 0).shape == (7,)
    drawn = sp.random_seqs(40_000, sp.DNA, np.random.default_rng(1))
    counts = sp.nucleotide_content(drawn, normalize=False)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 16.3  # chi-square, 3 df, p = .001


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_bin_coverage(dtype, axis):
    x = np.arange(6 * 12).reshape(6, 12).astype(dtype)
    sums = sp.bin_coverage(x, 3, axis)
    split = np.split(x, x.shape[axis] // 3, axis)
    expected = np.stack([part.sum(axis) for part in split], axis)
    np.testing.assert_array_equal(sums, expected)
    means = sp.bin_coverage(x, 3, axis, normalize=True)
    assert means.dtype.kind == "f"
    np.testing.assert_allclose(means, expected / 3)


def test_bin_coverage_error():
    with pytest.raises(SeqproError, match="divide the length 7, got 2"):
        sp.bin_coverage(np.zeros(7), 2)


def test_removing_n():
    seqs = ["ACGT", "NNNN", "nNnn", "ANGT"]
    assert sp.remove_N_seqs(seqs) == ["ACGT"]
    assert sp.remove_only_N_seqs(seqs) == ["ACGT", "ANGT"]
    assert text(sp.remove_N_seqs(sp.cast_seqs(seqs))) == ["ACGT"]
    assert text(sp.remove_only_N_seqs(sp.cast_seqs(seqs))) == ["ACGT", "ANGT"]
    with pytest.raises(SeqproError, match="n_seqs, length"):
        sp.remove_N_seqs("ACGT")


def test_padding_refuses_to_take_the_alphabet_for_the_length():
    hot = sp.ohe(["ACGTA", "AAAAA"])
    channels_first = hot.transpose(0, 2, 1)
    with pytest.raises(AxisError, match="length_axis"):
        sp.pad_seqs(channels_first, "right", length=8)
    padded = sp.pad_seqs(channels_first, "right", length=8, length_axis=-1)
    np.testing.assert_array_equal(padded.transpose(0, 2, 1), sp.pad_seqs(hot, "right", length=8))
