"""Predictions of constructs over offsets and strands, against every window by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import eugene as eu
import seqdata as sd
from eugene.errors import EugeneError
from seqdata.constructs import Site

BIN, WIDTH, TOTAL = 4, 16, 24


class Counts:
    """Activity is the number of As; tracks are As and Cs of each bin, the outer bins cropped."""

    target_names = ("As", "Cs")

    def __init__(self, tracks: bool) -> None:
        self.tracks = tracks

    def predict(self, x: np.ndarray) -> torch.Tensor:
        x = np.ascontiguousarray(x).view(np.uint8)
        if not self.tracks:
            return torch.as_tensor((x == ord("A")).sum(1, keepdims=True).astype(np.float32))
        bins = x.reshape(len(x), -1, BIN)
        found = np.stack([(bins == ord(c)).sum(2) for c in "AC"], 1)[:, :, 1:-1]
        return torch.as_tensor(found.astype(np.float32))


@pytest.fixture
def ds() -> xr.Dataset:
    rng = np.random.default_rng(2)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), rng.choice(np.array(list("ACGT"), "S1"), (3, TOTAL))),
            "id": ("_sequence", np.array(["a", "b", "c"], object)),
            "group": ("_sequence", np.array(["g", "g", "h"], object)),
            "activity": ("_sequence", [1.0, np.nan, 3.0]),
            "payload_start": ("_sequence", [4, 4, 6]),
            "payload_end": ("_sequence", [20, 18, 20]),
            "sites": ("_sequence", np.array(["x:9-11;y:13-15", "", "z:8-12"], object)),
        },
        attrs={"window_length": WIDTH},
    )


def test_mean_and_spread_over_offsets_and_strands(ds: xr.Dataset) -> None:
    found = eu.evaluate.predict_constructs(Counts(False), ds, n=5, seed=3)
    drawn = sd.constructs.sample(ds, n=5, seed=3, reverse_complement=True)
    by_hand = (drawn["seq"].values == b"A").sum(1)
    assert found.windows["predicted"].tolist() == by_hand.tolist()
    assert found.windows["offset"].tolist() == drawn["offset"].values.tolist()
    for i in range(3):
        mine = by_hand[drawn["construct"].values == i]
        row = found.constructs.iloc[i]
        assert row["windows"] == 10
        assert row["predicted"] == pytest.approx(mine.mean())
        assert row["predicted_sd"] == pytest.approx(mine.std(ddof=1))
        assert row["strand_difference"] == pytest.approx(mine[::2].mean() - mine[1::2].mean())
    assert found.constructs["name"].tolist() == ["a", "b", "c"]
    assert np.isnan(found.constructs["activity"][1])
    assert found.track is None


def test_tracks_under_sites(ds: xr.Dataset) -> None:
    found = eu.evaluate.predict_constructs(
        None, ds, tracks=Counts(True), track="As", n=None, bin_size=BIN
    )
    drawn = sd.constructs.sample(ds, n=None, reverse_complement=True)
    peaks: dict[tuple[str, str], list[tuple[float, float]]] = {}
    lines: list[list[list[float]]] = [[[] for _ in range(TOTAL)] for _ in range(3)]
    for row in range(drawn.sizes["_sequence"]):
        letters = drawn["seq"].values[row]
        values = [(letters[b : b + BIN] == b"A").sum() for b in range(BIN, WIDTH - BIN, BIN)]
        i, turned = int(drawn["construct"].values[row]), drawn["strand"].values[row] == "-"
        for b, value in enumerate(values):
            for base in range(BIN * (b + 1), BIN * (b + 2)):
                place = WIDTH - 1 - base if turned else base
                lines[i][int(drawn["offset"].values[row]) + place].append(value)
        for site in sd.constructs.read_sites(str(drawn["sites"].values[row])):
            under = [v for b, v in enumerate(values)
                     if BIN * (b + 1) < site.end and BIN * (b + 2) > site.start]  # fmt: skip
            if under:
                key = (str(drawn["id"].values[row]), site.name)
                peaks.setdefault(key, []).append((max(under), sum(under)))
    assert found.sites[["name", "site"]].values.tolist() == [["a", "x"], ["a", "y"], ["c", "z"]]
    for _, row in found.sites.iterrows():
        mine = np.array(peaks[row["name"], row["site"]])
        assert row["windows"] == len(mine)
        assert row["peak"] == pytest.approx(mine[:, 0].mean())
        assert row["peak_sd"] == pytest.approx(mine[:, 0].std(ddof=1))
        assert row["peaksum"] == pytest.approx(mine[:, 1].mean())
    assert found.track is not None and found.track_sd is not None
    for i in range(3):
        for place in range(TOTAL):
            mine = lines[i][place]
            assert bool(mine) == bool(np.isfinite(found.track[i, place]))
            if mine:
                assert found.track[i, place] == pytest.approx(np.mean(mine))


def test_tables_of_ours_and_of_the_original(ds: xr.Dataset, tmp_path: Path) -> None:
    found = eu.evaluate.predict_constructs(
        Counts(False), ds, tracks=Counts(True), n=2, bin_size=BIN
    )
    files = found.write(tmp_path / "p.tsv")
    assert [f.name for f in files] == ["p.tsv", "p.sites.tsv", "p.windows.tsv"]
    assert len(pd.read_csv(files[0], sep="\t")) == 3
    (old,) = found.write(tmp_path / "old.tsv", format="original")
    table = pd.read_csv(old, sep="\t", keep_default_na=False)
    assert list(table) == ["index", "name", "group", "fold", "offset", "activity", "predicted",
                           "peaksum", "peak"]  # fmt: skip
    for text, total in zip(table["peak"], table["peaksum"], strict=True):
        parts = [float(part.split("=")[1]) for part in text.split(";") if part]
        assert float(total) == pytest.approx(sum(parts))
    with pytest.raises(EugeneError, match="exists"):
        found.write(tmp_path / "p.tsv")
    with pytest.raises(EugeneError, match="did you mean 'original'"):
        found.write(tmp_path / "q.tsv", format="orginal")


def test_masks_are_those_of_the_original() -> None:
    golden = Path(__file__).parents[2] / "golden" / "finetune_utils.json"
    case = json.loads(golden.read_text())["wrap"]
    sites = [Site("s", start, end) for start, end in case["anno"]]
    bins = case["in_len"] // case["size"]
    assert eu.evaluate.site_masks(sites, bins, case["size"]).tolist() == case["out"]
    assert eu.evaluate.site_masks([], 3, 4).shape == (0, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"network": None}, "give a network"),
        ({"output": 1}, "output 1 is asked"),
        ({"tracks": Counts(False)}, "expected tracks in bins"),
        ({"tracks": Counts(True), "track": 2}, "track is 2"),
        ({"tracks": Counts(True), "track": "as"}, "did you mean 'As'"),
        ({"tracks": Counts(True), "bin_size": 16}, "do not lie in the middle"),
    ],
)
def test_what_cannot_be_is_refused(ds: xr.Dataset, given: dict, message: str) -> None:
    options = {"network": Counts(False), "bin_size": BIN, **given}
    with pytest.raises(EugeneError, match=message):
        eu.evaluate.predict_constructs(options.pop("network"), ds, n=1, **options)


def windows(values: list[list[float]], starts: list[int], chroms: list[str]) -> xr.Dataset:
    rows = np.array(values)
    return xr.Dataset(
        {"prediction": (("_sequence", "prediction_sample", "_bin"), rows[:, None])},
        coords={"chrom": ("_sequence", np.array(chroms, object)),
                "start": ("_sequence", np.array(starts) - 5),
                "end": ("_sequence", np.array(starts) + rows.shape[1] * 10 + 5),
                "prediction_sample": ["t"]},
        attrs={"bin_size": 10},
    )  # fmt: skip


def test_peaks_are_joined_over_windows_and_the_open_one_is_kept() -> None:
    ds = windows([[0, 0, 4, 6], [7, 0, np.nan, 5], [5, 5, 0, 0]], [100, 140, 100], ["b", "b", "a"])
    table = eu.evaluate.call_peaks(ds, 4, track="t")
    spans = table[["chrom", "chromStart", "chromEnd"]].values.tolist()
    assert spans == [["a", 100, 120], ["b", 120, 150], ["b", 170, 180]]
    assert table["signalValue"].tolist() == [5, 7, 5]
    assert table["peak"].tolist() == [5, 25, 5]
    assert table["score"].tolist() == [714, 1000, 714]
    merged = eu.evaluate.call_peaks(ds, 4, gap=20, min_width=15)
    assert merged[["chromStart", "chromEnd"]].values.tolist() == [[100, 120], [120, 180]]
    narrow = eu.evaluate.call_peaks(ds, 4, max_width=10)
    assert (narrow["chromEnd"] - narrow["chromStart"]).tolist() == [10, 10, 10]
    assert narrow["chromStart"].tolist() == [100, 140, 170]
    assert eu.evaluate.call_peaks(ds, 100).empty
    with pytest.raises(EugeneError, match="no track 'u'"):
        eu.evaluate.call_peaks(ds, 1, track="u")
