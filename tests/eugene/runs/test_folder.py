"""Run folders: steps, atomic files, and what may be overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eugene.errors import MissingFileError, NotARunError, RunExistsError
from eugene.runs import RunFolder, write_atomic


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run")


def test_steps_are_recorded_with_seconds_and_status(folder):
    with folder.step("fit"):
        assert folder.status("fit") == "running"
        assert folder.state()["status"] == "running"
    state = folder.state()
    assert state["status"] == "done"
    assert state["steps"]["fit"]["status"] == "done"
    assert state["steps"]["fit"]["seconds"] >= 0
    with pytest.raises(ValueError, match="no"), folder.step("test"):
        raise ValueError("no")
    assert folder.state()["status"] == "failed"
    assert folder.state()["steps"]["test"]["error"] == "ValueError: no"
    assert folder.status("attribute") is None
    folder.forget("test")
    assert folder.status("test") is None
    assert folder.status("fit") == "done"


def test_json_takes_numpy_and_what_json_lacks(folder):
    folder.write_json(
        "x.json", {1: np.float32(0.5), "nan": float("nan"), "a": np.arange(2), "p": folder.path}
    )
    found = folder.read_json("x.json")
    assert found == {"1": 0.5, "nan": None, "a": [0, 1], "p": str(folder.path)}
    with pytest.raises(MissingFileError, match="step that writes it has not been run"):
        folder.read_json("none.json")
    (folder.path / "bad.json").write_text("{")
    with pytest.raises(NotARunError, match=r"bad\.json is not readable as JSON"):
        folder.read_json("bad.json")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomic(path, "old")
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(OSError, match="full"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_existing_run_needs_overwrite_or_resume(folder):
    with folder.step("fit"):
        folder.write_json("data.json", {"n": 1})
    with pytest.raises(RunExistsError, match="holds a finished run; nothing was touched"):
        RunFolder.create(folder.path)
    assert RunFolder.create(folder.path, resume=True).status("fit") == "done"
    (folder.path / "notes.txt").write_text("mine")
    fresh = RunFolder.create(folder.path, overwrite=True)
    assert fresh.status("fit") is None
    assert not fresh.data.exists()
    assert (fresh.path / "notes.txt").read_text() == "mine"


def test_an_unfinished_run_says_so(folder):
    with pytest.raises(RunExistsError, match="an unfinished run"):
        RunFolder.create(folder.path)


def test_a_finished_search_is_finished(folder):
    with folder.step("tune"):
        pass
    with pytest.raises(RunExistsError, match="holds a finished run"):
        RunFolder.create(folder.path)


def test_foreign_folders_are_never_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(NotARunError, match="is not a run folder; nothing was touched"):
            RunFolder.create(tmp_path, **options)
    with pytest.raises(NotARunError, match=r"thesis\.tex is a file"):
        RunFolder.create(tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_open_says_what_is_wrong(tmp_path):
    with pytest.raises(MissingFileError, match="does not exist; make it with 'eugene fit'"):
        RunFolder.open(tmp_path / "nothing")
    with pytest.raises(NotARunError, match=r"no state\.json written by eugene"):
        RunFolder.open(tmp_path)
    (tmp_path / "state.json").write_text(json.dumps({"kind": "other"}))
    with pytest.raises(NotARunError, match=r"no state\.json written by eugene"):
        RunFolder.open(tmp_path)


def test_set_aside_and_take_back(folder):
    folder.write_json("data.json", {"n": 1})
    child = RunFolder.create(folder.path / "arm" / "seed_0")
    (folder.path / "notes.txt").write_text("mine")
    aside = folder.set_aside()
    assert [p.name for p in folder.path.iterdir()] == ["notes.txt"]
    folder.take_back(aside)
    assert folder.read_json("data.json") == {"n": 1}
    assert child.is_run()
    assert not aside.exists()
    folder.clear()
    folder.discard()
    assert [p.name for p in folder.path.iterdir()] == ["notes.txt"]


KILLED = """
import os, signal, sys
from eugene.runs import RunFolder
RunFolder(sys.argv[1]).set_aside()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_set_aside_is_removed(folder):
    folder.write_json("data.json", {"n": 1})
    beside = folder.path.parent
    (beside / f".{folder.path.name}.old").mkdir()
    subprocess.run([sys.executable, "-c", KILLED, folder.path], check=False)
    (left,) = (p for p in beside.iterdir() if "replaced" in p.name)
    assert (left / "data.json").is_file()
    RunFolder.create(folder.path)
    mine = folder.set_aside()
    folder.remove_stale()
    assert not left.exists()
    assert mine.exists()
    assert (beside / f".{folder.path.name}.old").exists()


def test_settings_are_those_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.settings("model") == {}
    folder.write_text("config.yaml", "model: {name: cnn, shape: {width: 4}}\n")
    found = folder.settings("model")
    assert found == {"name": "cnn", "shape": {"width": 4}}
    found["shape"]["width"] = 5  # whoever asks may change what they got
    assert RunFolder(tmp_path).settings("model.shape") == {"width": 4}
    folder.write_text("config.yaml", "model: {name: cnn, shape: {width: 6}}\n")
    assert folder.settings("model.shape") == {"width": 6}
