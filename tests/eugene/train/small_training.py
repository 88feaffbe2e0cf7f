"""Small trainings, run as a script so that they can be killed."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr

import eugene as eu
from eugene.data import SequenceDataModule
from eugene.train import FitResult

SCHEDULES: dict[str, dict[str, Any]] = {
    "reduce_lr_on_plateau": {"patience": 0, "factor": 0.5, "threshold": 10.0},
    "cosine": {"warmup": 0.1},
}


class Kill(pl.Callback):
    """End the process the hard way before a batch."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.epoch, self.batch = epoch, batch

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if (trainer.current_epoch, batch_idx) == (self.epoch, self.batch):
            os.kill(os.getpid(), signal.SIGKILL)


def main(
    run_dir: str, *, kill: tuple[int, int] = (-1, -1), resume: bool = False, scheduler: str = "none"
) -> FitResult:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (160, 40))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"G").mean(1).astype("f4"))
    data = SequenceDataModule(
        ds,
        target_vars="y",
        split={"name": "random"},
        batch_size=16,
        seed=3,
        reverse_complement=True,
    )
    conv = {
        "conv_channels": [8],
        "conv_kernels": [7],
        "pool_kernels": 4,
        "dropout_rates": 0.3,
        "batchnorm": True,
    }
    module = eu.models.SequenceModule(
        {"name": "cnn", "input_len": 40, "output_dim": 1, "conv_kwargs": conv},
        seed=5,
        optimizer="adamw",
        scheduler=None if scheduler == "none" else scheduler,
        scheduler_kwargs=SCHEDULES.get(scheduler),
    )
    try:
        return eu.train.fit(
            module,
            data,
            run_dir=run_dir,
            max_epochs=5,
            patience=None,
            seed=11,
            accelerator="cpu",
            resume=resume,
            tensorboard=False,
            callbacks=[Kill(*kill)],
        )
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    # the imports are made once, and each training is killed in a process of its own
    for job in sys.argv[1:]:
        folder, epoch, batch, schedule = job.split("|")
        child = os.fork()
        if not child:
            try:
                main(folder, kill=(int(epoch), int(batch)), scheduler=schedule)
            finally:
                os._exit(1)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if ended != -signal.SIGKILL:
            sys.exit(f"{job} was not killed but ended with {ended}")
