"""Counter-based seeds and content hashes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqpro import _kernels, random
from seqpro.errors import SeqproError

MASK = (1 << 64) - 1


def slow_mix(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def slow_seed(seed, *counters):
    golden = 0x9E3779B97F4A7C15
    state = slow_mix((seed & MASK) + golden & MASK)
    for counter in counters:
        state = slow_mix(state ^ slow_mix(counter + golden & MASK))
    return state


@given(st.integers(-(2**63), 2**64), st.lists(st.integers(0, MASK), max_size=3))
@settings(max_examples=100, deadline=None)
def test_counter_seed_equals_plain_python(seed, counters):
    assert int(random.counter_seed(seed, *counters)) == slow_seed(seed, *counters)
    state = np.uint64(slow_seed(seed))
    for counter in counters:
        state = _kernels.combine(np.uint64(state), np.uint64(counter))
    assert int(state) == slow_seed(seed, *counters)


def test_mix_is_splitmix64():
    """First outputs of splitmix64 from state 0, as its authors publish them."""
    golden = 0x9E3779B97F4A7C15
    assert int(_kernels.mix64(np.uint64(golden))) == 0xE220A8397B1DCDAF
    assert int(_kernels.mix64(np.uint64(2 * golden & MASK))) == 0x6E789E6AA1B965F4


def test_counters_broadcast():
    whole = random.counter_seed(5, np.arange(3)[:, None], np.arange(4))
    assert whole.shape == (3, 4)
    assert whole.dtype == np.uint64
    assert whole[2, 1] == random.counter_seed(5, 2, 1)
    assert len(np.unique(whole)) == 12
    assert random.counter_seed(5, 1, 2) != random.counter_seed(5, 2, 1)
    assert random.counter_seed(5).shape == ()


def test_counters_must_be_integers():
    with pytest.raises(SeqproError, match="must be integers, got dtype float64"):
        random.counter_seed(1, 0.5)


def test_uniform_and_integers():
    u = random.uniform(1, np.arange(100_000))
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 4 / np.sqrt(12 * 100_000)
    draws = random.integers(2, 7, np.arange(70_000))
    counts = np.bincount(draws, minlength=7)
    assert counts.size == 7
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 22.5  # chi-square, 6 df, p = .001


def test_row_hash_ignores_padding_only():
    letters = sp.cast_seqs(["ACG", "ACGT", "ACGTACGTACGT", "", "A"])
    hashes = random.row_hash(letters)
    assert len(set(hashes.tolist())) == 5
    for row, expected in zip(letters, hashes, strict=True):
        short = np.array([c for c in row if c], "S1")[None]
        assert random.row_hash(short)[0] == expected
        wide = np.concatenate([row, np.full(30, b"", "S1")])[None]
        assert random.row_hash(wide)[0] == expected
        assert random.row_hash(row.view(np.uint8)[None])[0] == expected


def test_row_hash_tells_many_apart():
    letters = np.unique(sp.random_seqs((50_000, 20), sp.DNA, seed=0), axis=0)
    assert len(np.unique(random.row_hash(letters))) == len(letters)
    with pytest.raises(SeqproError, match="shape"):
        random.row_hash(letters[0])


def test_seed_from():
    assert random.seed_from(-1) == MASK
    assert random.seed_from(np.int64(3)) == 3
    assert random.seed_from(None) != random.seed_from(None)
    assert random.seed_from(np.random.default_rng(0)) == random.seed_from(np.random.default_rng(0))
