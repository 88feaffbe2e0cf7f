"""Signal of rows written as BigWig and bedGraph, read back with pyBigWig and with ours."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd
from seqdata.convert import contig_sizes
from seqdata.errors import ContigError, SchemaError, TrackError

SIZES = {"chr2": 400, "chr10": 500, "chr1": 300}


def rows_of(values, chrom, start, end, strand=None, **coords):
    """Return a dataset of windows with a track of shape (n, length) or (n, samples, length)."""
    values = np.asarray(values, dtype=float)
    dims = ("_sequence", "_length") if values.ndim == 2 else ("_sequence", "cov_sample", "_length")
    places = {"chrom": chrom, "start": start, "end": end}
    places |= {} if strand is None else {"strand": strand}
    return xr.Dataset(
        {"cov": (dims, values)},
        coords={name: ("_sequence", value) for name, value in places.items()} | coords,
    )


def bases(file: Path, contig: str) -> dict[int, float]:
    """Return the value of each base that a BigWig has one of."""
    with pyBigWig.open(str(file)) as opened:
        values = opened.values(contig, 0, opened.chroms(contig))
    return {i: v for i, v in enumerate(values) if not np.isnan(v)}


def test_what_was_read_is_written_back(tmp_path: Path) -> None:
    """Windows of BigWig files on both strands, with jitter, give the files' own values again."""
    rng = np.random.default_rng(0)
    (tmp_path / "g.fa").write_text(
        "".join(f">{name}\n{'ACGT' * (size // 4)}\n" for name, size in SIZES.items())
    )
    tracks = {}
    for sample in ("fwd", "rev"):
        tracks[sample] = {name: rng.integers(0, 9, size) * 0.25 for name, size in SIZES.items()}
        with pyBigWig.open(str(tmp_path / f"{sample}.bw"), "w") as out:
            out.addHeader(list(SIZES.items()))
            for name, values in tracks[sample].items():
                out.addEntries(name, 0, values=values, span=1, step=1)
    bed = pd.DataFrame(
        {"chrom": ["chr10", "chr2", "chr2", "chr1"], "chromStart": [30, 100, 120, 270],
         "chromEnd": [70, 140, 160, 310], "strand": ["-", "+", "-", "-"]}
    )  # fmt: skip
    reader = sd.BigWig(
        "cov", [tmp_path / "fwd.bw", tmp_path / "rev.bw"], ["fwd", "rev"],
        strands=["+", "-"], pairs=["rev", "fwd"],
    )  # fmt: skip
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", tmp_path / "g.fa"), reader, path=tmp_path / "x.zarr", bed=bed,
        fixed_length=40, max_jitter=3,
    )  # fmt: skip
    files = sd.to_bigwig(ds, tmp_path / "out", contigs=tmp_path / "g.fa")
    assert files == [tmp_path / "out" / "fwd.bw", tmp_path / "out" / "rev.bw"]
    covered = {"chr10": range(27, 73), "chr2": range(97, 163), "chr1": range(267, 300)}
    for file, sample in zip(files, tracks, strict=True):
        for contig, places in covered.items():
            found = bases(file, contig)
            assert list(found) == list(places)
            np.testing.assert_array_equal([*found.values()], tracks[sample][contig][[*places]])
        with pyBigWig.open(str(file)) as opened:
            assert list(opened.chroms()) == ["chr1", "chr10", "chr2"]  # sort -k1,1
            assert opened.header()["nLevels"] > 0
    again = sd.from_region_files(
        sd.GenomeFASTA("seq", tmp_path / "g.fa"),
        sd.BigWig("cov", files, ["fwd", "rev"], strands=["+", "-"], pairs=["rev", "fwd"]),
        path=tmp_path / "y.zarr", bed=bed, fixed_length=40, max_jitter=3,
    )  # fmt: skip
    np.testing.assert_array_equal(again["cov"].values, ds["cov"].values)


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("mean", {5: 1.0, 6: 3.0, 7: 2.0, 8: 8.0}),
        ("max", {5: 1.0, 6: 4.0, 7: 2.0, 8: 8.0}),
        # the middles are bases 6 and 7; the first row has no value at 7
        ("nearest", {5: 1.0, 6: 2.0, 7: 2.0, 8: 8.0}),
    ],
)
def test_bases_under_two_rows(tmp_path, overlap, expected):
    ds = rows_of([[1, 2, np.nan], [4, 2, 8]], ["chr1", "chr1"], [5, 6], [8, 9])
    [file] = sd.to_bigwig(ds, tmp_path / "x.bw", contigs=SIZES, overlap=overlap)
    assert bases(file, "chr1") == expected


def test_a_refused_overlap_leaves_nothing(tmp_path):
    ds = rows_of([[1, 2, 3], [4, 2, 8]], ["chr1", "chr1"], [5, 6], [8, 9])
    with pytest.raises(SchemaError, match=r"overlap at chr1:6.*overlap='mean'"):
        sd.to_bigwig(ds, tmp_path / "new" / "x.bw", contigs=SIZES, overlap="error")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.bw").write_text("mine")
    with pytest.raises(SchemaError):
        sd.to_bigwig(ds, tmp_path / "x.bw", contigs=SIZES, overlap="error")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("x.bw", "mine")]
    # a missing value is none: rows that only touch there do not overlap
    apart = rows_of([[1, 2, np.nan], [np.nan, 3, 8]], ["chr1", "chr1"], [5, 6], [8, 9])
    [file] = sd.to_bigwig(apart, tmp_path / "x.bw", contigs=SIZES, overlap="error")
    assert bases(file, "chr1") == {5: 1.0, 6: 2.0, 7: 3.0, 8: 8.0}


def test_many_overlapping_windows_against_a_slow_sum(tmp_path, monkeypatch):
    """Windows in any order and of any overlap, in stretches far smaller than the contig."""
    monkeypatch.setattr("seqdata.convert._signal._POSITIONS", 16)
    monkeypatch.setattr("seqdata.convert._signal._ROWS", 3)
    rng = np.random.default_rng(1)
    n, width = 60, 12
    start = rng.integers(-6, 296, n)
    chrom = rng.choice(list(SIZES), n)
    strand = rng.choice(["+", "-", "."], n)
    values = rng.normal(size=(n, width)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    ds = rows_of(values, chrom, start, start + width, strand)
    slow: dict[str, dict[int, list[float]]] = {name: {} for name in SIZES}
    nearest: dict[str, dict[int, tuple[float, int, float]]] = {name: {} for name in SIZES}
    for row in range(n):
        turned = values[row][::-1] if strand[row] == "-" else values[row]
        for place, value in zip(range(start[row], start[row] + width), turned, strict=True):
            if 0 <= place < SIZES[chrom[row]] and not np.isnan(value):
                slow[chrom[row]].setdefault(place, []).append(float(value))
                middle = start[row] + width / 2
                own = (abs(place + 0.5 - middle), int(start[row]), float(value))
                # rows that begin together come in their order
                there = nearest[chrom[row]].get(place, own)
                nearest[chrom[row]][place] = min(there, own, key=lambda entry: entry[:2])
    for overlap, rule in (("mean", np.mean), ("max", np.max)):
        [file] = sd.to_bigwig(ds, tmp_path / "x.bw", contigs=SIZES, overlap=overlap)
        for contig, there in slow.items():
            found = bases(file, contig)
            assert sorted(found) == sorted(there)
            for place, value in found.items():
                assert value == pytest.approx(rule(there[place]), rel=1e-6, abs=1e-6)
    [file] = sd.to_bigwig(ds, tmp_path / "x.bw", contigs=SIZES, overlap="nearest")
    for contig, chosen in nearest.items():
        found = bases(file, contig)
        assert found == pytest.approx({place: entry[2] for place, entry in chosen.items()})


def test_predictions_bins_attributions_and_strands(tmp_path):
    short = rows_of([[1, 2, 3], [4, 5, 6]], ["chr1", "chr1"], [10, 50], [21, 61], ["+", "-"])
    [file] = sd.to_bigwig(short, tmp_path / "p.bw", contigs=SIZES)
    assert bases(file, "chr1") == {14: 1, 15: 2, 16: 3, 54: 6, 55: 5, 56: 4}
    [file] = sd.to_bigwig(short, tmp_path / "b.bw", contigs=SIZES, bin_size=3)
    assert bases(file, "chr1")[11] == 1 and bases(file, "chr1")[19] == 3
    assert [bases(file, "chr1")[i] for i in range(51, 60)] == [6, 6, 6, 5, 5, 5, 4, 4, 4]
    files = sd.to_bigwig(short, tmp_path / "s.bw", contigs=SIZES, by_strand=True)
    assert [f.name for f in files] == ["s.plus.bw", "s.minus.bw"]
    assert [sorted(bases(f, "chr1")) for f in files] == [[14, 15, 16], [54, 55, 56]]
    attributions = short.drop_vars("cov").assign(
        cov=(("_sequence", "_ohe", "_length"), np.eye(4, 11)[None].repeat(2, 0))
    )
    [file] = sd.to_bigwig(attributions, tmp_path / "a.bw", contigs=SIZES)
    assert [bases(file, "chr1")[i] for i in (10, 13, 14, 60)] == [1, 1, 0, 1]


def test_rows_of_any_length(tmp_path):
    (tmp_path / "g.fa").write_text(f">chr1\n{'ACGT' * 75}\n")
    with pyBigWig.open(str(tmp_path / "in.bw"), "w") as out:
        out.addHeader([("chr1", 300)])
        out.addEntries("chr1", 0, values=np.arange(300.0), span=1, step=1)
    for lengths in ([4, 9], [4, 4, 4, 60]):  # padded, and one behind the other
        start = np.arange(len(lengths)) * 70 + 5
        bed = pd.DataFrame(
            {"chrom": "chr1", "chromStart": start, "chromEnd": start + lengths,
             "strand": ["-", "+", "-", "-"][: len(lengths)]}
        )  # fmt: skip
        ds = sd.from_region_files(
            sd.GenomeFASTA("seq", tmp_path / "g.fa"), sd.BigWig("cov", [tmp_path / "in.bw"], ["x"]),
            path=tmp_path / "x.zarr", bed=bed, fixed_length=False, overwrite=True,
        )  # fmt: skip
        [file] = sd.to_bigwig(ds, tmp_path / "out.bw", contigs={"chr1": 300})
        covered = [i for a, n in zip(start, lengths, strict=True) for i in range(a, a + n)]
        assert bases(file, "chr1") == {i: float(i) for i in covered}


def test_bedgraph_is_sorted_and_without_overlaps(tmp_path):
    ds = rows_of(
        [[[1, 1, 0.1], [2, 2, 2]], [[3, 3, 3], [np.nan, 4, 4]]], ["chr2", "chr10"],
        [7, 398], [10, 401], cov_sample=["a", "b/c"],
    )  # fmt: skip
    files = sd.to_bedgraph(ds, tmp_path / "{sample}.bedgraph.gz", contigs=SIZES)
    assert [f.name for f in files] == ["a.bedgraph.gz", "b_c.bedgraph.gz"]
    texts = [gzip.decompress(f.read_bytes()).decode() for f in files]
    assert texts == [
        "chr10\t398\t401\t3.0\nchr2\t7\t9\t1.0\nchr2\t9\t10\t0.1\n",
        "chr10\t399\t401\t4.0\nchr2\t7\t10\t2.0\n",
    ]
    chosen = sd.to_bedgraph(ds, tmp_path / "x.bdg", contigs=SIZES, samples=["b/c"], by_strand=False)
    assert chosen[0].read_text() == texts[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chr1\t300\n# note\nchr2\t400\n", {"chr1": 300, "chr2": 400}),
        ("chr1\t300\t6\t60\t61\n", {"chr1": 300}),
        (">chr1 x\nACGT\n>chr2\nAC\n", {"chr1": 4, "chr2": 2}),
    ],
)
def test_contig_sizes_of_files(tmp_path, text, expected):
    (tmp_path / "sizes").write_text(text)
    assert contig_sizes(tmp_path / "sizes") == expected


def test_mistakes(tmp_path):
    ds = rows_of(np.ones((1, 2, 3)), ["chr1"], [5], [8], cov_sample=["a", "b"])
    (tmp_path / "sizes").write_text("chr1\t300\nchr2\tlong\n")
    with pytest.raises(TrackError, match=r"line 2 is 'chr2\\tlong'"):
        sd.to_bigwig(ds, tmp_path / "x", contigs=tmp_path / "sizes")
    with pytest.raises(ContigError, match="The file calls it '1'"):
        sd.to_bigwig(ds, tmp_path / "x", contigs={"1": 300})
    with pytest.raises(SchemaError, match="2 samples do not go into one file"):
        sd.to_bigwig(ds, tmp_path / "x.bw", contigs=SIZES)
    with pytest.raises(SchemaError, match=r"no sample 'aa'\. Did you mean 'a'"):
        sd.to_bigwig(ds, tmp_path / "x", contigs=SIZES, samples=["aa"])
    with pytest.raises(SchemaError, match=r"no variable 'cob'\. Did you mean 'cov'"):
        sd.to_bigwig(ds, tmp_path / "x", "cob", contigs=SIZES)
    with pytest.raises(SchemaError, match="overlap is 'sum'"):
        sd.to_bigwig(ds, tmp_path / "x", contigs=SIZES, overlap="sum")
    with pytest.raises(SchemaError, match="no row has a value"):
        sd.to_bigwig(ds * np.nan, tmp_path / "x", contigs=SIZES)
    with pytest.raises(SchemaError, match="no coordinate 'chrom'"):
        sd.to_bigwig(ds.drop_vars("chrom"), tmp_path / "x", contigs=SIZES)
    assert [f.name for f in tmp_path.iterdir()] == ["sizes"]
