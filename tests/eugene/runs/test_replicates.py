"""Seeds and arms, and the figures that bring them together."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from eugene.runs import run
from eugene.runs._replicates import mean_interval, paired, summarise


def test_mean_and_paired_difference():
    rng = np.random.default_rng(0)
    first = rng.random(5).tolist()
    second = (np.asarray(first) + 0.1).tolist()
    found = mean_interval(first)
    assert found["low"] < found["mean"] < found["high"]
    assert found["mean"] == pytest.approx(np.mean(first))
    assert found["sd"] == pytest.approx(np.std(first, ddof=1))
    change = paired(first, second)
    assert change["mean"] == pytest.approx(0.1)
    assert change["t_low"] == pytest.approx(0.1)
    from scipy.stats import ttest_1samp

    noisy = (np.asarray(first) + rng.random(5)).tolist()
    change = paired(first, noisy)
    interval = ttest_1samp(np.subtract(noisy, first), 0).confidence_interval()
    assert change["t_low"] == pytest.approx(interval.low)
    assert change["t_high"] == pytest.approx(interval.high)
    assert paired([0.5], [0.6])["t_low"] is None
    assert paired([0.5], [0.6])["low"] is None
    assert mean_interval([0.5]) == {
        "mean": 0.5, "low": None, "high": None, "sd": None, "per_seed": [0.5],
    }  # fmt: skip


def evaluation(value, baseline):
    def entry(v):
        return {"auroc": {"value": v, "low": v - 0.1, "high": v + 0.1}}

    return {
        "metrics": entry(value),
        "baselines": {"kmer": entry(baseline)},
        "subsets": {"peaks": {"metrics": entry(value / 2), "baselines": {"kmer": entry(0.1)}}},
    }


def test_summary_sets_every_seed_beside_its_baseline():
    found = summarise(
        {
            "a": {0: evaluation(0.8, 0.7), 1: evaluation(0.9, 0.7)},
            "b": {1: evaluation(0.95, 0.7), 0: evaluation(0.6, 0.7)},
        }
    )
    a, b = found["arms"]["a"], found["arms"]["b"]
    assert a["metrics"]["auroc"]["mean"] == pytest.approx(0.85)
    assert a["above_baseline"]["kmer"]["auroc"]["every_seed_above"]
    assert a["above_baseline"]["kmer"]["auroc"]["mean"] == pytest.approx(0.15)
    assert not b["above_baseline"]["kmer"]["auroc"]["every_seed_above"]
    assert a["subsets"]["peaks"]["metrics"]["auroc"]["per_seed"] == [0.4, 0.45]
    difference = found["paired"]["b - a"]["metrics"]["auroc"]
    assert difference["per_seed"] == pytest.approx([-0.2, 0.05])


def test_a_run_with_replicates(tiny, tmp_path):
    tiny |= {
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
        "interpret": {"evolve": {"rounds": 1, "n": 2}},
        "replicates": {
            "seeds": [0, 1],
            "arms": {
                "default": {},
                "motifs": {
                    "model.init": {
                        "name": "motifs",
                        "motif_files": ["embedded"],
                        "names": ["CEBPB", "MA0062.3"],
                    }
                },
            },
        },
    }
    folder = run(tiny, run_dir=tmp_path / "run")
    summary = folder.read_json("summary.json")
    assert set(summary["arms"]) == {"default", "motifs"}
    assert summary["arms"]["motifs"]["seeds"] == [0, 1]
    assert list(summary["paired"]) == ["motifs - default"]
    with (folder.path / "summary.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {(r["arm"], r["seed"], r["model"]) for r in rows} == {
        (arm, seed, model)
        for arm in ("default", "motifs")
        for seed in "01"
        for model in ("network", "kmer_logistic")
    }
    assert not (folder.path / "default" / "seed_0" / "data.zarr").exists()
    assert (folder.path / "default" / "seed_0" / "interpretation" / "evolution.csv").exists()
    assert not (folder.path / "motifs" / "seed_1" / "interpretation").exists()
    before = {p: p.stat().st_mtime_ns for p in folder.path.rglob("model.safetensors")}
    assert len(before) == 4
    again = run(tiny, run_dir=folder.path, resume=True)
    assert {p: p.stat().st_mtime_ns for p in again.path.rglob("model.safetensors")} == before
    assert again.read_json("summary.json")["arms"] == summary["arms"]
