"""Memory of batches that is used again, but never while anything looks at it."""

from __future__ import annotations

import gc
import pickle

import numpy as np
import pytest
import torch
import xarray as xr

from seqdata.loading._buffers import Pool
from seqdata.torch import get_torch_dataloader

SHAPE = (300, 1000)


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize(
    "hold",
    [
        lambda a: a,
        lambda a: a[5:, ::-1].T,
        lambda a: a.view(np.uint8).reshape(-1)[:1],
        torch.from_numpy,
        lambda a: torch.from_numpy(a)[3:].t().numpy()[:2],
        memoryview,
    ],
)
def test_memory_comes_again_when_nothing_is_left_of_it(hold):
    pool = Pool()
    first = pool.empty(SHAPE, "f4")
    assert (first.shape, first.dtype, first.flags.c_contiguous) == (SHAPE, np.float32, True)
    assert first.flags.writeable
    place, held = address(first), hold(first)
    del first
    gc.collect()
    second = pool.empty(SHAPE, "f4")
    assert address(second) != place
    del held, second
    gc.collect()
    assert place in {address(a) for a in [pool.empty(SHAPE, "f4") for _ in range(3)]}


def test_memory_of_another_size_is_let_go():
    pool = Pool()
    large = pool.empty((4 << 20,), np.uint8)
    del large
    small = pool.empty((1 << 20,), np.uint8)
    assert small.base is not None
    assert pool._free == []
    near = address(small)
    del small
    assert address(pool.empty(((1 << 20) - 4096,), np.uint8)) == near


def test_no_more_is_kept_than_asked_for():
    pool = Pool(spare=1)
    arrays = [pool.empty(SHAPE, "f8") for _ in range(4)]
    assert len({address(a) for a in arrays}) == 4
    arrays.clear()
    assert len(pool._free) == 1
    copy = pickle.loads(pickle.dumps(pool))
    assert copy._free == []
    assert copy.empty((3,), "S1").shape == (3,)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("kept", ["all", "some", "parts"])
def test_batches_that_are_kept_stay_as_they_were(lazy, kept):
    n, width = 900, 1500
    values = np.arange(n * width, dtype=np.float32).reshape(n, width)
    ds = xr.Dataset({"x": (("_sequence", "_length"), values)})
    if lazy:
        ds = ds.chunk(_sequence=150)
    loader = get_torch_dataloader(
        ds,
        variables=["x"],
        batch_size=64,
        shuffle=True,
        index="i",
        in_memory=not lazy,
        buffer_bytes=1,
    )
    seen = []
    for _ in range(2):
        for number, batch in enumerate(loader):
            if kept == "all" or (kept == "some" and number % 3 == 0):
                seen.append((batch["x"], values[batch["i"].numpy()]))
            elif kept == "parts":
                seen.append((batch["x"].numpy()[-1, 3:], values[batch["i"].numpy()[-1], 3:]))
    assert len(seen) >= 10
    for got, want in seen:
        np.testing.assert_array_equal(got, want)
