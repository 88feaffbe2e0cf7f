"""Saturation mutagenesis: windows beside the plain way and tangermeme, one thread.

Run with ``python benchmarks/ism.py [--repeats 3] [nets]``. "Plain" is 3L substitutions in float32,
the best of batches of 32, 128 and 512; "steady" calls repeat on one sequence after a first call;
tangermeme's steady state reuses its captured graph. The bound is plain's multiplications over
those of the windows alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _nets import NETS, random_one_hot

import seqexplainer as se

BOUND = {"DeepSTARR": 13.1, "Basset": 10.1, "BPNet": 4.6}


def seconds(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def peer_steady(model: torch.nn.Module, X: torch.Tensor) -> Callable[[], object]:
    """Return tangermeme's windows on a graph that it has captured beforehand."""
    from tangermeme._fastism import _FastISM
    from tangermeme.saturation_mutagenesis import _single_edits

    length = X.shape[2]
    cpu = torch.device("cpu")
    with torch.no_grad():
        captured = _FastISM(model, X, None, 0, length, cpu, torch.float32, False)
    _, letters, positions = _single_edits(X[0], 0, length)

    def run() -> object:
        with torch.no_grad():
            return captured.predict_edits(0, letters, positions, 128)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("nets", nargs="*", default=list(NETS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'net':10s} {'plain s':>8s} {'first x':>8s} {'steady x':>8s} {'bound x':>8s} ", end="")
    print(f"{'of bound':>8s} {'peer x':>7s} {'max diff':>9s}")
    for name in options.nets:
        model, length = NETS[name]()
        X = random_one_hot(1, length)

        def run(engine: str, batch_size: int = 128, model=model, X=X) -> torch.Tensor:
            return se.saturation_mutagenesis(model, X, engine=engine, batch_size=batch_size)

        first = seconds(lambda: run("window"), 1)
        steady = seconds(lambda: run("window"), options.repeats)
        plain = min(seconds(lambda size=size: run("plain", size), 1) for size in (32, 128, 512))
        difference = float((run("window") - run("plain")).abs().max())
        ratio = plain / steady
        print(f"{name:10s} {plain:8.3f} {plain / first:8.2f} {ratio:8.2f} ", end="")
        print(f"{BOUND[name]:8.1f} {ratio / BOUND[name]:8.0%} ", end="", flush=True)
        peer = float("nan")
        if options.peer:
            steady_peer = peer_steady(model, X.to(torch.int8))
            steady_peer()
            peer = plain / seconds(steady_peer, options.repeats)
        print(f"{peer:7.2f} {difference:9.1e}", flush=True)


if __name__ == "__main__":
    main()
