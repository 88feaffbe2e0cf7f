"""One process at a time in a run folder, whatever it does there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safetensors.numpy import load_file

from eugene._holding import LOCK, follows, holding
from eugene.cli import main
from eugene.errors import RunExistsError
from eugene.runs import RunFolder

REPO = Path(__file__).resolve().parents[3]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != LOCK
    }


def elsewhere(work: Any) -> None:
    """Do something in another thread, which holds what it holds for itself."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "--config", "{file}", "--run_dir", "{folder}", "--resume"],
        ["fit", "--config", "{file}", "--run_dir", "{folder}", "--overwrite"],
        ["fit", "--config", "{file}", "--run_dir", "{folder}"],
        ["run", "{file}", "--run_dir", "{folder}", "--resume"],
        ["run", "{file}", "--run_dir", "{folder}", "--overwrite"],
        ["test", "{folder}"],
        ["predict", "{folder}"],
        ["attribute", "{folder}"],
        ["motifs", "{folder}"],
        ["evolve", "{folder}"],
        ["report", "{folder}"],
    ],
    ids=" ".join,
)
def test_every_verb_keeps_away_from_a_folder_where_another_is_at_work(
    trained: Path, tiny_file: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    before, codes = contents(trained), []
    said = [word.format(file=tiny_file, folder=trained) for word in words]
    with holding(trained):
        elsewhere(lambda: codes.append(main([*said, "--quiet"])))
    assert codes == [2]
    error = capsys.readouterr().err
    assert f"is being worked on by process {os.getpid()} on " in error
    assert "Nothing was touched" in error
    assert contents(trained) == before
    assert not (trained / LOCK).exists()


def test_one_who_died_holds_nothing(trained: Path) -> None:
    code = (
        "import os, signal, sys\nfrom eugene._holding import holding\n"
        "with holding(sys.argv[1]):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    subprocess.run([sys.executable, "-c", code, str(trained)], env=environment, check=False)
    assert json.loads((trained / LOCK).read_text())["process"] != os.getpid()
    assert main(["evolve", str(trained), "--quiet"]) == 0
    assert not (trained / LOCK).exists()


def test_the_one_who_holds_a_folder_may_hold_it_again(tmp_path: Path) -> None:
    refused: list[str] = []

    def other() -> None:
        try:
            with holding(tmp_path / "link"):
                pass
        except RunExistsError as error:
            refused.append(str(error))

    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with holding(tmp_path / "run"):
        with holding(tmp_path / "run"), holding(tmp_path / "new"):
            (tmp_path / "new" / "kept").write_text("x")
        assert not (tmp_path / "new" / LOCK).exists()
        elsewhere(other)
        with holding(tmp_path / "nothing"):
            pass
    assert len(refused) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "new", "run"]
    elsewhere(other)
    assert len(refused) == 1


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"])
def test_who_follows(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not follows(devices=2, strategy="ddp")
    monkeypatch.setenv(name, "1")
    assert follows(devices=2, strategy="ddp")
    assert follows(devices=1, strategy="ddp")
    # a process of a job array that trains alone follows nobody
    assert not follows(devices=1, strategy="auto")
    monkeypatch.setenv(name, "0")
    assert not follows(devices=2)


@pytest.mark.slow
def test_two_processes_share_the_folder_of_one_run(tmp_path: Path, tiny_file: Path) -> None:
    """The second process of a training finds the folder, follows, and leaves the rest alone."""
    words = ["run", str(tiny_file), "--trainer.devices", "2", "--trainer.strategy", "ddp"]
    words += ["--interpret.control.max_epochs", "1", "--run_dir", str(tmp_path / "run")]
    words += ["--replicates.seeds", "[3, 4]"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPO)}
    environment = {k: v for k, v in environment.items() if not k.startswith("PYTEST")}
    command = [str(Path(sys.executable).with_name("eugene")), *words]
    for more in ([], ["--resume", "--trainer.max_epochs", "2"]):
        done = subprocess.run(
            [*command, *more], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.count("run:    ") == 1
    for seed in (3, 4):
        folder = RunFolder(tmp_path / "run" / "default" / f"seed_{seed}")
        assert folder.state()["status"] == "done"
        assert pd.read_csv(folder.metrics)["epoch"].tolist() == [0, 1]
        assert load_file(folder.weights)
    assert not list((tmp_path / "run").rglob(LOCK))
