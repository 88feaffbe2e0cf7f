"""A file given to a trained run is read as the run read its own, whatever kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqdata as sd
import seqpro as sp
from eugene.cli import main
from eugene.evaluate import predictions

# the targets of these files are made up, and told to be odd
pytestmark = pytest.mark.filterwarnings("ignore::eugene.errors.EugeneWarning")

ALPHABETS = {"DNA": sp.DNA, "RNA": sp.RNA, "AA": sp.AA}
N, LENGTH = 36, 24


def rows(alphabet: str, *, uneven: bool = False) -> list[str]:
    made = sp.random_seqs((N, LENGTH), ALPHABETS[alphabet], seed=4)
    words = [row.tobytes().decode() for row in made]
    if uneven:
        words = [w[: LENGTH - i % 9] for i, w in enumerate(words)]
    return words


def table(path: Path, words: list[str], column: str = "sequence", sep: str = "\t") -> None:
    lines = [f"{w}{sep}{sum(map(ord, w)) % 17}" for w in words]
    path.write_text("\n".join([f"{column}{sep}y", *lines]) + "\n")


def fasta(path: Path, words: list[str]) -> None:
    path.write_text("".join(f">s{i}\n{word}\n" for i, word in enumerate(words)))


def genome(folder: Path, alphabet: str) -> None:
    letters = sp.random_seqs((900,), ALPHABETS[alphabet], seed=2).tobytes().decode()
    (folder / "g.fa").write_text(f">c\n{letters}\n")
    lines = [f"c\t{20 + 23 * i}\t{40 + 23 * i}\tp{i}\t{i % 5}\t{'+-'[i % 2]}\n" for i in range(N)]
    (folder / "p.bed").write_text("".join(lines))


def make(folder: Path, kind: str) -> tuple[dict[str, Any], Path]:
    """Write a run's own file, and return its data section and what is to be predicted."""
    source, _, trait = kind.partition("-")
    alphabet = trait if trait in ALPHABETS else "DNA"
    section: dict[str, Any] = {"alphabet": alphabet, "target_vars": ["y"]}
    if source == "table":
        words = rows(alphabet, uneven=trait == "uneven")
        column, sep = ("promoter", "|") if trait == "columns" else ("sequence", "\t")
        if trait == "unknown":
            words = ["?" + w[1:] for w in words]
            section["on_unknown"] = "n"
        if trait == "uneven":
            section["fixed_length"] = False
        table(folder / "x.txt", words, column, sep)
        section |= {"name": "table", "path": "x.txt", "seq_col": column, "sep": sep}
        section |= {"seq_var": "promoter"} if trait == "columns" else {}
        return section, folder / "x.txt"
    if source == "fasta":
        words = rows(alphabet, uneven=trait == "uneven")
        fasta(folder / "x.fa", words)
        fasta(folder / "n.fa", [w[::-1] for w in words])
        section |= {"name": "fasta", "path": "x.fa", "negatives": "n.fa"}
        section["target_vars"] = ["label"]
        if trait == "uneven":
            section["fixed_length"] = False
        return section, folder / "x.fa"
    if source == "zarr":
        table(folder / "x.tsv", rows(alphabet, uneven=trait == "uneven"))
        sd.read_table(
            "promoter", folder / "x.zarr", folder / "x.tsv", "sequence",
            fixed_length=trait != "uneven", alphabet=alphabet,
        )  # fmt: skip
        del section["alphabet"]
        section |= {"name": "zarr", "path": "x.zarr", "seq_var": "promoter"}
        return section, folder / "x.zarr"
    genome(folder, alphabet)
    section |= {"name": source, "fasta": "g.fa", "bed": "p.bed", "width": LENGTH}
    section["target_vars"] = ["score"]
    if source == "regions":
        section |= {"negatives": False, "task": "binary", "target_vars": ["label"]}
        section |= {"max_jitter": 2} if trait == "jitter" else {}
    return section, folder / "p.bed"


@pytest.mark.parametrize(
    "kind",
    [
        "table", "table-RNA", "table-AA", "table-uneven", "table-unknown", "table-columns",
        "fasta", "fasta-RNA", "fasta-AA", "fasta-uneven",
        "zarr", "zarr-RNA", "zarr-AA", "zarr-uneven",
        "regions", "regions-RNA", "regions-jitter", "genome", "genome-RNA",
    ],
)  # fmt: skip
def test_its_own_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    import eugene as eu

    monkeypatch.chdir(tmp_path)
    section, own = make(tmp_path, kind)
    tree = {
        "name": "r",
        "data": {**section, "split": "random", "batch_size": 16},
        "model": {"name": "deepbind", "conv_kwargs": {"conv_channels": [3], "conv_kernels": [5]}},
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
        "evaluate": {"n_bootstrap": 2},
    }
    Path("r.yaml").write_text(yaml.safe_dump(tree))
    words = ["fit", "--config", "r.yaml", "--quiet"]
    code = main(words)
    assert code == 0, capsys.readouterr().err
    words = ["predict", "runs/r", "--input", str(own), "--output", "p.tsv"]
    code = main(words)
    assert code == 0, capsys.readouterr().err
    found = np.loadtxt("p.tsv", skiprows=1, usecols=1)
    run = eu.runs.Run(eu.runs.read_config(eu.runs.RunFolder("runs/r")), eu.runs.RunFolder("runs/r"))
    expected = predictions(run.module, run.datamodule).filter(like="prediction").to_numpy()[:, 0]
    # the file of the positives alone, where negatives are in another
    expected = run.module.run.inverse(expected[: len(found), None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    words = ["attribute", "runs/r", "--input", str(own), "--out", "a.zarr"]
    code = main([*words, "--methods", "input_x_gradient", "--quiet"])
    assert code == 0, capsys.readouterr().err
    stored = sd.open_zarr("a.zarr")
    assert stored["seq"].attrs["alphabet"] == run.data.alphabet
    letters = run.data.ds[run.data.seq_var].to_numpy()[:N]
    if letters.shape[1] > LENGTH:
        letters = letters[:, 2:-2]
    np.testing.assert_array_equal(stored["seq"].to_numpy(), letters)
    assert stored["input_x_gradient"].shape == (N, len(run.data.alphabet), letters.shape[1])


def test_longer_rows_than_the_run_knows_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    monkeypatch.chdir(tmp_path)
    section, _ = make(tmp_path, "table-uneven")
    tree = {"name": "r", "data": {**section, "split": "random"}, "model": "deepbind"}
    Path("r.yaml").write_text(yaml.safe_dump({**tree, "trainer": {"max_epochs": 1}}))
    assert main(["fit", "--config", "r.yaml", "--quiet"]) == 0, capsys.readouterr().err
    fasta(Path("long.fa"), ["ACGT", "ACGT" * 10])
    assert main(["predict", "runs/r", "--input", "long.fa"]) == 2
    error = capsys.readouterr().err
    assert "long.fa, record 2: the sequence is 40 bp long, the network reads up to 24 bp" in error
