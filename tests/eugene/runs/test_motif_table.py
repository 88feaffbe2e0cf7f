"""The table of motifs of a run: what steps found is joined, measured and told on the page."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from torch import nn

import seqdata as sd
from eugene.config import load_run_config
from eugene.errors import EugeneError
from eugene.report._blocks import Picture, Section
from eugene.report._motifs import FILE, show_motifs
from eugene.runs import Run, RunFolder
from eugene.runs._motifs import motif_table

RECIPES = Path(__file__).parents[3] / "configs/recipes"
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
ROWS = np.array([8, 3, 5, 1, 2, 0])
X = np.eye(4, dtype=np.uint8)[CODES].swapaxes(1, 2)
NAMED = pd.DataFrame(
    [(i, 4, 8, "GABPA", "MA0062.3", 1e-5, 0.01, 0.5) for i in (0, 2, 1)]
    + [(i, 10 + i % 3, 16 + i % 3, "CEBPB", "MA0466.3", 1e-6, 0.001, 1.5) for i in range(6)]
    + [(4, 0, 3, "seqlet", "", 1e-3, 0.9, 0.1), (5, 0, 3, "FOS::JUN", "MA0099.3", 1e-3, 0.08, 0.1)],
    columns=["sequence", "start", "end", "motif", "accession", "p_value_motif", "q_value",
             "attribution"],
)  # fmt: skip


def run_of(path: Path, *, target: str = "0", done: tuple[str, ...] = ("attribute", "seqlets")):
    """Return what stands for a run whose network is linear, and its weights (4, length)."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4 * LENGTH, 1))
    # the network wants the letters that are there
    net[1].weight.data += torch.as_tensor(X[ROWS].sum(axis=0)).flatten() / 3
    folder = RunFolder.create(path)
    folder.write_text("config.yaml", "module: {name: sequence, task: binary_classification}\n")
    folder.write_json("data.json", {"input_len": LENGTH})
    values = np.zeros((len(ROWS), 4, LENGTH), "f4")
    attrs = {"method": "saliency", "target": target, "form": "projected"}
    letters = np.array(list(b"ACGT"), np.uint8)[CODES[ROWS]].view("S1")
    ds = xr.Dataset({
        "seq": (("_sequence", "_length"), letters, {"kind": "sequence", "alphabet": "ACGT"}),
        "saliency": (("_sequence", "_ohe", "_length"), values, attrs),
        "index": ("_sequence", ROWS),
    })  # fmt: skip
    sd.to_zarr(ds, folder.attributions, overwrite=True)
    folder.write_table("interpretation/annotated_seqlets.csv", NAMED)
    for name in done:
        with folder.step(name):
            pass
    run = SimpleNamespace(
        arch=net, module=net, config=load_run_config(TREE), folder=folder, device=None,
        one_hot=lambda rows: X[rows], input_len=LENGTH, output_names=(),
        best_rows=lambda split, count, target: ROWS[:count],
    )  # fmt: skip
    return cast(Run, run), net[1].weight.detach().numpy().reshape(4, LENGTH)


def test_effects_are_those_of_a_linear_network(tmp_path: Path) -> None:
    run, weights = run_of(tmp_path / "tiny")
    table = motif_table(run).set_index("motif")
    # neither the seqlet without a name nor the match that is not significant
    assert list(table.index) == ["CEBPB", "GABPA"]
    assert table["sequences"].tolist() == table["n"].tolist() == [6, 3]
    assert table["searched"].tolist() == [6, 6]
    assert table["contribution"].tolist() == [1.5, 0.5]
    assert abs(table.loc["GABPA", "change"]) < 1e-6
    assert table.loc["GABPA", "position"] == -4
    assert table.loc["GABPA", "why"] == "3 sequences have it: an interval needs 5"
    assert table.loc["CEBPB", ["position_q25", "position", "position_q75"]].tolist() == [
        *(3.25, 4, 4.75)
    ]
    expected, spread = [], []
    for i, row in enumerate(ROWS):
        start, end = 10 + i % 3, 16 + i % 3
        letters, own = CODES[row, start:end], weights[:, start:end]
        drawn = [own[RNG.permutation(letters), np.arange(6)].sum() for _ in range(2000)]
        expected.append(np.mean(drawn) - own[letters, np.arange(6)].sum())
        spread.append(np.std(drawn))
    # ten shuffles of each sequence
    error = 4 * np.sqrt(np.square(spread).sum() / 10) / len(ROWS)
    change, low, high = table.loc["CEBPB", ["change", "low", "high"]]
    assert abs(change - np.mean(expected)) < error
    assert np.mean(expected) < -error
    assert low <= change <= high


def test_a_filter_is_placed_by_its_letters(tmp_path: Path) -> None:
    """Without seqlets, and without attributions, the matches of filters are looked for."""
    run, _ = run_of(tmp_path / "tiny", done=("filters",))
    matches = pd.DataFrame(
        {"filter": ["filter_1", "filter_4"], "target_name": ["CEBPB", "GABPA"],
         "target_accession": ["MA0466.3", "MA0062.3"], "rank": 1, "p_value": [1e-8, 1e-3],
         "q_value": [1e-4, 0.4]}
    )  # fmt: skip
    run.folder.write_table("interpretation/annotations.csv", matches)
    (row,) = motif_table(run).to_dict("records")
    assert (row["motif"], row["found_by"], row["searched"]) == ("CEBPB", "filters: filter_1", 6)
    assert row["places_by"] == "scan"
    assert (row["places"], row["why"]) == (0, "in none of 6 sequences at p < 0.0001")
    planted = X.copy()
    planted[5, :, 6:16] = np.eye(4)[[3, 0, 3, 3, 2, 1, 0, 1, 0, 0]].T
    vars(run)["one_hot"] = lambda rows: planted[rows]
    (row,) = motif_table(run).to_dict("records")
    assert (row["places"], row["sequences"], row["n"]) == (1, 1, 1)
    assert abs(row["position"] - 1) <= 1
    assert np.isnan(row["contribution"])
    assert row["why"] == "1 sequence has it: an interval needs 5"


def test_another_output_than_that_of_the_attributions_is_refused(tmp_path: Path) -> None:
    run, _ = run_of(tmp_path / "tiny", target="1")
    with pytest.raises(EugeneError, match=r"explains the output 1, .* attribute again"):
        motif_table(run)


def shown(run: Run) -> Section:
    run.folder.write_table(FILE, motif_table(run))
    section = Section("motifs", "Motifs")
    show_motifs(section, run.folder)
    return section


def test_the_page_says_the_unit_and_the_numbers(tmp_path: Path) -> None:
    run, _ = run_of(tmp_path / "tiny")
    section = shown(run)
    (block,) = [b for b in section.blocks if b.kind == "table"]
    assert block.head[-2:] == ("contribution (logits)", "change without it (logits)")
    first, second = block.rows
    assert first[0] == "CEBPB (+) MA0466.3, embedded: p 1.0e-06, q 1.0e-03"
    assert first[3:5] == ("6 in 6 of 6 sequences", "+4 (+3 to +5)")
    assert str(second[7]).endswith("(3 sequences have it: an interval needs 5)")
    table = run.folder.table(FILE)
    change, low, high = re.findall(r"[+-][\d.]+", str(first[7]))
    assert str(first[7]).endswith("), 6 sequences")
    for said, name in ((change, "change"), (low, "low"), (high, "high")):
        assert float(said) == pytest.approx(table[name][0], rel=0.01)
    logo, along = first[2], first[5]
    assert isinstance(logo, Picture) and logo.alt == "logo of CEBPB"
    assert isinstance(along, Picture) and along.alt.startswith("places of CEBPB along 20 bp: 0 0")
    line = unquote(block.tsv.split(",", 1)[1]).splitlines()[1].split("\t")
    assert [line[0], line[2], line[5]] == [first[0], logo.alt, along.alt]


def test_no_motif_is_said(tmp_path: Path) -> None:
    run, _ = run_of(tmp_path / "tiny")
    run.folder.write_table("interpretation/annotated_seqlets.csv", NAMED[:0])
    assert [b.text[:9] for b in shown(run).blocks] == ["No motif:"]


@pytest.mark.slow
def test_planted_motifs_by_three_methods(tmp_path: Path) -> None:
    """The real TF-MoDISco in a run: patterns, seqlets and filters name what was planted."""
    pytest.importorskip("modiscolite", reason="modisco-lite is not installed (extra modisco)")
    from eugene.runs import run

    tree = load_run_config(RECIPES / "quickstart.yaml").tree | {
        "interpret": {
            "attribute": {"methods": ["deep_lift_shap"], "n_references": 10},
            "seqlets": {},
            "modisco": {"split": None, "max_sequences": 800, "n_references": 5, "n_leiden_runs": 2},
            "filters": {"method": "threshold", "threshold": 0.3},
        }
    }
    tree["data"] |= {"n": 6000}
    tree["trainer"] |= {"max_epochs": 14}
    tree["baselines"] = []
    table = run(tree, run_dir=tmp_path / "run").table(FILE).set_index("motif")
    for name in ("CEBPB", "GABPA"):
        row = table.loc[name]
        assert all(word in row["found_by"] for word in ("seqlets", "TF-MoDISco: pos_", "filters:"))
        assert row["high"] < 0
        assert row["contribution"] > 0
