"""A training killed in the middle of an epoch and taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from eugene.cli import main
from eugene.runs import RunFolder

EPOCHS = 3
# the program itself, which SIGKILL ends in a batch of the second epoch
KILLED = """
import os, signal, sys

import pytest
from eugene.cli import main
from eugene.modules import SequenceModule
step = SequenceModule.training_step
def killed(self, batch, batch_idx):
    if self.current_epoch == 1 and batch_idx == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, batch_idx)
SequenceModule.training_step = killed
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_as_left_alone(tmp_path, tiny_file, capsys):
    words = ["fit", "--quiet", "--config", str(tiny_file), "--trainer.max_epochs", str(EPOCHS)]
    words += ["--data.batch_size", "16", "--trainer.patience", "null", "--run_dir"]
    # the same number of threads gives the same bits
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONWARNINGS": "ignore"}
    killed = RunFolder(tmp_path / "killed")
    command = [sys.executable, "-c", KILLED, *words, str(killed.path)]
    process = subprocess.run(command, env={**os.environ, **threads}, check=False)
    assert process.returncode == -signal.SIGKILL
    assert killed.last.is_file()
    assert killed.status("fit") == "running"
    assert not killed.weights.exists()
    assert len(pd.read_csv(killed.metrics)) == 1

    refused = main([*words, str(killed.path)])
    assert refused == 2
    assert "an unfinished run" in capsys.readouterr().err

    assert main([*words, str(killed.path), "--resume"]) == 0
    assert main([*words, str(tmp_path / "whole")]) == 0
    first, second = load_file(killed.weights), load_file(tmp_path / "whole" / "model.safetensors")
    assert all((first[name] == second[name]).all() for name in first)
    assert len(pd.read_csv(killed.metrics)) == EPOCHS
    assert killed.status("fit") == "done"
