"""Greedy evolution beside SeqExplainer's algorithm and tangermeme: time per sequence and round.

Run with ``python benchmarks/evolve.py [--rounds 3] [--sequences 4]``. SeqExplainer evolves one
sequence after the other and scores substitutions one at a time; tangermeme does one sequence
per call. All sides make the same edits where they are right, which is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _nets import NETS, random_one_hot

import seqexplainer as se


def one_at_a_time(model: torch.nn.Module, X: torch.Tensor, rounds: int) -> torch.Tensor:
    """Greedy ascent as SeqExplainer 0.1.2 does it: batches of one, one sequence, one round."""
    result = X.clone()
    for x in result:
        touched: set[int] = set()
        for _ in range(rounds):
            scores = torch.full((x.shape[1], 4), -torch.inf)
            for position in range(x.shape[1]):
                for letter in range(4):
                    if x[letter, position] == 1 or position in touched:
                        continue
                    mutant = x.clone()
                    mutant[:, position] = 0
                    mutant[letter, position] = 1
                    scores[position, letter] = model(mutant[None])[0, 0]
            position, letter = divmod(int(scores.argmax()), 4)
            x[:, position] = 0
            x[letter, position] = 1
            touched.add(position)
    return result


def with_tangermeme(model: torch.nn.Module, X: torch.Tensor, rounds: int) -> torch.Tensor:
    """Greedy substitution of tangermeme, towards a target above what can be reached."""
    from tangermeme.design import greedy_substitution

    class First(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.model(x)[:, :1]

    far = torch.full((1, 1), 1.0)
    rows = [
        greedy_substitution(
            First().eval(), x[None], y=far, max_iter=rounds, device="cpu", verbose=False
        )
        for x in X
    ]
    return torch.cat([row if row.ndim == 3 else row[None] for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("nets", nargs="*", default=["DeepSTARR"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    per = options.sequences * options.rounds
    print(f"torch {torch.__version__}, one thread; seconds of processor per sequence and round")
    for name in options.nets:
        model, length = NETS[name]()
        X = random_one_hot(options.sequences, length)
        se.evolve(model, X[:1], rounds=1)
        sides = {
            "ours": lambda m=model, x=X: se.evolve(m, x, rounds=options.rounds).sequences,
            "SeqExplainer's algorithm": lambda m=model, x=X: one_at_a_time(m, x, options.rounds),
        }
        if find_spec("tangermeme") is not None:
            print("tangermeme", version("tangermeme"))
            sides["tangermeme"] = lambda m=model, x=X: with_tangermeme(m, x, options.rounds)
        spent, made = {}, {}
        for side, function in sides.items():
            begin = time.process_time()
            with torch.no_grad():
                made[side] = np.asarray(function())
            spent[side] = (time.process_time() - begin) / per
        with torch.no_grad():
            reached = {
                k: float(model(torch.as_tensor(v).float())[:, 0].mean()) for k, v in made.items()
            }
        for side, seconds in spent.items():
            differs = int((made[side] != made["ours"]).any(axis=1).sum())
            print(
                f"{name:10s} {side:26s} {seconds:8.4f} s  ratio {seconds / spent['ours']:6.1f}  "
                f"positions that differ {differs}  mean score {reached[side]:.4f}"
            )


if __name__ == "__main__":
    main()
