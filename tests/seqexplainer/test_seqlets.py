from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqexplainer as se
from seqexplainer.errors import InputError
from seqpro.motifs import Motif, MotifSet


@pytest.fixture(scope="module")
def gata(data_files) -> tuple[np.ndarray, np.ndarray]:
    folder = data_files / "models_golden"
    X = np.load(folder / "tangermeme_X_gata.npz")
    attributions = np.load(folder / "tangermeme_X_gata_attr.npz")
    return X[X.files[0]], attributions[attributions.files[0]]


def spans(table: pd.DataFrame) -> list[tuple[int, int, int]]:
    return sorted(map(tuple, table.iloc[:, :3].to_numpy().tolist()))


def of_tangermeme(golden_files: Path, kind: str, number: int) -> dict:
    """Return what tangermeme found with some options, as it is kept."""
    return json.loads((golden_files / "tangermeme_seqlets.json").read_text())[kind][number]


RECURSIVE = [
    {},
    {"threshold": 0.05},
    {"threshold": 0.001, "flank": 3},
    {"min_length": 6, "max_length": 12},
]
WINDOWS = [(21, 10, 0.2), (21, 10, 0.03), (15, 0, 0.05)]


@pytest.mark.parametrize("number", range(len(RECURSIVE)))
def test_equals_tangermeme(gata, golden_files, number):
    expected = of_tangermeme(golden_files, "recursive", number)
    X, attributions = gata
    projected = (X * attributions).sum(axis=1).astype(np.float64)
    assert len(expected["spans"]) > 5
    found = se.recursive_seqlets(projected, **RECURSIVE[number])
    assert spans(found) == [tuple(span) for span in expected["spans"]]
    left = found.sort_values(["sequence", "start", "end"])
    np.testing.assert_allclose(left["attribution"], expected["attribution"], rtol=1e-6)
    np.testing.assert_allclose(left["p_value"], expected["p_value"], rtol=1e-6)
    assert found["p_value"].is_monotonic_increasing


# compiling tangermeme's functions takes half a minute
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["recursive", "windows"])
def test_tangermeme_finds_what_is_kept_of_it(gata, golden_files, kind):
    seqlet = pytest.importorskip("tangermeme.seqlet")
    X, attributions = gata
    projected = (X * attributions).sum(axis=1)
    call, dtype = {
        "recursive": (seqlet.recursive_seqlets, np.float64),
        "windows": (seqlet.tfmodisco_seqlets, np.float32),
    }[kind]
    for number in range(len(RECURSIVE if kind == "recursive" else WINDOWS)):
        kept = of_tangermeme(golden_files, kind, number)
        found = call(torch.tensor(projected.astype(dtype)), **kept["options"])
        assert spans(found) == sorted(tuple(span) for span in kept["spans"])
        if kind == "recursive":
            found = found.sort_values(list(found.columns[:3]))
            np.testing.assert_allclose(found["p-value"], kept["p_value"], rtol=1e-6)
        np.testing.assert_allclose(found["attribution"], kept["attribution"], rtol=1e-5)


def test_letters_are_summed_and_torch_is_welcome(gata):
    X, attributions = gata
    projected = X * attributions
    found = se.recursive_seqlets(torch.tensor(projected, dtype=torch.float64))
    pd.testing.assert_frame_equal(
        found, se.recursive_seqlets(projected.astype(np.float64).sum(axis=1))
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(0, 5))
def test_every_part_of_a_seqlet_is_unlikely(seed: int, shortest: int, more: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, 40)) + 2 * (rng.random((2, 40)) < 0.2)
    # no p-value is a fraction that equals it
    threshold, longest, n_bins = 0.2 * 3**-0.01, shortest + more, 20
    found = se.recursive_seqlets(
        values, threshold=threshold, min_length=shortest, max_length=longest, n_bins=n_bins
    )
    width = (values.max() - values.min()) / (n_bins - 1)
    bins = np.minimum(np.floor((values - values.min()) / width).astype(int), n_bins - 1)
    one = np.bincount(bins.ravel(), minlength=n_bins) / bins.size

    def p_value(row: int, start: int, end: int) -> float:
        sums = np.ones(1)
        for _ in range(end - start):
            sums = np.convolve(sums, one)
        return float(sums[bins[row, start:end].sum() :].sum())

    def is_seqlet(row: int, start: int, end: int) -> bool:
        return all(
            p_value(row, a, b) < threshold
            for a in range(start, end)
            for b in range(a + shortest, end + 1)
        )

    covered = np.zeros(values.shape, dtype=int)
    for row, start, end, total, p in found.itertuples(index=False):
        assert shortest <= end - start <= longest
        assert is_seqlet(row, start, end)
        assert p == pytest.approx(p_value(row, start, end))
        assert total == pytest.approx(values[row, start:end].sum())
        covered[row, start:end] += 1
    assert covered.max() <= 1
    # nothing that qualifies was left between them
    for row in range(2):
        for start in range(40 - shortest + 1):
            if not covered[row, start : start + shortest].any():
                assert not is_seqlet(row, start, start + shortest)


def test_both_signs():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.01, (3, 300))
    values[0, 40:50] += 1
    values[2, 100:108] -= 1
    high, low = se.recursive_seqlets(values), se.recursive_seqlets(-values)
    assert high["sequence"].tolist() == [0]
    assert low["sequence"].tolist() == [2]
    both = se.recursive_seqlets(values, sign="both")
    assert spans(both) == spans(high) + spans(low)
    sums = both.set_index("sequence")["attribution"]
    assert sums[0] == pytest.approx(10, abs=0.2)
    assert sums[2] == pytest.approx(-8, abs=0.2)
    wider = se.recursive_seqlets(values, sign="both", flank=2)
    assert spans(wider) == [(i, a - 2, b + 2) for i, a, b in spans(both)]
    none = se.recursive_seqlets(np.ones((2, 30)))
    assert len(none) == 0
    assert none["start"].dtype == np.int64
    assert len(se.recursive_seqlets(values[:, :3], threshold=1e-9, max_length=25)) == 0


@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_windows_equal_tangermeme(gata, golden_files, number):
    window, flank, share = WINDOWS[number]
    # a share of its own: tangermeme's other threshold depends on the order of the sequences
    expected = of_tangermeme(golden_files, "windows", number)
    X, attributions = gata
    projected = (X * attributions).sum(axis=1).astype(np.float32)
    found = se.tfmodisco_seqlets(
        projected, window=window, flank=flank, min_fraction=share, max_fraction=share
    )
    assert len(found) > 20
    columns = ["sequence", "start", "end"]
    assert found[columns].to_numpy().tolist() == expected["spans"]
    np.testing.assert_allclose(found["attribution"], expected["attribution"], atol=1e-6)


def planted(n: int = 60, length: int = 500) -> tuple[np.ndarray, list[tuple[int, int]]]:
    rng = np.random.default_rng(0)
    values = rng.laplace(0, 0.02, (n, length))
    places = []
    for row in range(n):
        for at in (100, 300):
            start = at + int(rng.integers(0, 40))
            values[row, start : start + 10] += (1 if at == 100 else -1) * 0.3
            places.append((row, start))
    return values, places


def test_planted_spans_are_found_whatever_the_order():
    values, places = planted()
    found = se.tfmodisco_seqlets(values)
    for row, start in places:
        own = found[found["sequence"] == row]
        assert ((own["start"] <= start) & (own["end"] >= start + 10)).any()
    # the share of windows on top of planted spans, among those that were called
    hits = [
        any(r == row and a <= s < b for r, s in places)
        for row, a, b, _ in found.itertuples(index=False)
    ]
    assert np.mean(hits) > 0.9
    order = np.random.default_rng(1).permutation(len(values))
    moved = se.tfmodisco_seqlets(values[order])
    assert spans(moved.assign(sequence=order[moved["sequence"]])) == spans(found)
    negative = se.tfmodisco_seqlets(-values)
    assert abs(len(negative) - len(found)) <= 0.05 * len(found)


def test_windows_of_one_sign_and_of_nothing():
    values, _ = planted(20)
    for only in (np.abs(values), -np.abs(values)):
        found = se.tfmodisco_seqlets(only)
        assert len(found) >= 20
        assert (np.sign(found["attribution"]) == np.sign(only.sum())).all()
    none = se.tfmodisco_seqlets(np.zeros((2, 50)))
    assert len(none) == 0
    assert none["start"].dtype == np.int64
    for options, message in (
        ({"window": 51}, r"window <= length \(50\)"),
        ({"target_fdr": 0.0}, "0 < target_fdr < 1"),
        ({"min_fraction": 0.5}, "min_fraction <= max_fraction"),
    ):
        with pytest.raises(InputError, match=message):
            se.tfmodisco_seqlets(np.zeros((2, 50)), **options)


def test_annotation(gata, data_files):
    X, attributions = gata
    found = se.recursive_seqlets((X * attributions).astype(np.float64), flank=2)[:12]
    database = next(iter(sorted((data_files / "motifs").glob("*.meme*"))))
    named = se.annotate_seqlets(X, found, database, top=2)
    assert len(named) == 24
    assert named["rank"].tolist() == [1, 2] * 12
    pd.testing.assert_frame_equal(
        named[named["rank"] == 1][found.columns].reset_index(drop=True), found
    )
    single = se.annotate_seqlets(X, found[3:4], database)
    columns = ["target", "p_value_motif", "offset", "strand"]
    assert single[columns].values.tolist() == named[columns].values[6:7].tolist()


def test_annotation_of_unknown_letters_and_of_nothing():
    rng = np.random.default_rng(0)
    known = MotifSet([Motif(f"m{i}", rng.dirichlet([0.05] * 4, 8).T) for i in range(30)])
    X = np.zeros((1, 4, 20))
    X[0, known[2].matrix.argmax(axis=0), np.arange(10, 18)] = 1
    table = pd.DataFrame({"sequence": [0, 0, 0], "start": [0, 10, 10], "end": [6, 18, 18]})
    named = se.annotate_seqlets(X, table, known)
    assert named["target"].isna().tolist() == [True, False, False]
    assert named["target"].tolist()[1:] == ["m2", "m2"]
    assert len(se.annotate_seqlets(X, table[:0], known)) == 0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"min_length": 5, "max_length": 4}, "1 <= min_length <= max_length"),
        ({"threshold": 0.0}, "threshold must be a p-value"),
        ({"n_bins": 1}, "n_bins >= 2"),
        ({"flank": -1}, "flank >= 0"),
        ({"sign": "negative"}, "unknown sign"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InputError, match=message):
        se.recursive_seqlets(np.zeros((1, 9)), **options)


def test_bad_arrays():
    with pytest.raises(InputError, match="attributions must have shape"):
        se.recursive_seqlets(np.zeros(9))
    with pytest.raises(InputError, match="not finite"):
        se.recursive_seqlets(np.full((1, 9), np.nan))
    X = np.zeros((1, 4, 9))
    table = pd.DataFrame({"sequence": [0], "start": [5], "end": [10]})
    with pytest.raises(InputError, match="seqlet 0 is 5-10 of sequence 0"):
        se.annotate_seqlets(X, table, MotifSet([]))
    with pytest.raises(InputError, match="no column 'end'"):
        se.annotate_seqlets(X, table.drop(columns="end"), MotifSet([]))
    with pytest.raises(InputError, match="top must be"):
        se.annotate_seqlets(X, table, MotifSet([]), top=0)


def test_attributions_with_their_axes_swapped_are_refused():
    with pytest.raises(InputError, match="looks like"):
        se.recursive_seqlets(np.random.default_rng(0).normal(size=(6, 60, 4)))
