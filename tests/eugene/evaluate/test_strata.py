"""Strata of a variable: ranges as pandas cuts them, classes as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eugene.errors import EugeneError
from eugene.evaluate._strata import listed_strata, stratify


@pytest.mark.parametrize("decimals", [8, 1])
def test_ranges_are_those_of_pandas(decimals):
    values = np.round(np.random.default_rng(1).normal(size=200), decimals)
    values[[5, 70]] = np.nan
    cut = pd.qcut(values, 4, duplicates="drop")
    found = stratify(values, 4)
    assert [found.pop("missing").tolist()] == [[5, 70]]
    for code, rows in enumerate(found.values()):
        assert rows.tolist() == np.flatnonzero(cut.codes == code).tolist()
    assert sum(map(len, found.values())) == 198
    assert stratify(np.full(3, 2.0), 4)["2"].tolist() == [0, 1, 2]


def test_classes_of_every_type():
    assert list(stratify([2, 1, 2])) == ["1", "2"]
    assert {k: v.tolist() for k, v in stratify([True, False]).items()} == {
        "False": [1],
        "True": [0],
    }
    named = stratify(np.array(["b", "", "a"], object))
    assert {k: v.tolist() for k, v in named.items()} == {"a": [2], "b": [0], "missing": [1]}
    assert listed_strata(["a", "b"]) == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("values", "bins", "words"),
    [
        (np.arange(30), None, "give a number of bins, {gc: 4}"),
        ([0.5, 0.25], None, "give a number of bins"),
        ([str(i) for i in range(60)], None, "50 is the most"),
        (["a", "b"], 3, "bins need numbers"),
        ([1.0, 2.0], 1, "has 1 bins"),
        (np.zeros((2, 2)), None, "one value a row"),
    ],
)
def test_what_makes_no_strata(values, bins, words):
    with pytest.raises(EugeneError, match=words):
        stratify(values, bins, name="gc")
