"""Every source of signal: contigs it leaves out, values below zero, pairs of strands."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest
import xarray as xr

import seqdata as sd
from eugene.data import sources
from seqdata._told import SeqdataWarning
from seqdata.errors import ContigError, SchemaError

SIZES = {"chr1": 400, "chr2": 300, "chrUn": 200}
WIDTH = 20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signal")
    rng = np.random.default_rng(3)
    with (folder / "g.fa").open("w") as out:
        for name, size in SIZES.items():
            out.write(f">{name}\n{''.join(rng.choice(list('ACGT'), size))}\n")
    for name, contig, sign in (
        ("plus", "chr1", 1), ("minus", "chr1", 2), ("below", "chr1", -1), ("ensembl", "1", 1),
        ("other", "scaffold_9", 1),
    ):  # fmt: skip
        with pyBigWig.open(str(folder / f"{name}.bw"), "w") as out:
            out.addHeader([(contig, 400)])
            starts = list(range(0, 400, 10))
            values = [float(sign * (1 + i)) for i in range(40)]
            out.addEntries([contig] * 40, starts, ends=[s + 10 for s in starts], values=values)
    for name, shift in (("plus", 0), ("minus", 3)):
        lines = [f"chr1\t{at + shift}\t{at + shift + 9}\tb\t1\n" for at in range(0, 380, 7)]
        (folder / f"{name}.tsv").write_text("".join(lines))
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "chr1", "LN": SIZES["chr1"]}],
    }
    with pysam.AlignmentFile(str(folder / "r.bam"), "wb", header=header) as out:
        for i, start in enumerate(range(0, 380, 3)):
            line = pysam.AlignedSegment(out.header)
            line.query_name, line.query_sequence, line.cigarstring = "r", "A" * 10, "10M"
            line.flag, line.reference_id, line.reference_start = 16 * (i % 3 == 0), 0, start
            out.write(line)
    return folder


STRANDS = {"strands": ["+", "-"]}
SIGNALS: dict[str, Callable[..., Any]] = {
    "BigWig": lambda d, **o: sd.BigWig("cov", [d / "plus.bw", d / "minus.bw"], ["a+", "a-"], **o),
    "fragments": lambda d, **o: sd.Fragments(
        "cov", [d / "plus.tsv", d / "minus.tsv"], ["a+", "a-"], **o
    ),
    "BAM": lambda d, **o: sd.BAM("cov", d / "r.bam", "a", stranded="forward", **o),
}
LEAVE_OUT = ["BigWig", "fragments", "BAM"]


def table(*rows: tuple[str, int, str]) -> pd.DataFrame:
    chrom, start, strand = zip(*rows, strict=True)
    start = np.array(start)
    return pd.DataFrame(
        {"chrom": chrom, "chromStart": start, "chromEnd": start + WIDTH, "strand": strand}
    )


BOTH = table(("chr1", 40, "+"), ("chr2", 40, "+"), ("chr1", 100, "+"))


def stored(files: Path, path: Path, bed: pd.DataFrame, *signals: Any, genome: bool = True) -> Any:
    letters = [sd.GenomeFASTA("seq", files / "g.fa")] if genome else []
    return sd.from_region_files(*letters, *signals, path=path, bed=bed, fixed_length=WIDTH)


def opened(files: Path, path: Path, bed: pd.DataFrame, *signals: Any, genome: bool = True) -> Any:
    letters = [sd.GenomeFASTA("seq", files / "g.fa")] if genome else []
    return sd.open_regions(
        *letters, *signals, bed=bed, fixed_length=WIDTH, cache_dir=path.with_suffix(".cache")
    )


def added(files: Path, path: Path, bed: pd.DataFrame, *signals: Any, genome: bool = True) -> Any:
    ds = stored(files, path, bed)
    return sd.add_layers_from_files(ds.drop_vars("mask"), *signals)


WAYS = {"stored": stored, "opened": opened, "added": added}


# ------------------------------------------------------------------ contigs that are left out


@pytest.mark.parametrize("signal", LEAVE_OUT)
@pytest.mark.parametrize("way", WAYS)
def test_contigs_that_the_genome_has_are_zero(
    files: Path, tmp_path: Path, signal: str, way: str
) -> None:
    with pytest.warns(SeqdataWarning, match=r"leaves out contigs .* chr2: 1 of 3 regions.* for 0"):
        ds = WAYS[way](files, tmp_path / "x.zarr", BOTH, SIGNALS[signal](files))
    values = ds["cov"].to_numpy()
    assert (values[1] == 0).all()
    assert (values[[0, 2]] > 0).any(axis=(1, 2)).all()
    if "mask" in ds:
        assert ds["mask"].to_numpy().all()


@pytest.mark.parametrize("signal", LEAVE_OUT)
@pytest.mark.parametrize("way", WAYS)
def test_zero_is_quiet_and_error_refuses(
    files: Path, tmp_path: Path, signal: str, way: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = WAYS[way](files, tmp_path / "x.zarr", BOTH, SIGNALS[signal](files, missing="zero"))
    assert (ds["cov"].to_numpy()[1] == 0).all()
    with pytest.raises(ContigError, match=r"no contig 'chr2', which 1 of 3 .*missing='zero'"):
        WAYS[way](
            files, tmp_path / "y.zarr", BOTH, SIGNALS[signal](files, missing="error")
        )["cov"].load()  # fmt: skip
    with pytest.raises(SchemaError, match="missing must be 'warn', 'zero' or 'error'"):
        SIGNALS[signal](files, missing="none")


@pytest.mark.parametrize("profile", [True, False])
def test_sources_of_runs_say_so_too(files: Path, profile: bool) -> None:
    given = {"width": WIDTH, "task": "counts", "profile": profile}
    with pytest.warns(SeqdataWarning, match=r"leaves out contigs .* chr2: 1 of 3"):
        ds = sources.regions(files / "g.fa", BOTH, files / "plus.bw", **given)
    assert ds["counts"].values.tolist() == [110.0, 0.0, 230.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sources.regions(files / "g.fa", BOTH, files / "plus.bw", missing="zero", **given)
        sources.genome(files / "g.fa", BOTH, files / "plus.bw", width=WIDTH, missing="zero")
    with pytest.raises(ContigError, match="no contig 'chr2'"):
        sources.regions(files / "g.fa", BOTH, files / "plus.bw", missing="error", **given)


@pytest.mark.parametrize("way", ["stored", "opened"])
@pytest.mark.parametrize("signal", LEAVE_OUT)
def test_what_nobody_knows_is_refused(files: Path, tmp_path: Path, way: str, signal: str) -> None:
    with pytest.raises(ContigError, match="no contig 'chr2'") as told:
        WAYS[way](files, tmp_path / "x.zarr", BOTH, SIGNALS[signal](files), genome=False)
    assert "Did you mean 'chr1'" not in str(told.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("file", "told"),
    [("ensembl", r"calls it '1': rename the contigs"), ("other", r"It has 'scaffold_9'")],
)
def test_files_of_other_names_are_refused(
    files: Path, tmp_path: Path, way: str, file: str, told: str
) -> None:
    signal = sd.BigWig("cov", files / f"{file}.bw", "s")
    with pytest.raises(ContigError, match=rf"no contig 'chr1', which 3 of 3 .*{told}"):
        WAYS[way](files, tmp_path / "x.zarr", BOTH, signal)
    # where no region lies on a contig of the file, nothing would be anything but zero
    with pytest.raises(ContigError, match=r"no contig 'chr2', which 1 of 1"):
        WAYS[way](files, tmp_path / "y.zarr", table(("chr2", 9, "+")), SIGNALS["BigWig"](files))


def test_the_ends_of_contigs_stay_masked(files: Path, tmp_path: Path) -> None:
    bed = table(("chr1", 0, "+"), ("chr2", 290, "+"), ("chr1", 390, "+"))
    bed.loc[0, "chromEnd"] = 10  # around its middle, the window begins before the contig
    signal = SIGNALS["BigWig"](files, missing="zero")
    for way in (stored, opened):
        mask = way(files, tmp_path / "x.zarr", bed, signal)["mask"].to_numpy()
        assert mask.sum(axis=1).tolist() == [15, 10, 10]


# ------------------------------------------------------------------ values below zero


@pytest.mark.parametrize("way", WAYS)
def test_negative_signal_stays_negative(files: Path, tmp_path: Path, way: str) -> None:
    signal = sd.BigWig("cov", files / "below.bw", "s")
    ds = WAYS[way](files, tmp_path / "x.zarr", table(("chr1", 40, "+")), signal)
    np.testing.assert_array_equal(ds["cov"].to_numpy()[0, 0], np.repeat([-5.0, -6.0], 10))
    if way != "added":
        loader = sd.get_torch_dataloader(ds, variables=["cov"], in_memory=False)
        np.testing.assert_array_equal(next(iter(loader))["cov"][0, 0], np.repeat([-5.0, -6.0], 10))


@pytest.mark.parametrize("profile", [True, False])
def test_sums_below_zero_have_no_logarithm(files: Path, profile: bool) -> None:
    bed = table(("chr1", 40, "+"), ("chr1", 100, "+"))
    given = {"a": files / "plus.bw", "b": files / "below.bw"}
    with pytest.warns(UserWarning, match=r"signal of b sums to less than 0 over 2 of 2 windows"):
        ds = sources.regions(
            files / "g.fa", bed, given, width=WIDTH, task="counts", profile=profile
        )
    assert ds["counts_a"].values.tolist() == [110.0, 230.0]
    assert ds["counts_b"].values.tolist() == [-110.0, -230.0]
    np.testing.assert_allclose(ds["log_counts_a"], np.log([111.0, 231.0]), rtol=1e-6)
    assert np.isnan(ds["log_counts_b"]).all()


# ------------------------------------------------------------------ pairs of strands


def pairs_of(ds: xr.Dataset) -> tuple[list[Any], list[Any]]:
    return ds["cov_strand"].values.tolist(), ds["cov_pair"].values.tolist()


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("way", WAYS)
def test_pairs_change_places_on_the_other_strand(
    files: Path, tmp_path: Path, signal: str, way: str
) -> None:
    given = {} if signal == "BAM" else STRANDS
    bed = table(("chr1", 40, "+"), ("chr1", 40, "-"), ("chr1", 111, "-"))
    ds = WAYS[way](files, tmp_path / "x.zarr", bed, SIGNALS[signal](files, **given))
    strands, pairs = pairs_of(ds)
    assert strands == [1, -1] or strands == ["+", "-"]
    assert pairs == ["a-", "a+"]
    values = ds["cov"].to_numpy()
    assert (values[0, 0] != values[0, 1]).any()
    np.testing.assert_array_equal(values[1], values[0][::-1, ::-1])
    # written, opened and grown again it is the same
    sd.to_zarr(ds.drop_vars("mask", errors="ignore"), tmp_path / "y.zarr")
    more = ds.drop_vars("mask", errors="ignore").isel(_sequence=slice(1, 2))
    sd.to_zarr(more, tmp_path / "y.zarr", mode="a", append_dim="_sequence")
    again = sd.open_zarr(tmp_path / "y.zarr")
    assert pairs_of(again) == pairs_of(ds)
    np.testing.assert_array_equal(again["cov"].values, values[[0, 1, 2, 1]])
    # the loader shows each row as its other strand
    loader = sd.get_torch_dataloader(again, variables=["cov"], batch_size=4, rc_prob=1.0)
    turned = next(iter(loader))["cov"].numpy()
    np.testing.assert_array_equal(turned, values[[0, 1, 2, 1]][:, ::-1, ::-1])


@pytest.mark.parametrize("profile", [True, False])
def test_pairs_of_a_source_of_runs(files: Path, tmp_path: Path, profile: bool) -> None:
    bed = table(("chr1", 40, "+"), ("chr1", 40, "-"))
    given = {"x": files / "plus.bw", "y": files / "minus.bw"}
    for out in (None, tmp_path / "x.zarr"):
        ds = sources.regions(
            files / "g.fa", bed, given, width=WIDTH, task="counts", profile=profile,
            strands=["+", "-"], pairs=["y", "x"], out=out,
        )  # fmt: skip
        assert ds["counts_x"].values.tolist() == [110.0, 220.0]
        assert ds["counts_y"].values.tolist() == [220.0, 110.0]
        if profile:
            assert pairs_of(ds)[1] == ["y", "x"]
            np.testing.assert_array_equal(ds["cov"].values[1], ds["cov"].values[0][::-1, ::-1])
    lazily = sources.genome(
        files / "g.fa", bed, given, width=WIDTH, strands=["+", "-"], pairs=["y", "x"]
    )
    assert pairs_of(lazily)[1] == ["y", "x"]
