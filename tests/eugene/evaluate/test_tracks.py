"""Scores of tracks against scipy: over bins and windows, at each bin, over genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from eugene.errors import EugeneError
from eugene.evaluate import (
    MeanTracks,
    TrackRows,
    bin_table,
    gene_table,
    group_table,
    plan_genes,
    quantile_normalised,
    score_tracks,
    track_table,
)

NAMES = ["a", "b", "c"]


def signal(seed: int = 0, n: int = 6, bins: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    observed = rng.gamma(0.5, 4.0, (n, 3, bins)) + np.array([0.0, 1e3, 0.0])[:, None]
    predicted = observed * 0.5 + rng.normal(0, 2, observed.shape)
    observed[0, 0, :7] = np.nan
    return observed, predicted


def test_correlations_are_over_all_bins_of_all_windows() -> None:
    y, p = signal()
    parts = [score_tracks(y[rows], p[rows]) for rows in (slice(0, 2), slice(2, 3), slice(3, 6))]
    table = track_table(TrackRows.joined(parts), NAMES, metadata={"assay": ["x", "x", "y"]}, seed=0)
    for i in range(3):
        there = np.isfinite(y[:, i])
        a, b = y[:, i][there], p[:, i][there]
        assert table["pearson"][i] == pytest.approx(stats.pearsonr(a, b)[0], rel=1e-9)
        logs = np.log1p(a), np.log1p(np.maximum(b, 0))
        assert table["pearson_log"][i] == pytest.approx(stats.pearsonr(*logs)[0], rel=1e-9)
        r2 = 1 - ((a - b) ** 2).sum() / ((a - a.mean()) ** 2).sum()
        assert table["r2"][i] == pytest.approx(r2, rel=1e-6)
        assert table["bins"][i] == there.sum()
    assert table["assay"].tolist() == ["x", "x", "y"]


def test_intervals_draw_whole_windows() -> None:
    y, p = signal()
    table = track_table(score_tracks(y, p), NAMES, n_bootstrap=200, seed=5)
    rng = np.random.default_rng(5)
    drawn = []
    for rows in rng.integers(0, 6, (200, 6)):
        a, b = y[rows, 0].ravel(), p[rows, 0].ravel()
        drawn.append(stats.pearsonr(a[np.isfinite(a)], b[np.isfinite(a)])[0])
    assert table["pearson_low"][0] == pytest.approx(np.quantile(drawn, 0.025))
    assert table["pearson_high"][0] == pytest.approx(np.quantile(drawn, 0.975))


def test_groups_are_means_beside_a_reference() -> None:
    y, p = signal()
    train, _ = signal(seed=1)
    mean = MeanTracks()
    mean.add(train[:2])
    mean.add(train[2:])
    np.testing.assert_allclose(mean.predict(2)[1], np.nanmean(train, 0))
    rows = score_tracks(y, p)
    reference = {"mean": score_tracks(y, mean.predict(6))}
    table = group_table(rows, ["x", "y", "x"], references=reference, n_bootstrap=50, seed=0)
    each = track_table(rows, NAMES, references=reference, n_bootstrap=50, seed=0)
    assert table["group"].tolist() == ["all", "x", "y"] and table["tracks"].tolist() == [3, 2, 1]
    for column in ("pearson", "mean_pearson"):
        assert table[column][1] == pytest.approx(each[column][[0, 2]].mean())
    assert table["pearson_low"][2] == pytest.approx(each["pearson_low"][1])
    assert (table["mean_pearson_low"] < table["mean_pearson"]).all()


def test_bins_are_told_apart_across_windows() -> None:
    y, p = signal()
    joined = TrackRows.joined([score_tracks(y[:4], p[:4]), score_tracks(y[4:], p[4:])])
    table = bin_table(joined, bin_size=32)
    assert table["offset"].tolist()[:2] == [-19.5 * 32, -18.5 * 32]
    for b in (0, 11):
        each = []
        for i in range(3):
            there = np.isfinite(y[:, i, b])
            each.append(stats.pearsonr(y[there, i, b], p[there, i, b])[0])
        assert table["pearson"][b] == pytest.approx(np.mean(each), rel=1e-9)
    assert table["observed"][11] == pytest.approx(y[..., 11].mean())


def test_what_does_not_vary_has_no_correlation() -> None:
    y, p = signal()
    p[:, 1] = 3.0
    y[:, 2] = np.nan
    table = track_table(score_tracks(y, p), NAMES, n_bootstrap=10, seed=0)
    assert np.isfinite(table["pearson"]).tolist() == [True, False, False]
    with pytest.raises(EugeneError, match="window 1, track 0, bin 2 is nan"):
        p[1, 0, 2] = np.nan
        score_tracks(y, p)
    with pytest.raises(EugeneError, match="expected \\(windows, tracks, bins\\)"):
        score_tracks(y, p[:2])


def genome(strands: list[str]) -> xr.Dataset:
    """Return two windows of one region, 20 bins of 8 bp and 16 bp without bins at each end."""
    none = [None] * 3
    squash = {"sqrt": [True] * 3, "clip_soft": none, "clip": none, "scale": [1.0] * 3}
    attrs = {"bin_size": 8, "crop": 16, "sample_dim": "cov_sample", "squash": squash}
    rng = np.random.default_rng(3)
    forward = rng.gamma(1, 20.0, (2, 3, 20))
    shown = forward.copy()
    for row, strand in enumerate(strands):
        if strand == "-":
            shown[row] = forward[row][[1, 0, 2]][:, ::-1]
    ds = xr.Dataset(
        {"cov": (("_sequence", "cov_sample", "_length_cov"), np.sqrt(1 + shown) - 1, attrs)},
        {
            "chrom": ("_sequence", ["c", "c"]), "start": ("_sequence", [100, 180]),
            "end": ("_sequence", [292, 372]), "strand": ("_sequence", strands),
            "cov_sample": ["p", "m", "u"], "cov_strand": ("cov_sample", ["+", "-", "."]),
            "cov_pair": ("cov_sample", ["m", "p", ""]),
        },
    )  # fmt: skip
    return ds.assign(forward=(("_sequence", "cov_sample", "_length_cov"), forward))


GENES = pd.DataFrame(
    {
        "chrom": ["c", "c", "c", "c", "d"],
        "chromStart": [120, 200, 206, 300, 120],
        "chromEnd": [133, 204, 230, 340, 130],
        "name": ["g1", "g2", "g2", "g3", "g4"],
        "strand": ["+", "-", "-", "+", "+"],
    }
)


@pytest.mark.parametrize("strands", [["+", "+"], ["-", "+"], ["-", "-"]])
def test_genes_are_sums_over_the_bins_that_they_touch(strands: list[str]) -> None:
    ds = genome(strands)
    found = plan_genes(ds, GENES)
    assert found.genes["name"].tolist() == ["g1", "g2", "g3"] and found.left_out == 1
    assert found.genes["row"].tolist() == [0, 0, 1] and found.genes["bins"].tolist() == [3, 5, 5]
    found.add(ds["cov"].values, 2 * ds["cov"].values, [0, 1])
    forward = ds["forward"].values
    # g1 is 120-133 of bins from 116 on; g2 200-204 and 206-230; g3 300-340 of bins from 196 on
    sums = [
        forward[0][:, 0:3].sum(1), forward[0][:, 10:15].sum(1), forward[1][:, 13:18].sum(1),
    ]  # fmt: skip
    for gene, (total, hidden) in enumerate(zip(sums, (1, 0, 1), strict=True)):
        assert np.isnan(found.observed[gene, hidden])
        shown = [i for i in range(3) if i != hidden]
        np.testing.assert_allclose(found.observed[gene, shown], total[shown])
    np.testing.assert_array_equal(np.isnan(found.predicted), np.isnan(found.observed))
    # of fewer bins, those in the middle hold fewer genes
    fewer = plan_genes(ds, GENES, bins=12)
    assert fewer.genes["name"].tolist() == ["g2"] and fewer.left_out == 3
    fewer.add(ds["cov"].values[..., 4:-4], ds["cov"].values[..., 4:-4], [0, 1])
    np.testing.assert_allclose(fewer.observed, found.observed[1:2])


def test_genes_are_told_apart_by_track() -> None:
    rng = np.random.default_rng(4)
    ds = genome(["+", "+"])
    found = plan_genes(ds, GENES)
    found.genes = pd.DataFrame({"name": [f"g{i}" for i in range(50)]})
    y = rng.gamma(1, 50.0, (50, 3))
    p = y * rng.lognormal(0, 0.5, y.shape)
    found.observed, found.predicted = y.copy(), p.copy()
    found.observed[:9, 1] = found.predicted[:9, 1] = np.nan
    table = gene_table(found, NAMES, n_bootstrap=50, seed=0)
    assert table["genes"].tolist() == [50, 41, 50]
    logs = [np.log1p(side) for side in (found.observed, found.predicted)]
    whole = stats.pearsonr(logs[0][:, 0], logs[1][:, 0])[0]
    assert table["pearson"][0] == pytest.approx(whole, rel=1e-9)
    assert table["pearson_low"][0] < whole < table["pearson_high"][0]
    special = []
    for side in logs:
        alike = quantile_normalised(side)
        special.append(alike - np.nanmean(alike, 1, keepdims=True))
    for i in range(3):
        there = np.isfinite(special[0][:, i])
        expected = stats.pearsonr(special[0][there, i], special[1][there, i])[0]
        assert table["pearson_specific"][i] == pytest.approx(expected, rel=1e-9)


def test_quantile_normalisation_is_that_of_sorted_columns() -> None:
    x = np.random.default_rng(5).normal(0, 1, (30, 4)) * np.arange(1, 5)
    found = quantile_normalised(x)
    common = np.sort(x, 0).mean(1)
    for i in range(4):
        np.testing.assert_allclose(np.sort(found[:, i]), common)
        assert (np.argsort(found[:, i]) == np.argsort(x[:, i])).all()


def test_windows_without_coordinates_have_no_genes() -> None:
    ds = genome(["+", "+"])
    with pytest.raises(EugeneError, match="no chrom, so genes"):
        plan_genes(ds.drop_vars("chrom"), GENES)
    with pytest.raises(EugeneError, match="none of 1 genes"):
        plan_genes(ds, GENES[4:].reset_index(drop=True))
