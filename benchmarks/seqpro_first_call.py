"""What a fresh process pays: `import seqpro`, and the first call of each cached kernel.

Run: python benchmarks/seqpro_first_call.py [--rounds 5] [--save]
The first of all calls also pays for loading numba's code generator, once per process; the
others follow it in a process where that is done.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

import _harness as h

CALLS = {
    "ohe": "sp.ohe(x)",
    "decode_ohe": "sp.decode_ohe(hot)",
    "tokenize": "sp.tokenize(x, sp.DNA.token_map, -1)",
    "reverse_complement": "sp.reverse_complement(x)",
    "reverse_complement of one-hot": "sp.reverse_complement(hot)",
    "k_shuffle": "sp.k_shuffle(x, 2, seed=0)",
    "jitter": "sp.jitter(x, max_jitter=2, seed=0)",
    "pad_seqs": "sp.pad_seqs(x, 'left', 'N', 40)",
    "kmer_counts": "sp.kmer_counts(x, 4)",
    "gc_content": "sp.gc_content(x)",
    "translate": "sp.translate(x)",
    "MarkovModel.fit": "sp.background.MarkovModel.fit(x)",
}
CLOCK = "lambda: (time.perf_counter(), time.process_time())"
START = f"import time, json; clock = {CLOCK}; t = clock()\nimport numpy\n"
CODE = (
    START + "u = clock()\nimport seqpro as sp\nv = clock()\n"
    "hot = numpy.zeros((4, 30, 4), 'u1'); x = sp.random_seqs((4, 30), sp.DNA, seed=0)\n"
    "out = {'import numpy': [u[0] - t[0], u[1] - t[1]], 'import seqpro': [v[0] - u[0], "
    "v[1] - u[1]]}\n"
)


def measure(warm: bool, call: str) -> dict[str, list[float]]:
    """Time one call in a fresh process, after another kernel where warm."""
    first = "sp.nucleotide_content(x[:, :1]); sp.length(x)\n" if warm else ""
    code = CODE + first + f"a = clock(); {call}; b = clock()\n"
    code += "out['call'] = [b[0] - a[0], b[1] - a[1]]\nprint(json.dumps(out))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    cases = {"first of all (ohe)": (False, CALLS["ohe"])}
    cases |= {name: (True, call) for name, call in CALLS.items()}
    results = []
    for name, (warm, call) in cases.items():
        measure(warm, call)  # fills the cache
        rounds = [measure(warm, call) for _ in range(args.rounds)]
        parts = ["call"] if warm else ["import numpy", "import seqpro", "call"]
        for part in parts:
            label = part if part != "call" else f"first call: {name}"
            wall = 1e3 * statistics.median(r[part][0] for r in rounds)
            cpu = 1e3 * statistics.median(r[part][1] for r in rounds)
            print(f"{label:<48}{wall:>9.1f} ms wall {cpu:>9.1f} ms CPU")
            results.append({"what": label, "wall_ms": wall, "cpu_ms": cpu})
    if args.save:
        print(f"saved {h.save('seqpro_first_call', results)}")


if __name__ == "__main__":
    main()
