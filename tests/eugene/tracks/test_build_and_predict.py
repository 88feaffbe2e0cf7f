"""Tracks of BigWig files in windows, HDF5 of the original, predictions back on the genome."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import torch
import xarray as xr

import eugene as eu
import seqdata as sd
from eugene.errors import EugeneError

SIZES = {"a": 1500, "b": 900, "c": 700, "d": 640}
BIN, LENGTH = 16, 128


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A genome of four contigs and two tracks; nothing is known of the middle of contig a."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(5)
    genome = {c: "".join(rng.choice(list("ACGT"), n)) for c, n in SIZES.items()}
    (folder / "g.fa").write_text("".join(f">{c}\n{s}\n" for c, s in genome.items()))
    for name in ("x", "y"):
        with pyBigWig.open(str(folder / f"{name}.bw"), "w") as out:
            out.addHeader(list(SIZES.items()))
            for contig, size in SIZES.items():
                starts = np.arange(0, size)
                if contig == "a":
                    starts = starts[(starts < 400) | (starts >= 600)]
                out.addEntries(
                    [contig] * len(starts), starts.tolist(), ends=(starts + 1).tolist(),
                    values=rng.integers(0, 9, len(starts)).astype(float).tolist(),
                )  # fmt: skip
    (folder / "tracks.tsv").write_text(
        "index\tidentifier\tfile\tclip\tscale\tsum_stat\tdescription\n"
        "0\tx\tx.bw\t\t1\tsum\tDNASE:x\n1\ty\ty.bw\t1.5\t0.5\tmean\tCAGE:y\n"
    )
    (folder / "m.bed").write_text("".join(f"{c}\t0\t{n}\n" for c, n in SIZES.items()))
    return folder


def built(folder: Path, **options: object) -> xr.Dataset:
    given = {"length": LENGTH, "bin_size": BIN, "step": 64, "seed": 1, **options}
    return eu.tracks.build(folder / "tracks.tsv", folder / "g.fa", folder / "m.bed", **given)


def truth(folder: Path, track: str, chrom: str, start: int) -> np.ndarray:
    """Return bins as pyBigWig's values make them: NaN where no base has one."""
    with pyBigWig.open(str(folder / f"{track}.bw")) as file:
        bins = np.array(file.values(chrom, int(start), int(start) + LENGTH)).reshape(-1, BIN)
    there = np.isfinite(bins)
    count, total = there.sum(1), np.where(there, bins, 0).sum(1)
    if track == "y":
        # scaled first, then cut
        total = np.clip(total / np.maximum(count, 1) * 0.5, -1.5, 1.5)
    return np.where(count > 0, total, np.nan)


def test_bins_are_those_of_the_files(files: Path) -> None:
    ds = built(files)
    for row in range(0, ds.sizes["_sequence"], 3):
        chrom, start = str(ds["chrom"].values[row]), int(ds["start"].values[row])
        for i, track in enumerate(("x", "y")):
            np.testing.assert_allclose(
                ds["cov"].values[row, i], truth(files, track, chrom, start), rtol=1e-6
            )
    assert np.isnan(ds["cov"].values).any()
    assert ds["cov"].attrs["bin_size"] == BIN
    zero = built(files, uncovered="zero")
    assert (zero["cov"].values[np.isnan(ds["cov"].values)] == 0).all()


def test_contigs_are_held_out(files: Path) -> None:
    ds = built(files)
    of_contig = {c: set(ds["split"].values[ds["chrom"].values == c].tolist()) for c in SIZES}
    assert all(len(codes) == 1 for codes in of_contig.values())
    assert {code for codes in of_contig.values() for code in codes} == {0, 1, 2}
    told = built(files, held_out={"val": ["b"], "test": ["c"]})
    assert set(told["chrom"].values[told["split"].values == 1]) == {"b"}
    assert set(told["chrom"].values[told["split"].values == 0]) == {"a", "d"}
    regions = pd.DataFrame({"chrom": ["a"], "chromStart": [0], "chromEnd": [1500]})
    with pytest.raises(EugeneError, match="held_out="):
        eu.tracks.build(files / "tracks.tsv", files / "g.fa", regions, length=LENGTH, bin_size=BIN)


def test_windows_are_drawn_by_the_seed(files: Path) -> None:
    draw = eu.tracks.draw_windows
    once, again = (draw(files / "m.bed", LENGTH, 9, step=10, seed=4) for _ in range(2))
    assert once.equals(again)
    assert len(once.drop_duplicates()) == 9
    assert not once.equals(draw(files / "m.bed", LENGTH, 9, step=10, seed=5))
    size = once["chrom"].map(SIZES)
    assert (once["chromEnd"] <= size).all()
    assert ((once["chromEnd"] - once["chromStart"]) == LENGTH).all()
    with pytest.raises(EugeneError, match="holds a window of 5000 bp; the longest has 1,500"):
        draw(files / "m.bed", 5000)


def test_flat_windows_are_left_out(files: Path) -> None:
    everything = built(files)
    values = everything["cov"].values.astype(np.float64)
    spread = np.array([max(np.nanstd(track) for track in row if np.isfinite(track).any())
                       if np.isfinite(row).any() else 0 for row in values])  # fmt: skip
    cutoff = float(np.median(spread))
    kept = built(files, cutoff=cutoff)
    assert kept["start"].values.tolist() == everything["start"].values[spread >= cutoff].tolist()
    assert kept.attrs["windows_below_cutoff"] == int((spread < cutoff).sum())
    with pytest.raises(EugeneError, match="reaches the cutoff of 1000"):
        built(files, cutoff=1000)


def test_a_store_holds_the_same(files: Path, tmp_path: Path) -> None:
    stored, plain = built(files, out=tmp_path / "t.zarr"), built(files)
    for name in ("seq", "cov", "split", "start", "chrom"):
        np.testing.assert_array_equal(stored[name].values, plain[name].values)
    with pytest.raises(EugeneError, match="exists"):
        built(files, out=tmp_path / "t.zarr")


def test_hdf5_comes_back(files: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    ds = built(files)
    path = eu.tracks.to_hdf5(ds, tmp_path / "t.h5")
    with h5py.File(path) as file:
        n, tracks, bins = ds["cov"].shape
        assert file["input"].shape == (n, LENGTH, 4)
        assert file["outcome"].shape == (n, bins, tracks)
        want = ds["cov"].values.swapaxes(1, 2).astype(np.float16)
        np.testing.assert_array_equal(file["outcome"][()], want)
    back = eu.tracks.read_hdf5(path)
    assert (back["seq"].values == ds["seq"].values).all()
    assert back["start"].values.tolist() == ds["start"].values.tolist()
    assert back["cov"].attrs["bin_size"] == BIN


class Composition:
    """A network whose two tracks are the As, and the As less the Ts, of each bin."""

    target_names = ("As", "skew")

    def predict(self, x: np.ndarray) -> torch.Tensor:
        bins = np.ascontiguousarray(x).view(np.uint8).reshape(len(x), -1, BIN)
        a, t = ((bins == ord(c)).sum(-1) for c in "AT")
        # one bin at each end is not predicted
        return torch.as_tensor(np.stack([a, a - t], 1)[:, :, 1:-1].astype(np.float32))


def by_hand(files: Path, chrom: str, start: int, *, shifts: int, strands: int) -> np.ndarray:
    """Return every view of a window, (views, tracks, bins), bins in the order of the genome."""
    seq = dict(
        record.split("\n")[:2] for record in (files / "g.fa").read_text().split(">") if record
    )[chrom]
    seq = "N" * 500 + seq + "N" * 500
    views = []
    for shift in range(shifts + 1):
        first = 500 + start - shifts // 2 + shift
        text = seq[first : first + LENGTH]
        views.append(Composition().predict(np.array([list(text)], "S1")).numpy()[0])
        if strands == 2:
            turned = text.translate(str.maketrans("ACGT", "TGCA"))[::-1]
            found = Composition().predict(np.array([list(turned)], "S1")).numpy()[0]
            views.append(found[:, ::-1])
    return np.array(views)


def test_the_mean_is_that_of_every_shift_and_strand(files: Path) -> None:
    bed = pd.DataFrame({"chrom": ["a", "b", "b"], "chromStart": [300, 0, 850],
                        "chromEnd": [310, 200, 900]})  # fmt: skip
    ds = eu.tracks.predict(
        Composition(), files / "g.fa", bed, length=LENGTH, bin_size=BIN, shifts=10, batch_size=2
    )
    # the 96 bp that are predicted lie around the middle of the first region, 305
    assert int(ds["start"].values[0]) + BIN == 305 - 48
    for row in range(ds.sizes["_sequence"]):
        chrom, start = str(ds["chrom"].values[row]), int(ds["start"].values[row])
        views = by_hand(files, chrom, start, shifts=10, strands=2)
        assert len(views) == 22
        np.testing.assert_allclose(ds["prediction"].values[row], views.mean(0), atol=1e-5)
        np.testing.assert_allclose(ds["variance"].values[row], views.var(0), rtol=1e-4, atol=1e-6)


def test_pairs_change_places_on_the_other_strand(files: Path) -> None:
    bed = pd.DataFrame({"chrom": ["a"], "chromStart": [300], "chromEnd": [310]})
    given = {"length": LENGTH, "bin_size": BIN}
    plain = eu.tracks.predict(
        Composition(), files / "g.fa", bed, reverse_complement=False, **given
    )["prediction"].values
    swapped = eu.tracks.predict(Composition(), files / "g.fa", bed, pairs=[1, 0], **given)
    other = by_hand(files, "a", int(swapped["start"].values[0]), shifts=0, strands=2)[1]
    np.testing.assert_allclose(swapped["prediction"].values[0], (plain[0] + other[::-1]) / 2)


def test_bins_lie_where_they_were_predicted(files: Path, tmp_path: Path) -> None:
    bed = pd.DataFrame({"chrom": ["a", "b"], "chromStart": [303, 2], "chromEnd": [700, 9]})
    ds = eu.tracks.predict(
        Composition(), files / "g.fa", bed, length=LENGTH, bin_size=BIN, reverse_complement=False
    )
    inner = LENGTH - 2 * BIN
    first = ds["start"].values[ds["region"].values == 0] + BIN
    assert (np.diff(first) == inner).all()
    assert first[0] <= 303 and first[-1] + inner >= 700
    assert abs((first[0] + first[-1] + inner) / 2 - (303 + 700) / 2) <= 1
    made = eu.tracks.write(ds, tmp_path / "p.bw", contigs=files / "g.fa")
    assert [f.name for f in made] == ["p.As.bw", "p.skew.bw", "p.variance.As.bw",
                                      "p.variance.skew.bw"]  # fmt: skip
    genome = dict(r.split("\n")[:2] for r in (files / "g.fa").read_text().split(">") if r)
    with pyBigWig.open(str(made[0])) as file:
        for start, end, value in file.intervals("a"):
            # neighbouring bins of one value share a line
            for low in range(start, end, BIN):
                assert genome["a"][low : low + BIN].count("A") == value
        assert min(i[0] for i in file.intervals("b")) == 0  # the window begins before the contig
    beds = eu.tracks.write(ds, tmp_path / "p.bedgraph.gz", contigs=files / "g.fa", variance=False)
    with gzip.open(beds[0], "rt") as file:
        lines = [line.split("\t") for line in file.read().splitlines()]
    spans = [(int(s), int(e)) for c, s, e, _ in lines if c == "a"]
    assert spans[0][0] == first[0] and spans[-1][1] == first[-1] + inner
    assert all(e == s for (_, e), (s, _) in pairwise(spans))


def test_measured_tracks_correlate(files: Path) -> None:
    bed = pd.DataFrame({"chrom": ["b", "a"], "chromStart": [100, 500], "chromEnd": [700, 620]})
    ds = eu.tracks.predict(
        Composition(), files / "g.fa", bed, length=LENGTH, bin_size=BIN, reverse_complement=False
    )
    table = eu.tracks.correlate(ds, {"As": files / "x.bw", "skew": files / "y.bw"}, n_bootstrap=0)
    observed, predicted = [], []
    for row in range(ds.sizes["_sequence"]):
        start = int(ds["start"].values[row])
        observed.append(truth(files, "x", str(ds["chrom"].values[row]), start)[1:-1])
        predicted.append(ds["prediction"].values[row, 0])
    y, p = np.concatenate(observed), np.concatenate(predicted)
    there = np.isfinite(y)
    assert table["bins"][0] == there.sum() < len(y)
    assert table["pearson"][0] == pytest.approx(np.corrcoef(y[there], p[there])[0, 1], abs=1e-6)
    with pytest.raises(EugeneError, match="no file is given for the track 'skew'"):
        eu.tracks.correlate(ds, {"As": files / "x.bw"})


@pytest.mark.parametrize(
    ("options", "message"),
    [({"shifts": 16}, "less than a bin"), ({"bin_size": 32}, "do not lie in the middle")],
)
def test_what_does_not_fit_is_refused(files: Path, options: dict, message: str) -> None:
    given = {"length": LENGTH, "bin_size": BIN, **options}
    bed = pd.DataFrame({"chrom": ["a"], "chromStart": [300], "chromEnd": [310]})
    with pytest.raises(EugeneError, match=message):
        eu.tracks.predict(Composition(), files / "g.fa", bed, **given)


def test_bases_without_a_value_can_be_missing(files: Path) -> None:
    reader = sd.BigWig("cov", files / "x.bw", "x", uncovered="missing")
    regions = pd.DataFrame({"chrom": ["a"], "chromStart": [390], "chromEnd": [410]})
    ds = sd.open_regions(
        sd.GenomeFASTA("seq", files / "g.fa"), reader, bed=regions, fixed_length=20
    )
    assert np.isnan(ds["cov"].values[0, 0]).tolist() == [False] * 10 + [True] * 10
    with pytest.raises(sd.SeqdataError, match="uncovered"):
        sd.BigWig("cov", files / "x.bw", "x", uncovered="nan")
