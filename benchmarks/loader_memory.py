"""The loader in memory beside NumPy fancy indexing and torch's DataLoader.

Run: python benchmarks/loader_memory.py [--rounds 7] [--save]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import _harness as h
import numpy as np

CASES = str(Path(__file__).with_name("_loader_cases.py"))
SHAPES = {"100,000 x 249 bp": (100_000, 249), "20,000 x 2,114 bp": (20_000, 2114)}
PLAIN = {
    "NumPy fancy index": ("numpy_index", 1 / 1.5),
    "torch tensor index": ("torch_index", None),
    "torch DataLoader, default collate": ("torch_default", None),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    results = []
    for name, (n, length) in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            rng = np.random.default_rng(0)
            np.save(f"{folder}/seq.npy", rng.choice(np.frombuffer(b"ACGT", np.uint8), (n, length)))
            np.save(f"{folder}/row.npy", np.arange(n))
            contenders = [h.Contender("seqdata loader", f"{CASES}:ours")]
            contenders += [h.Contender(k, f"{CASES}:{v[0]}") for k, v in PLAIN.items()]
            timings = h.compare(contenders, Path(folder), args.rounds)
            goals = {k: v[1] for k, v in PLAIN.items() if v[1] is not None}
            results.append(h.report(f"epoch, {name}", timings, targets=goals))
            contenders = [
                h.Contender("seqdata loader", f"{CASES}:ours_augmented"),
                h.Contender("NumPy", f"{CASES}:numpy_augmented"),
            ]
            timings = h.compare(contenders, Path(folder), args.rounds)
            results.append(
                h.report(f"epoch with jitter and strands, {name}", timings, targets={"NumPy": 1})
            )
    if args.save:
        print(h.save("loader_memory", results))


if __name__ == "__main__":
    main()
