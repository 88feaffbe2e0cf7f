"""Several who write one store, and stores that are replaced while somebody reads them."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import seqdata as sd
from seqdata.errors import LockedError, SeqdataError, StoreError
from seqdata.store import lock_of, remove_store

ROWS = 40


def numbered(base: float, rows: int = ROWS, length: int = 30) -> xr.Dataset:
    """Rows whose letters and target tell which store they are of."""
    letter = b"ACGT"[int(base) % 4 : int(base) % 4 + 1]
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), np.full((rows, length), letter, "S1")),
            "cov": (
                ("_sequence", "s", "_length"),
                np.full((rows, 2, length), base, np.float32),
            ),
            "y": ("_sequence", base + np.arange(rows) / 1024),
        }
    )


# ------------------------------------------------------------------ writers


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "t.tsv").write_text("sequence\ty\nACGT\t1\nTTGA\t2\n")
    (folder / "g.fa").write_text(">c\nACGTACGTTGCA\n")
    (folder / "two.fa").write_text(">a\nACGT\n>b\nTTGA\n")
    return folder


def regions() -> pd.DataFrame:
    return pd.DataFrame({"chrom": ["c"], "chromStart": [2], "chromEnd": [6]})


WRITERS: dict[str, Callable[[Path, Path], Any]] = {
    "from_flat_files": lambda d, p: sd.from_flat_files(
        sd.Table("seq", d / "t.tsv", "sequence"), path=p, fixed_length=True, overwrite=True
    ),
    "from_region_files": lambda d, p: sd.from_region_files(
        sd.GenomeFASTA("seq", d / "g.fa"), path=p, bed=regions(), fixed_length=4, overwrite=True
    ),
    "read_table": lambda d, p: sd.read_table(
        "seq", p, d / "t.tsv", "sequence", fixed_length=True, overwrite=True
    ),
    "to_zarr, new": lambda d, p: sd.to_zarr(numbered(1), p),
    "to_zarr, replace": lambda d, p: sd.to_zarr(numbered(1), p, mode="w"),
    "to_zarr, rows": lambda d, p: sd.to_zarr(numbered(1), p, mode="a", append_dim="_sequence"),
    "to_zarr, variables": lambda d, p: sd.to_zarr(
        xr.Dataset({"z": ("_sequence", np.zeros(ROWS))}), p, mode="a"
    ),
    "add_layers_from_files": lambda d, p: sd.add_layers_from_files(
        numbered(1, rows=2)[["y"]],
        sd.FlatFASTA("more", d / "two.fa"),
        path=p,
        overwrite=True,
    ),
    "remove_store": lambda d, p: remove_store(p),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("there", [True, False])
def test_one_writer_at_a_time(inputs: Path, tmp_path: Path, name: str, there: bool) -> None:
    path = tmp_path / "x.zarr"
    if there:
        sd.to_zarr(numbered(3), path)
    with (
        lock_of(path),
        pytest.raises((LockedError, StoreError), match=r"is being built|is no Zarr"),
    ):
        WRITERS[name](inputs, path)
    if there:
        xr.testing.assert_identical(sd.open_zarr(path)["y"].load(), numbered(3)["y"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["inputs", *(["x.zarr"] if there else [])]


def add_rows(path: Path, who: int, rows: int) -> None:
    """Append rows one by one, again and again while another one writes."""
    for i in range(rows):
        row = xr.Dataset({"y": ("_sequence", [1000.0 * who + i])})
        while True:
            try:
                sd.to_zarr(row, path, mode="a", append_dim="_sequence")
                break
            except LockedError:
                time.sleep(0.001)


@pytest.mark.parametrize("kind", ["threads", "processes"])
@pytest.mark.parametrize("there", [True, False])
def test_no_row_is_lost(tmp_path: Path, kind: str, there: bool) -> None:
    path, many = tmp_path / "y.zarr", 8 if kind == "threads" else 12
    want = {1000.0 * who + i for who in (1, 2, 3) for i in range(many)}
    if there:
        sd.to_zarr(xr.Dataset({"y": ("_sequence", [0.0])}), path)
        want |= {0.0}
    if kind == "threads":
        workers: list[Any] = [
            threading.Thread(target=add_rows, args=(path, who, many)) for who in (1, 2, 3)
        ]
    else:
        spawn = multiprocessing.get_context("forkserver")
        spawn.set_forkserver_preload(["seqdata"])
        workers = [spawn.Process(target=add_rows, args=(path, who, many)) for who in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    got = sd.open_zarr(path)["y"].values.tolist()
    assert len(got) == len(want)
    assert set(got) == want
    assert [p.name for p in tmp_path.iterdir()] == ["y.zarr"]


# ------------------------------------------------------------------ readers of replaced stores


def replaced(path: Path) -> None:
    sd.to_zarr(numbered(2), path, mode="w")


def replaced_twice(path: Path) -> None:
    # the second may get the inode that the first one had
    replaced(path)
    replaced(path)


def replaced_by_a_copy(path: Path) -> None:
    sd.to_zarr(numbered(2), path.with_name("z.zarr"))
    shutil.rmtree(path)
    shutil.copytree(path.with_name("z.zarr"), path)


def removed(path: Path) -> None:
    remove_store(path)


def replaced_by_xarray(path: Path) -> None:
    numbered(2)[["y", "cov"]].to_zarr(path, mode="w", zarr_format=3, consolidated=False)


def batches(ds: xr.Dataset, **options: Any) -> Iterator[Any]:
    loader = sd.get_torch_dataloader(
        ds, variables=["seq", "cov", "y"], batch_size=8, shuffle=True, **options
    )
    for batch in loader:
        yield tuple(batch[name].double().mean().item() for name in ("seq", "cov", "y"))


READERS: dict[str, Callable[..., Iterator[Any]]] = {
    "in memory": lambda ds, **o: batches(ds, in_memory=True, **o),
    "memmap": lambda ds, **o: batches(ds, cache="memmap", **o),
    "streaming": lambda ds, **o: batches(ds, in_memory=False, buffer_bytes=1, **o),
    "workers": lambda ds, **o: batches(ds, in_memory=False, num_workers=1, buffer_bytes=1, **o),
    "lazy arrays": lambda ds, **o: (
        tuple(
            np.asarray(ds[n][i].values).astype("S1" if n == "seq" else float).tobytes() for n in ds
        )
        for i in range(2)
    ),
}
CHANGES = [replaced, replaced_twice, replaced_by_a_copy, removed, replaced_by_xarray]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_a_store_that_was_replaced_is_told(
    tmp_path: Path, reader: str, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "x.zarr"
    sd.to_zarr(numbered(1), path)
    ds = sd.open_zarr(path)
    change(path)
    with pytest.raises(StoreError, match=r"x\.zarr was replaced or removed .* Open it again"):
        list(READERS[reader](ds))


@pytest.mark.parametrize("chunks", ["shards", None, {"_sequence": 3}])
def test_however_it_was_opened(tmp_path: Path, chunks: Any) -> None:
    path = tmp_path / "x.zarr"
    sd.to_zarr(numbered(1), path)
    ds = sd.open_zarr(path, chunks=chunks)
    assert ds["y"].values[0] == 1
    replaced(path)
    with pytest.raises(StoreError, match="was replaced"):
        ds["cov"].load()
    assert sd.open_zarr(path)["y"].values[0] == 2


@pytest.mark.parametrize("workers", [0, 1])
def test_replaced_in_the_middle_of_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("seqdata.store._shards.shard_rows", lambda _: 8)
    monkeypatch.setattr("seqdata.store._zarr.shard_rows", lambda _: 8)
    path = tmp_path / "x.zarr"
    sd.to_zarr(numbered(1), path)
    loader = sd.get_torch_dataloader(
        sd.open_zarr(path), variables=["seq", "cov", "y"], batch_size=8, in_memory=False,
        buffer_bytes=1, num_workers=workers,
    )  # fmt: skip
    seen = []
    with pytest.raises(StoreError, match="was replaced"):
        for number, batch in enumerate(loader):
            seen.append((batch["seq"][0, 0].item(), batch["cov"].mean().item()))
            if number == 0:
                replaced(path)
    assert set(seen) == {(ord("C"), 1.0)}


def test_in_memory_and_decoded_rows_stay_those_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    sd.to_zarr(numbered(1), path)
    for options in ({"in_memory": True}, {"cache": "memmap"}):
        ds = sd.open_zarr(path)
        loader = sd.get_torch_dataloader(ds, variables=["seq", "y"], batch_size=ROWS, **options)
        before = next(iter(loader))
        replaced(path)
        after = next(iter(loader))
        assert (before["seq"] == after["seq"]).all()
        assert (before["y"] == after["y"]).all()
        sd.to_zarr(numbered(1), path, mode="w")


@pytest.mark.parametrize("reader", READERS)
def test_a_store_that_grew_is_read_on(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "x.zarr"
    sd.to_zarr(numbered(1), path)
    ds = sd.open_zarr(path)
    want = list(READERS[reader](ds))
    sd.to_zarr(numbered(2), path, mode="a", append_dim="_sequence")
    sd.to_zarr(xr.Dataset({"z": ("_sequence", np.zeros(2 * ROWS))}), path, mode="a")
    assert list(READERS[reader](ds)) == want
    assert sd.open_zarr(path).sizes["_sequence"] == 2 * ROWS
    assert len(list(READERS["memmap"](sd.open_zarr(path)))) == 2 * ROWS / 8


def test_a_reader_beside_a_writer_sees_one_store_or_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    sd.to_zarr(numbered(1), path)
    done = threading.Event()

    def write() -> None:
        for turn in range(12):
            sd.to_zarr(numbered(1 + turn % 3), path, mode="w")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = 0
    while not done.is_set() or not read:
        try:
            ds = sd.open_zarr(path)
            target, signal, letters = ds["y"].values, ds["cov"].values, ds["seq"].values
        except SeqdataError:
            continue
        base = int(target[0])
        assert (signal == base).all()
        assert (letters == b"ACGT"[base % 4 : base % 4 + 1]).all()
        read += 1
    writer.join()
