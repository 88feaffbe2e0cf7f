"""Consistency of attribution maps beside the loops of the ACME study's program.

3,968 maps of 2,048 bp, as in the paper. The peer is `tests/seqexplainer/plain_acme.py`: the
original (github.com/crajesh6/acme) has no release, so its loops are followed in words of our own: a
Python step for each sequence, block, k-mer and letter, and for each point three times. Results
are compared first. K-mers of whole sequences, which the original counts once for all models and
ours counts at each call, are left out of the peer's time; with them it is timed on fewer maps. The
last lines are peak memory above the loaded arrays, on a sixteenth of the maps and on all.

Run: python benchmarks/acme.py [--maps 3968] [--rounds 3] [--save]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import _harness as h
import numpy as np

CASES = str(Path(__file__).with_name("_acme_cases.py"))
LENGTH, SHARE = 2048, 16
PLAIN = "plain loops, as acme"
PRIOR = "plain loops with the prior, as acme"


def write(folder: Path, n: int) -> Path:
    """Write maps with a motif in each, their sequences and the shares of all k-mers."""
    import seqpro as sp

    folder.mkdir()
    rng = np.random.default_rng(0)
    attr = rng.normal(size=(n, 4, LENGTH)) * rng.gamma(2.0, 0.5, size=(n, 1, LENGTH))
    letters = sp.random_seqs((n, LENGTH), sp.DNA, seed=0)
    for row, at in enumerate(rng.integers(0, LENGTH - 8, n)):
        letters[row, at : at + 8] = np.frombuffer(b"CACGTGAC", "S1")
        attr[row, :, at : at + 8] += 3 * rng.normal(size=(4, 8))
    np.save(folder / "attr.npy", attr)
    np.save(folder / "X.npy", sp.ohe(letters, sp.DNA, ohe_axis=-2))
    np.save(folder / "prior.npy", sp.kmer_spectrum(letters, 6))
    return folder


def peak(case: str, folder: Path) -> float:
    """Return the peak of memory that a case takes beside its inputs (MiB)."""
    code = (
        "import sys, tracemalloc\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(CASES).parent)!r})\n"
        f"import _acme_cases as cases\nrun, _ = cases.{case}(Path({str(folder)!r}))\n"
        "run() if 'ours' in sys.argv[1] else None\n"  # compiled code is loaded once
        "tracemalloc.start()\nrun()\nprint(tracemalloc.get_traced_memory()[1] / 2**20)\n"
    )
    env = os.environ | h.ONE_THREAD | {"PYTHONPATH": str(h.REPO)}
    done = subprocess.run(
        [sys.executable, "-c", code, case], env=env, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=3968)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = write(Path(scratch) / "whole", args.maps)
        few = write(Path(scratch) / "few", max(1, args.maps // SHARE))
        for name, folder, label, ours, peer, target in (
            ("k-attr-mean", whole, PLAIN, "ours_angles", "plain_angles", 50),
            ("k-mer, k=6", whole, PLAIN, "ours_kmers", "plain_kmers", 20),
            ("k-mer, k=6", few, PRIOR, "ours_kmers", "plain_kmers_prior", 20),
        ):
            n = len(np.load(folder / "attr.npy", mmap_mode="r"))
            contenders = [h.Contender("ours", f"{CASES}:{ours}")]
            contenders.append(h.Contender(label, f"{CASES}:{peer}"))
            timings = h.compare(contenders, folder, args.rounds)
            case = f"{name}, {n:,} x {LENGTH:,}"
            results.append(h.report(case, timings, targets={label: target}))
        memory = {
            f"{case}, {folder.name}": peak(case, folder)
            for case, folder in (
                ("ours_angles", few),
                ("ours_angles", whole),
                ("ours_kmers", few),
                ("ours_kmers", whole),
                ("plain_angles", few),
                ("plain_kmers", few),
            )
        }
    print("\npeak memory above the loaded arrays (MiB)")
    for name, value in memory.items():
        print(f"  {name:<34}{value:>10.0f}")
    results.append({"case": "peak memory above the loaded arrays, MiB", **memory})
    if args.save:
        print(f"\nsaved {h.save('acme', results)}")
        print(json.dumps(memory))


if __name__ == "__main__":
    main()
