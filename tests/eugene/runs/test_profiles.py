"""Profiles from files to predictions: data, training, run folder."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import torch

import eugene as eu
import seqdata as sd
from eugene._folder import RunFolder
from eugene.config import load_run_config
from eugene.data import SequenceDataModule, sources
from eugene.errors import EugeneError
from eugene.models import ProfileModule
from eugene.runs._pipeline import prepare, train
from seqpro import reverse_complement

SIZES = {"c1": 3000, "c2": 1200, "c3": 1200}
SPLIT = {"name": "chromosome", "test": ["c3"], "val": ["c2"]}
WIDTH, TARGET = 80, 40
ARCH = {"name": "bpnet", "n_filters": 4, "n_layers": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reads on both strands, controls of them, and peaks of either strand."""
    path = tmp_path_factory.mktemp("profiles")
    rng = np.random.default_rng(0)
    with (path / "g.fa").open("w") as out:
        for contig, size in SIZES.items():
            out.write(f">{contig}\n{''.join(rng.choice(list('ACGT'), size))}\n")
    for name, rate in (
        ("plus", 1.0),
        ("minus", 0.6),
        ("control_plus", 0.3),
        ("control_minus", 0.2),
    ):
        with pyBigWig.open(str(path / f"{name}.bw"), "w") as signal:
            signal.addHeader(list(SIZES.items()))
            for contig, size in SIZES.items():
                values = rng.poisson(rate, size).astype(float)
                signal.addEntries(contig, 0, values=values, span=1, step=1)
    rows = [
        (c, s, s + 20, f"r{s}", 0, "+-."[s % 3])
        for c, size in SIZES.items()
        for s in range(60, size - 80, 50)
    ]
    pd.DataFrame(rows).to_csv(path / "p.bed", sep="\t", header=False, index=False)
    return path


def files(folder: Path) -> dict[str, Any]:
    return {
        "fasta": str(folder / "g.fa"),
        "bed": str(folder / "p.bed"),
        "bigwigs": {"y+": str(folder / "plus.bw"), "y-": str(folder / "minus.bw")},
        "strands": ["+", "-"],
        "controls": [str(folder / "control_plus.bw"), str(folder / "control_minus.bw")],
        "control_strands": ["+", "-"],
        "width": WIDTH,
    }


def tree(folder: Path) -> dict[str, Any]:
    return {
        "name": "profiles",
        "seed": 3,
        "data": {
            "name": "regions",
            **files(folder),
            "task": "profile",
            "max_jitter": 4,
            "reverse_complement": True,
            "target_length": TARGET,
            "split": SPLIT,
            "batch_size": 16,
        },
        "model": copy.deepcopy(ARCH),
        "module": {"name": "profile"},
        "trainer": {"max_epochs": 2, "accelerator": "cpu"},
        "evaluate": {"reverse_complement": True},
    }


@pytest.mark.parametrize("lazy", [False, True])
def test_batches_hold_the_tracks_of_their_window(folder: Path, lazy: bool) -> None:
    """Each row against pyBigWig: the middle of the window, turned and swapped on the "-" strand."""
    given = files(folder)
    ds = sources.genome(**given) if lazy else sources.regions(**given, task="profile", max_jitter=4)
    data = SequenceDataModule(
        ds, target_vars="cov", control_var="control", target_length=TARGET, split=SPLIT,
        max_jitter=4, reverse_complement=1.0, batch_size=7,
    )  # fmt: skip
    assert data.layout.tasks == {"y": (0, 1)}
    assert data.control_pairs == [1, 0]
    genome = dict(_contigs(folder))
    signals = [pyBigWig.open(str(folder / f"{n}.bw")) for n in ("plus", "minus")]
    jittered = set()
    for batch in data.train_dataloader():
        assert batch["control"].shape[1:] == (2, WIDTH)
        for seq, target, i in zip(batch["seq"], batch["target"], batch["index"], strict=True):
            # all rows are shown as their other strand, that of the "-" rows is "+"
            flip = str(ds["strand"].values[i]) != "-"
            shown = seq.numpy().view("S1")
            if flip:
                shown = reverse_complement(shown[None], "ACGT", length_axis=-1)[0]
            contig = str(ds["chrom"].values[i])
            start = genome[contig].find(shown.tobytes().decode())
            assert start >= 0
            jittered.add(start - int(ds["start"].values[i]))
            first = start + (WIDTH - TARGET) // 2
            known = np.array([s.values(contig, first, first + TARGET) for s in signals])
            known = np.nan_to_num(known)
            np.testing.assert_array_equal(target, known[::-1, ::-1] if flip else known)
    assert len(jittered) > 5


def _contigs(folder: Path) -> list[tuple[str, str]]:
    text = (folder / "g.fa").read_text().split(">")[1:]
    return [(part.split("\n")[0], "".join(part.split("\n")[1:])) for part in text]


@pytest.fixture(scope="module")
def finished(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from files to predictions."""
    where = tmp_path_factory.mktemp("runs") / "profiles"
    train(load_run_config(tree(folder)), where)
    return where


def test_a_run_writes_profiles_and_is_loaded(finished: Path, folder: Path) -> None:
    from eugene.runs._load import read_config
    from eugene.runs._run import Run

    run = Run(read_config(RunFolder(finished)), RunFolder(finished))
    run.write_predictions()
    module = eu.load(finished)
    assert module.layout.names == ("y+", "y-")
    assert module.arch.head.n_control_tracks == 2
    with sd.open_zarr(finished / "predictions.zarr") as ds:
        n = ds.sizes["_sequence"]
        assert ds["profile"].shape == (n, 2, TARGET)
        assert ds["profile"].dims == ("_sequence", "cov_sample", "_position")
        assert ds.attrs["tasks"] == ["y"]
        np.testing.assert_allclose(ds["profile"].sum(("cov_sample", "_position")), 1, rtol=1e-5)
        assert [str(v) for v in ds["cov_pair"].values] == ["y-", "y+"]
        assert set(np.unique(ds["split"])) == {0, 1, 2}
        rows = [0, 7, n - 1]
        stored = sd.open_zarr(finished / "data.zarr")
        cut = slice(4, 4 + WIDTH)
        found = module.predict(
            stored["seq"][rows, cut].to_numpy(),
            stored["control"][rows, :, cut].to_numpy(),
            reverse_complement=True,
        )
        np.testing.assert_allclose(ds["profile"][rows], found.profile, rtol=1e-4)
        np.testing.assert_allclose(ds["counts"][rows], found.counts, rtol=1e-4)
    np.testing.assert_array_equal(run.predictions, run.predicted["prediction"])
    fresh = Run(read_config(RunFolder(finished)), RunFolder(finished))
    np.testing.assert_array_equal(fresh.predictions, run.predictions)
    history = pd.read_csv(finished / "metrics.csv")
    wanted = {"val_loss", "val_profile_loss", "val_count_loss", "val_count_pearson"}
    assert wanted | {"train_profile_loss", "val_profile_jsd"} <= set(history)


def test_the_weight_is_a_tenth_of_the_median_of_the_counts(finished: Path) -> None:
    from eugene.train import load_checkpoint

    ds = sd.open_zarr(finished / "data.zarr")
    begin = (ds.sizes["_length"] - TARGET) // 2
    train = np.flatnonzero(sd.splits.mask(ds, "train"))
    y = ds["cov"][train, :, begin : begin + TARGET].to_numpy().sum((1, 2))
    described = json.loads((finished / "data.json").read_text())
    assert described["targets"]["y"]["train"]["median"] == np.median(y)
    assert described["targets"]["y"]["train"]["n"] == len(train)
    module = load_checkpoint(finished / "checkpoints" / "best.ckpt")
    assert isinstance(module, ProfileModule)
    assert module.hparams["count_weight"] == pytest.approx(np.median(y) / 10)


def test_training_on_files_is_that_on_a_store(folder: Path, tmp_path: Path) -> None:
    """Also taken up in the middle: the weights are those of a training left alone."""

    def module() -> ProfileModule:
        arch = {**ARCH, "input_len": WIDTH, "n_outputs": 2, "n_control_tracks": 2, "trimming": 20}
        return ProfileModule(arch, seed=1)

    options: dict[str, Any] = {
        "epochs": 2, "batch_size": 16, "seed": 5, "reverse_complement": True, "max_jitter": 4,
        "accelerator": "cpu",
    }  # fmt: skip
    split = {"split": SPLIT}
    whole, stored, resumed = module(), module(), module()
    eu.train.fit_profile_module(whole, files(folder), datamodule_kwargs=split, **options)
    ds = sources.regions(**files(folder), task="profile", max_jitter=4)
    eu.train.fit_profile_module(
        stored, ds, control_var="control", datamodule_kwargs=split, **options
    )
    run_dir = tmp_path / "run"
    first = {**options, "epochs": 1, "run_dir": run_dir}
    eu.train.fit_profile_module(resumed, files(folder), datamodule_kwargs=split, **first)
    again = module()
    eu.train.fit_profile_module(
        again, files(folder), datamodule_kwargs=split, **options, run_dir=run_dir, resume=True
    )
    for a, b, c in zip(whole.parameters(), stored.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a, b)
        torch.testing.assert_close(a, c, rtol=0, atol=0)
    loaded = eu.load(run_dir)
    assert loaded.layout == again.layout


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("data", {"target_length": None}, "cut the targets|even or both odd|trimming"),
        ("data", {"target_length": 41}, "even or both odd"),
        ("data", {"target_length": 200}, "target_length is 200, and windows are 80 bp long"),
        ("data", {"targets": ["zscore"]}, "learned as they are"),
        ("data", {"controls": None}, "there is no control"),
        ("module", {"part": "bias"}, "BPNet has no part 'bias'"),
        ("data", {"strands": ["+", "-", "."]}, "one of .* for each sample"),
        ("model", {"n_outputs": 3}, "n_outputs=3, but the data have so many tracks: 2"),
        ("model", {"n_control_tracks": 0}, "n_control_tracks=0, but controls are 2"),
        ("data", {"task": "counts", "target_vars": "counts_y+"}, "values, one a sequence"),
        ("module", {"tasks": {"y": ["y+"]}}, r"leave out \['y-'\]"),
        ("model", {"name": "cnn"}, "takes no control tracks"),
        ("trainer", {"monitor": "val_profil_loss"}, "val_profile_loss"),
    ],
)
def test_runs_that_cannot_be(
    folder: Path, tmp_path: Path, section: str, change: dict[str, Any], message: str
) -> None:
    wrong = tree(folder)
    wrong[section].update(change)
    if section == "model" and "name" in change:
        wrong["model"] = {"name": "cnn"}
    with pytest.raises((EugeneError, sd.SeqdataError), match=message):
        prepare(load_run_config(wrong), tmp_path / "run")


def test_a_part_whose_weights_are_frozen(folder: Path) -> None:
    arch = {
        "name": "chrombpnet", "input_len": WIDTH, "n_outputs": 2, "n_layers": 1, "bias_layers": 1,
        "n_filters": 2, "bias_filters": 2, "trimming": 20,
    }  # fmt: skip
    given = {k: v for k, v in files(folder).items() if "control" not in k}
    split = {"split": SPLIT}
    module = ProfileModule(arch, part="bias", count_weight=1.0, seed=1)
    with pytest.raises(EugeneError, match="no weight of the part 'bias' is to be trained"):
        eu.train.fit_profile_module(module, given, datamodule_kwargs=split, accelerator="cpu")


def test_values_that_are_no_counts(folder: Path) -> None:
    ds = sources.regions(**files(folder), task="profile").load()
    module = ProfileModule({**ARCH, "input_len": WIDTH, "n_outputs": 2, "trimming": 20}, seed=1)
    options: dict[str, Any] = {"target_vars": "cov", "target_length": TARGET, "split": SPLIT}
    wrong = ds.copy(deep=True)
    wrong["cov"][3, 1, 40] = -2
    with pytest.raises(EugeneError, match="'y-' holds negative values, such as -2 in row 3"):
        eu.train.fit(module, SequenceDataModule(wrong, **options), accelerator="cpu")
    half = ds.assign(cov=ds["cov"] / 2)
    with pytest.warns(UserWarning, match="are no whole numbers"):
        eu.train.fit(module, SequenceDataModule(half, **options), max_epochs=1, accelerator="cpu")
