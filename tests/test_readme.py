"""What the README prints runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    fenced = README.read_text(encoding="utf-8").split("```")[1::2]
    return [b.partition("\n")[2] for b in fenced if b.partition("\n")[0] == language]


@pytest.fixture
def promoters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a table of 120 sequences of 80 bp."""
    rng = np.random.default_rng(0)
    rows = ["".join(row) for row in rng.choice(list("ACGT"), (120, 80))]
    lines = [f"{row}\t{rng.normal():.3f}" for row in rows]
    (tmp_path / "promoters.tsv").write_text("\n".join(["sequence\tactivity", *lines]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_twenty_lines_of_python(promoters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import matplotlib.pyplot as plt

    import eugene as eu

    (code,) = blocks("python")
    exec(compile(code.replace("max_epochs=20", "max_epochs=1"), str(README), "exec"), {})
    plt.close("all")
    assert "accession" in capsys.readouterr().out
    letters = np.full((2, 80), b"A", "S1")
    assert eu.load("runs/promoters").predict(letters).shape == (2, 1)


def test_the_file_and_its_commands(promoters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from eugene.cli import main
    from eugene.config import load_run_config

    commands = [
        line.partition("#")[0].split()[1:]
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("eugene ") and "jores21" not in line
    ]
    assert [words[0] for words in commands] == ["init", "init", "run", "fit", "test", "report"]
    # what is trained is the file below them; peaks on a genome are begun in tests/eugene/cli
    assert main(commands[0]) == 0
    begun = load_run_config(Path("mine.yaml")).tree
    assert (begun["data"]["seq_col"], begun["data"]["target_cols"]) == ("sequence", ["activity"])
    (text,) = blocks("yaml")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    for words in commands[3:]:
        assert main(["1" if word == "50" else word for word in words]) == 0
    assert main(["attribute", "runs/mine"]) == 0
    assert main(["motifs", "runs/mine"]) == 0
    assert Path("runs/mine/report.html").is_file()
    assert "pearson" in capsys.readouterr().out


def test_files_that_it_names_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r"`(configs/[^`]+)`", text)
    assert named
    for name in named:
        if not name.startswith("http"):
            assert (README.parent / name).exists(), name
