"""Searches that Ray runs: one small one always, what takes longer with ``-m slow``."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

import eugene as eu
from eugene._folder import RunFolder
from eugene.cli import main
from eugene.config import dump_yaml, load_run_config
from eugene.errors import EugeneError
from eugene.runs._pipeline import train
from eugene.tune import _cluster
from eugene.tune._records import records

pytestmark = pytest.mark.ray
pytest.importorskip("ray", reason="needs the extra 'tune'")
# what torch and Lightning set when they are loaded
LOADED = ("KMP", "PYTORCH", "TORCH", "TF_", "LIGHTNING", "PYTEST")


def test_a_search_of_two_trials_is_two_runs_and_the_better_one_runs_again(
    tmp_path: Path, small, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a folder of its own, with a short name: others may search on this machine
    short = Path(tempfile.mkdtemp(prefix="eu-t-", dir="/tmp"))
    monkeypatch.setattr(_cluster, "_SHORT", short)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(LOADED)}
    draws = (random.getstate(), np.random.get_state()[1].tolist())
    found = eu.tune.run(small(), run_dir=tmp_path / "search")
    assert {k: v for k, v in os.environ.items() if not k.startswith(LOADED)} == environment
    assert (random.getstate(), np.random.get_state()[1].tolist()) == draws
    short.rmdir()  # nothing is left in it
    table = eu.tune.trials(found.path)
    assert table["status"].tolist() == ["done", "done"]
    assert table["epochs"].tolist() == [2, 2]
    assert table["val_loss"].is_monotonic_increasing
    trials = [RunFolder.open(found / "trials" / trial) for trial in table["trial"]]
    described = [trial.read_json("data.json") for trial in trials]
    assert described[0]["rows_sha256"] == described[1]["rows_sha256"]
    assert not any((trial / "data.zarr").exists() for trial in trials)
    for trial, value in zip(trials, table["val_loss"], strict=True):
        training = trial.state()["training"]
        assert training["best_score"] == pytest.approx(value, rel=1e-12)
        assert trial.best.is_file() and trial.weights.is_file()
        assert not (trial / "evaluation.json").exists()
    assert eu.load(trials[0].path).predict(["ACGTA" * 10]).shape == (1, 1)
    again = RunFolder(tmp_path / "again")
    assert main(["fit", str(found / "best.yaml"), "--run_dir", str(again.path), "--quiet"]) == 0
    same = again.table("metrics.csv")["val_loss"].tolist()
    assert same == trials[0].table("metrics.csv")["val_loss"].tolist()


def history(folder: RunFolder, trial: str) -> list[float]:
    return RunFolder(folder / "trials" / trial).table("metrics.csv")["val_loss"].tolist()


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on_where_it_was(tmp_path: Path, small, repo_root) -> None:
    file = tmp_path / "search.yaml"
    file.write_text(dump_yaml(small(epochs=8, num_samples=3)))
    killed = RunFolder(tmp_path / "killed")
    script = Path(__file__).with_name("killed_search.py")
    words = [sys.executable, str(script), str(killed.path), str(file), "0002"]
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    done = subprocess.run(words, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    before = {record["trial"]: record["status"] for record in records(killed.path)}
    assert before["0001"] == "done"
    assert before["0002"] == "running"
    epochs = len(history(killed, "0002"))
    assert 1 <= epochs < 8
    kept = (killed / "trials" / "0001" / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    left = killed.state()["ray"]
    assert Path(left).is_dir()
    eu.tune.run(file, run_dir=killed.path, resume=True)
    assert not Path(left).exists()
    assert (killed / "trials" / "0001" / "checkpoints" / "last.ckpt").stat().st_mtime_ns == kept
    assert [record["status"] for record in records(killed.path)] == ["done"] * 3
    assert eu.tune.trials(killed.path)["epochs"].tolist() == [8] * 3
    config = load_run_config(killed.config, searched=True)
    values = list(records(killed.path))[1]["values"]
    train(config.candidate(values), tmp_path / "alone")
    alone = RunFolder(tmp_path / "alone").table("metrics.csv")["val_loss"].tolist()
    assert history(killed, "0002") == alone
    # nothing is left to be done
    table = eu.tune.trials(killed.path)
    assert eu.tune.trials(eu.tune.run(file, run_dir=killed.path, resume=True).path).equals(table)


@pytest.mark.slow
def test_a_population_hands_on_weights_with_other_values(tmp_path: Path, small) -> None:
    tree = small(
        epochs=5, scheduler="pbt", num_samples=4, max_concurrent=None, perturbation_interval=1
    )
    tree["module"]["optimizer_lr"] = {"search": "choice", "values": [1e-7, 0.01, 0.02, 0.05]}
    found = eu.tune.run(tree, run_dir=tmp_path / "pbt")
    lineages = [record["lineage"] for record in records(found.path)]
    assert any(len(lineage) > 1 for lineage in lineages)
    table = eu.tune.trials(found.path)
    assert table["epochs"].tolist() == [5] * 4
    for record in records(found.path):
        trial = RunFolder(found / "trials" / record["trial"])
        rates = trial.table("metrics.csv")["lr"].tolist()
        assert rates[-1] == pytest.approx(record["values"]["module.optimizer_lr"])
        assert trial.settings("module")["optimizer_lr"] == pytest.approx(rates[-1])
        assert eu.load(trial.path) is not None
    assert not list((found / "ray").glob("*/checkpoint_*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"algorithm": "optuna", "scheduler": "asha", "num_samples": 4, "max_concurrent": 2},
        {"scheduler": "median", "num_samples": 4, "max_concurrent": 1},
        {"algorithm": "grid", "num_samples": None, "max_concurrent": 2},
    ],
    ids=["optuna and asha", "median", "grid"],
)
def test_every_way_comes_to_its_end(tmp_path: Path, small, settings) -> None:
    tree = small(epochs=4, **settings)
    values = [0.001, 0.01]
    if settings.get("algorithm") == "grid":
        tree["module"]["optimizer_lr"] = {"search": "choice", "values": values}
        tree["data"]["batch_size"] = {"search": "int", "low": 32, "high": 64, "q": 32}
    found = eu.tune.run(tree, run_dir=tmp_path / "search")
    table = eu.tune.trials(found.path)
    assert len(table) == 4
    assert set(table["status"]) <= {"done", "stopped"}
    assert table["val_loss"].notna().all()
    if settings.get("algorithm") == "grid":
        points = set(zip(table["module.optimizer_lr"], table["data.batch_size"], strict=True))
        assert points == {(lr, size) for lr in values for size in (32, 64)}


@pytest.mark.slow
def test_values_that_no_network_can_be_made_of_fail_alone(tmp_path: Path, small) -> None:
    tree = small(algorithm="grid", num_samples=None)
    tree["module"]["optimizer_lr"] = 0.01
    kernels = {"search": "grid", "values": [[9], [90]]}
    tree["model"]["conv_kwargs"]["conv_kernels"] = kernels
    found = eu.tune.run(tree, run_dir=tmp_path / "search")
    assert eu.tune.trials(found.path)["status"].tolist() == ["done", "failed"]
    failed = list(records(found.path))[1]
    assert "90" in failed["error"] or "length" in failed["error"]
    tree["model"]["conv_kwargs"]["conv_kernels"] = {"search": "grid", "values": [[90], [80]]}
    with pytest.raises(EugeneError):
        eu.tune.run(tree, run_dir=tmp_path / "none")


@pytest.mark.slow
def test_a_cluster_that_loses_a_node_finishes_the_search(tmp_path: Path, small, repo_root) -> None:
    """Two nodes on this machine, of which the second is killed in the middle."""
    ray = str(Path(sys.executable).with_name("ray"))
    environment = {
        **os.environ,
        "PYTHONPATH": str(repo_root),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    place = tempfile.mkdtemp(prefix="eu-node-", dir="/tmp")
    address = f"127.0.0.1:{free_port()}"
    common = ["--num-cpus=1", "--num-gpus=0", "--disable-usage-stats", "--block"]
    port = address.rpartition(":")[2]
    head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={place}"]
    nodes: list[subprocess.Popen[bytes]] = []
    try:
        for words in (head, [f"--address={address}"]):
            nodes.append(
                subprocess.Popen(
                    [ray, "start", *words, *common],
                    env=environment, start_new_session=True,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
            wait_for_nodes(ray, address, environment, len(nodes))
        file, search = tmp_path / "search.yaml", RunFolder(tmp_path / "search")
        file.write_text(dump_yaml(small(epochs=8, num_samples=3, max_concurrent=2)))
        words = ["tune", str(file), "--run_dir", str(search.path), "--address", address]
        running = subprocess.Popen(
            [sys.executable, "-m", "eugene", *words], env=environment, cwd=tmp_path
        )
        while len(list(search.path.glob("trials/*/checkpoints/last.ckpt"))) < 2:
            assert running.poll() is None
            time.sleep(0.1)
        os.killpg(nodes[1].pid, signal.SIGKILL)
        assert running.wait() == 0
        table = eu.tune.trials(search.path)
        assert table["status"].tolist() == ["done"] * 3
        assert table["epochs"].tolist() == [8] * 3
    finally:
        for node in reversed(nodes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGKILL)
            node.wait()
        shutil.rmtree(place, ignore_errors=True)


def wait_for_nodes(ray: str, address: str, environment: dict[str, str], count: int) -> None:
    """Wait until a cluster has so many nodes."""
    words = [ray, "status", f"--address={address}"]
    while True:
        said = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if said.stdout.count(" node_") >= count:
            return
        time.sleep(1)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
