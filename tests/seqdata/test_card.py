"""What `Dataset.sd` shows of itself, without reading anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

import seqdata as sd


def small() -> xr.Dataset:
    letters = np.array([list("ACGT"), list("TTGA"), list("CCCC")], "S1")
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters, {"alphabet": "ACGT"})})
    ds["<i>y"] = ("_sequence", [1.5, np.nan, -2.0])
    ds["cov"] = (("_sequence", "_sample", "_length"), np.zeros((3, 2, 4), np.float32))
    return sd.splits.assign(ds, [0, 0, 2])


def test_what_it_holds() -> None:
    text = repr(small().sd)
    assert "rows                3" in text
    assert "4 bp, letters of ACGT" in text
    assert "<i>y: -2 to 1.5, 1 missing" in text
    assert "cov: 2 sample x 4 length, float32" in text
    assert "train 2, test 1" in text
    html = small().sd._repr_html_()
    assert "&lt;i&gt;y: -2 to 1.5" in html
    assert "<i>" not in html


def test_what_is_not_listed_is_counted() -> None:
    ds = small().drop_vars("cov")
    for i in range(10):
        ds[f"t{i}"] = (("_sequence", "_sample"), np.zeros((3, 2), np.float32))
        ds[f"v{i}"] = ("_sequence", np.zeros(3))
    text = repr(ds.sd)
    assert "values              3 more" in text  # ten and <i>y
    assert "along the sequence  2 more" in text


def test_nothing_is_computed(tmp_path: Path) -> None:
    def never(block: Any) -> Any:
        raise AssertionError("computed")

    ds = small()
    lazy = da.from_array(np.zeros(3), chunks=1).map_blocks(never, meta=np.zeros(0))
    letters = da.from_array(ds["seq"].values, chunks=1).map_blocks(
        never, meta=np.zeros((0, 0), "S1")
    )
    ds = ds.assign(z=("_sequence", lazy), seq=(("_sequence", "_length"), letters))
    text = repr(ds.sd)
    assert "z: float64, not read" in text
    assert "letters of an alphabet that it does not say" in text
    sd.to_zarr(small().rename({"<i>y": "y"}), tmp_path / "x.zarr")
    opened = sd.open_zarr(tmp_path / "x.zarr")
    assert str(tmp_path / "x.zarr") in repr(opened.sd)
    assert "4 bp, letters of ACGT" in opened.sd._repr_html_()


def test_a_dataset_of_nothing() -> None:
    assert "rows" in repr(xr.Dataset().sd)
