"""One epoch of shuffled batches (letters and four profiles) beside SeqData, GenVarLoader and zarr.

First every contender shows, by a sum over rows, that each row comes exactly once; SeqData 0.2.2's
loader from disk does not (it reads the same chunks again and again), so its digest differs; that
of GenVarLoader's buffered loader differs since rows get other rows' profiles.

Run: python benchmarks/seqdata_epoch.py [--quick] [--rounds 5] [--save]
(peers: python benchmarks/_peers.py seqdata gvl)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import _genome_inputs
import _harness as h
import _peers

CASES = str(Path(__file__).with_name("_store_cases.py"))
# the stores that the epochs read
BUILDS = [
    ("ours", "build_ours", "own"),
    ("SeqData 0.2.2", "build_seqdata", "seqdata"),
    ("GenVarLoader 0.43", "build_gvl", "gvl"),
]
# case, (label, function, environment) of ours and its peers, smallest peer / ours
GVL = ("GenVarLoader 0.43", "epoch_gvl", "gvl")
ZARR = ("plain zarr, whole shards", "epoch_zarr", "own")
NUMPY = ("NumPy fancy index, in memory", "epoch_numpy", "own")
SEQDATA_ONE_HOT = (
    "SeqData 0.2.2 get_torch_dataloader, one-hot float32",
    "epoch_seqdata_one_hot",
    "seqdata",
)
PLANS = [
    (
        "memory-mapped cache",
        [
            ("seqdata loader, memmap", "epoch_ours_memmap", "own"),
            GVL,
            ("GenVarLoader 0.43, buffered (broken)", "epoch_gvl_buffered", "gvl"),
            NUMPY,
        ],
        {GVL[0]: 2},
    ),
    (
        "streamed from zarr",
        [
            ("seqdata loader, zarr", "epoch_ours_zarr", "own"),
            ZARR,
            GVL,
            ("SeqData 0.2.2 XArrayDataLoader (broken)", "epoch_seqdata_disk", "seqdata"),
        ],
        {ZARR[0]: 1},
    ),
    (
        "in memory",
        [
            ("seqdata loader, in memory", "epoch_ours_memory", "own"),
            SEQDATA_ONE_HOT,
            ("SeqData 0.2.2, letters as bytes", "epoch_seqdata_memory", "seqdata"),
            NUMPY,
        ],
        {SEQDATA_ONE_HOT[0]: 4, NUMPY[0]: 1 / 1.5},
    ),
    (
        "in memory, one-hot float32 on both sides",
        [("seqdata loader, seqpro.ohe", "epoch_ours_one_hot", "own"), SEQDATA_ONE_HOT],
        {},
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    folder = _genome_inputs.inputs(quick=args.quick)
    results = []
    with tempfile.TemporaryDirectory() as stores:
        env = {"BENCH_STORES": stores, "GVL_NUM_THREADS": "1"}
        # one call of each builder, without timing
        h.compare(_peers.contenders(CASES, BUILDS, env), folder, rounds=0)
        for where, plan, targets in PLANS:
            timings = h.compare(_peers.contenders(CASES, plan, env), folder, args.rounds)
            case = f"epoch of {'1' if args.quick else '20'},000 x 2,114 bp x 4, b128, {where}"
            results.append(h.report(case, timings, targets=targets))
    if args.save:
        print(f"\nsaved {h.save('seqdata_epoch', results)}")


if __name__ == "__main__":
    main()
