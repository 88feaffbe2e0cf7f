"""seqpro beside PyPI seqpro 0.23, tangermeme 1.6, NumPy and a plain copy of the same bytes.

Run: python benchmarks/seqpro_core.py --peer /path/to/venv/bin/python [--cases ohe,decode] [--save]
where the peer environment has seqpro==0.23.0 from PyPI.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import _harness as h
import numpy as np

CASES = str(Path(__file__).with_name("_seqpro_cases.py"))
SHAPES = {"1e4 x 2114": (10_000, 2114), "1e5 x 249": (100_000, 249)}
PEER = "seqpro 0.23"

# case: our function, {label: (function, which python, smallest peer / ours)}
PLAN = {
    "ohe": (
        "ohe",
        {
            PEER: ("ohe", "peer", 10),
            "copy": ("ohe_copy", "own", 1 / 1.3),
            "numpy table": ("ohe_numpy_lut", "own", None),
        },
    ),
    "ohe of a list of str": (
        "ohe_list",
        {
            PEER: ("ohe_list_seqpro_cast", "peer", 1),
            "tangermeme one_hot_encode": ("ohe_list_tangermeme", "own", 1),
        },
    ),
    "decode": ("decode", {PEER: ("decode", "peer", 20), "copy": ("decode_copy", "own", None)}),
    "reverse complement, bytes": (
        "rc_bytes",
        {
            PEER: ("rc_bytes", "peer", 3),
            "bytes.translate": ("rc_bytes_translate", "own", None),
            "copy": ("decode_copy", "own", None),
        },
    ),
    "reverse complement, one-hot": (
        "rc_one_hot",
        {
            f"{PEER}, .copy()": ("rc_one_hot_with_copy", "peer", 3),
            "copy": ("ohe_copy", "own", None),
        },
    ),
    "6-mers": ("kmers", {"tangermeme kmers": ("kmers_tangermeme", "own", 20)}),
    "dinucleotide shuffle": (
        "shuffle",
        {
            PEER: ("shuffle", "peer", 2),
            "tangermeme dinucleotide_shuffle": ("shuffle_tangermeme", "own", None),
        },
    ),
    "jitter": (
        "jitter",
        {PEER: ("jitter", "peer", None), "copy": ("jitter_copy", "own", 1 / 1.3)},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="python of an environment with seqpro 0.23 from PyPI")
    parser.add_argument("--cases", help="part of the cases, separated by semicolons", default="")
    parser.add_argument("--shapes", help="comma-separated part of the shapes", default="")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    wanted = [c for c in args.cases.split(";") if c]
    shapes = [s for s in args.shapes.split(",") if s] or list(SHAPES)
    results = []
    for shape in shapes:
        with tempfile.TemporaryDirectory() as folder:
            letters = np.random.default_rng(0).choice(
                np.frombuffer(b"ACGT", np.uint8), SHAPES[shape]
            )
            np.save(Path(folder) / "letters.npy", letters)
            for case, (ours, peers) in PLAN.items():
                if wanted and case not in wanted:
                    continue
                if case == "6-mers" and shape != "1e4 x 2114":
                    continue
                contenders = [h.Contender("ours", f"{CASES}:{ours}")]
                targets = {}
                for label, (function, where, target) in peers.items():
                    if where == "peer" and not args.peer:
                        continue
                    extra = {"python": args.peer} if where == "peer" else {}
                    contenders.append(h.Contender(label, f"{CASES}:{function}", **extra))
                    if target is not None:
                        targets[label] = target
                timings = h.compare(contenders, Path(folder), args.rounds)
                results.append(h.report(f"{case}, {shape}", timings, targets=targets))
    if args.save:
        print(f"\nsaved {h.save('seqpro_core', results)}")


if __name__ == "__main__":
    main()
