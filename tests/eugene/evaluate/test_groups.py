"""Groups of scores: tests against scipy, corrections by hand, pictures with their brackets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from eugene.errors import EugeneError
from eugene.evaluate import compare_groups
from eugene.evaluate._groups import smallest_p, too_few
from eugene.plot import compared_groups

RNG = np.random.default_rng(0)
SCORES = {
    "cnn": RNG.normal(0.5, 0.02, 5),
    "rnn": RNG.normal(0.52, 0.02, 5),
    "hybrid": RNG.normal(0.7, 0.02, 5),
    "ties": np.array([0.5, 0.5, 0.5, 0.6, 0.7]),
}


def test_each_pair_is_tested_and_corrected():
    found = compare_groups(SCORES)
    pairs = list(itertools.combinations(SCORES, 2))
    assert list(zip(found["a"], found["b"], strict=True)) == pairs
    for row, (a, b) in zip(found.itertuples(), pairs, strict=True):
        test = stats.mannwhitneyu(SCORES[a], SCORES[b])
        assert (row.u, row.p) == (test.statistic, test.pvalue)
        above = np.sign(SCORES[b][:, None] - SCORES[a]).mean()
        assert row.cliffs_delta == pytest.approx(above)
        assert row.shift == pytest.approx(np.median(np.subtract.outer(SCORES[b], SCORES[a])))
    # Benjamini and Hochberg step by step
    p = found["p"].to_numpy()
    order = np.argsort(-p)
    adjusted, least = np.empty(len(p)), 1.0
    for rank, i in zip(range(len(p), 0, -1), order, strict=True):
        least = min(least, p[i] * len(p) / rank)
        adjusted[i] = least
    np.testing.assert_allclose(found["p_adjusted"], adjusted)
    assert found["significant"].tolist() == (adjusted < 0.05).tolist()
    assert found["significant"].any()


def test_groups_that_are_too_small_for_any_difference_are_told():
    for n in (2, 3, 4, 5):
        apart = stats.mannwhitneyu(np.arange(n), np.arange(n) + 10, method="exact")
        assert smallest_p(n, n) == pytest.approx(apart.pvalue)
    three = compare_groups({k: v[:3] for k, v in list(SCORES.items())[:2]})
    (line,) = too_few(three)
    assert "smallest possible p-value is 0.1, above 0.05" in line
    assert "4 scores each would do" in line
    assert not too_few(compare_groups(SCORES))
    less = compare_groups({"a": [1.0, 2, 3], "b": [4.0, 5, 6]}, alternative="less")
    assert less["p"][0] == pytest.approx(less["smallest_p"][0]) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("scores", "words"),
    [({"a": [1, 2]}, "two or more"), ({"a": [1, 2], "b": [1]}, "two finite scores"),
     ({"a": [1, 2], "b": [1, np.nan]}, "two finite scores")],
)  # fmt: skip
def test_what_cannot_be_compared(scores, words):
    with pytest.raises(EugeneError, match=words):
        compare_groups(scores)


def test_a_bracket_stands_over_each_pair_that_differs():
    found = compare_groups(SCORES)
    ax = compared_groups(SCORES, found, metric="r2")
    differ = found[found["significant"]]
    assert len(ax.texts) == len(differ)
    spans = {
        tuple(int(v) for v in line.get_xdata()[[0, -1]])
        for line in ax.lines
        if len(line.get_xdata()) == 4
    }
    names = list(SCORES)
    pairs = ([names.index(r.a), names.index(r.b)] for r in differ.itertuples())
    assert spans == {tuple(sorted(p)) for p in pairs}
    assert max(max(v) for v in SCORES.values()) < ax.texts[0].get_position()[1]
    with pytest.raises(EugeneError, match="groups that are not drawn: ties"):
        compared_groups({k: v for k, v in SCORES.items() if k != "ties"}, found)
