"""Stores that name codecs which run code, and files that show other files as their own."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

import seqdata as sd
from seqdata import convert
from seqdata.datasets._archive import extract
from seqdata.errors import StoreError
from seqdata.store._codecs import check_array


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


V2 = {
    "filter": {"filters": [{"id": "pickle", "protocol": 5}], "dtype": "|O"},
    "compressor": {"compressor": {"id": "pickle"}, "dtype": "|u1"},
    "behind another": {"filters": [{"id": "zlib"}, {"id": "pickle"}], "dtype": "|O"},
    "of a plug-in": {"compressor": {"id": "made_up"}, "dtype": "|u1"},
    "objects bare": {"filters": None, "dtype": "|O"},
    "objects within": {"compressor": {"id": "zlib"}, "dtype": [["a", "|O"]]},
    "cast to objects": {"filters": [{"id": "astype", "encode_dtype": "|O", "decode_dtype": "|O"}],
                        "dtype": "|u1"},
    "no name": {"compressor": {"level": 1}, "dtype": "|u1"},
    "no type": {"dtype": None},
}  # fmt: skip


def old_store(folder: Path, mark: Path, **meta: Any) -> Path:
    array = folder / "x"
    array.mkdir(parents=True)
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (array / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["_sequence"]}')
    whole = {"zarr_format": 2, "shape": [1], "chunks": [1], "order": "C", "fill_value": None,
             "compressor": None, "filters": None}  # fmt: skip
    (array / ".zarray").write_text(json.dumps({**whole, **meta}))
    (array / "0").write_bytes(pickle.dumps(Touch(mark)))
    return folder


@pytest.fixture(autouse=True)
def pickle_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own judge must do, whatever the installed numcodecs thinks of pickle."""
    from numcodecs.pickles import Pickle

    monkeypatch.setattr(Pickle, "decode", lambda self, buf, out=None: pickle.loads(bytes(buf)))


@pytest.mark.parametrize("case", V2)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_old_stores(tmp_path: Path, case: str, packed: bool) -> None:
    mark = tmp_path / "ran"
    store = old_store(tmp_path / "s.zarr", mark, **V2[case])
    if packed:
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as out:
            for file in store.rglob("*"):
                out.write(file, file.relative_to(tmp_path))
        store = extract(tmp_path / "s.zip", tmp_path / "again") / "s.zarr"
    with pytest.raises(StoreError, match=r"s\.zarr"):
        convert.read_legacy(store)
    assert not mark.exists()


def modern(store: Path, mark: Path, meta: dict[str, Any], *, inline: bool, child: str) -> Path:
    """Write a store of format 3 with one array, its metadata at the root, below, or both."""
    (store / "x").mkdir(parents=True)
    array = {"shape": [1], "attributes": {"_ARRAY_DIMENSIONS": ["_sequence"]}, **meta}
    if meta["zarr_format"] == 3:
        array |= {"node_type": "array", "dimension_names": ["_sequence"], "fill_value": 0,
                  "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}},
                  "chunk_key_encoding": {"name": "default"}}  # fmt: skip
    else:
        array |= {"chunks": [1], "order": "C", "fill_value": 0, "node_type": "array"}
    root: dict[str, Any] = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"complete": True},
    }
    if inline:
        root["consolidated_metadata"] = {
            "kind": "inline", "must_understand": False, "metadata": {"x": array},
        }  # fmt: skip
    (store / "zarr.json").write_text(json.dumps(root))
    if child:
        (store / "x" / child).write_text(json.dumps(array))
    for chunk in ("0", "c/0"):
        (store / "x" / chunk).parent.mkdir(exist_ok=True)
        (store / "x" / chunk).write_bytes(pickle.dumps(Touch(mark)))
    return store


V3 = {
    "pickle": {"zarr_format": 3, "data_type": "uint8", "codecs": [{"name": "numcodecs.pickle"}]},
    "by its import path": {
        "zarr_format": 3, "data_type": "uint8",
        "codecs": [{"name": "bytes"}, {"name": "numcodecs.pickles.Pickle"}],
    },
    "in a shard": {
        "zarr_format": 3, "data_type": "uint8",
        "codecs": [{"name": "sharding_indexed", "configuration": {
            "chunk_shape": [1], "codecs": [{"name": "pickle"}],
            "index_codecs": [{"name": "bytes"}]}}],
    },
    "in the index of a shard": {
        "zarr_format": 3, "data_type": "uint8",
        "codecs": [{"name": "sharding_indexed", "configuration": {
            "chunk_shape": [1], "codecs": [{"name": "bytes"}], "index_codecs": ["pickle"]}}],
    },
    "a type": {"zarr_format": 3, "data_type": {"name": "|O"}, "codecs": [{"name": "bytes"}]},
    "format 2": {"zarr_format": 2, "dtype": "|O", "compressor": None,
                 "filters": [{"id": "pickle", "protocol": 5}]},
}  # fmt: skip


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("case", V3)
def test_new_stores(tmp_path: Path, case: str, inline: bool) -> None:
    """Whatever opens a store judges its codecs first, wherever their names stand."""
    mark = tmp_path / "ran"
    child = "zarr.json" if V3[case]["zarr_format"] == 3 else ".zarray"
    store = modern(
        tmp_path / "s.zarr", mark, V3[case], inline=inline, child="" if inline else child
    )
    ds = xr.Dataset({"y": ("_sequence", np.zeros(1))})
    with zarr.storage.MemoryStore() as memory:
        for file in (f for f in store.rglob("*") if f.is_file()):
            key, data = str(file.relative_to(store)), file.read_bytes()
            memory._store_dict[key] = zarr.core.buffer.cpu.Buffer.from_bytes(data)
        for place in (store, str(store), zarr.storage.LocalStore(store), memory):
            with pytest.raises(StoreError, match="'x' of"):
                sd.open_zarr(place, allow_incomplete=True)
        for options in ({"append_dim": "_sequence"}, {}):
            with pytest.raises(StoreError, match="'x' of"):
                sd.to_zarr(ds, store, mode="a", **options)
    assert not mark.exists()


def test_codecs_that_are_read(tmp_path: Path) -> None:
    """Everything that numcodecs and zarr offer is allowed, except what unpickles."""
    refused = set()
    for name in sorted(numcodecs.registry.codec_registry):
        meta = {"zarr_format": 2, "dtype": "<i4", "compressor": {"id": name}}
        try:
            check_array(meta, "x")
        except StoreError:
            refused.add(name)
    assert refused == {"pickle", "msgpack2"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = zarr.create_group(tmp_path / "all.zarr")
        for dtype in ("bool", "i1", "u8", "f2", "f8", "c8", "S3", "U2", "M8[s]", "m8[ns]", str):
            name = str(np.dtype(dtype)).replace("<", "").replace("[", "").replace("]", "")
            group.create_array(name, shape=(4,), dtype=dtype, chunks=(2,), shards=None)
        group.create_array("shard", shape=(4,), dtype="u2", chunks=(2,), shards=(4,))
        for name, packing in {
            "blosc": zarr.codecs.BloscCodec(),
            "gz": zarr.codecs.GzipCodec(),
        }.items():
            group.create_array(name, shape=(4,), dtype="u2", chunks=(2,), compressors=[packing])
        for array in group.array_values():
            array.attrs["_ARRAY_DIMENSIONS"] = ["_sequence"]
    from seqdata.store import check_complete

    assert check_complete(tmp_path / "all.zarr", allow_incomplete=True)["node_type"] == "group"


LINKS = ("external", "soft", "virtual", "outside")


@pytest.mark.parametrize("case", LINKS)
def test_hdf5_shows_only_itself(tmp_path: Path, case: str) -> None:
    h5py = pytest.importorskip("h5py")
    ds = xr.Dataset({"y": ("_sequence", np.arange(3.0))})
    convert.to_hdf5(ds, tmp_path / "x.h5")
    convert.to_hdf5(ds, tmp_path / "other.h5")
    (tmp_path / "secret").write_bytes(b"12345678")
    with (tmp_path / "x.h5").open("r+b") as raw:
        raw.write(bytes(512))
    with h5py.File(tmp_path / "x.h5", "a") as file:
        if case == "external":
            file["z"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/y")
        elif case == "soft":
            file["z"] = h5py.SoftLink("/y")
        elif case == "virtual":
            layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
            layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "y", shape=(3,))
            file.create_virtual_dataset("z", layout)
        else:
            place = [(str(tmp_path / "secret"), 0, 8)]
            file.create_dataset("z", shape=(8,), dtype="u1", external=place)
    with pytest.raises(StoreError, match="/z is "):
        convert.read_hdf5(tmp_path / "x.h5")


@pytest.mark.parametrize("seed", range(8))
def test_damaged_hdf5(tmp_path: Path, seed: int) -> None:
    pytest.importorskip("h5py")
    rng = np.random.default_rng(seed)
    ds = xr.Dataset({"y": ("_sequence", rng.random(300)), "s": ("_sequence", ["a", "b"] * 150)})
    convert.to_hdf5(ds, tmp_path / "x.h5")
    xr.testing.assert_equal(convert.read_hdf5(tmp_path / "x.h5"), ds)
    data = bytearray((tmp_path / "x.h5").read_bytes())
    data[int(rng.integers(512, len(data)))] ^= 1 << int(rng.integers(8))
    (tmp_path / "x.h5").write_bytes(data if seed % 2 else data[:-700])
    with pytest.raises(StoreError, match=r"x\.h5 is damaged"):
        convert.read_hdf5(tmp_path / "x.h5")
