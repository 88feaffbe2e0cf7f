"""What the loader benchmarks time: one epoch of shuffled batches of 128 rows.

Every contender returns the same sums over all rows, so that equal digests mean that each row
came exactly once, whatever the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 128
JITTER = 8


def _epoch(batches: Callable[[], Iterable[tuple[Any, Any]]]) -> tuple[Any, Any]:
    def run() -> tuple[int, int, int]:
        rows = letters = n = 0
        for seq, row in batches():
            rows += int(row.sum())
            letters += int(seq[:, seq.shape[1] // 2].sum())
            n += len(row)
        return n, rows, letters

    return run, lambda sums: repr(sums).encode()


def _arrays(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "seq.npy"), np.load(folder / "row.npy")


def _dataset(folder: Path) -> Any:
    import xarray as xr

    seq, row = _arrays(folder)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), seq, {"kind": "sequence"}),
            "row": ("_sequence", row),
        }
    )


def ours(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    loader = sd.get_torch_dataloader(
        _dataset(folder), "_sequence", ["seq", "row"], batch_size=BATCH, shuffle=True
    )
    return _epoch(lambda: ((b["seq"], b["row"]) for b in loader))


def numpy_index(folder: Path) -> tuple[Any, Any]:
    import torch

    seq, row = _arrays(folder)
    rng = np.random.default_rng(0)

    def batches() -> Iterable[tuple[Any, Any]]:
        order = rng.permutation(len(seq))
        for i in range(0, len(order), BATCH):
            chosen = order[i : i + BATCH]
            yield torch.from_numpy(seq[chosen]), torch.from_numpy(row[chosen])

    return _epoch(batches)


def torch_default(folder: Path) -> tuple[Any, Any]:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    seq, row = _arrays(folder)
    data = TensorDataset(torch.from_numpy(seq), torch.from_numpy(row))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    return _epoch(lambda: iter(loader))


def torch_index(folder: Path) -> tuple[Any, Any]:
    import torch

    seq, row = (torch.from_numpy(a) for a in _arrays(folder))

    def batches() -> Iterable[tuple[Any, Any]]:
        for chosen in torch.randperm(len(seq)).split(BATCH):
            yield seq[chosen], row[chosen]

    return _epoch(batches)


def _no_digest(case: tuple[Any, Any]) -> tuple[Any, Any]:
    return case[0], lambda sums: None


def ours_augmented(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    loader = sd.get_torch_dataloader(
        _dataset(folder),
        "_sequence",
        ["seq", "row"],
        batch_size=BATCH,
        shuffle=True,
        max_jitter=JITTER,
        rc_prob=0.5,
    )
    return _no_digest(_epoch(lambda: ((b["seq"], b["row"]) for b in loader)))


def numpy_augmented(folder: Path) -> tuple[Any, Any]:
    import torch

    seq, row = _arrays(folder)
    rng = np.random.default_rng(0)
    complement = np.arange(256, dtype=np.uint8)
    complement[np.frombuffer(b"ACGT", np.uint8)] = np.frombuffer(b"TGCA", np.uint8)
    width = seq.shape[1] - 2 * JITTER
    places = np.arange(width)

    def batches() -> Iterable[tuple[Any, Any]]:
        order = rng.permutation(len(seq))
        for i in range(0, len(order), BATCH):
            chosen = order[i : i + BATCH]
            start = rng.integers(0, 2 * JITTER + 1, len(chosen))
            cut = seq[chosen[:, None], start[:, None] + places]
            turn = rng.random(len(chosen)) < 0.5
            cut[turn] = complement[cut[turn, ::-1]]
            yield torch.from_numpy(cut), torch.from_numpy(row[chosen])

    return _no_digest(_epoch(batches))


def ours_streamed(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    ds = sd.open_zarr(folder / "store.zarr")
    loader = sd.get_torch_dataloader(
        ds,
        "_sequence",
        ["seq", "cov", "row"],
        batch_size=BATCH,
        shuffle=True,
        in_memory=False,
        buffer_bytes=64 << 20,
    )
    return _epoch(lambda: ((b["seq"], b["row"]) for b in loader))


def read_in_order(folder: Path) -> tuple[Any, Any]:
    """Read every shard once with zarr: the least that streaming can cost."""
    import zarr

    group = zarr.open_group(folder / "store.zarr", mode="r")
    step = group["seq"].shards[0]
    n = group["seq"].shape[0]

    def batches() -> Iterable[tuple[Any, Any]]:
        for low in range(0, n, step):
            block = slice(low, low + step)
            group["cov"][block]
            yield group["seq"][block], group["row"][block]

    return _epoch(batches)


def random_rows(folder: Path) -> tuple[Any, Any]:
    """Read shuffled batches row by row with zarr; 10 batches stand for the epoch."""
    import zarr

    group = zarr.open_group(folder / "store.zarr", mode="r")
    order = np.random.default_rng(0).permutation(group["seq"].shape[0])[: 10 * BATCH]

    def batches() -> Iterable[tuple[Any, Any]]:
        for i in range(0, len(order), BATCH):
            chosen = np.sort(order[i : i + BATCH])
            group["cov"].oindex[chosen]
            yield group["seq"].oindex[chosen], group["row"].oindex[chosen]

    return _no_digest(_epoch(batches))


def _disk(folder: Path, **how: Any) -> tuple[Any, Any]:
    import seqdata as sd

    return _from_dataset(sd.open_zarr(folder / "store.zarr"), **how)


def _from_dataset(ds: Any, **how: Any) -> tuple[Any, Any]:
    import seqdata as sd

    loader = sd.get_torch_dataloader(
        ds, "_sequence", ["seq", "cov", "row"], batch_size=BATCH, shuffle=True, **how
    )
    return _epoch(lambda: ((b["seq"], b["row"]) for b in loader))


def disk_zarr(folder: Path) -> tuple[Any, Any]:
    return _disk(folder, in_memory=False)


def disk_memmap(folder: Path) -> tuple[Any, Any]:
    return _disk(folder, cache="memmap")


def disk_memory(folder: Path) -> tuple[Any, Any]:
    return _disk(folder, in_memory=True)


def disk_genome(folder: Path) -> tuple[Any, Any]:
    import pandas as pd

    import seqdata as sd

    ds = sd.open_regions(
        sd.GenomeFASTA("seq", folder / "g.fa"),
        sd.BigWig("cov", [folder / f"{t}.bw" for t in range(4)], list("abcd")),
        bed=pd.read_csv(folder / "regions.csv"),
        fixed_length=2114,
    )
    return _from_dataset(ds, in_memory=False)


def disk_numpy(folder: Path) -> tuple[Any, Any]:
    import torch

    seq, cov, row = (np.load(folder / f"{name}.npy") for name in ("seq", "cov", "row"))
    rng = np.random.default_rng(0)

    def batches() -> Iterable[tuple[Any, Any]]:
        order = rng.permutation(len(seq))
        for i in range(0, len(order), BATCH):
            chosen = order[i : i + BATCH]
            torch.from_numpy(cov[chosen])
            yield torch.from_numpy(seq[chosen]), torch.from_numpy(row[chosen])

    return _epoch(batches)
