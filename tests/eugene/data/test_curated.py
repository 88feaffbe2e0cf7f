from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import seqdata as sd
from eugene.data import sources
from eugene.data.sources import SourceError
from seqdata.errors import SeqdataError


def test_a_curated_dataset_by_name(tmp_path: Path) -> None:
    ds = sources.dataset("random1000", options={"n": 30}, cache_dir=tmp_path)
    same = sd.datasets.get("random1000", n=30, cache_dir=tmp_path)
    np.testing.assert_array_equal(ds["seq"].values, same["seq"].values)
    assert ds.attrs["dataset"] == "random1000"
    store = tmp_path / "x.zarr"
    there = sources.dataset("random1000", options={"n": 30}, cache_dir=tmp_path, out=store)
    assert there.encoding["source"] == str(store)
    with pytest.raises(SeqdataError, match=r"x\.zarr exists"):
        sources.dataset("random1000", options={"n": 30}, cache_dir=tmp_path, out=store)
    again = sources.dataset(
        "random1000", options={"n": 20}, cache_dir=tmp_path, out=store, overwrite=True
    )
    assert again.sizes["_sequence"] == 20


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hg38", "'hg38' is a genome; .*random1000.* `name: regions`"),
        ("hocomoco12", "'hocomoco12' is a set of motifs, .*needs sequences: random1000"),
    ],
)
def test_what_no_network_is_trained_on(name: str, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        sources.dataset(name)


def test_names_and_options_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SeqdataError, match="Did you mean 'jores21'"):
        sources.dataset("jores")
    with pytest.raises(SeqdataError, match="nn"):
        sources.dataset("random1000", options={"nn": 3}, cache_dir=tmp_path)
