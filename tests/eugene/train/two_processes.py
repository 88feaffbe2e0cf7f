"""A tiny training on one process or two, run as a script: Lightning starts it again for each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
import xarray as xr

import eugene as eu
from eugene.data import SequenceDataModule


def main(run_dir: str, devices: int) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (160, 40))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"G").mean(1).astype("f4"))
    data = SequenceDataModule(
        ds,
        target_vars="y",
        split={"name": "random", "fractions": [0.8, 0.1, 0.1]},
        batch_size=16 // devices,
        seed=3,
        reverse_complement=True,
    )
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
    module = eu.models.SequenceModule(arch, task="regression", optimizer="sgd")
    result = eu.train.fit(
        module,
        data,
        run_dir=run_dir,
        max_epochs=3,
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        seed=3,
        progress=False,
        tensorboard=False,
    )
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        Path(run_dir, "history.json").write_text(json.dumps(result.history))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
