from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import BedError, ContigError, LengthError, SchemaError, SeqdataError
from seqdata.regions._negatives import merge

INTERVALS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 100), st.integers(1, 30)),
    min_size=1,
    max_size=25,
)


def table(rows: list[tuple[str, int, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["chrom", "chromStart", "size"])
    frame["chromEnd"] = frame["chromStart"] + frame.pop("size")
    return frame


# ------------------------------------------------------------------ resize, tile


@pytest.mark.parametrize(
    "start, end, peak, width, expected",
    [
        (100, 200, 20, 10, (115, 125)),
        (100, 200, -1, 10, (145, 155)),
        (100, 201, -1, 11, (145, 156)),
        (100, 200, 0, 1, (100, 101)),
        (0, 4, 0, 10, (-5, 5)),
    ],
)
def test_resize(start: int, end: int, peak: int, width: int, expected: tuple[int, int]) -> None:
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": start, "chromEnd": end, "peak": peak})
    out = sd.regions.resize(bed, width)
    assert (out["chromStart"][0], out["chromEnd"][0]) == expected
    if peak >= 0:
        assert out["chromStart"][0] + out["peak"][0] == start + peak
    else:
        assert out["peak"][0] == -1


def test_resize_options() -> None:
    bed = pd.DataFrame(
        {"chrom": ["c", "c", "d"], "chromStart": [0, 50, 50], "chromEnd": [10, 60, 60],
         "peak": [1, 1, 1], "note": list("xyz")},
        index=[7, 8, 9],
    )  # fmt: skip
    middle = sd.regions.resize(bed, 4, centre="midpoint")
    assert middle["chromStart"].tolist() == [3, 53, 53]
    with pytest.warns(sd.SeqdataWarning, match="1 of 3 regions .* 'd'.*dropped"):
        kept = sd.regions.resize(bed, 30, contigs={"c": 100})
    assert kept["note"].tolist() == ["y"]
    assert kept.index.tolist() == [8]
    assert bed["chromStart"].tolist() == [0, 50, 50]
    with pytest.raises(LengthError, match="width must be"):
        sd.regions.resize(bed, 0)
    with pytest.raises(SchemaError, match="centre must be"):
        sd.regions.resize(bed, 5, centre="middle")  # type: ignore[arg-type]


@given(INTERVALS, st.integers(1, 60))
def test_resize_keeps_the_middle(rows: list[tuple[str, int, int]], width: int) -> None:
    bed = table(rows)
    out = sd.regions.resize(bed, width)
    assert (out["chromEnd"] - out["chromStart"] == width).all()
    middle = (bed["chromStart"] + bed["chromEnd"]) // 2
    assert (out["chromStart"] + width // 2 == middle).all()


def test_tile() -> None:
    out = sd.regions.tile({"a": 25, "b": 9}, 10, step=5)
    assert out.to_numpy().tolist() == [["a", s, s + 10] for s in (0, 5, 10, 15)]
    partial = sd.regions.tile({"a": 25}, 10, partial=True)
    assert partial["chromEnd"].tolist() == [10, 20, 25]
    inside = sd.regions.tile(table([("a", 3, 20)]), 10)
    assert inside["chromStart"].tolist() == [3, 13]
    with pytest.raises(LengthError, match="width and step"):
        sd.regions.tile({"a": 5}, 10, step=0)


# ------------------------------------------------------------------ overlaps


@settings(deadline=None)
@given(INTERVALS, INTERVALS, st.integers(1, 10), st.sampled_from([0.0, 0.5, 1.0]))
def test_overlaps_equal_slow_search(
    left: list[tuple[str, int, int]],
    right: list[tuple[str, int, int]],
    bp: int,
    fraction: float,
) -> None:
    assume({row[0] for row in left} & {row[0] for row in right})
    got = sd.regions.overlaps(table(left), table(right), min_overlap=bp, fraction=fraction)
    expected = []
    for chrom, start, size in left:
        shared = [
            min(start + size, s + n) - max(start, s) for other, s, n in right if other == chrom
        ]
        expected.append(any(v >= bp and v >= fraction * size for v in shared))
    assert got.tolist() == expected


def test_labels() -> None:
    bins = sd.regions.tile({"a": 30}, 10)
    peaks = table([("a", 5, 10), ("a", 25, 2)]).assign(name=["x", "y"])
    both = sd.regions.label_overlapping_regions(bins, peaks, mode="multitask")
    assert both.to_dict("list") == {"x": [1, 1, 0], "y": [0, 0, 1]}
    one = sd.regions.label_overlapping_regions(bins, peaks, fraction=0.5)
    assert one["label"].tolist() == [1, 1, 0]
    assert one["label"].dtype == np.uint8
    with pytest.raises(BedError, match=r"no column 'nam'\. Did you mean 'name'"):
        sd.regions.label_overlapping_regions(bins, peaks, mode="multitask", label_column="nam")
    with pytest.raises(SchemaError, match="mode must be"):
        sd.regions.label_overlapping_regions(bins, peaks, mode="all")  # type: ignore[arg-type]


# ------------------------------------------------------------------ negatives


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 20)), max_size=20))
def test_merge_covers_the_same_bases(parts: list[tuple[int, int]]) -> None:
    intervals = np.array([(s, s + n) for s, n in parts], dtype=np.int64).reshape(-1, 2)
    covered = {i for s, e in intervals for i in range(s, e)}
    merged = merge(intervals)
    assert {i for s, e in merged for i in range(s, e)} == covered
    assert (merged[1:, 0] > merged[:-1, 1]).all()


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "g.fa"
    with path.open("w") as out:
        for name, weights in (("a", [0.3, 0.2, 0.2, 0.3]), ("b", [0.2, 0.3, 0.3, 0.2])):
            text = "".join(rng.choice(list("ACGT"), 60_000, p=weights))
            text = text[:20_000] + "N" * 3_000 + text[23_000:]
            out.write(f">{name}\n{text}\n")
    return path


def peaks(n: int = 40, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    start = rng.integers(30_000, 59_000, n)
    chrom = rng.choice(["b", "a"], n)
    return pd.DataFrame({"chrom": chrom, "chromStart": start, "chromEnd": start + 200})


def test_negatives_match_and_keep_away(genome: Path) -> None:
    bed = peaks()
    blacklist = pd.DataFrame({"chrom": ["a"], "chromStart": [0], "chromEnd": [10_000]})
    out = sd.regions.sample_negatives(
        genome, bed, width=150, ratio=1.5, exclude=blacklist, gc_tolerance=0.05, seed=3
    )
    assert len(out) == 60
    assert (out["chromEnd"] - out["chromStart"] == 150).all()
    matched = bed.iloc[out["peak_row"]]
    assert out["chrom"].tolist() == matched["chrom"].tolist()
    assert not sd.regions.overlaps(out, bed).any()
    assert not sd.regions.overlaps(out, blacklist).any()
    assert (out["n_unknown"] == 0).all()
    assert (out["gc_difference"] <= 0.05 + 1e-9).all()
    for _, group in out.groupby("chrom"):
        ordered = group.sort_values("chromStart")
        assert (ordered["chromStart"].to_numpy()[1:] >= ordered["chromEnd"].to_numpy()[:-1]).all()
    fasta = pysam.FastaFile(str(genome))
    for row in out.itertuples():
        text = fasta.fetch(row.chrom, row.chromStart, row.chromEnd)
        assert row.gc == pytest.approx((text.count("G") + text.count("C")) / 150)
    counts = out["peak_row"].value_counts()
    assert set(counts) <= {1, 2}
    assert len(counts) == 40


def test_negatives_are_seeded(genome: Path) -> None:
    one = sd.regions.sample_negatives(genome, peaks(), width=100, seed=1)
    assert one.equals(sd.regions.sample_negatives(genome, peaks(), width=100, seed=1))
    assert not one.equals(sd.regions.sample_negatives(genome, peaks(), width=100, seed=2))
    state = np.random.get_state()[1].copy()
    sd.regions.sample_negatives(genome, peaks(), width=100, n=5)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_negatives_touch_whole_wide_peaks_never(genome: Path) -> None:
    wide = pd.DataFrame({"chrom": ["a"], "chromStart": [25_000], "chromEnd": [55_000]})
    out = sd.regions.sample_negatives(genome, wide, width=100, n=30, margin=500, gc_tolerance=0.1)
    gap = np.maximum(25_000 - out["chromEnd"], out["chromStart"] - 55_000)
    assert (gap >= 500).all()


def test_negatives_with_unknown_bases(genome: Path) -> None:
    everything_else = pd.DataFrame(
        {"chrom": ["a", "a"], "chromStart": [0, 24_000], "chromEnd": [19_000, 60_000]}
    )
    bed = peaks(1)
    bed["chrom"] = "a"
    options = {"width": 800, "exclude": everything_else, "n": 3, "gc_tolerance": 1.0}
    with pytest.raises(SeqdataError, match=r"No room for \d of 3 negatives of 800 bp on 'a'"):
        sd.regions.sample_negatives(genome, bed, **options)
    out = sd.regions.sample_negatives(genome, bed, **options, max_n=800)
    assert len(out) == 3


def test_negatives_far_from_the_peak_are_named(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">c\n" + "A" * 5000 + "G" * 200 + "A" * 5000 + "\n")
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [5000], "chromEnd": [5200]})
    with pytest.warns(UserWarning, match=r"1 of 1 negatives differ .* \(at most 1\.000\)"):
        out = sd.regions.sample_negatives(path, bed, width=100)
    assert out["gc"].tolist() == [0.0]


def test_negatives_prefer_no_side_of_their_peak(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), 2_000_000)
    (tmp_path / "g.fa").write_bytes(b">c\n" + letters.tobytes() + b"\n")
    start = np.sort(rng.choice(5000, 3000, replace=False)) * 400
    bed = pd.DataFrame({"chrom": "c", "chromStart": start, "chromEnd": start + 100})
    out = sd.regions.sample_negatives(tmp_path / "g.fa", bed, width=100, seed=1)
    strong = np.isin(letters, [b"G", b"C"])
    of_peak = np.array([strong[s : s + 100].mean() for s in start])
    difference = out["gc"].to_numpy() - of_peak[out["peak_row"]]
    assert abs(difference).max() <= 0.02 + 1e-9
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference))


def test_negatives_that_make_no_sense(genome: Path) -> None:
    with pytest.raises(LengthError, match="width must be"):
        sd.regions.sample_negatives(genome, peaks(), width=0)
    with pytest.raises(SchemaError, match="ratio must be"):
        sd.regions.sample_negatives(genome, peaks(), width=5, ratio=0)
    with pytest.raises(SchemaError, match="makes no negative"):
        sd.regions.sample_negatives(genome, peaks(), width=5, ratio=1e-6)
    with pytest.raises(LengthError, match="whole numbers"):
        sd.regions.tile({"c": 10}, 5.5)  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="n must be"):
        sd.regions.sample_negatives(genome, peaks(), width=5, n=0)
    with pytest.raises(ContigError, match=r"no contig 'chra'.*calls it 'a'"):
        sd.regions.sample_negatives(genome, peaks().assign(chrom="chra"), width=5)
    tiny = pd.DataFrame({"chrom": ["a"], "chromStart": [0], "chromEnd": [60_000]})
    with pytest.raises(SeqdataError, match="No room for 1 of 1"):
        sd.regions.sample_negatives(genome, tiny, width=100)


def test_real_yeast_negatives(data_files) -> None:
    folder = data_files / "sacCer3"
    bed = sd.read_bedlike(folder / "ATAC_macs3_hmmratac.narrowPeak")
    bed = bed[bed["chrom"].isin(["chrVII", "chrXII"])].reset_index(drop=True)
    out = sd.regions.sample_negatives(
        folder / "sacCer3.fa.gz", bed, width=512, gc_tolerance=0.1, seed=1
    )
    assert len(out) == len(bed)
    assert not sd.regions.overlaps(out, bed).any()
    assert out["gc_difference"].max() <= 0.1 + 1e-9
    negatives = sd.regions.fetch_sequences(folder / "sacCer3.fa.gz", out)
    share = np.isin(negatives, [b"G", b"C"]).mean(axis=1)
    np.testing.assert_allclose(share, out["gc"])


def test_fetch_accepts_resized_regions(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\nACGTAC\n")
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [2], "peak": [0]})
    out = sd.regions.fetch_sequences(tmp_path / "g.fa", sd.regions.resize(bed, 6))
    assert out.tobytes() == b"NNNACG"
    reader = sd.GenomeFASTA("seq", tmp_path / "g.fa")
    assert sd.regions.fetch_sequences(reader, bed).tobytes() == b"AC"


def test_tables_as_pandas_reads_them():
    bed = pd.DataFrame(
        {
            "chrom": pd.Categorical(["c", "d", "c"]),
            "chromStart": [10, 10, 10],
            "chromEnd": [20, 20, 20],
            "strand": pd.Categorical(["+", None, "-"]),
            "peak": [2, ".", None],
        }
    )
    out = sd.regions.resize(bed, 4, contigs={"c": 100, "d": 15})
    assert out["chromStart"].tolist() == [10, 13]
    assert out["strand"].tolist() == ["+", "-"]
    assert out["peak"].tolist() == [2, -1]


@pytest.mark.parametrize("peak", ["x", 1.5, np.inf, [1]])
def test_summits_that_are_no_numbers(peak):
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [9]})
    bed["peak"] = pd.Series([peak], dtype=object)
    with pytest.raises(BedError, match="row 0: peak is"):
        sd.regions.resize(bed, 4)
