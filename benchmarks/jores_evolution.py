"""Ten greedy rounds from real promoters: the gain under the model itself and under another.

Run with ``python benchmarks/jores_evolution.py runs/jores21_leaf/default/seed_0
runs/jores21_leaf/default/seed_1`` after ``eugene run jores21_leaf``. The first run's network
evolves the promoters; the second, trained from another seed, only judges the result, which tells
what of the gain is the promoter's and what is the first network's own taste. Beside them stand
the published network's predictions for its own evolution of the same promoters, and the time of
a round beside SeqExplainer's algorithm.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save
from evolve import one_at_a_time

import eugene as eu
import seqexplainer as se
import seqpro as sp

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "jores21"


def in_data_units(run: eu.models.SequenceModule, X: torch.Tensor) -> np.ndarray:
    """Return predictions as enrichment (log2)."""
    return np.ravel(run.inverse_targets(run.predict(X.numpy())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs=2, type=Path, help="folders of the evolver and the judge")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = pd.read_csv(options.data / "promoters_for_evolution.tsv", sep="\t")
    X = torch.from_numpy(sp.ohe(sp.cast_seqs(table["sequence"].tolist()), sp.DNA)).swapaxes(1, 2)
    evolver, judge = (eu.load(path) for path in options.runs)
    cut = (X.shape[2] - evolver.arch.input_len) // 2  # a network trained with jitter reads less
    X = X[:, :, cut : cut + evolver.arch.input_len]
    begin = time.process_time()
    found = se.evolve(evolver.arch, X, rounds=options.rounds)
    ours = (time.process_time() - begin) / (len(X) * options.rounds)
    begin = time.process_time()
    with torch.no_grad():
        theirs_made = one_at_a_time(evolver.arch, X[:1].float(), 1)
    theirs = time.process_time() - begin
    same = bool((theirs_made[0].to(torch.uint8) == found.at(1)[0]).all())
    published = pd.read_csv(options.data / "evolution_data_public.tsv.gz", sep="\t")
    leaf = published[published["opt_for"].isin(["start", "leaf"])]
    leaf = leaf.groupby("round")["pred_leaf"].mean()
    rows = []
    for number in range(options.rounds + 1):
        at = found.at(number)
        row = {
            "round": number,
            "itself": float(in_data_units(evolver, at).mean()),
            "independent": float(in_data_units(judge, at).mean()),
            "published": float(leaf[number]) if number in leaf.index else None,
        }
        rows.append(row)
        print(
            "  ".join(
                f"{k} {v:6.2f}" if k != "round" else f"{k} {v:2d}"
                for k, v in row.items()
                if v is not None
            )
        )
    print(
        f"{len(X)} promoters; {1e3 * ours:.1f} ms a promoter and round, SeqExplainer's algorithm "
        f"{1e3 * theirs:.0f} ms ({theirs / ours:.0f}x); same first edit: {same}"
    )
    if options.save:
        facts = {
            "promoters": len(X),
            "ms_per_promoter_and_round": 1e3 * ours,
            "ms_seqexplainer_algorithm": 1e3 * theirs,
            "ratio": theirs / ours,
            "same_first_edit": same,
        }
        print("written to", save("jores_evolution", [facts, *rows], unit="enrichment (log2)"))


if __name__ == "__main__":
    main()
