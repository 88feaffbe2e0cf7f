"""Bad files on the command line: exit code 2, what and where, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest

from eugene.cli import main

TABLE = """\
name: table
data: {{name: table, path: {path}, seq_col: sequence, target_cols: [y], split: {{name: random}}}}
model: {{name: cnn}}
trainer: {{max_epochs: 1, accelerator: cpu}}
"""
REGIONS = """\
name: regions
data:
  name: regions
  fasta: {fasta}
  bed: {path}
  width: 60
  task: binary
  target_vars: [label]
  split: {{name: random}}
model: {{name: cnn}}
module: {{name: sequence, task: binary_classification}}
trainer: {{max_epochs: 1, accelerator: cpu}}
"""
ROWS = "sequence,y\n" + "".join(f"{'ACGT' * 10},{i}\n" for i in range(30))


def fit(tmp_path, capsys, text, *words):
    config = tmp_path / "run.yaml"
    config.write_text(text)
    folder = tmp_path / "runs" / "x"
    code = main(["fit", "--config", str(config), "--run_dir", str(folder), "--quiet", *words])
    assert not folder.exists()
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.err


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (ROWS.replace(",7\n", ",7,extra\n"), "9"),
        (ROWS.replace("ACGTACGT", "ACJTACGT", 1), "J"),
        ("", "empty"),
        ("sequence,y\n", "holds no row below its header"),
        (ROWS.replace("y\n", "yy\n", 1), "did you mean 'yy'"),
        (ROWS.replace("sequence", "sequences", 1), "did you mean 'sequences'"),
        (ROWS.replace(",7\n", ",seven\n"), "seven"),
        (None, "rows.csv"),
    ],
    ids=[
        "ragged",
        "letter",
        "empty",
        "header",
        "target",
        "sequence column",
        "text target",
        "missing",
    ],
)
def test_tables(tmp_path, capsys, content, match):
    path = tmp_path / "rows.csv"
    if content is not None:
        path.write_text(content)
    code, err = fit(tmp_path, capsys, TABLE.format(path=path))
    assert code == 2
    assert "rows.csv" in err or "'y'" in err
    assert match.lower() in err.lower()


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("chr9\t100\t160", "peaks.bed, region 6: the genome has no contig 'chr9'"),
        ("chr1\t160\t100", "160"),
        ("chr1\t-5\t100", "-5"),
        ("chr1\tten\t100", "ten"),
    ],
)
def test_regions(tmp_path, capsys, line, match):
    rng = np.random.default_rng(0)
    fasta = tmp_path / "genome.fa"
    fasta.write_text(">chr1\n" + "".join(rng.choice(list("ACGT"), 4000)) + "\n")
    bed = tmp_path / "peaks.bed"
    good = "".join(f"chr1\t{i * 300}\t{i * 300 + 60}\n" for i in range(5))
    bed.write_text(f"{good}{line}\n")
    code, err = fit(tmp_path, capsys, REGIONS.format(path=bed, fasta=fasta))
    assert code == 2
    assert match.lower() in err.lower()


def test_a_network_that_does_not_fit_and_a_missing_motif_file(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    text = TABLE.format(path=path)
    code, err = fit(tmp_path, capsys, text, "--model.input_len", "50")
    assert code == 2
    assert "$.model.input_len: the model is told input_len=50, but the sequences have 40" in err
    init = "{name: motifs, motif_files: [none.meme]}"
    code, err = fit(tmp_path, capsys, text, "--model.init", init)
    assert code == 2
    assert "the motif file none.meme does not exist" in err


def test_a_split_that_does_not_fit_is_told_with_its_line(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    words = ("--data.split", "{name: random, fractions: [0.8, 0.8, 0.1]}")
    code, err = fit(tmp_path, capsys, TABLE.format(path=path), *words)
    assert code == 2
    assert "command line: $.data.split: fractions" in err


def test_a_missing_file_names_one_beside_it(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("name: x\n")
    assert main(["fit", "--config", str(tmp_path / "mime.yaml")]) == 2
    assert "did you mean 'mine.yaml'" in capsys.readouterr().err
