"""Whole small runs: files, refusals, resumption, and nothing left behind by a mistake."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import seqdata as sd
from eugene.errors import ConfigError, MissingFileError, RunExistsError
from eugene.runs import RunFolder, run
from eugene.runs._pipeline import wanted_steps


def test_every_file_of_the_folder_is_there(finished):
    names = [
        *("config.yaml", "versions.json", "data.json", "data.zarr", "model.safetensors"),
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt", "metrics.csv", "state.json"),
        *("predictions.zarr", "attributions.zarr", "evaluation.json", "report.html"),
        *("interpretation/filters.meme", "interpretation/filters.csv"),
        *("interpretation/annotations.csv", "interpretation/positional.csv"),
        *("interpretation/evolution.csv", "interpretation/control.json"),
        "interpretation/truth.json",
    ]
    missing = [name for name in names if not (finished.path / name).exists()]
    assert missing == []
    state = finished.state()
    assert state["status"] == "done"
    assert all(step["seconds"] is not None for step in state["steps"].values())


def test_predictions_and_evaluation(finished):
    ds = sd.open_zarr(finished.predictions)
    assert ds["prediction"].dims == ("_sequence", "_target")
    assert ds["prediction"].shape == ds["target"].shape == (300, 1)
    assert np.bincount(ds["split"].values).tolist() == [180, 60, 60]
    evaluation = finished.read_json("evaluation.json")
    assert evaluation["n"] == 60
    for metrics in (evaluation["metrics"], evaluation["baselines"]["kmer_logistic"]):
        entry = metrics["auroc"]
        assert entry["low"] <= entry["value"] <= entry["high"]
    rows = ds["split"].values == 2
    from sklearn.metrics import roc_auc_score

    expected = roc_auc_score(ds["target"].values[rows, 0], ds["prediction"].values[rows, 0])
    assert evaluation["metrics"]["auroc"]["value"] == pytest.approx(expected, abs=1e-9)
    assert evaluation["curves"]["roc"][0][0] == 0


def test_probabilities_are_calibrated_on_the_validation_rows(finished):
    from eugene.evaluate import calibration_error, fit_temperature

    ds = sd.open_zarr(finished.predictions)
    found = finished.read_json("evaluation.json")["calibration"]
    held_out, rows = ds["split"].values == 1, ds["split"].values == 2
    score, target = ds["score"].values, ds["target"].values
    expected = fit_temperature(score[held_out], target[held_out], "binary_classification")
    assert found["temperature"] == pytest.approx(expected.tolist(), rel=1e-6)
    plain = calibration_error(target[rows, 0], ds["prediction"].values[rows, 0])
    assert found["ece"][0] == pytest.approx(plain, abs=1e-6)
    assert "expected calibration error" in finished.report.read_text()


def test_attributions_carry_their_provenance(finished):
    ds = sd.open_zarr(finished.attributions)
    for method in ("deep_lift_shap", "saturation_mutagenesis"):
        values = ds[method]
        assert values.dims == ("_sequence", "_ohe", "_length")
        assert values.dtype == np.float32
        assert len(values.attrs["model_sha256"]) == 64
        assert ((values.values != 0).sum(axis=1) <= 1).all()
    assert ds["deep_lift_shap"].attrs["n_references"] == 2
    assert np.abs(ds["delta_deep_lift_shap"].values).max() < 1e-3
    assert list(ds["planted"].attrs["motifs"]) == ["CEBPB", "GABPA"]
    predictions = sd.open_zarr(finished.predictions)
    rows = ds["index"].values
    assert (predictions["split"].values[rows] == 2).all()
    scores = predictions["prediction"].values[:, 0]
    test = np.flatnonzero(predictions["split"].values == 2)
    assert set(rows) == set(test[np.argsort(-scores[test], kind="stable")[:4]])


def test_interpretation_files_have_the_columns_that_readers_expect(finished):
    folder = finished.interpretation
    filters = pd.read_csv(folder / "filters.csv")
    assert list(filters) == [
        "filter", "n_sites", "max_activation", "ic_bits", "consensus", "dead",
    ]  # fmt: skip
    assert len(filters) == 6
    annotations = pd.read_csv(folder / "annotations.csv")
    assert list(annotations) == [
        "filter", "target_name", "target_accession", "p_value", "p_bonferroni", "q_value",
        "strand", "offset", "rank",
    ]  # fmt: skip
    positional = pd.read_csv(folder / "positional.csv")
    assert list(positional) == ["motif", "position", "mean", "low", "high"]
    assert set(positional["motif"]) == {
        "CEBPB", "GABPA", "CEBPB beside GABPA", "GABPA beside CEBPB",
    }  # fmt: skip
    evolution = pd.read_csv(folder / "evolution.csv")
    columns = ["sequence", "round", "position", "ref", "alt", "score", "kind"]
    assert list(evolution) == columns
    assert evolution.groupby("sequence")["score"].apply(lambda s: s.is_monotonic_increasing).all()
    control = json.loads((folder / "control.json").read_text())["shuffled_labels"]
    assert set(control["planted_found"]) == {"CEBPB", "GABPA"}
    assert 0 <= control["auroc"] <= 1
    truth = json.loads((folder / "truth.json").read_text())
    assert set(truth["mean_auprc"]) == {"deep_lift_shap", "saturation_mutagenesis"}
    assert 0 < truth["planted_fraction"] < 1
    assert set(truth["planted_found"]) == {"CEBPB", "GABPA"}


def test_a_finished_run_is_left_alone_and_resume_does_nothing(finished, tmp_path):
    from eugene.runs import read_config

    # a resumed run writes its pages anew
    finished = RunFolder(shutil.copytree(finished.path, tmp_path / "tiny"))
    before = finished.weights.read_bytes(), finished.evaluation.stat().st_mtime_ns
    config = read_config(finished)
    with pytest.raises(RunExistsError, match="holds a finished run; nothing was touched"):
        run(config.tree, run_dir=finished.path)
    tree = {**config.tree, "interpret": None}
    run(tree, run_dir=finished.path, resume=True)
    assert (finished.weights.read_bytes(), finished.evaluation.stat().st_mtime_ns) == before
    with pytest.raises(
        ConfigError, match=r"\$\.model\.pool: the run in .* was made with 'flatten'"
    ):
        run({**tree, "model": {**tree["model"], "pool": "max"}}, run_dir=finished.path, resume=True)


def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(tiny, tmp_path):
    tiny |= {"baselines": [], "trainer": {"max_epochs": 3, "accelerator": "cpu"}}
    whole = run(tiny, run_dir=tmp_path / "whole")
    tiny["trainer"]["max_epochs"] = 1
    run(tiny, run_dir=tmp_path / "parts")
    tiny["trainer"]["max_epochs"] = 3
    parts = run(tiny, run_dir=tmp_path / "parts", resume=True)
    first, second = load_file(whole.weights), load_file(parts.weights)
    assert all((first[name] == second[name]).all() for name in first)
    assert len(pd.read_csv(parts.metrics)) == 3
    assert (
        parts.read_json("evaluation.json")["metrics"]
        == whole.read_json("evaluation.json")["metrics"]
    )


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"data": {"target_vars": ["lable"]}},
         r"\$\.data\.target_vars\[0\]: .*did you mean 'label'"),
        ({"data": {"target_vars": []}}, r"\$\.data\.target_vars: needs at least one .*label"),
        ({"data": {"seq_var": "sq"}}, r"\$\.data\.seq_var: .*did you mean 'seq'"),
        ({"data": {"split": None}}, r"\$\.data\.split: the data carry no split"),
        ({"model": {"input_len": 200}},
         r"\$\.model\.input_len: the model is told input_len=200, but the sequences have 140"),
        ({"model": {"output_dim": 3}}, r"\$\.model\.output_dim: .*the targets need 1"),
        ({"model": {"conv_kwargs": {"conv_channels": [4], "conv_kernels": [141],
                                    "conv_padding": "valid"}}},
         r"\$\.model: cnn does not fit sequences of 140 bp"),
        ({"evaluate": {"subsets": {"near": "kin"}}},
         r"\$\.evaluate\.subsets\.near: the data have no 'kin'; did you mean 'kind'"),
    ],
)  # fmt: skip
def test_what_only_the_data_reveal_is_said_with_its_place(tiny, tmp_path, values, match):
    for section, changes in values.items():
        tiny[section] = {**tiny[section], **changes}
    with pytest.raises(ConfigError, match=match):
        run(tiny, run_dir=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_with_overwrite_leaves_the_old_run(tiny, tmp_path):
    tiny |= {"baselines": [], "trainer": {"max_epochs": 1, "accelerator": "cpu"}}
    folder = run(tiny, run_dir=tmp_path / "run")
    before = folder.weights.read_bytes()
    bad = {**tiny, "data": {**tiny["data"], "target_vars": ["lable"]}}
    with pytest.raises(ConfigError, match="lable"):
        run(bad, run_dir=folder.path, overwrite=True)
    assert folder.weights.read_bytes() == before
    assert folder.state()["status"] == "done"
    run({**tiny, "seed": 4}, run_dir=folder.path, overwrite=True)
    assert folder.weights.read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_replicates_with_a_mistake_and_overwrite_leave_the_old_runs(tiny, tmp_path):
    tiny |= {"baselines": [], "trainer": {"max_epochs": 1, "accelerator": "cpu"}}
    tiny["replicates"] = {"seeds": [0], "interpret": "none"}
    folder = run(tiny, run_dir=tmp_path / "run")
    before = (folder / "default" / "seed_0" / "model.safetensors").read_bytes()
    bad = {**tiny, "data": {**tiny["data"], "target_vars": ["lable"]}}
    with pytest.raises(ConfigError, match="lable"):
        run(bad, run_dir=folder.path, overwrite=True)
    assert (folder / "default" / "seed_0" / "model.safetensors").read_bytes() == before
    assert folder.summary.is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_store_of_a_run_can_be_trained_on_as_it_is(tiny, finished, tmp_path):
    import seqdata as sd

    tiny["data"] = {
        "name": "zarr",
        "path": str(finished.data_store),
        "target_vars": ["label"],
        "split": None,
    }
    tiny |= {"baselines": [], "trainer": {"max_epochs": 1, "accelerator": "cpu"}}
    again = run(tiny, run_dir=tmp_path / "run")
    same = [sd.open_zarr(f.predictions)["split"].to_numpy() for f in (finished, again)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize(
    ("task", "values", "match"),
    [
        ("binary_classification", [0.0, 0.5], "must be 0, 1 or NaN, found 0.5 in 'label', row"),
        ("multiclass_classification", [0.0, 1.5], "numbers of classes"),
        ("poisson", [-1.0, 2.0], "counts of 0 or more"),
    ],
)
def test_targets_that_the_task_cannot_have(tiny, tmp_path, task, values, match):
    letters = np.random.default_rng(0).choice(list("ACGT"), (40, 50))
    lines = [f"{''.join(row)},{values[i % 2]}" for i, row in enumerate(letters)]
    (tmp_path / "rows.csv").write_text("\n".join(["sequence,label", *lines]) + "\n")
    tiny["data"] = {
        "name": "table",
        "path": str(tmp_path / "rows.csv"),
        "seq_col": "sequence",
        "target_cols": ["label"],
        "split": "random",
    }
    tiny |= {"module": {"task": task}, "baselines": [], "model": "cnn"}
    with pytest.raises(ConfigError, match=match):
        run(tiny, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_missing_files_are_named(tiny, tmp_path):
    tiny["data"] = {
        "name": "table",
        "path": str(tmp_path / "nothing.tsv"),
        "seq_col": "sequence",
        "target_cols": ["y"],
        "split": {"name": "random"},
    }
    with pytest.raises(FileNotFoundError, match=r"nothing\.tsv"):
        run(tiny, run_dir=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingFileError, match="neither a file nor a shipped recipe"):
        run("no_such_recipe")


def test_a_table_of_real_columns(tiny, tmp_path):
    rng = np.random.default_rng(0)
    letters = rng.choice(list("ACGT"), (120, 60))
    table = pd.DataFrame(
        {
            "sequence": ["".join(row) for row in letters],
            "y": letters.view(np.uint32).reshape(120, -1).mean(1),
            "other": rng.random(120),
            "part": np.where(np.arange(120) % 4 == 0, "test", "train"),
        }
    )
    file = tmp_path / "rows.tsv"
    table.to_csv(file, sep="\t", index=False)
    tiny["data"] = {
        "name": "table",
        "path": str(file),
        "seq_col": "sequence",
        "target_cols": ["y", "other"],
        "split": {
            "name": "column",
            "column": "part",
            "mapping": {"train": "train", "test": "test"},
            "carve": {"from": "train", "to": "val", "fraction": 0.2},
        },
        "targets": [{"name": "clamp"}, {"name": "zscore"}],
        "max_jitter": 2,
    }
    tiny["module"] = {"name": "sequence", "task": "regression"}
    tiny["baselines"] = [{"name": "kmer_ridge", "k": 2}]
    tiny["evaluate"] |= {"reverse_complement": True, "shifts": 1}
    folder = run(tiny, run_dir=tmp_path / "run")
    described = folder.read_json("data.json")
    assert described["input_len"] == 56
    assert described["target_names"] == ["y", "other"]
    evaluation = folder.read_json("evaluation.json")
    assert set(evaluation["metrics"]) >= {"r2", "pearson_r2", "spearman"}
    assert len(evaluation["metrics"]["r2"]["per_target"]) == 2
    import eugene

    module = eugene.load(folder.path)
    inner = letters.astype("S1")[:, 2:58]
    predicted = module.predict(inner[:3])
    averaged = module.predict(inner, reverse_complement=True, shifts=1)
    stored = sd.open_zarr(folder.predictions)["prediction"].values
    np.testing.assert_allclose(stored, averaged, rtol=1e-4, atol=1e-5)
    assert not np.allclose(stored[:3], predicted, atol=1e-4)
    assert "averaged over both strands and shifts of up to 1 bp" in folder.report.read_text()
    found = evaluation["calibration"]
    assert found["level"] == 0.9
    assert len(found["width"]) == len(found["coverage"]) == 2
    assert "Conformal intervals" in folder.report.read_text()
    restored = module.inverse_targets(predicted)
    assert restored.shape == (3, 2)
    assert 65 < restored[0, 0] < 85
    tiny["data"]["target_cols"] = ["yy"]
    with pytest.raises(Exception, match=r"no column 'yy'.*did you mean 'y'"):
        run(tiny, run_dir=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_steps_follow_from_the_configuration(tiny):
    from eugene.config import load_run_config

    tiny["interpret"] = {"evolve": {}, "attribute": {}}
    assert wanted_steps(load_run_config(tiny)) == ["test", "attribute", "evolve", "report"]


def test_rows_without_a_measured_target_are_not_counted(tiny, tmp_path):
    rng = np.random.default_rng(0)
    letters = ["".join(row) for row in rng.choice(list("ACGT"), (60, 50))]
    values = [("" if i % 3 == 0 else f"{rng.normal():.3f}") for i in range(60)]
    split = ["train", "val", "test"]
    lines = [
        f"{s},{y},{split[i // 20]}" for i, (s, y) in enumerate(zip(letters, values, strict=True))
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["sequence,y,set", *lines]) + "\n")
    tiny["data"] = {
        "name": "table",
        "path": str(tmp_path / "rows.csv"),
        "seq_col": "sequence",
        "target_cols": ["y"],
        "split": {"name": "column", "column": "set"},
        "targets": ["zscore"],
    }
    tiny |= {"module": {"task": "regression"}, "model": "deepbind", "baselines": ["kmer_ridge"]}
    folder = run(tiny, run_dir=tmp_path / "run")
    evaluation = folder.read_json("evaluation.json")
    assert evaluation["n"] == sum(value != "" for value in values[40:])
    assert evaluation["metrics"]["r2"]["value"] is not None
