"""Windows of a FASTA file beside pysam (letters) and tangermeme's extract_loci (one-hot).

Letters: both sides get windows as arrays, and make bytes (N, L). Ours looks at every letter (known
to the alphabet or not), at every line end against the index and at each record's place in the
file; pysam takes what the index points at.

One-hot: both sides get the path of the FASTA file and a table of regions, and make contiguous
8-bit integers (N, 4, L): uint8, and int8 in a torch tensor. Both refuse letters that they do not
know (tangermeme: all but A, C, G, T and N) and contigs that are not there. Windows off a contig
are filled with N by ours and left out by tangermeme; there are none here.

Run: python benchmarks/fasta_windows.py [--quick] [--rounds 7] [--save]
(peers: python benchmarks/_peers.py tools)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import _genome_inputs
import _harness as h
import _peers

CASES = str(Path(__file__).with_name("_window_cases.py"))
PLANS = {
    "letters": (
        [
            ("seqdata.GenomeFASTA", "fasta_ours", "own"),
            ("pysam, a loop", "fasta_pysam", "tools"),
        ],
        {"pysam, a loop": 2},
    ),
    "one-hot": (
        [
            ("seqdata.regions.fetch_one_hot", "one_hot_ours", "own"),
            ("tangermeme 1.6 extract_loci", "one_hot_tangermeme", "tools"),
        ],
        {"tangermeme 1.6 extract_loci": 1.5},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the size")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    folder = _genome_inputs.inputs(quick=args.quick)
    results = []
    for order in ("sorted", "shuffled"):
        for what, (plan, targets) in PLANS.items():
            contenders = _peers.contenders(CASES, plan, {"BENCH_ORDER": order})
            timings = h.compare(contenders, folder, args.rounds)
            case = f"FASTA, {'1' if args.quick else '20'},000 x 2,114 bp, {what}, {order}"
            results.append(h.report(case, timings, targets=targets))
    if args.save:
        print(f"\nsaved {h.save('fasta_windows', results)}")


if __name__ == "__main__":
    main()
