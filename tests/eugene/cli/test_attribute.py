"""Attributions of any file from the shell, and what is told about a wrong one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import eugene as eu
import seqdata as sd
import seqexplainer as se
import seqpro as sp
from eugene.cli import main
from eugene.runs import RunFolder


def run(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def letters():
    return np.random.default_rng(5).choice(np.frombuffer(b"ACGT", "S1"), (5, 140))


@pytest.mark.parametrize("suffix", [".fa", ".tsv", ".zarr"])
def test_any_input(capsys, trained, tmp_path, letters, suffix):
    words = [row.tobytes().decode() for row in letters]
    path = tmp_path / f"x{suffix}"
    if suffix == ".fa":
        path.write_text("".join(f">s{i}\n{word}\n" for i, word in enumerate(words)))
    elif suffix == ".tsv":
        path.write_text("\n".join(["promoter", *words]) + "\n")
    else:
        import xarray as xr

        attrs = {"kind": "sequence", "alphabet": "ACGT"}
        sd.to_zarr(xr.Dataset({"promoter": (("_sequence", "_length"), letters, attrs)}), path)
    out = tmp_path / "out.zarr"
    options = ["--methods", "deep_lift_shap,saliency", "--out", out, "--hypothetical"]
    if suffix != ".fa":
        options += ["--seq_col", "promoter"]
    command = ("attribute", trained, "--input", path, *options)
    code, text, err = run(capsys, *command)
    assert code == 0, err
    assert "5 sequences by deep_lift_shap, saliency" in text
    found = sd.open_zarr(out)
    np.testing.assert_array_equal(found["seq"], letters)
    assert found["name"].values.tolist() == [
        f"s{i}" if suffix == ".fa" else str(i) for i in range(5)
    ]
    module = eu.load(trained)
    X = eu.interpret.one_hot(found)
    expected = se.attribute(module.arch, X, n_references=2, seed=3)
    np.testing.assert_allclose(found["deep_lift_shap"], expected, atol=1e-6)
    assert found["deep_lift_shap_hypothetical"].attrs["form"] == "hypothetical"
    code, _, err = run(capsys, *command, "--target", "0")
    assert code == 0, err
    code, _, err = run(capsys, *command, "--seed", "4")
    assert code == 2
    code, _, err = run(capsys, *command, "--methods", "saliency")
    assert code == 2
    assert "differ in methods; nothing was touched" in err


def test_tables_and_pictures_of_any_file(capsys, trained, tmp_path, letters):
    rows = [row.tobytes().decode() for row in letters]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{row}\n" for i, row in enumerate(rows)))
    command = ("attribute", trained, "--input", tmp_path / "x.fa", "--methods", "saliency")
    code, _, err = run(capsys, *command, "--out", tmp_path / "x.tsv")
    assert code == 0, err
    code, _, err = run(capsys, *command, "--out", tmp_path / "x.zarr")
    assert code == 0, err
    table = pd.read_csv(tmp_path / "x.tsv", sep="\t")
    assert list(table) == ["sequence", "position", "letter", "saliency"]
    assert "".join(table["letter"]) == "".join(rows)
    assert table["sequence"].tolist() == [f"s{i}" for i in range(5) for _ in range(140)]
    stored = sd.open_zarr(tmp_path / "x.zarr")["saliency"].values
    places = np.array([["ACGT".index(letter) for letter in row] for row in rows])
    there = np.take_along_axis(stored, places[:, None], axis=1)
    np.testing.assert_allclose(table["saliency"], there.reshape(-1), atol=1e-6)
    code, _, err = run(capsys, *command, "--out", tmp_path / "x.tsv")
    assert code == 2
    assert "exists; give --overwrite" in err
    code, out, err = run(capsys, *command, "--out", tmp_path / "x.png")
    assert code == 0, err
    assert (tmp_path / "x.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "drawn" not in out  # all five
    code, _, err = run(capsys, *command, "--out", tmp_path / "x.bw")
    assert code == 2
    assert "holds no regions of a genome" in err


def test_seqlets_of_a_file_and_of_the_run(capsys, trained, tmp_path, letters):
    rows = [row.tobytes().decode() for row in letters]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{row}\n" for i, row in enumerate(rows)))
    command = ("seqlets", trained, "--interpret.seqlets.threshold", "0.5")
    file = ("--input", tmp_path / "x.fa", "--interpret.attribute.methods", "[saliency]")
    code, out, err = run(capsys, *command, *file, "--out", tmp_path / "x.tsv")
    assert code == 0, err
    table = pd.read_csv(tmp_path / "x.tsv", sep="\t")
    assert f"{len(table)} seqlets in 5 sequences" in out
    assert set(table["name"]) <= {f"s{i}" for i in range(5)}
    assert (table["end"] > table["start"]).all()
    assert len(table)
    code, _, err = run(capsys, *command, *file)
    assert code == 2
    assert "--input needs --out" in err
    code, _, err = run(capsys, *command, *file, "--out", tmp_path / "x.xls")
    assert code == 2
    assert "expected a name that ends in .csv or .tsv" in err
    code, _, err = run(capsys, *command, "--fasta", "g.fa")
    assert code == 2
    assert "--fasta goes with --input FILE" in err
    code, _, err = run(capsys, "attribute", trained, "--interpret.attribute.top", "2",
                       "--overwrite")  # fmt: skip
    assert code == 0, err
    code, out, err = run(capsys, *command, "--out", tmp_path / "own.tsv", "--overwrite")
    assert code == 0, err
    own = pd.read_csv(tmp_path / "own.tsv", sep="\t")
    kept = pd.read_csv(RunFolder(trained) / "interpretation" / "annotated_seqlets.csv")
    pd.testing.assert_frame_equal(own, kept)


def test_modisco_is_refused_before_anything_is_computed(capsys, trained, tmp_path):
    code, _, err = run(capsys, "modisco", trained, "--out", tmp_path / "here")
    assert code == 2
    assert "--out goes with --input FILE" in err
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    code, _, err = run(capsys, "modisco", trained, "--input", tmp_path / "x.fa")
    assert code == 2
    assert "--input needs --out" in err


def test_modisco_of_a_file(capsys, trained, tmp_path, modisco_stand_in):
    rng = np.random.default_rng(6)
    rows = ["".join(row) for row in rng.choice(list("ACGT"), (6, 140))]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{row}\n" for i, row in enumerate(rows)))
    settings = {"window": 60, "min_seqlets": 2, "n_references": 2}
    command = ["modisco", trained, "--input", tmp_path / "x.fa", "--out", tmp_path / "found"]
    for key, value in settings.items():
        command += [f"--interpret.modisco.{key}", value]
    code, out, err = run(capsys, *command)
    assert code == 0, err
    assert f"patterns: {tmp_path / 'found'}" in out
    assert modisco_stand_in == [((6, 60, 4), (6, 60, 4))]
    assert sp.motifs.read(tmp_path / "found" / "modisco.meme")[0].consensus() == "GATTACA"
    code, _, err = run(capsys, *command)
    assert code == 2
    assert "exists; give --overwrite" in err


def test_variants_on_the_genome_of_the_run(capsys, trained, tmp_path):
    from eugene.cli._call import parse_call
    from eugene.cli._variants import _genome
    from eugene.cli._verbs import VERBS
    from eugene.config import RunConfig
    from eugene.errors import UsageError

    call = parse_call(VERBS["variants"], ["runs/x", "--vcf", "v.vcf"])
    (tmp_path / "g.fa").write_text(">a\nACGT\n")
    data = {"name": "regions", "fasta": str(tmp_path / "g.fa")}
    assert _genome(call, RunConfig({"data": data})) == str(tmp_path / "g.fa")
    assert "that of the run" in capsys.readouterr().out
    (tmp_path / "g.fa").unlink()
    with pytest.raises(UsageError, match="is not there any more"):
        _genome(call, RunConfig({"data": data}))
    (tmp_path / "v.tsv").write_text("chrom\tpos\tref\talt\na\t70\tC\tA\n")
    code, _, err = run(capsys, "variants", trained, "--vcf", tmp_path / "v.tsv")
    assert code == 2
    assert "the run was not made on a genome: 'eugene variants' needs --fasta FILE" in err


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--out", "a.zarr"), "--out goes with --input FILE"),
        (("--input", "x.fa"), "--input needs --out NAME.zarr, NAME.tsv, NAME.png"),
        (("--input", "x.fa", "--out", "a.xls"), "--out NAME.zarr, got a.xls"),
        (("--input", "x.fa", "--out", "no/where/a.zarr"), "does not exist"),
        (("--input", "y.fa", "--out", "a.zarr"), "the input y.fa does not exist"),
        (("--input", "x.fa", "--out", "a.zarr"), "are 4 bp long, the network reads 140 bp"),
        (("--input", "x.fa", "--out", "a.zarr", "--target", "x"), "expected a number such as 0"),
        (
            ("--input", "x.fa", "--out", "a.zarr", "--methods", "deeplift_shap"),
            "did you mean 'deep_lift_shap'",
        ),
        (("--input", "x.fa", "--out", "a.tsv"), "are 4 bp long, the network reads 140 bp"),
        (
            ("--input", "x.fa", "--out", "a.zarr", "--methods", "sis", "--hypothetical"),
            "'sis' has no hypothetical form",
        ),
    ],
)
def test_wrong_inputs(capsys, trained, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    code, _, err = run(capsys, "attribute", trained, *words)
    assert code == 2
    assert match in err
    assert [p.name for p in tmp_path.iterdir()] == ["x.fa"]


def test_motifs_of_a_named_layer_and_the_page(capsys, trained):
    folder = RunFolder(trained)
    settings = folder.config.read_text()
    code, out, err = run(capsys, "motifs", trained, "--overwrite", "--motif_db", "embedded")
    assert code == 0, err
    assert out.rstrip().endswith(str(folder.interpretation / "motifs.html"))
    code, _, err = run(capsys, "motifs", trained, "--overwrite", "--layer", "convv")
    assert code == 2
    assert "convv" in err
    code, _, err = run(capsys, "motifs", trained, "--overwrite", "--motif_db", "no.meme")
    assert code == 2
    assert "the motif file no.meme does not exist" in err
    # what failed is not kept for later steps
    assert folder.config.read_text() == settings
