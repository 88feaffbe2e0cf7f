"""The worst rows of batches that go by, held against sorting all of them."""

from __future__ import annotations

import numpy as np
import pytest

from eugene.runs._worst import Worst


@pytest.mark.parametrize("size", [7, 64, 500])
def test_as_if_all_rows_were_sorted(size: int) -> None:
    rng = np.random.default_rng(0)
    n, count = 400, 4
    rows = rng.permutation(n)
    off = rng.random(n).round(2)  # with ties
    off[rng.random(n) < 0.05] = np.nan
    weight = rng.poisson(20, n).astype(float)
    observed, predicted = rng.random((n, 2, 3)), rng.random((n, 2, 3))
    kept = Worst(count)
    for begin in range(0, n, size):
        part = slice(begin, begin + size)
        kept.add(rows[part], off[part], weight[part], observed[part], predicted[part])
    for least in (-np.inf, 5.0, float(np.median(weight)), 30.0, weight.max(), weight.max() + 1):
        places = [i for i in range(n) if off[i] == off[i] and weight[i] >= least]
        places.sort(key=lambda i: (-off[i], rows[i]))
        found = kept.chosen(least)
        assert [row for row, *_ in found] == [int(rows[i]) for i in places[:count]]
        for i, (_, far, seen, guess) in zip(places, found, strict=False):
            assert far == off[i]
            np.testing.assert_array_equal(seen, observed[i])
            np.testing.assert_array_equal(guess, predicted[i])
