"""The step that looks at distances of found motifs, on a small run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import eugene as eu
from eugene.config import load_run_config
from eugene.report._build import build
from eugene.runs import RunFolder
from eugene.runs._pipeline import later_step, reopen


def seqlets(folder: RunFolder, n: int) -> pd.DataFrame:
    """Write seqlets of two motifs into a run, 12 bp apart, and one that is not significant."""
    rows = []
    for sequence in range(n):
        start = 10 + 7 * (sequence % 12)
        for name, at in (("A1", start), ("B2", start + 22), ("C3", 120)):
            q = 0.5 if name == "C3" else 0.001
            accession = {"A1": "MA0466.3", "B2": "MA0062.3", "C3": "MA0466.3"}[name]
            rows.append((sequence, sequence, at, at + 10, "+", name, accession, 1.0, 1e-6, q))
    names = ["index", "sequence", "start", "end", "strand", "motif", "accession", "attribution",
             "p_value", "q_value"]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    folder.write_table("interpretation/annotated_seqlets.csv", table)
    return table


def done(path: Path, n: int, **settings: int) -> RunFolder:
    folder = RunFolder(path)
    seqlets(folder, n)
    config = load_run_config(folder.config).replaced(
        {f"interpret.spacing.{k}": v for k, v in settings.items()}
    )
    later_step(reopen(folder, config), "spacing")
    return folder


def test_pairs_of_a_run(trained: Path) -> None:
    folder = done(trained, 14, n_sequences=11, n_permutations=30)
    pairs = folder.table("interpretation/motif_pairs.csv")
    assert pairs[["motif", "other", "sequences", "pairs", "n"]].values.tolist() == [
        ["A1", "B2", 14, 14, 11]
    ]
    assert pairs["distance"][0] == 22
    assert pairs["p_value"][0] == pytest.approx(1 / 31)
    sites = folder.table("interpretation/motif_pair_sites.csv")
    known = sites[sites["excess"].notna()]
    assert known["sequence"].tolist() == list(range(11))
    sums = known["together"] - known["alone"] - known["alone_other"]
    np.testing.assert_allclose(known["excess"], sums, atol=1e-12)
    assert pairs["excess"][0] == pytest.approx(known["excess"].mean())
    assert pairs["excess_low"][0] < pairs["excess"][0] < pairs["excess_high"][0]
    # what is lost without one motif: predictions of shuffled letters, by hand
    module = eu.load(folder.path)
    X = reopen(folder, load_run_config(folder.config)).one_hot(
        folder.table("interpretation/annotated_seqlets.csv")["index"].unique()[:1]
    )
    X = np.asarray(X, dtype=np.float32)
    rng = np.random.default_rng(0)
    others = np.repeat(X, 400, axis=0)
    for other in others:
        other[:, 10:20] = other[:, 10:20][:, rng.permutation(10)]
    with torch.no_grad():
        before, *after = module.arch(torch.from_numpy(np.concatenate([X, others])))[:, 0].tolist()
    drawn = np.array(after) - before
    spread = np.std(drawn) / np.sqrt(10)
    assert abs(known["alone"].iloc[0] - np.mean(drawn)) < 5 * spread + 1e-4
    page = build(folder.path).read_text()
    assert "Distances of pairs of found motifs" in page and "both less the sum" in page
    assert (folder.figures / "motif_pairs.png").is_file()
    assert (folder.figures / "motif_positions.png").is_file()


def test_too_few_sequences_are_said(trained: Path) -> None:
    folder = done(trained, 6, n_permutations=5)
    assert folder.table("interpretation/motif_pairs.csv").empty
    assert "No two of the motifs stand in 10 sequences" in build(folder.path).read_text()
