"""A training killed in the middle of an epoch and taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pandas as pd
from safetensors.numpy import load_file

from eugene.cli import main
from eugene.runs import RunFolder

EPOCHS = 3


def test_killed_and_resumed_is_the_same_as_left_alone(tmp_path, tiny_file, capsys):
    words = ["--config", str(tiny_file), "--trainer.max_epochs", str(EPOCHS), "--data.n", "2000"]
    words += ["--data.batch_size", "16", "--trainer.patience", "null"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "eugene", "fit", "--quiet", *words, "--run_dir"]
    killed = RunFolder(tmp_path / "killed")
    process = subprocess.Popen([*command, str(killed.path)], env=environment)
    deadline = time.monotonic() + 240
    while not killed.last.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None, "the training was over before it could be killed"
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert killed.status("fit") == "running"
    assert not killed.weights.exists()
    assert len(pd.read_csv(killed.metrics)) < EPOCHS

    refused = main(["fit", *words, "--run_dir", str(killed.path)])
    assert refused == 2
    assert "an unfinished run" in capsys.readouterr().err

    for arguments in (
        [*command, str(killed.path), "--resume"],
        [*command, str(tmp_path / "whole")],
    ):
        subprocess.run(arguments, env=environment, check=True, capture_output=True)
    first, second = load_file(killed.weights), load_file(tmp_path / "whole" / "model.safetensors")
    assert all((first[name] == second[name]).all() for name in first)
    assert len(pd.read_csv(killed.metrics)) == EPOCHS
    assert killed.status("fit") == "done"
