from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import seqdata as sd
from seqdata.errors import MissingColumnError, SchemaError
from seqdata.schema import coded_coordinate


@pytest.fixture
def ds() -> xr.Dataset:
    ids = np.array(["a", "b", "c"], dtype=object)
    return xr.Dataset(
        {"id": ("_sequence", ids), "n": ("_sequence", [3, 1, 2])},
        coords={"chrom": coded_coordinate(["x", "y", "x"])},
    )


def test_order_of_the_rows_is_kept(ds: xr.Dataset) -> None:
    obs = pd.DataFrame({"id": ["c", "a", "b", "z"], "y": [3, 1, 2, 9], "k": list("CABZ")})
    out = sd.merge_obs(ds, obs, on="id")
    assert out["y"].values.tolist() == [1, 2, 3]
    assert out["k"].values.tolist() == ["A", "B", "C"]
    assert "y" not in ds


def test_rows_without_a_match(ds: xr.Dataset) -> None:
    obs = pd.DataFrame({"key": [1, 3], "y": [10, 30], "k": ["one", "three"]})
    left = sd.merge_obs(ds, obs, left_on="n", right_on="key", how="left")
    np.testing.assert_array_equal(left["y"], [30, 10, np.nan])
    assert left["k"].values.tolist() == ["three", "one", ""]
    inner = sd.merge_obs(ds, obs, left_on="n", right_on="key")
    assert inner["id"].values.tolist() == ["a", "b"]
    assert inner["y"].values.tolist() == [30, 10]


def test_coded_key(ds: xr.Dataset) -> None:
    out = sd.merge_obs(ds, pd.DataFrame({"chrom": ["y", "x"], "size": [5, 7]}), on="chrom")
    assert out["size"].values.tolist() == [7, 5, 7]


@pytest.mark.parametrize(
    "obs, options, error, message",
    [
        ({"id": ["a", "a"], "y": [1, 2]}, {"on": "id"}, SchemaError, "Key 'a' appears more than"),
        ({"id": ["a"], "n": [1]}, {"on": "id"}, SchemaError, "Two variables would be called 'n'"),
        ({"id": ["a"]}, {"on": "ids"}, MissingColumnError, "Did you mean 'id'"),
        ({"i": ["a"]}, {"left_on": "id", "right_on": "id"}, MissingColumnError, "no column 'id'"),
        ({"id": ["a"]}, {}, SchemaError, "Name the key"),
        ({"id": ["a"]}, {"on": "id", "how": "outer"}, SchemaError, "how must be"),
    ],
)
def test_errors(ds: xr.Dataset, obs: dict, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        sd.merge_obs(ds, pd.DataFrame(obs), **options)


def test_numbers_match_as_numbers(ds: xr.Dataset) -> None:
    obs = pd.DataFrame({"n": [1.0, 2.0, 3.0], "y": [1, 2, 3]})
    assert sd.merge_obs(ds, obs, on="n")["y"].values.tolist() == [3, 1, 2]


@pytest.mark.parametrize("keys", [["A", "B"], []])
def test_tables_of_other_rows(ds: xr.Dataset, keys: list[str]) -> None:
    obs = pd.DataFrame({"id": pd.Series(keys, dtype=object), "y": np.zeros(len(keys))})
    with pytest.raises(SchemaError, match=r"No key of column 'id' \(such as 'A'\)|holds no key"):
        sd.merge_obs(ds, obs, on="id")


def test_what_may_be_merged(ds: xr.Dataset) -> None:
    class Table:
        def to_pandas(self) -> pd.DataFrame:
            return pd.DataFrame({"id": ["b", "a", "c"], "y": [2, 1, 3]})

    assert sd.merge_obs(ds, Table(), on="id")["y"].values.tolist() == [1, 2, 3]
    indexed = Table().to_pandas().set_index("id")
    assert sd.merge_obs(ds, indexed, on="id")["y"].values.tolist() == [1, 2, 3]
    other = xr.Dataset(
        {"y": ("row", [5, 7]), "wide": (("row", "x"), np.zeros((2, 3)))},
        coords={"chrom": coded_coordinate(["y", "x"], dim="row")},
    )
    merged = sd.merge_obs(ds, other, on="chrom")
    assert merged["y"].values.tolist() == [7, 5, 7]
    assert "wide" not in merged
    with pytest.raises(SchemaError, match="takes a table or a dataset, got list"):
        sd.merge_obs(ds, [1], on="id")
    with pytest.raises(MissingColumnError, match="has no variable 'id'"):
        sd.merge_obs(ds, other, on="id")


def test_large_numbers_stay_exact(ds: xr.Dataset) -> None:
    big = 2**53 + 1
    out = sd.merge_obs(ds, pd.DataFrame({"id": ["a"], "big": [big]}), on="id", how="left")
    assert out["big"].values.tolist() == [str(big), "", ""]
