"""Saturation mutagenesis: windows beside the plain way and tangermeme, one thread.

Run with ``python benchmarks/ism.py [--repeats 5] [--cold 3] [--save] [nets]``. "Plain" is 3L
substitutions in float32, the best of batches of 32, 128 and 512. "Steady" calls repeat on one
sequence, in turns with tangermeme's, which reuses its captured graph; ours includes the check
against the plain way in every call. The bound is plain's multiplications over those of computing
windows anew; ours multiplies differences, which are narrower, so it may pass the bound: "fewer" is
plain's multiplications over those that were made. "Cold" is the first call in a process of its own
after imports, as a ratio to the best plain call in such processes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save
from _nets import NETS, random_one_hot

import seqexplainer as se

BOUND = {"DeepSTARR": 13.1, "Basset": 10.1, "BPNet": 4.6}
SIZES = (32, 128, 512)


class Multiplications(TorchDispatchMode):
    """Counts the multiplications of matrix products and convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in ("mm", "addmm", "addmm_"):
            left, right = args[-2:]
            self.count += left.numel() * right.shape[1]
        elif name == "convolution":
            self.count += result.numel() * args[1][0].numel()
        return result


def seconds(function: Callable[[], object]) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin


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


def run(name: str, engine: str, batch_size: int = 128) -> Callable[[], torch.Tensor]:
    model, length = NETS[name]()
    X = random_one_hot(1, length)
    mutate = se.saturation_mutagenesis  # imported now, since the package is lazy
    return lambda: mutate(model, X, engine=engine, batch_size=batch_size)


def cold(name: str, engine: str, batch_size: int = 128) -> float:
    """Return the seconds of the first call in a process of its own."""
    command = [sys.executable, __file__, "--one", name, engine, str(batch_size)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(answer.stdout)


def measure(name: str, repeats: int, n_cold: int, *, peer: bool) -> dict[str, float]:
    ours = run(name, "window")
    plain = [run(name, "plain", size) for size in SIZES]
    reference = plain[0]()
    row = {"max_difference": float((ours() - reference).abs().max())}
    row["max_effect"] = float(reference.abs().max())
    counts = []
    for function in (ours, plain[0]):
        with Multiplications() as made:
            function()
        counts.append(made.count)
    row["fewer"] = counts[1] / counts[0]
    sides = {"ours": ours}
    if peer:
        model, length = NETS[name]()
        sides["tangermeme"] = peer_steady(model, random_one_hot(1, length).to(torch.int8))
        sides["tangermeme"]()
    times: dict[str, list[float]] = {side: [] for side in (*sides, "plain")}
    for i in range(repeats):
        for side, function in sides.items():
            times[side].append(seconds(function))
        if i < 2:
            times["plain"].append(min(seconds(function) for function in plain))
    row.update({f"{side}_s": statistics.median(spent) for side, spent in times.items()})
    row["steady"] = row["plain_s"] / row["ours_s"]
    row["of_bound"] = row["steady"] / BOUND[name]
    if peer:
        row["peer"] = row["plain_s"] / row["tangermeme_s"]
        row["to_peer"] = row["tangermeme_s"] / row["ours_s"]
    if n_cold:
        firsts = [cold(name, "auto") for _ in range(n_cold)]
        plains = [cold(name, "plain", size) for size in SIZES for _ in range(n_cold)]
        row["cold"] = min(plains) / statistics.median(firsts)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold", type=int, default=3, help="cold processes; 0 for none")
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("nets", nargs="*", default=list(NETS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.one:
        name, engine, size = options.one
        print(seconds(run(name, engine, int(size))))
        return
    columns = ("plain_s", "steady", "peer", "to_peer", "of_bound", "fewer", "cold")
    print(f"{'net':10s}", *(f"{c:>9s}" for c in columns), f"{'max diff':>9s}")
    results = []
    for name in options.nets:
        row = measure(name, options.repeats, options.cold, peer=options.peer)
        values = (f"{row.get(c, float('nan')):9.2f}" for c in columns)
        print(f"{name:10s}", *values, f"{row['max_difference']:9.1e}", flush=True)
        results.append({"case": name, "bound": BOUND[name], **row})
    if options.save:
        print(save("ism", results))


if __name__ == "__main__":
    main()
