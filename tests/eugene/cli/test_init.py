"""`eugene init`: the file that it writes for somebody's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyBigWig
import pytest

import seqdata as sd
from eugene.cli import main
from eugene.config import load_run_config

SHARES = {"chrA": 30, "chrB": 5, "chrC": 10, "chrD": 5}


def run(capsys: Any, *words: Any) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a genome, peaks, signal of two strands and a table."""
    rng = np.random.default_rng(1)
    genome, peaks = "", ""
    signal = {strand: pyBigWig.open(str(tmp_path / f"reads.{strand}.bw"), "w")
              for strand in ("plus", "minus")}  # fmt: skip
    for handle in signal.values():
        handle.addHeader([(name, 40_000) for name in SHARES])
    for name, n in SHARES.items():
        genome += f">{name}\n{''.join(rng.choice(list('ACGT'), 40_000))}\n"
        for i in range(n):
            start = 1500 + 1200 * i
            peaks += f"{name}\t{start}\t{start + 150}\tp\t0\t.\t1\t1\t1\t70\n"
        for handle in signal.values():
            starts = np.arange(0, 40_000, 10)
            ends, values = starts + 5, rng.integers(1, 5, 4000).astype(float)
            handle.addEntries([name] * 4000, starts.tolist(), ends.tolist(), values.tolist())
    for handle in signal.values():
        handle.close()
    (tmp_path / "g.fa").write_text(genome)
    (tmp_path / "peaks.narrowPeak").write_text(peaks)
    rows = ["".join(rng.choice(list("ACGT"), 60)) for _ in range(100)]
    text = "name\tinsert seq\tstart\tactivity: leaf\n"
    text += "".join(f"r{i}\t{row}\t{i}\t{rng.normal():.3f}\n" for i, row in enumerate(rows))
    (tmp_path / "t.tsv").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_chip_holds_out_contigs_and_trains(capsys: Any, files: Path) -> None:
    (files / "sub").mkdir()
    words = ("init", "chip", "--peaks", "peaks.narrowPeak", "--genome", "g.fa")
    code, out, err = run(capsys, *words, "--out", "sub/my chip.yaml")
    assert code == 0, err
    assert "50 peaks on 4 contigs" in out
    tree = load_run_config(files / "sub" / "my chip.yaml").tree
    assert tree["name"] == "my_chip"
    assert tree["data"]["bed"] == str(files / "peaks.narrowPeak")
    assert tree["data"]["width"] == 200  # peaks of 150 bp
    assert tree["evaluate"]["reverse_complement"] is True
    # 50 peaks are few: one layer at full resolution, and a schedule that is trained to its end
    assert tree["model"]["conv_kwargs"]["conv_channels"] == [64]
    assert tree["model"]["conv_kwargs"]["pool_kernels"] == [None]
    assert tree["model"]["pool"] == "max_avg"
    assert (tree["module"]["scheduler"], tree["trainer"]["patience"]) == ("one_cycle", None)
    # a fifth of 50 peaks, and about a tenth of what is left
    assert tree["data"]["split"]["test"] == ["chrC"]
    assert tree["data"]["split"]["val"] == ["chrB"]
    assert "around the summit of each peak" in (files / "sub" / "my chip.yaml").read_text()
    options = ("--trainer.max_epochs", "1", "--out", files / "run", "--quiet")
    code, _, err = run(capsys, "fit", files / "sub" / "my chip.yaml", *options)
    assert code == 0, err
    codes = sd.splits.codes_of(sd.open_zarr(files / "run" / "data.zarr"))
    assert np.bincount(codes).tolist() == [70, 10, 20]
    before = (files / "sub" / "my chip.yaml").read_text()
    code, _, err = run(capsys, *words, "--out", "sub/my chip.yaml")
    assert code == 2
    assert "exists; give --overwrite to replace it" in err
    assert (files / "sub" / "my chip.yaml").read_text() == before


@pytest.mark.filterwarnings("ignore:.*negatives differ from their peak")
def test_profile_sees_the_strands_of_its_files(capsys: Any, files: Path) -> None:
    words = ("--peaks", "peaks.narrowPeak", "--genome", "g.fa", "--width", "256")
    bigwigs = ("--bigwig", "reads.plus.bw", "--bigwig", "reads.minus.bw")
    code, _, err = run(capsys, "init", "profile", *words, *bigwigs)
    assert code == 0, err
    tree = load_run_config(files / "profile.yaml").tree
    assert tree["data"]["strands"] == ["+", "-"]
    assert tree["data"]["width"] == 256 + 2 * tree["model"]["trimming"]
    code, _, err = run(capsys, "data", "build", "profile.yaml", "--out", files / "d.zarr")
    assert code == 0, err
    ds = sd.open_zarr(files / "d.zarr")
    assert ds["cov"].shape == (100, 2, 512 + 2 * 32)
    code, _, err = run(capsys, "init", "profile", *words, "--out", "q.yaml")
    assert code == 2
    assert "needs --bigwig" in err


def test_promoters_finds_the_columns(capsys: Any, files: Path) -> None:
    code, _, err = run(capsys, "init", "promoters", "--table", "t.tsv")
    assert code == 0, err
    tree = load_run_config(files / "promoters.yaml").tree
    assert tree["data"]["seq_col"] == "insert seq"
    assert tree["data"]["target_vars"] == ["activity: leaf"]
    assert tree["data"]["split"]["name"] == "random"
    assert tree["module"]["task"] == "regression"
    code, _, err = run(capsys, "data", "build", "promoters.yaml", "--out", files / "d.zarr")
    assert code == 0, err
    assert sd.open_zarr(files / "d.zarr")["seq"].shape == (100, 60)


def test_promoters_keeps_what_is_alike_together_and_asks_for_names(
    capsys: Any, files: Path
) -> None:
    lines = (files / "t.tsv").read_text().splitlines()
    head, rows = lines[0], [line.split("\t") for line in lines[1:]]
    twice = [f"{r[0]}{j}\t{r[1]}\t{int(r[2]) % 2}\t{r[3]}" for r in rows for j in (0, 1)]
    (files / "twice.tsv").write_text("\n".join([head.replace("start", "label"), *twice]) + "\n")
    code, _, err = run(capsys, "init", "promoters", "--table", "twice.tsv")
    assert code == 0, err  # a column that is called label is it
    tree = load_run_config(files / "promoters.yaml").tree
    assert tree["data"]["split"]["name"] == "homology"
    assert tree["module"]["task"] == "binary_classification"
    (files / "two.tsv").write_text("\n".join([head.replace("start", "b"), *twice]) + "\n")
    code, _, err = run(capsys, "init", "promoters", "--table", "two.tsv", "--out", "two.yaml")
    assert code == 2
    assert "which column is to be predicted? Columns of numbers: b, activity: leaf" in err
    assert not (files / "two.yaml").exists()
    table = ("--table", "two.tsv", "--out", "two.yaml")
    code, _, err = run(capsys, "init", "promoters", *table, "--target", "b,activty: leaf")
    assert code == 2
    assert "did you mean 'activity: leaf'?" in err


@pytest.mark.parametrize(
    "parts", [("train", "test"), ("training", "dev"), ("train", "val", "test")]
)
def test_promoters_takes_the_split_of_a_column(capsys: Any, files: Path, parts: Any) -> None:
    lines = (files / "t.tsv").read_text().splitlines()
    rows = [f"{line}\t{parts[i % len(parts)]}" for i, line in enumerate(lines[1:])]
    (files / "s.tsv").write_text("\n".join([f"{lines[0]}\tpart", *rows]) + "\n")
    code, _, err = run(capsys, "init", "promoters", "--table", "s.tsv")
    assert code == 0, err
    code, _, err = run(capsys, "data", "build", "promoters.yaml", "--out", files / "d.zarr")
    assert code == 0, err
    counts = np.bincount(sd.splits.codes_of(sd.open_zarr(files / "d.zarr")))
    assert len(counts) == 3
    assert (counts > 3).all()
    # what is looked at in the end is what the file held out
    assert counts[2] == (33 if len(parts) == 3 else 50)


def test_peaks_of_another_genome_are_refused(capsys: Any, files: Path) -> None:
    (files / "g.fa").write_text(">A\nACGTACGTAC\n>B\nACGT\n")
    words = ("--peaks", "peaks.narrowPeak", "--genome", "g.fa")
    code, _, err = run(capsys, "init", "chip", *words)
    assert code == 2
    assert "are not in g.fa, such as 'chrA'" in err
    code, _, err = run(capsys, "init", "chip", *words, "--table", "t.tsv")
    assert code == 2
    assert "takes no --table" in err
    code, _, err = run(capsys, "init", "chip", "--peaks", "none.bed", "--genome", "g.fa")
    assert code == 2
    assert "--peaks none.bed: there is no such file" in err


def _table(files: Path, name: str, rows: list[list[str]]) -> None:
    (files / name).write_text("".join("\t".join(row) + "\n" for row in rows))


def test_promoters_says_what_a_wrong_column_or_file_holds(capsys: Any, files: Path) -> None:
    lines = [line.split("\t") for line in (files / "t.tsv").read_text().splitlines()]
    head, rows = ["name", "sequence", "activity"], [[r[0], r[1], r[3]] for r in lines[1:]]
    _table(files, "good.tsv", [head, *rows])
    _table(files, "text.tsv", [head, *([*r[:2], "high" if i % 2 else "low"]
                                       for i, r in enumerate(rows))])  # fmt: skip
    _table(files, "nd.tsv", [head, *([*r[:2], "n.d." if i == 6 else r[2]]
                                     for i, r in enumerate(rows))])  # fmt: skip
    _table(files, "gap.tsv", [head, *([r[0], "" if i == 4 else r[1], r[2]]
                                      for i, r in enumerate(rows))])  # fmt: skip
    _table(files, "few.tsv", [head, *rows[:3]])
    (files / "p.bed").write_text("chrA\t10\t60\tp\nchrA\t80\t99\tq\n")
    (files / "other.fa").write_text(">r0\nACGTACGTAC\n>nobody\nACGTACGTAC\n")
    for words, said in (
        (("good.tsv", "--seq_col", "name"), "holds no sequences of ACGT, U or N: 'r0'"),
        (("text.tsv", "--target", "activity"), "('high', 'low'): write the two classes as 0 and 1"),
        (("text.tsv",), "write the two classes as 0 and 1"),
        (("nd.tsv", "--target", "activity"), "the first is row 7 below the header, with 'n.d.'"),
        (("gap.tsv",), "not in 1 of 100 rows: the first is row 5 below the header"),
        (("few.tsv",), "3 sequences cannot be dealt"),
        (("g.fa",), "it looks like FASTA"),
        (("p.bed",), "it looks like BED"),
        (("good.tsv", "--fasta", "other.fa"), "1 of its 2 records are not in the first column"),
    ):
        code, _, err = run(capsys, "init", "promoters", "--table", *words, "--out", "w.yaml")
        assert code == 2, words
        assert said in err
    assert not (files / "w.yaml").exists()
    code, out, err = run(capsys, "init", "promoters", "--table", "good.tsv", "--out", "w.yaml")
    assert code == 0, err
    assert "100 sequences of 60 bp, activity (numbers)" in out
    assert "note: 100 sequences are few" in out


def test_chip_says_when_files_are_swapped_or_few_or_of_other_names(
    capsys: Any, files: Path
) -> None:
    def said(peaks: str, genome: str = "g.fa") -> str:
        words = ("--peaks", peaks, "--genome", genome, "--out", "w.yaml")
        code, _, err = run(capsys, "init", "chip", *words)
        assert code == 2
        return err

    text = (files / "peaks.narrowPeak").read_text()
    (files / "bare.bed").write_text(text.replace("chr", ""))
    (files / "few.bed").write_text("".join(text.splitlines(keepends=True)[:3]))
    assert "It looks like FASTA: are regions and genome swapped?" in said("g.fa", "bare.bed")
    assert "so it is no FASTA file. Are genome and regions swapped?" in said("bare.bed", "bare.bed")
    assert "4 of the 4 contigs that it names are not in g.fa, such as 'A'" in said("bare.bed")
    assert "sed 's/^/chr/' bare.bed > renamed.bed" in said("bare.bed")
    assert "3 peaks cannot be dealt" in said("few.bed")
