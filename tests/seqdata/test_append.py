from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore, WrapperStore

import seqdata as sd
from seqdata.errors import DiskFullError, StoreError
from seqdata.schema import coded_coordinate
from seqdata.store import _shards

ROWS = 100


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SHARD_ROWS", 8), ("INNER_ROWS", 4), ("FLAT_ROWS", 8), ("FLAT_ITEMS", 64)):
        monkeypatch.setattr(_shards, name, value)


def dataset() -> xr.Dataset:
    rng = np.random.default_rng(0)
    chrom = rng.choice(["chr1", "chr2", "chrX"], ROWS)
    return xr.Dataset(
        {
            "seq": (
                ("_sequence", "_length"),
                rng.choice(np.frombuffer(b"ACGTN", "S1"), (ROWS, 6)),
                {"kind": "sequence", "alphabet": "ACGT"},
            ),
            "cov": (("_sequence", "s", "_length"), rng.random((ROWS, 2, 6), dtype=np.float32)),
            "zeros": (("_sequence", "_length"), np.zeros((ROWS, 6), np.int16)),
            "y": ("_sequence", rng.random(ROWS)),
            "name": ("_sequence", np.array([f"r{i}" for i in range(ROWS)], object)),
            "pfm": (("w",), rng.random(4)),
        },
        coords={"s": ["a", "b"], "chrom": coded_coordinate(chrom)},
        attrs={"max_jitter": 0, "provenance": {"files": ["x"]}},
    )


def chunks(folder: Path) -> dict[str, bytes]:
    files = [f for f in folder.rglob("*") if f.is_file() and f.name != "zarr.json"]
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


def same(found: xr.Dataset, expected: xr.Dataset) -> None:
    expected = sd.schema.with_names(expected)
    assert set(found.variables) == set(expected.variables)
    for name in expected.variables:
        np.testing.assert_array_equal(
            np.asarray(found[name].values).astype(str),
            np.asarray(expected[name].values).astype(str),
        )


# ------------------------------------------------------------------ rows


@pytest.mark.parametrize("cuts", [[16], [1], [50, 99], [3, 5, 16, 17, 64]])
@pytest.mark.parametrize("lazy", [False, True])
def test_rows_in_parts_are_rows_at_once(tmp_path: Path, cuts: list[int], lazy: bool) -> None:
    ds = dataset()
    whole = ds.chunk({"_sequence": 7}) if lazy else ds
    sd.to_zarr(ds, tmp_path / "a.zarr")
    for begin, end in zip([0, *cuts], [*cuts, ROWS], strict=True):
        part = whole.isel(_sequence=slice(begin, end))
        sd.to_zarr(part, tmp_path / "b.zarr", mode="a", append_dim="_sequence")
    assert chunks(tmp_path / "a.zarr") == chunks(tmp_path / "b.zarr")
    found = sd.open_zarr(tmp_path / "b.zarr")
    same(found, ds)
    assert found["seq"].attrs == ds["seq"].attrs
    appended = found.attrs["provenance"]["appended"]
    assert [entry["rows"] for entry in appended] == np.diff([*cuts, ROWS]).tolist()
    assert appended[0]["files"] == ["x"]
    plain = xr.open_zarr(tmp_path / "b.zarr", consolidated=True)
    assert plain.sizes["_sequence"] == ROWS
    assert plain.attrs["complete"] is True
    unconsolidated = zarr.open_group(tmp_path / "b.zarr", mode="r", use_consolidated=False)
    assert unconsolidated["cov"].shape == (ROWS, 2, 6)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_object_stores_take_rows(tmp_path: Path) -> None:
    ds, memory = dataset(), MemoryStore()
    sd.to_zarr(ds[{"_sequence": slice(0, 30)}], memory, mode="a")
    sd.to_zarr(ds[{"_sequence": slice(30, ROWS)}], memory, mode="a", append_dim="_sequence")
    same(sd.open_zarr(memory), ds)
    url = f"memory://{tmp_path.name}/x.zarr"
    sd.to_zarr(ds[{"_sequence": slice(0, 30)}], url, mode="a", append_dim="_sequence")
    sd.to_zarr(ds[{"_sequence": slice(30, ROWS)}], url, mode="a", append_dim="_sequence")
    same(sd.open_zarr(url), ds)
    assert sd.open_zarr(memory).sizes == sd.open_zarr(url).sizes == ds.sizes


def test_a_store_takes_its_own_rows(tmp_path: Path) -> None:
    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    ds = sd.open_zarr(tmp_path / "x.zarr")
    sd.to_zarr(ds, tmp_path / "x.zarr", mode="a", append_dim="_sequence")
    found = sd.open_zarr(tmp_path / "x.zarr")
    assert found.sizes["_sequence"] == 2 * ROWS
    for part in (slice(0, ROWS), slice(ROWS, None)):
        same(found.isel(_sequence=part), dataset())


def test_codes_are_matched_by_name(tmp_path: Path) -> None:
    one = xr.Dataset(coords={"chrom": coded_coordinate(["chr1", "chr2"])})
    two = xr.Dataset(coords={"chrom": coded_coordinate(["chr3", "chr2", "chr1"])})
    for ds in (one, two):
        sd.to_zarr(ds, tmp_path / "x.zarr", mode="a", append_dim="_sequence")
    found = sd.open_zarr(tmp_path / "x.zarr")
    assert found.sd.labels("chrom").tolist() == ["chr1", "chr2", "chr3", "chr2", "chr1"]
    assert found.sd.codes("chrom") == {"chr1": 0, "chr2": 1, "chr3": 2}
    many = xr.Dataset(coords={"chrom": coded_coordinate([f"c{i}" for i in range(127)])})
    with pytest.raises(StoreError, match="codes of 'chrom' would be 130, more than its type int8"):
        sd.to_zarr(many, tmp_path / "x.zarr", mode="a", append_dim="_sequence")


@pytest.mark.parametrize("flat", [False, True])
def test_rows_of_any_length(tmp_path: Path, flat: bool) -> None:
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("ACGT"), rng.integers(2, 12))) for _ in range(90)]
    rows[0] = "ACGT" * (20 if flat else 3)
    rows[60] = "ACGT" * (20 if flat else 2)
    for i, part in enumerate((rows[:50], rows[50:], rows)):
        table = tmp_path / f"{i}.csv"
        pd.DataFrame({"sequence": part, "n": np.arange(len(part))}).to_csv(table, index=False)
        sd.from_flat_files(
            sd.Table("seq", table, "sequence"), path=tmp_path / f"{i}.zarr", fixed_length=False
        )
    assert ("seq_offsets" in sd.open_zarr(tmp_path / "0.zarr")) == flat
    rest = sd.open_zarr(tmp_path / "1.zarr")
    sd.to_zarr(rest, tmp_path / "0.zarr", mode="a", append_dim="_sequence")
    found = sd.open_zarr(tmp_path / "0.zarr")
    assert [row.tobytes().decode() for row in found.sd.rows("seq")] == rows
    at_once, parts = chunks(tmp_path / "2.zarr"), chunks(tmp_path / "0.zarr")
    for name in ("seq", "seq_length", *(["seq_offsets"] if flat else [])):
        assert {k: v for k, v in parts.items() if k.startswith(f"{name}/")} == {
            k: v for k, v in at_once.items() if k.startswith(f"{name}/")
        }


def change(what: str) -> xr.Dataset:
    ds = dataset()[{"_sequence": slice(0, 9)}]
    changes: dict[str, Any] = {
        "missing": lambda: ds.drop_vars("y"),
        "extra": lambda: ds.assign(z=ds["y"]),
        "sample": lambda: ds.assign_coords(s=["a", "c"]),
        "new coordinate": lambda: ds.assign(other=("k", [1.0])),
        "length": lambda: ds.isel(_length=slice(0, 5)),
        "dims": lambda: ds.assign(cov=ds["cov"].transpose("_sequence", "_length", "s")),
        "type": lambda: ds.assign(zeros=ds["zeros"].astype(float)),
        "text": lambda: ds.assign(y=ds["name"]),
        "alphabet": lambda: ds.assign(seq=ds["seq"].assign_attrs(alphabet="ACGU")),
        "jitter": lambda: ds.assign_attrs(max_jitter=4),
    }
    return changes[what]()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", r"\['y'\] are missing in the rows"),
        ("extra", r"\['z'\] are missing in .*x\.zarr. Leave them out, or write"),
        ("sample", "'s' has other values in"),
        ("new coordinate", "'other' of the rows to append is not in .*x.zarr"),
        ("length", "size of '_length' is 6 in the store and 5 in the rows"),
        ("dims", r"dimensions is \('_sequence', 's', '_length'\) in the store"),
        ("type", "'zeros' does not fit .*: type is int16 in the store and float64 in"),
        ("text", "type is float64 in the store and text in"),
        ("alphabet", "alphabet is ACGT in the store and ACGU in"),
        ("jitter", "max_jitter is 0 in the store and 4 in"),
    ],
)
def test_rows_that_do_not_fit(tmp_path: Path, what: str, message: str) -> None:
    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    before = chunks(tmp_path / "x.zarr")
    with pytest.raises(StoreError, match=message):
        sd.to_zarr(change(what), tmp_path / "x.zarr", mode="a", append_dim="_sequence")
    assert chunks(tmp_path / "x.zarr") == before
    same(sd.open_zarr(tmp_path / "x.zarr"), dataset())
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]


def test_modes_that_exclude_each_other(tmp_path: Path) -> None:
    ds = dataset()
    sd.to_zarr(ds, tmp_path / "x.zarr")
    with pytest.raises(StoreError, match="pass mode='a' with it"):
        sd.to_zarr(ds, tmp_path / "x.zarr", append_dim="_sequence")
    with pytest.raises(StoreError, match="pass one of them"):
        sd.to_zarr(ds, tmp_path / "x.zarr", mode="a", overwrite=True)
    with pytest.raises(StoreError, match=r"runs along 'sequence' first\. Did you mean '_sequence'"):
        sd.to_zarr(ds, tmp_path / "x.zarr", mode="a", append_dim="sequence")


# ------------------------------------------------------------------ variables


def test_new_variables(tmp_path: Path) -> None:
    ds = dataset()
    sd.to_zarr(ds, tmp_path / "x.zarr")
    new = xr.Dataset(
        {
            "prediction": ("_sequence", np.arange(float(ROWS))),
            "attribution": (("_sequence", "_ohe", "_length"), np.ones((ROWS, 4, 6), np.float32)),
            "loss": ((), 0.5),
        },
        coords={"chrom": ds["chrom"], "task": ("_sequence", ["t"] * ROWS)},
    )
    sd.to_zarr(new, tmp_path / "x.zarr", mode="a")
    found = sd.open_zarr(tmp_path / "x.zarr")
    same(found, ds.assign(new.drop_vars("chrom")))
    assert set(found.coords) == {"s", "chrom", "task"}
    assert found.attrs["max_jitter"] == 0
    with pytest.raises(StoreError, match=r"\['y'\] are in .* not replaced.*ds\[\['z'\]\]"):
        sd.to_zarr(ds[["y"]].assign(z=ds["y"]), tmp_path / "x.zarr", mode="a")
    with pytest.raises(StoreError, match=r"'_sequence' is 100 in .* and 3 here"):
        sd.to_zarr(xr.Dataset({"z": ("_sequence", np.arange(3))}), tmp_path / "x.zarr", mode="a")
    other = new[["loss"]].rename(loss="q").assign_coords(chrom=ds["chrom"] * 0)
    with pytest.raises(StoreError, match="'chrom' has other values"):
        sd.to_zarr(other, tmp_path / "x.zarr", mode="a")


def test_stores_of_other_tools(tmp_path: Path) -> None:
    xr.Dataset({"y": ("_sequence", np.arange(3))}).to_zarr(
        tmp_path / "x.zarr", zarr_format=3, consolidated=False
    )
    with pytest.raises(StoreError, match="no completeness mark"):
        sd.to_zarr(dataset(), tmp_path / "x.zarr", mode="a")


# ------------------------------------------------------------------ failures


KILLED = """
import os, signal, sys
import seqdata as sd
from seqdata.store import _append
from seqdata.store import _shards
_shards.SHARD_ROWS, _shards.INNER_ROWS, _shards.FLAT_ROWS, _shards.FLAT_ITEMS = 8, 4, 8, 64
left = [int(sys.argv[3])]

def counted(put):
    def tell(*args):
        # -1: the documents of all arrays are there, only that of the root is not
        if not left[0] or (left[0] < 0 and args[1] == "zarr.json"):
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return put(*args)
    return tell

_shards.put_bytes = counted(_shards.put_bytes)
_append.put_json = counted(_append.put_json)
rows = sd.open_zarr(sys.argv[1])
sd.to_zarr(rows, sys.argv[2], mode="a", append_dim="_sequence" if sys.argv[4] == "rows" else None)
"""


@pytest.mark.parametrize(("what", "kill_at"), [("rows", 9), ("rows", -1), ("variables", 5)])
def test_killed_while_growing(tmp_path: Path, what: str, kill_at: int) -> None:
    ds = dataset()
    if what == "rows":
        old, new = ds[{"_sequence": slice(0, 35)}], ds[{"_sequence": slice(35, None)}]
    else:
        ds = ds[["seq", "pfm", "y", "cov"]]
        old, new = ds[["seq", "pfm"]], ds[["y", "cov"]]
    sd.to_zarr(old, tmp_path / "x.zarr")
    sd.to_zarr(new, tmp_path / "new.zarr")
    place = tmp_path / "x.zarr"
    arguments = [str(tmp_path / "new.zarr"), str(place), str(kill_at), what]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert done.returncode == -9
    same(sd.open_zarr(place), old)
    # a second try with fewer rows leaves nothing of the first
    if what == "rows":
        new = new.isel(_sequence=slice(0, 20))
        ds = ds.isel(_sequence=slice(0, 55))
    sd.to_zarr(new, place, mode="a", append_dim="_sequence" if what == "rows" else None)
    same(sd.open_zarr(place), ds)
    sd.to_zarr(ds, tmp_path / "whole.zarr")
    assert chunks(place) == chunks(tmp_path / "whole.zarr")
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


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


@pytest.mark.parametrize("room", [0, 1, 10, 30, 50])
def test_no_room_for_more(room: int) -> None:
    ds, memory = dataset(), MemoryStore()
    old = ds[{"_sequence": slice(0, 35)}]
    sd.to_zarr(old, memory)
    keys = set(memory._store_dict)
    with pytest.raises(DiskFullError, match=r"No room left .* as it was before"):
        sd.to_zarr(ds, FullStore(memory, [room]), mode="a", append_dim="_sequence")
    same(sd.open_zarr(memory), old)
    assert set(memory._store_dict) == keys


def test_two_who_append(tmp_path: Path) -> None:
    from seqdata.store import lock_of

    sd.to_zarr(dataset(), tmp_path / "x.zarr")
    with (
        lock_of(tmp_path / "x.zarr"),
        pytest.raises(StoreError, match=f"being built by process {os.getpid()}"),
    ):
        sd.to_zarr(dataset(), tmp_path / "x.zarr", mode="a", append_dim="_sequence")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]
