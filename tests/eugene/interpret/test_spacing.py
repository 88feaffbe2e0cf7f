"""Distances of found motifs, held against plain loops over sequences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eugene.interpret._spacing import motif_pairs
from seqpro.random import uniform


def places(rng: np.random.Generator, n: int, *, gap: int | None) -> pd.DataFrame:
    """Return places of two motifs in n sequences of 200 bp: so far apart, or anywhere."""
    rows = []
    for sequence in range(n):
        for _ in range(int(rng.integers(1, 3))):
            start = int(rng.integers(0, 140))
            rows.append((sequence, "a", start, start + 10))
        at = rows[-1][2] + 10 + gap if gap is not None else int(rng.integers(0, 190))
        if rng.random() < 0.8:
            rows.append((sequence, "b", at, at + 8))
    table = pd.DataFrame(rows, columns=["sequence", "motif", "start", "end"])
    return table.sort_values(["sequence", "start"], ignore_index=True)


def by_loops(table: pd.DataFrame, other_of: dict[int, int] | None = None) -> list[float]:
    """Return the distances of places that do not overlap, sequence by sequence."""
    found = []
    both = sorted(
        set(table[table["motif"] == "a"]["sequence"])
        & set(table[table["motif"] == "b"]["sequence"])
    )
    for sequence in both:
        mate = sequence if other_of is None else other_of[sequence]
        for one in table[(table["sequence"] == sequence) & (table["motif"] == "a")].itertuples():
            others = table[(table["sequence"] == mate) & (table["motif"] == "b")]
            found += [
                (two.start + two.end) / 2 - (one.start + one.end) / 2
                for two in others.itertuples()
                if not (one.start < two.end and two.start < one.end)
            ]
    return found


def test_distances_and_what_is_expected_of_them() -> None:
    table = places(np.random.default_rng(0), 30, gap=None)
    pairs = motif_pairs(table, "a", "b", n_permutations=40, seed=3)
    assert pairs is not None
    assert pairs.table["distance"].tolist() == by_loops(table)
    both = np.array(sorted(set(table[table["motif"] == "b"]["sequence"])))
    means, counts = [], []
    edges = np.arange(-200, 220, 20)
    for k in range(40):
        order = np.argsort(uniform(3, k, np.arange(len(both))), kind="stable")
        drawn = by_loops(table, dict(zip(both.tolist(), both[order].tolist(), strict=True)))
        means.append(np.mean(np.abs(drawn)))
        share = np.histogram(drawn, edges)[0] / len(drawn) * len(pairs.table)
        counts.append(share)
    observed, expected, low, high, p = pairs.closeness()
    assert observed == pytest.approx(np.mean(np.abs(by_loops(table))))
    assert expected == pytest.approx(np.mean(means))
    assert (low, high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))
    assert p == (1 + sum(m <= observed for m in means)) / 41
    histogram = pairs.histogram(20).set_index("distance")
    for i, edge in enumerate(edges[:-1]):
        if edge in histogram.index:
            row = histogram.loc[edge]
            assert row["expected"] == pytest.approx(np.mean(counts, axis=0)[i])
            assert row["high"] == pytest.approx(np.percentile(counts, 97.5, axis=0)[i])
    assert histogram["observed"].sum() == len(pairs.table)
    assert histogram["expected"].sum() == pytest.approx(len(pairs.table))


def test_close_pairs_are_told_from_independent_ones() -> None:
    close = motif_pairs(places(np.random.default_rng(1), 40, gap=5), "a", "b")
    apart = motif_pairs(places(np.random.default_rng(2), 40, gap=None), "a", "b")
    assert close is not None and apart is not None
    assert close.closeness()[-1] == 1 / 201
    assert apart.closeness()[-1] > 0.05
    assert close.table["end"].lt(close.table["start_other"]).any()


def test_motifs_that_never_meet() -> None:
    table = pd.DataFrame({"sequence": [0, 1], "motif": ["a", "b"], "start": [0, 0], "end": [9, 9]})
    assert motif_pairs(table, "a", "b") is None
    same = pd.DataFrame({"sequence": [0, 0], "motif": ["a", "b"], "start": [0, 5], "end": [9, 14]})
    assert motif_pairs(same, "a", "b") is None
