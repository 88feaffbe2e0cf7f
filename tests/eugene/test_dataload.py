from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from eugene.dataload import DataloadError, RandomRC, add_obs, concat_sdatas
from eugene.errors import EugeneError, EugeneWarning
from seqdata import schema


def part(chroms: list[str], values: list[float]) -> xr.Dataset:
    n = len(values)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), np.full((n, 4), b"A", "S1"), {"alphabet": "ACGT"}),
            "y": ("_sequence", values),
        },
        coords={"chrom": schema.coded_coordinate(chroms)},
    )


def test_concatenated_contigs_keep_their_names():
    one, two = part(["chr1", "chr2"], [1.0, 2.0]), part(["chr2", "chr3"], [3.0, 4.0])
    before = one.copy(deep=True)
    both = concat_sdatas([one, two], ["a", "b"])
    assert both["y"].values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert schema.decode(both["chrom"]).tolist() == ["chr1", "chr2", "chr2", "chr3"]
    assert both["batch"].values.tolist() == ["a", "a", "b", "b"]
    assert both["seq"].dtype == "S1"
    assert both["seq"].attrs["alphabet"] == "ACGT"
    xr.testing.assert_identical(one, before)
    assert concat_sdatas([one, two])["batch"].values.tolist() == [0, 0, 1, 1]


def test_concatenation_mistakes():
    one = part(["c"], [1.0])
    with pytest.raises(EugeneError, match="there is no dataset"):
        concat_sdatas([])
    with pytest.raises(EugeneError, match="2 keys for 1 datasets"):
        concat_sdatas([one], ["a", "b"])
    with pytest.raises(EugeneError, match="dataset 1 has no dimension"):
        concat_sdatas([one, one.rename(_sequence="n")])


def test_columns_are_added_by_name():
    ds = xr.Dataset({"id": ("_sequence", np.array(["a", "b", "c"], object))})
    obs = pd.DataFrame({"key": ["c", "a"], "n": [3, 1], "kind": ["x", "y"]})
    with pytest.warns(EugeneWarning, match="no row for 1 of 3 sequences, the first 'b'"):
        add_obs(ds, obs, left_on="id", right_on="key")
    np.testing.assert_array_equal(ds["n"].values, [1, np.nan, 3])
    assert ds["kind"].values.tolist() == ["y", "", "x"]


IDS = ([0, 1, 2], [0.0, 1.0, 2.0], ["0", "1", "2"], [b"0", b"1", b"2"], np.arange(3, dtype="u1"))


@pytest.mark.parametrize("ours", IDS, ids=str)
@pytest.mark.parametrize("theirs", IDS, ids=str)
def test_names_of_another_type_are_the_same_names(ours, theirs):
    ds = xr.Dataset({"id": ("_sequence", np.asarray(ours))})
    obs = pd.DataFrame({"id": theirs, "n": [5, 6, 7]}).iloc[::-1]
    add_obs(ds, obs, on="id")
    assert ds["n"].values.tolist() == [5, 6, 7]


def test_no_name_in_common_is_told():
    ds = xr.Dataset({"id": ("_sequence", np.array(["chr1:5", "chr1:9"], object))})
    with pytest.raises(DataloadError, match="is among the 1 names"):
        add_obs(ds, pd.DataFrame({"id": ["1:5"], "n": [1]}), on="id")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "either `on`, or both"),
        ({"on": "id", "left_on": "id"}, "either `on`, or both"),
        ({"left_on": "id"}, "either `on`, or both"),
        ({"on": "idd"}, "no variable 'idd'; did you mean 'id'"),
        ({"left_on": "id", "right_on": "kay"}, "no column 'kay'; did you mean 'key'"),
        ({"left_on": "id", "right_on": "key"}, "several rows for 'a'"),
        ({"left_on": "id", "right_on": "y"}, "has variables"),
    ],
)
def test_adding_columns_mistakes(keys, message):
    ds = xr.Dataset({"id": ("_sequence", np.array(["a"], object)), "n": ("_sequence", [1])})
    obs = pd.DataFrame({"key": ["a", "a"], "y": ["a", "b"], "n": [1, 2]})
    with pytest.raises(EugeneError, match=message):
        add_obs(ds, obs, **keys)


def test_random_reverse_complement():
    x = torch.randn(200, 4, 10)
    y = torch.randn(200, 2, 10)
    a, b = RandomRC()(x, y)
    turned = (a == x.flip(1, 2)).all((1, 2))
    assert 60 < int(turned.sum()) < 140
    assert torch.equal(turned, (b == y.flip(1, 2)).all((1, 2)))
    assert torch.equal(a[~turned], x[~turned])
    assert torch.equal(RandomRC()(x), a)
    assert torch.equal(RandomRC(0.0)(x), x)
    other = RandomRC(generator=torch.Generator().manual_seed(5))(x)
    assert not torch.equal(other, a)
    with pytest.raises(EugeneError, match="rc_prob is 2"):
        RandomRC(2)
    with pytest.raises(EugeneError, match="is not"):
        RandomRC()(x[0])
