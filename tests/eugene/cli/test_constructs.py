"""The verb `constructs`, and the data source of runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import seqdata as sd
from eugene.cli import main
from eugene.config import build, registries


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    """Two payloads and a genome, as options."""
    rng = np.random.default_rng(0)
    genome = "".join(rng.choice(list("ACGT"), 120))
    text = {
        "table": "name\tactivity\tgroup\na\t1\tx\nb\t2\ty\n",
        "fasta": ">a\nTTTTTTTT\n>b\nGGGG\n",
        "reference": f">c\n{genome}\n",
    }
    options = ["--context", "c:50-60"]
    for name, content in text.items():
        file = tmp_path / f"{name}.tsv"
        file.write_text(content)
        options += [f"--{name}", str(file)]
    return options


def test_built_and_written_for_another_program(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, table, array = (str(tmp_path / name) for name in ("x.zarr", "x.tsv", "x.npy"))
    build_it = ["constructs", "build", *given, "--length", "32", "--padding", "8", "--out"]
    assert main([*build_it, store]) == 0
    assert "2 constructs of 40 bp in c:50-60: payloads of 4 to 8 bp" in capsys.readouterr().out
    assert main(["constructs", "export", store, "--out", table]) == 0
    assert main(["constructs", "export", store, "--strides", "3", "--out", array]) == 0
    assert np.load(array).shape == (6, 32, 4)
    again = sd.constructs.read_tsv(table, length=32)
    assert (again["seq"].values == sd.open_zarr(store)["seq"].values).all()
    assert main([*build_it, store]) == 2
    assert "x.zarr exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["constructs", "biuld", "--out", "x"], "did you mean 'build'"),
        (["constructs", "build", "--out", "x"], "--table is needed"),
        (
            ["constructs", "export", "x.zarr", "--out", "x.csv"],
            "expected 'eugene constructs export",
        ),
    ],
)
def test_words_that_are_wrong(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_source_of_a_run(given: list[str]) -> None:
    files = dict(zip((o[2:] for o in given[::2]), given[1::2], strict=True))
    section = {"name": "constructs", **files, "length": 32, "padding": 8}
    whole = build(registries.DATA_SOURCES, section)
    assert whole["seq"].shape == (2, 40)
    assert whole["activity"].dtype == np.float32
    drawn = build(registries.DATA_SOURCES, {**section, "strides": 3, "shared_constructs": True})
    assert drawn["seq"].shape == (6, 32)
    assert drawn.attrs["shared_constructs"]
