"""Words at cut sites, counted by hand, and footprints of several networks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from eugene.errors import EugeneError
from eugene.interpret import BIAS_MOTIFS, bias_footprints, cut_site_words
from eugene.models import zoo
from seqexplainer import backgrounds, footprint


@pytest.mark.parametrize("k", [1, 3, 6])
def test_words_are_counted_where_cuts_lie(k: int) -> None:
    rng = np.random.default_rng(k)
    letters = np.frombuffer(b"ACGTN", "S1")[rng.choice(5, (40, 60), p=[0.3, 0.2, 0.2, 0.28, 0.02])]
    cuts = rng.poisson(0.4, letters.shape).astype(np.float32)
    cuts[3, 5] = np.nan
    sites: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row, signal in zip(letters, cuts, strict=True):
        text = row.tobytes().decode()
        for at in range(len(text) - k + 1):
            word = text[at : at + k]
            if "N" not in word:
                sites[word] += 1
                total[word] += int(np.nan_to_num(signal[at + k // 2]))
    mean = sum(total.values()) / sum(sites.values())
    found = cut_site_words(letters.view(np.uint8), cuts, k, least=3)
    assert set(found["word"]) == {word for word, n in sites.items() if n >= 3}
    for row in found.to_dict("records"):
        assert (row["sites"], row["cuts"]) == (sites[row["word"]], total[row["word"]])
        expected = (total[row["word"]] + 10) / (sites[row["word"]] * mean + 10)
        assert row["ratio"] == pytest.approx(expected)
    assert (np.diff(found["ratio"]) <= 0).all()


def test_words_need_cuts_and_sequences_that_fit() -> None:
    letters = np.full((2, 8), b"A", "S1")
    with pytest.raises(EugeneError, match=r"shape \(2, 8\) and cuts \(2, 7\)"):
        cut_site_words(letters, np.ones((2, 7)))
    with pytest.raises(EugeneError, match="no cut site"):
        cut_site_words(letters, np.zeros((2, 8)))
    with pytest.raises(EugeneError, match="k is 9"):
        cut_site_words(letters, np.ones((2, 8)), 9)


def test_footprints_of_networks_are_those_of_each() -> None:
    net = zoo.ChromBPNet(160, n_filters=4, n_layers=1, bias_filters=4, bias_layers=1, trimming=40)
    motifs = {"tn5": BIAS_MOTIFS["tn5"][0], "GATA": "GATA"}
    curves, heights = bias_footprints(
        {"with": net, "without": net.main}, motifs, length=160, n_backgrounds=6, reach=20, seed=3
    )
    X = backgrounds(kind="random", n=6, length=160, seed=3)
    for (network, motif), part in curves.groupby(["network", "motif"]):
        alone = footprint(net if network == "with" else net.main, X, motifs[motif], seed=3)
        near = np.abs(alone.positions) <= 20
        assert part["position"].tolist() == list(range(-20, 21))
        for name in ("before", "after", "mean", "low", "high"):
            np.testing.assert_allclose(part[name], getattr(alone, name)[near])
        row = heights[(heights["network"] == network) & (heights["motif"] == motif)].iloc[0]
        top = part.loc[part["mean"].idxmax()]
        assert row["height"] == pytest.approx(alone.height(20)) == top["mean"]
        assert row["at"] == top["position"]
        assert row["fold"] == pytest.approx(top["after"] / top["before"])
        assert row["log_counts"] == pytest.approx(alone.counts)
    assert len(heights) == 4
    with pytest.raises(EugeneError, match="at least one motif"):
        bias_footprints({"with": net}, [], length=160)
    with pytest.raises(EugeneError, match="sequences to shuffle"):
        bias_footprints({"with": net}, motifs)
