"""Dinucleotide shuffles: speed and uniformity beside PyPI seqpro 0.23 and tangermeme 1.6.

Uniform means that every sequence with the same dinucleotide counts and the same ends is equally
likely: 72 of them for ACCCACGATGATA. The table gives how many of the 72 a shuffler reaches in
72,000 draws, and chi-square per degree of freedom, which is near 1 for a uniform one.

Run: python benchmarks/shuffle.py --peer /path/to/venv/bin/python [--rounds 7] [--save]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import _harness as h
import numpy as np

CASES = str(Path(__file__).with_name("_seqpro_cases.py"))
SHAPES = {"1e4 x 2114": (10_000, 2114), "1e5 x 249": (100_000, 249)}
PEER, TANGERMEME = "seqpro 0.23", "tangermeme 1.6"
SEQUENCE = "ACCCACGATGATA"
N_SHUFFLES = 72
DRAWS = 1000 * N_SHUFFLES


def draw_seqpro() -> list[str]:
    import seqpro as sp

    rows = np.tile(np.frombuffer(SEQUENCE.encode(), "S1"), (DRAWS, 1))
    shuffled = sp.k_shuffle(rows, 2, sp.DNA, length_axis=-1, seed=0)
    return [row.tobytes().decode() for row in shuffled]


def draw_tangermeme() -> list[str]:
    import torch
    from tangermeme.ersatz import dinucleotide_shuffle
    from tangermeme.utils import one_hot_encode

    torch.set_num_threads(1)
    shuffled = dinucleotide_shuffle(one_hot_encode(SEQUENCE)[None], n=DRAWS, random_state=0)
    letters = np.frombuffer(b"ACGT", "S1")[shuffled[0].argmax(1).numpy()]
    return [row.tobytes().decode() for row in letters]


def uniformity(label: str, python: str, draw: str) -> dict[str, Any]:
    """Count the draws of a shuffler in a process of its own and print how even they are."""
    env = os.environ | h.ONE_THREAD
    env["PYTHONPATH"] = str(h.REPO) if python == sys.executable else ""
    command = [python, __file__, "--draw", draw]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    counts = json.loads(done.stdout.splitlines()[-1])
    pairs = sorted(SEQUENCE[i : i + 2] for i in range(len(SEQUENCE) - 1))
    kept = all(sorted(s[i : i + 2] for i in range(len(s) - 1)) == pairs for s in counts)
    expected = DRAWS / N_SHUFFLES
    seen = [*counts.values(), *[0] * (N_SHUFFLES - len(counts))]
    chi2 = sum((n - expected) ** 2 / expected for n in seen) / (N_SHUFFLES - 1)
    print(f"  {label:<34}{len(counts):>4} of {N_SHUFFLES}   chi2/df {chi2:10.2f}   kept {kept}")
    return {"shuffler": label, "reached": len(counts), "of": N_SHUFFLES, "chi2_per_df": chi2}


def speed(shape: str, peer: str | None, rounds: int) -> dict[str, Any]:
    contenders = [h.Contender("ours", f"{CASES}:shuffle")]
    if peer:
        contenders.append(h.Contender(PEER, f"{CASES}:shuffle", python=peer))
    contenders.append(h.Contender(TANGERMEME, f"{CASES}:shuffle_tangermeme"))
    with tempfile.TemporaryDirectory() as folder:
        bases = np.frombuffer(b"ACGT", np.uint8)
        letters = np.random.default_rng(0).choice(bases, SHAPES[shape])
        np.save(Path(folder) / "letters.npy", letters)
        timings = h.compare(contenders, Path(folder), rounds)
    return h.report(f"dinucleotide shuffle, {shape}", timings, targets={PEER: 2})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="python of an environment with seqpro 0.23 from PyPI")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    parser.add_argument("--draw", choices=["seqpro", "tangermeme"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.draw:
        draws = draw_seqpro() if args.draw == "seqpro" else draw_tangermeme()
        print(json.dumps(Counter(draws)))
        return
    print(f"{DRAWS} shuffles of {SEQUENCE}")
    results = [uniformity("ours", sys.executable, "seqpro")]
    if args.peer:
        results.append(uniformity(PEER, args.peer, "seqpro"))
    results.append(uniformity(TANGERMEME, sys.executable, "tangermeme"))
    results += [speed(shape, args.peer, args.rounds) for shape in SHAPES]
    if args.save:
        print(f"\nsaved {h.save('shuffle', results)}")


if __name__ == "__main__":
    main()
