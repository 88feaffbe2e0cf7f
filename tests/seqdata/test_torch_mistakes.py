"""Settings of the loader that cannot be, and what it says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from seqdata.errors import SeqdataError
from seqdata.torch import get_torch_dataloader


def make(n: int = 57, width: int = 24, seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), rng.choice(np.frombuffer(b"ACGT", "S1"), (n, width))),
            "cov": (
                ("_sequence", "cov_sample", "_length"),
                rng.normal(size=(n, 3, width)).astype(np.float32),
            ),
            "mask": (("_sequence", "_length"), rng.integers(0, 2, (n, width)).astype(np.uint8)),
            "counts": (("_sequence", "cov_sample"), rng.normal(size=(n, 3)).astype(np.float32)),
            "y": ("_sequence", rng.normal(size=n)),
        },
        coords={
            "cov_sample": ["plus", "minus", "input"],
            "cov_pair": ("cov_sample", ["minus", "plus", ""]),
        },
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variables": ["sek"]}, "'sek' is not in the dataset. Did you mean 'seq'"),
        ({"sample_dims": "_seq"}, "sample dimension '_seq' is not in the dataset"),
        ({"batch_size": 0}, "batch_size is 0: expected a whole number"),
        ({"rank": 2, "world_size": 2}, "rank is 2 of world_size 2"),
        ({"rc_prob": 2.0}, "rc_prob is 2.0"),
        ({"shuffle": True, "sampler": [0]}, "give only one of"),
        ({"indices": [57]}, "row 57 is outside the dataset, which has rows 0 to 56"),
        ({"indices": [0.5]}, "expected whole numbers"),
        ({"max_jitter": 12}, "too few for windows"),
        ({"length": 30, "max_jitter": 0}, "too few for windows"),
        ({"variables": ["cov_pair"]}, "none of the sample dimensions"),
    ],
)
def test_mistakes_are_explained(options, message):
    with pytest.raises(SeqdataError, match=message):
        get_torch_dataloader(make(), **options)


def test_more_mistakes():
    ds = make()
    with pytest.raises(SeqdataError, match="is of type <U"):
        get_torch_dataloader(
            ds.assign(name=("_sequence", [f"s{i}" for i in range(57)])), variables=["name"]
        )
    protein = ds[["seq"]].copy()
    protein["seq"].attrs["alphabet"] = "ACDEFGHIKLMNPQRSTVWY"
    with pytest.raises(SeqdataError, match="only nucleotides"):
        get_torch_dataloader(protein, rc_prob=0.5)
    with pytest.raises(SeqdataError, match="all lengths even or all odd"):
        get_torch_dataloader(ds, max_jitter=0, lengths={"cov": 7}, rc_prob=0.5)
    with pytest.raises(SeqdataError, match="expected a dictionary"):
        next(iter(get_torch_dataloader(ds, variables=["y"], transform=lambda b: list(b))))


def test_pairs_that_are_no_pairs_are_refused():
    ds = make()[["cov"]].assign_coords(cov_pair=("cov_sample", ["minus", "input", "plus"]))
    with pytest.raises(SeqdataError, match="is no pairing of"):
        get_torch_dataloader(ds, rc_prob=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_jitter": -1}, "max_jitter is -1"),
        ({"length": 10}, "length is 10, but rows of 'seq' are 24 bp.*max_jitter=0"),
        ({"lengths": {"sqe": 10}}, "lengths names 'sqe'.*Did you mean 'seq'"),
        ({"index": "y"}, "index='y' takes the name"),
    ],
)
def test_options_that_would_be_ignored(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SeqdataError, match=message):
        get_torch_dataloader(make(), variables=["seq", "y"], **options)


def test_letters_that_where_made_objects() -> None:
    ds = xr.Dataset(
        {"seq": (("_sequence", "_length"), np.array([[b"A"], [b"C"]]), {"kind": "sequence"})}
    )
    chosen = ds.where(xr.DataArray([True, False], dims="_sequence"), drop=True)
    with pytest.raises(SeqdataError, match=r"xarray's `where`: choose rows with ds\.isel"):
        get_torch_dataloader(chosen, variables=["seq"])
