"""What else windows serve: each experiment with ``engine="window"`` beside ``engine="plain"``.

Run with ``python benchmarks/incremental.py [--net DeepSTARR] [--repeats 3] [--save] [cases]``.
Seconds of processor, one thread, in turns; ratio of medians, largest difference relative to the
largest result.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save
from _nets import NETS, random_one_hot

import seqexplainer as se

Case = Callable[[torch.nn.Module, torch.Tensor, str], np.ndarray]
LETTERS = np.frombuffer(b"ACGT", dtype="S1")


def variants(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """One variant a window: windows cannot help, and "auto" takes the plain way."""
    ref = LETTERS[X[:32].argmax(dim=1).numpy()]
    alt = ref.copy()
    middle = ref.shape[1] // 2
    alt[:, middle] = np.where(ref[:, middle] == b"A", b"G", b"A")
    return se.variant_effects(model, ref, alt, engine=engine, scores="difference").to_numpy()


def locus(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """Every third position of one window."""
    window = LETTERS[X[0].argmax(dim=0).numpy()]
    alt = np.stack([window] * (len(window) // 3))
    for i, row in enumerate(alt):
        row[3 * i] = b"C" if row[3 * i] != b"C" else b"T"
    ref = np.broadcast_to(window, alt.shape).copy()
    return se.variant_effects(model, ref, alt, engine=engine, scores="difference").to_numpy()


def epistasis(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """All pairs of 24 point mutations in 2 sequences."""
    edits = [("ACGT"[i % 4], X.shape[2] // 25 * (i + 1)) for i in range(24)]
    found = se.epistasis(model, X[:2], edits, engine=engine, n_resamples=10)
    return np.concatenate([found.single.ravel(), np.nan_to_num(found.interaction).ravel()])


def ablation(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """Spans of 8 bp, 10 shuffles each."""
    spans = [(start, start + 8) for start in range(0, X.shape[2] - 8, 16)]
    return se.ablate(model, X[:4], spans, n=10, engine=engine, n_resamples=10).effect


def importance(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """A motif at every fourth position."""
    options = {"stride": 4, "engine": engine, "n_resamples": 10}
    return se.positional_importance(model, X[:4], "TGACTCA", **options).effect


def evolution(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """Three greedy rounds of two sequences."""
    return se.evolve(model, X[:2], rounds=3, engine=engine).scores


def subsets(model: torch.nn.Module, X: torch.Tensor, engine: str) -> np.ndarray:
    """The order of masking of the sequence that stands out most; the values of its first half."""
    outputs = se.predict(model, X)[:, 0]
    nothing = se.predict(model, torch.full_like(X[:1], 0.25))[0, 0]
    best = int(outputs.argmax())
    options = {"threshold": float(outputs[best] + nothing) / 2, "max_subsets": 1}
    found = se.sufficient_input_subsets(model, X[best : best + 1], engine=engine, **options)
    return found.subsets[0][0].values[: X.shape[2] // 2]


CASES: dict[str, Case] = {
    "variants": variants,
    "locus": locus,
    "epistasis": epistasis,
    "ablation": ablation,
    "importance": importance,
    "evolution": evolution,
    "subsets": subsets,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=list(NETS), default="DeepSTARR")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, length = NETS[options.net]()
    X = random_one_hot(32, length)
    print(f"{options.net}: seconds of processor, median of {options.repeats}")
    results = []
    for name in options.cases:
        times: dict[str, list[float]] = {"window": [], "plain": []}
        found = {}
        for _ in range(options.repeats):
            for engine, spent in times.items():
                begin = time.process_time()
                found[engine] = CASES[name](model, X, engine)
                spent.append(time.process_time() - begin)
        window, plain = (statistics.median(spent) for spent in times.values())
        gap = np.abs(found["window"] - found["plain"]).max() / np.abs(found["plain"]).max()
        print(
            f"{name:12s} plain {plain:8.3f}  window {window:8.3f}  ratio {plain / window:6.2f}",
            end="",
        )
        print(f"  max relative difference {gap:.1e}", flush=True)
        results.append(
            {"case": name, "net": options.net, "plain_s": plain, "window_s": window}
            | {"ratio": plain / window, "max_relative_difference": float(gap)}
        )
    if options.save:
        print(save("incremental", results))


if __name__ == "__main__":
    main()
