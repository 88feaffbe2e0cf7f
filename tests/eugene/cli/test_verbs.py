"""Each verb at work on a small run."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

import seqdata as sd
from eugene.cli import main
from eugene.config import registries
from eugene.runs import RunFolder


def run(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_fit_refuses_to_overwrite_and_resume_finds_nothing_to_do(capsys, trained, tiny_file):
    words = ("fit", "--config", tiny_file, "--run_dir", trained)
    before = RunFolder(trained).weights.read_bytes()
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "holds a finished run; nothing was touched" in err
    code, out, _ = run(capsys, "fit", "--run_dir", trained, "--resume")
    assert code == 0
    assert "trained 1 epochs" in out
    assert RunFolder(trained).weights.read_bytes() == before


def test_test_attribute_motifs_evolve_report(capsys, trained):
    code, out, err = run(capsys, "test", trained)
    assert code == 0, err
    assert "auroc" in out
    code, _, err = run(capsys, "test", trained)
    assert code == 2
    assert "is done; give --overwrite to do it again" in err
    code, _, _ = run(capsys, "attribute", trained, "--interpret.attribute.top", "2")
    assert code == 0
    assert sd.open_zarr(RunFolder(trained).attributions).sizes["_sequence"] == 2
    assert "top: 2" in RunFolder(trained).config.read_text()
    code, out, _ = run(capsys, "motifs", "--run_dir", trained)
    assert code == 0
    assert "p_bonferroni" in out
    options = ("--interpret.evolve.rounds", "2", "--interpret.evolve.method", "genetic")
    code, out, _ = run(capsys, "evolve", trained, *options)
    assert code == 0
    assert pd.read_csv(RunFolder(trained).interpretation / "evolution.csv")["round"].max() == 2
    code, out, _ = run(capsys, "report", trained)
    assert code == 0
    assert RunFolder(trained).report.stat().st_size > 1000
    code, out, _ = run(capsys, "compare", trained, trained)
    assert code == 0
    assert out.count(str(trained)) == 2


def test_a_step_of_another_network_is_refused(capsys, trained):
    code, _, err = run(capsys, "test", trained, "--model.pool", "max", "--overwrite")
    assert code == 2
    assert "$.model.pool: the run in" in err
    code, _, err = run(capsys, "test", trained, "--data.n", "50", "--overwrite")
    assert code == 2
    assert "$.data.n: the run in" in err
    assert sd.open_zarr(trained / "data.zarr").sizes["_sequence"] == 240
    code, _, err = run(capsys, "test")
    assert code == 2
    assert "needs the run: a folder" in err
    code, _, err = run(capsys, "test", trained.parent)
    assert code == 2
    assert "is not a run folder" in err


def test_predict_files_and_rows(capsys, trained, tmp_path):
    rng = np.random.default_rng(0)
    letters = ["".join(row) for row in rng.choice(list("ACGT"), (3, 140))]
    fasta = tmp_path / "new.fa"
    fasta.write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(letters)))
    table = tmp_path / "new.csv"
    pd.DataFrame({"promoter": letters}).to_csv(table, index=False)
    output = tmp_path / "out.tsv"
    assert run(capsys, "predict", trained, "--input", fasta, "--output", output)[0] == 0
    first = pd.read_csv(output, sep="\t")
    assert list(first) == ["name", "label"]
    assert first["name"].tolist() == ["s0", "s1", "s2"]
    assert first["label"].between(0, 1).all()
    words = ("--input", table, "--seq_col", "promoter", "--output", output, "--overwrite")
    assert run(capsys, "predict", trained, *words)[0] == 0
    np.testing.assert_allclose(pd.read_csv(output, sep="\t")["label"], first["label"], rtol=1e-6)
    code, out, _ = run(capsys, "predict", trained, "--input", fasta)
    assert code == 0
    assert out.startswith("name")
    short = tmp_path / "short.fa"
    short.write_text(">a\nACGT\n")
    for words, match in (
        (("--input", short), "4 bp long, the network reads 140 bp"),
        (("--input", tmp_path / "none.fa"), "none.fa does not exist"),
        (("--input", trained / "config.yaml"), "cannot tell what"),
        (("--input", fasta, "--output", tmp_path / "x.docx"), "ends in .csv or .tsv"),
        (("--input", fasta, "--output", tmp_path / "no" / "x.csv"), "no does not exist"),
    ):
        code, _, err = run(capsys, "predict", trained, *words)
        assert code == 2
        assert match in err
    code, out, _ = run(capsys, "predict", trained)
    assert code == 0
    assert "... 220 more" in out


def test_predictions_of_a_run_and_of_a_file_have_the_same_units(capsys, tmp_path):
    rng = np.random.default_rng(0)
    letters = ["".join(row) for row in rng.choice(list("ACGT"), (40, 60))]
    table = tmp_path / "rows.csv"
    pd.DataFrame({"sequence": letters, "y": rng.normal(500, 3, 40)}).to_csv(table, index=False)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"data: {{name: table, path: {table}, seq_col: sequence, target_cols: y, split: random, "
        "targets: zscore}\nmodel: deepbind\ntrainer: {max_epochs: 1, accelerator: cpu}\n"
    )
    folder, first, second = (tmp_path / name for name in ("run", "a.tsv", "b.tsv"))
    assert run(capsys, "fit", "--config", config, "--run_dir", folder)[0] == 0
    assert run(capsys, "predict", folder, "--output", first)[0] == 0
    assert run(capsys, "predict", folder, "--input", table, "--output", second)[0] == 0
    values = [pd.read_csv(path, sep="\t")["y"] for path in (first, second)]
    np.testing.assert_allclose(*values, rtol=1e-5)
    assert values[0].between(450, 550).all()
    weights = folder / "model.safetensors"
    assert weights.stat().st_mode == (folder / "config.yaml").stat().st_mode


def test_fit_says_what_the_splits_share(capsys, tmp_path):
    letters = np.random.default_rng(0).choice(list("ACGT"), (60, 60))
    letters[50], letters[51] = letters[0], letters[1]
    letters[51, [9, 33]] = ["A" if letter != "A" else "C" for letter in letters[51, [9, 33]]]
    split = np.repeat(["train", "val", "test"], [40, 10, 10])
    table, config = tmp_path / "t.tsv", tmp_path / "c.yaml"
    pd.DataFrame(
        {"sequence": ["".join(row) for row in letters], "y": np.arange(60.0), "split": split}
    ).to_csv(table, sep="\t", index=False)
    config.write_text(
        f"name: leaks\ndata: {{name: table, path: {table}, seq_col: sequence, target_cols: y, "
        "split_col: split}\nmodel: {name: cnn, conv_kwargs: {conv_channels: [4], "
        "conv_kernels: [9], pool_kernels: [10]}, dense_kwargs: {hidden_dims: [4]}}\n"
        "module: {name: sequence, task: regression}\n"
        "trainer: {max_epochs: 1, accelerator: cpu}\n"
    )
    folder = tmp_path / "run"
    code, _, err = run(capsys, "fit", "--config", config, "--run_dir", folder, "--quiet")
    assert code == 0
    assert "train-test share 1 equal sequence (test row 50 is train row 0), 1 near-dup" in err
    leaks = json.loads((folder / "data.json").read_text())["leakage"]
    assert leaks["near_duplicates"]["train-test"] == leaks["duplicates"]["train-test"] == 1
    assert [e["row"] for e in leaks["examples"]] == [50, 51]
    code, out, _ = run(capsys, "data", "info", folder)
    assert "identity 0.9667" in out


def test_data_info(capsys, trained, tiny_file):
    for source in (["--config", tiny_file], [tiny_file], [trained], [trained / "data.zarr"]):
        code, out, _ = run(capsys, "data", "info", *source)
        assert code == 0
        assert "240" in out
    code, _, err = run(capsys, "data", "inof", tiny_file)
    assert code == 2
    assert "did you mean 'info'" in err
    code, _, err = run(capsys, "data", "info", "nothing.zarr")
    assert code == 2
    assert "does not exist" in err


def test_zoo(capsys):
    code, out, _ = run(capsys, "zoo", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(registries.MODELS)
    code, out, _ = run(capsys, "zoo", "show", "DeepSTARR")
    assert code == 0
    assert "model: {name: deepstarr}" in out
    assert "conv1d_tower.layers.15  MaxPool1d    120 x 15               58 bp" in out
    assert "weights deepstarr: developmental enhancer activity" in out
    code, out, _ = run(capsys, "zoo", "check", "kopp21_cnn", "DeepBind")
    assert code == 0
    assert out.startswith("ok")
    assert "2,129 parameters, published 2,129 (EUGENe 0.1.2, built and counted); 4 x 41 -> 1" in out
    for words in (["show"], ["lst"], ["list", "x"]):
        assert run(capsys, "zoo", *words)[0] == 2
    code, _, err = run(capsys, "zoo", "show", "deepstar")
    assert code == 2
    assert "did you mean 'deepstarr'" in err


def test_doctor_names_a_clash_and_a_broken_torchvision(capsys, monkeypatch):
    import importlib.metadata as metadata

    code, out, _ = run(capsys, "doctor")
    assert "name clash" in out
    assert code in (0, 2)
    real = metadata.version
    fakes = {"seqpro": "0.23.0", "torchvision": "0.28.0", "torch": "2.13.0+cpu"}
    monkeypatch.setattr(metadata, "version", lambda name: fakes.get(name) or real(name))
    from eugene.cli._doctor import findings

    found = [f for f in findings() if f.level == "PROBLEM"]
    text = "\n".join(f.text for f in found)
    assert "seqpro 0.23.0 lie(s) over our packages; mend: pip uninstall -y seqpro" in text
    assert "torchvision::nms" in text
    code, _, err = run(capsys, "doctor")
    assert code == 2
    assert "seqpro 0.23.0" in err


# where the files of the article are not here, other rows are named, with a warning
@pytest.mark.filterwarnings("ignore::eugene.errors.EugeneWarning")
@pytest.mark.parametrize("name", ["quickstart", "jores21_leaf", "sacCer3_atac"])
def test_recipes_by_name(capsys, name):
    code, out, _ = run(capsys, "run", name, "--print_config")
    assert code == 0
    assert f"name: {name}" in out
    code, _, err = run(capsys, "run", f"{name[:-1]}")
    assert code == 2
    assert f"did you mean '{name}'" in err


def test_variants_of_a_file(capsys, trained, tmp_path):
    genome = "".join(np.random.default_rng(0).choice(list("ACGT"), 900))
    (tmp_path / "g.fa").write_text(f">chr1\n{genome}\n")
    other = "A" if genome[399] != "A" else "C"
    body = f"chr1\t400\trs1\t{genome[399]}\t{other},{genome[399]}GATA\n"
    wrong = f"chr1\t500\trs2\t{'A' if genome[499] != 'A' else 'C'}\t{genome[499]}\n"
    (tmp_path / "v.vcf").write_text(body)
    (tmp_path / "w.vcf").write_text(body + wrong)
    out = tmp_path / "effects.tsv"
    words = ("variants", "--run_dir", trained, "--fasta", tmp_path / "g.fa", "--vcf")
    code, text, _ = run(capsys, *words, tmp_path / "v.vcf", "--out", out, "--shifts", "-2,2")
    assert code == 0
    assert "2 of 2 variants scored; the genome differs from the reference allele of 0" in text
    table = pd.read_csv(out, sep="\t")
    assert table["alt"].tolist() == [other, f"{genome[399]}GATA"]
    assert ((table["reference"] > 0) & (table["reference"] < 1)).all()
    code, text, _ = run(capsys, *words, tmp_path / "v.vcf")
    assert code == 0
    assert "log_fold" in text
    code, _, err = run(capsys, *words, tmp_path / "w.vcf")
    assert code == 2
    assert "line 2: the genome has" in err
    code, text, _ = run(capsys, *words, tmp_path / "w.vcf", "--on_mismatch", "drop")
    assert code == 0
    assert "2 of 3 variants scored" in text
    assert "reference allele of 1, 1 left out" in text
    code, _, err = run(capsys, *words, tmp_path / "v.vcf", "--out", out)
    assert code == 2
    assert "belongs to another job, which differs in shifts" in err
    code, _, _ = run(capsys, *words, tmp_path / "v.vcf", "--out", out, "--overwrite")
    assert code == 0
    (tmp_path / "s.vcf").write_text(body + "chr1\t500\trs3\tN\t<DEL>,*\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        code, text, err = run(capsys, *words, tmp_path / "s.vcf")
    assert code == 0
    assert "2 alleles without letters were left out (first: line 2: '<DEL>')" in err
    assert "2 of 2 variants scored" in text
    assert "; 2 alleles without letters left out" in text
    code, _, err = run(capsys, *words, tmp_path / "s.vcf", "--on_symbolic", "error")
    assert code == 2
    assert "line 2: alt is '<DEL>', an allele without letters" in err
    for more, message in (
        (("--on_symbolic", "x"), "on_symbolic must be"),
        (("--shifts", "x"), "expected whole numbers of bp"),
        (("--batch_size", "0"), "expected a whole number, 1 or more"),
        (("--align", "centre"), "align must be"),
    ):
        code, _, err = run(capsys, *words, tmp_path / "v.vcf", *more)
        assert code == 2
        assert message in err
    code, _, err = run(capsys, "variants", trained, "--fasta", tmp_path / "g.fa")
    assert code == 2
    assert "needs --vcf FILE" in err
