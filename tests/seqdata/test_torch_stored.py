"""Stores read shard by shard, by zarr, and through decoded files mapped into memory."""

from __future__ import annotations

import errno
import os
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import seqdata as sd
from seqdata.errors import SeqdataError
from seqdata.loading import _memmap as _mapped
from seqdata.store import _leftovers
from seqdata.store import _origin as _stored
from seqdata.store._shard_reader import ShardReader
from seqdata.torch import SequenceLoader, get_torch_dataloader

N = 300
BASE: dict[str, Any] = {
    "batch_size": 32,
    "shuffle": True,
    "max_jitter": 2,
    "rc_prob": 0.5,
    "index": "index",
}
STREAM: dict[str, Any] = {"in_memory": False, "buffer_bytes": 1}


def make(seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "seq": (
                ("_sequence", "_length"),
                rng.choice(np.frombuffer(b"ACGT", "S1"), (N, 24)),
            ),
            "cov": (
                ("_sequence", "cov_sample", "_length"),
                rng.normal(size=(N, 2, 24)).astype(np.float32),
            ),
            "half": (
                ("_sequence", "_length", "cov_sample"),
                rng.random((N, 24, 2)).astype(np.float16),
            ),
            "y": ("_sequence", rng.normal(size=N)),
        },
        coords={
            "cov_sample": np.array(["p", "m"], object),
            "cov_pair": ("cov_sample", np.array(["m", "p"], object)),
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored")
    sd.to_zarr(make(), path / "x.zarr")
    return path


@pytest.fixture
def store(folder: Path) -> xr.Dataset:
    return sd.open_zarr(folder / "x.zarr", chunks={"_sequence": 40})


def collect(loader: SequenceLoader) -> dict[str, np.ndarray]:
    batches = list(loader)
    assert len(batches) == len(loader)
    return {k: np.concatenate([b[k].numpy() for b in batches]) for k in batches[0]}


def assert_same(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> None:
    assert got.keys() == want.keys()
    for name, values in want.items():
        assert got[name].dtype == values.dtype
        assert got[name].tobytes() == values.tobytes(), name


def by_row(got: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    order = np.argsort(got["index"], kind="stable")
    return {k: v[order] for k, v in got.items()}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shuffle", [True, False])
def test_mapped_rows_come_as_from_memory(store, tmp_path, workers, shuffle):
    options = BASE | {"shuffle": shuffle}
    want = collect(get_torch_dataloader(store, in_memory=True, **options))
    loader = get_torch_dataloader(
        store, cache="memmap", cache_dir=tmp_path, num_workers=workers, **options
    )
    assert_same(collect(loader), want)
    assert not any(isinstance(v, np.memmap) and v.flags.writeable for v in vars(loader).values())


def test_shards_and_zarr_stream_the_same_bytes(store, monkeypatch):
    memory = collect(get_torch_dataloader(store, in_memory=True, **BASE))
    fast = get_torch_dataloader(store, **STREAM, **BASE)
    assert set(fast.core.source._readers) == {"seq", "cov", "half", "y"}
    assert {type(r) for r in fast.core.source._readers.values()} == {ShardReader}
    monkeypatch.setattr(_stored, "shard_reader", lambda *place: None)
    by_zarr = get_torch_dataloader(store, engine="zarr", **STREAM, **BASE)
    assert by_zarr.core.source._readers == {}
    zarr = collect(by_zarr)
    assert_same(collect(fast), zarr)
    assert_same(by_row(zarr), by_row(memory))


def test_the_engine_that_was_is_told(store):
    for engine in ("tensorstore", "tensorstor"):
        with pytest.raises(SeqdataError, match=rf"engine is '{engine}'.*leave `engine` away"):
            get_torch_dataloader(store, engine=engine, **STREAM, **BASE)  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", [True, False])
def test_what_was_computed_is_not_read_from_the_store(store, changed):
    ds = store.assign(cov=store["cov"] * 2) if changed else store
    ds = ds.isel(_sequence=slice(10, 200)) if changed else ds
    loader = get_torch_dataloader(ds, variables=["cov"], **STREAM, **BASE)
    assert bool(loader.core.source._readers) is not changed
    got = by_row(collect(loader))
    want = collect(get_torch_dataloader(ds.load(), variables=["cov"], **BASE))
    assert_same(got, by_row(want))


def test_renamed_and_transposed_variables(folder):
    store = sd.open_zarr(folder / "x.zarr", chunks={"_sequence": 40})
    ds = store.rename(cov="signal")[["seq", "signal", "half"]]
    ds["half"] = ds["half"].transpose("_length", "_sequence", "cov_sample")
    got = collect(get_torch_dataloader(ds, **STREAM, **BASE))
    want = collect(get_torch_dataloader(ds.load(), **BASE))
    assert_same(by_row(got), by_row(want))


def test_decoded_files_are_used_again_until_the_store_changes(tmp_path, monkeypatch):
    asked: list[str] = []
    decode = _mapped._decode
    monkeypatch.setattr(
        _mapped, "_decode", lambda ds, f, *a: (asked.append(f.name), decode(ds, f, *a))
    )
    sd.to_zarr(make(), tmp_path / "x.zarr")
    options = {"cache": "memmap", "cache_dir": tmp_path / "cache", **BASE}
    first = collect(get_torch_dataloader(sd.open_zarr(tmp_path / "x.zarr"), **options))
    assert sorted(asked) == ["cov", "half", "seq", "y"]
    again = collect(get_torch_dataloader(sd.open_zarr(tmp_path / "x.zarr"), **options))
    assert len(asked) == 4
    assert_same(again, first)
    assert len(list((tmp_path / "cache" / "decoded").iterdir())) == 4

    sd.to_zarr(make(1), tmp_path / "x.zarr", overwrite=True)
    other = collect(get_torch_dataloader(sd.open_zarr(tmp_path / "x.zarr"), **options))
    assert len(asked) == 8
    np.testing.assert_array_equal(other["y"], make(1)["y"].values[other["index"]].astype("f4"))


def test_decoded_files_of_computed_variables_go_with_the_loader(store, tmp_path):
    ds = store[["cov"]] * 2
    loader = get_torch_dataloader(ds, cache="memmap", cache_dir=tmp_path, **BASE)
    want = collect(get_torch_dataloader(ds.load(), **BASE))
    assert_same(collect(loader), want)
    assert len(list((tmp_path / "decoded").iterdir())) == 1
    del loader
    assert list((tmp_path / "decoded").iterdir()) == []


@pytest.mark.parametrize("computed", [True, False])
def test_a_failed_decoding_leaves_nothing(store, tmp_path, monkeypatch, computed):
    def fail(*args: Any) -> None:
        raise OSError("no room")

    monkeypatch.setattr(_mapped, "_write_block", fail)
    ds = store[["cov"]] * 2 if computed else store
    with pytest.raises(OSError, match="no room"):
        get_torch_dataloader(ds[["cov"]], cache="memmap", cache_dir=tmp_path)
    assert list((tmp_path / "decoded").iterdir()) == []


def test_a_full_disk_is_told_and_left_as_it_was(store, tmp_path, monkeypatch):
    def fail(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_mapped, "_write_block", fail)
    with pytest.raises(sd.errors.DiskFullError, match=r"no room in .*decoded to decode 'cov', whi"):
        get_torch_dataloader(store[["cov"]], cache="memmap", cache_dir=tmp_path)
    assert list((tmp_path / "decoded").iterdir()) == []


def test_what_a_killed_process_left_is_removed(store, tmp_path):
    loader = get_torch_dataloader(store[["cov"]], cache="memmap", cache_dir=tmp_path, **BASE)
    (kept,) = (tmp_path / "decoded").iterdir()
    del loader
    left = _leftovers.working_path(kept, "building")
    mine = str(os.getpid())
    dead = left.with_name(left.name.replace(f"-{mine}-", "-999999999-"))
    for path in (left, dead):
        path.write_bytes(b"part")
    kept.unlink()
    get_torch_dataloader(store[["cov"]], cache="memmap", cache_dir=tmp_path, **BASE)
    assert sorted((tmp_path / "decoded").iterdir()) == sorted([kept, left])


def test_changes_of_values_alone_are_noticed(tmp_path):
    sd.to_zarr(make()[["cov", "seq"]], tmp_path / "x.zarr")
    options = {"cache": "memmap", "cache_dir": tmp_path / "cache", **BASE}

    def total() -> float:
        loader = get_torch_dataloader(sd.open_zarr(tmp_path / "x.zarr")[["cov"]], **options)
        return sum(float(batch["cov"].double().sum()) for batch in loader)

    assert total() != 0
    group = zarr.open_group(tmp_path / "x.zarr", mode="r+")
    group["cov"][...] = 0
    with pytest.raises(sd.SeqdataError, match=r"cov/c/.*damaged, or another program changed it"):
        total()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(tmp_path / "x.zarr")
    assert total() == 0
    assert len(list((tmp_path / "cache" / "decoded").iterdir())) == 2


def test_variables_in_memory_stay_there(store, tmp_path):
    ds = store.assign(z=("_sequence", np.arange(N)))
    loader = get_torch_dataloader(ds, variables=["cov", "z"], cache="memmap", cache_dir=tmp_path)
    assert len(list((tmp_path / "decoded").iterdir())) == 1
    assert [int(b["z"][0]) for b in loader] == list(range(N))


def test_mapped_loaders_travel_as_paths(store, tmp_path):
    loader = get_torch_dataloader(store, cache="memmap", cache_dir=tmp_path, **BASE)
    sent = pickle.dumps(loader)
    assert len(sent) < 100_000
    assert_same(collect(pickle.loads(sent)), collect(loader))


def test_contradictions_are_explained(store):
    with pytest.raises(SeqdataError, match="only one of in_memory=True and cache='memmap'"):
        get_torch_dataloader(store, cache="memmap", in_memory=True)
    with pytest.raises(SeqdataError, match="cache is 'mmap': expected None or 'memmap'"):
        get_torch_dataloader(store, cache="mmap")  # type: ignore[arg-type]


def test_marks_name_the_array_itself(store):
    assert _stored.stored_array(store["cov"]).name == "cov"
    assert _stored.stored_array(store["cov"] + 0) is None
    assert _stored.stored_array(store["cov"].compute()) is None
    assert _stored.stored_array(store["cov"].copy()).name == "cov"
    assert _stored.stored_array(store["cov"].isel(_sequence=slice(3))) is None


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("mode", ["memmap", "stream"])
def test_memory_stays_bounded(tmp_path, mode):
    n, width = 20_000, 4096
    rng = np.random.default_rng(0)
    row = rng.integers(0, 200, (512, width)).astype(np.uint8)
    import dask.array as da

    tile = da.from_array(row, chunks=(512, width))
    ds = xr.Dataset(
        {
            "x": (("_sequence", "_length"), da.concatenate([tile] * (n // 512))),
            "y": (("_sequence", "_length"), da.concatenate([tile] * (n // 512))),
        }
    )
    sd.to_zarr(ds, tmp_path / "big.zarr")
    del ds, tile, row
    opened = sd.open_zarr(tmp_path / "big.zarr", chunks={"_sequence": 512})
    how = {"cache": "memmap", "cache_dir": tmp_path} if mode == "memmap" else STREAM
    options: dict[str, Any] = {"batch_size": 64, "shuffle": True, **how}
    warm = get_torch_dataloader(opened.isel(_sequence=slice(512)), **options)
    assert sum(len(b["x"]) for b in warm) == 512
    before, most = resident(), 0
    loader = get_torch_dataloader(opened, **options)
    for number, batch in enumerate(loader):
        assert batch["x"].shape[1] == width
        if number % 10 == 0:
            most = max(most, resident() - before)
    # 160 MB of rows pass; mapped pages are the system's to take back
    assert most < 64 << 20, f"{most / 2**20:.0f} MiB"


def resident() -> int:
    """Return the resident memory of this process in bytes, without pages of mapped files."""
    _, whole, shared, *_ = Path("/proc/self/statm").read_text().split()
    return (int(whole) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
