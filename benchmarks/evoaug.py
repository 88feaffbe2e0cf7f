"""Augmenting a batch: ours beside EvoAug 1.0.6 and evoaug2 2.0.4, on one thread of the CPU.

Run: python benchmarks/evoaug.py [--evoaug PYTHON] [--evoaug2 PYTHON] [--rounds 9] [--save]

The environments hold ``evoaug==1.0.6`` and ``evoaug2==2.0.4``, which share their import name (set
them up with ``python benchmarks/_peers.py evoaug evoaug2``). All seven augmentations are in the
list, each sequence gets three; or the first three are, and each sequence gets all. Batches are
timed one after the other, as a loop over a loader makes them, and alone with flushed caches, as
the other benchmarks do. First it is shown that the programs change sequences alike: for seeds that
are told, ours gives their bytes (tests/eugene/augment), and here the distributions of what was
changed are compared.
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

CASES = str(Path(__file__).with_name("_evoaug_cases.py"))
SHAPES = {"128 x 249": (128, 249), "32 x 2,114": (32, 2114), "4 x 131,072": (4, 131_072)}
UNIT = "CPU milliseconds, median; one thread; fresh pages; one cold batch: caches flushed"
GOALS = {"EvoAug 1.0.6": 50.0, "evoaug2 2.0.4, its loader": 50.0}


def summary(name: str, folder: Path) -> list[list[float]]:
    """Return figures of each augmented sequence: G and C, AC pairs, places equal to the start."""
    import importlib.util

    import torch

    spec = importlib.util.spec_from_file_location("cases", CASES)
    assert spec is not None
    assert spec.loader is not None
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    run, _ = getattr(cases, name)(folder)
    torch.manual_seed(1)
    np.random.seed(1)
    start = np.load(folder / "codes.npy")
    rows = []
    for _ in range(8):
        given = run()
        found = given if isinstance(given, torch.Tensor) else given[0]
        codes = found.argmax(1).numpy()
        wide = codes[:, : start.shape[1]]
        rows.append(
            [
                np.isin(codes, (1, 2)).mean(1).tolist(),
                ((codes[:, 1:] == 1) & (codes[:, :-1] == 0)).mean(1).tolist(),
                (wide == start[: len(wide)]).mean(1).tolist() if name != "evoaug2" else [],
            ]
        )
    return [[value for row in rows for value in row[i]] for i in range(3)]


def compare_distributions(folder: Path, peers: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Print and return the p-values of two-sample Kolmogorov-Smirnov tests."""
    from scipy.stats import ks_2samp

    results = []
    for label, (python, theirs) in peers.items():
        ours = "ours" if theirs == "evoaug" else "ours_keep"
        found = {}
        for name, program in ((ours, sys.executable), (theirs, python)):
            env = os.environ | h.ONE_THREAD | {"BENCH_NOISE": "0"}
            env["PYTHONPATH"] = str(h.REPO) if program == sys.executable else ""
            command = [program, __file__, "--summary", name, str(folder)]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            found[name] = json.loads(done.stdout.splitlines()[-1])
        names = ("G and C", "AC pairs", "places that stay")
        tests = {
            what: float(ks_2samp(a, b).pvalue)
            for what, a, b in zip(names, found[ours], found[theirs], strict=True)
            if len(b) > 1
        }
        print(f"  {label}: p of equal distributions {tests}")
        results.append({"case": f"distributions, {label}", "p": tests})
    return results


def memory(shape: str) -> dict[str, Any]:
    """Return the peak of memory that augmenting takes, in copies of the batch."""
    n, length = SHAPES[shape]
    code = (
        "import resource, torch\n"
        "from eugene import augment as a\n"
        f"x = torch.nn.functional.one_hot(torch.randint(4, ({n}, {length})), 4).mT.float()\n"
        "x = x.contiguous()\n"
        "f = a.Augmenter([a.Deletion(0, 30), a.Insertion(0, 20), a.Mutation(0.05), a.Noise()])\n"
        "f(x[:1, :, :64])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "f(x)\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print((after - before) * 1024 / x.nbytes)\n"
    )
    env = os.environ | h.ONE_THREAD | h.FRESH_PAGES | {"PYTHONPATH": str(h.REPO)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    copies = float(done.stdout.split()[-1])
    print(f"  {shape}: memory grows by {copies:.2f} copies of the one-hot batch")
    return {"case": f"memory, {shape}", "copies": copies, "target": 3, "met": copies <= 3}


READINGS: dict[str, dict[str, str]] = {
    "three of seven": {},
    "three of six, no noise": {"BENCH_NOISE": "0"},
    "all of three": {"BENCH_LIST": "3"},
}


def against_peers(
    shape: str, folder: Path, peers: dict[str, tuple[str, str]], rounds: int
) -> list[dict[str, Any]]:
    """Time each reading of the list, one cold batch and batch after batch."""
    results = []
    main = shape == "128 x 249"
    for reading, env in list(READINGS.items())[: None if main else 1]:
        contenders = [
            h.Contender("ours", f"{CASES}:ours", env=env),
            h.Contender("ours, length kept", f"{CASES}:ours_keep", env=env),
            h.Contender("ours, from letters", f"{CASES}:ours_letters", env=env),
        ]
        contenders += [
            h.Contender(label, f"{CASES}:{case}", python, env)
            for label, (python, case) in peers.items()
        ]
        timings = h.compare_each(contenders, folder, ["loop 30", "time"], rounds)
        for what, found in zip(("batch after batch", "one cold batch"), timings, strict=True):
            case = f"augment {shape}, {reading}, {what}"
            results.append(h.report(case, found, targets=GOALS if main else {}))
    return results


def share_of_a_step(folder: Path, rounds: int) -> dict[str, Any]:
    """Return how much of a training step of DeepSTARR augmenting its batch takes."""
    contenders = [
        h.Contender("ours, length kept", f"{CASES}:ours_keep"),
        h.Contender("step", f"{CASES}:deepstarr_step"),
    ]
    ours, step = h.compare(contenders, folder, rounds)
    share = ours.median / step.median
    print(
        f"\n  DeepSTARR's training step {1e3 * step.median:.1f} ms, augmenting its batch "
        f"{1e3 * ours.median:.2f} ms: {100 * share:.2f} % (target 5 %)"
    )
    return {
        "case": "share of a DeepSTARR training step, 128 x 249",
        "ours_ms": 1e3 * ours.median,
        "step_ms": 1e3 * step.median,
        "share": share,
        "target": 0.05,
        "met": share <= 0.05,
    }


def with_others(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return results behind those of other cases that were saved before."""
    path = h.REPO / "benchmarks" / "results" / "evoaug.json"
    cases = {result["case"] for result in results}
    saved = json.loads(path.read_text())["results"] if path.exists() else []
    return [result for result in saved if result["case"] not in cases] + results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evoaug", help="python of an environment with evoaug 1.0.6")
    parser.add_argument("--evoaug2", help="python of an environment with evoaug2 2.0.4")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    parser.add_argument("--summary", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.summary:
        print(json.dumps(summary(args.summary[0], Path(args.summary[1]))))
        return
    import _peers  # what reads genomes is not in the peers' environments

    found = {
        "EvoAug 1.0.6": (args.evoaug or _peers.python_of("evoaug"), "evoaug"),
        "evoaug2 2.0.4, its loader": (args.evoaug2 or _peers.python_of("evoaug2"), "evoaug2"),
    }
    peers = {label: (str(python), name) for label, (python, name) in found.items() if python}
    results: list[dict[str, Any]] = []
    for shape in args.shapes:
        n, length = SHAPES[shape]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            codes = np.random.default_rng(0).integers(0, 4, (n, length), dtype=np.uint8)
            np.save(folder / "codes.npy", codes)
            if shape == "128 x 249":
                results += compare_distributions(folder, peers)
            results += against_peers(shape, folder, peers, args.rounds)
            if shape == "128 x 249":
                results.append(share_of_a_step(folder, args.rounds))
            results.append(memory(shape))
        if args.save:  # shape by shape; what was measured of others stays
            print(f"\nsaved {h.save('evoaug', with_others(results), unit=UNIT)}")


if __name__ == "__main__":
    main()
