"""Cross-validation: every row is predicted once, by a network that never saw it."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy.stats import pearsonr, spearmanr

import eugene as eu
import seqdata as sd
import seqexplainer as se
import seqpro as sp
from eugene.cli import main
from eugene.config._dump import dump_yaml
from eugene.errors import ConfigError, NotARunError
from eugene.modules import SequenceModule
from eugene.runs import run

FOLDS, N = 3, 40
LABS = ("Oslo", "Rome", "Kyiv")


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Return a run of rows in genes, whose target is z-scored, and its sequences and targets."""
    rng = np.random.default_rng(2)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (N, 24))
    y = 50 + 10 * (letters == b"G").mean(axis=1) + rng.normal(0, 0.1, N)
    rows = [
        f"{s.tobytes().decode()}\t{v:.4f}\t{i // 3}\t{LABS[i % 7 % 3]}"
        for i, (s, v) in enumerate(zip(letters, y, strict=True))
    ]
    path = tmp_path_factory.mktemp("rows") / "rows.tsv"
    path.write_text("\n".join(["seq\ty\tgene\tlab", *rows]))
    tree = {
        "name": "counted",
        "seed": 5,
        "data": {
            "name": "table",
            "path": str(path),
            "seq_col": "seq",
            "target_cols": ["y"],
            "split": {"name": "group", "by": "gene"},
            "targets": ["zscore"],
            "batch_size": 8,
        },
        "model": {"name": "fcn", "dense_kwargs": {"hidden_dims": [4]}},
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "tensorboard": False},
        "evaluate": {"n_bootstrap": 30},
        "replicates": {"folds": FOLDS, "interpret": "none"},
    }
    return tree, letters, np.loadtxt(path, skiprows=1, usecols=1)


@pytest.fixture
def tree(counted) -> dict[str, Any]:
    return copy.deepcopy(counted[0])


@pytest.fixture(scope="module")
def done(counted, tmp_path_factory):
    """Return a finished cross-validation of two arms, and the rows that each network was shown."""
    seen: dict[str, set[int]] = {}
    tree = copy.deepcopy(counted[0])
    tree["replicates"]["arms"] = {"narrow": {}, "wide": {"model.dense_kwargs.hidden_dims": [8]}}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("training_step", "validation_step"):
            step = getattr(SequenceModule, name)

            def watched(self, batch, batch_idx, step=step):
                place = str(self.trainer.default_root_dir)
                seen.setdefault(place, set()).update(batch["index"].tolist())
                return step(self, batch, batch_idx)

            patch.setattr(SequenceModule, name, watched)
        folder = run(tree, run_dir=tmp_path_factory.mktemp("runs") / "cv")
    return folder, seen


def test_each_row_is_predicted_by_a_network_that_never_saw_it(counted, done):
    (_, letters, y), (folder, seen) = counted, done
    places = [str(folder.path / "wide" / f"fold_{k}") for k in range(FOLDS)]
    assert set(places) < set(seen)
    with sd.open_zarr(folder / "wide" / "predictions.zarr") as opened:
        found = opened.load()
    rows, fold = found["row"].values, found["fold"].values
    assert rows.tolist() == list(range(N))  # each once
    assert not any(row in seen[places[k]] for row, k in zip(rows, fold, strict=True))
    assert all(len(seen[places[k]]) + (fold == k).sum() == N for k in range(FOLDS))
    genes = np.arange(N) // 3
    assert all(len(set(fold[genes == g])) == 1 for g in set(genes))
    assert np.ptp(np.bincount(fold)) <= 3
    # the network of a fold gives them, in the units of the table
    np.testing.assert_allclose(found["target"].values[:, 0], y, rtol=1e-5)
    for k in range(FOLDS):
        module = eu.load(places[k])
        given = module.inverse_targets(module.predict(letters[fold == k]))
        np.testing.assert_allclose(found["prediction"].values[fold == k], given, rtol=1e-5)
    scales = {str(eu.load(p).run.transforms) for p in places}
    assert len(scales) == FOLDS  # they differ, so units of the data alone can be put together


def test_figures_of_folds_and_of_all_rows_together(counted, done):
    (_, _, y), (folder, _) = counted, done
    summary = folder.read_json("summary.json")
    assert summary["over"] == "fold"
    arm, pooled = summary["arms"]["wide"], summary["out_of_fold"]["wide"]
    assert arm["folds"] == [0, 1, 2]
    each = [
        folder.read_json(f"wide/fold_{k}/evaluation.json")["metrics"]["pearson"]["value"]
        for k in range(FOLDS)
    ]
    assert arm["metrics"]["pearson"]["per_fold"] == pytest.approx(each)
    with sd.open_zarr(folder / "wide" / "predictions.zarr") as opened:
        predicted = opened["prediction"].values[:, 0]
    assert pooled["n"] == N
    assert pooled["metrics"]["pearson"]["value"] == pytest.approx(pearsonr(y, predicted)[0], 1e-4)
    assert pooled["metrics"]["pearson"]["low"] < pooled["metrics"]["pearson"]["high"]
    assert summary["paired"]["wide - narrow"]["folds"] == [0, 1, 2]
    page = folder.report.read_text()
    assert "Out of fold" in page
    assert "40 rows (wide)" in page
    assert "each fold" in page


def test_a_cross_validation_goes_on_where_it_was_stopped(tree, done, tmp_path, monkeypatch):
    step, count = SequenceModule.training_step, 0

    def dying(self, batch, batch_idx):
        nonlocal count
        count += 1
        if count > 6:  # in the second fold
            raise RuntimeError("killed")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(SequenceModule, "training_step", dying)
    with pytest.raises(RuntimeError, match="killed"):
        run(tree, run_dir=tmp_path / "cv")
    monkeypatch.setattr(SequenceModule, "training_step", step)
    begun = [path.name for path in eu.runs.RunFolder(tmp_path / "cv").replicates]
    assert begun == ["fold_0", "fold_1"]
    assert not (tmp_path / "cv" / "predictions.zarr").exists()
    folder = run(tree, run_dir=tmp_path / "cv", resume=True)
    narrow = done[0] / "narrow" / "predictions.zarr"
    with sd.open_zarr(folder.predictions) as here, sd.open_zarr(narrow) as there:
        np.testing.assert_array_equal(here["prediction"].values, there["prediction"].values)
    with pytest.raises(ConfigError, match="n_folds: the run in"):
        run({**tree, "replicates": {"folds": 4}}, run_dir=folder.path, resume=True)
    with pytest.raises(ConfigError, match="runs of another kind"):
        run({**tree, "replicates": {"seeds": [1]}}, run_dir=folder.path, resume=True)


FIXED = {"name": "column", "column": "gene", "mapping": {str(i): "train" for i in range(14)}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"replicates": {"folds": 2}}, "folds"),
        ({"replicates": {"folds": 3, "seeds": [1, 2]}}, "seeds and folds are both given"),
        ({"data.split": FIXED}, "nothing to deal into folds"),
        ({"data.split": None}, "folds keep the rules of data.split, and there is none"),
        ({"replicates": {"folds": 20}}, "makes 14 groups"),
    ],
)
def test_what_cannot_be_folded_is_refused_before_anything_is_trained(tree, tmp_path, change, words):
    for dotted, value in change.items():
        top, _, key = dotted.partition(".")
        if key:
            tree[top][key] = value
        else:
            tree[top] = value
    with pytest.raises(ConfigError, match=words):
        run(tree, run_dir=tmp_path / "cv")
    assert not (tmp_path / "cv").exists()


@pytest.fixture(scope="module")
def left_out(counted, tmp_path_factory):
    """Return a run in which each laboratory is tested by a network of the others."""
    tree = {**copy.deepcopy(counted[0]), "replicates": {"leave_out": "lab", "interpret": "none"}}
    del tree["data"]["split"]
    return run(tree, run_dir=tmp_path_factory.mktemp("runs") / "labs")


def test_one_group_is_left_out_at_a_time(counted, left_out):
    y = counted[2]
    labs = np.array([LABS[i % 7 % 3] for i in range(N)])
    with sd.open_zarr(left_out.predictions) as opened:
        found = opened.load()
    assert found["row"].values.tolist() == list(range(N))
    names = left_out.read_json("summary.json")["left_out"]
    assert sorted(names) == sorted(LABS)
    assert [names[fold] for fold in found["fold"].values] == labs.tolist()
    table = pd.read_csv(left_out / "folds.tsv", sep="\t")
    assert table["fold"].tolist() == ["0", "1", "2", "mean", "all rows"]
    assert table["left_out"].tolist()[:3] == names
    for k, name in enumerate(names):
        here = labs == name
        predicted = found["prediction"].values[here, 0]
        assert table["n"][k] == here.sum()
        assert table["pearson"][k] == pytest.approx(pearsonr(y[here], predicted)[0], 1e-3)
        assert table["spearman"][k] == pytest.approx(spearmanr(y[here], predicted)[0], 1e-3)
    assert table["mse"][3] == pytest.approx(table["mse"][:3].mean(), 1e-4)
    whole = found["prediction"].values[:, 0]
    assert table["mse"][4] == pytest.approx(np.mean((whole - y) ** 2), 1e-3)


def test_groups_that_cannot_be_left_out_are_refused(tree, left_out, tmp_path):
    for replicates, words in (
        ({"leave_out": "labs"}, "no column 'labs'.*Did you mean 'lab'"),
        ({"leave_out": "lab", "folds": 3}, "folds and leave_out are both given"),
    ):
        tree["replicates"] = replicates
        with pytest.raises(ConfigError, match=words):
            run(tree, run_dir=tmp_path / "labs")
    assert not (tmp_path / "labs").exists()
    with pytest.raises(sd.SeqdataError, match="names 2 groups: expected at least 3"):
        sd.splits.group_folds(["a", "b"])
    with pytest.raises(sd.SeqdataError, match=r"1 rows are in no group .* row 2"):
        sd.splits.group_folds(["a", "b", "", "c"])
    # a run that was stopped before the last group is no ensemble yet
    half = tmp_path / "half"
    shutil.copytree(left_out.path, half)
    (half / "summary.json").unlink()
    with pytest.raises(NotARunError, match="holds 3 of more runs"):
        eu.load(half)


def test_folds_are_an_ensemble_in_the_units_of_the_data(counted, done):
    (_, letters, _), (folder, _) = counted, done
    with pytest.raises(NotARunError, match="arms narrow, wide: name one"):
        eu.load(folder.path)
    wide = folder / "wide"
    module = eu.load(wide)
    each = [eu.load(wide / f"fold_{k}") for k in range(FOLDS)]
    given = np.stack([m.inverse_targets(m.predict(letters)) for m in each])
    mean, sd = module.spread(letters)
    np.testing.assert_allclose(mean, given.mean(0), rtol=1e-5)
    np.testing.assert_allclose(sd, given.std(0, ddof=1), rtol=1e-3)
    np.testing.assert_allclose(module.predict(letters), mean)
    np.testing.assert_array_equal(module.inverse_targets(mean), mean)
    one_hot = torch.from_numpy(sp.ohe(letters, sp.DNA).swapaxes(1, 2).astype(np.float32))
    np.testing.assert_allclose(module(one_hot).detach(), mean, rtol=1e-5)
    table = eu.evaluate.predictions(
        module, xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    )
    np.testing.assert_allclose(table["y_prediction"], mean[:, 0], rtol=1e-6)
    # what explains a network explains all of them: the mean of what explains each, in units
    explained = se.attribute(module, one_hot[:3], "saliency")
    slopes = [float(m.run.transforms["y"][0]["std"][0]) for m in each]
    parts = [
        s * se.attribute(m, one_hot[:3], "saliency") for m, s in zip(each, slopes, strict=True)
    ]
    torch.testing.assert_close(explained, torch.stack(parts).mean(0), rtol=1e-4, atol=1e-6)


def test_the_shell_predicts_with_all_folds(tree, done, tmp_path, capsys):
    """A folder of one arm: mean and spread of new sequences, and the out-of-fold predictions."""
    folder = tmp_path / "cv"
    shutil.copytree(done[0].path, folder, ignore=shutil.ignore_patterns("narrow"))
    shutil.copytree(folder / "wide" / "predictions.zarr", folder / "predictions.zarr")
    tree["replicates"]["arms"] = {"wide": {}}
    config = eu.config.load_run_config(folder / "config.yaml").tree
    (folder / "config.yaml").write_text(dump_yaml({**config, "replicates": tree["replicates"]}))
    (tmp_path / "new.fa").write_text(">a\nACGTACGTACGTACGTACGTACGT\n>b\nGGGGACGTACGTACGTACGTACGT\n")
    out = tmp_path / "out.tsv"
    assert (
        main(["predict", str(folder), "--input", str(tmp_path / "new.fa"), "--out", str(out)]) == 0
    )
    header, first, _ = out.read_text().splitlines()
    assert header.split("\t") == ["name", "y_mean", "y_std"]
    mean, sd = eu.load(folder).spread(["ACGTACGTACGTACGTACGTACGT"])
    assert [float(v) for v in first.split("\t")[1:]] == pytest.approx(
        [float(mean), float(sd)], 1e-4
    )
    assert main(["predict", str(folder), "--out", str(out), "--overwrite"]) == 0
    lines = out.read_text().splitlines()
    assert lines[0] == "row\tfold\ty"
    assert len(lines) == N + 1
    (folder / "wide" / "fold_2" / "state.json").unlink()
    assert main(["predict", str(folder), "--input", str(tmp_path / "new.fa")]) == 2
    assert "holds 2 of 3 runs" in capsys.readouterr().err


def test_figures_of_strata(tree, tmp_path):
    del tree["replicates"]
    tree["data"]["split"] = {"name": "random", "fractions": [0.3, 0.2, 0.5]}
    tree["evaluate"]["strata"] = {"gene": 2, "y": 2}
    with pytest.raises(ConfigError, match=r"evaluate.strata: .*'gen'; did you mean 'gene'"):
        run({**tree, "evaluate": {"strata": "gen"}}, run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="give a number of bins"):
        run({**tree, "evaluate": {"strata": ["y"]}}, run_dir=tmp_path / "run")
    folder = run({**tree, "evaluate": tree["evaluate"]}, run_dir=tmp_path / "run", overwrite=True)
    found = folder.read_json("evaluation.json")["strata"]
    with sd.open_zarr(folder.predictions) as opened:
        rows = opened.load()
    tested = (
        rows["split"].values == "test"
        if rows["split"].dtype.kind in "UO"
        else rows["split"].values == 2
    )
    gene = (np.arange(N) // 3)[tested]
    y, p = rows["target"].values[tested, 0], rows["prediction"].values[tested, 0]
    low = gene <= np.median(gene)
    (first, one), (_, other) = found["gene"].items()
    assert first == f"{gene.min()} to {np.median(gene):.4g}"
    assert (one["n"], other["n"]) == (low.sum(), (~low).sum())
    expected = pearsonr(y[low], p[low])[0]
    assert one["metrics"]["pearson"]["value"] == pytest.approx(expected, rel=1e-4)
    assert one["metrics"]["pearson"]["low"] is not None
    assert "By gene" in folder.report.read_text()
