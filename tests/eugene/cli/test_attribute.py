"""Attributions of any file from the shell, and what is told about a wrong one."""

from __future__ import annotations

import numpy as np
import pytest

import eugene as eu
import seqdata as sd
import seqexplainer as se
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


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--out", "a.zarr"), "--out goes with --input FILE"),
        (("--input", "x.fa"), "--input needs --out NAME.zarr. Example: eugene attribute"),
        (("--input", "x.fa", "--out", "a.csv"), "--out NAME.zarr, got a.csv"),
        (("--input", "x.fa", "--out", "no/where/a.zarr"), "does not exist"),
        (("--input", "y.fa", "--out", "a.zarr"), "the input y.fa does not exist"),
        (("--input", "x.fa", "--out", "a.zarr"), "are 4 bp long, the network reads 140 bp"),
        (("--input", "x.fa", "--out", "a.zarr", "--target", "x"), "expected a number such as 0"),
        (
            ("--input", "x.fa", "--out", "a.zarr", "--methods", "deeplift_shap"),
            "did you mean 'deep_lift_shap'",
        ),
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
