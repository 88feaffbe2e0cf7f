"""What `train_step` times: a few steps of one training, continued from call to call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

BATCH, SEED, WARM_UP = 128, 3, 2
STEPS = int(os.environ.get("BENCH_STEPS", "4"))


class Stepper:
    """Let a training that runs in another thread go on for a few steps at a time."""

    def __init__(self, train: Callable[[Stepper], None]) -> None:
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._left = 0
        self._failed: BaseException | None = None

        def work() -> None:
            try:
                self._go.acquire()
                train(self)
            except BaseException as error:
                self._failed = error
                self._done.release()
                raise

        threading.Thread(target=work, daemon=True).start()

    def after_step(self) -> None:
        """Note a step; wait where those that were asked for are made."""
        self._left -= 1
        if self._left == 0:
            self._done.release()
            self._go.acquire()

    def run(self, steps: int = STEPS) -> None:
        """Make the next steps."""
        self._left = steps
        self._go.release()
        self._done.acquire()
        if self._failed is not None:
            raise self._failed


def _net() -> Any:
    import torch

    from eugene.models import zoo

    torch.manual_seed(SEED)
    return zoo.DeepSTARR(input_len=249, output_dim=2)


def _data(folder: Path) -> Any:
    import xarray as xr

    from eugene.data import SequenceDataModule

    letters, targets = np.load(folder / "letters.npy"), np.load(folder / "targets.npy")
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters.view("S1"))})
    for i in range(targets.shape[1]):
        ds[f"y{i}"] = ("_sequence", targets[:, i])
    return SequenceDataModule(
        ds, target_vars=["y0", "y1"], split=np.zeros(len(ds._sequence), int), seed=SEED,
        batch_size=BATCH,
    )  # fmt: skip


def _order(folder: Path) -> np.ndarray:
    """Return the rows in the order in which our loader shows them."""
    loader = _data(folder).train_dataloader()
    plan = loader.core.plan(0)
    return np.concatenate([segment.rows for segment in plan.segments])


def _digest(net: Any) -> Callable[[object], bytes]:
    """Return what tells weights apart, after the rounding of another order of sums."""

    def digest(_: object) -> bytes:
        values = np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
        return np.round(values.astype(np.float64), 4).tobytes()

    return digest


def _fit(folder: Path, **options: Any) -> tuple[Any, Any]:
    import pytorch_lightning as pl

    from eugene.models import SequenceModule
    from eugene.train import fit

    net, data = _net(), _data(folder)
    module = SequenceModule(net, task="regression", optimizer="adam", optimizer_lr=1e-3)

    class Count(pl.Callback):
        def __init__(self, stepper: Stepper) -> None:
            self.stepper = stepper

        def on_train_batch_end(self, *args: Any) -> None:
            self.stepper.after_step()

    def train(stepper: Stepper) -> None:
        fit(
            module, data, max_epochs=1, accelerator="cpu", seed=SEED, progress=False,
            callbacks=[Count(stepper)], **options,
        )  # fmt: skip

    stepper = Stepper(train)
    return stepper.run, _digest(net)


def fit_plain(folder: Path) -> tuple[Any, Any]:
    return _fit(folder, fast=False)


def fit_fast(folder: Path) -> tuple[Any, Any]:
    return _fit(folder, fast=True)


def fit_bf16(folder: Path) -> tuple[Any, Any]:
    run, _ = _fit(folder, fast=True, precision="bf16-mixed")
    return run, lambda _: None


def _loop(batches: Callable[[], Iterable[tuple[Any, Any]]]) -> tuple[Any, Any]:
    """Train as one would write it down: forward, loss, backward, step."""
    import torch
    from torch.nn import functional as F

    from eugene.train._callbacks import mix

    net = _net().train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def train(stepper: Stepper) -> None:
        torch.manual_seed(mix(SEED, 0))
        for x, y in batches():
            optimizer.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            stepper.after_step()

    stepper = Stepper(train)
    return stepper.run, _digest(net)


def loop(folder: Path) -> tuple[Any, Any]:
    """One-hot rows made on the spot from codes, gathered by a tensor of row numbers."""
    import torch

    from eugene.nn._encode import ohe_bytes

    letters = torch.from_numpy(np.load(folder / "letters.npy"))
    targets = torch.from_numpy(np.load(folder / "targets.npy"))
    order = torch.from_numpy(_order(folder))

    def batches() -> Iterator[tuple[Any, Any]]:
        for rows in order.split(BATCH):
            yield ohe_bytes(letters[rows]), targets[rows]

    return _loop(batches)


def items(folder: Path) -> tuple[Any, Any]:
    """EUGENe's way: a stored one-hot row an item, transformed, then the default collate."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    codes = np.searchsorted(np.frombuffer(b"ACGT", np.uint8), np.load(folder / "letters.npy"))
    one_hot = np.eye(4, dtype=np.uint8)[codes]
    targets = np.load(folder / "targets.npy")

    class Rows(Dataset[dict[str, Any]]):
        def __len__(self) -> int:
            return len(one_hot)

        def __getitem__(self, i: int) -> dict[str, Any]:
            item = {"ohe_seq": one_hot[i], "target": targets[i]}
            item["ohe_seq"] = item["ohe_seq"].swapaxes(0, 1)
            return {k: torch.tensor(v, dtype=torch.float32) for k, v in item.items()}

    # a generator of its own: the loader would draw from the stream of dropout
    drawn = torch.Generator()
    loader: Any = DataLoader(
        Rows(), batch_size=BATCH, sampler=_order(folder).tolist(), generator=drawn
    )
    return _loop(lambda: ((b["ohe_seq"], b["target"]) for b in loader))


def batches(folder: Path) -> tuple[Any, Any]:
    """Our batches alone, as a training asks for them."""
    shown = iter(_data(folder).train_dataloader())

    def run() -> None:
        for _ in range(STEPS):
            next(shown)

    return run, lambda _: None
