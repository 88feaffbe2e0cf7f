"""Our TomTom beside one that enumerates every sum, and beside memelite."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from seqexplainer import _tomtom


def motifs(n: int, seed: int, widths: tuple[int, int] = (2, 5)) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.dirichlet([0.3] * 4, int(rng.integers(*widths))).T for _ in range(n)]


def added(sums: Counter, row: np.ndarray) -> Counter:
    found: Counter = Counter()
    for (s, k), step in itertools.product(sums.items(), row):
        found[s + int(step)] += k
    return found


def enumerated(query, targets):
    """Return p-values (targets,) and scores, every combination of columns written out."""
    columns = np.concatenate(targets, axis=1).T
    raw = np.array([[-np.linalg.norm(q - c) for c in columns] for q in query.T])
    raw -= np.array([[np.sort(row)[[(len(row) - 1) // 2, len(row) // 2]].mean()] for row in raw])
    least = np.floor(raw.min())
    scale = np.floor(_tomtom.STEPS / (raw.max() - least))
    steps = np.rint((raw - least) * scale).astype(int)
    neutral = round(-least * scale)
    n, total = query.shape[1], len(columns)

    def reaches(left: int, right: int, score: int) -> float:
        """Return the chance that a stretch over random columns reaches a score."""
        sums = Counter({neutral * (n - right + left): 1})
        for row in steps[left:right]:  # every column of the background is as likely
            sums = added(sums, row)
        return sum(k for s, k in sums.items() if s >= score) / total ** (right - left)

    p_values, scores, start = [], [], 0
    for target in targets:
        width = target.shape[1]
        spans = [(max(s, 0), min(s + width, n), s) for s in range(1 - width, n)]
        best = max(
            neutral * (n - r + ell) + sum(steps[i, start + i - s] for i in range(ell, r))
            for ell, r, s in spans
        )
        p_values.append(1 - np.prod([1 - reaches(ell, r, best) for ell, r, _ in spans]))
        scores.append(best)
        start += width
    return np.array(p_values), np.array(scores)


@pytest.mark.parametrize("seed", [0, 1])
def test_p_values_are_those_of_every_combination_of_columns(seed):
    targets = motifs(9, seed)
    for query in motifs(3, seed + 50, (3, 5)):
        found = _tomtom.compare([query], targets, both_strands=False)
        p, score = enumerated(query, targets)
        np.testing.assert_allclose(found.p_value[0], p, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(found.score[0], score)
        assert not found.reverse.any()


def test_a_turned_motif_is_found_where_it_lies():
    targets = motifs(40, 3, (8, 12))
    query = np.concatenate([np.full((4, 2), 0.25), targets[7][::-1, ::-1]], axis=1)
    found = _tomtom.compare([query], targets, both_strands=True)
    assert found.p_value[0].argmin() == 7
    assert found.reverse[0, 7]
    assert (found.offset[0, 7], found.overlap[0, 7]) == (-2, targets[7].shape[1])
    # one strand alone is likelier to be as good by chance: twice, for small chances
    alone = _tomtom.compare([query], [t[::-1, ::-1] for t in targets], both_strands=False)
    assert found.p_value[0, 7] == pytest.approx(2 * alone.p_value[0, 7], rel=0.5)


def test_small_chances_stay_apart_from_none():
    targets = motifs(60, 4, (14, 20))
    found = _tomtom.compare(targets[:3], targets, both_strands=True)
    own = found.p_value[np.arange(3), np.arange(3)]
    assert ((own > 0) & (own < 1e-8)).all()
    assert (found.p_value <= 1).all()


def test_a_palindrome_is_reported_on_the_strand_as_given():
    site = np.eye(4)[[0, 1, 2, 3]].T * 0.9 + 0.025
    np.testing.assert_allclose(site, site[::-1, ::-1])
    found = _tomtom.compare([site], [site, *motifs(30, 5)], both_strands=True)
    assert not found.reverse[0, 0]
    assert found.offset[0, 0] == 0


def test_motifs_without_information_are_no_error():
    flat = np.full((4, 5), 0.25)
    found = _tomtom.compare([flat], [flat, flat], both_strands=True)
    np.testing.assert_allclose(found.p_value, 1.0)


@pytest.mark.slow  # memelite compiles for a minute
def test_agrees_with_memelite():
    from memelite import tomtom

    queries, targets = motifs(12, 6, (6, 14)), motifs(120, 7, (6, 14))
    theirs = tomtom(queries, [np.ascontiguousarray(t) for t in targets])
    ours = _tomtom.compare(queries, targets, both_strands=True)
    logs = np.log10(ours.p_value), np.log10(theirs[0])
    assert np.corrcoef(*(x.ravel() for x in logs))[0, 1] > 0.99
    assert np.median(np.abs(logs[0] - logs[1])) < 0.05
