"""Tiny trainings on one process or two, run as a script: Lightning starts it again for each.

Words: a folder and the number of processes. Or any number of jobs ``FOLDER|PROCESSES|KIND``: what
is imported once is used by all of them, each of whose processes is a fork. KIND is what is
trained; ``KIND,EPOCH,BATCH`` says where its first process gets a SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr

import eugene as eu
from eugene.data import SequenceDataModule
from eugene.models import ProfileModule, SequenceModule
from eugene.train import Stage, _signals

ROWS, UNEVEN = 160, 157


class Tell(pl.Callback):
    """Send SIGTERM to this process before a batch."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.place = (epoch, batch)

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if trainer.is_global_zero and (trainer.current_epoch, batch_idx) == self.place:
            os.kill(os.getpid(), signal.SIGTERM)


def sequences(n: int, devices: int, *, missing: bool) -> SequenceDataModule:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (n, 40))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    values = (letters == b"G").mean(1).astype("f4")
    if missing:
        values[rng.random(n) < 0.3] = np.nan
        ds["w"] = ("_sequence", rng.uniform(0.5, 2, n).astype("f4"))
    ds["y"] = ("_sequence", values)
    return SequenceDataModule(
        ds,
        target_vars="y",
        weight_var="w" if missing else None,
        split={"name": "random", "fractions": [0.8, 0.1, 0.1]},
        batch_size=16 // devices,
        seed=3,
        reverse_complement=True,
    )


def tracks(n: int, devices: int) -> SequenceDataModule:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (n, 60))
    counts = rng.poisson(1 + 3 * (letters == b"G"), (n, 60)).astype("f4")
    counts[rng.random(n) < 0.2, 20:35] = np.nan
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["cov"] = (("_sequence", "cov_sample", "_length"), counts[:, None])
    return SequenceDataModule(
        ds.assign_coords(cov_sample=["atac"]),
        target_vars="cov",
        target_length=48,
        split={"name": "random", "fractions": [0.8, 0.1, 0.1]},
        batch_size=16 // devices,
        seed=3,
    )


def sequence_module() -> SequenceModule:
    torch.manual_seed(5)
    arch = eu.models.zoo.CNN(
        input_len=40,
        output_dim=1,
        conv_kwargs={
            "conv_channels": [8],
            "conv_kernels": [7],
            "pool_kernels": 4,
            "dropout_rates": 0.0,
            "batchnorm": False,
        },
        dense_kwargs={"hidden_dims": [8], "dropout_rates": 0.0, "batchnorm": False},
    )
    return eu.models.SequenceModule(arch, task="regression", optimizer="sgd")


def profile_module() -> ProfileModule:
    torch.manual_seed(5)
    arch = eu.models.zoo.BPNet(60, n_filters=4, n_layers=2, trimming=6)
    return ProfileModule(arch, count_weight=2.0, optimizer="sgd", optimizer_lr=1e-3)


def main(run_dir: str, devices: int, what: str = "sequence") -> None:
    torch.set_num_threads(1)
    kind, *place = what.split(",")
    options: dict[str, Any] = {
        "run_dir": run_dir,
        "accelerator": "cpu",
        "devices": devices,
        "strategy": "ddp" if devices > 1 else "auto",
        "seed": 3,
        "progress": False,
        "tensorboard": False,
    }
    if place:
        _signals.AGREE_EVERY = 2
        options["callbacks"] = [Tell(*map(int, place))]
    if kind == "stages":
        stages = [
            Stage(name="head", train=["dense_block"], trainer={"max_epochs": 1}),
            Stage(name="all", module={"optimizer_lr": 1e-4}, trainer={"max_epochs": 2}),
        ]
        data = sequences(UNEVEN, devices, missing=True)
        told = eu.train.stages(sequence_module(), data, stages, **options)
        history = told.history
    else:
        if kind == "sequence":
            module, data = sequence_module(), sequences(ROWS, devices, missing=False)
        elif kind == "uneven":
            module, data = sequence_module(), sequences(UNEVEN, devices, missing=True)
        else:
            module, data = profile_module(), tracks(UNEVEN, devices)
        resume = (Path(run_dir) / "checkpoints/last.ckpt").exists()
        result = eu.train.fit(module, data, max_epochs=3, resume=resume, **options)
        history = result.history
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        Path(run_dir, "history.json").write_text(json.dumps(history))


def forked(job: str) -> None:
    """Train in processes of its own, which are found as on a cluster that starts them itself."""
    folder, devices, what = job.split("|")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(int(devices)):
        child = os.fork()
        if child:
            children.append(child)
            continue
        os.environ.update(
            LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), NODE_RANK="0"
        )
        status = 1
        try:
            main(folder, int(devices), what)
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    ends = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    if ends != {128 + signal.SIGTERM if "," in what else 0}:
        sys.exit(f"{job} ended with {ends}")


if __name__ == "__main__":
    if "|" in sys.argv[1]:
        for given in sys.argv[1:]:
            forked(given)
    else:
        main(sys.argv[1], int(sys.argv[2]))
