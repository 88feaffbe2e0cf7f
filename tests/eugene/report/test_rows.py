"""Calibration by bin, the worst rows, and rows as people know them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binomtest, t
from sklearn.calibration import calibration_curve

import seqdata as sd
from eugene.errors import EugeneError
from eugene.evaluate import calibration_bins
from eugene.report._blocks import Section
from eugene.report._calibration import show_bins
from eugene.report._mistakes import show_mistakes, worst
from eugene.report._rows import in_own_units, row_letters, row_names
from eugene.runs import RunFolder


def test_reliability_is_that_of_scikit_learn_with_intervals_of_scipy() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(0.6, 0.6, 700)
    y = (rng.random(700) < p**1.4).astype(float)
    found = calibration_bins(y, p, labels=True)
    share, mean = calibration_curve(y, p, n_bins=10, strategy="uniform")
    np.testing.assert_allclose(found["observed"], share)
    np.testing.assert_allclose(found["predicted"], mean)
    for row in found.itertuples():
        test = binomtest(round(row.observed * row.rows), row.rows)
        low, high = test.proportion_ci(0.95, method="wilson")
        assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))


def test_bins_of_measurements_hold_students_intervals() -> None:
    rng = np.random.default_rng(2)
    p = rng.normal(size=203)
    y = p + rng.normal(size=203)
    y[7] = np.nan
    found = calibration_bins(y, p, labels=False, bins=7)
    assert found["rows"].sum() == 202
    assert found["rows"].max() - found["rows"].min() <= 1
    there = np.isfinite(y)
    parts = np.array_split(np.argsort(p[there], kind="stable"), 7)
    means = sorted(float(y[there][part].mean()) for part in parts)
    assert np.corrcoef(means, np.sort(found["observed"]))[0, 1] > 0.999
    first = y[there][np.argsort(p[there])[: found["rows"][0]]]
    low, high = t.interval(
        0.95, len(first) - 1, first.mean(), first.std(ddof=1) / len(first) ** 0.5
    )
    assert (found["low"][0], found["high"][0]) == (pytest.approx(low), pytest.approx(high))


def test_bins_of_nothing_and_of_one_row() -> None:
    assert calibration_bins([np.nan], [0.5], labels=True).empty
    one = calibration_bins([3.0], [2.0], labels=False)
    assert one["observed"].tolist() == [3.0]
    assert np.isnan(one["low"]).all()
    with pytest.raises(EugeneError, match="as many of both"):
        calibration_bins([1.0], [0.1, 0.2], labels=True)
    rounded = calibration_bins([1.0, 0.0], [1 + 1e-7, -1e-9], labels=True)  # of single precision
    assert rounded["rows"].tolist() == [1, 1]
    for y, p in (([1.0], [2.5]), ([0.0], [-0.1]), ([2.0], [0.5])):
        with pytest.raises(EugeneError, match="probabilities from 0 to 1"):
            calibration_bins(y, p, labels=True)


def rows_of(task: str, y: np.ndarray, p: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "prediction": (("_sequence", "_target"), p[:, None]),
            "target": (("_sequence", "_target"), y[:, None]),
            "index": ("_sequence", np.arange(100, 100 + len(y))),
        },
        attrs={"task": task, "targets": ["label"]},
    )


def data(path: Path, n: int, **columns: object) -> RunFolder:
    run = RunFolder.create(path)
    letters = np.random.default_rng(0).choice(list(b"ACGT"), (n, 12)).astype(np.uint8).view("S1")
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters), **columns})
    sd.to_zarr(ds, run.data_store)
    return run


def tables(section: Section) -> list[tuple[tuple[str, ...], ...]]:
    return [block.rows for block in section.blocks if block.kind == "table"]


def test_the_worst_rows_have_their_names_and_letters(tmp_path: Path) -> None:
    names = ("_sequence", np.array([f"peak_{i}" for i in range(110)], dtype=object))
    run = data(tmp_path / "run", 110, id=names)
    y = np.array([1.0, 0.0, 1.0, 0.0, np.nan])
    p = np.array([0.1, 0.95, 0.9, 0.2, 0.0])
    section = Section("performance", "Test performance")
    show_mistakes(section, run, rows_of("binary_classification", y, p))
    (found,) = tables(section)
    assert [row[0] for row in found] == ["peak_101", "peak_100"]
    assert [row[1:4] for row in found] == [("0", "0.950", "0.950"), ("1", "0.100", "0.900")]
    with sd.open_zarr(run.data_store) as ds:
        letters = b"".join(ds["seq"].values[101]).decode()
    assert found[0][4] == letters


def test_the_worst_rows_of_a_regression_are_the_farthest() -> None:
    y, p = np.array([1.0, 5.0, np.nan, 0.0]), np.array([1.5, 2.0, 9.0, -0.2])
    assert worst(y, p, 2, labels=False).tolist() == [1, 0]


def test_a_perfect_classifier_makes_no_mistakes(tmp_path: Path) -> None:
    section = Section("performance", "Test performance")
    rows = rows_of("binary_classification", np.array([1.0, 0.0]), np.array([0.9, 0.1]))
    show_mistakes(section, RunFolder.create(tmp_path / "run"), rows)
    assert tables(section) == []
    assert any("None: every test row" in block.text for block in section.blocks)


def test_the_worst_rows_of_classes_are_of_another_class_than_predicted(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    guess, y = rng.dirichlet(np.ones(3), 80), rng.integers(0, 3, 80).astype(float)
    y[3] = np.nan
    ds = rows_of("multiclass_classification", y, np.zeros(80)).drop_vars("prediction")
    ds = ds.assign(prediction=(("_sequence", "_class"), guess))
    section = Section("performance", "Test performance")
    show_mistakes(section, RunFolder.create(tmp_path / "run"), ds)
    (found,) = tables(section)
    wrong = [
        i for i in range(80) if y[i] == y[i] and max(range(3), key=guess[i].__getitem__) != y[i]
    ]
    wrong.sort(key=lambda i: guess[i][int(y[i])])
    assert [row[0] for row in found] == [f"row {100 + i}" for i in wrong[:10]]
    assert [row[1] for row in found] == [str(int(y[i])) for i in wrong[:10]]
    assert all(row[1] != row[3] for row in found)
    assert any(f"{len(wrong)} of 79 test rows" in block.text for block in section.blocks)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"gene": ["AT1", "AT2", "AT3"]}, ["AT2", "AT3"]),
        ({"sp": ["At", "At", "Zm"], "code": ["a", "b", "c"]}, ["b", "c"]),
        ({"sp": ["At", "At", "Zm"]}, ["row 1", "row 2"]),
        ({"name": [".", ".", "."]}, ["row 1", "row 2"]),
        (
            {"chrom": ["c1", "c1", "c2"], "start": [0, 4, 9], "end": [3, 8, 12],
             "strand": ["+", "-", "+"], "name": ["a", "b", "c"]},
            ["c1:4-8(-) b", "c2:9-12(+) c"],
        ),
    ],
)  # fmt: skip
def test_rows_are_called_as_their_data_call_them(
    columns: dict[str, list[object]], expected: list[str]
) -> None:
    ds = xr.Dataset(
        {
            k: ("_sequence", np.array(v, dtype=object if isinstance(v[0], str) else int))
            for k, v in columns.items()
        }
    )
    assert row_names(ds, [1, 2]) == expected


def test_long_sequences_are_cut_and_say_so() -> None:
    ds = xr.Dataset({"seq": (("_sequence", "_length"), np.full((1, 1000), b"A"))})
    assert row_letters(ds, [0]) == ["A" * 300 + "… (1,000 bp)"]
    assert row_letters(None, [0]) == []


def test_predictions_come_back_to_the_units_of_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    raw = rng.lognormal(size=60)
    steps = [sd.targets.from_dict({"name": "log"})]
    steps.append(sd.targets.from_dict({"name": "zscore"}).fit(steps[0].transform(raw)))
    changed = steps[1].transform(steps[0].transform(raw))
    run = RunFolder.create(tmp_path / "run")
    run.write_json("data.json", {"transforms": {"label": [step.to_dict() for step in steps]}})
    rows = in_own_units(run, rows_of("regression", changed, changed * 0.9))
    np.testing.assert_allclose(rows["target"].values[:, 0], raw, rtol=1e-6)
    mean, sd_ = np.log1p(raw).mean(), np.log1p(raw).std()
    expected = np.expm1(0.9 * changed * sd_ + mean)
    np.testing.assert_allclose(rows["prediction"].values[:, 0], expected, rtol=1e-6)
    labels = rows_of("binary_classification", np.ones(2), np.ones(2))
    assert in_own_units(run, labels) is labels


def test_bins_are_drawn_and_listed(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    p = rng.random(200)
    y = (rng.random(200) < p).astype(float)
    section = Section("performance", "Test performance")
    show_bins(section, rows_of("binary_classification", y, p), tmp_path)
    (found,) = tables(section)
    counts = np.histogram(p, np.linspace(0, 1, 11))[0]
    assert [int(row[0]) for row in found] == counts.tolist()
    assert (tmp_path / "calibration.png").is_file()
