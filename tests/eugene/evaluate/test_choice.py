"""The choice of a run by a second figure."""

from __future__ import annotations

import pytest

from eugene.errors import EugeneError
from eugene.evaluate import choose
from eugene.plot import runs_scatter

FIGURES = {
    "a": {"auroc": 0.980, "k_attr_mean_kld": 0.3, "robustness_error": 0.2},
    "b": {"auroc": 0.976, "k_attr_mean_kld": 0.7, "robustness_error": 0.4},
    "c": {"auroc": 0.975, "k_attr_mean_kld": 0.6, "robustness_error": 0.1},
    "d": {"auroc": 0.970, "k_attr_mean_kld": 0.9, "robustness_error": 0.0},
    "e": {"auroc": 0.999},
}


def test_the_most_consistent_of_equally_good_runs_is_chosen() -> None:
    found = choose(FIGURES, "k_attr_mean_kld", metric="auroc", within=0.005)
    assert found.equal == ("b", "c", "a")  # c is within just so
    assert (found.chosen, found.best, found.left_out) == ("b", "a", ("e",))
    assert found.limit == pytest.approx(0.975)
    assert "Of 4 runs, 3 have auroc within 0.005 of the best (0.9800, a)" in found.sentence
    assert "b has the highest k_attr_mean_kld, 0.7000, with auroc 0.9760" in found.sentence
    assert found.sentence.endswith("Left out for lack of a figure: e.")


def test_lower_is_better_where_the_name_says_so() -> None:
    assert choose(FIGURES, "robustness_error", metric="auroc").chosen == "c"
    losses = {"a": {"mse": 1.0, "auroc": 0.5}, "b": {"mse": 1.2, "auroc": 0.9}}
    assert choose(losses, "auroc", metric="mse", within=0.3).equal == ("b", "a")
    assert choose(losses, "auroc", metric="mse", within=0).chosen == "a"


def test_what_cannot_be_chosen_by_is_refused() -> None:
    with pytest.raises(EugeneError, match="no run has 'auroq'; did you mean 'auroc'"):
        choose(FIGURES, "k_attr_mean_kld", metric="auroq")
    with pytest.raises(EugeneError, match="within=-1"):
        choose(FIGURES, "k_attr_mean_kld", metric="auroc", within=-1)
    with pytest.raises(EugeneError, match="no run has both"):
        choose({"a": {"r2": 1.0}, "b": {"mse": 1.0}}, "mse", metric="r2")
    with pytest.raises(EugeneError, match="no run to draw"):
        runs_scatter({"a": {}})
