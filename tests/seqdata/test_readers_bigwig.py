from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyBigWig
import pytest

import seqdata as sd
from seqdata.errors import ContigError, MissingFileError, SchemaError, TrackError
from seqdata.readers import Windows
from seqdata.readers._bigwig_file import KeptBlocks
from seqdata.readers._signal import make_track


def windows(rows: list[tuple[str, int, int]]) -> Windows:
    names = tuple(dict.fromkeys(row[0] for row in rows))
    return Windows(
        names,
        np.array([names.index(row[0]) for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.zeros(len(rows), dtype=np.int8),
    )


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "x.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("chr1", 1000), ("chr2", 50)])
        out.addEntries(["chr1"] * 3, [0, 10, 990], ends=[5, 20, 1000], values=[1.0, -2.5, 7.0])
        out.addEntries(["chr2"], [40], ends=[50], values=[3.0])
    return path


def test_values_gaps_and_ends(track: Path) -> None:
    reader = sd.BigWig("cov", track, "a")
    out = reader.read(windows([("chr1", 3, 12), ("chr1", 995, 1004), ("chr2", -3, 6)]), 9)
    assert out.dtype == np.float32
    assert out.shape == (3, 1, 9)
    np.testing.assert_array_equal(out[0, 0], [1, 1, 0, 0, 0, 0, 0, -2.5, -2.5])
    np.testing.assert_array_equal(out[1, 0], [7] * 5 + [0] * 4)
    np.testing.assert_array_equal(out[2, 0], 0)


def test_wholly_off_the_contig(track: Path) -> None:
    out = sd.BigWig("cov", track, "a").read(windows([("chr2", 50, 60), ("chr2", -20, -10)]), 10)
    assert not out.any()


def test_padding_on_the_right(track: Path) -> None:
    out = sd.BigWig("cov", track, "a").read(windows([("chr1", 0, 3), ("chr1", 0, 6)]), 6)
    np.testing.assert_array_equal(out[:, 0], [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0]])


def test_contig_not_there(track: Path) -> None:
    with pytest.raises(ContigError, match=r"no contig '1'.* calls it 'chr1'"):
        sd.BigWig("cov", track, "a").read(windows([("1", 0, 5)]), 5)
    reader = sd.BigWig("cov", track, "a", missing="zero")
    assert not reader.read(windows([("chrX", 0, 5)]), 5).any()


def test_files_that_are_no_bigwig(tmp_path: Path, track: Path) -> None:
    with pytest.raises(MissingFileError, match=r"Did you mean .*x\.bw"):
        sd.BigWig("cov", tmp_path / "xx.bw", "a")
    (tmp_path / "e.bw").write_bytes(b"")
    with pytest.raises(TrackError, match="is empty"):
        sd.BigWig("cov", tmp_path / "e.bw", "a")
    (tmp_path / "t.bw").write_bytes(b"chr1\t0\t5\t1\n" * 100)
    with pytest.raises(TrackError, match="no BigWig file"):
        sd.BigWig("cov", tmp_path / "t.bw", "a")


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_cut_short(data_files, tmp_path: Path, share: float) -> None:
    source = data_files / "sacCer3" / "ATAC_fragment_coverage.bw"
    data = source.read_bytes()
    path = tmp_path / "cut.bw"
    path.write_bytes(data[: int(len(data) * share)])
    rows = windows([(f"chr{n}", 1000, 200_000) for n in ("I", "IV", "XVI")])
    if share == 0.9:  # only zoom levels are gone, which windows do not need
        whole = sd.BigWig("cov", source, "a").read(rows, 199_000)
        np.testing.assert_array_equal(sd.BigWig("cov", path, "a").read(rows, 199_000), whole)
        return
    with pytest.raises(TrackError, match=r"damaged|cut short|cannot"):
        sd.BigWig("cov", path, "a").read(rows, 199_000)


def test_samples_strands_and_pairs(track: Path) -> None:
    two = [track, track]
    made = sd.BigWig("cov", two, ["x.pos", "x.neg"], strands=["+", "-"]).track()
    assert made.pairs == ("x.neg", "x.pos")
    assert made.mates.tolist() == [1, 0]
    assert made.sample_dim == "cov_sample"
    assert sd.BigWig("cov", two, ["a", "b"]).track().mates.tolist() == [0, 1]
    four = [track] * 4
    made = sd.BigWig("cov", four, ["a+", "b+", "b-", "a-"], strands=["+", "+", "-", "-"]).track()
    assert made.mates.tolist() == [3, 2, 1, 0]
    made = sd.BigWig(
        "cov", four, list("abcd"), strands=["+", "-", "+", "-"], pairs=["b", "a", "", ""]
    ).track()
    assert made.mates.tolist() == [1, 0, 2, 3]


@pytest.mark.parametrize(
    "samples, options, message",
    [
        (["a"], {}, "2 files but 1 sample names"),
        (["a", "a"], {}, "sample names that repeat"),
        (["a", "b"], {"strands": ["+"]}, "one of '\\+', '-', '.' for each sample"),
        (["a", "b"], {"strands": ["+", "x"]}, "one of"),
        (["a", "b"], {"strands": ["+", "+"]}, "belong together"),
        (["a", "b"], {"strands": ["+", "-"], "pairs": ["b", ""]}, "not paired back"),
        (["a", "b"], {"strands": ["+", "-"], "pairs": ["b", "c"]}, "not there or not paired"),
        (["a", "b"], {"pairs": ["b"]}, "must name one sample"),
        (["a", "b"], {"missing": "skip"}, "missing must be"),
    ],
)
def test_names_that_do_not_fit(
    track: Path, samples: list[str], options: dict, message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        sd.BigWig("cov", [track, track], samples, **options)


def test_reader_survives_pickling(track: Path) -> None:
    reader = sd.BigWig("cov", track, "a")
    rows = windows([("chr1", 0, 30)])
    before = reader.read(rows, 30)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader)).read(rows, 30), before)
    reader.close()


@pytest.mark.parametrize(
    "file",
    [
        "sacCer3/ATAC_cutsites_both_ends.bw",
        "sacCer3/ATAC_fragment_coverage.bw",
        "eclip_hg38_chr19/PTBP1_HepG2.eCLIP.neg.bw",
        "basenji_tiny_hg38/bigwig/track22_CNhs13535+.bw",
    ],
)
def test_real_values_equal_pybigwig(data_files, file: str) -> None:
    path = data_files / file
    reader = sd.BigWig("cov", path, "a")
    rng = np.random.default_rng(0)
    rows = []
    sizes = reader.contigs()
    for _ in range(100):
        name = str(rng.choice(list(sizes)))
        start = int(rng.integers(0, max(1, sizes[name] - 1000)))
        rows.append((name, start, start + 1000))
    out = reader.read(windows(rows), 1000)
    with pyBigWig.open(str(path)) as oracle:
        for got, (name, start, end) in zip(out[:, 0], rows, strict=True):
            expected = np.zeros(1000, dtype=np.float32)
            values = oracle.values(name, start, min(end, sizes[name]))
            expected[: len(values)] = np.nan_to_num(values)
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("step", ["bedgraph", "variable", "fixed"])
def test_kinds_of_sections(tmp_path: Path, step: str) -> None:
    path = tmp_path / "x.bw"
    rng = np.random.default_rng(0)
    values = rng.random(3000).round(3)
    values[5] = np.nan
    starts = np.arange(3000) * 7 + 100
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("a", 50), ("c", 40_000)])
        if step == "bedgraph":
            out.addEntries(
                ["c"] * 3000, starts.tolist(), ends=(starts + 4).tolist(), values=values.tolist()
            )
        elif step == "variable":
            out.addEntries("c", starts.tolist(), values=values.tolist(), span=4)
        else:
            out.addEntries("c", 100, values=values.tolist(), span=4, step=7)
    got = sd.BigWig("cov", path, "a").read(windows([("c", 0, 40_000)]), 40_000)[0, 0]
    with pyBigWig.open(str(path)) as oracle:
        expected = np.nan_to_num(oracle.values("c", 0, 40_000, numpy=True))
    assert expected.any()
    np.testing.assert_array_equal(got, expected)


def test_every_base_of_a_contig(data_files) -> None:
    path = data_files / "sacCer3" / "ATAC_cutsites_both_ends.bw"
    size = sd.BigWig("cov", path, "a").contigs()["chrIV"]
    got = sd.BigWig("cov", path, "a").read(windows([("chrIV", 0, size)]), size)[0, 0]
    with pyBigWig.open(str(path)) as oracle:
        expected = np.nan_to_num(oracle.values("chrIV", 0, size, numpy=True))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("limit", [0, 300_000, 1 << 30])
def test_order_of_windows_and_kept_blocks(
    data_files, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    path = data_files / "sacCer3" / "ATAC_fragment_coverage.bw"
    rng = np.random.default_rng(0)
    start = rng.integers(0, 200_000, 400)
    rows = windows([(f"chr{'I' * (i % 3 + 1)}", s, s + 500) for i, s in enumerate(start.tolist())])
    reader = sd.BigWig("cov", [path, path], ["a", "b"])
    once = reader.read(rows, 500)
    small = KeptBlocks(limit)
    monkeypatch.setattr("seqdata.readers.bigwig.KeptBlocks", lambda: small)
    reader = sd.BigWig("cov", [path, path], ["a", "b"])
    parts = [reader.read(rows[i : i + 40], 500) for i in range(0, 400, 40)]
    np.testing.assert_array_equal(np.concatenate(parts), once)
    np.testing.assert_array_equal(once[:, 0], once[:, 1])
    assert small.held <= limit
    assert bool(small.held) is bool(limit)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes_never_crash(data_files, tmp_path: Path, seed: int) -> None:
    source = data_files / "basenji_tiny_hg38" / "bigwig" / "track43_ENCFF709BGZ.bw"
    data = bytearray(source.read_bytes())
    rng = np.random.default_rng(seed)
    for _ in range(int(rng.integers(1, 8))):
        reach = len(data) if rng.random() < 0.4 else 3000
        data[int(rng.integers(0, reach))] = int(rng.integers(0, 256))
    path = tmp_path / "x.bw"
    path.write_bytes(data)
    try:
        reader = sd.BigWig("cov", path, "a")
        rows = [(name, 1000, 61_000) for name in list(reader.contigs())[:3]]
        out = reader.read(windows(rows), 60_000)
    except TrackError:
        return
    assert out.shape == (len(rows), 1, 60_000)


def test_samples_named_by_strand_without_strands_are_noticed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    options: dict[str, Any] = {"n_files": 2, "sample_dim": None, "pairs": None}
    for names in (["pos", "neg"], ["x.plus", "x.minus"], ["CNhs1+", "CNhs1-"]):
        caplog.clear()
        make_track("cov", "f4", names, strands=None, **options)
        assert "look like two strands" in caplog.text
        assert repr(names[1]) in caplog.text
    caplog.clear()
    make_track("cov", "f4", ["pos", "neg"], strands=[".", "."], **options)
    make_track("cov", "f4", ["pos", "neg"], strands=["+", "-"], **options)
    make_track("cov", "f4", ["posterior", "negative control 1"], strands=None, **options)
    make_track("cov", "f4", ["a", "b"], strands=None, **options)
    assert caplog.text == ""
