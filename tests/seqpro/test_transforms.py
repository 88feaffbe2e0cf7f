"""Transforms that carry sequence and tracks together."""

from __future__ import annotations

import numpy as np
import pytest

import seqpro as sp
from seqpro import transforms as tf
from seqpro.errors import SeqproError

N, LENGTH = 64, 21


@pytest.fixture
def seqs():
    return sp.random_seqs((N, LENGTH), sp.DNA, seed=0)


@pytest.fixture
def track():
    return np.broadcast_to(np.arange(LENGTH), (N, LENGTH)).copy()


def test_reverse_complement(seqs, track):
    rc = tf.ReverseComplement("dna", length_axis=-1, ohe_axis=None)
    np.testing.assert_array_equal(rc(seqs), sp.reverse_complement(seqs, sp.DNA, -1))
    both = tf.ReverseComplement("dna", "track", length_axis=-1)
    a, b = both(seqs, track)
    np.testing.assert_array_equal(a, sp.reverse_complement(seqs))
    np.testing.assert_array_equal(b, track[:, ::-1])
    back = both(a, b)
    np.testing.assert_array_equal(back[0], seqs)
    np.testing.assert_array_equal(back[1], track)


@pytest.mark.parametrize("length_axis, ohe_axis", [(-2, -1), (1, 2), (-1, -2), (2, 1), (0, 2)])
def test_reverse_complement_one_hot_beside_a_track(seqs, track, length_axis, ohe_axis):
    hot = np.moveaxis(sp.ohe(seqs), (1, 2), (length_axis, ohe_axis))
    rc = tf.ReverseComplement(length_axis=length_axis, ohe_axis=ohe_axis)
    expected = sp.reverse_complement(hot, sp.DNA, length_axis, ohe_axis)
    np.testing.assert_array_equal(rc(hot), expected)
    flat = track.T if length_axis == 0 else track
    turned = track[:, ::-1].T if length_axis == 0 else track[:, ::-1]
    np.testing.assert_array_equal(rc(hot, flat)[1], turned)
    channels = np.arange(hot.size).reshape(hot.shape)
    np.testing.assert_array_equal(rc(hot, channels)[1], np.flip(channels, length_axis))
    with pytest.raises(SeqproError, match="track_length_axis"):
        rc(hot, track[0])
    named = tf.ReverseComplement(length_axis=length_axis, ohe_axis=ohe_axis, track_length_axis=0)
    np.testing.assert_array_equal(named(hot, track[0])[1], track[0, ::-1])


def test_jitter_one_hot_beside_a_track(seqs, track):
    jitter = tf.Jitter(3, length_axis=(-2, -1), seed=0)
    hot, cut = jitter(sp.ohe(seqs), track)
    np.testing.assert_array_equal(sp.decode_ohe(hot), np.take_along_axis(seqs, cut, 1))
    with pytest.raises(SeqproError, match="2 length axes for 1 arrays"):
        jitter(seqs)


def test_reverse_complement_swaps_strands(seqs):
    stranded = np.arange(N * 3 * LENGTH).reshape(N, 3, LENGTH)
    rc = tf.ReverseComplement("dna", "track", length_axis=-1, swap={0: 1, 1: 0})
    _, out = rc(seqs, stranded)
    np.testing.assert_array_equal(out, stranded[:, [1, 0, 2], ::-1])
    with pytest.raises(SeqproError, match="both ways"):
        tf.ReverseComplement("dna", swap={0: 1})


def test_jitter(seqs, track):
    jitter = tf.Jitter(2, length_axis=-1, jitter_axes=0, seed=0)
    first, cut = jitter(seqs, track)
    expected = sp.jitter(seqs, max_jitter=2, length_axis=-1, jitter_axes=0, seed=0)[0]
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(first, np.take_along_axis(seqs, cut, 1))
    assert (jitter(seqs) != first).any()
    np.testing.assert_array_equal(jitter(seqs, epoch=0), first)


def test_shuffle(seqs, track):
    shuffle = tf.KShuffle(2, length_axis=-1, seed=3)
    out, same = shuffle(seqs, track)
    np.testing.assert_array_equal(out, sp.k_shuffle(seqs, 2, sp.DNA, seed=3))
    assert same is track
    hot = tf.KShuffle(2, length_axis=-2, ohe_axis=-1, seed=3)(sp.ohe(seqs))
    np.testing.assert_array_equal(hot, sp.ohe(out))


def test_random_draws_for_each_row(seqs, track):
    rc = tf.ReverseComplement("dna", "track", length_axis=-1)
    flip = tf.Random(0.5, rc, seed=1)
    a, b = flip(seqs, track)
    flipped = b[:, 0] == LENGTH - 1
    assert 0.25 < flipped.mean() < 0.75
    np.testing.assert_array_equal(a[flipped], sp.reverse_complement(seqs)[flipped])
    np.testing.assert_array_equal(a[~flipped], seqs[~flipped])
    np.testing.assert_array_equal(b[~flipped], track[~flipped])
    assert (flip(seqs, track)[1] != b).any()
    np.testing.assert_array_equal(flip(seqs, track, epoch=0)[1], b)
    np.testing.assert_array_equal(seqs, sp.random_seqs((N, LENGTH), sp.DNA, seed=0))


@pytest.mark.parametrize("p, expected", [(0.0, 0), (1.0, N)])
def test_random_extremes(track, p, expected):
    flip = tf.Random(p, lambda x: x[:, ::-1], seed=1)
    assert (flip(track)[:, 0] == LENGTH - 1).sum() == expected


@pytest.mark.parametrize("epoch", [0, 3])
def test_results_follow_row_ids_whatever_the_batches(seqs, track, epoch):
    steps = tf.Sequential(
        tf.Jitter(2, length_axis=-1, jitter_axes=0, seed=0),
        tf.Random(0.5, tf.ReverseComplement("dna", "track", length_axis=-1), seed=1),
        tf.KShuffle(2, seed=2),
        seed=9,
    )
    ids = np.arange(N) * 7
    whole = steps(seqs, track, row_ids=ids, epoch=epoch)
    order = np.random.default_rng(0).permutation(N)
    for part in np.array_split(order, 5):
        out = steps(seqs[part], track[part], row_ids=ids[part], epoch=epoch)
        np.testing.assert_array_equal(out[0], whole[0][part])
        np.testing.assert_array_equal(out[1], whole[1][part])


def test_sequential_takes_plain_functions(seqs, track):
    steps = tf.Sequential(lambda s, t: (s, t * 2), tf.ReverseComplement("dna", "track"))
    out = steps(seqs, track)
    np.testing.assert_array_equal(out[1], 2 * track[:, ::-1])
    single = tf.Sequential(tf.ReverseComplement("dna"))
    np.testing.assert_array_equal(single(["AAC"]), [[b"G", b"T", b"T"]])
    np.testing.assert_array_equal(tf.Sequential()(seqs), seqs)


def test_tokenize(seqs, track):
    tokens, same = tf.Tokenize({"A": 3, "C": 1})(seqs, track)
    np.testing.assert_array_equal(tokens, sp.tokenize(seqs, {"A": 3, "C": 1}, -1))
    assert same is track
    both = tf.Tokenize(sp.DNA.token_map, 4, types=("dna", "dna"))(seqs, seqs)
    assert all((t == sp.tokenize(seqs, sp.DNA.token_map, 4)).all() for t in both)


def test_errors(seqs, track):
    with pytest.raises(SeqproError, match="'dna' or 'track', got 'rna'"):
        tf.ReverseComplement("rna")
    with pytest.raises(SeqproError, match="2 arrays for 1 types"):
        tf.ReverseComplement("dna")(seqs, track)
    with pytest.raises(SeqproError, match="between 0 and 1"):
        tf.Random(1.5)
    with pytest.raises(SeqproError, match="must keep shapes"):
        tf.Random(1.0, tf.Jitter(1))(seqs)
    with pytest.raises(SeqproError, match="must keep shapes and dtypes"):
        tf.Random(1.0, lambda x: x / 2)(np.arange(8).reshape(4, 2))
    with pytest.raises(SeqproError, match="differ in the number of rows"):
        tf.Random(1.0, tf.ReverseComplement("dna", "track"))(seqs, track[:5])
    with pytest.raises(SeqproError, match="at least one array"):
        tf.Jitter(1)()


# ------------------------------------------------------------------ TMM


def test_tmm_recovers_a_known_bias():
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 50.0, 5000)
    plain = rng.poisson(rates)
    loaded = rates.copy()
    loaded[:250] *= 12  # a few genes take a share of the library
    biased = rng.poisson(loaded)
    tmm = tf.TMM().fit(np.vstack([plain, biased]))
    expected = rates.sum() / loaded.sum()
    assert tmm.factors[1] / tmm.factors[0] == pytest.approx(expected, rel=0.03)
    assert np.exp(np.log(tmm.factors).mean()) == pytest.approx(1)
    scaled = tmm.transform(np.vstack([plain, biased]))
    stable = scaled[:, 250:].sum(1)
    assert stable[0] == pytest.approx(stable[1], rel=0.03)


def test_tmm_expression_cutoff_has_an_effect():
    rng = np.random.default_rng(1)
    counts = rng.poisson(np.geomspace(0.1, 1000, 2000), (2, 2000))
    counts[1, :1000] *= 3
    loose = tf.TMM().fit(counts).factors
    strict = tf.TMM(expression_cutoff=-12).fit(counts).factors
    assert abs(loose - strict).max() > 1e-3


def test_tmm_scales_new_samples_as_the_fitted_ones():
    counts = np.random.default_rng(2).poisson(np.geomspace(1, 500, 400), (4, 400))
    tmm = tf.TMM().fit(counts)
    whole = tmm.transform(counts)
    np.testing.assert_allclose(tmm.transform(counts[[3, 1]]), whole[[3, 1]])
    np.testing.assert_allclose(tmm.transform(5 * counts[:1], 1e3), whole[:1] / 1e3, rtol=0.01)
    np.testing.assert_allclose(whole.sum(1) * tmm.factors, 1e6)


def test_tmm_errors():
    with pytest.raises(SeqproError, match="call fit first"):
        tf.TMM().transform(np.ones((2, 3)))
    with pytest.raises(SeqproError, match="sample 1 has no counts"):
        tf.TMM().fit([[1, 2], [0, 0]])
    with pytest.raises(SeqproError, match="not negative"):
        tf.TMM().fit([[1, -2]])
    with pytest.raises(SeqproError, match="fitted on 2 genes, got 3"):
        tf.TMM().fit([[1, 2], [2, 3]]).transform([[1, 2, 3]])
    with pytest.raises(SeqproError, match="trims"):
        tf.TMM(log_ratio_trim=0.5)
