"""Predictions and attributions on the genome, read back by pyBigWig."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import xarray as xr

from eugene.errors import EugeneError
from eugene.evaluate import expected_counts, predictions_to_bigwig
from eugene.interpret import attributions_to_bigwig
from seqdata.errors import ContigError, SchemaError

SIZES = {"c2": 60, "c1": 100}
TASKS = {"a": [0, 1], "b": [2]}


def bases(file: Path, contig: str) -> np.ndarray:
    """Return the value of every base, NaN where there is none."""
    with pyBigWig.open(str(file)) as opened:
        return np.array(opened.values(contig, 0, opened.chroms(contig)))


@pytest.fixture
def predictions() -> xr.Dataset:
    """Return windows of 21 bp with profiles of 9, on both strands and over the ends of contigs."""
    rng = np.random.default_rng(0)
    start = np.array([-8, 3, 10, 50, 88, 30])
    profile = rng.random((6, 3, 9)).astype(np.float32)
    profile[:, :2] /= profile[:, :2].sum(axis=(1, 2), keepdims=True)
    profile[:, 2] /= profile[:, 2].sum(axis=1, keepdims=True)
    return xr.Dataset(
        {
            "profile": (("_sequence", "cov_sample", "_position"), profile),
            "counts": (("_sequence", "_task"), rng.gamma(2, 1, (6, 2))),
        },
        coords={
            "chrom": ("_sequence", ["c1", "c1", "c1", "c2", "c1", "c2"]),
            "start": ("_sequence", start),
            "end": ("_sequence", start + 21),
            "strand": ("_sequence", ["+", "-", "+", "-", "-", "."]),
            "cov_sample": ["up", "down", "lone"],
            "cov_pair": ("cov_sample", ["down", "up", ""]),
            "cov_strand": ("cov_sample", ["+", "-", "."]),
        },
        attrs={"tasks": ["a", "b"], "task_of_sample": [0, 0, 1]},
    )


def slow(ds: xr.Dataset, values: np.ndarray, mates: list[int], rule: str) -> list[dict]:
    """Return the value of each base of each track, window after window, base after base."""
    lead = (21 - values.shape[2]) // 2
    held: list[dict] = [{} for _ in mates]
    order = np.argsort(ds["start"].values, kind="stable")
    for row in order:
        turned = ds["strand"].values[row] == "-"
        for track, mate in enumerate(mates):
            own = values[row, mate][::-1] if turned else values[row, track]
            for i, value in enumerate(own):
                place = int(ds["start"].values[row]) + lead + i
                middle = int(ds["start"].values[row]) + 10.5
                contig = str(ds["chrom"].values[row])
                if 0 <= place < SIZES[contig]:
                    near = abs(place + 0.5 - middle)
                    held[track].setdefault((contig, place), []).append((near, float(value)))

    def ruled(found: list[tuple[float, float]]) -> float:
        if rule == "mean":
            return float(np.mean([value for _, value in found]))
        return min(found, key=lambda entry: entry[0])[1]

    return [{key: ruled(found) for key, found in one.items()} for one in held]


@pytest.mark.parametrize("overlap", ["mean", "nearest"])
@pytest.mark.parametrize("what", ["counts", "profile"])
def test_predictions_lie_where_pybigwig_reads_them(
    tmp_path: Path,
    predictions: xr.Dataset,
    overlap: str,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eugene.evaluate._bigwig.ROWS", 4)
    options = {"contigs": SIZES, "overlap": overlap, "what": what}
    files = predictions_to_bigwig(predictions, tmp_path / "pred.bw", **options)
    assert [f.name for f in files] == ["pred.up.bw", "pred.down.bw", "pred.lone.bw"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    values = predictions["profile"].values.astype(float)
    if what == "counts":
        totals = np.expm1(predictions["counts"].values)
        values[:, :2] *= totals[:, 0, None, None]
        values[:, 2] *= totals[:, 1, None]
    expected = slow(predictions, values, [1, 0, 2], overlap)
    for file, known in zip(files, expected, strict=True):
        for contig, size in SIZES.items():
            wanted = [known.get((contig, i), np.nan) for i in range(size)]
            np.testing.assert_allclose(bases(file, contig), wanted, rtol=1e-6)


def test_one_track_is_one_file_and_rows_are_chosen(tmp_path: Path, predictions: xr.Dataset) -> None:
    lone = predictions.isel(cov_sample=[2], _task=[1]).assign_attrs(tasks=["b"], task_of_sample=[0])
    [file] = predictions_to_bigwig(lone, tmp_path / "x.bw", contigs=SIZES, rows=[5])
    assert file == tmp_path / "x.bw"
    assert np.flatnonzero(~np.isnan(bases(file, "c2"))).tolist() == list(range(36, 45))
    total = np.expm1(lone["counts"].values[5, 0])
    assert np.nansum(bases(file, "c2")) == pytest.approx(total, rel=1e-6)


def test_counts_of_tracks_and_of_tasks(predictions: xr.Dataset) -> None:
    profile = predictions["profile"].values
    of_tracks = expected_counts(profile, np.log1p(np.full((6, 3), 5.0)), TASKS)
    np.testing.assert_allclose(of_tracks.sum(axis=2), 5, rtol=1e-6)
    of_tasks = expected_counts(profile, np.log1p(np.full((6, 2), 5.0)), TASKS)
    np.testing.assert_allclose(of_tasks[:, :2].sum(axis=(1, 2)), 5, rtol=1e-6)
    with pytest.raises(EugeneError, match=r"shape \(6, 1\): expected \(6, 2\)"):
        expected_counts(profile, np.zeros((6, 1)), TASKS)


def test_contributions_are_of_base_pairs(tmp_path: Path, predictions: xr.Dataset) -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(2, 6, 4, 21)).astype(np.float32)
    dims = ("_sequence", "_ohe", "_length")
    ds = predictions.drop_dims(["cov_sample", "_task"]).assign(
        x_counts=(dims, scores[0], {"form": "projected"}),
        x_profile=(dims, scores[1], {"form": "projected"}),
        x_hypothetical=(dims, scores[1], {"form": "hypothetical"}),
    )
    files = attributions_to_bigwig(ds, tmp_path / "c.bw", contigs=SIZES)
    assert [f.name for f in files] == ["c.x_counts.bw", "c.x_profile.bw"]
    sums = scores.sum(axis=2).transpose(1, 0, 2)
    for file, known in zip(files, slow(ds, sums, [0, 1], "mean"), strict=True):
        for contig, size in SIZES.items():
            wanted = [known.get((contig, i), np.nan) for i in range(size)]
            np.testing.assert_allclose(bases(file, contig), wanted, rtol=1e-5, atol=1e-6)
    [one] = attributions_to_bigwig(ds, tmp_path / "o.bw", contigs=SIZES, variables=["x_profile"])
    assert one.read_bytes() == files[1].read_bytes()


def test_nothing_is_left_of_what_fails(tmp_path: Path, predictions: xr.Dataset) -> None:
    for wrong, error, words in (
        ({"ds": predictions.drop_vars("start")}, EugeneError, "have no start"),
        ({"ds": predictions.drop_vars("counts")}, EugeneError, "no predicted 'profile'"),
        ({"rows": []}, EugeneError, "no window"),
        ({"what": "count"}, EugeneError, "did you mean 'counts'"),
        ({"overlap": "error"}, SchemaError, "Rows overlap at c1:16"),
        ({"overlap": "sum"}, SchemaError, "overlap is 'sum'"),
        ({"contigs": {"chr1": 100}}, ContigError, "c1"),
    ):
        given = {"ds": predictions, "path": tmp_path / "p.bw", "contigs": SIZES, **wrong}
        with pytest.raises(error, match=words):
            predictions_to_bigwig(**given)
        assert not list(tmp_path.iterdir())
    with pytest.raises(EugeneError, match="no attributions 'profile'"):
        attributions_to_bigwig(predictions, tmp_path / "c.bw", contigs=SIZES, variables=["profile"])
    with pytest.raises(EugeneError, match="no attributions"):
        attributions_to_bigwig(predictions, tmp_path / "c.bw", contigs=SIZES)
