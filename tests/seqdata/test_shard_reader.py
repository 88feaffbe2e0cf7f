"""The reader of local shards, beside zarr."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, BytesCodec, ZstdCodec

import seqdata as sd
from seqdata.errors import StoreError
from seqdata.store import _origin as _stored
from seqdata.store._shard_reader import ShardReader, shard_reader
from seqdata.store._shards import new_document
from seqdata.torch import get_torch_dataloader

DTYPES = ["bool", "uint8", "int16", "uint32", "int64", "float16", "float32", "float64"]


def write(folder: Path, values: np.ndarray, *, rows: int, shard: int | None, fill: Any) -> None:
    """Write an array as this package does, but in pieces of a few rows."""
    array = zarr.create_array(
        store=str(folder),
        name="x",
        shape=values.shape,
        dtype=values.dtype,
        chunks=(rows, *values.shape[1:]),
        shards=None if shard is None else (shard, *values.shape[1:]),
        compressors=ZstdCodec(level=3, checksum=True),
        fill_value=fill,
        overwrite=True,
    )
    array[...] = values


def reader_of(folder: Path) -> ShardReader:
    reader = shard_reader(folder, "x")
    assert reader is not None
    return reader


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, int, int | None, Any, int, int]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    n = draw(st.integers(1, 40))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.integers(0, 2 if dtype.kind == "b" else 100, (n, *shape[1:])).astype(dtype)
    fill = draw(st.sampled_from([0, np.nan, np.inf, 1.5] if dtype.kind == "f" else [0, 1]))
    # stretches of nothing but the fill value are not stored
    low, high = sorted((draw(st.integers(0, n)), draw(st.integers(0, n))))
    values[low:high] = fill
    rows = draw(st.integers(1, 8))
    shard = draw(st.sampled_from([None, rows, rows * 3]))
    low, high = sorted((draw(st.integers(0, n)), draw(st.integers(0, n))))
    return values, rows, shard, fill, low, high


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_any_rows_are_those_zarr_reads(tmp_path_factory, case):
    values, rows, shard, fill, low, high = case
    folder = tmp_path_factory.mktemp("x")
    write(folder, values, rows=rows, shard=shard, fill=fill)
    reader = pickle.loads(pickle.dumps(reader_of(folder)))
    np.testing.assert_array_equal(zarr.open_array(folder / "x", mode="r")[...], values)
    got = reader((slice(low, high), *(slice(None) for _ in values.shape[1:])))
    assert got.dtype == values.dtype
    np.testing.assert_array_equal(got, values[low:high])
    if values.ndim > 1:
        np.testing.assert_array_equal(reader((slice(None), slice(1))), values[:, :1])


@pytest.mark.parametrize("shard", [None, 8])
def test_no_damage_passes_for_values(tmp_path, shard):
    values = np.random.default_rng(0).integers(0, 9, (10, 6)).astype(np.float32)
    write(tmp_path, values, rows=4, shard=shard, fill=0)
    path = tmp_path / "x" / "c" / "0" / "0"
    whole = path.read_bytes()
    raised = 0
    for place in range(len(whole)):
        path.write_bytes(
            whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        )
        try:
            got = reader_of(tmp_path)((slice(None),))
        except StoreError:
            raised += 1
        else:
            # a bit without a meaning may change, a value may not
            np.testing.assert_array_equal(got, values)
    assert raised > 0.9 * len(whole)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"c/0/0: .*The file is damaged: restore it"):
            reader_of(tmp_path)((slice(None),))


@pytest.mark.parametrize("shard", [None, 8])
def test_checksums_are_looked_at_until_the_file_changes(tmp_path, shard):
    values = np.random.default_rng(0).integers(0, 9, (8, 6)).astype(np.float32)
    write(tmp_path, values, rows=4, shard=shard, fill=0)
    reader = reader_of(tmp_path)
    np.testing.assert_array_equal(reader((slice(4),)), values[:4])
    path = tmp_path / "x" / "c" / "0" / "0"
    state, whole = path.stat(), path.read_bytes()
    # the last bytes of a frame are its checksum; in a shard two frames and their index follow
    with path.open("rb") as file:
        end = sum(next(reader._places(path, file, len(whole))))
    path.write_bytes(whole[: end - 1] + bytes([whole[end - 1] ^ 1]) + whole[end:])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    np.testing.assert_array_equal(reader((slice(4),)), values[:4])
    np.testing.assert_array_equal(reader((slice(2, 4),)), values[2:4])
    with pytest.raises(StoreError, match="chunk 0 does not unpack"):
        reader_of(tmp_path)((slice(4),))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    with pytest.raises(StoreError, match="chunk 0 does not unpack"):
        reader((slice(4),))
    path.write_bytes(whole)
    np.testing.assert_array_equal(reader((slice(None),)), values)


def test_a_smaller_frame_is_no_chunk(tmp_path):
    write(tmp_path, np.ones((4, 6), np.uint8), rows=4, shard=None, fill=0)
    reader = reader_of(tmp_path)
    write(tmp_path, np.ones((2, 6), np.uint8), rows=2, shard=None, fill=0)
    with pytest.raises(StoreError, match="chunk 0 does not unpack to the 24 bytes"):
        reader((slice(None),))


@pytest.mark.parametrize("size", [10, 200, 300, 70_000])
def test_frames_of_every_size(tmp_path, size):
    values = np.random.default_rng(1).integers(0, 200, (3, size)).astype(np.uint8)
    write(tmp_path, values, rows=1, shard=3, fill=0)
    np.testing.assert_array_equal(reader_of(tmp_path)((slice(None),)), values)


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": ZstdCodec(level=3)},
        {"compressors": BloscCodec()},
        {"compressors": None},
        {"shards": None, "chunks": (4, 2)},
        {"shards": (8, 6), "chunks": (4, 3)},
        {"serializer": BytesCodec(endian="big")},
        {"dtype": "complex64"},
        {"chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"filters": zarr.codecs.TransposeCodec(order=(1, 0))},
        {"zarr_format": 2, "compressors": None, "shards": None},
    ],
    ids=[
        "zstd without checksum",
        "blosc",
        "no compression",
        "no shards",
        "shards in two dimensions",
        "big endian",
        "complex",
        "keys of v2",
        "transposed",
        "zarr v2",
    ],
)
def test_other_layouts_are_left_to_zarr(tmp_path, options):
    usual: dict[str, Any] = {
        "shape": (10, 6),
        "dtype": "f4",
        "chunks": (4, 6),
        "shards": (8, 6),
        "compressors": ZstdCodec(level=3, checksum=True),
    }
    zarr.create_array(store=str(tmp_path), name="x", **usual)
    assert shard_reader(tmp_path, "x") is not None
    zarr.create_array(store=str(tmp_path), name="x", overwrite=True, **(usual | options))
    assert shard_reader(tmp_path, "x") is None


@pytest.mark.parametrize("dims", [("_sequence",), ("_sequence", "_length"), ("seq_flat",)])
def test_every_array_that_is_written_can_be_read(tmp_path, dims):
    (tmp_path / "x").mkdir()
    for dtype in DTYPES:
        document = new_document(shape=(9, 5)[: len(dims)], dtype=dtype, dims=dims)
        (tmp_path / "x" / "zarr.json").write_text(json.dumps(document))
        empty = reader_of(tmp_path)((slice(0, 9),))
        fill = np.nan if np.dtype(dtype).kind == "f" else 0
        np.testing.assert_array_equal(empty, np.full_like(empty, fill))
    assert shard_reader(tmp_path, "y") is None


def dataset(n: int, dim: str = "_sequence") -> xr.Dataset:
    rng = np.random.default_rng(n)
    return xr.Dataset(
        {
            "seq": ((dim, "_length"), rng.choice(np.frombuffer(b"ACGTN", "S1"), (n, 9))),
            "cov": ((dim, "cov_sample", "_length"), rng.normal(size=(n, 2, 9)).astype("f4")),
            "last": ((dim, "_length", "t"), rng.integers(0, 9, (n, 9, 2)).astype("u2")),
            "mid": ((dim, "s", "_length", "t"), rng.normal(size=(n, 2, 9, 2)).astype("f2")),
            "label": ((dim, "s"), rng.random((n, 2)) < 0.5),
            "y": (dim, rng.normal(size=n)),
        },
        attrs={"sequence_dim": dim},
    )


def ragged(n: int) -> xr.Dataset:
    rng = np.random.default_rng(n)
    lengths = rng.integers(0, 30, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    return xr.Dataset(
        {
            "seq": ("seq_flat", rng.choice(np.frombuffer(b"ACGT", "S1"), total)),
            "seq_offsets": ("seq_edge", offsets),
            "cov": (("cov_flat", "cov_sample"), rng.normal(size=(total, 2)).astype("f4")),
            "cov_offsets": ("cov_edge", offsets),
            "y": ("_sequence", rng.normal(size=n)),
        }
    )


@pytest.mark.parametrize(
    ("kind", "dims"),
    [
        ("plain", ["_sequence"]),
        ("appended", ["_sequence"]),
        ("other name", ["row"]),
        ("pairs", ["_sequence", "s"]),
        ("pairs turned", ["s", "_sequence"]),
        ("ragged", ["_sequence"]),
    ],
)
@pytest.mark.parametrize("flip", [0.0, 0.5])
def test_a_loader_shows_what_zarr_shows(tmp_path, monkeypatch, kind, dims, flip):
    path = tmp_path / "x.zarr"
    made = (
        ragged(3000)
        if kind == "ragged"
        else dataset(5000, dims[0] if "row" in dims else "_sequence")
    )
    sd.to_zarr(made, path)
    if kind == "appended":
        sd.to_zarr(dataset(333), path, mode="a", append_dim="_sequence")
    ds = sd.open_zarr(path)
    options: dict[str, Any] = {"batch_size": 100, "shuffle": True, "rc_prob": flip}
    if kind.startswith("pairs"):
        ds = ds[["seq", "mid", "label", "y"]]
    if kind != "ragged":
        options["max_jitter"] = 2
    options |= {"in_memory": False, "buffer_bytes": 1, "index": "index"}
    direct = get_torch_dataloader(ds, dims, **options)
    assert set(direct.core.source._readers) >= {"seq", "y"}
    assert all(isinstance(r, ShardReader) for r in direct.core.source._readers.values())
    monkeypatch.setattr(_stored, "shard_reader", lambda *place: None)
    by_zarr = get_torch_dataloader(ds, dims, **options)
    assert by_zarr.core.source._readers == {}
    seen = []
    for got, want in zip(direct, by_zarr, strict=True):
        assert got.keys() == want.keys()
        for name, values in want.items():
            assert got[name].numpy().tobytes() == values.numpy().tobytes(), name
        seen.append(got["index"].numpy())
    n = np.prod([ds.sizes[d] for d in dims])
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(n))


def test_a_damaged_store_stops_the_loader(tmp_path):
    sd.to_zarr(dataset(300), tmp_path / "x.zarr")
    path = tmp_path / "x.zarr" / "cov" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    loader = get_torch_dataloader(sd.open_zarr(tmp_path / "x.zarr"), in_memory=False)
    with pytest.raises(StoreError, match=r"cov/c/0/0/0: chunk \d does not unpack"):
        list(loader)
