"""A training that is told to end saves between two batches, and ends as one left alone."""

from __future__ import annotations

import os
import runpy
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from eugene.train import read_checkpoint

SMALL = runpy.run_path(str(Path(__file__).with_name("small_training.py")))


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Callable[[signal.Signals], None]:
    """Let the callback that kills send another signal, which can be heeded."""

    def choose(number: signal.Signals) -> None:
        def send(
            self: Any, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
        ) -> None:
            if (trainer.current_epoch, batch_idx) == (self.epoch, self.batch):
                os.kill(os.getpid(), number)

        monkeypatch.setattr(SMALL["Kill"], "on_train_batch_start", send)

    return choose


def assert_alike(one: Path, two: Path) -> None:
    tables = [
        [line.split(",")[:-1] for line in (f / "metrics.csv").read_text().splitlines()]
        for f in (one, two)
    ]
    assert tables[0] == tables[1]
    assert (one / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()
    first, second = (read_checkpoint(f / "checkpoints/last.ckpt") for f in (one, two))
    assert first["global_step"] == second["global_step"]
    assert first["lr_schedulers"] == second["lr_schedulers"]
    for key, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][key]), key
    for a, b in zip(
        first["optimizer_states"][0]["state"].values(),
        second["optimizer_states"][0]["state"].values(),
        strict=True,
    ):
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_sigterm_saves_in_the_middle_of_an_epoch(tmp_path, tell):
    """Dropout, batch norm, a schedule by steps, the mean of the loss: all go on where they were."""
    SMALL["main"](str(tmp_path / "whole"), scheduler="cosine")
    tell(signal.SIGTERM)
    listening = signal.getsignal(signal.SIGTERM)
    cut = tmp_path / "cut"
    with pytest.raises(SystemExit) as ended:
        SMALL["main"](str(cut), kill=(2, 3), scheduler="cosine")
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is listening
    ours = read_checkpoint(cut / "checkpoints/last.ckpt")["eugene"]
    assert (ours["epochs_done"], ours["batches_done"]) == (2, 4)
    # and once more, in the epoch that was taken up, and in the first batch of another
    for where, kept in (((2, 6), (2, 7)), ((3, 0), (3, 1))):
        with pytest.raises(SystemExit):
            SMALL["main"](str(cut), kill=where, resume=True, scheduler="cosine")
        ours = read_checkpoint(cut / "checkpoints/last.ckpt")["eugene"]
        assert (ours["epochs_done"], ours["batches_done"]) == kept
    assert SMALL["main"](str(cut), resume=True, scheduler="cosine").epochs == 5
    assert_alike(tmp_path / "whole", cut)


def test_what_listened_before_says_how_the_process_ends(tmp_path, tell):
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    tell(signal.SIGTERM)
    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            SMALL["main"](str(tmp_path), kill=(0, 1))
    finally:
        signal.signal(signal.SIGTERM, before)
    ours = read_checkpoint(tmp_path / "checkpoints/last.ckpt")["eugene"]
    assert (ours["epochs_done"], ours["batches_done"]) == (0, 2)


def test_a_job_of_slurm_is_put_into_the_queue_again(tmp_path, tell, monkeypatch, caplog):
    """SIGUSR1, as ``#SBATCH --signal=USR1@120`` sends it; scontrol here writes down its words."""
    program = tmp_path / "scontrol"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    program.chmod(0o755)
    for key, value in {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_NODELIST": "here",
    }.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    tell(signal.SIGUSR1)
    cut = tmp_path / "cut"
    with pytest.raises(SystemExit) as ended, caplog.at_level("INFO", "eugene.train"):
        SMALL["main"](str(cut), kill=(1, 4))
    assert ended.value.code == 128 + signal.SIGUSR1
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    assert not list(cut.rglob("hpc_ckpt*"))
    assert "saved after batch 5 of 8 in epoch 2" in caplog.text
    assert "job 4711 is in the queue again" in caplog.text
    SMALL["main"](str(cut), resume=True)
    for key in [k for k in os.environ if k.startswith("SLURM_")]:
        monkeypatch.delenv(key)
    SMALL["main"](str(tmp_path / "whole"))
    assert_alike(tmp_path / "whole", cut)
