"""A step of profile training: our fit beside a loop written by hand and beside bpnet-lite 1.1.

Run with ``python benchmarks/profile_step.py [--rounds 9] [--peer PYTHON] [--save]``, where PYTHON
is that of an environment with bpnet-lite (``python benchmarks/_peers.py bpnetlite`` makes it).
BPNet of 64 filters and 8 layers, windows of 2,114 bp, profiles of 1,000 bp, batches of 16, Adam,
gradients clipped to 1, f32. All begin with the same weights and see the same batches; before
anything is timed, their weights after the first steps are compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import _harness as h
import _peers
import numpy as np
from _profile_cases import BATCH, OUTPUT, WINDOW, make_weights
from train_step import KEPT_PAGES

CASES = str(Path(__file__).with_name("_profile_cases.py"))
ROWS = 4096


def make_inputs(folder: Path) -> None:
    """Write letters, counts and weights."""
    rng = np.random.default_rng(0)
    np.save(folder / "letters.npy", rng.choice(np.frombuffer(b"ACGT", np.uint8), (ROWS, WINDOW)))
    rates = rng.gamma(0.3, 1.0, (ROWS, 1, OUTPUT))
    np.save(folder / "counts.npy", rng.poisson(rates).astype(np.float32))
    np.savez(folder / "weights.npz", **make_weights())


def moved(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return how far a contender moved the weights in its first steps."""
    start, end = np.load(folder / "weights.npz"), np.load(folder / f"after_{name}.npz")
    return {key: end[key] - start[key] for key in start}


def apart(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> float:
    """Return the difference of two ways beside their length."""
    gap = sum(float(((one[k] - two[k]) ** 2).sum()) for k in one)
    return float(np.sqrt(gap / sum(float((v**2).sum()) for v in one.values())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--peer", type=Path, default=None)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    peer = args.peer or _peers.python_of("bpnetlite")
    plan = {
        "our fit, fast path": ("fit_fast", None),
        "our fit, plain path": ("fit_plain", None),
        "loop by hand": ("loop", None),
        "our fit, fast path, bf16-mixed": ("fit_bf16", None),
    }
    if peer is not None:
        plan["bpnet-lite 1.1"] = ("bpnetlite", 1.5)
    env = {"BENCH_STEPS": str(args.steps)} | KEPT_PAGES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder)
        contenders = [
            h.Contender(
                label, f"{CASES}:{case}", str(peer) if case == "bpnetlite" else sys.executable, env
            )
            for label, (case, _) in plan.items()
        ]
        timings = h.compare(contenders, folder, args.rounds)
        goals = {label: goal for label, (_, goal) in plan.items() if goal is not None}
        result = h.report(f"{args.steps} step of {BATCH} windows", timings, targets=goals)
        ours = moved(folder, "fit_plain")
        gaps = {k: apart(ours, moved(folder, case)) for k, (case, _) in plan.items()}
    for label, gap in gaps.items():
        print(f"  {label:<34} moves the weights as the plain path does, but for {gap:.1e}")
    by_name = {t.label: t.median for t in timings}
    ratio = by_name["our fit, plain path"] / by_name["loop by hand"]
    print(f"  our fit, plain path / loop by hand: {ratio:.3f} (target 1.03)")
    samples = {k: round(BATCH * args.steps / v, 1) for k, v in by_name.items()}
    result |= {"moves_apart": gaps, "fit_over_loop": ratio, "samples_per_cpu_second": samples}
    if args.save:
        print(h.save("profile_step", [result]))


if __name__ == "__main__":
    main()
