"""Gradient-guided design beside greedy and beside Ledidi, at equal numbers of edits.

Run with ``python benchmarks/design_search.py [--sequences 20] [--ledidi FOLDER]``, where FOLDER
is what ``pip install --no-deps --target FOLDER ledidi==2.2.0`` made. The net is random; a start is
won where ours is at least as good. Ledidi is given a goal far above the start, its own early stop
and its best sample; ours is then given the same goal and as many edits as that sample has.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save
from _nets import random_one_hot

import seqexplainer as se

_LENGTH = 100
_FAR = 0.3


def make_net(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        *(nn.Conv1d(4, 16, 9, padding=4), nn.ReLU(), nn.MaxPool1d(4)),
        *(nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(), nn.Flatten()),
        nn.Linear(16 * (_LENGTH // 4), 1),
    ).eval()


def beside_greedy(model: nn.Module, X: torch.Tensor, budget: int) -> dict[str, float]:
    limits = se.Constraints(max_edits=budget)
    row: dict[str, float] = {"budget": budget}
    gains = {}
    for method, rounds in (("greedy", budget), ("gradient", 200)):
        begin = time.process_time()
        found = se.design(model, X, method=method, rounds=rounds, constraints=limits)
        row[f"s_{method}"] = (time.process_time() - begin) / len(X)
        gains[method] = found.scores[:, -1] - found.scores[:, 0]
        row[f"gain_{method}"] = float(gains[method].mean())
    row["won"] = float((gains["gradient"] >= gains["greedy"] - 1e-6).mean())
    return row


def beside_ledidi(model: nn.Module, X: torch.Tensor, penalty: float) -> dict[str, float]:
    from ledidi import ledidi

    theirs, ours, edits, seconds = [], [], [], [0.0, 0.0]
    for i, x in enumerate(X):
        start = float(se.predict(model, x[None])[0, 0])
        begin = time.process_time()
        options = {"l": penalty, "max_iter": 200, "early_stopping_iter": 200, "verbose": False}
        y_bar = torch.tensor([[start + _FAR]])
        made = ledidi(model, x[None].float(), y_bar, device="cpu", random_state=i, **options)
        seconds[0] += time.process_time() - begin
        reached = se.predict(model, made)[:, 0]
        best = int((reached - start - _FAR).abs().argmin())
        edits.append(int((made[best] != x).any(dim=0).sum()))
        theirs.append(abs(float(reached[best]) - start - _FAR))
        begin = time.process_time()
        limits = se.Constraints(max_edits=edits[-1])
        found = se.design(model, x[None], method="gradient", goal=start + _FAR, constraints=limits)
        seconds[1] += time.process_time() - begin
        ours.append(abs(float(found.scores[0, -1]) - start - _FAR))
    return {
        "penalty": penalty,
        "edits": float(np.mean(edits)),
        "miss_ledidi": float(np.mean(theirs)),
        "miss_ours": float(np.mean(ours)),
        "won": float(np.mean(np.array(ours) <= np.array(theirs) + 1e-6)),
        "s_ledidi": seconds[0] / len(X),
        "s_ours": seconds[1] / len(X),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--ledidi", type=Path, help="folder that Ledidi is installed in")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, X = make_net(0), random_one_hot(options.sequences, _LENGTH)
    rows = [beside_greedy(model, X, budget) for budget in (5, 10, 20)]
    if options.ledidi is not None:
        sys.path.append(str(options.ledidi))
        rows += [beside_ledidi(model, X, penalty) for penalty in (1e-3, 3e-3)]
    for row in rows:
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    if options.save:
        print("written to", save("design_search", rows, unit="gain of the score"))


if __name__ == "__main__":
    main()
