"""Building a data set (sequence and four profiles) beside SeqData 0.2.2 and GenVarLoader 0.43.

GenVarLoader stores intervals and no sequence: it reads letters from the genome while it iterates.

Run: python benchmarks/seqdata_build.py [--quick] [--rounds 3] [--save]
(peers: python benchmarks/_peers.py seqdata gvl)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import _genome_inputs
import _harness as h
import _peers
from _store_cases import size

CASES = str(Path(__file__).with_name("_store_cases.py"))
OURS = ("seqdata.from_region_files", "build_ours", "own")
SEQDATA = ("SeqData 0.2.2", "build_seqdata", "seqdata")
GVL = ("GenVarLoader 0.43", "build_gvl", "gvl")
STORES = {OURS[0]: "ours.zarr", SEQDATA[0]: "seqdata.zarr", GVL[0]: "gvl"}
TARGETS = {SEQDATA[0]: 5, GVL[0]: 1.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    folder = _genome_inputs.inputs(quick=args.quick)
    results = []
    for bed in ("regions", "shuffled"):
        with tempfile.TemporaryDirectory() as stores:
            env = {"BENCH_STORES": stores, "BENCH_BED": bed, "GVL_NUM_THREADS": "1"}
            contenders = _peers.contenders(CASES, [OURS, SEQDATA, GVL], env)
            timings = h.compare(contenders, folder, args.rounds)
            order = "sorted" if bed == "regions" else "shuffled"
            case = f"build, {'1' if args.quick else '20'},000 regions x 2,114 bp x 4, {order}"
            result = h.report(case, timings, targets=TARGETS)
            sizes = {t.label: size(Path(stores) / STORES[t.label]) / 1e6 for t in timings}
        result["megabytes"] = sizes
        print("  on disk: " + ", ".join(f"{label} {mb:.1f} MB" for label, mb in sizes.items()))
        results.append(result)
    if args.save:
        print(f"\nsaved {h.save('seqdata_build', results)}")


if __name__ == "__main__":
    main()
