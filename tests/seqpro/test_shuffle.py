"""k-let preserving shuffles: counts, uniformity, unknown letters, independence of the batch."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import SeqproError


def klets(seq, k):
    return Counter(seq[i : i + k] for i in range(len(seq) - k + 1))


def all_shuffles(seq, k):
    """List every sequence with the same k-lets and ends, by walking all Euler paths."""
    found = set()
    left = klets(seq, k)

    def extend(done):
        if len(done) == len(seq):
            found.add(done)
            return
        for letter in "ACGT":
            klet = done[len(done) - k + 1 :] + letter
            if left[klet]:
                left[klet] -= 1
                extend(done + letter)
                left[klet] += 1

    extend(seq[: k - 1])
    return found


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7, 8, 12])
@given(seq=spt.sequences(unknown="", lower=False, max_length=200), seed=st.integers(0, 2**63))
@settings(max_examples=25, deadline=None)
def test_counts_and_ends_are_kept(k, seq, seed):
    out = sp.k_shuffle(seq, k, sp.DNA, seed=seed).tobytes().decode()
    assert klets(out, k) == klets(seq, k)
    if k > 1:
        assert out[: k - 1] == seq[: k - 1]
        assert out[len(out) - k + 1 :] == seq[len(seq) - k + 1 :]


@pytest.mark.parametrize("k", [1, 2, 3])
@given(seq=spt.sequences(unknown="NN-", lower=True, max_length=80), seed=st.integers(0, 2**63))
@settings(max_examples=40, deadline=None)
def test_unknown_letters_stay_and_part_the_sequence(k, seq, seed):
    out = sp.k_shuffle(seq, k, sp.DNA, seed=seed).tobytes().decode()
    begin = 0
    for i, letter in enumerate(seq + "N"):
        if letter in "Nn-":
            part, shuffled = seq[begin:i].upper(), out[begin:i]
            assert klets(shuffled, k) == klets(part, k)
            assert shuffled[: min(k - 1, len(part))] == part[: k - 1]
            if i < len(seq):
                assert out[i] == letter
            begin = i + 1


@pytest.mark.parametrize(
    "seq, k, n_shuffles",
    [
        ("ACCCACGATGATA", 2, 72),
        ("ACAGCATCGA", 2, 30),
        ("ACACGTACAGATACGTAC", 3, None),
        ("AACCGG", 1, 90),
    ],
)
def test_every_shuffle_is_equally_likely(seq, k, n_shuffles):
    expected = all_shuffles(seq, k)
    if n_shuffles is not None:
        assert len(expected) == n_shuffles
    n = 1000 * len(expected)
    rows = np.tile(sp.cast_seqs(seq), (n, 1))
    out = sp.k_shuffle(rows, k, sp.DNA, seed=11)
    seen, counts = np.unique(out.view(f"S{len(seq)}"), return_counts=True)
    assert {s.decode() for s in seen} == expected
    chi2 = ((counts - 1000.0) ** 2 / 1000).sum()
    df = len(expected) - 1
    assert chi2 < df + 3.3 * np.sqrt(2 * df) + 4.5  # above the 0.999 quantile for any df


def test_uniform_when_vertices_are_ranked_instead_of_indexed():
    seq = "ACGTACGTTTACGTACGACGTACGTT"
    k = 8
    expected = all_shuffles(seq, k)
    assert len(expected) > 1
    rows = np.tile(sp.cast_seqs(seq), (2000 * len(expected), 1))
    out = sp.k_shuffle(rows, k, sp.DNA, seed=5)
    seen, counts = np.unique(out.view(f"S{len(seq)}"), return_counts=True)
    assert {s.decode() for s in seen} == expected
    chi2 = ((counts - 2000.0) ** 2 / 2000).sum()
    df = len(expected) - 1
    assert chi2 < df + 3.3 * np.sqrt(2 * df) + 4.5


def test_rows_depend_on_seed_and_row_id_only():
    letters = sp.random_seqs((40, 60), sp.DNA, seed=0)
    whole = sp.k_shuffle(letters, 2, sp.DNA, seed=7)
    np.testing.assert_array_equal(sp.k_shuffle(letters, 2, sp.DNA, seed=7), whole)
    ids = np.array([31, 2, 19])
    np.testing.assert_array_equal(
        sp.k_shuffle(letters[ids], 2, sp.DNA, seed=7, row_ids=ids), whole[ids]
    )
    assert (sp.k_shuffle(letters, 2, sp.DNA, seed=8) != whole).any()
    same = np.tile(letters[:1], (5, 1))
    assert len({row.tobytes() for row in sp.k_shuffle(same, 2, sp.DNA, seed=7)}) > 1


def test_seeds_of_other_kinds():
    letters = sp.random_seqs((4, 60), sp.DNA, seed=0)
    one = sp.k_shuffle(letters, 2, sp.DNA, seed=np.random.default_rng(3))
    two = sp.k_shuffle(letters, 2, sp.DNA, seed=np.random.default_rng(3))
    np.testing.assert_array_equal(one, two)
    fresh = [sp.k_shuffle(letters, 2, sp.DNA).tobytes() for _ in range(3)]
    assert len(set(fresh)) == 3
    assert sp.k_shuffle(letters, 2, sp.DNA, seed=-1).shape == letters.shape


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (-1, -2), (0, 1), (0, -1), (-3, 2), (2, 0)])
def test_one_hot_on_any_axes(k, axes):
    letters = sp.random_seqs((3, 30), sp.DNA, seed=1)
    letters[1, 10:12] = b"N"
    expected = sp.ohe(sp.k_shuffle(letters, k, sp.DNA, seed=2))
    turned = np.moveaxis(sp.ohe(letters), (1, 2), axes)
    out = sp.k_shuffle(turned, k, sp.DNA, length_axis=axes[0], ohe_axis=axes[1], seed=2)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(np.moveaxis(out, axes, (1, 2)), expected)


def test_letters_on_any_axis():
    letters = sp.random_seqs((5, 6, 20), sp.DNA, seed=1)
    expected = sp.k_shuffle(letters, 2, sp.DNA, seed=2)
    for axis in range(3):
        turned = np.moveaxis(letters, -1, axis)
        out = sp.k_shuffle(turned, 2, length_axis=axis, seed=2)
        np.testing.assert_array_equal(np.moveaxis(out, axis, -1), expected)


def test_proteins_and_padding():
    letters = sp.cast_seqs(["MKMKWWMKM", "MK"])
    out = sp.k_shuffle(letters, 2, sp.AA, seed=0)
    assert out[1].tobytes() == letters[1].tobytes()
    assert klets(out[0].tobytes(), 2) == klets(letters[0].tobytes(), 2)


def test_shuffled_sequences_do_move():
    letters = sp.random_seqs((20, 500), sp.DNA, seed=1)
    for k in (1, 2, 3):
        out = sp.k_shuffle(letters, k, sp.DNA, seed=0)
        assert 0.5 < (out != letters).mean() < 0.8


def test_degenerate_sequences():
    assert sp.k_shuffle("A", 2, seed=0).tobytes() == b"A"
    assert sp.k_shuffle("AAAA", 2, seed=0).tobytes() == b"AAAA"
    assert sp.k_shuffle("NNNN", 2, seed=0).tobytes() == b"NNNN"
    assert sp.k_shuffle("ACGT", 9, seed=0).tobytes() == b"ACGT"
    assert sp.k_shuffle(np.empty((0, 5), "S1"), 2, seed=0).shape == (0, 5)
    assert sp.k_shuffle(np.empty((2, 0), "S1"), 2, seed=0).shape == (2, 0)


def test_errors():
    with pytest.raises(SeqproError, match="at least 1, got 0"):
        sp.k_shuffle("ACGT", 0)
    with pytest.raises(SeqproError, match="too large"):
        sp.k_shuffle("ACGT", 40)
    with pytest.raises(SeqproError, match="must be integers"):
        sp.k_shuffle("ACGT", 2, row_ids=0.5)
    with pytest.raises(SeqproError, match="does not fit"):
        sp.k_shuffle(["ACGT"] * 3, 2, row_ids=[1, 2])


def test_first_letter_pairs_of_long_sequences_mix():
    """Exits of a letter are in uniform order, also the last one (no pinned edge)."""
    seq = "ACAG" * 3 + "ATGA"
    expected = all_shuffles(seq, 2)
    follow_last = Counter()
    for shuffled in expected:
        follow_last[[b for a, b in pairwise(shuffled) if a == "A"][-1]] += 1
    rows = np.tile(sp.cast_seqs(seq), (20_000, 1))
    seen = Counter()
    for row in sp.k_shuffle(rows, 2, sp.DNA, seed=9):
        shuffled = row.tobytes().decode()
        seen[[b for a, b in pairwise(shuffled) if a == "A"][-1]] += 1
    for letter, count in follow_last.items():
        share = count / len(expected)
        assert abs(seen[letter] / 20_000 - share) < 4 * np.sqrt(share * (1 - share) / 20_000)


def test_the_third_place_may_be_the_axis_of_positions() -> None:
    rows = sp.random_seqs((4, 30), sp.DNA, seed=0)
    wanted = sp.k_shuffle(rows, 2, sp.DNA, length_axis=-1, seed=3)
    np.testing.assert_array_equal(sp.k_shuffle(rows, 2, -1, None, 3), wanted)
    np.testing.assert_array_equal(sp.k_shuffle(rows, 2, None, seed=3, length_axis=-1), wanted)
    with pytest.raises(SeqproError, match="multiple values for length_axis"):
        sp.k_shuffle(rows, 2, -1, length_axis=1)
