"""Several predictors of the same rows in one table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import eugene as eu
from eugene.errors import EugeneError
from eugene.evaluate import evaluate, score_table


def test_others_are_held_against_the_first_on_the_same_resamples() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    good, bad = (1 / (1 + np.exp(-(noise * rng.normal(size=300) + y))) for noise in (1, 3))
    # networks give one target as (n, 1)
    given = {"network": torch.from_numpy(good)[:, None], "words": bad, "again": good}
    table = score_table(y, given, "binary_classification", metrics=["auroc", "auprc"], seed=3)
    assert list(table.index) == [(m, n) for m in ("auroc", "auprc") for n in given]
    alone = evaluate(y, good, "binary_classification", seed=3)["auroc"]
    first, words, again = (table.loc[("auroc", name)] for name in given)
    assert first[["value", "low", "high"]].to_dict() == {
        k: alone[k] for k in ("value", "low", "high")
    }
    assert np.isnan(first["difference"])
    assert words["difference"] == pytest.approx(roc_auc_score(y, good) - roc_auc_score(y, bad))
    assert words["difference_low"] < words["difference"] < words["difference_high"]
    # the same predictions differ by nothing in any resample, which only pairing gives
    assert again[["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]


def test_regression_and_every_metric_of_the_task() -> None:
    y = np.arange(20.0)
    table = eu.evaluate.score_table(y, {"exact": y, "turned": -y}, n_bootstrap=10, seed=0)
    assert table.loc[("pearson", "exact"), "value"] == pytest.approx(1)
    assert table.loc[("pearson", "turned"), "difference"] == pytest.approx(2)
    assert set(table.index.get_level_values("metric")) == set(evaluate(y, y, n_bootstrap=0))


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(EugeneError, match="at least one predictor"):
        score_table([0.0, 1.0], {})
    with pytest.raises(EugeneError, match="regression has no 'auroc'"):
        score_table([0.0, 1.0, 3.0], {"a": [0.0, 1.0, 2.0]}, metrics="auroc", n_bootstrap=0)
    with pytest.raises(EugeneError, match=r"\(2, 1\) and predictions \(3, 1\)"):
        score_table([0.0, 1.0], {"a": [0.0, 1.0, 2.0]}, n_bootstrap=0)
