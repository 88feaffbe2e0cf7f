from __future__ import annotations

import errno
import json
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore, WrapperStore

import seqdata as sd
import seqpro as sp
from seqdata.errors import (
    DiskFullError,
    IncompleteStoreError,
    LockedError,
    MissingFileError,
    SchemaError,
    StoreError,
)
from seqdata.store import StoreWriter, remove_store, working_path


def dataset(n: int = 10, length: int = 6) -> xr.Dataset:
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "seq": (
                ("_sequence", "_length"),
                rng.choice(np.array([b"A", b"C", b"g", b"N"]), (n, length)),
            ),
            "cov": (("_sequence", "s", "_length"), rng.random((n, 2, length), dtype=np.float32)),
            "y": ("_sequence", rng.random(n)),
            "name": ("_sequence", [f"r{i}" for i in range(n)]),
            "flag": ("_sequence", rng.random(n) > 0.5),
            "loss": ((), 0.25),
            "pfm": (("filter", "_ohe", "w"), rng.random((3, 4, 5))),
        },
        coords={"s": ["a", "b"], "strand": ("_sequence", np.ones(n, np.int8))},
        attrs={"sequence_dim": "_sequence", "note": {"deep": [1, np.int64(2)]}},
    )


class FullStore(WrapperStore):
    """A store that has room for so many objects."""

    def __init__(self, store: Any, room: list[int]) -> None:
        super().__init__(store)
        self.room = room

    def _with_store(self, store: Any) -> FullStore:
        return FullStore(store, self.room)

    async def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        if self.room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device", key)
        self.room[0] -= 1
        await super().set(key, value, *args, **kwargs)


# ------------------------------------------------------------------ round trips


@pytest.mark.parametrize("lazy", [False, True])
def test_round_trip(tmp_path: Path, lazy: bool) -> None:
    ds = dataset()
    sd.to_zarr(ds.chunk({"_sequence": 3}) if lazy else ds, tmp_path / "x.zarr")
    back = sd.open_zarr(tmp_path / "x.zarr")
    assert back["seq"].dtype == np.dtype("S1")
    assert isinstance(back["seq"].data, da.Array)
    for name in ds.variables:
        assert back[name].dims == ds[name].dims
        np.testing.assert_array_equal(
            np.asarray(back[name].values).astype(str), np.asarray(ds[name].values).astype(str)
        )
    assert set(back.coords) == {"s", "strand"}
    assert back.attrs == {"sequence_dim": "_sequence", "note": {"deep": [1, 2]}}
    assert back.encoding["source"] == str(tmp_path / "x.zarr")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_letters_come_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, 70))
    length = data.draw(st.integers(1, 9))
    raw = data.draw(st.binary(min_size=n * length, max_size=n * length))
    seq = np.frombuffer(raw, "S1").reshape(n, length)
    path = tmp_path_factory.mktemp("store") / "x.zarr"
    sd.to_zarr(xr.Dataset({"seq": (("_sequence", "_length"), seq)}), path)
    np.testing.assert_array_equal(sd.open_zarr(path)["seq"].values, seq)


def test_open_write_open_again(tmp_path: Path) -> None:
    sd.to_zarr(dataset(100), tmp_path / "x.zarr")
    ds = sd.open_zarr(tmp_path / "x.zarr").isel(_sequence=slice(3, 50, 2))
    sd.to_zarr(ds.assign(p=ds["y"] * 2), tmp_path / "y.zarr")
    again = sd.open_zarr(tmp_path / "y.zarr")
    np.testing.assert_array_equal(again["p"], dataset(100)["y"][3:50:2] * 2)
    np.testing.assert_array_equal(again["seq"], dataset(100)["seq"][3:50:2])
    sd.to_zarr(again, tmp_path / "y.zarr", overwrite=True)
    np.testing.assert_array_equal(
        sd.open_zarr(tmp_path / "y.zarr")["seq"], dataset(100)["seq"][3:50:2]
    )


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        sd.to_zarr(dataset(), tmp_path / name)
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_one_hot_is_left_out(tmp_path: Path) -> None:
    ds = dataset()
    ohe = (("_sequence", "_length", "_ohe"), np.zeros((10, 6, 4), np.uint8))
    attrs = (("_sequence", "_ohe", "_length"), np.ones((10, 4, 6), np.float32))
    with pytest.warns(UserWarning, match="one-hot variables are not stored: ohe_seq"):
        sd.to_zarr(ds.assign(ohe_seq=ohe, attributions=attrs), tmp_path / "x.zarr")
    back = sd.open_zarr(tmp_path / "x.zarr")
    assert "ohe_seq" not in back
    assert back["attributions"].values.all()


def test_one_hot_of_letters_is_made_again(tmp_path: Path) -> None:
    letters = np.array([[b"A", b"C", b"N"], [b"g", b"T", b"A"]])
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters, {"alphabet": "ACGT"})})
    said = {"alphabet": "ACGT", "letters": "seq"}
    hot = sp.ohe(letters, sp.DNA)
    made = ds.assign(ohe_seq=(("_sequence", "_length", "_ohe"), hot, said))
    sd.to_zarr(made, tmp_path / "x.zarr")
    back = sd.open_zarr(tmp_path / "x.zarr")
    assert back["ohe_seq"].chunks is not None
    assert back["ohe_seq"].dims == ("_sequence", "_length", "_ohe")
    np.testing.assert_array_equal(back["ohe_seq"].values, hot)
    sd.to_zarr(back.isel(_sequence=[1]), tmp_path / "y.zarr")
    np.testing.assert_array_equal(sd.open_zarr(tmp_path / "y.zarr")["ohe_seq"].values, hot[1:])
    other = made.assign(seq=ds["seq"].copy(data=letters[::-1]))
    with pytest.warns(UserWarning, match="not stored: ohe_seq"):
        sd.to_zarr(other, tmp_path / "z.zarr")


def test_text_with_gaps_and_many_shards(tmp_path: Path) -> None:
    n = 5000
    names = np.array([f"name {i}" if i % 3 else None for i in range(n)], dtype=object)
    seq = np.full((n, 4), b"A")
    ds = xr.Dataset({"seq": (("_sequence", "_length"), seq), "name": ("_sequence", names)})
    sd.to_zarr(ds, tmp_path / "x.zarr")
    back = sd.open_zarr(tmp_path / "x.zarr")
    assert back["seq"].chunks == ((2048, 2048, 904), (4,))
    assert back.chunksizes["_sequence"] == (2048, 2048, 904)
    assert back["name"].values.tolist() == [name or "" for name in names]
    assert zarr.open_group(tmp_path / "x.zarr", mode="r")["seq"].shards == (2048, 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.5, None], [1.5, np.nan]), ([True, None, False], [1, np.nan, 0]), ([2, 3], [2, 3])],
)
def test_python_numbers_stay_numbers(
    tmp_path: Path, values: list[Any], expected: list[float]
) -> None:
    ds = xr.Dataset({"y": ("_sequence", np.array(values, object))})
    sd.to_zarr(ds, tmp_path / "x.zarr")
    found = sd.open_zarr(tmp_path / "x.zarr")["y"].values
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_opening_options(tmp_path: Path) -> None:
    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    assert sd.open_zarr(tmp_path / "x.zarr", letters=False)["seq"].dtype == np.uint8
    lazy = sd.open_zarr(tmp_path / "x.zarr", chunks=None)
    assert lazy["seq"].chunks is None
    assert lazy["seq"].dtype == np.uint8
    assert sd.open_zarr(tmp_path / "x.zarr", chunks={"_sequence": 5})["y"].chunks == ((5, 5),)
    some = sd.open_zarr(tmp_path / "x.zarr", variables=["y"])
    assert list(some.data_vars) == ["y"]
    with pytest.raises(StoreError, match=r"has no variable 'z'"):
        sd.open_zarr(tmp_path / "x.zarr", variables=["z"])


def test_plain_xarray_opens_it(tmp_path: Path) -> None:
    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    plain = xr.open_zarr(tmp_path / "x.zarr", consolidated=True)
    np.testing.assert_array_equal(
        plain["seq"].values, np.ascontiguousarray(dataset()["seq"].values).view(np.uint8)
    )
    assert plain["seq"].attrs == {"kind": "sequence", "alphabet": "ACGT"}
    assert set(plain.coords) == {"s", "strand"}


@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[s]", "c16"])
def test_types_that_are_not_stored(tmp_path: Path, dtype: str) -> None:
    ds = xr.Dataset({"when": ("_sequence", np.zeros(3, dtype))})
    with pytest.raises((StoreError, SchemaError), match="Store dates as text"):
        sd.to_zarr(ds, tmp_path / "x.zarr")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a/b", "..", "", "zarr.json"])
def test_names_that_are_no_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(SchemaError, match=r"cannot be stored.*Rename"):
        sd.to_zarr(xr.Dataset({name: ("_sequence", [1.0])}), tmp_path / "x.zarr")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["dataset", "variable"])
def test_attributes_that_are_not_stored(tmp_path: Path, where: str) -> None:
    ds = xr.Dataset({"y": ("_sequence", [1.0])})
    (ds if where == "dataset" else ds["y"]).attrs["tags"] = {"a", "b"}
    with pytest.raises(StoreError, match=f"Attribute 'tags' of (the )?{where}.*cannot be stored"):
        sd.to_zarr(ds, tmp_path / "x.zarr")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ what is there already


def test_existing_places(tmp_path: Path) -> None:
    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    with pytest.raises(StoreError, match=r"exists. Pass overwrite=True"):
        sd.to_zarr(dataset(), tmp_path / "x.zarr")
    sd.to_zarr(dataset(3), tmp_path / "x.zarr", mode="w")
    assert sd.open_zarr(tmp_path / "x.zarr").sizes["_sequence"] == 3
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="is no Zarr store: it will not be overwritten"):
        sd.to_zarr(dataset(), folder, overwrite=True)
    assert (folder / "thesis.txt").exists()
    with pytest.raises(StoreError, match=r"is no Zarr store.*it is a file"):
        sd.to_zarr(dataset(), folder / "thesis.txt")
    (tmp_path / "link.zarr").symlink_to(tmp_path / "x.zarr")
    sd.to_zarr(dataset(2), tmp_path / "link.zarr", overwrite=True)
    assert sd.open_zarr(tmp_path / "x.zarr").sizes["_sequence"] == 2
    assert (tmp_path / "link.zarr").is_symlink()
    with pytest.raises(StoreError, match="mode must be"):
        sd.to_zarr(dataset(), tmp_path / "y.zarr", mode="r")  # type: ignore[arg-type]


def test_remove_store(tmp_path: Path) -> None:
    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    remove_store(tmp_path / "x.zarr")
    assert not (tmp_path / "x.zarr").exists()
    with pytest.raises(StoreError, match="no Zarr v3 store"):
        remove_store(tmp_path)


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write beside"):
        sd.to_zarr(dataset(), tmp_path / "file" / "x.zarr")


@pytest.mark.parametrize("what", ["nothing", "file", "folder", "json"])
def test_what_is_no_store(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.zarr"
    expected: tuple[type[Exception], str] = (MissingFileError, "There is no store")
    if what == "file":
        path.write_text("")
        expected = (StoreError, "is a file, not a Zarr store")
    elif what == "folder":
        path.mkdir()
        expected = (IncompleteStoreError, "no root metadata")
    elif what == "json":
        path.mkdir()
        (path / "zarr.json").write_text("{")
        expected = (StoreError, "no JSON")
    with pytest.raises(expected[0], match=expected[1]):
        sd.open_zarr(path)


def test_a_store_without_the_mark_is_refused(tmp_path: Path) -> None:
    xr.Dataset({"y": ("_sequence", np.arange(3))}).to_zarr(
        tmp_path / "x.zarr", zarr_format=3, consolidated=False
    )
    with pytest.raises(IncompleteStoreError, match=r"no completeness mark.*allow_incomplete=True"):
        sd.open_zarr(tmp_path / "x.zarr")
    ds = sd.open_zarr(tmp_path / "x.zarr", allow_incomplete=True)
    assert ds["y"].values.tolist() == [0, 1, 2]
    sd.to_zarr(dataset(), tmp_path / "y.zarr")
    root = json.loads((tmp_path / "y.zarr" / "zarr.json").read_text())
    root["attributes"]["complete"] = False
    (tmp_path / "y.zarr" / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(IncompleteStoreError, match="cut off"):
        sd.open_zarr(tmp_path / "y.zarr")


# ------------------------------------------------------------------ failures while writing


def big_table(folder: Path, n: int = 9000) -> Path:
    rng = np.random.default_rng(0)
    seqs = ["".join(row) for row in rng.choice(list("ACGT"), (n, 60))]
    path = folder / "x.csv"
    pd.DataFrame({"sequence": seqs, "y": rng.random(n)}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("room", [0, 1, 3, 5, 7, 8])
def test_store_that_is_full(tmp_path: Path, room: int) -> None:
    memory = MemoryStore()
    reader = sd.Table("seq", big_table(tmp_path), "sequence")
    with pytest.raises(DiskFullError, match=r"No room left while writing .* Free space"):
        sd.from_flat_files(reader, path=FullStore(memory, [room]), fixed_length=True)
    with pytest.raises(IncompleteStoreError, match="no root metadata"):
        sd.open_zarr(memory)
    with pytest.raises(FileNotFoundError):
        xr.open_zarr(memory)
    sd.from_flat_files(reader, path=FullStore(memory, [1000]), fixed_length=True)
    assert sd.open_zarr(memory).sizes["_sequence"] == 9000


@pytest.mark.parametrize("limit", [200, 3000, 40_000])
def test_file_size_limit(tmp_path: Path, limit: int) -> None:
    path = big_table(tmp_path)
    code = f"""
        import resource, sys
        import seqdata as sd
        from seqdata.errors import DiskFullError
        reader = sd.Table("seq", {str(path)!r}, "sequence")
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        try:
            sd.from_flat_files(reader, path={str(tmp_path / "out" / "x.zarr")!r}, fixed_length=True)
        except DiskFullError as error:
            sys.stdout.write(str(error))
            sys.exit(2)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "No room left while writing" in done.stdout
    assert "file size limit" in done.stdout
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_interruption_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    path = big_table(tmp_path)
    from seqdata.store._writer import ArrayWriter

    put = ArrayWriter._put
    calls = []

    def stop(self: ArrayWriter, data: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise error
        put(self, data)

    monkeypatch.setattr(ArrayWriter, "_put", stop)
    with pytest.raises(error):
        sd.from_flat_files(
            sd.Table("seq", path, "sequence"), path=tmp_path / "x.zarr", fixed_length=True
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_killed_build_leaves_nothing_that_opens(tmp_path: Path) -> None:
    path = big_table(tmp_path, 200)
    code = f"""
        import os, signal, seqdata as sd
        from seqdata.store import StoreWriter
        commit = StoreWriter.commit
        def die(self, attrs):
            self.finish()
            os.kill(os.getpid(), signal.SIGKILL)
        StoreWriter.commit = die
        sd.from_flat_files(sd.Table("seq", {str(path)!r}, "sequence"),
                           path={str(tmp_path / "x.zarr")!r}, fixed_length=True)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "x.zarr").exists()
    left = [entry for entry in tmp_path.iterdir() if entry.name.startswith(".x.zarr.building")]
    assert len(left) == 1
    with pytest.raises(IncompleteStoreError, match=r"no completeness mark|no root metadata"):
        sd.open_zarr(left[0])
    # folders of other machines and of processes that run are not ours to remove
    foreign = [".x.zarr.building-00000000-1-abcdef", f"{left[0].name[:-7]}x-abcdef"]
    foreign.append(working_path(tmp_path / "x.zarr", "building").name)
    for name in foreign:
        (tmp_path / name).mkdir()
    reader = sd.Table("seq", path, "sequence")
    sd.from_flat_files(reader, path=tmp_path / "x.zarr", fixed_length=True)
    assert {entry.name for entry in tmp_path.iterdir()} == {"x.csv", "x.zarr", *foreign}


def test_a_store_moved_aside_by_a_killed_build_comes_back(tmp_path: Path) -> None:
    sd.to_zarr(dataset(4), tmp_path / "x.zarr")
    code = f"""
        import os, signal, seqdata as sd
        from pathlib import Path
        rename = Path.rename
        def die(self, target):
            if "building" in self.name:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(self, target)
        Path.rename = die
        path = {str(tmp_path / "x.zarr")!r}
        sd.to_zarr(sd.open_zarr(path), path, overwrite=True)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "x.zarr").exists()
    with pytest.raises(StoreError, match="exists"):
        sd.to_zarr(dataset(2), tmp_path / "x.zarr")
    assert sd.open_zarr(tmp_path / "x.zarr").sizes["_sequence"] == 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]


def test_a_store_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    # no writer of ours can do so, since the place is locked; a copy can
    sd.to_zarr(dataset(4), tmp_path / "y.zarr")
    with pytest.raises(StoreError, match="appeared while"), StoreWriter(tmp_path / "x.zarr") as out:
        out.write_array("y", np.arange(3), ("_sequence",))
        with pytest.raises(LockedError, match="is being built"):
            sd.to_zarr(dataset(5), tmp_path / "x.zarr")
        shutil.copytree(tmp_path / "y.zarr", tmp_path / "x.zarr")
        out.commit({})
    assert sd.open_zarr(tmp_path / "x.zarr").sizes["_sequence"] == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.zarr", "y.zarr"]


def test_interrupt_in_the_last_step_is_raised_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def press(self: Path, target: Any) -> Path:
        signal.raise_signal(signal.SIGINT)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", press)
    # a shell lets background jobs ignore the key, and tests may run as one
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            sd.to_zarr(dataset(4), tmp_path / "x.zarr")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert sd.open_zarr(tmp_path / "x.zarr").sizes["_sequence"] == 4


def test_old_store_stays_until_the_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sd.to_zarr(dataset(4), tmp_path / "x.zarr")
    rename = Path.rename

    def refuse(self: Path, target: Any) -> Path:
        if "building" in self.name:
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="Permission denied"):
        sd.to_zarr(dataset(5), tmp_path / "x.zarr", overwrite=True)
    monkeypatch.undo()
    assert sd.open_zarr(tmp_path / "x.zarr").sizes["_sequence"] == 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]


# ------------------------------------------------------------------ other places


def test_store_objects_and_urls(tmp_path: Path) -> None:
    memory = MemoryStore()
    sd.to_zarr(dataset(), memory)
    np.testing.assert_array_equal(sd.open_zarr(memory)["seq"], dataset()["seq"])
    with pytest.raises(StoreError, match="holds a store"):
        sd.to_zarr(dataset(), memory)
    sd.to_zarr(dataset(3), memory, overwrite=True)
    assert sd.open_zarr(memory).sizes["_sequence"] == 3
    url = f"memory://{tmp_path.name}/x.zarr"
    sd.to_zarr(dataset(), url)
    np.testing.assert_array_equal(sd.open_zarr(url)["cov"], dataset()["cov"])
    with pytest.raises(IncompleteStoreError, match="no root metadata"):
        sd.open_zarr(f"memory://{tmp_path.name}/none.zarr")
    with pytest.raises(StoreError, match="extra 'remote'"):
        sd.open_zarr("nosuchprotocol://x/y.zarr")


def test_http_without_directory_listing(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    sd.to_zarr(dataset(), tmp_path / "x.zarr")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def list_directory(self, path: Any) -> None:
            self.send_error(404)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        ds = sd.open_zarr(f"http://127.0.0.1:{server.server_port}/x.zarr")
        assert set(ds.data_vars) == set(dataset().data_vars)
        np.testing.assert_array_equal(ds["seq"], dataset()["seq"])
    finally:
        server.shutdown()
        server.server_close()


def test_an_empty_folder_is_a_place_for_a_store(tmp_path: Path) -> None:
    """Temporary folders are there before the store is; argument names are those of xarray."""
    ds = xr.Dataset({"y": ("_sequence", [1.0, 2.0])})
    sd.to_zarr(ds, store=tmp_path, consolidated=True)
    assert sd.open_zarr(store=tmp_path)["y"].values.tolist() == [1.0, 2.0]
    with pytest.raises(StoreError, match=r"exists. Pass overwrite=True"):
        sd.to_zarr(ds, tmp_path)


def test_letters_that_where_made_objects_are_stored_as_letters(tmp_path: Path) -> None:
    sd.to_zarr(dataset(), tmp_path / "whole.zarr")
    ds = sd.open_zarr(tmp_path / "whole.zarr").load()
    kept = ds.where(ds["y"] > ds["y"].median(), drop=True)
    assert kept["seq"].dtype == object
    gaps = ds.where(ds["y"] > ds["y"].median())
    for name, chosen in (("kept", kept), ("gaps", gaps), ("lazy", gaps.chunk(_sequence=3))):
        sd.to_zarr(chosen, tmp_path / f"{name}.zarr")
        back = sd.open_zarr(tmp_path / f"{name}.zarr")["seq"]
        assert back.dtype == "S1"
        expected = np.where(pd.isna(chosen["seq"].values), b"", chosen["seq"].values)
        np.testing.assert_array_equal(back.values, expected.astype("S1"))
    wrong = ds.assign(seq=ds["seq"].astype(object).where(ds["y"] > ds["y"].median(), "AC"))
    wrong["seq"].attrs["kind"] = "sequence"
    with pytest.raises(StoreError, match="'seq' is marked as a sequence, but"):
        sd.to_zarr(wrong, tmp_path / "no.zarr")
    assert not (tmp_path / "no.zarr").exists()


def test_a_store_in_memory_does_not_travel_to_another_process(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    sd.to_zarr(dataset(), f"memory://{tmp_path.name}/z.zarr")
    ds = sd.open_zarr(f"memory://{tmp_path.name}/z.zarr")
    with pytest.raises(StoreError, match="memory of this process, and another one would find it"):
        pickle.dumps(ds)
    copied = sd.open_zarr(f"memory://{tmp_path.name}/z.zarr", chunks=None).copy(deep=True)
    xr.testing.assert_equal(ds.load(), sd.open_zarr(f"memory://{tmp_path.name}/z.zarr").load())
    assert copied.sizes == ds.sizes
    pickle.dumps(ds)
