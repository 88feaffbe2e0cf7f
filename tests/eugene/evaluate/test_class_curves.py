"""Curves of several classes beside scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

import eugene as eu
from eugene.errors import EugeneError


def classes(n: int = 300, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, k, n)
    z = rng.normal(size=(n, k))
    z[np.arange(n), y] += np.linspace(0.3, 2, k)[y]
    return y, np.exp(z) / np.exp(z).sum(1, keepdims=True)


def test_areas_and_averages_are_those_of_scikit_learn() -> None:
    y, p = classes()
    hot = np.eye(4)[y]
    found = eu.evaluate.class_curves(y, p, names=list("abcd"))
    for i, name in enumerate("abcd"):
        one = found["classes"][name]
        assert one["roc_auc"] == pytest.approx(metrics.roc_auc_score(hot[:, i], p[:, i]))
        assert one["pr_auc"] == pytest.approx(metrics.average_precision_score(hot[:, i], p[:, i]))
    for average in ("micro", "macro"):
        area = metrics.roc_auc_score(hot, p, average=average)
        assert found[average]["roc_auc"] == pytest.approx(area)
        area = metrics.average_precision_score(hot, p, average=average)
        assert found[average]["pr_auc"] == pytest.approx(area)
    # the macro curve encloses the mean of the areas
    assert np.trapezoid(*found["macro"]["roc"][::-1]) == pytest.approx(
        found["macro"]["roc_auc"], abs=2e-3
    )
    several = eu.evaluate.class_curves(hot, p, "multilabel_classification", names=list("abcd"))
    assert several == found


def test_missing_rows_and_classes_without_rows_are_left_out() -> None:
    y, p = classes()
    wide = np.concatenate([p, np.zeros((len(p), 1))], axis=1)
    found = eu.evaluate.class_curves(np.where(y == 3, np.nan, y), wide)
    assert list(found["classes"]) == ["class 0", "class 1", "class 2"]
    assert found["left_out"] == ["class 3", "class 4"]
    plain = eu.evaluate.class_curves(y[y != 3], wide[y != 3])
    assert found["classes"] == plain["classes"]
    with pytest.raises(EugeneError, match="none has"):
        eu.evaluate.class_curves(np.zeros(5), np.ones((5, 1)), "binary_classification")
    with pytest.raises(EugeneError, match="has none"):
        eu.evaluate.class_curves(y, p, "regression")
    with pytest.raises(EugeneError, match="one column a class"):
        eu.evaluate.class_curves(y, p, names=["a"])


def test_pictures_have_the_averages_and_lines_of_equal_f1(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import xarray as xr

    for k in (3, 9):
        y, p = classes(k=k)
        names = [f"c{i}" for i in range(k)]
        ds = xr.Dataset(
            {n: ("_sequence", (y == i).astype(float)) for i, n in enumerate(names)}
            | {f"{n}_predictions": ("_sequence", p[:, i]) for i, n in enumerate(names)}
        )
        found = eu.evaluate.class_curves(y, p)
        with mpl.rc_context({"backend": "Agg"}):
            roc = eu.plot.auroc(ds, names, averages=True)
            pr = eu.plot.auprc(ds, names, averages=True, iso_f1=True)
        texts = [text.get_text() for text in roc.get_legend().get_texts()]
        micro, macro = (found[a]["roc_auc"] for a in ("micro", "macro"))
        expected = [f"micro average: {micro:.3f}", f"macro average: {macro:.3f}"]
        assert [t for t in texts if "average" in t] == expected
        assert len(texts) == (5 if k == 3 else 3)
        assert {t.get_text() for t in pr.texts} == {f"F1 = 0.{i}" for i in (2, 4, 6, 8)}
        plt.close("all")
