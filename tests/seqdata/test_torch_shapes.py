"""Rows of any length, and rows of several dimensions, in memory and on disk."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
import seqpro as sp
from seqdata.errors import SeqdataError
from seqdata.torch import SequenceLoader, get_torch_dataloader

LETTERS = np.frombuffer(b"ACGT", "S1")


def ragged(n: int = 70, seed: int = 0, longest: int = 40) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    return xr.Dataset(
        {
            "seq": ("_seq_flat", rng.choice(LETTERS, total), {"kind": "sequence"}),
            "seq_offsets": ("_seq_offsets", offsets),
            "cov": (("_cov_flat", "cov_sample"), rng.random((total, 2)).astype(np.float32)),
            "cov_offsets": ("_cov_offsets", offsets),
            "half": ("_half_flat", rng.random(total).astype(np.float16)),
            "half_offsets": ("_half_offsets", offsets),
            "y": ("_sequence", rng.random(n).astype(np.float32)),
        },
        coords={
            "cov_sample": ["plus", "minus"],
            "cov_pair": ("cov_sample", ["minus", "plus"]),
        },
    )


def lazy(ds: xr.Dataset, size: int) -> xr.Dataset:
    return ds.chunk({"_seq_flat": size, "_cov_flat": size + 3, "_half_flat": size})


def check(loader: SequenceLoader, ds: xr.Dataset, *, turned: bool = False) -> list[int]:
    """Compare every row of every batch with the row as it is stored; return the rows."""
    stored = {name: list(ds.sd.rows(name)) for name in ("seq", "cov", "half")}
    seen: list[int] = []
    for batch in loader:
        lengths = batch["seq_length"].numpy()
        assert batch["seq"].shape[1] == lengths.max() == batch["cov"].shape[2]
        assert batch["cov"].shape[1] == 2
        for i, row in enumerate(batch["index"].tolist()):
            seq, cov, half = (stored[name][row] for name in ("seq", "cov", "half"))
            if turned:
                seq = sp.reverse_complement(seq[None], sp.DNA, length_axis=1)[0]
                cov, half = cov[::-1, ::-1], half[::-1]
            k = lengths[i]
            assert k == len(seq)
            assert batch["seq"][i, :k].numpy().tobytes() == seq.tobytes()
            np.testing.assert_array_equal(batch["cov"][i, :, :k].numpy(), cov)
            np.testing.assert_array_equal(batch["half"][i, :k].numpy(), half)
            assert not batch["seq"][i, k:].any()
            assert not batch["cov"][i, :, k:].any()
            assert batch["y"][i] == ds["y"].values[row]
        seen += batch["index"].tolist()
    return seen


@pytest.mark.parametrize("mode", ["memory", "stream", "memmap"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_rows_of_any_length(mode, turned, workers, tmp_path):
    ds = ragged()
    how: dict[str, Any] = {
        "memory": {},
        "stream": {"in_memory": False, "buffer_bytes": 1},
        "memmap": {"cache": "memmap", "cache_dir": tmp_path},
    }[mode]
    loader = get_torch_dataloader(
        ds if mode == "memory" else lazy(ds, 100),
        batch_size=8,
        shuffle=True,
        rc_prob=float(turned),
        index="index",
        num_workers=workers,
        **how,
    )
    for _ in range(2):
        assert sorted(check(loader, ds, turned=turned)) == list(range(70))


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 50),
    batch_size=st.integers(1, 60),
    chunk=st.integers(1, 200),
    longest=st.integers(2, 90),
    shuffle=st.booleans(),
    small=st.booleans(),
)
def test_flat_rows_are_streamed_in_blocks(n, batch_size, chunk, longest, shuffle, small):
    from seqdata.loading import _source

    before = _source._RAGGED_BYTES
    _source._RAGGED_BYTES = 400 if small else before
    try:
        ds = ragged(n, longest=longest)
        loader = get_torch_dataloader(
            lazy(ds, chunk),
            batch_size=batch_size,
            shuffle=shuffle,
            index="index",
            in_memory=False,
            buffer_bytes=1,
        )
        rows = check(loader, ds)
    finally:
        _source._RAGGED_BYTES = before
    assert sorted(rows) == list(range(n))
    assert len(loader) == -(-n // batch_size)


@pytest.mark.parametrize("mode", ["memory", "stream"])
def test_resume_with_rows_of_any_length(mode):
    ds = ragged() if mode == "memory" else lazy(ragged(), 64)
    options: dict[str, Any] = {"batch_size": 9, "shuffle": True, "index": "index"}
    options |= {"in_memory": mode == "memory", "rc_prob": 0.5}
    whole = list(get_torch_dataloader(ds, **options))
    first = get_torch_dataloader(ds, **options)
    batches = iter(first)
    for _ in range(3):
        next(batches)
    again = get_torch_dataloader(ds, **options)
    again.load_state_dict(first.state_dict())
    for a, b in zip(again, whole[3:], strict=True):
        assert all(np.array_equal(a[k], b[k]) for k in b)


def test_rows_of_a_built_store(tmp_path: Path):
    rng = np.random.default_rng(3)
    letters = ["".join(rng.choice(list("ACGT"), k)) for k in (5, 6, 7, 4, 90, 5)]
    pd.DataFrame({"s": letters, "y": np.arange(6.0)}).to_csv(tmp_path / "t.csv", index=False)
    ds = sd.from_flat_files(
        sd.Table("seq", tmp_path / "t.csv", "s"), path=tmp_path / "x.zarr", fixed_length=False
    )
    assert "seq_offsets" in ds.variables
    for in_memory in (True, False):
        loader = get_torch_dataloader(ds, batch_size=4, in_memory=in_memory)
        batches = list(loader)
        assert [tuple(b["seq"].shape) for b in batches] == [(4, 7), (2, 90)]
        got = [
            bytes(row[:k].numpy()).decode()
            for b in batches
            for row, k in zip(b["seq"], b["seq_length"].tolist(), strict=True)
        ]
        assert got == letters


def test_mistakes_with_flat_rows():
    ds = ragged(6)
    with pytest.raises(SeqdataError, match="choosing rows does not reach it"):
        get_torch_dataloader(ds.isel(_sequence=[1, 2]), variables=["seq", "y"])
    with pytest.raises(SeqdataError, match="rows of different lengths cannot be jittered"):
        get_torch_dataloader(ds, max_jitter=1)
    with pytest.raises(SeqdataError, match="must rise from 0"):
        get_torch_dataloader(ds.assign(seq_offsets=ds["seq_offsets"] + 1), variables=["seq"])
    text = ds.assign(name=("_seq_flat", np.full(ds.sizes["_seq_flat"], "a")))
    text = text.assign(name_offsets=ds["seq_offsets"])
    with pytest.raises(SeqdataError, match="is of type <U1"):
        get_torch_dataloader(text, variables=["name"])


def pairs(n: int = 57) -> xr.Dataset:
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), rng.choice(LETTERS, (n, 24))),
            "cov": (
                ("_sequence", "cov_sample", "_length"),
                rng.normal(size=(n, 3, 24)).astype(np.float32),
            ),
            "depth": ("cov_sample", np.array([1.0, 2.0, 4.0], np.float32)),
            "y": ("_sequence", rng.normal(size=n).astype(np.float32)),
        }
    )


Chunked = Literal["_sequence", "cov_sample"]


LAZY = list(itertools.product(["_sequence", "cov_sample"], [None, "memmap"], [0, 1]))


@pytest.mark.parametrize("chunked, cache, workers", [(None, None, 0), *LAZY])
@pytest.mark.parametrize("dims", [["_sequence", "cov_sample"], ["cov_sample", "_sequence"]])
def test_rows_of_two_dimensions(dims, chunked: Chunked | None, cache, workers, tmp_path):
    ds = pairs()
    how: dict[str, Any] = {}
    if chunked is not None:
        sizes = {"_sequence": 10} if chunked == "_sequence" else {"cov_sample": 1}
        how = {"cache": cache, "cache_dir": tmp_path} if cache else {"in_memory": False}
        ds = ds.chunk(sizes)
    loader = get_torch_dataloader(
        ds,
        dims,
        ["seq", "cov", "depth", "y"],
        batch_size=10,
        shuffle=True,
        index="i",
        buffer_bytes=1,
        num_workers=workers,
        max_jitter=2,
        **how,
    )
    batches = list(loader)
    got = {k: np.concatenate([b[k].numpy() for b in batches]) for k in batches[0]}
    assert sorted(got["i"]) == list(range(57 * 3))
    index = dict(zip(dims, np.unravel_index(got["i"], [ds.sizes[d] for d in dims]), strict=True))
    row, sample = index["_sequence"], index["cov_sample"]
    np.testing.assert_array_equal(got["y"], ds["y"].values[row])
    np.testing.assert_array_equal(got["depth"], ds["depth"].values[sample])
    cov, seq = ds["cov"].values, ds["seq"].values.view(np.uint8)
    for k in range(len(row)):
        places = [
            s
            for s in range(5)
            if (cov[row[k], sample[k], s : s + 20] == got["cov"][k]).all()
            and (seq[row[k], s : s + 20] == got["seq"][k]).all()
        ]
        assert len(places) == 1
