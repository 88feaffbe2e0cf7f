"""Batches to a GPU: letters copied ahead and one-hot there, beside float one-hot from the host.

Needs CUDA; says so and ends where there is none.
Run: python benchmarks/loader_gpu.py [--rounds 5] [--rows 20000] [--save]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable

import _harness as h
import numpy as np
import torch
import xarray as xr

WIDTH, BATCH = 2114, 128


def letters_ahead(ds: xr.Dataset) -> Iterable[torch.Tensor]:
    """Copy uint8 letters by a stream of their own, and make one-hot on the device."""
    from seqdata.torch import get_torch_dataloader, on_device

    codes = torch.full((256,), 4, dtype=torch.long, device="cuda")
    codes[torch.tensor(list(b"ACGT"))] = torch.arange(4, device="cuda")
    rows = torch.cat([torch.eye(4), torch.zeros(1, 4)]).to("cuda")
    loader = get_torch_dataloader(ds, batch_size=BATCH, shuffle=True, pin_memory=True)
    for batch in on_device(loader, "cuda"):
        yield rows[codes[batch["seq"].long()]].transpose(1, 2)


def floats_from_host(ds: xr.Dataset) -> Iterable[torch.Tensor]:
    """Make float one-hot on the host, and copy it."""
    import seqpro as sp
    from seqdata.torch import get_torch_dataloader

    def one_hot(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"x": sp.ohe(batch["seq"], sp.DNA).astype(np.float32).swapaxes(1, 2)}

    loader = get_torch_dataloader(ds, batch_size=BATCH, shuffle=True, transform=one_hot)
    for batch in loader:
        yield batch["x"].to("cuda")


def seconds(batches: Callable[[xr.Dataset], Iterable[torch.Tensor]], ds: xr.Dataset) -> float:
    """Return the wall time of an epoch in which each batch is convolved once."""
    layer = torch.nn.Conv1d(4, 64, 21, device="cuda")
    torch.cuda.synchronize()
    started = time.perf_counter()
    with torch.no_grad():
        for x in batches(ds):
            layer(x)
    torch.cuda.synchronize()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: not run")
        return
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (args.rows, WIDTH))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    for ours, theirs in zip(letters_ahead(ds), floats_from_host(ds), strict=True):
        if not torch.equal(ours, theirs):
            raise SystemExit("the two ways give different batches")
    ways = {"letters, copied ahead": letters_ahead, "float one-hot from the host": floats_from_host}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(args.rounds + 1):
        for name, way in ways.items():
            spent = seconds(way, ds)
            if turn:
                taken[name].append(spent)
    batches = -(-args.rows // BATCH)
    rates = {name: batches / statistics.median(t) for name, t in taken.items()}
    for name, rate in rates.items():
        print(f"{name:30s} {rate:8.0f} batches per second on {torch.cuda.get_device_name()}")
    if args.save:
        case = {"case": f"{args.rows:,} x {WIDTH} bp to the GPU", "batches_per_second": rates}
        print(h.save("loader_gpu", [case]))


if __name__ == "__main__":
    main()
