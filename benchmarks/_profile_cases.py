"""What `profile_step` times: steps of one training of a profile network, ours and its peers'.

The cases of bpnet-lite run in an environment of their own and import nothing of ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _training_cases import STEPS, Stepper

BATCH, COUNT_WEIGHT, LR, LAYERS = 16, 10.0, 1e-3, 8
WINDOW, OUTPUT = 2114, 1000


def _arrays(folder: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return letters, counts and the weights to begin with."""
    weights = dict(np.load(folder / "weights.npz"))
    return np.load(folder / "letters.npy"), np.load(folder / "counts.npy"), weights


def make_weights() -> dict[str, np.ndarray]:
    """Return the weights that everybody begins with, by our names."""
    import torch

    torch.manual_seed(0)
    return {k: v.numpy() for k, v in _our_net().state_dict().items()}


def _our_net() -> Any:
    from eugene.models import zoo

    return zoo.BPNet(WINDOW, n_layers=LAYERS, trimming=(WINDOW - OUTPUT) // 2)


def peer_name(name: str) -> str:
    """Return the name that bpnet-lite has for a weight of ours."""
    head, _, rest = name.partition(".")
    kind = name.rsplit(".", 1)[1]
    if head == "stem":
        return f"iconv.{kind}"
    if head == "blocks":
        return f"rconvs.{rest.partition('.')[0]}.{kind}"
    return {"profile": "fconv", "counts": "linear"}[rest.partition(".")[0]] + f".{kind}"


def _kept(folder: Path, name: str, weights: Callable[[], dict[str, Any]]) -> Callable[..., None]:
    """Write down the weights after the first steps, for `profile_step` to compare."""

    def keep(_: object) -> None:
        values = {k: v.detach().numpy() for k, v in weights().items()}
        np.savez(folder / f"after_{name}.npz", **values)

    return keep


def _one_hot(letters: np.ndarray) -> np.ndarray:
    codes = np.searchsorted(np.frombuffer(b"ACGT", np.uint8), letters)
    return np.eye(4, dtype=np.float32)[codes].transpose(0, 2, 1).copy()


def _fit(folder: Path, name: str, **options: Any) -> tuple[Any, Any]:
    import pytorch_lightning as pl
    import torch
    import xarray as xr

    from eugene.data import SequenceDataModule
    from eugene.models import ProfileModule
    from eugene.train import fit

    letters, counts, weights = _arrays(folder)
    net = _our_net()
    net.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters.view("S1"))})
    ds["cov"] = (("_sequence", "cov_sample", "_length_out"), counts)
    ds = ds.assign_coords(cov_sample=["atac"])
    data = SequenceDataModule(
        ds, target_vars="cov", split=np.zeros(len(letters), int), seed=3, batch_size=BATCH,
        target_length=OUTPUT,
    )  # fmt: skip
    # the order of the rows as they stand, as all have it
    plain = data.loader
    data.train_dataloader = lambda: plain("train")
    module = ProfileModule(net, count_weight=COUNT_WEIGHT, optimizer_lr=LR)

    class Count(pl.Callback):
        def __init__(self, stepper: Stepper) -> None:
            self.stepper = stepper

        def on_train_batch_end(self, *args: Any) -> None:
            self.stepper.after_step()

    def train(stepper: Stepper) -> None:
        fit(
            module, data, max_epochs=1, accelerator="cpu", progress=False, gradient_clip_val=1.0,
            callbacks=[Count(stepper)], **options,
        )  # fmt: skip

    return Stepper(train).run, _kept(folder, name, net.state_dict)


def fit_fast(folder: Path) -> tuple[Any, Any]:
    return _fit(folder, "fit_fast", fast=True)


def fit_plain(folder: Path) -> tuple[Any, Any]:
    return _fit(folder, "fit_plain", fast=False)


def fit_bf16(folder: Path) -> tuple[Any, Any]:
    return _fit(folder, "fit_bf16", fast=True, precision="bf16-mixed")


def loop(folder: Path) -> tuple[Any, Any]:
    """The same network, loss and optimiser in a loop written by hand."""
    import torch
    from torch.nn import functional as F

    letters, counts, weights = _arrays(folder)
    net = _our_net().train()
    net.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    X, Y = torch.from_numpy(_one_hot(letters)), torch.from_numpy(counts)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)

    def train(stepper: Stepper) -> None:
        for low in range(0, len(X), BATCH):
            x, y = X[low : low + BATCH], Y[low : low + BATCH].flatten(1)
            optimizer.zero_grad()
            out = net(x)
            total = y.sum(1)
            likelihood = (y * F.log_softmax(out.profile.flatten(1), -1)).sum(1)
            constant = torch.lgamma(total + 1) - torch.lgamma(y + 1).sum(1)
            error = (torch.log1p(total) - out.counts[:, 0]).square().mean()
            loss = -(constant + likelihood).mean() + COUNT_WEIGHT * error
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            stepper.after_step()

    return Stepper(train).run, _kept(folder, "loop", net.state_dict)


def bpnetlite(folder: Path) -> tuple[Any, Any]:
    """`bpnetlite.BPNet.fit` on batches that are made already."""
    import torch
    from bpnetlite import BPNet

    letters, counts, weights = _arrays(folder)
    os.chdir(folder)  # it writes files where it stands
    net = BPNet(
        n_layers=LAYERS, n_outputs=1, n_control_tracks=0, count_loss_weight=COUNT_WEIGHT,
        trimming=(WINDOW - OUTPUT) // 2, verbose=False,
    )  # fmt: skip
    net.load_state_dict({peer_name(k): torch.from_numpy(v) for k, v in weights.items()})
    X, Y = torch.from_numpy(_one_hot(letters)), torch.from_numpy(counts)
    labels = torch.ones(len(X))
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)

    def train(stepper: Stepper) -> None:
        def batches() -> Iterator[tuple[Any, Any, Any]]:
            for low in range(0, len(X), BATCH):
                rows = slice(low, low + BATCH)
                yield X[rows], Y[rows], labels[rows]
                stepper.after_step()

        net.fit(batches(), optimizer, max_epochs=1, batch_size=BATCH, device="cpu")

    def ours() -> dict[str, Any]:
        named = net.state_dict()
        return {name: named[peer_name(name)] for name in weights}

    return Stepper(train).run, _kept(folder, "bpnetlite", ours)


__all__ = ["BATCH", "OUTPUT", "STEPS", "WINDOW", "make_weights"]
