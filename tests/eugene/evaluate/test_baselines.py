"""k-mer baselines against scikit-learn and counting by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import seqpro as sp
from eugene.errors import EugeneError
from eugene.evaluate import baselines
from eugene.evaluate.baselines import KmerLogistic, KmerRidge, kmer_features


def sequences(n: int, length: int = 30, seed: int = 0) -> np.ndarray:
    return sp.random_seqs((n, length), sp.DNA, seed=seed)


@settings(max_examples=25, deadline=None)
@given(st.text("ACGTN", min_size=6, max_size=20), st.integers(1, 4), st.booleans())
def test_counts_by_hand(text: str, k: int, both: bool) -> None:
    letters = np.array([list(text)], dtype="S1")
    counted: Counter[str] = Counter(text[i : i + k] for i in range(len(text) - k + 1))
    turn = str.maketrans("ACGT", "TGCA")
    names = ["".join("ACGT"[(code // 4**i) % 4] for i in range(k)[::-1]) for code in range(4**k)]
    if both:
        names = [w for w in names if w <= w[::-1].translate(turn)]
    expected = []
    for name in names:
        other = name[::-1].translate(turn)
        twice = both and other != name
        expected.append(counted[name] + (counted[other] if twice else 0))
    np.testing.assert_array_equal(kmer_features(letters, k, both_strands=both)[0], expected)


def test_bytes_and_several_lengths() -> None:
    letters = sequences(5)
    found = kmer_features(letters.view("u1"), (1, 2))
    assert found.shape == (5, 20)
    np.testing.assert_array_equal(found, kmer_features(letters, (1, 2)))
    assert kmer_features(letters, (1, 2), both_strands=True).shape == (5, 12)
    with pytest.raises(EugeneError, match=r"expected letters of shape \(n, length\)"):
        kmer_features(letters[0], 2)


@pytest.mark.parametrize("n", [60, 400])
def test_ridge_is_ridge(n: int) -> None:
    letters, val = sequences(n), sequences(50, seed=1)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=84)
    y, val_y = (
        kmer_features(s, (1, 2, 3)) @ weights + rng.normal(size=len(s)) for s in (letters, val)
    )
    model = KmerRidge(3, both_strands=False, penalties=[0.5]).fit(letters, y, val, val_y)
    x = kmer_features(letters, (1, 2, 3)).astype(float)
    mean, spread = x.mean(0), x.std(0)
    spread[spread == 0] = 1
    oracle = Ridge(alpha=0.5 * 84).fit((x - mean) / spread, y)
    val_x = (kmer_features(val, (1, 2, 3)) - mean) / spread
    np.testing.assert_allclose(model.predict(val), oracle.predict(val_x), rtol=1e-3, atol=1e-3)
    assert model.scores[0.5] == pytest.approx(np.mean((oracle.predict(val_x) - val_y) ** 2), 1e-3)


def test_the_penalty_is_chosen_on_validation_rows() -> None:
    letters, val = sequences(100), sequences(80, seed=1)
    rng = np.random.default_rng(0)
    model = KmerRidge(3, penalties=[1e-4, 1e4])
    model.fit(letters, rng.normal(size=100), val, rng.normal(size=80))
    assert model.penalty == 1e4  # noise: the strongest penalty does best
    assert model.penalty == min(model.scores, key=model.scores.__getitem__)


def test_without_validation_rows_all_rows_are_used() -> None:
    letters = sequences(100)
    y = np.random.default_rng(0).normal(size=100)
    chosen = KmerRidge(2).fit(letters, y)
    assert len(chosen.scores) == 7
    fixed = KmerRidge(2, penalties=[chosen.penalty]).fit(letters, y, letters[:5], y[:5])
    np.testing.assert_allclose(chosen.predict(letters), fixed.predict(letters))


@pytest.mark.parametrize("kind", [KmerRidge, KmerLogistic])
def test_both_strands_do_not_see_the_strand(kind: type[KmerRidge] | type[KmerLogistic]) -> None:
    letters = sequences(120)
    y = (kmer_features(letters, 2)[:, 3] > 1).astype(float)
    model = kind(2, both_strands=True).fit(letters, y)
    turned = sp.reverse_complement(letters, sp.DNA, length_axis=1)
    np.testing.assert_allclose(model.predict(letters), model.predict(turned), rtol=1e-5)


def test_logistic_learns_and_gives_probabilities() -> None:
    letters, val, test = (sequences(n, seed=s) for s, n in enumerate((400, 100, 200)))
    label = [(kmer_features(s, 2)[:, 0] > 1).astype(float) for s in (letters, val, test)]
    model = KmerLogistic(2, both_strands=False).fit(letters, label[0], val, label[1])
    found = model.predict(test)
    assert ((found >= 0) & (found <= 1)).all()
    assert ((found > 0.5) == label[2]).mean() > 0.9
    assert model.penalty in model.scores


def test_several_targets_with_holes() -> None:
    letters = sequences(150)
    y = kmer_features(letters, 1)[:, :2].astype(float)
    y[:20, 1] = np.nan
    found = KmerRidge(2, both_strands=False).fit(letters, y).predict(letters)
    assert found.shape == (150, 2)
    assert np.corrcoef(found[20:, 1], y[20:, 1])[0, 1] > 0.95


def test_errors() -> None:
    letters = sequences(20)
    with pytest.raises(EugeneError, match="k must be at least 1"):
        KmerRidge(0)
    with pytest.raises(EugeneError, match="20 sequences but 3 rows"):
        KmerRidge(1).fit(letters, [1, 2, 3])
    with pytest.raises(EugeneError, match="5 validation sequences but 2 rows"):
        KmerRidge(1).fit(letters, np.ones(20), letters[:5], [1, 2])
    with pytest.raises(EugeneError, match="has 0 training rows"):
        KmerRidge(1).fit(letters, np.full(20, np.nan))
    with pytest.raises(EugeneError, match="together, or neither"):
        KmerRidge(1).fit(letters, np.ones(20), letters)
    with pytest.raises(EugeneError, match="one class only"):
        KmerLogistic(1).fit(letters, np.ones(20))
    assert baselines.__doc__


def test_logistic_that_is_sure_of_itself_gives_no_warning() -> None:
    letters = sp.random_seqs((200, 300), sp.DNA, seed=0)
    label = (letters == b"A").mean(axis=1) > 0.25
    # sequences unlike any that were trained on: float32 probabilities of them round to 0 and 1
    extreme = np.repeat(np.array([[b"A"], [b"C"]], dtype="S1"), 300, axis=1)
    model = KmerLogistic(2).fit(letters, label, extreme, np.array([0.0, 1.0]))
    assert np.isfinite(list(model.scores.values())).all()
    assert model.scores[1e-1] > 30  # nats


@pytest.mark.parametrize("kind", [KmerRidge, KmerLogistic])
def test_too_few_rows_to_choose_on_take_the_strongest_penalty(
    kind: type[KmerRidge] | type[KmerLogistic],
) -> None:
    letters = sp.random_seqs((6, 20), sp.DNA, seed=0)
    y = np.array([0.0, 0, 0, 0, 1, 0])  # what differs is on the row that is held out
    model = kind(1).fit(letters, y)
    assert model.penalty == (max if kind is KmerRidge else min)(model.penalties)
    assert np.isfinite(model.predict(letters)).all()
