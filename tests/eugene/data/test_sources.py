from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import seqdata as sd
from eugene.config import registries
from eugene.data import SequenceDataModule, sources
from eugene.errors import EugeneError


@pytest.mark.parametrize("tissue", ["leaf", "proto"])
def test_promoter_table(data_files, tissue: str, tmp_path: Path):
    path = data_files / "jores21" / f"jores21_test_{tissue}_public75.tsv.gz"
    ds = sources.table(path, seq_col="sequence", target_cols=["enrichment"])
    plain = pd.read_csv(path, sep="\t")
    assert ["".join(r.astype(str)) for r in ds["seq"].values[:50]] == plain["sequence"][
        :50
    ].tolist()
    np.testing.assert_array_equal(ds["enrichment"].values, plain["enrichment"].to_numpy())
    assert ds["seq"].shape == (len(plain), 170)
    stored = sources.table(
        path, seq_col="sequence", target_cols="enrichment", out=tmp_path / "x.zarr"
    )
    assert stored["seq"].chunks is not None
    np.testing.assert_array_equal(stored["seq"].values, ds["seq"].values)
    split = {
        "name": "column",
        "column": "split_here",
        "mapping": {"train": "train", "val": "test"},
        "carve": {"from": "train", "fraction": 0.1, "to": "val"},
    }
    data = SequenceDataModule(stored, target_vars="enrichment", split=split, targets=["zscore"])
    summary = data.dataset_summary()
    assert summary["splits"]["test"] == int((plain["split_here"] == "val").sum())
    assert abs(summary["targets"]["enrichment"]["train"]["mean"]) < 1e-6


def test_a_source_that_fails_leaves_nothing(tmp_path: Path):
    """A mistake that shows only in the rows takes the store back; an older one stays."""
    table, records = tmp_path / "t.csv", tmp_path / "r.fa"
    table.write_text("s,y,part,note\nACGT,1,train,a\nTTTT,,test,b\n")
    records.write_text(">a\nACGT\n>b\nTTTT\n")
    out = tmp_path / "x.zarr"
    wrong = (
        lambda: sources.table(table, seq_col="s", target_cols="z", out=out),
        lambda: sources.table(table, seq_col="s", target_cols="note", out=out),
        lambda: sources.table(table, seq_col="s", split_col="y", out=out),
        lambda: sources.fasta(records, targets=table, id_col="s", out=out),
        lambda: sources.fasta(records, targets=table, target_cols="no", out=out),
    )
    for mistake in wrong:
        with pytest.raises((EugeneError, sd.errors.SeqdataError)):
            mistake()
        assert not out.exists()
    ds = sources.table(table, seq_col="s", target_cols="y", split_col="part", out=out)
    for mistake in wrong:
        with pytest.raises((EugeneError, sd.errors.SeqdataError)):
            mistake()
    assert sd.open_zarr(out)["y"].identical(ds["y"])


def test_table_with_split_and_mistakes(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("s,y,part,note\nACGT,1,train,a\nTTTT,,test,b\n")
    ds = sources.table(path, seq_col="s", target_cols="y", split_col="part")
    assert ds["split"].values.tolist() == [0, 2]
    assert np.isnan(ds["y"].values[1])
    out = sources.table(
        path, seq_col="s", target_cols="y", split_col="part", out=tmp_path / "t.zarr"
    )
    assert sd.splits.codes_of(out).tolist() == [0, 2]
    with pytest.raises(EugeneError, match=r"target_cols: .* no column 'yy'; did you mean 'y'"):
        sources.table(path, seq_col="s", target_cols="yy")
    with pytest.raises(EugeneError, match=r"column 'note' .* holds text \(row 1: 'a'\)"):
        sources.table(path, seq_col="s", target_cols="note")
    with pytest.raises(sd.SeqdataError, match="seq"):
        sources.table(path, seq_col="seq")


def test_fasta_with_negatives_and_targets(tmp_path: Path):
    yes, no, table = tmp_path / "yes.fa", tmp_path / "no.fa", tmp_path / "t.tsv"
    yes.write_text(">a\nACGT\n>b\nGGGG\n")
    no.write_text(">c\nTTTT\n")
    table.write_text("id\ty\tkind\nb\t2.5\tx\na\t1.5\ty\nd\t0\tz\n")
    ds = sources.fasta(yes, negatives=no)
    assert ds["label"].values.tolist() == [1, 1, 0]
    assert ds["id"].values.tolist() == ["a", "b", "c"]
    assert b"".join(ds["seq"].values.ravel()) == b"ACGTGGGGTTTT"
    stored = sources.fasta(yes, negatives=no, out=tmp_path / "f.zarr")
    assert stored["label"].values.tolist() == [1, 1, 0]
    ds = sources.fasta(yes, targets=table)
    assert ds["y"].values.tolist() == [1.5, 2.5]
    assert ds["kind"].values.tolist() == ["y", "x"]
    with pytest.raises(EugeneError, match="hold text, not numbers"):
        sources.fasta(yes, targets=table, target_cols=["kind"])
    with pytest.raises(EugeneError, match="no row for 1 of 1 records, the first 'c'"):
        sources.fasta(no, targets=table)
    with pytest.raises(EugeneError, match="no column 'Y'; did you mean 'y'"):
        sources.fasta(yes, targets=table, target_cols="Y")


def test_fasta_of_any_length(tmp_path: Path):
    yes, no = tmp_path / "yes.fa", tmp_path / "no.fa"
    yes.write_text(">a\nACGTAC\n>b\nGG\n")
    no.write_text(">c\nTTT\n")
    ds = sources.fasta(yes, negatives=no, fixed_length=False)
    assert ds["seq"].shape == (3, 6)
    assert ds["seq"].values[2].tobytes() == b"TTT\0\0\0"


@pytest.fixture(scope="module")
def yeast(data_files):
    folder = data_files / "sacCer3"
    with pytest.warns(UserWarning, match="negatives differ from their peak"):
        return sources.regions(
            folder / "sacCer3.fa.gz",
            folder / "ATAC_macs3_hmmratac.narrowPeak",
            folder / "ATAC_cutsites_both_ends.bw",
            width=512,
            negatives={"ratio": 1, "gc_tolerance": 0.005},
            count_quantiles=[0.0, 0.98],
            bias_rows={"factor": 0.8, "peak_quantile": 0.05},
            max_jitter=16,
            seed=1,
        )


def test_yeast_windows_hold_the_genome_and_the_signal(yeast, data_files):
    import pyBigWig
    import pysam

    folder = data_files / "sacCer3"
    peaks = sd.read_bedlike(folder / "ATAC_macs3_hmmratac.narrowPeak")
    n = int(yeast["label"].sum())
    assert n + yeast.attrs["dropped_past_contig_ends"] == len(peaks)
    assert len(peaks) == 1559 or not data_files.is_real
    chrom = sd.schema.decode(yeast["chrom"])
    start, end = yeast["start"].values, yeast["end"].values
    assert set((end - start).tolist()) == {544}
    genome = pysam.FastaFile(str(folder / "sacCer3.fa.gz"))
    signal = pyBigWig.open(str(folder / "ATAC_cutsites_both_ends.bw"))
    for i in np.random.default_rng(0).choice(len(start), 150, replace=False):
        want = genome.fetch(chrom[i], start[i], end[i])
        assert b"".join(yeast["seq"].values[i]).decode().upper() == want.upper()
        values = signal.values(chrom[i], int(start[i]) + 16, int(end[i]) - 16, numpy=True)
        assert yeast["counts"].values[i] == np.nansum(values)
    np.testing.assert_allclose(yeast["log_counts"], np.log1p(yeast["counts"]), rtol=1e-6)
    assert (yeast["is_peak"].values == (yeast["label"].values == 1)).all()
    counts = yeast["counts"].values
    assert counts[:n].mean() > 5 * counts[n:].mean()
    centre = (peaks["chromStart"] + peaks["peak"]).to_numpy()
    assert set((start[:n] + 272).tolist()) <= set(centre.tolist())


def test_yeast_negatives_match_and_do_not_touch_peaks(yeast):
    n = int(yeast["label"].sum())
    assert len(yeast["label"]) == 2 * n - yeast.attrs["dropped_negatives_past_contig_ends"]
    chrom, start, end = (yeast[k].values for k in ("chrom", "start", "end"))
    for code in np.unique(chrom):
        mine = chrom == code
        peak = mine & (yeast["label"].values == 1)
        other = mine & (yeast["label"].values == 0)
        touch = (start[other][:, None] < end[peak][None] - 16) & (
            start[peak][None] + 16 < end[other][:, None]
        )
        assert not touch.any()
    letters = np.isin(yeast["seq"].values[:, 16:-16], [b"G", b"C"]).mean(1)
    assert abs(letters[:n].mean() - letters[n:].mean()) < 0.01


def test_yeast_rows_are_chosen_by_their_counts(yeast):
    counts, peak = yeast["counts"].values.astype(float), yeast["is_peak"].values
    usual = np.ones(len(peak), bool)
    for kind in (peak, ~peak):
        usual[kind] = counts[kind] <= np.quantile(counts[kind], 0.98)
    level = 0.8 * np.quantile(counts[peak & usual], 0.05)
    below = usual & ~peak & (counts < level)
    np.testing.assert_array_equal(yeast["usual_counts"], usual)
    np.testing.assert_array_equal(yeast["bias_rows"], below)
    assert 0 < below.sum() < (~peak).sum() and not usual.all()
    assert yeast.attrs["bias_rows_counts_below"] == pytest.approx(level)
    summary = SequenceDataModule(yeast, target_vars="label", split=np.zeros(len(peak), np.int8))
    chosen = summary.dataset_summary()["chosen"]
    assert chosen["bias_rows"] == below.sum()
    assert chosen["bias_rows_left_out_at_or_above"] == (usual & ~peak & ~below).sum()
    assert chosen["peak_rows_of_unusual_counts"] == (peak & ~usual).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count_quantiles": [0.9, 0.1]}, "the lower first"),
        ({"bias_rows": {"quantile": 0.1}}, "bias_rows: there is no 'quantile'"),
        ({"bias_rows": {"factor": 0}}, "a factor above 0"),
        ({"bias_rows": {"factor": 1e-6}}, "none of 3 windows outside peaks has fewer than"),
        ({"bias_rows": {}, "negatives": False}, "draw `negatives`"),
        ({"bias_rows": {}, "negatives": {"method": "shuffled"}}, "another method than shuffled"),
        ({"bias_rows": {}, "bigwigs": None, "task": "binary"}, "give `bigwigs`"),
    ],
)
def test_counts_that_no_row_can_be_chosen_by(genome, tmp_path: Path, options, message):
    import pyBigWig

    fasta, bed = genome
    with pyBigWig.open(str(tmp_path / "s.bw"), "w") as file:
        file.addHeader([("c1", 5000), ("c2", 5000)])
        for contig in ("c1", "c2"):
            file.addEntries(contig, 0, values=[1.0] * 5000, span=1, step=1)
    given = {"bigwigs": tmp_path / "s.bw", "task": "counts", "negatives": {}, **options}
    with pytest.raises(EugeneError, match=message):
        sources.regions(fasta, bed, width=50, **given)


def test_yeast_goes_through_the_data_module(yeast, data_files):
    numerals = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI"
    names = [f"chr{numeral}" for numeral in numerals.split(" ")]
    split = {"name": "chromosome", "train": names[:11], "val": names[11:12], "test": names[12:]}
    data = SequenceDataModule(
        yeast, target_vars="label", split=split, max_jitter=16, reverse_complement=True
    )
    assert data.input_len == 512
    summary = data.dataset_summary()
    assert summary["leakage"]["overlaps"] == {"train-val": 0, "train-test": 0, "val-test": 0}
    dropped = 10 if data_files.is_real else 16  # one a simulated contig
    assert summary["dropped"]["dropped_past_contig_ends"] == dropped
    assert sum(summary["splits"].values()) == len(yeast["label"])
    batch = next(iter(data.train_dataloader()))
    assert batch["seq"].shape == (128, 512)


@pytest.fixture
def genome(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    fasta, bed = tmp_path / "g.fa", tmp_path / "p.bed"
    text = "".join(f">{name}\n{''.join(rng.choice(list('ACGT'), 5000))}\n" for name in ("c1", "c2"))
    fasta.write_text(text)
    bed.write_text("c1\t100\t200\nc1\t1000\t1100\nc2\t2000\t2050\nc2\t4990\t5000\n")
    return fasta, bed


def test_regions_write_a_store_that_opens(genome, tmp_path: Path):
    fasta, bed = genome
    black = tmp_path / "black.bed"
    black.write_text("c1\t1050\t1060\n")
    ds = sources.regions(
        fasta, bed, width=40, blacklist=black, negatives={"ratio": 2}, out=tmp_path / "r.zarr"
    )
    assert ds.attrs["dropped_blacklisted"] == 1
    assert ds.attrs["dropped_past_contig_ends"] == 1
    assert ds["label"].values.tolist() == [1, 1, 0, 0, 0, 0]
    again = sources.zarr(tmp_path / "r.zarr")
    assert again["seq"].dtype == "S1"
    np.testing.assert_array_equal(again["seq"].values, ds["seq"].values)
    only = sources.regions(fasta, bed, width=40, contigs=["c2"], negatives=False)
    assert only["label"].values.tolist() == [1]


@pytest.mark.parametrize("columns", [3, 4, 6])
def test_regions_of_beds_with_and_without_strand(tmp_path: Path, columns: int):
    import pyBigWig

    rng = np.random.default_rng(0)
    letters = rng.choice(list("ACGT"), 4000)
    (tmp_path / "g.fa").write_text(">c\n" + "".join(letters) + "\n")
    rows = [["c", str(p), str(p + 50), "peak", "0", "-"][:columns] for p in range(200, 2000, 300)]
    (tmp_path / "p.bed").write_text("".join("\t".join(row) + "\n" for row in rows))
    with pyBigWig.open(str(tmp_path / "s.bw"), "w") as track:
        track.addHeader([("c", 4000)])
        track.addEntries(["c"], [0], ends=[4000], values=[2.0])
    ds = sources.regions(tmp_path / "g.fa", tmp_path / "p.bed", tmp_path / "s.bw", width=60, seed=0)
    assert ds["label"].values.tolist() == [1] * 6 + [0] * 6
    np.testing.assert_allclose(ds["counts"], 120)
    assert set(ds["strand"].values[:6].tolist()) == {"-" if columns == 6 else "."}


def test_shuffled_negatives_of_regions(genome, tmp_path: Path):
    fasta, bed = genome
    method = {"method": "shuffled", "k": 1, "ratio": 2}
    ds = sources.regions(fasta, bed, width=40, negatives=method, max_jitter=5)
    assert ds["label"].values.tolist() == [1] * 3 + [0] * 6
    assert ds["source_row"].values[3:].tolist() == [0, 0, 1, 1, 2, 2]
    assert (ds["start"].values[3:] == -1).all()
    np.testing.assert_array_equal(np.sort(ds["seq"][0].values), np.sort(ds["seq"][3].values))
    stored = sources.regions(
        fasta, bed, width=40, negatives=method, max_jitter=5, out=tmp_path / "s.zarr"
    )
    np.testing.assert_array_equal(stored["seq"].values, ds["seq"].values)
    other = sources.regions(fasta, bed, width=40, negatives=method, max_jitter=5, seed=1)
    assert (other["seq"].values[3:] != ds["seq"].values[3:]).any()


def test_tiled_negatives_of_regions(genome):
    fasta, bed = genome
    method = {"method": "tiled", "bin_width": 50, "extend": 300}
    ds = sources.regions(fasta, bed, width=90, negatives=method, max_jitter=10)
    assert ds["seq"].shape[1] == 110
    start = ds["start"].values + 30
    assert (start % 50 == 0).all()
    peaks = np.array([[100, 200], [1000, 1100]])
    here = ds["chrom"].values == ds["chrom"].values[0]
    bins = start[here, None]
    hit = ((bins < peaks[:, 1]) & (bins + 50 > peaks[:, 0])).any(axis=1)
    assert ds["label"].values[here].tolist() == hit.astype(int).tolist()
    assert start[here].min() == 50
    assert "dropped_past_contig_ends" not in ds.attrs
    with pytest.raises(EugeneError, match="bins of 200 bp do not lie in the middle"):
        sources.regions(fasta, bed, width=90, negatives={"method": "tiled", "bin_width": 200})
    with pytest.raises(EugeneError, match=r"negatives: .*bin_widht"):
        sources.regions(fasta, bed, width=90, negatives={"method": "tiled", "bin_widht": 50})
    with pytest.raises(EugeneError, match=r"none of .* bins of 90 bp overlaps a peak"):
        sources.regions(fasta, bed, width=90, negatives={"method": "tiled", "min_overlap": 91})


def test_regions_mistakes(genome, tmp_path: Path):
    fasta, bed = genome
    with pytest.raises(EugeneError, match="task: 'binry'; did you mean 'binary'"):
        sources.regions(fasta, bed, width=40, task="binry")
    with pytest.raises(EugeneError, match="give `bigwigs`"):
        sources.regions(fasta, bed, width=40, task="counts")
    with pytest.raises(EugeneError, match="no signal to store"):
        sources.regions(fasta, bed, width=40, profile=True)
    with pytest.raises(EugeneError, match="no peak is on 'c3'"):
        sources.regions(fasta, bed, width=40, contigs=["c3"])
    with pytest.raises(EugeneError, match="no window of 6000 bp is left of 4 peaks"):
        sources.regions(fasta, bed, width=6000)
    with pytest.raises(EugeneError, match="no method 'shufled'; did you mean 'shuffled'"):
        sources.regions(fasta, bed, width=40, negatives={"method": "shufled"})
    with pytest.raises(EugeneError, match=r"negatives: .*gc_tol"):
        sources.regions(fasta, bed, width=40, negatives={"gc_tol": 0.1})
    other = tmp_path / "o.bed"
    other.write_text("chr1\t10\t20\n")
    with pytest.raises(EugeneError, match=r"o\.bed, region 1: .* no contig 'chr1'.* not in .*\.fa"):
        sources.regions(fasta, other, width=10)
    with pytest.raises(EugeneError, match="same name cannot be told apart"):
        sources.regions(fasta, bed, ["a/x.bw", "b/x.bw"], width=40)


@pytest.mark.parametrize("name", list(registries.DATA_SOURCES))
def test_registered_sources_are_here(name: str):
    assert registries.DATA_SOURCES.get(name) is getattr(sources, name)


def test_a_store_is_replaced_by_two_fasta_files_only_where_it_may_be(tmp_path: Path) -> None:
    yes, no, out = tmp_path / "yes.fa", tmp_path / "no.fa", tmp_path / "old.zarr"
    yes.write_text(">a\nACGT\n>c\nGGCC\n")
    no.write_text(">b\nTTTT\n")
    sources.fasta(yes, out=out)
    with pytest.raises(sd.SeqdataError, match="exists"):
        sources.fasta(yes, negatives=no, out=out)
    with sd.open_zarr(out) as kept:
        assert "label" not in kept
        assert kept.sizes["_sequence"] == 2
    with sources.fasta(yes, negatives=no, out=out, overwrite=True) as ds:
        assert ds["label"].values.tolist() == [1, 1, 0]
