"""DeepLIFT/SHAP beside tangermeme: processor time and greatest difference, one thread.

Run with ``python benchmarks/deeplift.py [--repeats 3]``. Both sides explain the same sequences
against the same 20 dinucleotide shuffles; the order alternates and medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _nets import NETS, random_one_hot

import seqexplainer as se


def main() -> None:
    from importlib.metadata import version

    from tangermeme.deep_lift_shap import deep_lift_shap

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("nets", nargs="*", default=list(NETS))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"tangermeme {version('tangermeme')}, torch {torch.__version__}, {options.threads} thread"
    )
    print(f"{'net':12s} {'ours s':>9s} {'peer s':>9s} {'ratio':>6s} {'max rel. diff.':>15s}")
    for name in options.nets:
        model, length = NETS[name]()
        X = random_one_hot(options.sequences, length)
        references = se.references.dinuc_shuffle(X, n=20, seed=0).float()

        def ours(model=model, X=X, references=references):
            return se.attribute(model, X, references=references, hypothetical=True)

        def peer(model=model, X=X, references=references):
            return deep_lift_shap(
                model, X, references=references, hypothetical=True, device="cpu", batch_size=80
            )

        a, b = ours(), peer()
        difference = float((a - b).abs().max() / b.abs().max())
        times: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(options.repeats):
            for side, function in (("ours", ours), ("peer", peer)):
                begin = time.process_time()
                function()
                times[side].append(time.process_time() - begin)
        mine, theirs = (statistics.median(times[side]) for side in ("ours", "peer"))
        print(f"{name:12s} {mine:9.3f} {theirs:9.3f} {theirs / mine:6.2f} {difference:15.1e}")


if __name__ == "__main__":
    main()
