"""Rows chosen anew for every epoch: peaks with negatives, and by weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import SeqdataError
from seqdata.loading._order import hashed_order
from seqdata.torch import RatioSampler, WeightedSampler, get_torch_dataloader


def make(n: int = 200, peaks: int = 40) -> xr.Dataset:
    rng = np.random.default_rng(0)
    label = np.zeros(n, bool)
    label[rng.permutation(n)[:peaks]] = True
    return xr.Dataset(
        {
            "x": (("_sequence", "_length"), rng.random((n, 4)).astype(np.float32)),
            "is_peak": ("_sequence", label),
            "w": ("_sequence", rng.random(n)),
        }
    )


def rows_of(loader: Any) -> np.ndarray:
    batches = [b["i"].numpy() for b in loader]
    assert len(batches) == len(loader)
    return np.concatenate(batches)


@pytest.mark.parametrize("ratio", [0, 0.5, 1, 3])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("workers", [0, 1])
def test_all_peaks_once_and_fresh_negatives(ratio, streamed, workers):
    ds = make()
    label = ds["is_peak"].values
    how: dict[str, Any] = {"in_memory": False, "buffer_bytes": 1} if streamed else {}
    loader = sd.get_torch_dataloader(
        ds.chunk({"_sequence": 30}) if streamed else ds,
        variables=["x"],
        sampler=sd.torch.RatioSampler("is_peak", ratio=ratio),
        shuffle=True,
        batch_size=16,
        index="i",
        num_workers=workers,
        **how,
    )
    epochs = [rows_of(loader) for _ in range(3)]
    for rows in epochs:
        assert sorted(rows[label[rows]]) == np.flatnonzero(label).tolist()
        negatives = rows[~label[rows]]
        assert len(set(negatives)) == len(negatives) == round(ratio * 40)
    if ratio:
        drawn = [set(rows[~label[rows]]) for rows in epochs]
        assert drawn[0] != drawn[1] != drawn[2]
    loader.set_epoch(1)
    assert rows_of(loader).tolist() == epochs[1].tolist()


@settings(max_examples=40, deadline=None)
@given(
    batch_size=st.integers(1, 90),
    epoch=st.integers(0, 4),
    chunk=st.integers(1, 80),
    world=st.integers(1, 4),
)
def test_the_draw_depends_on_seed_and_epoch_alone(batch_size, epoch, chunk, world):
    ds = make(90, 20)
    want = RatioSampler("is_peak").bind(ds, np.arange(90), 5)(epoch)
    seen = []
    for rank in range(world):
        loader = get_torch_dataloader(
            ds.chunk({"_sequence": chunk}),
            variables=["x"],
            sampler=RatioSampler("is_peak"),
            shuffle=True,
            batch_size=batch_size,
            seed=5,
            index="i",
            rank=rank,
            world_size=world,
            in_memory=False,
            buffer_bytes=1,
        )
        loader.set_epoch(epoch)
        seen.append(rows_of(loader))
    assert len({len(rows) for rows in seen}) == 1
    assert sorted(set(np.concatenate(seen))) == want.tolist()


def test_negatives_come_about_equally_often():
    ds = make(120, 20)
    selection = RatioSampler("is_peak").bind(ds, np.arange(120), 0)
    counts = np.zeros(120)
    for epoch in range(500):
        counts[selection(epoch)] += 1
    negatives = counts[~ds["is_peak"].values]
    assert (counts[ds["is_peak"].values] == 500).all()
    # 20 of 100 are drawn each time: 100 times each, give or take
    assert negatives.min() > 60
    assert negatives.max() < 140


def test_only_the_rows_asked_for_are_drawn():
    ds = make()
    chosen = np.arange(0, 200, 2)
    loader = get_torch_dataloader(
        ds, variables=["x"], sampler=RatioSampler("is_peak"), indices=chosen, index="i"
    )
    rows = rows_of(loader)
    assert set(rows) <= set(chosen)
    assert rows.tolist() == sorted(rows)


@pytest.mark.parametrize("sampler", [RatioSampler("is_peak", ratio=2), WeightedSampler("w")])
@pytest.mark.parametrize("streamed", [False, True])
def test_resume_in_the_middle_of_an_epoch(sampler, streamed):
    ds = make()
    options: dict[str, Any] = {"variables": ["x"], "batch_size": 16, "shuffle": True, "index": "i"}
    options |= {"sampler": sampler, "in_memory": not streamed, "buffer_bytes": 1}
    ds = ds.chunk({"_sequence": 30}) if streamed else ds
    loader = get_torch_dataloader(ds, **options)
    list(loader)
    whole = rows_of(loader)
    again = get_torch_dataloader(ds, **options)
    again.set_epoch(1)
    batches = iter(again)
    for _ in range(4):
        next(batches)
    rest = get_torch_dataloader(ds, **options)
    rest.load_state_dict(again.state_dict())
    got = np.concatenate([b["i"].numpy() for b in rest])
    assert got.tolist() == whole[64:].tolist()
    other = get_torch_dataloader(ds, **options | {"sampler": RatioSampler("is_peak", ratio=1)})
    with pytest.raises(SeqdataError, match=r"saved under other settings.*sampler"):
        other.load_state_dict(again.state_dict())


@pytest.mark.parametrize("streamed", [False, True])
def test_weights_decide_how_often_rows_come(streamed):
    n = 50
    weights = np.repeat([0.0, 1.0, 3.0], [10, 20, 20])
    ds = xr.Dataset(
        {"x": ("_sequence", np.arange(n)), "w": ("_sequence", weights)},
    )
    loader = get_torch_dataloader(
        ds.chunk({"_sequence": 7}) if streamed else ds,
        variables=["x"],
        weights="w",
        shuffle=True,
        batch_size=13,
        index="i",
        in_memory=not streamed,
        buffer_bytes=1,
    )
    counts = np.zeros(n)
    for _ in range(200):
        rows = rows_of(loader)
        assert len(rows) == n
        np.add.at(counts, rows, 1)
    assert counts[:10].sum() == 0
    # 10,000 draws: 125 and 375 a row are expected
    assert np.abs(counts[10:30] - 125).max() < 60
    assert np.abs(counts[30:] - 375).max() < 100


def test_weights_without_replacement():
    weights = np.repeat([0.0, 1.0, 9.0], [5, 40, 10])
    ds = xr.Dataset({"x": ("_sequence", np.arange(55))})
    sampler = WeightedSampler(weights, n=15, replacement=False)
    selection = sampler.bind(ds, np.arange(55), 0)
    counts = np.zeros(55)
    for epoch in range(300):
        rows = selection(epoch)
        assert len(set(rows)) == 15
        counts[rows] += 1
    assert counts[:5].sum() == 0
    assert counts[45:].mean() > 2.5 * counts[5:45].mean()


def test_repeated_rows_are_spread_over_the_epoch():
    rows = np.repeat(np.arange(4), 100)
    order = hashed_order(rows, 0, 1)
    assert sorted(order) == sorted(rows)
    # as many neighbours are equal as chance makes: one in four
    assert 60 < (order[1:] == order[:-1]).sum() < 140


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (RatioSampler("is_peek"), "no variable 'is_peek'. Did you mean 'is_peak'"),
        (RatioSampler("is_peak", ratio=9), "asks for 360 negatives to 40 peaks, and there are 160"),
        (RatioSampler("zero"), "no row of 200 is a peak by 'zero'"),
        (RatioSampler("gap"), r"label 'gap' is missing \(NaN\) in row 3"),
        (RatioSampler("x"), "expected one number a row"),
        (WeightedSampler("minus"), "the weight of row 0 is -1.0: expected a number from 0 up"),
        (WeightedSampler("gap"), "the weight of row 3 is nan"),
        (WeightedSampler("zero"), "0 of 200 rows have a weight above 0"),
        (WeightedSampler("w", n=300, replacement=False), "300 are to be drawn without"),
        (WeightedSampler([1.0, 2.0]), r"weights of shape \(2,\) do not fit"),
    ],
)
def test_mistakes_are_explained(sampler, message):
    ds = make()
    gap = np.zeros(200)
    gap[3] = np.nan
    ds = ds.assign(zero=("_sequence", np.zeros(200)), gap=("_sequence", gap))
    ds = ds.assign(minus=("_sequence", np.full(200, -1.0)))
    with pytest.raises(SeqdataError, match=message):
        get_torch_dataloader(ds, variables=["x"], sampler=sampler)


def test_settings_that_contradict_each_other():
    ds = make()
    with pytest.raises(SeqdataError, match="only one of `sampler` and `weights`"):
        get_torch_dataloader(ds, variables=["x"], sampler=[1], weights="w")
    with pytest.raises(SeqdataError, match="`sampler`, `weights` and `batch_sampler`"):
        get_torch_dataloader(ds, variables=["x"], batch_sampler=[[1]], weights="w")
    with pytest.raises(SeqdataError, match="ratio is -1"):
        RatioSampler("is_peak", ratio=-1)
    with pytest.raises(SeqdataError, match="n is 0"):
        WeightedSampler("w", n=0)
