"""A client that nobody closed is found and closed; one of a fixture is left alone."""

from __future__ import annotations

import dask
import pytest
from left_clients import none_left, open_clients

ONE = {"processes": False, "n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}


def test_what_came_later_is_closed_and_what_was_there_stays() -> None:
    from distributed import Client

    with Client(**ONE) as kept:
        with none_left() as said:
            assert dask.delayed(sum)([1, 2]).compute() == 3
        assert said == []
        with none_left() as said:
            left = Client(**ONE)
        assert len(said) == 1
        assert left.status == "closed"
        assert open_clients() == [kept]
        assert dask.delayed(sum)([1, 2]).compute() == 3
    assert open_clients() == []


def test_one_that_could_not_start_is_no_longer_computed_by() -> None:
    from distributed import Client

    with none_left() as said:
        with pytest.raises(Exception, match=r"threads|n_workers|str"):
            Client(**ONE | {"n_workers": "two"})
        assert dask.config.get("scheduler", None) == "dask.distributed"
    assert said
    assert open_clients() == []
    assert dask.delayed(sum)([1, 2]).compute() == 3
