"""Blocks of regions, against a slow way to link them; what payloads are like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import seqdata as sd

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "finetune_utils.json").read_text())


def slowly(at: list[int], longest: int) -> list[list[int]]:
    groups = [[i] for i in range(len(at))]
    gaps = sorted(range(len(at) - 1), key=lambda i: (at[i + 1] - at[i], i))
    for i in gaps:
        left = next(g for g in groups if i in g)
        right = next(g for g in groups if i + 1 in g)
        if at[right[-1]] - at[left[0]] < longest:
            groups[groups.index(left)] = left + right
            groups.remove(right)
    return sorted([g[0], g[-1]] for g in groups)


def test_linked_as_the_original_does() -> None:
    case = GOLDEN["mst_group"]
    assert sd.regions.linked(case["loc"], case["max"]).tolist() == case["out"]


@pytest.mark.parametrize("seed", range(5))
def test_linked_as_done_slowly(seed: int) -> None:
    at = np.sort(np.random.default_rng(seed).integers(0, 2000, 60)).tolist()
    for longest in (1, 40, 150, 900):
        assert sd.regions.linked(at, longest).tolist() == slowly(at, longest)
    with pytest.raises(sd.SeqdataError, match="ascending"):
        sd.regions.linked([3, 1], 5)


def test_blocks_fit_their_window_and_the_mappable_part() -> None:
    spots = pd.DataFrame({"chrom": ["b", "a", "a", "a"], "chromStart": [500, 300, 10, 340],
                          "chromEnd": [540, 320, 30, 380]})  # fmt: skip
    table = sd.regions.blocks(spots, longest=100)
    assert table[["chrom", "chromStart", "chromEnd", "blockCount"]].values.tolist() == [
        ["a", 0, 100, 1], ["a", 285, 385, 2], ["b", 470, 570, 1]]  # fmt: skip
    assert table["blockStarts"].tolist() == ["10", "15,55", "30"]
    assert table["blockSizes"].tolist() == ["20", "20,40", "40"]
    good = pd.DataFrame({"chrom": ["a", "a"], "chromStart": [250, 340], "chromEnd": [345, 400]})
    assert sd.regions.blocks(spots, longest=100, mappable=good)["chromStart"].tolist() == [285]


def test_statistics_of_payloads() -> None:
    ds = xr.Dataset(
        {"seq": (("_sequence", "_length"), np.array([list("AACGCGNT"), list("AAAAAAAA")], "S1")),
         "id": ("_sequence", np.array(["p", "q"], object)),
         "payload_start": ("_sequence", [2, 1]), "payload_end": ("_sequence", [7, 7]),
         "sites": ("_sequence", np.array(["x:2-4;y:3-5", ""], object))}
    )  # fmt: skip
    table = sd.constructs.statistics(ds)
    assert table["name"].tolist() == ["p", "q"]
    assert table["kept"].tolist() == [5, 6]
    assert table["flank"].tolist() == [3, 2]
    assert table["gc"].tolist() == [1.0, 0.0]
    assert table["cpg"][0] == pytest.approx(2 / (2 * 2 / 5))
    assert np.isnan(table["cpg"][1])
    assert table["unknown"].tolist() == [1, 0]
    assert table["site_bp"].tolist() == [3, 0]
