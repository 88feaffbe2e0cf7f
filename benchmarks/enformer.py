"""Enformer beside enformer-pytorch 0.8.12, and the memory of a step of the whole trunk.

Run with ``python benchmarks/enformer.py [--rounds 5] [--peer PYTHON] [--save]``, where PYTHON is
that of an environment with enformer-pytorch (``python benchmarks/_peers.py enformer`` makes it).
384 channels, four blocks of attention, one sequence of 12,800 bp, f32, dropouts of 0; our network
is filled with the peer's weights by `load_enformer_weights`, and what both give is compared.
``--memory`` measures the largest resident size of a forward and backward pass of the trunk of
230 million parameters at 25,600 bp in a process of its own instead, with and without recomputing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import _harness as h
import _peers
import numpy as np
from _enformer_cases import BATCH, CHANNELS, LENGTH, TRACKS
from train_step import KEPT_PAGES

CASES = str(Path(__file__).with_name("_enformer_cases.py"))
# case -> (smallest acceptable peer / ours, largest acceptable difference beside the largest value)
PARTS = {
    "step": (1.0, 1e-3),
    "predict": (1.0, 1e-4),
    "attention": (1.0, 1e-4),
    "pooling": (1.0, 1e-4),
}
ALLOWED_GIB = 24.0
MEMORY = """
import json, resource, time, torch
from eugene.models import zoo
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
torch.manual_seed(0)
net = zoo.Enformer(25_600, {tracks}, trunk_kwargs={{"recompute": {recompute}}}).train()
parameters = sum(p.numel() for p in net.trunk.parameters())
x = torch.nn.functional.one_hot(torch.randint(4, (1, 25_600)), 4).float().transpose(1, 2)
before, start = peak(), time.perf_counter()
out = net(x)
forward = time.perf_counter() - start
torch.nn.functional.softplus(out).mean().backward()
whole = time.perf_counter() - start
assert all(p.grad is not None for p in net.parameters())
print(json.dumps(dict(parameters=parameters, network_gib=before, peak_gib=peak(),
                      forward_s=forward, step_s=whole)))
"""


def make_inputs(folder: Path) -> None:
    """Write one-hot sequences and counts."""
    rng = np.random.default_rng(0)
    letters = rng.integers(4, size=(BATCH, LENGTH))
    np.save(folder / "one_hot.npy", np.eye(4, dtype=np.float32)[letters].swapaxes(1, 2).copy())
    counts = rng.poisson(2.0, (BATCH, LENGTH // 128, TRACKS))
    np.save(folder / "target.npy", counts.astype(np.float32))


def apart(folder: Path, case: str) -> float:
    """Return the largest difference of what both gave, beside the largest value."""
    ours, peer = (np.load(folder / f"{who}_{case}.npy") for who in ("ours", "peer"))
    return float(np.abs(ours - peer).max() / np.abs(peer).max())


def memory() -> list[dict[str, Any]]:
    """Measure a step of the whole trunk, each way in a process of its own."""
    results = []
    for recompute in (True, False):
        code = MEMORY.format(tracks=8, recompute=recompute)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode:
            print(done.stderr[-2000:])
            results.append({"case": "memory", "recompute": recompute, "failed": done.returncode})
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        met = found["peak_gib"] <= ALLOWED_GIB
        aim = {"target_gib": ALLOWED_GIB, "met": met}
        results.append({"case": "memory", "recompute": recompute, **found, **aim})
        print(
            f"{found['parameters']:,} parameters, 25,600 bp, recompute={recompute}: "
            f"{found['peak_gib']:.2f} GiB at most ({found['network_gib']:.2f} before), "
            f"{found['step_s']:.1f} s{'' if met else '  MISSED'}"
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", type=Path, default=None)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    if args.memory:
        results = memory()
        if args.save:
            unit = "GiB, largest resident size of a process; seconds, wall"
            print(h.save("enformer_memory", results, unit=unit))
        return
    peer = args.peer or _peers.python_of("enformer")
    if peer is None:
        return
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder)
        writer = h.Worker(h.Contender("weights", f"{CASES}:weights", str(peer)), folder)
        writer.ask("digest")
        writer.close()
        for case, (target, allowed) in PARTS.items():
            label = "enformer-pytorch 0.8.12"
            contenders = [
                h.Contender("eugene", f"{CASES}:ours_{case}", env=KEPT_PAGES),
                h.Contender(label, f"{CASES}:peer_{case}", str(peer), KEPT_PAGES),
            ]
            timings = h.compare(contenders, folder, args.rounds)
            row = h.report(f"{case}, {CHANNELS} channels", timings, targets={label: target})
            row["difference"] = apart(folder, case)
            same = "the same" if row["difference"] <= allowed else "NOT THE SAME"
            print(f"  difference {row['difference']:.1e} of the largest value: {same}")
            results.append(row)
    if args.save:
        print(h.save("enformer", results))


if __name__ == "__main__":
    main()
