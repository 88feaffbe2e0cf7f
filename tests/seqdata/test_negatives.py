from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
import seqpro as sp
from seqdata.errors import BedError, LengthError, SchemaError, SeqdataError

LETTERS = np.frombuffer(b"ACGT", "S1")
PEAKS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 400), st.integers(1, 60)),
    min_size=1, max_size=8,
)  # fmt: skip


def table(rows: list[tuple[str, int, int]]) -> pd.DataFrame:
    made = [(chrom, start, start + size) for chrom, start, size in rows]
    return pd.DataFrame(made, columns=["chrom", "chromStart", "chromEnd"])


def slow_bins(peaks, contigs, *, width, flank, extend, fraction, blacklist):
    """Walk along every base of every contig."""
    out = []
    for contig, size in contigs.items():
        peak, near, bad = (np.zeros(size, bool) for _ in range(3))
        for chrom, start, end in peaks.itertuples(index=False):
            if chrom == contig:
                peak[start:end] = True
                near[max(0, start - extend) : end + extend] = True
        for chrom, start, end in blacklist.itertuples(index=False):
            if chrom == contig:
                bad[start:end] = True
        for start in range(0, size - width + 1, width):
            inside = slice(start, start + width)
            if not near[inside].all() or bad[inside].any():
                continue
            if start < flank or start + width + flank > size:
                continue
            share = peak[inside].mean()
            out.append((contig, start, int(share > 0 and share >= fraction), share))
    return out


@settings(max_examples=60, deadline=None)
@given(
    peaks=PEAKS,
    blacklist=PEAKS,
    width=st.sampled_from([7, 20]),
    flank=st.sampled_from([0, 15]),
    extend=st.sampled_from([0, 33, 200]),
    fraction=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_bins_equal_a_slow_walk(peaks, blacklist, width, flank, extend, fraction):
    contigs = {"b": 500, "a": 471}
    bins = sd.regions.tiled_bins(
        table(peaks), contigs, bin_width=width, flank=flank, extend=extend, fraction=fraction,
        blacklist=table(blacklist),
    )  # fmt: skip
    slow = slow_bins(
        table(peaks), contigs, width=width, flank=flank, extend=extend, fraction=fraction,
        blacklist=table(blacklist),
    )  # fmt: skip
    columns = ["chrom", "chromStart", "label"]
    assert bins[columns].to_numpy().tolist() == [list(row[:3]) for row in slow]
    np.testing.assert_allclose(bins["overlap"], [row[3] for row in slow])
    assert (bins["chromEnd"] - bins["chromStart"] == width).all()


def test_the_numbers_of_the_recipe():
    """One peak of 200 bp is one bin and has 50 bins of 200 bp in 10 kb on either side."""
    peaks = table([("chr1", 100_000, 200)])
    bins = sd.regions.tiled_bins(peaks, {"chr1": 1_000_000})
    assert len(bins) == 101
    assert int(bins["label"].sum()) == 1
    assert (bins["chromStart"].min(), bins["chromEnd"].max()) == (90_000, 110_200)
    touched = sd.regions.tiled_bins(table([("chr1", 100_100, 200)]), {"chr1": 1_000_000})
    assert touched["label"].sum() == 2
    covered = sd.regions.tiled_bins(table([("chr1", 100_099, 200)]), {"chr1": 10**6}, fraction=0.5)
    assert covered["label"].sum() == 1


def test_bins_of_real_peaks(data_files):
    folder = data_files / "sacCer3"
    peaks = sd.read_bedlike(folder / "ATAC_macs3_hmmratac.narrowPeak")
    genome = sd.GenomeFASTA("seq", folder / "sacCer3.fa.gz")
    bins = sd.regions.tiled_bins(peaks, genome.contigs(), extend=2000)
    hit = sd.regions.overlaps(bins, peaks)
    assert (hit == (bins["label"] == 1)).all()
    assert 0.05 < hit.mean() < 0.5
    assert not bins.duplicated(["chrom", "chromStart"]).any()
    few = bins[bins["chrom"] == "chrI"]
    seqs = sd.regions.fetch_sequences(genome, sd.regions.resize(few, 500))
    assert seqs.shape == (len(few), 500)
    assert (seqs != b"N").all()


def test_bins_that_make_no_sense():
    peaks = table([("chr1", 10, 5)])
    with pytest.raises(BedError, match=r"'chr1', which is not among the contigs.*'chr11'"):
        sd.regions.tiled_bins(peaks, {"chr11": 100})
    with pytest.raises(LengthError, match="bin_width is 0"):
        sd.regions.tiled_bins(peaks, {"chr1": 100}, bin_width=0)
    with pytest.raises(LengthError, match="extend is -1"):
        sd.regions.tiled_bins(peaks, {"chr1": 100}, extend=-1)
    with pytest.raises(BedError, match="is empty"):
        sd.regions.tiled_bins(peaks.iloc[:0], {"chr1": 100})
    assert len(sd.regions.tiled_bins(peaks, {"chr1": 100})) == 0


def positives(n: int = 6, length: int = 40) -> xr.Dataset:
    letters = np.random.default_rng(0).choice(LETTERS, (n, length))
    letters[1, 5:8] = b"N"
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters, {"alphabet": "ACGT"}),
            "label": ("_sequence", np.array([1, 1, 0, 1, 1, 1][:n], np.int8)),
            "counts": ("_sequence", np.arange(float(n))),
            "reads": ("_sequence", np.arange(n)),
            "is_peak": ("_sequence", np.ones(n, bool)),
            "name": ("_sequence", np.array([f"r{i}" for i in range(n)], object)),
            "cov": (("_sequence", "_sample", "_length"), np.ones((n, 2, length), np.float32)),
            "pfm": ("_ohe", np.ones(4)),
        },
        coords={
            "chrom": sd.schema.coded_coordinate(np.repeat(["chr1", "chr2"], [3, n - 3])),
            "start": ("_sequence", np.arange(n) * 100),
            "end": ("_sequence", np.arange(n) * 100 + length),
            "strand": sd.schema.coded_coordinate(["+"] * n, sd.schema.STRANDS),
        },
    )


def test_shuffled_rows_keep_dinucleotides_and_have_no_place():
    ds = positives()
    out = sd.regions.add_shuffled_negatives(ds, seed=3)
    assert out["label"].values.tolist() == [1, 1, 0, 1, 1, 1] + [0] * 5
    assert out["source_row"].values.tolist() == [-1] * 6 + [0, 1, 3, 4, 5]
    xr.testing.assert_identical(out.isel(_sequence=slice(0, 6)).drop_vars("source_row"), ds)
    made = out.isel(_sequence=slice(6, None))
    parents = ds.isel(_sequence=[0, 1, 3, 4, 5])
    before, after = parents["seq"].values, made["seq"].values
    assert (before != after).any(axis=1).all()
    np.testing.assert_array_equal(before == b"N", after == b"N")
    np.testing.assert_array_equal(sp.kmer_counts(before, 2), sp.kmer_counts(after, 2))
    assert (made["start"].values == -1).all()
    assert (made["end"].values == -1).all()
    assert (made["strand"].values == 0).all()
    np.testing.assert_array_equal(made["chrom"], parents["chrom"])
    assert made["chrom"].attrs == ds["chrom"].attrs
    for name in ("counts", "reads", "cov"):
        assert np.isnan(made[name].values).all()
    assert not made["is_peak"].values.any()
    assert set(made["name"].values) == {""}
    assert out["pfm"].dims == ("_ohe",)


def test_shuffled_rows_are_seeded_by_row():
    ds = positives()
    first = sd.regions.add_shuffled_negatives(ds, seed=1)["seq"].values
    np.testing.assert_array_equal(first, sd.regions.add_shuffled_negatives(ds, seed=1)["seq"])
    assert (first != sd.regions.add_shuffled_negatives(ds, seed=2)["seq"].values).any()
    twice = sd.regions.add_shuffled_negatives(ds, ratio=2.4)
    sources = twice["source_row"].values[6:]
    assert len(sources) == 12
    assert set(np.unique(sources, return_counts=True)[1]) == {2, 3}
    copies = twice["seq"].values[6:][sources == 0]
    assert (copies[0] != copies[1]).any()


def test_splits_keep_shuffled_rows_with_their_positives():
    out = sd.regions.add_shuffled_negatives(positives())
    codes = sd.splits.chromosome(out, val=["chr2"])
    source = out["source_row"].values
    np.testing.assert_array_equal(codes[6:], codes[source[6:]])
    report = sd.splits.leakage(out, codes)
    assert report["overlaps"] == {"train-val": 0, "train-test": 0, "val-test": 0}
    ds = sd.splits.assign(positives(), [0, 1, 2, 0, 1, 2])
    made = sd.regions.add_shuffled_negatives(ds)
    assert made["split"].values.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 2]


def test_shuffled_rows_survive_a_store(tmp_path):
    out = sd.regions.add_shuffled_negatives(positives())
    sd.to_zarr(out, tmp_path / "x.zarr")
    back = sd.open_zarr(tmp_path / "x.zarr")
    np.testing.assert_array_equal(back["seq"].values, out["seq"].values)
    assert back["source_row"].values.tolist() == out["source_row"].values.tolist()


def test_shuffles_that_make_no_sense():
    ds = positives()
    with pytest.raises(SchemaError, match=r"no sequences 'seqs' as letters.*Did you mean 'seq'"):
        sd.regions.add_shuffled_negatives(ds, seq_var="seqs")
    with pytest.raises(SeqdataError, match="ratio is 0"):
        sd.regions.add_shuffled_negatives(ds, ratio=0)
    with pytest.raises(SeqdataError, match="of 0 positives makes no negative"):
        sd.regions.add_shuffled_negatives(ds.assign(label=ds["label"] * 0))
    protein = ds.assign(seq=ds["seq"].assign_attrs(alphabet="ACDEFGHIKLMNPQRSTVWY"))
    with pytest.raises(SeqdataError, match="of nucleotides"):
        sd.regions.add_shuffled_negatives(protein)


def test_real_negatives_match_in_gc_and_unknown_bases(data_files):
    """Outside peaks and blacklist, one a peak on its contig, as near in GC as was asked for."""
    folder = data_files / "sacCer3"
    peaks = sd.read_bedlike(folder / "ATAC_macs3_callpeak_derived.narrowPeak")
    peaks = peaks[peaks["chrom"].isin(["chrII", "chrIV"])].reset_index(drop=True)
    blacklist = table([("chrIV", 440_000, 40_000), ("chrII", 0, 20_000)])
    out = sd.regions.sample_negatives(
        folder / "sacCer3.fa.gz", peaks, width=300, exclude=blacklist, gc_tolerance=0.05, seed=2
    )
    assert len(out) == len(peaks)
    assert not sd.regions.overlaps(out, pd.concat([peaks, blacklist])).any()
    assert (out["chrom"].to_numpy() == peaks["chrom"].to_numpy()[out["peak_row"]]).all()
    letters = sd.regions.fetch_sequences(folder / "sacCer3.fa.gz", out)
    windows = sd.regions.resize(peaks, 300)
    before = sd.regions.fetch_sequences(folder / "sacCer3.fa.gz", windows)
    gc, wanted = (
        np.isin(x, [b"G", b"C"]).sum(axis=1) / np.isin(x, LETTERS).sum(axis=1)
        for x in (letters, before)
    )
    assert np.abs(gc - wanted[out["peak_row"]]).max() <= 0.05 + 1e-9
    assert not (letters == b"N").any()
    starts = out.sort_values(["chrom", "chromStart"])
    same = starts["chrom"].to_numpy()[1:] == starts["chrom"].to_numpy()[:-1]
    assert (np.diff(starts["chromStart"])[same] >= 300).all()
