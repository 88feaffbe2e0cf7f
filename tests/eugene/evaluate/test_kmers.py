"""Scores of k-mers against scikit-learn, scipy and the formula of Berger et al."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

import seqpro as sp
from eugene.errors import EugeneError
from eugene.evaluate import kmer_scores, rnacompete

K, N = 3, 150
RNG = np.random.default_rng(7)
PROBES = ["".join(RNG.choice(list("ACGU"), RNG.integers(8, 16))) for _ in range(N)]
PROBES[3] = "ACGNUUACGACG"  # a letter that is none, and a k-mer that is there twice
# rounded, so that some intensities are equal
Y = np.round(RNG.normal(size=(N, 2)) + np.array([p.count("GCA") for p in PROBES])[:, None], 1)
Y[[4, 9, 30], 1] = np.nan


def berger(inside: np.ndarray, outside: np.ndarray) -> float:
    """Area = (mean rank of the background - mean rank of the foreground) / (B + F)."""
    top = np.sort(inside)[::-1][: len(inside) // 2]
    low = np.sort(outside)[::-1][: len(outside) // 2]
    ranks = stats.rankdata(-np.concatenate([top, low]))
    f, b = len(top), len(low)
    return (ranks[f:].mean() - ranks[:f].mean()) / (f + b)


@pytest.mark.parametrize("trim", [None, 0.1])
def test_scores_of_every_kmer(trim):
    found = kmer_scores(Y, PROBES, k=K, trim=trim, names=["a", "b"])
    words = ["".join(w) for w in itertools.product("ACGU", repeat=K)]
    assert found["_kmer"].values.tolist() == words
    for i, target in enumerate("ab"):
        there = np.isfinite(Y[:, i])
        averages = {}
        for word in words:
            holds = np.array([word in probe for probe in PROBES])[there]
            y, one = Y[there, i], found.sel(_kmer=word, _target=target)
            assert int(one["n"]) == holds.sum()
            if not holds.any():
                assert np.isnan([float(one[s]) for s in ("average", "zscore", "auc")]).all()
                continue
            average = np.median(y[holds]) if trim is None else stats.trim_mean(y[holds], trim)
            averages[word] = average
            assert float(one["average"]) == pytest.approx(average)
            assert float(one["auc"]) == pytest.approx(roc_auc_score(holds, y))
            if holds.sum() > 1:
                assert float(one["escore"]) == pytest.approx(berger(y[holds], y[~holds]))
            else:
                assert np.isnan(float(one["escore"]))
        z = stats.zscore(list(averages.values()), ddof=1)
        np.testing.assert_allclose(found.sel(_kmer=list(averages), _target=target)["zscore"], z)
    assert found["_kmer"].values[int(found["escore"][:, 0].argmax())] == "GCA"


def test_predictions_are_compared_through_kmers():
    predicted = Y + RNG.normal(0, 0.3, Y.shape)
    predicted = np.where(np.isnan(predicted), 0, predicted)
    targets, kmers = rnacompete(Y, predicted, PROBES, k=K, names=["a", "b"])
    for i, name in enumerate("ab"):
        there = np.isfinite(Y[:, i])
        y, p = Y[there, i], predicted[there, i]
        probes = [probe for probe, kept in zip(PROBES, there, strict=True) if kept]
        row = targets.loc[name]
        assert row["intensity_pearson"] == pytest.approx(stats.pearsonr(y, p)[0])
        one, other = (kmer_scores(v, probes, k=K) for v in (y, p))
        for score in ("zscore", "auc", "escore"):
            a, b = one[score].values[:, 0], other[score].values[:, 0]
            both = np.isfinite(a) & np.isfinite(b)
            assert row[f"{score}_pearson"] == pytest.approx(stats.pearsonr(a[both], b[both])[0])
            assert row[f"{score}_spearman"] == pytest.approx(stats.spearmanr(a[both], b[both])[0])
            np.testing.assert_allclose(kmers[f"{score}_predicted"][:, i], b)
        assert row["n_kmers"] == np.isfinite(one["zscore"]).sum()
        holds = np.array(["GCA" in probe for probe in probes])
        expected = stats.pearsonr(y[holds], p[holds])[0]
        assert float(kmers["pearson"].sel(_kmer="GCA", _target=name)) == pytest.approx(expected)


def test_lists_of_kmers_are_the_table_of_counts():
    counts = sp.kmer_counts(PROBES, K, sp.RNA)
    offsets, rows = sp.kmer_rows(PROBES, K, sp.RNA)
    for word, column in enumerate(counts.T):
        listed = rows[offsets[word] : offsets[word + 1]]
        np.testing.assert_array_equal(listed, np.flatnonzero(column))
    assert sp.kmer_rows(["NN"], 2)[1].shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y_true": Y[:3]}, "shape"),
        ({"y_pred": Y}, "finite prediction"),
        ({"seqs": PROBES[:4]}, "150 intensities"),
        ({"trim": 0.6}, "trim is 0.6"),
        ({"names": ["a"]}, "1 names of 2 targets"),
    ],
)
def test_what_cannot_be_scored(arguments, words):
    given = {"y_true": Y, "y_pred": np.nan_to_num(Y), "seqs": PROBES, "k": K} | arguments
    with pytest.raises(EugeneError, match=words):
        rnacompete(**given)
