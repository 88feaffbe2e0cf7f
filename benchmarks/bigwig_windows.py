"""Windows of four BigWigs beside pyBigWig, pybigtools and figwig, one thread each.

Run: python benchmarks/bigwig_windows.py [--quick] [--rounds 5] [--save]
(peers: python benchmarks/_peers.py tools)

Unpacking takes most of the time, so what unpacks counts: pybigtools brings libdeflate, figwig and
we take zlib, and ISA-L where python-isal is installed (our extra ``fast``).
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import _genome_inputs
import _harness as h
import _peers

CASES = str(Path(__file__).with_name("_window_cases.py"))
# label, function, environment
OURS = ("seqdata.BigWig", "bigwig_ours", "own")
FIGWIG = ("figwig 0.2", "bigwig_figwig", "tools")
PEERS = [
    FIGWIG,
    ("pybigtools 0.3, a loop", "bigwig_pybigtools", "tools"),
    ("pyBigWig, a loop", "bigwig_pybigwig", "tools"),
]
TARGETS = {FIGWIG[0]: 1 / 1.1, PEERS[1][0]: 2.5, PEERS[2][0]: 15}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    folder = _genome_inputs.inputs(quick=args.quick)
    results = []
    # loops cost the same in any order and step, so they run in the first case only
    for order, step, plan in (
        ("sorted", 0, [OURS, *PEERS]),
        ("shuffled", 0, [OURS, FIGWIG]),
        ("shuffled", 1024, [OURS, FIGWIG]),
    ):
        env = {"BENCH_ORDER": order, "BENCH_STEP": str(step)}
        timings = h.compare(_peers.contenders(CASES, plan, env), folder, args.rounds)
        asked = f", asked for {step} at a time" if step else ""
        unpacker = "ISA-L" if importlib.util.find_spec("isal") else "zlib"
        case = (
            f"{unpacker}; 4 BigWigs, {'1' if args.quick else '20'},000 x 2,114 bp, {order}{asked}"
        )
        results.append(h.report(case, timings, targets=TARGETS))
    if args.save:
        print(f"\nsaved {h.save('bigwig_windows', results)}")


if __name__ == "__main__":
    main()
