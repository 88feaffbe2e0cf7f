"""Binned signal against pyBigWig, on both strands, at the ends of contigs, and in a loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd
from seqdata.errors import LengthError, SchemaError, SeqdataError, TrackError
from seqdata.readers import Squash

SIZE = 700
START = np.array([100, 100, 660, -20])
# one base in the middle of each window of 96 bp, two of which reach over the end of a contig
BEDS = pd.DataFrame(
    {
        "chrom": ["c1", "c1", "c1", "c2"],
        "chromStart": START + 48,
        "chromEnd": START + 49,
        "strand": ["+", "-", "+", "-"],
    }
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a genome of two contigs and signal of two strands and of none."""
    folder = tmp_path_factory.mktemp("binned")
    rng = np.random.default_rng(1)
    letters = ["".join(rng.choice(list("ACGT"), SIZE)) for _ in range(2)]
    (folder / "g.fa").write_text("".join(f">c{i + 1}\n{s}\n" for i, s in enumerate(letters)))
    for name in ("plus", "minus", "open"):
        with pyBigWig.open(str(folder / f"{name}.bw"), "w") as out:
            out.addHeader([("c1", SIZE), ("c2", SIZE)])
            for contig in ("c1", "c2"):
                starts = np.flatnonzero(rng.random(SIZE) < 0.5)
                out.addEntries(
                    [contig] * len(starts),
                    starts.tolist(),
                    ends=(starts + 1).tolist(),
                    values=rng.integers(1, 9, len(starts)).astype(float).tolist(),
                )
    return folder


def bigwigs(folder: Path) -> sd.BigWig:
    names = ["plus", "minus", "open"]
    files = [folder / f"{name}.bw" for name in names]
    return sd.BigWig("cov", files, ["a+", "a-", "b"], strands=["+", "-", "."])


def built(folder: Path, out: Path, **options: object) -> xr.Dataset:
    jitter = int(options.pop("max_jitter", 0))  # type: ignore[call-overload]
    signal = sd.Binned(bigwigs(folder), 16, **options)  # type: ignore[arg-type]
    return sd.from_region_files(
        sd.GenomeFASTA("seq", folder / "g.fa"), signal, bed=BEDS, fixed_length=96,
        max_jitter=jitter, path=out,
    )  # fmt: skip


def truth(folder: Path, row: int, how: object, *, crop: int, bins: int) -> np.ndarray:
    """Return what pyBigWig says of the bins of a row, in reading direction."""
    chrom, strand, start = BEDS["chrom"][row], BEDS["strand"][row], START[row]
    out = []
    for name in ("plus", "minus", "open"):
        with pyBigWig.open(str(folder / f"{name}.bw")) as file:
            values = np.zeros(bins * 16)
            for i in range(len(values)):
                place = start + crop + i
                if 0 <= place < SIZE:
                    values[i] = np.nan_to_num(file.values(chrom, int(place), int(place) + 1)[0])
        out.append([how(values[b * 16 : (b + 1) * 16]) for b in range(bins)])  # type: ignore[operator]
    found = np.array(out)
    return found[[1, 0, 2], ::-1] if strand == "-" else found


@pytest.mark.parametrize(
    ("aggregate", "how"),
    [
        ("sum", np.sum),
        ("mean", np.mean),
        ("max", np.max),
        ("sum_sqrt", lambda v: np.sqrt(1 + v.sum()) - 1),
    ],
)
def test_bins_are_what_pybigwig_says(
    files: Path, tmp_path: Path, aggregate: str, how: object
) -> None:
    ds = built(files, tmp_path / "x.zarr", aggregate=aggregate, crop=16)
    assert ds["cov"].dims == ("_sequence", "cov_sample", "_length_cov")
    assert ds["cov"].dtype == np.float32
    facts = {k: ds["cov"].attrs[k] for k in ("bin_size", "crop", "flank", "aggregate")}
    assert facts == {"bin_size": 16, "crop": 16, "flank": 0, "aggregate": aggregate}
    for row in range(len(BEDS)):
        expected = truth(files, row, how, crop=16, bins=4)
        np.testing.assert_allclose(ds["cov"].values[row], expected, rtol=1e-6)


def test_sums_of_whole_bins_are_those_of_pybigwigs_stats(files: Path, tmp_path: Path) -> None:
    ds = built(files, tmp_path / "x.zarr")
    with pyBigWig.open(str(files / "open.bw")) as file:
        sums = [
            file.stats("c1", 100 + 16 * b, 116 + 16 * b, type="sum", exact=True) for b in range(6)
        ]
    np.testing.assert_allclose(ds["cov"].values[0, 2], np.ravel(sums))


def test_a_mask_says_which_bins_lie_on_their_contig(files: Path, tmp_path: Path) -> None:
    ds = built(files, tmp_path / "x.zarr")
    # c1 ends after 40 of the 96 bp of row 2: two whole bins; row 3 begins 20 bp before c2, and is
    # shown from its other end
    assert ds["cov_mask"].values.tolist() == [
        [1] * 6, [1] * 6, [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0],
    ]  # fmt: skip
    assert ds["cov_mask"].attrs["bin_size"] == 16


def test_no_smaller_bin_is_made_at_the_end(files: Path, tmp_path: Path) -> None:
    with pytest.raises(LengthError, match="use windows of 84 or 100 bp"):
        built(files, tmp_path / "x.zarr", crop=2)
    assert not (tmp_path / "x.zarr").exists()


def test_jitter_stores_whole_bins_more_and_shows_the_middle(files: Path, tmp_path: Path) -> None:
    plain = built(files, tmp_path / "x.zarr", crop=16)
    wide = built(files, tmp_path / "y.zarr", crop=16, max_jitter=40)
    assert wide.sizes["_length_cov"] == 4 + 2 * 2
    assert wide["cov"].attrs["crop"] == 16 + 8
    np.testing.assert_array_equal(wide["cov"].values[..., 2:-2], plain["cov"].values)
    names = ["seq", "cov"]
    loader = sd.get_torch_dataloader(
        wide, "_sequence", names, batch_size=4, length=96, max_jitter=0
    )
    batch = next(iter(loader))
    np.testing.assert_array_equal(batch["cov"].numpy(), plain["cov"].values)  # type: ignore[call-overload]


def test_a_loader_moves_and_turns_bins_with_their_sequence(files: Path, tmp_path: Path) -> None:
    wide = built(files, tmp_path / "y.zarr", crop=16, max_jitter=40, dtype="float16").load()
    loader = sd.get_torch_dataloader(
        wide, "_sequence", ["seq", "cov"], batch_size=4, length=96, max_jitter=40, rc_prob=0.5,
        seed=3, index="index",
    )  # fmt: skip
    seen = set()
    for epoch in range(6):
        loader.set_epoch(epoch)
        batch = next(iter(loader))
        shift, flip = loader.core.draw(epoch, batch["index"].numpy())  # type: ignore[call-overload]
        assert shift is not None and flip is not None
        for row, move, turned in zip(range(4), shift, flip, strict=True):
            bins = int(np.clip(np.rint(move / 16), -2, 2))
            expected = wide["cov"].values[row, :, 2 + bins : 6 + bins]
            expected = expected[[1, 0, 2], ::-1] if turned else expected
            np.testing.assert_array_equal(batch["cov"][row].numpy(), expected)  # type: ignore[call-overload]
            seen.add((bins, bool(turned)))
    assert {bins for bins, _ in seen} == {-2, -1, 0, 1, 2} and {t for _, t in seen} == {False, True}


def test_a_narrower_target_is_cut_around_the_middle(files: Path, tmp_path: Path) -> None:
    ds = built(files, tmp_path / "x.zarr").load()
    loader = sd.get_torch_dataloader(ds, "_sequence", ["cov"], batch_size=4, lengths={"cov": 2})
    batch = next(iter(loader))
    np.testing.assert_array_equal(batch["cov"].numpy(), ds["cov"].values[..., 2:4])  # type: ignore[call-overload]
    with pytest.raises(SeqdataError, match="3 of them cannot be cut"):
        sd.get_torch_dataloader(ds, "_sequence", ["cov"], lengths={"cov": 3})


def test_layers_can_be_added_in_bins(files: Path, tmp_path: Path) -> None:
    whole = built(files, tmp_path / "x.zarr", crop=16)
    again = sd.add_layers_from_files(
        whole.drop_dims(["cov_sample", "_length_cov"]), sd.Binned(bigwigs(files), 16, crop=16)
    )
    np.testing.assert_array_equal(again["cov"].values, whole["cov"].values)


def test_samples_have_their_own_transform_and_metadata(files: Path, tmp_path: Path) -> None:
    options = {"aggregate": ["sum", "sum_sqrt", "mean"], "clip_soft": [8.0, 3.0, None]}
    ds = built(
        files, tmp_path / "x.zarr", **options, clip=[None, 4.0, None], scale=[1.0, 2.0, 0.5],
        metadata={"assay": ["CAGE", "CAGE", "DNASE"], "weight": [1.0, 1.0, 0.5]},
    )  # fmt: skip
    assert ds["cov_assay"].values.tolist() == ["CAGE", "CAGE", "DNASE"]
    assert ds["cov_weight"].values.tolist() == [1.0, 1.0, 0.5]
    plain = truth(files, 0, np.sum, crop=0, bins=6)
    first = np.where(plain[0] > 8, 7 + np.sqrt(plain[0] - 7), plain[0])
    root = np.sqrt(1 + plain[1]) - 1
    second = 2 * np.minimum(np.where(root > 3, 2 + np.sqrt(np.maximum(root - 2, 0)), root), 4)
    np.testing.assert_allclose(ds["cov"].values[0], [first, second, plain[2] / 32], rtol=1e-6)
    squash = Squash.from_dict(ds["cov"].attrs["squash"])
    back = squash.invert(ds["cov"].values[0])
    there = ~squash.saturated(ds["cov"].values[0])
    assert not there.all() and there.mean() > 0.5
    sums = np.stack([plain[0], plain[1], plain[2] / 16])
    np.testing.assert_allclose(back[there], sums[there], rtol=1e-5)
    assert (back[~there] <= sums[~there]).all()


def test_a_squash_is_inverted_exactly_below_its_clip() -> None:
    squash = Squash.of(1, sqrt=True, clip_soft=64.0, clip=384.0, scale=0.25)
    values = np.random.default_rng(0).gamma(0.3, 4000.0, (1, 5000))
    pressed = squash.apply(values)
    there = ~squash.saturated(pressed)
    assert (values > 65**2).any() and there.all()
    np.testing.assert_allclose(squash.invert(pressed), values, rtol=1e-9, atol=1e-9)


def test_what_does_not_fit_is_refused(files: Path, tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="aggregate: 'total'"):
        sd.Binned(bigwigs(files), 16, aggregate="total")  # type: ignore[arg-type]
    with pytest.raises(TrackError, match="bin_size is 0"):
        sd.Binned(bigwigs(files), 0)
    with pytest.raises(TrackError, match="clip has 2 values, there are 3 samples"):
        sd.Binned(bigwigs(files), 16, clip=[1.0, 2.0])
    with pytest.raises(TrackError, match="below clip_soft"):
        sd.Binned(bigwigs(files), 16, clip=2.0, clip_soft=3.0)
    with pytest.raises(TrackError, match="more than float16 does"):
        built(files, tmp_path / "x.zarr", scale=1e4, dtype="float16")
    with pytest.raises(TrackError, match="no signal of single bases"):
        sd.Binned(sd.GenomeFASTA("seq", files / "g.fa"), 16)
    with pytest.raises(SchemaError, match="made once and stored"):
        sd.open_regions(sd.Binned(bigwigs(files), 16), bed=BEDS, fixed_length=96)
    uneven = BEDS[:2].assign(chromEnd=[160, 180])
    with pytest.raises(LengthError, match="needs windows of one length"):
        sd.from_region_files(
            sd.GenomeFASTA("seq", files / "g.fa"), sd.Binned(bigwigs(files), 16),
            path=tmp_path / "z", bed=uneven, fixed_length=False,
        )  # fmt: skip
