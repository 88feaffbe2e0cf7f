"""A run of binned tracks, from FASTA and BigWig files to a report, on simulated signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr
from scipy import stats

import eugene as eu
import seqdata as sd
from eugene.runs import run

WIDTH, BIN, CROP, N = 512, 16, 64, 18
SITE = "TGACTCAGCA"
TREE: dict[str, Any] = {
    "name": "tracks",
    "seed": 1,
    "data": {
        "name": "tracks", "width": WIDTH, "bin_size": BIN, "crop": CROP,
        "target_vars": ["cov"], "split": {"name": "column", "column": "name"}, "batch_size": 2,
        "reverse_complement": True,
    },
    "model": {
        "name": "basenji", "stem_filters": 12, "tower_filters": 12, "tower_mult": 1,
        "tower_repeat": 3, "dilated_filters": 6, "dilated_repeat": 1, "final_filters": 12,
        "cropping": 2, "activation": "relu",
    },
    "module": {
        "name": "tracks", "loss_fxn": "poisson_multinomial", "loss_kwargs": {"total_weight": 0.2},
        "optimizer_lr": 0.02,
    },
    "trainer": {
        "max_epochs": 8, "fast": False, "patience": None, "accelerator": "cpu",
        "monitor": "val_pearson",
    },
    "evaluate": {"n_bootstrap": 40, "reverse_complement": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a genome with sites at which there is signal, of both strands and of none."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(4)
    size = N * WIDTH
    letters = rng.choice(list("ACGT"), size)
    signal = np.zeros((3, size))
    for place in range(20, size - 80, 80):
        at = place + int(rng.integers(0, 40))
        letters[at : at + 10] = list(SITE)
        signal[0, at : at + 12] += 3
        signal[1, at : at + 12] += 1
        signal[2, at - 8 : at + 18] += 2
    (folder / "g.fa").write_text(">c\n" + "".join(letters) + "\n")
    table = ["name\tfile\tstrand\tpair\tassay\tweight"]
    for name, strand, mate, values in zip(
        ("a+", "a-", "b"), "+-.", ("a-", "a+", ""), signal, strict=True
    ):
        with pyBigWig.open(str(folder / f"{name}.bw"), "w") as out:
            out.addHeader([("c", size)])
            out.addEntries("c", 0, values=values.tolist(), span=1, step=1)
        assay = "DNASE" if name == "b" else "CAGE"
        table.append(f"{name}\t{name}.bw\t{strand}\t{mate}\t{assay}\t{2 if name == 'b' else 1}")
    (folder / "t.tsv").write_text("\n".join(table) + "\n")
    splits = ["train"] * 10 + ["val"] * 4 + ["test"] * 4
    rows = [f"c\t{i * WIDTH}\t{(i + 1) * WIDTH}\t{s}\n" for i, s in enumerate(splits)]
    (folder / "r.bed").write_text("".join(rows))
    genes = [(i * WIDTH + 100, i * WIDTH + 200, f"g{i}", "+-"[i % 2]) for i in range(N)]
    (folder / "genes.bed").write_text(
        "".join(f"c\t{a}\t{b}\t{n}\t0\t{s}\n" for a, b, n, s in genes)
    )
    return folder


@pytest.fixture(scope="module")
def folder(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = {
        **TREE,
        "data": {
            **TREE["data"],
            "fasta": str(files / "g.fa"),
            "bed": str(files / "r.bed"),
            "table": str(files / "t.tsv"),
        },
    }
    tree["evaluate"] = {**TREE["evaluate"], "genes": str(files / "genes.bed")}
    return Path(run(tree, run_dir=tmp_path_factory.mktemp("run") / "tracks").path)


@pytest.mark.slow
def test_a_run_trains_tests_and_reports_tracks(folder: Path) -> None:
    history = pd.read_csv(folder / "metrics.csv")
    assert {"train_loss", "val_loss", "val_pearson", "val_pearson_a+"} <= set(history)
    table = pd.read_csv(folder / "tracks.tsv", sep="\t")
    assert table["track"].tolist() == ["a+", "a-", "b"]
    assert table["assay"].tolist() == ["CAGE", "CAGE", "DNASE"]
    # what is at sites is found from sequence; the mean of the training windows knows nothing
    assert (table["pearson"] > 0.5).all()
    assert (table["mean_of_training_windows_pearson"] < 0.3).all()
    assert (table["pearson_low"] < table["pearson"]).all()
    report = (folder / "report.html").read_text()
    assert "mean of training windows" in report and "Observed and predicted signal" in report


@pytest.mark.slow
def test_figures_are_those_of_what_was_predicted(folder: Path, files: Path) -> None:
    predictions = sd.open_zarr(folder / "predictions.zarr").load()
    data = sd.open_zarr(folder / "data.zarr").load()
    assert predictions["prediction"].dims == ("_sequence", "cov_sample", "_length_cov")
    assert predictions["prediction"].attrs["bin_size"] == BIN
    assert predictions["prediction_pair"].values.tolist() == ["a-", "a+", ""]
    rows = np.flatnonzero(data["split"].values == 2)
    table = pd.read_csv(folder / "tracks.tsv", sep="\t")
    given, seen = predictions["prediction"].values[rows], data["cov"].values[rows].astype(float)
    for i in range(3):
        r = stats.pearsonr(given[:, i].ravel(), seen[:, i].ravel())[0]
        assert table["pearson"][i] == pytest.approx(r, rel=1e-5)
    genes = pd.read_csv(folder / "track_genes.tsv", sep="\t")
    # two of four genes of test windows are on each strand
    assert genes["genes"].tolist() == [2, 2, 4]
    module = eu.load(folder)
    again = module.predict(data["seq"][rows], reverse_complement=True)
    np.testing.assert_allclose(again.numpy(), given, rtol=1e-4, atol=1e-5)
    assert module.hparams["pairs"] == [1, 0, 2] and module.hparams["bin_size"] == BIN
    assert module.hparams["track_weights"] == [1.0, 1.0, 2.0]


def test_windows_of_several_species_are_trained_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (12, 256))
    target = rng.gamma(1, 1, (12, 3, 16)).astype(np.float32)
    target[1::2, 2] = np.nan
    ds = xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters, {"kind": "sequence", "alphabet": "ACGT"}),
            "cov": (
                ("_sequence", "cov_sample", "_length_cov"), target,
                {"bin_size": 16, "crop": 0, "flank": 0},
            ),
            "species": ("_sequence", np.arange(12) % 2),
            "split": ("_sequence", np.repeat([0, 1, 2], 4)),
        }
    )  # fmt: skip
    sd.to_zarr(ds, tmp_path / "x.zarr")
    tree = {
        **TREE, "data": {
            "name": "zarr", "path": str(tmp_path / "x.zarr"), "target_vars": ["cov"],
            "head_var": "species", "batch_size": 2,
        },
        "model": {**TREE["model"], "cropping": 0, "output_dim": 5},
        "module": {"name": "tracks", "heads": {"human": {"tracks": 3}, "mouse": {"tracks": 2}}},
        "trainer": {"max_epochs": 1, "accelerator": "cpu"}, "evaluate": {"n_bootstrap": 0},
    }  # fmt: skip
    folder = Path(run(tree, run_dir=tmp_path / "run").path)
    history = pd.read_csv(folder / "metrics.csv")
    assert {"val_pearson_human", "val_pearson_mouse"} <= set(history)
    given = sd.open_zarr(folder / "predictions.zarr")["prediction"].values
    assert np.isfinite(given[0::2]).all() and np.isnan(given[1::2, 2]).all()
    table = pd.read_csv(folder / "track_windows.tsv", sep="\t")
    assert table["index"].tolist() == [8, 9, 10, 11]
    expected = []
    for row in range(8, 12):
        there = [i for i in range(3) if np.isfinite(target[row, i]).all()]
        each = [np.corrcoef(target[row, i], given[row, i])[0, 1] for i in there]
        expected.append(np.mean(each))
        own = table[table["index"] == row].iloc[0]
        assert own["observed_tracks"] == pytest.approx(target[row, there].mean(), rel=1e-5)
        assert own["predicted_tracks"] == pytest.approx(given[row, there].mean(), rel=1e-5)
    np.testing.assert_allclose(table["pearson"], expected, rtol=1e-4, atol=1e-5)
    worst = sd.open_zarr(folder / "track_worst.zarr")
    assert worst["index"].values.tolist() == [8 + i for i in np.argsort(expected)[:3]]
    page = (folder / "report.html").read_text()
    assert "Windows that are most wrong" in page and "Calibration of the signal" in page
