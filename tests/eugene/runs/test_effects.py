"""What a network loses without the places of a motif, and how the page tells it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from torch import nn

from eugene.config import load_run_config
from eugene.errors import EugeneError
from eugene.report._blocks import Section
from eugene.report._effects import EFFECTS, show_effects
from eugene.runs import Run, RunFolder
from eugene.runs._effects import motif_effects

LENGTH = 20
TREE = {
    "name": "tiny",
    "data": {"name": "simulated", "n": 100},
    "model": {"name": "cnn"},
    "module": {"name": "sequence", "task": "binary_classification"},
    "interpret": {"attribute": {"batch_size": 7}},
}
RNG = np.random.default_rng(1)
CODES = RNG.integers(0, 4, (9, LENGTH))
# a span of one letter alone is the same in any order
CODES[:, 4:8] = 2
NAMED = pd.DataFrame(
    [(0, 4, 8, "ALIKE", "M1"), (2, 4, 8, "ALIKE", "M1"), (1, 4, 8, "ALIKE", "M1"),
     (1, 10, 16, "REAL", "M2"), (0, 12, 18, "REAL", "M2")],
    columns=["sequence", "start", "end", "motif", "accession"],
)  # fmt: skip


def run_of(path: Path) -> tuple[Run, np.ndarray]:
    """Return what stands for a run whose network is linear, and its weights (4, length)."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4 * LENGTH, 1))
    X = np.eye(4, dtype=np.uint8)[CODES].swapaxes(1, 2)
    # the network wants the letters that are there
    net[1].weight.data += torch.as_tensor(X[[3, 8]].sum(axis=0)).flatten()
    folder = RunFolder.create(path)
    folder.write_text("config.yaml", "module: {name: sequence, task: binary_classification}\n")
    run = SimpleNamespace(
        arch=net, module=net, config=load_run_config(TREE), folder=folder, device=None,
        one_hot=lambda rows: X[rows],
    )  # fmt: skip
    return cast(Run, run), net[1].weight.detach().numpy().reshape(4, LENGTH)


def attributions(target: str = "0") -> xr.Dataset:
    # the rows of the store are other rows of the data
    return xr.Dataset(
        {
            "saliency": ((), 0.0, {"method": "saliency", "target": target}),
            "index": ("_sequence", np.array([8, 3, 5])),
        }
    )


def test_effects_are_those_of_a_linear_network(tmp_path: Path) -> None:
    run, weights = run_of(tmp_path / "tiny")
    table = motif_effects(run, attributions(), NAMED, "saliency").set_index("motif")
    assert list(table.index) == ["ALIKE", "REAL"]
    assert table["sequences"].tolist() == table["n"].tolist() == [3, 2]
    assert table["sites"].tolist() == [3, 2]
    assert table.loc["ALIKE", ["change", "low", "high"]].abs().max() < 1e-6
    assert table.loc["ALIKE", "position"] == -4
    assert table.loc["REAL", ["position_q25", "position", "position_q75"]].tolist() == [3.5, 4, 4.5]
    expected, spread = [], []
    for row, start, end in ((3, 10, 16), (8, 12, 18)):
        letters = CODES[row, start:end]
        own = weights[:, start:end]
        drawn = [own[RNG.permutation(letters), np.arange(6)].sum() for _ in range(4000)]
        expected.append(np.mean(drawn) - own[letters, np.arange(6)].sum())
        spread.append(np.std(drawn))
    # ten shuffles of each of two sequences
    error = 4 * np.sqrt(np.square(spread).sum() / 10) / 2
    assert abs(table.loc["REAL", "change"] - np.mean(expected)) < error
    assert np.mean(expected) < -error
    assert table.loc["REAL", "low"] <= table.loc["REAL", "change"] <= table.loc["REAL", "high"]


def test_no_motif_is_an_empty_table(tmp_path: Path) -> None:
    run, _ = run_of(tmp_path / "tiny")
    run.folder.write_table(EFFECTS, motif_effects(run, attributions(), NAMED[:0], "saliency"))
    section = Section("seqlets", "Seqlets")
    show_effects(section, run.folder)
    assert run.folder.table(EFFECTS).empty
    assert section.blocks == []


def test_another_output_than_that_of_the_attributions_is_refused(tmp_path: Path) -> None:
    run, _ = run_of(tmp_path / "tiny")
    with pytest.raises(EugeneError, match=r"explains the output 1, .* attribute again"):
        motif_effects(run, attributions("1"), NAMED, "saliency")


def test_the_page_says_the_unit_and_the_numbers(tmp_path: Path) -> None:
    run, _ = run_of(tmp_path / "tiny")
    table = motif_effects(run, attributions(), NAMED, "saliency")
    run.folder.write_table(EFFECTS, table)
    section = Section("seqlets", "Seqlets")
    show_effects(section, run.folder)
    kinds = {block.kind: block for block in section.blocks}
    assert "The change is in logits, not probabilities" in kinds["text"].text
    assert [row[:3] for row in kinds["table"].rows] == [("ALIKE", "M1", "3"), ("REAL", "M2", "2")]
    real = kinds["table"].rows[1]
    assert real[3:6] == ("+4.0", "+3.5 to +4.5", "2")
    assert float(real[6]) == pytest.approx(table["change"][1], rel=0.01)
