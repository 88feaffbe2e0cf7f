"""What was decided in training is read back: rows, transforms, settings, places of files."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import eugene
import seqdata as sd
from eugene._evaluation import OTHER, of_other_data
from eugene._step import steps
from eugene.cli import main as program
from eugene.config import load_run_config, parse_file
from eugene.data import SequenceDataModule
from eugene.errors import EugeneError, EugeneWarning
from eugene.runs import STEPS, RunFolder, run
from eugene.runs._pipeline import settings_of

N, LENGTH = 90, 30


def write(path: Path, seed: int = 0, scale: float = 1.0, shift: float = 0.0) -> list[str]:
    """Write a table of sequences and a target; the sequences follow from the seed."""
    letters = np.random.default_rng(seed).choice(list("ACGT"), (N, LENGTH))
    sequences = ["".join(row) for row in letters]
    y = (letters == "G").mean(1) * 2 * scale + shift
    pd.DataFrame({"sequence": sequences, "y": y}).to_csv(path, sep="\t", index=False)
    return sequences


TREE: dict[str, Any] = {
    "data": {
        "name": "table",
        "path": "own.tsv",
        "seq_col": "sequence",
        "target_cols": ["y"],
        "split": "random",
        "targets": ["log", "zscore"],
        "batch_size": 16,
    },
    "model": {"name": "deepbind"},
    "module": {"task": "regression"},
    "trainer": {"max_epochs": 1, "accelerator": "cpu"},
    "evaluate": {"n_bootstrap": 0},
    "interpret": {
        "attribute": {"methods": ["saliency"], "top": 5},
        "evolve": {"rounds": 1, "n": 2},
    },
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a configuration, its table, and the run made of them."""
    place = tmp_path_factory.mktemp("home")
    write(place / "own.tsv")
    (place / "run.yaml").write_text(yaml.safe_dump(TREE))
    run(place / "run.yaml", run_dir=place / "run")
    return place


@pytest.fixture
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, and stand somewhere else."""
    copy = Path(shutil.copytree(home, tmp_path / "copy"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return copy


def main(words: list[str]) -> int:
    """Run the program, which shows warnings and goes on."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        return program(words)


def tree_of(folder: Path, *but: str) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not str(p.relative_to(folder)).startswith(but)
    }


def test_each_step_is_declared_once() -> None:
    assert {"seqlets", "modisco"} < set(STEPS)
    assert list(STEPS) == list(steps())
    assert [name for name, step in steps().items() if step.when == "train"] == ["data", "fit"]
    config = load_run_config(
        {
            "data": {"name": "simulated", "target_vars": ["label"]},
            **{"model": "cnn", "interpret": {n: {} for n in ("attribute", "filters")}},
        }
    )
    assert settings_of(config, "attribute")["interpret.attribute"]["top"] == 100


@pytest.mark.parametrize(
    "words", [["test"], ["predict"], ["attribute"], ["evolve"]], ids=lambda words: words[0]
)
def test_other_data_leave_the_run_alone_and_are_read_on_its_scale(
    place: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sequences = write(place / "other.tsv", scale=50, shift=300)
    folder = RunFolder(place / "run")
    before = tree_of(folder.path, OTHER)
    said = [*words, str(folder.path), "--data.path", str(place / "other.tsv")]
    assert main(said) == 0
    assert tree_of(folder.path, OTHER) == before
    shown = capsys.readouterr()
    assert "not the data that the run" in shown.err
    (other,) = (folder / OTHER).iterdir()
    assert other.name in shown.out + shown.err
    # the same sequences have the same predictions, whatever their targets are
    module = eugene.load(folder.path)
    assert other.name.startswith("on_other_")
    if words != ["test"]:
        return
    found = sd.open_zarr(other / "predictions.zarr")
    expected = module.predict(np.array(sequences).astype(f"S{LENGTH}").view("S1").reshape(N, -1))
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5)
    # y of the other table on the scale of the run's own training rows
    own = pd.read_csv(place / "own.tsv", sep="\t")["y"].to_numpy()
    train = sd.open_zarr(folder.data_store)["split"].to_numpy() == 0
    logged = np.log(own[train] + 1)
    y = np.log(pd.read_csv(place / "other.tsv", sep="\t")["y"].to_numpy() + 1)
    scaled = (y - logged.mean()) / logged.std()
    np.testing.assert_allclose(found["target"].values[:, 0], scaled, rtol=1e-5)
    # report, compare and test say what is there on other data, and where
    line = f"Results on other data ({place / 'other.tsv'}, "
    assert main(["report", str(folder.path)]) == 0
    assert line in folder.report.read_text()
    assert f"{other.name}/evaluation.json" in folder.report.read_text()
    assert "which training never saw" in folder.report.read_text()
    capsys.readouterr()
    assert main(["compare", str(folder.path), str(folder.path)]) == 0
    assert capsys.readouterr().out.count(line) == 2
    # again, without a word about overwriting; other content of the same name has its own folder
    assert main(said) == 0
    assert f"The test results of {other.name} are of other data" in capsys.readouterr().out
    write(place / "other.tsv", seed=9)
    assert main(said) == 0
    assert len(list((folder / OTHER).iterdir())) == 2


def test_overwriting_puts_results_in_place_and_never_the_data(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place / "other.tsv", scale=50, shift=300)
    folder = RunFolder(place / "run")
    own = folder.read_json("evaluation.json")
    data = tree_of(folder.data_store)
    words = ["test", str(folder.path)]
    assert main([*words, "--data.path", str(place / "other.tsv"), "--overwrite"]) == 0
    assert "in place of the run's own results" in capsys.readouterr().err
    other = folder.read_json("evaluation.json")
    assert other["other_data"].endswith("other.tsv")
    assert other["metrics"]["mse"]["value"] > 100 * own["metrics"]["mse"]["value"]
    assert tree_of(folder.data_store) == data
    # and nobody takes them for the run's own
    line = f"The test results of run are of other data ({place / 'other.tsv'})"
    assert main(["report", str(folder.path)]) == 0
    page = folder.report.read_text()
    assert line in page
    assert "which training never saw" not in page
    assert "other data Pearson" in page
    capsys.readouterr()
    assert main(["compare", str(folder.path), "--out", str(place / "c.csv")]) == 0
    assert line in capsys.readouterr().out
    assert pd.read_csv(place / "c.csv")["other_data"].tolist() == [str(place / "other.tsv")]
    # the run's own are there again for the asking, also where the table is gone
    (place / "own.tsv").unlink()
    assert main(words) == 0
    assert folder.read_json("evaluation.json") == own
    assert of_other_data(folder.path) == []


def test_a_table_that_changed_is_told_and_the_rows_stay(place: Path) -> None:
    folder = RunFolder(place / "run")
    before = folder.read_json("evaluation.json")["metrics"]
    moved = (home_table := folder.state()["sources"]) and Path(next(iter(home_table)))
    text = moved.read_text()
    try:
        write(moved, seed=3)
        with pytest.warns(EugeneWarning, match=r"own\.tsv: not what it was when the run"):
            run(folder.config, run_dir=folder.path, resume=True)
        assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 0
        assert folder.read_json("evaluation.json")["metrics"] == before
        shutil.rmtree(folder.data_store)
        assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 2
    finally:
        moved.write_text(text)
    assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 0
    assert folder.read_json("evaluation.json")["metrics"] == before


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"interpret": {**TREE["interpret"], "evolve": {"rounds": 2, "n": 3}}}, "evolve"),
        ({"interpret": {**TREE["interpret"], "attribute": {"methods": ["saliency"], "top": 3}}},
         "attribute"),
        ({"evaluate": {"n_bootstrap": 7}}, "test"),
        ({"baselines": [{"name": "kmer_ridge", "k": 2}]}, "test"),
        ({}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded", [True, False])
def test_changed_settings_are_applied_to_their_steps(
    place: Path, caplog: pytest.LogCaptureFixture, changed: Any, again: str | None, recorded: bool
) -> None:
    folder = RunFolder(place / "run")
    state = folder.state()
    if not recorded:  # as runs of older versions are
        for entry in state["steps"].values():
            entry.pop("settings", None)
        (folder / "state.json").write_text(json.dumps(state))
    (place / "run.yaml").write_text(yaml.safe_dump({**TREE, **changed}))
    run(place / "run.yaml", run_dir=folder.path, resume=True)
    redone = [record.message for record in caplog.records if "is done again" in record.message]
    assert [message.split()[0] for message in redone] == ([again] if again else [])
    after = folder.state()["steps"]
    for step in ("fit", "test", "attribute", "evolve"):
        assert (after[step]["started"] == state["steps"][step]["started"]) or step == again
    written = parse_file(folder.config).tree
    asked = load_run_config(place / "run.yaml").tree
    assert {key: written[key] for key in changed} == {key: asked[key] for key in changed}
    if again == "attribute":
        assert sd.open_zarr(folder.attributions).sizes["_sequence"] == 3
    if again == "evolve":
        assert pd.read_csv(folder.interpretation / "evolution.csv")["sequence"].nunique() == 3


def test_a_run_of_an_older_version_lacks_keys_that_have_defaults(place: Path) -> None:
    folder = RunFolder(place / "run")
    tree = parse_file(folder.config).tree
    for section, key in (("data", "max_jitter"), ("trainer", "strategy"), ("module", "scheduler")):
        tree[section].pop(key)
    folder.config.write_text(yaml.safe_dump(tree))
    eugene.load(folder.path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(place / "run.yaml", run_dir=folder.path, resume=True)
    assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 0


def test_paths_mean_the_same_from_everywhere(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "known.meme").write_text("MEME version 4\n")
    tree = {**TREE, "interpret": {"filters": {"motif_db": "known.meme"}}}
    (place / "run.yaml").write_text(yaml.safe_dump(tree))
    config = load_run_config(place / "run.yaml")
    assert config.tree["data"]["path"] == str(place / "own.tsv")
    assert config.tree["interpret"]["filters"]["motif_db"] == str(place / "known.meme")
    # words of the command line are of the place where it was typed; names are names
    write(Path("own.tsv"), seed=8)
    typed = load_run_config(place / "run.yaml", overrides=[("data.path", "own.tsv")])
    assert typed.tree["data"]["path"] == str(Path.cwd() / "own.tsv")
    with pytest.warns(EugeneWarning, match=r"run\.yaml:\d+: \$\.data\.path: own\.tsv is beside"):
        both = load_run_config(
            place / "run.yaml", overrides={"interpret.filters.motif_db": "embedded"}
        )
    assert both.tree["data"]["path"] == str(place / "own.tsv")
    assert both.tree["interpret"]["filters"]["motif_db"] == "embedded"
    Path("own.tsv").unlink()
    # a file elsewhere may name what is where the program runs
    shutil.move(place / "own.tsv", "own.tsv")
    here = load_run_config(place / "run.yaml")
    assert here.tree["data"]["path"] == str(Path.cwd() / "own.tsv")
    Path("own.tsv").unlink()
    assert load_run_config(place / "run.yaml").tree["data"]["path"] == "own.tsv"


def test_rows_of_a_store_that_changed_under_a_run_are_told(place: Path) -> None:
    store = place / "rows.zarr"
    letters = np.random.default_rng(2).choice(np.frombuffer(b"ACGT", "S1"), (N, LENGTH))
    import xarray as xr

    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"G").mean(1))
    ds["noise"] = ("_sequence", np.arange(N))
    sd.to_zarr(ds, store)
    tree = {**TREE, "interpret": None}
    tree["data"] = {"name": "zarr", "path": str(store), "target_vars": ["y"], "split": "random"}
    folder = run(tree, run_dir=place / "opened")
    # a variable that the run does not read may change
    sd.to_zarr(ds.assign(noise=ds["noise"] + 1), store, overwrite=True)
    assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 0
    sd.to_zarr(ds.assign(y=ds["y"] * 3), store, overwrite=True)
    assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 2
    with pytest.raises(EugeneError, match="are not those that the run"):
        run({**tree, "evaluate": {"n_bootstrap": 3}}, run_dir=folder.path, resume=True)
    with pytest.raises(EugeneError, match="rows_sha256"):
        run({**tree, "trainer": {"max_epochs": 2}}, run_dir=folder.path, resume=True)


def test_replicates_are_tested_on_the_rows_above_them(place: Path) -> None:
    tree = {**TREE, "interpret": None, "replicates": {"seeds": [1, 2]}}
    (place / "run.yaml").write_text(yaml.safe_dump(tree))
    run(place / "run.yaml", run_dir=place / "many")
    (place / "own.tsv").unlink()
    for seed in (1, 2):
        folder = RunFolder(place / "many" / "default" / f"seed_{seed}")
        before = folder.read_json("evaluation.json")
        assert main(["test", str(folder.path), "--overwrite", "--quiet"]) == 0
        assert folder.read_json("evaluation.json") == before
        assert not folder.data_store.exists()


def test_a_data_module_beside_a_loaded_network_is_on_its_scale(place: Path) -> None:
    module = eugene.load(place / "run")
    letters = np.random.default_rng(5).choice(np.frombuffer(b"ACGT", "S1"), (N, LENGTH))
    y = np.random.default_rng(6).uniform(50, 90, N)
    import xarray as xr

    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters), "y": ("_sequence", y)})
    data = SequenceDataModule(ds, target_vars="y", split="random", targets=module.run.transforms)
    assert json.loads(json.dumps(data.facts()["transforms"])) == module.run.transforms
    np.testing.assert_allclose(module.inverse_targets(data.ds[["y"]].to_array().T)[:, 0], y)
    table = eugene.evaluate.predictions(module, data)
    np.testing.assert_allclose(table["y_target"], data.ds["y"], rtol=1e-6)
    anew = SequenceDataModule(ds, target_vars="y", split="random", targets=["log", "zscore"])
    with pytest.raises(EugeneError, match=r"not on the scale .*targets=module\.run\.transforms"):
        eugene.evaluate.predictions(module, anew)
    with pytest.raises(ValueError, match=r"no fitted transforms of \['z'\]"):
        SequenceDataModule(
            ds.rename(y="z"), target_vars="z", split="random", targets=module.run.transforms
        )
