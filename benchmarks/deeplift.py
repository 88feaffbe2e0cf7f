"""DeepLIFT/SHAP beside tangermeme and captum: processor time and greatest difference, one thread.

Run with ``python benchmarks/deeplift.py [--repeats 3] [--save]``. All sides explain the same
sequences against the same 20 dinucleotide shuffles; turns are taken and medians compared. captum
is wrong behind pooling and gates (see deeplift_deltas.py), which its difference shows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save
from _nets import NETS, random_one_hot

import seqexplainer as se


def main() -> None:
    from importlib.metadata import version

    from captum.attr import DeepLift
    from tangermeme.deep_lift_shap import deep_lift_shap

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    parser.add_argument("nets", nargs="*", default=list(NETS))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"tangermeme {version('tangermeme')}, torch {torch.__version__}, {options.threads} thread"
    )
    rows = []
    for name in options.nets:
        model, length = NETS[name]()
        X = random_one_hot(options.sequences, length)
        references = se.references.dinuc_shuffle(X, n=20, seed=0).float()
        n, k = references.shape[:2]

        def ours(model=model, X=X, references=references):
            return se.attribute(model, X, references=references)

        def peer(model=model, X=X, references=references):
            return deep_lift_shap(model, X, references=references, device="cpu", batch_size=80)

        def paired(model=model, X=X, references=references, n=n, k=k):
            found = DeepLift(model).attribute(
                X.repeat_interleave(k, dim=0).requires_grad_(), references.flatten(0, 1), target=0
            )
            return found.detach().unflatten(0, (n, k)).mean(dim=1).sum(dim=1, keepdim=True)

        sides = {"ours": ours, "tangermeme": peer, "captum": paired}
        made = {side: function().sum(dim=1) for side, function in sides.items()}
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(options.repeats):
            for side, function in sides.items():
                begin = time.process_time()
                function()
                times[side].append(time.process_time() - begin)
        mine = statistics.median(times["ours"])
        for side in ("tangermeme", "captum"):
            theirs = statistics.median(times[side])
            scale = made["tangermeme"].abs().max()
            difference = float((made["ours"] - made[side]).abs().max() / scale)
            rows.append(
                {
                    "net": name,
                    "peer": side,
                    "ours_s": mine,
                    "peer_s": theirs,
                    "ratio": theirs / mine,
                    "largest_relative_difference": difference,
                }
            )
            print(
                f"{name:12s} ours {mine:.3f} s  {side:11s} {theirs:.3f} s  "
                f"ratio {theirs / mine:.2f}  largest relative difference {difference:.1e}"
            )
    if options.save:
        print("written to", save("deeplift", rows, unit="CPU seconds, median, one thread"))


if __name__ == "__main__":
    main()
