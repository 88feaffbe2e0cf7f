"""Decoded copies that were damaged or left behind, empty signal, regions that lead nowhere."""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd
from seqdata.errors import SeqdataError
from seqdata.store import working_path

X = np.random.default_rng(2).integers(0, 200, (6000, 200)).astype("u1")


def decoded(tmp_path: Path) -> int:
    ds = sd.open_zarr(tmp_path / "x.zarr")
    loader = sd.get_torch_dataloader(
        ds, variables=["x"], batch_size=500, cache="memmap", cache_dir=tmp_path / "c"
    )
    return sum(int(batch["x"].sum()) for batch in loader)


@pytest.mark.parametrize("how", ["cut", "empty", "head", "a value", "no sum", "the sum"])
def test_damaged_decoded_copy(tmp_path: Path, how: str) -> None:
    sd.to_zarr(xr.Dataset({"x": (("_sequence", "_length"), X)}), tmp_path / "x.zarr")
    wanted = int(X.sum())
    assert decoded(tmp_path) == wanted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decoded(tmp_path) == wanted
    (copy,) = (tmp_path / "c").rglob("*.npy")
    (note,) = (tmp_path / "c").rglob("*.sum")
    raw = bytearray(copy.read_bytes())
    state = copy.stat()
    if how == "cut":
        raw = raw[:-999]
    elif how == "empty":
        raw = bytearray()
    elif how == "head":
        raw[:8] = b"\x93NUMPYxx"
    elif how == "a value":
        raw[-7] ^= 1
    elif how == "no sum":
        note.unlink()
    else:
        note.write_text("nonsense")
    if how not in ("no sum", "the sum"):
        copy.write_bytes(raw)
        os.utime(copy, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.warns(sd.SeqdataWarning, match=r"npy, a decoded copy, .* is made again"):
        assert decoded(tmp_path) == wanted


def test_what_a_killed_process_decoded_is_removed(tmp_path: Path) -> None:
    sd.to_zarr(xr.Dataset({"x": (("_sequence", "_length"), X)}), tmp_path / "x.zarr")
    folder = tmp_path / "c" / "decoded"
    left = working_path(folder / "unnamed", "building")
    left.mkdir(parents=True)
    (left / "0.npy").write_bytes(b"left")
    alive = left.with_name(left.name)
    # the number of a process that is no more
    gone = left.rename(left.with_name(left.name.replace(f"-{os.getpid()}-", "-4194301-")))
    alive.mkdir()
    ds = sd.open_zarr(tmp_path / "x.zarr")
    loader = sd.get_torch_dataloader(
        ds.assign(z=ds["x"] * 1), variables=["z"], batch_size=500, cache="memmap",
        cache_dir=tmp_path / "c",
    )  # fmt: skip
    assert sum(int(batch["z"].sum()) for batch in loader) == int(X.sum())
    assert not gone.exists()
    assert alive.exists()


@pytest.mark.parametrize("how", ["no index", "an empty leaf"])
def test_empty_bigwig(tmp_path: Path, how: str) -> None:
    path = tmp_path / "x.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("c", 1000)])
    if how == "an empty leaf":
        raw = bytearray(path.read_bytes())
        struct.pack_into("<Q", raw, 24, len(raw))
        raw += struct.pack("<IIQIIIIQII", 0x2468ACE0, 256, 0, 0, 0, 0, 0, 0, 1, 0)
        path.write_bytes(raw + struct.pack("<BBH", 1, 0, 0))
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [10], "chromEnd": [60]})
    ds = sd.from_region_files(
        sd.BigWig("x", path, "s"), path=tmp_path / "x.zarr", bed=bed, fixed_length=50
    )
    assert ds["x"].values.tolist() == [[[0.0] * 50]]


def test_a_bigwig_whose_index_was_lost(tmp_path: Path) -> None:
    """Values without an index are no empty file."""
    path = tmp_path / "x.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("c", 1000)])
        out.addEntries(["c"], [5], ends=[50], values=[2.0])
    raw = bytearray(path.read_bytes())
    raw[24:32] = bytes(8)
    path.write_bytes(raw)
    with pytest.raises(SeqdataError, match="damaged"):
        sd.BigWig("x", path, "s")


ENDS = {
    "largest int": (1, 2**31 - 1), "largest unsigned": (1, 2**32 - 1), "largest long": (1, 2**62),
    "both": (2**31 - 60, 2**31 - 1),
}  # fmt: skip


@pytest.mark.parametrize("fixed", [False, 50])
@pytest.mark.parametrize("case", ENDS)
def test_a_bound_that_stands_for_the_end(tmp_path: Path, case: str, fixed: bool | int) -> None:
    (tmp_path / "g.fa").write_text(">c\n" + "ACGT" * 200 + "\n")
    start, end = ENDS[case]
    bed = pd.DataFrame({"chrom": ["c", "c"], "chromStart": [5, start], "chromEnd": [60, end]})
    with pytest.raises(SeqdataError, match=r"leads far off its contig|holds"):
        sd.from_region_files(
            sd.GenomeFASTA("s", tmp_path / "g.fa"), path=tmp_path / "x.zarr", bed=bed,
            fixed_length=fixed,
        )  # fmt: skip
    assert not (tmp_path / "x.zarr").exists()
