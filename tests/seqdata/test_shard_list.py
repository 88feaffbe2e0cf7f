"""A shard that is missing, empty, cut, of another place or left over is told, whoever reads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import seqdata as sd
from seqdata.errors import StoreError
from seqdata.store import _shards

ROWS = 150


def dataset(first: int = 0, n: int = ROWS) -> xr.Dataset:
    rng = np.random.default_rng(first)
    return xr.Dataset(
        {
            "x": (("_sequence", "_length"), rng.integers(1, 9, (n, 6)).astype("i4")),
            "y": ("_sequence", np.arange(first, first + n, dtype=float)),
            "name": ("_sequence", np.array([f"r{i}" for i in range(n)], dtype=object)),
        }
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_shards, "SHARD_ROWS", 32)
    monkeypatch.setattr(_shards, "INNER_ROWS", 8)
    monkeypatch.setattr(_shards, "FLAT_ROWS", 64)
    sd.to_zarr(dataset(), tmp_path / "s.zarr")
    assert len(list((tmp_path / "s.zarr/x/c").iterdir())) == 3
    return tmp_path / "s.zarr"


def lazily(store: Path, ds: xr.Dataset, name: str) -> np.ndarray:
    return ds[name].values


def without_dask(store: Path, ds: xr.Dataset, name: str) -> np.ndarray:
    return sd.open_zarr(store, chunks=None)[name].values


def by_loader(**options: object) -> Callable[[Path, xr.Dataset, str], np.ndarray]:
    def read(store: Path, ds: xr.Dataset, name: str) -> np.ndarray:
        if name == "name":
            return lazily(store, ds, name)
        loader = sd.get_torch_dataloader(ds, variables=[name], batch_size=10, **options)
        return np.concatenate([batch[name].numpy() for batch in loader])

    return read


def mapped(store: Path, ds: xr.Dataset, name: str) -> np.ndarray:
    return by_loader(cache="memmap", cache_dir=store.parent / "cache")(store, ds, name)


def appended(store: Path, ds: xr.Dataset, name: str) -> np.ndarray:
    sd.to_zarr(dataset(), store, mode="a", append_dim="_sequence")
    return sd.open_zarr(store)[name].values[:ROWS]


READERS = {
    "open_zarr": lazily, "open_zarr without dask": without_dask,
    "loader": by_loader(in_memory=False), "loader from memory": by_loader(in_memory=True),
    "decoded": mapped,
}  # fmt: skip
SHARDS = {"x": "c/1/0", "y": "c/1", "name": "c/0"}


def damage(store: Path, name: str, how: str) -> None:
    file = store / name / SHARDS[name]
    if how == "missing":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    elif how == "zeros":
        file.write_bytes(bytes(file.stat().st_size))
    elif how == "of another place":
        other = {"x": store / "x/c/0/0", "y": store / "y/c/0", "name": store / "y/c/0"}[name]
        shutil.copy(other, file)
    else:
        shutil.rmtree(store / name / "c")


@pytest.mark.parametrize(
    "how", ["missing", "empty", "cut", "zeros", "of another place", "all gone"]
)
@pytest.mark.parametrize("name", SHARDS)
@pytest.mark.parametrize("reader", READERS)
def test_damaged_shard(store: Path, reader: str, name: str, how: str) -> None:
    ds = sd.open_zarr(store)
    damage(store, name, how)
    with pytest.raises(StoreError, match=rf"s\.zarr.{name}.c"):
        READERS[reader](store, ds, name)


@pytest.mark.parametrize("reader", [*READERS, "append"])
@pytest.mark.parametrize("name", SHARDS)
def test_sound_shards(store: Path, reader: str, name: str) -> None:
    read = {**READERS, "append": appended}[reader]
    got = read(store, sd.open_zarr(store), name)
    np.testing.assert_array_equal(got, dataset()[name].values)


def test_a_last_shard_that_an_append_loses(store: Path) -> None:
    (store / "x/c/2/0").unlink()
    with pytest.raises(StoreError, match="is missing"):
        appended(store, sd.open_zarr(store), "x")


def test_fill_values_are_not_stored_and_not_missed(store: Path) -> None:
    zeros = dataset().assign(x=(("_sequence", "_length"), np.zeros((ROWS, 6), "i4")))
    sd.to_zarr(zeros, store, mode="w")
    assert not (store / "x/c").exists()
    assert sd.open_zarr(store)["x"].values.sum() == 0
    (store / "x/c/1").mkdir(parents=True)
    (store / "x/c/1/0").write_bytes(b"left over")
    with pytest.raises(StoreError, match="should be absent"):
        sd.open_zarr(store)["x"].load()


def test_reading_while_rows_are_added(store: Path) -> None:
    """What was opened before an append, while it is at work, or after it was killed, is read."""
    before = sd.open_zarr(store)
    sd.to_zarr(dataset(ROWS, 40), store, mode="a", append_dim="_sequence")
    np.testing.assert_array_equal(before["x"].values, dataset()["x"].values)
    grown = sd.open_zarr(store)["x"].values
    np.testing.assert_array_equal(grown[:ROWS], dataset()["x"].values)
    np.testing.assert_array_equal(grown[ROWS:], dataset(ROWS, 40)["x"].values)
    assert not (store / ".growing").exists()


@pytest.mark.parametrize("commit", [False, True])
def test_an_append_that_is_killed(
    store: Path, commit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import multiprocessing

    from seqdata.store import _append

    def die(*args: object) -> None:
        os._exit(9)

    def work() -> None:
        setattr(_append, "root_document" if commit else "put_json", die)
        sd.to_zarr(dataset(ROWS, 40), store, mode="a", append_dim="_sequence")

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 9
    for _ in range(2):
        np.testing.assert_array_equal(sd.open_zarr(store)["x"].values, dataset()["x"].values)
    sd.to_zarr(dataset(ROWS, 40), store, mode="a", append_dim="_sequence")
    assert sd.open_zarr(store).sizes["_sequence"] == ROWS + 40
    np.testing.assert_array_equal(sd.open_zarr(store)["y"].values, np.arange(ROWS + 40.0))


def test_variables_that_are_added_are_listed(store: Path) -> None:
    more = xr.Dataset({"z": (("_sequence", "_length"), np.ones((ROWS, 6)))})
    sd.to_zarr(more, store, mode="a")
    (store / "z/c/0/0").unlink()
    with pytest.raises(StoreError, match="z/c/0/0 is missing"):
        sd.open_zarr(store)["z"].load()
    assert sd.open_zarr(store)["x"].values.shape == (ROWS, 6)


def test_a_store_that_is_no_folder(store: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    fs = fsspec.filesystem("memory")
    fs.put(str(store), "/listed/s.zarr", recursive=True)
    assert sd.open_zarr("memory://listed/s.zarr")["y"].values.sum() == np.arange(ROWS).sum()
    fs.rm("/listed/s.zarr/y/c/1")
    with pytest.raises(StoreError, match=r"y/c/1 of .* is missing"):
        sd.open_zarr("memory://listed/s.zarr")["y"].load()
    fs.rm("/listed", recursive=True)


NAMES = ("a\\b", "a/b", "/", "..", ".", "", ".hidden", "__x", "zarr.json", "n\0l", "é" * 120)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_no_store_holds(tmp_path: Path, name: str) -> None:
    ds = xr.Dataset({name: ("_sequence", np.arange(3.0))})
    with pytest.raises(sd.SeqdataError, match="cannot be stored"):
        sd.to_zarr(ds, tmp_path / "x.zarr")
    assert not [*tmp_path.iterdir()]


GOOD = ("log2(a b)", "a:b", "c", "0", "a.b", "ü", "x*?", "a" * 200, " a ", "a'\"", "#", "%2F", "~")


@pytest.mark.parametrize("name", GOOD)
def test_names_that_a_store_holds(tmp_path: Path, name: str) -> None:
    ds = xr.Dataset({name: ("_sequence", np.arange(3.0))})
    sd.to_zarr(ds, tmp_path / "x.zarr")
    assert sd.open_zarr(tmp_path / "x.zarr")[name].values.tolist() == [0, 1, 2]
