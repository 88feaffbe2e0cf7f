"""Grids of runs: what is written, done, gone on with, refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from toy_grid import CONV, FLAT, SECTIONS, small_grid

import seqdata as sd
from eugene.cli import main
from eugene.config import load_run_config, load_selection
from eugene.errors import ConfigError, EugeneError, MissingFileError, RunExistsError
from eugene.runs import RunFolder, run
from eugene.select import Grid, grid, open_grid
from eugene.select._grid import write_grid
from eugene.simulate.grammar import from_definition


def weights(folder: Path) -> dict[str, str]:
    """Return a hash of the weights of every run below a folder."""
    return {
        str(p.parent.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.glob("*/*/model.safetensors")
    }


def touched(folder: Path) -> dict[str, int]:
    """Return when each file of weights was written."""
    return {str(p): p.stat().st_mtime_ns for p in folder.glob("*/*/model.safetensors")}


def test_every_run_is_a_plain_run_on_rows_that_it_shares(done: Grid) -> None:
    assert [run.path for run in done.runs] == [
        f"toy-100-s{seed}/{model}-s{seed}" for seed in (1, 2) for model in ("conv", "flat")
    ]
    assert [word for _, word in done.status()] == ["done"] * 4
    assert done.failed == {}
    for planned in done.runs:
        folder = RunFolder.open(done.path(planned))
        assert not folder.data_store.exists()
        assert folder.state()["store"] == ".."
        tree = load_run_config(done.folder / f"{planned.path}.yaml").tree
        assert tree["data"]["n"] == 100
        assert tree["data"]["data_seed"] == planned.data_seed
        assert tree["seed"] == planned.model_seed
        assert tree["module"]["task"] == "multiclass_classification"
    with sd.open_zarr(done.folder / "toy-100-s1/data.zarr") as ds:
        counts = np.bincount(ds["split"].values, minlength=3)
        assert counts.tolist() == [70, 10, 20]
        alone = from_definition(done.folder / "definitions/toy.yaml").resized(100).generate(seed=1)
        np.testing.assert_array_equal(ds["seq"].values, alone["seq"].values)


@pytest.mark.slow
def test_one_of_its_files_alone_gives_the_same_network(done: Grid, tmp_path: Path) -> None:
    planned = done.runs[0]
    alone = run(done.folder / f"{planned.path}.yaml", run_dir=tmp_path / "alone")
    assert alone.weights.read_bytes() == RunFolder(done.path(planned)).weights.read_bytes()


def test_a_finished_run_is_not_done_again(definition: Path, done: Grid) -> None:
    before = touched(done.folder)
    again = small_grid(definition, done.folder)
    assert touched(done.folder) == before
    assert len(before) == 4
    # another step is done on the networks that are there
    sections = {**SECTIONS, "evaluate": {"n_bootstrap": 5, "calibrate": False}}
    more = small_grid(definition, done.folder, sections=sections)
    assert touched(done.folder) == before
    assert all(RunFolder(more.path(r)).read_json("evaluation.json")["metrics"]["auroc"]["low"]
               is not None for r in more.runs)  # fmt: skip
    assert all(again.finished(r) is False for r in again.runs)
    # and the others are put back
    small_grid(definition, done.folder)


def test_a_half_written_run_is_done_and_a_changed_one_refused(
    definition: Path, done: Grid, tmp_path: Path
) -> None:
    place = tmp_path / "moved"
    shutil.copytree(done.folder, place)
    half = place / "toy-100-s1" / "conv-s1"
    for path in half.iterdir():
        if path.name not in ("state.json", "config.yaml", "data.json", "versions.json"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    state = json.loads((half / "state.json").read_text())
    (half / "state.json").write_text(
        json.dumps({**state, "status": "running", "steps": {"fit": {"status": "running"}}})
    )
    shutil.rmtree(place / "toy-100-s2" / "data.zarr")
    shutil.rmtree(place / "toy-100-s2" / "flat-s2")
    kept = touched(place)
    moved = open_grid(place)
    words = {run.path: word for run, word in moved.status()}
    assert {p: w for p, w in words.items() if w != "done"} == {
        "toy-100-s1/conv-s1": "begun",
        "toy-100-s2/flat-s2": "waiting",
    }
    moved.run()
    assert moved.failed == {}
    assert weights(place) == weights(done.folder)
    assert {k: v for k, v in touched(place).items() if k in kept} == kept
    before = weights(done.folder)
    with pytest.raises(RunExistsError, match="optimizer_lr"):
        changed = {**SECTIONS, "module": {"optimizer_lr": 0.02}}
        small_grid(definition, done.folder, sections=changed, execute=False)
    assert weights(done.folder) == before


def test_what_fails_is_told_and_the_rest_goes_on(definition: Path, tmp_path: Path) -> None:
    broken = {"model": {**CONV["model"], "pool": "nothing"}}
    found = grid(
        definition,
        {"broken": broken, "flat": FLAT},
        folder=tmp_path / "grid",
        sizes=[100],
        data_seeds=[1],
        model_seeds=[1],
        sections=SECTIONS,
    )
    assert [word for _, word in found.status()] == ["failed", "done"]
    assert list(found.failed) == ["toy-100-s1/broken-s1"]
    assert "nothing" in found.failed["toy-100-s1/broken-s1"]
    assert main(["select", "run", str(found.folder)]) == 1
    comparison = found.compare()
    assert list(comparison.missing) == ["toy-100-s1/broken-s1"]
    assert "nothing" in comparison.page.read_text()


def test_seeds_are_zipped_or_crossed(definition: Path, tmp_path: Path) -> None:
    options = {"data_seeds": [1, 2, 3], "model_seeds": [4, 5, 6], "execute": False}
    pairs = [
        {
            (r.data_seed, r.model_seed)
            for r in small_grid(definition, tmp_path / str(i), seed_grid=crossed, **options).runs
        }
        for i, crossed in enumerate((False, True))
    ]
    assert pairs[0] == {(1, 4), (2, 5), (3, 6)}
    assert pairs[1] == {(a, b) for a in (1, 2, 3) for b in (4, 5, 6)}
    with pytest.raises(ConfigError, match="3 model seeds for 2 data seeds"):
        small_grid(definition, tmp_path / "z", **{**options, "data_seeds": [1, 2]})
    assert not (tmp_path / "z").exists()


@pytest.mark.slow
def test_shares_of_other_data_are_nested(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("ACGT"), 20)) for _ in range(60)]
    lines = [f"{row}\t{i % 2}" for i, row in enumerate(rows)]
    (tmp_path / "x.tsv").write_text("seq\ty\n" + "\n".join(lines) + "\n")
    found = grid(
        models={"flat": FLAT},
        folder=tmp_path / "grid",
        rates=[0.25, 1.0],
        data_seeds=[1],
        model_seeds=[7],
        sections={
            **SECTIONS,
            "data": {
                "name": "table",
                "path": str(tmp_path / "x.tsv"),
                "seq_col": "seq",
                "target_cols": ["y"],
                "target_vars": ["y"],
                "split": {"name": "random", "fractions": [0.6, 0.2, 0.2]},
            },
            "module": {"task": "binary_classification"},
            "trainer": {**SECTIONS["trainer"], "max_epochs": 1},
            "interpret": None,
        },
    )
    assert found.failed == {}
    splits = []
    for planned in found.runs:
        with sd.open_zarr(RunFolder(found.path(planned)).predictions) as ds:
            splits.append(ds["split"].values)
    few, all_ = splits
    assert (np.flatnonzero(few == 0).size, np.flatnonzero(all_ == 0).size) == (9, 36)
    assert set(np.flatnonzero(few == 0)) < set(np.flatnonzero(all_ == 0))
    for code in (1, 2):
        np.testing.assert_array_equal(few == code, all_ == code)
    lines_ = found.compare().learning
    assert sorted(set(lines_["amount"])) == [0.25, 1.0]


def test_a_file_with_every_mistake(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "definition: nowhere.xml\nsizes: [0]\nrates: [0.5]\ndata: {name: zarr, path: x}\n"
        "models: {a b: cnn, c: {modle: 1}}\ndata_seeds: [1, 1]\nmodel_seeds: [1]\n"
    )
    with pytest.raises(ConfigError) as error:
        load_selection(path)
    said = str(error.value)
    for line, word in ((2, "$.sizes[0]"), (3, "$.rates"), (4, "$.data.name"), (5, "$.models.a b"),
                       (5, "$.models.c"), (6, "there is twice")):  # fmt: skip
        if word != "there is twice":
            assert f"bad.yaml:{line}: {word}" in said
    assert "is there twice" in said
    path.write_text("definition: nowhere.xml\nsizes: [10]\nmodels: [cnn, no_such]\n")
    with pytest.raises((ConfigError, MissingFileError), match="nowhere"):
        write_grid(load_selection(path, overrides={"run_dir": str(tmp_path / "g")}))
    assert not (tmp_path / "g").exists()
    with pytest.raises(MissingFileError, match="no folder of a selection"):
        open_grid(tmp_path)


def test_too_few_rows_are_refused(definition: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected 20 rows or more"):
        small_grid(definition, tmp_path / "grid", sizes=[10], execute=False)
    with pytest.raises(EugeneError, match="expected 1 or more"):
        small_grid(definition, tmp_path / "grid2", execute=False).run(at_once=0)


@pytest.mark.slow
def test_a_killed_grid_goes_on_to_the_same_networks(
    definition: Path, done: Grid, tmp_path: Path
) -> None:
    place = tmp_path / "killed"
    written = small_grid(definition, place, execute=False)
    code = f"from eugene.select import open_grid; open_grid({str(place)!r}).run()"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        while not RunFolder(written.path(written.runs[1])).is_run():
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    words = [word for _, word in written.status()]
    assert words[0] == "done"
    assert words[1] in ("begun", "waiting", "done")
    assert words[2:] == ["waiting", "waiting"]
    kept = touched(place)
    assert main(["select", "run", str(place)]) == 0
    assert {k: v for k, v in touched(place).items() if k in kept} == kept
    assert weights(place) == weights(done.folder)


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"at_once": 2}, {"address": "local"}])
def test_in_processes_and_on_ray_the_networks_are_the_same(
    definition: Path, done: Grid, tmp_path: Path, how: dict[str, object]
) -> None:
    if "address" in how:
        pytest.importorskip("ray")
    found = small_grid(definition, tmp_path / "grid", execute=False)
    found.run(**how)  # type: ignore[arg-type]
    assert found.failed == {}
    assert weights(found.folder) == weights(done.folder)
