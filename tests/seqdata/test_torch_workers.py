"""Worker processes of a loader: what they leave alone, and how their end is told."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import seqdata as sd
from seqdata.errors import SeqdataError, StoreError, WorkerError
from seqdata.loading import _workers


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workers") / "x.zarr"
    values = np.arange(64 * 40, dtype=np.float32).reshape(64, 40)
    sd.to_zarr(xr.Dataset({"x": (("_sequence", "_length"), values)}), path)
    return path


def loader(store: Path, workers: int, *, in_memory: bool, **options: Any) -> Any:
    return sd.get_torch_dataloader(
        sd.open_zarr(store), variables=["x"], batch_size=16, num_workers=workers,
        in_memory=in_memory, shuffle=True, seed=1, **options,
    )  # fmt: skip


def states() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), name, keys.tolist(), rest, random.getstate()


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("in_memory", [True, False])
def test_random_states_of_the_process_are_left_alone(
    store: Path, workers: int, in_memory: bool
) -> None:
    before = states()
    batches = loader(store, workers, in_memory=in_memory)
    for _ in range(2):
        for _ in batches:
            pass
    assert states() == before


@pytest.mark.parametrize("in_memory", [True, False])
def test_dropout_does_not_know_the_workers(store: Path, in_memory: bool) -> None:
    trained = []
    for workers in (0, 1, 2):
        torch.manual_seed(5)
        net = torch.nn.Sequential(
            torch.nn.Linear(40, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
        )
        optimiser = torch.optim.SGD(net.parameters(), lr=1e-8)
        batches = loader(store, workers, in_memory=in_memory)
        for _ in range(2):
            for batch in batches:
                optimiser.zero_grad()
                net(batch["x"]).square().mean().backward()
                optimiser.step()
        trained.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    assert torch.equal(trained[0], trained[1])
    assert torch.equal(trained[0], trained[2])


def die(_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def wait(arrays: Any) -> Any:
    time.sleep(60)
    return arrays


def with_gradient(arrays: Any) -> Any:
    # queues of processes refuse such tensors
    return {"x": torch.ones(3, requires_grad=True) * 2}


def fail(arrays: Any) -> Any:
    raise StoreError("the shard is damaged")


@pytest.mark.parametrize(
    ("transform", "error", "told"),
    [
        (die, WorkerError, "A worker process of the loader died"),
        (with_gradient, RuntimeError, "requires_grad"),
        (fail, StoreError, "the shard is damaged"),
    ],
)
def test_the_end_of_a_worker_is_told(store: Path, transform: Any, error: Any, told: str) -> None:
    batches = loader(store, 1, in_memory=True, transform=transform)
    with pytest.raises(error, match=told):
        list(batches)
    assert batches._workers is None


def test_a_worker_that_is_killed_while_it_works(store: Path) -> None:
    batches = loader(store, 1, in_memory=True, transform=wait)
    found = iter(batches)

    def kill(*_: Any) -> None:
        (worker,) = batches._workers._iterator._workers
        os.kill(worker.pid, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, kill)
    signal.alarm(1)
    try:
        with pytest.raises(WorkerError, match="died"):
            next(found)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_room_in_shared_memory(
    store: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    def full(parts: Any) -> bytes:
        raise RuntimeError(
            "unable to allocate shared memory(shm) for file </torch_1>: No space left on device"
        )

    monkeypatch.setattr(_workers, "ForkingPickler", SimpleNamespace(dumps=full))
    told = r"no room in the shared memory /dev/shm .* --shm-size=2g.* num_workers=0"
    with pytest.raises(WorkerError, match=told):
        list(loader(store, 1, in_memory=in_memory))
    assert issubclass(WorkerError, SeqdataError)
