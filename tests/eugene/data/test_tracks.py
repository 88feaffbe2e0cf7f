"""Data sources of binned tracks: windows of a genome with BigWig files, and ready arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd
from eugene.data.sources import SourceError, binned, tracks
from eugene.errors import ToolkitError
from seqdata.readers import Squash, read_track_table

TABLE = (
    "identifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tstrand_pair\tdescription\n"
    "a+\tplus.bw\t384\t16\t1.0\tsum_sqrt\t1\tCAGE:liver\n"
    "a-\tminus.bw\t384\t16\t1.0\tsum_sqrt\t0\tCAGE:liver\n"
    "b\topen.bw\t20\t\t0.5\tsum\t2\tDNASE:HepG2\n"
)


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(2)
    (folder / "g.fa").write_text(">c\n" + "".join(rng.choice(list("ACGT"), 1000)) + "\n")
    (folder / "r.bed").write_text("c\t100\t164\ttrain\nc\t500\t564\ttest\nc\t980\t990\ttest\n")
    (folder / "t.tsv").write_text(TABLE)
    for name in ("plus", "minus", "open"):
        with pyBigWig.open(str(folder / f"{name}.bw"), "w") as out:
            out.addHeader([("c", 1000)])
            values = rng.integers(0, 9, 1000).astype(float)
            out.addEntries("c", 0, values=values.tolist(), span=1, step=1)
    return folder


def sums(folder: Path, name: str, start: int, bins: int) -> np.ndarray:
    with pyBigWig.open(str(folder / f"{name}.bw")) as file:
        each = [
            file.stats("c", start + 8 * b, start + 8 * b + 8, type="sum", exact=True)[0]
            for b in range(bins)
        ]
    return np.array(each)


def test_a_table_says_how_each_track_is_binned(
    genome: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ds = tracks(
        genome / "g.fa", genome / "r.bed", width=64, bin_size=8, crop=16, table=genome / "t.tsv",
        out=tmp_path / "x.zarr",
    )  # fmt: skip
    assert "dropped past contig ends: 1 of 3 regions" in caplog.text
    assert ds.attrs["dropped_past_contig_ends"] == 1 and ds["name"].values.tolist() == [
        "train",
        "test",
    ]
    assert ds["cov"].dtype == np.float16 and ds["cov"].shape == (2, 3, 4)
    assert ds["cov_strand"].values.tolist() == ["+", "-", "."]
    assert ds["cov_pair"].values.tolist() == ["a-", "a+", ""]
    assert ds["cov_assay"].values.tolist() == ["CAGE", "CAGE", "DNASE"]
    for row, start in enumerate((116, 516)):
        plus, minus, open_ = (sums(genome, n, start, 4) for n in ("plus", "minus", "open"))
        roots = [np.sqrt(1 + s) - 1 for s in (plus, minus)]
        expected = [*roots, np.minimum(open_, 20) / 2]
        np.testing.assert_allclose(ds["cov"].values[row], expected, rtol=1e-3)
    squash = Squash.from_dict(ds["cov"].attrs["squash"])
    np.testing.assert_allclose(
        squash.invert(ds["cov"].values[0])[0], sums(genome, "plus", 116, 4), rtol=5e-3
    )


def test_arguments_stand_above_the_table(genome: Path) -> None:
    files = {"b": genome / "open.bw", "a+": genome / "plus.bw"}
    ds = tracks(
        genome / "g.fa", genome / "r.bed", files, width=64, bin_size=8, table=genome / "t.tsv",
        aggregate="mean", squash={"clip": 1e4, "clip_soft": 1e3, "scale": 1.0}, dtype="float32",
    )  # fmt: skip
    assert ds["cov_sample"].values.tolist() == ["b", "a+"]
    # the partner of a+ has no file here
    assert ds["cov_pair"].values.tolist() == ["", ""]
    np.testing.assert_allclose(ds["cov"].values[0, 0], sums(genome, "open", 100, 8) / 8)


def test_what_does_not_fit_is_refused(genome: Path) -> None:
    paths = genome / "g.fa", genome / "r.bed"
    with pytest.raises(SourceError, match="there is no signal"):
        tracks(*paths, width=64, bin_size=8)
    with pytest.raises(SourceError, match="has no track 'c'"):
        tracks(*paths, {"c": genome / "open.bw"}, width=64, bin_size=8, table=genome / "t.tsv")
    with pytest.raises(SourceError, match="squash: 'clp'"):
        tracks(*paths, genome / "open.bw", width=64, bin_size=8, squash={"clp": 1.0})
    with pytest.raises(SourceError, match="no window of 2000 bp"):
        tracks(*paths, genome / "open.bw", width=2000, bin_size=8)
    with pytest.raises(ToolkitError, match="use windows of 56 or 64 bp"):
        tracks(*paths, genome / "open.bw", width=60, bin_size=8)


def windows(folder: Path, **arrays: object) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    fasta, values = folder / "w.fa", folder / "t.npz"
    letters = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(3)]
    fasta.write_text("".join(f">w{i}\n{s}\n" for i, s in enumerate(letters)))
    given = {"targets": rng.random((3, 6, 3)).astype(np.float16), "names": ["w2", "w0", "w1"]}
    np.savez(values, **{**given, "split": ["train", "valid", "test"], **arrays})  # type: ignore[arg-type]
    return fasta, values


def test_ready_arrays_are_put_beside_their_windows(genome: Path, tmp_path: Path) -> None:
    fasta, values = windows(tmp_path)
    bed = tmp_path / "p.bed"
    bed.write_text("c\t104\t128\nc\t204\t228\nc\t304\t328\n")
    options = {"bin_size": 4, "table": genome / "t.tsv", "axes": "bins_tracks", "bed": bed}
    ds = binned(fasta, values, **options, out=tmp_path / "x.zarr")  # type: ignore[arg-type]
    assert ds["id"].values.tolist() == ["w2", "w0", "w1"]
    assert ds["split"].values.tolist() == [0, 1, 2]
    assert ds["start"].values.tolist() == [96, 196, 296] and ds["cov"].attrs["crop"] == 8
    given = np.load(values)["targets"]
    np.testing.assert_array_equal(ds["cov"].values, given.swapaxes(1, 2))
    assert Squash.from_dict(ds["cov"].attrs["squash"]).sqrt == (True, True, False)
    letters = fasta.read_text().split("\n")[5]
    assert b"".join(ds["seq"].values[0]).decode() == letters
    # the same in memory
    again = binned(fasta, values, **options)  # type: ignore[arg-type]
    xr.testing.assert_equal(again["cov"].load(), ds["cov"].load())


def test_rows_of_a_plain_array_are_those_of_the_file(tmp_path: Path) -> None:
    fasta, values = windows(tmp_path)
    plain = tmp_path / "t.npy"
    np.save(plain, np.load(values)["targets"].swapaxes(1, 2))
    ds = binned(fasta, plain, bin_size=4, out=tmp_path / "x.zarr")
    assert ds["id"].values.tolist() == ["w0", "w1", "w2"] and "split" not in ds
    loader = sd.get_torch_dataloader(ds, "_sequence", ["seq", "cov"], batch_size=3, rc_prob=1.0)
    turned = next(iter(loader))["cov"].numpy()  # type: ignore[call-overload]
    np.testing.assert_array_equal(turned, ds["cov"].values[..., ::-1])


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"names": ["w2", "w0", "w7"]}, {}, "has no record 'w7'"),
        ({"names": ["w2", "w0"]}, {}, "has 2 names for 3 rows"),
        ({}, {"bin_size": 8}, "that leaves -8 bp"),
        ({}, {"crop": 4}, "crops of 4 bp at both ends are not made"),
        ({}, {"values_key": "target"}, "no array 'target'"),
        ({"targets": np.ones((3, 18))}, {}, "expected three axes"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, arrays: dict[str, object], options: dict[str, object], message: str
) -> None:
    fasta, values = windows(tmp_path, **arrays)
    given = {"bin_size": 4, "axes": "bins_tracks", **options}
    with pytest.raises(SourceError, match=message):
        binned(fasta, values, **given, out=tmp_path / "x.zarr")  # type: ignore[arg-type]
    assert not (tmp_path / "x.zarr").exists()


def test_a_table_of_tracks_names_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    for text, message in (
        ("track_id\tclip\nx\t1\n", "no column 'name'"),
        ("name\tpair\nx\t4\n", "row 1 below the header: pair is 4"),
        ("name\tpair\nx\ty\ny\tx\n", "does not end in"),
        ("name\tweight\nx\t-1\n", "the weight of 'x' is -1.0"),
        ("name\tpair\tstrand\nx\ty\t+\ny\t\t-\n", "not paired back|not there or not"),
    ):
        path.write_text(text)
        with pytest.raises(ToolkitError, match=message):
            read_track_table(path)
    path.write_text("name\tstrand\tpair\tassay\tweight\nx\t+\ty\tCAGE\t2\ny\t-\tx\tCAGE\t1\n")
    table = read_track_table(path)
    assert (table.strands, table.pairs) == (("+", "-"), ("y", "x"))
    assert table.metadata == {"assay": ("CAGE", "CAGE"), "weight": (2.0, 1.0)}


def test_the_windows_of_basenji(shared_data: Path) -> None:
    folder = shared_data / "basenji_tiny_hg38"
    ds = binned(
        folder / "windows_131072.fa.gz", folder / "targets_32bp.npz", bin_size=32,
        table=folder / "targets.tsv", bed=folder / "regions_hg38_coords.bed", axes="bins_tracks",
    )  # fmt: skip
    assert ds["cov"].shape == (65, 74, 2048) and ds["cov"].attrs["crop"] == 32768
    assert np.bincount(ds["split"].values).tolist() == [45, 10, 10]
    # a record is called by the window that it is
    names = [
        f"{c}_{s}_{e}"
        for c, s, e in zip(ds["chrom"].values, ds["start"].values, ds["end"].values, strict=True)
    ]
    assert names == ds["id"].values.tolist()
    # the same bins as those of its BigWig files, which name the places in contig coordinates
    for name in ("track22_CNhs13535+", "track43_ENCFF709BGZ"):
        number = int(name[5:7])
        with pyBigWig.open(str(folder / "bigwig" / f"{name}.bw")) as file:
            values = np.nan_to_num(file.values(names[3], 32768, 98304, numpy=True))
        bins = values.reshape(2048, 32)
        assert (bins == bins[:, :1]).all()
        np.testing.assert_allclose(ds["cov"].values[3, number], bins[:, 0], rtol=1e-3, atol=1e-3)
