from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqdata.errors import SeqdataError
from seqdata.loading._source import BlockSource
from seqdata.store import open_zarr, to_zarr
from seqdata.torch import SequenceLoader, get_torch_dataloader, on_device
from seqpro.random import integers, uniform

LETTERS = np.frombuffer(b"ACGT", "S1")
WIDTH = 24


def make(n: int = 57, width: int = WIDTH, seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), rng.choice(LETTERS, (n, width))),
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


def collect(loader: SequenceLoader) -> dict[str, np.ndarray]:
    batches = list(loader)
    assert len(batches) == len(loader)
    return {k: np.concatenate([b[k].numpy() for b in batches]) for k in batches[0]}


def by_row(got: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    order = np.argsort(got["index"], kind="stable")
    return {k: v[order] for k, v in got.items()}


def lazy(ds: xr.Dataset, rows: int) -> xr.Dataset:
    return ds.chunk({"_sequence": rows})


def reference(
    ds: xr.Dataset, rows: np.ndarray, *, seed: int, epoch: int, max_jitter: int, rc_prob: float
) -> dict[str, np.ndarray]:
    """Cut and turn rows one by one, in plain NumPy."""
    shift = integers(seed, 2 * max_jitter + 1, epoch, 3, rows) - max_jitter
    flip = uniform(seed, epoch, 4, rows) < rc_prob
    width = ds.sizes["_length"] - 2 * max_jitter
    out: dict[str, list[np.ndarray]] = {k: [] for k in ("seq", "cov", "mask", "counts", "y")}
    for row, s, f in zip(rows, shift, flip, strict=True):
        cut = slice(max_jitter + s, max_jitter + s + width)
        seq = ds["seq"].values[row, cut]
        cov = ds["cov"].values[row, :, cut]
        mask = ds["mask"].values[row, cut]
        counts = ds["counts"].values[row]
        if f:
            seq = sp.reverse_complement(seq[None], sp.DNA, length_axis=1)[0]
            cov, mask, counts = cov[[1, 0, 2], ::-1], mask[::-1], counts[[1, 0, 2]]
        out["seq"].append(np.ascontiguousarray(seq).view(np.uint8))
        out["cov"].append(cov)
        out["mask"].append(mask)
        out["counts"].append(counts)
        out["y"].append(ds["y"].values[row].astype(np.float32))
    return {k: np.stack(v) for k, v in out.items()}


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("max_jitter", "rc_prob"), [(0, 0.0), (3, 0.0), (0, 0.5), (2, 0.5)])
def test_batches_equal_rows_cut_one_by_one(in_memory, shuffle, max_jitter, rc_prob):
    ds = make()
    loader = get_torch_dataloader(
        ds if in_memory else lazy(ds, 10),
        batch_size=8,
        shuffle=shuffle,
        seed=5,
        max_jitter=max_jitter,
        rc_prob=rc_prob,
        index="index",
        in_memory=in_memory,
        buffer_bytes=1,
    )
    loader.set_epoch(2)
    got = collect(loader)
    want = reference(ds, got["index"], seed=5, epoch=2, max_jitter=max_jitter, rc_prob=rc_prob)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)
    assert sorted(got["index"]) == list(range(57))
    if not shuffle:
        assert got["index"].tolist() == list(range(57))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 60),
    batch_size=st.integers(1, 70),
    chunk=st.integers(1, 30),
    in_memory=st.booleans(),
    shuffle=st.booleans(),
    epoch=st.integers(0, 5),
    prefetch=st.booleans(),
    data=st.data(),
)
def test_every_row_comes_once_an_epoch(
    n, batch_size, chunk, in_memory, shuffle, epoch, prefetch, data
):
    ds = make(n, width=4)[["seq", "y"]]
    chosen = data.draw(st.one_of(st.none(), st.sets(st.integers(0, n - 1), min_size=1)))
    loader = get_torch_dataloader(
        ds if in_memory else lazy(ds, chunk),
        batch_size=batch_size,
        shuffle=shuffle,
        index="index",
        in_memory=in_memory,
        buffer_bytes=1,
        prefetch=prefetch,
        indices=None if chosen is None else sorted(chosen),
    )
    loader.set_epoch(epoch)
    got = collect(loader)
    assert sorted(got["index"]) == sorted(chosen or range(n))
    np.testing.assert_array_equal(got["seq"], ds["seq"].values.view(np.uint8)[got["index"]])


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 40),
    world=st.integers(1, 5),
    chunk=st.integers(1, 15),
    in_memory=st.booleans(),
    drop_last=st.booleans(),
)
def test_ranks_cover_all_rows_and_are_equally_long(n, world, chunk, in_memory, drop_last):
    ds = make(n, width=2)[["y"]]
    seen, lengths = [], set()
    for rank in range(world):
        loader = get_torch_dataloader(
            ds if in_memory else lazy(ds, chunk),
            batch_size=1,
            shuffle=True,
            index="index",
            rank=rank,
            world_size=world,
            in_memory=in_memory,
            buffer_bytes=1,
            drop_last=drop_last,
        )
        rows = [int(b["index"][0]) for b in loader]
        assert len(rows) == len(loader)
        lengths.add(len(rows))
        seen += rows
    assert len(lengths) == 1
    if drop_last:
        assert len(set(seen)) == len(seen) == n // world * world
    else:
        assert set(seen) == set(range(n))
        assert len(seen) < n + world


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_row_has_the_same_bytes_whatever_the_batch_size(in_memory):
    ds = make()
    kinds = []
    for batch_size in (1, 7, 57):
        loader = get_torch_dataloader(
            ds if in_memory else lazy(ds, 16),
            batch_size=batch_size,
            shuffle=True,
            max_jitter=4,
            rc_prob=0.5,
            index="index",
            in_memory=in_memory,
        )
        kinds.append(collect(loader))
    for other in kinds[1:]:
        for name, values in other.items():
            np.testing.assert_array_equal(values, kinds[0][name])


def test_memory_and_disk_show_a_row_alike():
    ds = make()
    options: dict[str, Any] = {"shuffle": True, "max_jitter": 2, "rc_prob": 0.5, "index": "index"}
    whole = by_row(collect(get_torch_dataloader(ds, batch_size=9, **options)))
    streamed = by_row(
        collect(get_torch_dataloader(lazy(ds, 8), batch_size=5, in_memory=False, **options))
    )
    for name, values in whole.items():
        np.testing.assert_array_equal(values, streamed[name])


@pytest.mark.parametrize("in_memory", [True, False])
def test_worker_processes_give_the_same_batches(in_memory):
    ds = make()
    ds = ds if in_memory else lazy(ds, 9)
    options: dict[str, Any] = {
        "batch_size": 8,
        "shuffle": True,
        "max_jitter": 2,
        "rc_prob": 0.5,
        "index": "index",
        "in_memory": in_memory,
        "buffer_bytes": 1,
    }
    alone = get_torch_dataloader(ds, **options)
    helped = get_torch_dataloader(ds, num_workers=2, **options)
    for _ in range(2):
        for a, b in zip(alone, helped, strict=True):
            assert a.keys() == b.keys()
            assert all(torch.equal(a[k], b[k]) for k in a)


def test_workers_start_while_another_loader_reads_a_store(tmp_path):
    to_zarr(make(600), tmp_path / "x.zarr")
    stored = open_zarr(tmp_path / "x.zarr", chunks={"_sequence": 20})
    options: dict[str, Any] = {"in_memory": False, "buffer_bytes": 1, "index": "index"}
    for turn in range(3):
        reading = get_torch_dataloader(stored, batch_size=8, seed=turn, shuffle=True, **options)
        started = iter(reading)
        next(started)
        helped = get_torch_dataloader(stored, batch_size=64, num_workers=2, **options)
        assert collect(helped)["index"].tolist() == list(range(600))
        assert sum(len(batch["index"]) for batch in started) == 592


@pytest.mark.parametrize("in_memory", [True, False])
def test_other_strand_twice_is_the_first(in_memory):
    ds = make()
    once = by_row(collect(get_torch_dataloader(ds, batch_size=8, rc_prob=1.0, index="index")))
    turned = ds.copy()
    turned["seq"] = (ds["seq"].dims, once["seq"].view("S1"))
    for name in ("cov", "mask", "counts"):
        turned[name] = (ds[name].dims, once[name])
    twice = collect(
        get_torch_dataloader(
            turned if in_memory else lazy(turned, 11),
            batch_size=6,
            rc_prob=1.0,
            in_memory=in_memory,
        )
    )
    np.testing.assert_array_equal(twice["seq"].view("S1"), ds["seq"].values)
    for name in ("cov", "mask", "counts"):
        np.testing.assert_array_equal(twice[name], ds[name].values)
        assert not np.array_equal(once[name], ds[name].values)


@pytest.mark.parametrize("dims", [("_length", "_ohe"), ("_ohe", "_length")])
def test_one_hot_is_turned_like_letters(dims):
    ds = make()[["seq"]]
    one_hot = xr.DataArray(sp.ohe(ds["seq"].values, sp.DNA), dims=("_sequence", "_length", "_ohe"))
    ds["ohe_seq"] = one_hot.transpose("_sequence", *dims)
    got = collect(get_torch_dataloader(ds, batch_size=10, max_jitter=3, rc_prob=0.5, shuffle=True))
    want = sp.ohe(got["seq"].view("S1"), sp.DNA)
    np.testing.assert_array_equal(
        got["ohe_seq"], want if dims[0] == "_length" else want.swapaxes(1, 2)
    )


def test_padding_stays_on_the_right_on_both_strands():
    letters = np.zeros((2, 6), "S1")
    letters[0, :3] = list("AAC")
    letters[1, :6] = list("ACGTTT")
    ds = xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters),
            "cov": (("_sequence", "_length"), np.array([[1, 2, 3, 0, 0, 0], [1, 2, 3, 4, 5, 6.0]])),
            "seq_length": ("_sequence", np.array([3, 6], np.int32)),
        }
    )
    got = collect(get_torch_dataloader(ds, variables=["seq", "cov"], batch_size=2, rc_prob=1.0))
    assert got["seq"].tobytes() == b"GTT\0\0\0AAACGT"
    assert got["cov"].tolist() == [[3, 2, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1]]
    with pytest.raises(SeqdataError, match="different lengths cannot be jittered"):
        get_torch_dataloader(ds, variables=["seq", "cov"], max_jitter=1)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int16", "uint8", "bool"])
def test_every_type_of_track_is_cut_and_turned(dtype):
    values = np.random.default_rng(1).integers(0, 2, (6, 2, 9)).astype(dtype)
    ds = xr.Dataset({"cov": (("_sequence", "s", "_length"), values)})
    got = collect(get_torch_dataloader(ds, batch_size=4, max_jitter=1, length=5, rc_prob=1.0))
    assert got["cov"].dtype == (np.float32 if dtype == "float64" else np.dtype(dtype))
    shift = integers(0, 3, 0, 3, np.arange(6)) - 1
    want = np.stack([v[:, 2 + s : 7 + s][:, ::-1] for v, s in zip(values, shift, strict=True)])
    np.testing.assert_array_equal(got["cov"], want.astype(got["cov"].dtype))


def test_positions_between_other_dimensions():
    values = np.random.default_rng(1).normal(size=(5, 2, 8, 3)).astype(np.float32)
    ds = xr.Dataset({"cov": (("_sequence", "a", "_length", "b"), values)})
    got = collect(get_torch_dataloader(ds, batch_size=2, max_jitter=0, length=4, rc_prob=1.0))
    np.testing.assert_array_equal(got["cov"], values[:, :, 2:6][:, :, ::-1])


def test_target_is_cut_around_the_same_middle():
    ds = make()
    got = collect(
        get_torch_dataloader(
            ds,
            batch_size=10,
            shuffle=True,
            max_jitter=2,
            rc_prob=0.5,
            length=16,
            lengths={"cov": 8},
            index="index",
        )
    )
    rows = got["index"]
    shift = integers(0, 5, 0, 3, rows) - 2
    flip = uniform(0, 0, 4, rows) < 0.5
    for i, row in enumerate(rows):
        cut = ds["cov"].values[row, :, 8 + shift[i] : 16 + shift[i]]
        np.testing.assert_array_equal(got["cov"][i], cut[[1, 0, 2], ::-1] if flip[i] else cut)
    assert got["seq"].shape[1] == got["mask"].shape[1] == 16


def test_stored_room_for_jitter_is_cut_off_when_asked():
    ds = make().assign_attrs(max_jitter=4)
    plain = collect(get_torch_dataloader(ds, variables="seq", batch_size=8))
    middle = collect(get_torch_dataloader(ds, variables="seq", batch_size=8, max_jitter=0))
    assert plain["seq"].shape[1] == WIDTH
    np.testing.assert_array_equal(middle["seq"], plain["seq"][:, 4:-4])


def test_epochs_differ_and_repeat():
    loader = get_torch_dataloader(make(), variables=["y"], batch_size=8, shuffle=True, index="i")
    first, second = collect(loader)["i"], collect(loader)["i"]
    assert not np.array_equal(first, second)
    loader.set_epoch(0)
    np.testing.assert_array_equal(collect(loader)["i"], first)
    loader.sampler.set_epoch(1)
    np.testing.assert_array_equal(collect(loader)["i"], second)
    assert loader.epoch == 1
    other = get_torch_dataloader(
        make(), variables=["y"], batch_size=8, shuffle=True, index="i", seed=1
    )
    assert not np.array_equal(collect(other)["i"], first)


def test_order_is_well_mixed():
    ds = xr.Dataset({"y": ("_sequence", np.arange(4000.0))})
    order = collect(get_torch_dataloader(ds, batch_size=100, shuffle=True, index="i"))["i"]
    streamed = collect(
        get_torch_dataloader(
            lazy(ds, 100), batch_size=100, shuffle=True, index="i", in_memory=False, buffer_bytes=1
        )
    )["i"]
    for rows in (order, streamed):
        assert abs(np.corrcoef(rows, np.arange(4000))[0, 1]) < 0.3
        assert abs(np.corrcoef(rows[1:], rows[:-1])[0, 1]) < (0.05 if rows is order else 1)


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("stop", [0, 1, 4, 8])
def test_resume_in_the_middle_of_an_epoch(in_memory, workers, stop):
    ds = make() if in_memory else lazy(make(), 13)

    def new() -> SequenceLoader:
        return get_torch_dataloader(
            ds,
            variables=["seq", "y"],
            batch_size=8,
            shuffle=True,
            rc_prob=0.5,
            index="index",
            in_memory=in_memory,
            num_workers=workers,
        )

    whole = new()
    whole.set_epoch(3)
    wanted = [b["index"].tolist() for b in whole] + [b["index"].tolist() for b in whole]
    first = new()
    first.set_epoch(3)
    iterator = iter(first)
    seen = [next(iterator)["index"].tolist() for _ in range(stop)]
    state = first.state_dict()
    second = new()
    second.load_state_dict(state)
    seen += [b["index"].tolist() for b in second]
    if stop < 8:
        seen += [b["index"].tolist() for b in second]
    assert seen == wanted


def test_a_place_under_other_settings_is_refused():
    state = get_torch_dataloader(make(), variables=["y"], batch_size=8).state_dict()
    other = get_torch_dataloader(make(), variables=["y"], batch_size=9)
    with pytest.raises(SeqdataError, match="batch_size: 8 then, 9 now"):
        other.load_state_dict(state)


def test_breaking_off_goes_on_with_the_next_epoch():
    loader = get_torch_dataloader(make(), variables=["y"], batch_size=8, shuffle=True, index="i")
    next(iter(loader))
    assert len(collect(loader)["i"]) == 57
    assert loader.epoch == 1


def test_transform_sees_letters_and_types_are_set():
    seen = {}

    def transform(batch):
        seen["dtype"] = batch["seq"].dtype
        return {"x": sp.ohe(batch["seq"], sp.DNA).swapaxes(1, 2), "y": batch["y"]}

    loader = get_torch_dataloader(
        make(),
        "_sequence",
        ["seq", "y"],
        transform,
        {"x": torch.float32, "y": torch.float64},
        return_tuples=True,
        batch_size=5,
    )
    x, y = next(iter(loader))
    assert seen["dtype"] == "S1"
    assert x.dtype == torch.float32
    assert x.shape == (5, 4, WIDTH)
    assert y.dtype == torch.float64


def test_samplers():
    ds = make()
    loader = get_torch_dataloader(ds, variables=["y"], sampler=[5, 5, 2], batch_size=2, index="i")
    assert collect(loader)["i"].tolist() == [5, 5, 2]
    loader = get_torch_dataloader(
        ds, variables=["y"], sampler=lambda epoch: [epoch, epoch + 1], batch_size=2, index="i"
    )
    assert collect(loader)["i"].tolist() == [0, 1]
    assert collect(loader)["i"].tolist() == [1, 2]
    loader = get_torch_dataloader(ds, variables=["y"], batch_sampler=[[3], [1, 2]], index="i")
    assert [b["i"].tolist() for b in loader] == [[3], [1, 2]]
    weighted = torch.utils.data.WeightedRandomSampler(torch.ones(57), 20)
    loader = get_torch_dataloader(ds, variables=["y"], sampler=weighted, batch_size=8, index="i")
    assert len(collect(loader)["i"]) == 20


@pytest.mark.parametrize("stored", ["memory", "blocks"])
@pytest.mark.parametrize("kind", ["sampler", "batch_sampler"])
def test_a_sampler_that_draws_is_asked_once_an_epoch_by_workers(stored: str, kind: str) -> None:
    ds = make(40) if stored == "memory" else lazy(make(40), 8)
    draws = torch.utils.data.RandomSampler(range(40))
    given: dict[str, Any] = {kind: draws, "batch_size": 8}
    if kind == "batch_sampler":
        given = {kind: torch.utils.data.BatchSampler(draws, 8, drop_last=False)}
    loader = get_torch_dataloader(
        ds, variables=["y"], index="i", num_workers=2, in_memory=stored == "memory", **given
    )
    for _ in range(2):
        rows = np.concatenate([batch["i"].numpy() for batch in loader])
        assert sorted(rows.tolist()) == list(range(40))


def test_an_iterator_of_rows_serves_every_epoch():
    ds = make()
    loader = get_torch_dataloader(ds, variables=["y"], sampler=iter([4, 2]), index="i")
    assert len(loader) == 2
    assert collect(loader)["i"].tolist() == [4, 2]
    assert collect(loader)["i"].tolist() == [4, 2]
    loader = get_torch_dataloader(ds, variables=["y"], batch_sampler=iter([[4, 2]]), index="i")
    assert len(loader) == 1
    assert collect(loader)["i"].tolist() == [4, 2]


def test_only_lengths_of_stored_rows_are_padding():
    values = np.arange(8.0, dtype=np.float32).reshape(2, 4)
    ds = xr.Dataset(
        {"cov": (("_sequence", "_length"), values), "gene_length": ("_sequence", [2, 3])}
    )
    loader = get_torch_dataloader(ds, variables=["cov"], batch_size=2, rc_prob=1.0)
    np.testing.assert_array_equal(next(iter(loader))["cov"].numpy(), values[:, ::-1])


def test_numbers_of_another_machine():
    values = np.arange(6).reshape(2, 3)
    ds = xr.Dataset({"cov": (("_sequence", "_length"), values.astype(">i4"))})
    for rc_prob in (0.0, 1.0):
        loader = get_torch_dataloader(ds, variables=["cov"], batch_size=2, rc_prob=rc_prob)
        expected = values[:, ::-1] if rc_prob else values
        np.testing.assert_array_equal(next(iter(loader))["cov"].numpy(), expected)


def test_rows_of_many_lengths():
    letters = sp.cast_seqs(["ACGT", "AC"])
    ds = xr.Dataset(
        {"seq": (("_sequence", "_length"), letters), "seq_length": ("_sequence", [4, 2])}
    )
    with pytest.raises(SeqdataError, match="rows of different lengths cannot be jittered"):
        get_torch_dataloader(ds, variables=["seq"], max_jitter=1)


def test_drop_last():
    loader = get_torch_dataloader(make(), variables=["y"], batch_size=10, drop_last=True)
    assert [len(b["y"]) for b in loader] == [10] * 5


def test_streaming_holds_two_blocks_at_a_time(monkeypatch):
    ds = lazy(make(200), 10)
    asked = []
    read = BlockSource.read

    def counted(self, segment):
        asked.append(len(segment.blocks))
        return read(self, segment)

    monkeypatch.setattr(BlockSource, "read", counted)
    loader = get_torch_dataloader(
        ds, batch_size=16, shuffle=True, in_memory=False, buffer_bytes=1, index="i"
    )
    got = collect(loader)["i"]
    assert sorted(got) == list(range(200))
    assert max(asked) == 2
    assert sum(asked) == 20
    # rows of a buffer are mixed: the first batch holds rows of two blocks
    assert len(set(got[:16] // 10)) == 2


def test_streams_from_a_store(tmp_path):
    ds = make(300)
    to_zarr(ds, tmp_path / "x.zarr")
    stored = open_zarr(tmp_path / "x.zarr")
    loader = get_torch_dataloader(
        stored,
        variables=["seq", "cov", "y"],
        batch_size=32,
        shuffle=True,
        rc_prob=0.5,
        index="index",
        in_memory=False,
    )
    got = by_row(collect(loader))
    want = reference(ds, np.arange(300), seed=0, epoch=0, max_jitter=0, rc_prob=0.5)
    for name in ("seq", "cov", "y"):
        np.testing.assert_array_equal(got[name], want[name])


@pytest.mark.parametrize("return_tuples", [True, False])
@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
        ),
    ],
)
def test_batches_on_a_device_are_the_batches(device, return_tuples):
    options: dict[str, Any] = {"batch_size": 8, "shuffle": True, "return_tuples": return_tuples}
    loader = get_torch_dataloader(make(), pin_memory=True, **options)
    moved = list(on_device(loader, device))
    beside = list(get_torch_dataloader(make(), **options))
    assert len(moved) == len(beside)
    for got, want in zip(moved, beside, strict=True):
        pairs = zip(got, want, strict=True) if return_tuples else ((got[k], want[k]) for k in want)
        for a, b in pairs:
            assert a.device.type == device
            assert torch.equal(a.cpu(), b)


def test_real_promoters(data_files):
    import pandas as pd

    path = data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz"
    table = pd.read_csv(path, sep="\t")
    letters = np.array([list(s) for s in table["sequence"]], dtype="S1")
    ds = xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters),
            "enrichment": ("_sequence", table["enrichment"].to_numpy()),
        }
    )
    loader = get_torch_dataloader(ds, batch_size=128, shuffle=True, rc_prob=0.5, index="index")
    got = by_row(collect(loader))
    flip = uniform(0, 0, 4, np.arange(len(table))) < 0.5
    want = letters.copy()
    want[flip] = sp.reverse_complement(letters[flip], sp.DNA, length_axis=1)
    assert 0.45 < flip.mean() < 0.55
    np.testing.assert_array_equal(got["seq"].view("S1"), want)
