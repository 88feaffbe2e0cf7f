"""Profile scores against scipy row by row, intervals against resampling one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats
from scipy.spatial.distance import jensenshannon

from eugene import _weighted
from eugene.errors import EugeneError
from eugene.evaluate import (
    MeanProfile,
    Smooth,
    best_smoothing,
    evaluate_profiles,
    fraction_of_reach,
    jensen_shannon,
    multinomial_nll,
    row_pearson,
    row_spearman,
    score_profiles,
    smooth_profiles,
    thin,
)

TASKS = {"a": [0, 1], "b": [2]}


def tracks(n: int = 12, length: int = 30, seed: int = 0):
    """Return observed counts and predicted shares (n, 3, length), one row of them empty."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.5, 1.0, (n, 3, length))
    observed = rng.poisson(rates).astype(np.float32)
    observed[3] = 0
    return observed, (rates + 0.2).astype(np.float64)


def test_distance_and_likelihood_are_scipys() -> None:
    observed, shares = tracks()
    for y, q in zip(observed.reshape(12, -1), shares.reshape(12, -1), strict=True):
        if not y.sum():
            assert np.isnan(jensen_shannon(y, q)) and np.isnan(multinomial_nll(y, q))
            continue
        for base in (2.0, np.e):
            expected = jensenshannon(y.astype(float), q, base=base)
            assert jensen_shannon(y, q, base=base) == pytest.approx(expected, abs=1e-9)
        expected = -stats.multinomial.logpmf(y, int(y.sum()), q / q.sum())
        assert multinomial_nll(y, q) == pytest.approx(expected, rel=1e-12)
    # a probability that underflows costs what the smallest of single precision costs
    assert multinomial_nll([1, 0], [0, 1]) == pytest.approx(-np.log(np.finfo(np.float32).tiny))


def test_correlations_of_rows_are_scipys() -> None:
    observed, shares = tracks()
    y, q = observed[:, 0], shares[:, 0].round(1)
    y[5] = 4
    for ours, theirs in ((row_pearson, stats.pearsonr), (row_spearman, stats.spearmanr)):
        found = ours(y, q)
        for row in range(len(y)):
            if row in (3, 5):
                assert np.isnan(found[row])
            else:
                assert found[row] == pytest.approx(theirs(y[row], q[row]).statistic, abs=1e-12)


@pytest.mark.parametrize(("width", "kernel"), [(3, "gaussian"), (5, "box")])
def test_smoothing_takes_what_is_inside(width: int, kernel: str) -> None:
    x = tracks()[0][:, 0].astype(float)
    filtered = ndimage.gaussian_filter1d if kernel == "gaussian" else ndimage.uniform_filter1d
    inside = filtered(np.ones(x.shape[1]), width, mode="constant")
    found = smooth_profiles(x, width, kernel=kernel)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, filtered(x, width, axis=1, mode="constant") / inside)
    np.testing.assert_allclose(smooth_profiles(np.ones(9), width, kernel=kernel), 1)
    for wrong in ({"width": 0}, {"width": 4, "kernel": "box"}, {"width": 3, "kernel": "gauss"}):
        with pytest.raises(EugeneError, match=r"width of a|unknown kernel 'gauss'.*gaussian"):
            smooth_profiles(x, **wrong)


def test_a_task_joins_its_strands_and_empty_rows_are_named() -> None:
    observed, shares = tracks()
    observed[4, 2] = 0
    rows = score_profiles(observed, shares, tasks=TASKS, smooth=Smooth(3))
    assert rows.tasks == ("a", "b") and rows.empty.sum(axis=0).tolist() == [1, 2]
    np.testing.assert_array_equal(rows.totals[:, 0], observed[:, :2].sum(axis=(1, 2)))
    for score in rows.scores.values():
        assert np.isnan(score).sum(axis=0).tolist() == [1, 2]
    y, q = observed[0, :2], shares[0, :2]
    expected = jensenshannon(y.ravel().astype(float), q.ravel())
    assert rows.scores["jsd"][0, 0] == pytest.approx(expected)
    smooth = [smooth_profiles(x, 3).ravel() for x in (y, q)]
    expected = stats.pearsonr(*smooth).statistic
    assert rows.scores["profile_pearson"][0, 0] == pytest.approx(expected, abs=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    observed, shares = tracks()
    whole = score_profiles(observed, shares, tasks=TASKS)
    monkeypatch.setattr("eugene.evaluate._profiles._BLOCK", 200)
    parts = score_profiles(observed, shares, tasks=TASKS)
    for name, values in whole.scores.items():
        np.testing.assert_array_equal(parts.scores[name], values)
    one = score_profiles(observed, shares[:1], tasks=TASKS)
    same = score_profiles(observed, np.repeat(shares[:1], 12, axis=0), tasks=TASKS)
    np.testing.assert_array_equal(one.scores["mnll"], same.scores["mnll"])


def test_missing_positions_are_left_out() -> None:
    """A row of which a part is missing scores as that part alone, counts as well."""
    observed, shares = tracks()
    mask = np.ones_like(observed)
    mask[1, :, 20:] = 0
    observed[1, :, 25:] = np.nan
    mask[2] = 0
    rows = score_profiles(observed, shares, np.full((12, 2), 3.0), tasks=TASKS, mask=mask)
    cut = score_profiles(observed[1:2, :, :20], shares[1:2, :, :20], tasks=TASKS)
    for name, values in cut.scores.items():
        np.testing.assert_allclose(rows.scores[name][1], values[0], rtol=1e-12)
    np.testing.assert_array_equal(rows.totals[1], cut.totals[0])
    assert np.isnan(rows.totals[2]).all() and np.isnan(rows.scores["jsd"][2]).all()
    inside = shares[1, 2, :20].sum() / shares[1, 2].sum()
    assert rows.log_counts is not None and rows.log_counts[0, 1] == 3
    assert rows.log_counts[1, 1] == pytest.approx(np.log1p(np.expm1(3) * inside))
    logs = np.zeros((12, 2))
    flat = evaluate_profiles(observed, shares, logs, tasks=TASKS, mask=mask, n_bootstrap=0)
    assert "leaves out 1 rows without any position" in flat["count_pearson"]["why"]
    assert "do not vary" in flat["count_pearson"]["why"]


def test_medians_and_their_intervals() -> None:
    observed, shares = tracks(40)
    logs = np.log1p(shares[:, :2].sum(axis=2))
    found = evaluate_profiles(observed, shares, logs, tasks=TASKS, n_bootstrap=60, seed=5)
    rows = score_profiles(observed, shares, logs, tasks=TASKS)
    rng = np.random.default_rng(5)
    draws = rng.integers(0, 40, (60, 40))
    for name, entry in found.items():
        for t, task in enumerate(TASKS):
            if name.startswith("count"):
                theirs = stats.pearsonr if name == "count_pearson" else stats.spearmanr
                truth = np.log1p(rows.totals[:, t])
                values = [theirs(truth[d], logs[d, t]).statistic for d in [range(40), *draws]]
            else:
                middle = np.nanmean if name == "mnll" else np.nanmedian
                values = [middle(rows.scores[name][d, t]) for d in [range(40), *draws]]
            own = entry["per_task"][task]
            assert own["value"] == pytest.approx(values[0], abs=1e-12)
            ends = np.quantile(values[1:], [0.025, 0.975])
            assert (own["low"], own["high"]) == pytest.approx(tuple(ends), abs=1e-12)
        assert entry["value"] == pytest.approx(np.mean(entry["per_target"]))


def test_a_weighted_median_repeats_rows() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(0, 5, 9) * 1.0, rng.integers(0, 4, (30, 9)) * 1.0
    w[0] = 0
    expected = [np.median(np.repeat(x, row.astype(int))) if row.any() else np.nan for row in w]
    np.testing.assert_array_equal(_weighted.median(x, w), expected)
    assert np.isnan(_weighted.median(np.empty(0), np.empty((2, 0)))).all()


def test_the_mean_profile_is_of_normalised_rows() -> None:
    observed, _ = tracks()
    observed[2, :, 28:] = np.nan
    mean = MeanProfile(TASKS)
    mean.add(observed[:5])
    mean.add(observed[5:])
    assert mean.rows == {"a": 11, "b": 11}
    sums, times = np.zeros((2, 30)), np.zeros((2, 30))
    for row in observed[:, :2].astype(float):
        if np.nansum(row):
            sums += np.nan_to_num(row / np.nansum(row))
            times += ~np.isnan(row)
    expected = (sums + 1 / 60) / (times + 1)
    np.testing.assert_allclose(mean.profile[0, :2], expected / expected.sum(), rtol=1e-12)
    assert mean.profile[0, 2].sum() == pytest.approx(1)
    with pytest.raises(EugeneError, match=r"shape \(12, 3, 9\): expected"):
        mean.add(observed[:, :, :9])
    with pytest.raises(EugeneError, match="no row"):
        _ = MeanProfile().profile


def test_thinning_is_binomial_and_of_the_row() -> None:
    counts = np.full((2, 1, 4000), 3.0)
    counts[0, 0, 0], counts[0, 0, 1] = 1000, np.nan
    first, second = thin(counts, 4, [10, 11])
    np.testing.assert_array_equal(first + second, counts)
    drawn = first[1, 0].astype(int)
    expected = stats.binom.pmf(range(4), 3, 0.5) * 4000
    assert stats.chisquare(np.bincount(drawn, minlength=4), expected).pvalue > 1e-3
    assert abs(first[0, 0, 0] - 500) < 80  # five standard deviations
    again = thin(counts[1:], 4, [11])[0]
    np.testing.assert_array_equal(again[0], first[1])
    assert (thin(counts[1:], 5, [11])[0] != again).any()
    with pytest.raises(EugeneError, match=r"holds 0\.5, which is no count of reads"):
        thin(np.full((1, 1, 2), 0.5), 0, [0])


def test_a_model_stands_between_its_references() -> None:
    rng = np.random.default_rng(1)
    shape = rng.gamma(0.4, 1.0, (60, 1, 80))
    shape = smooth_profiles(shape, 3)
    shape /= shape.sum(axis=2, keepdims=True)
    one, other = rng.poisson(300 * shape), rng.poisson(300 * shape)
    chosen = best_smoothing([(one[:30], other[:30]), (one[30:], other[30:])], widths=(1, 3, 30))
    assert chosen == Smooth(3)
    flat = score_profiles(one, np.ones((1, 1, 80)))
    best = score_profiles(one, smooth_profiles(other, 3))
    half = score_profiles(one, 0.5 * shape + 0.5 / 80)
    found = fraction_of_reach(half, flat, best, n_bootstrap=200, seed=0)
    medians = [float(np.median(rows.scores["jsd"])) for rows in (half, flat, best)]
    expected = (medians[0] - medians[1]) / (medians[2] - medians[1])
    assert found["value"] == pytest.approx(expected)
    assert found["low"] < expected < found["high"] and 0.2 < expected < 1
    nothing = fraction_of_reach(half, best, flat, n_bootstrap=10, seed=0)
    assert np.isnan(nothing["value"]) and "too few reads" in nothing["why"]
    with pytest.raises(EugeneError, match="same rows"):
        fraction_of_reach(half, flat, best.take(np.arange(3)))


def test_what_does_not_fit_is_refused() -> None:
    observed, shares = tracks()
    for wrong, words in (
        ({"profile": shares[:, :2]}, "expected \\(rows, samples, positions\\)"),
        ({"profile": -shares}, "of logits take the softmax"),
        ({"observed": -observed}, "minus strand"),
        ({"tasks": {"x": [3]}}, "the task 'x' is of the samples \\[3\\], there are 3"),
        ({"log_counts": np.zeros((12, 2))}, "expected \\(12, 3\\)"),
        ({"log_counts": np.full((12, 3), np.nan)}, "row 0 are not finite"),
        ({"mask": np.ones((12, 3))}, "mask has shape"),
        ({"observed": observed[:0], "profile": shares[:0]}, "no row"),
    ):
        with pytest.raises(EugeneError, match=words):
            evaluate_profiles(**{"observed": observed, "profile": shares, **wrong})
    with pytest.raises(EugeneError, match="distributions of shapes"):
        jensen_shannon(np.ones(3), np.ones(4))
