"""What a plain import loads, and that kernels come from the cache."""

from __future__ import annotations

import json
import subprocess
import sys

FORBIDDEN = ["pandas", "xarray", "torch", "matplotlib", "dask", "hypothesis", "zarr"]


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_is_light_and_compiles_nothing():
    out = run(
        "import sys, json; import seqpro; from seqpro import _kernels as k\n"
        "n = [f.py_func.__name__ for f in vars(k).values() if getattr(f, 'signatures', None)]\n"
        f"print(json.dumps([[m for m in {FORBIDDEN} if m in sys.modules], n]))"
    )
    assert out == [[], []]


def test_kernels_are_read_from_the_cache():
    code = (
        "import json, seqpro as sp; from seqpro import _kernels as k\n"
        "x = sp.random_seqs((4, 30), sp.DNA, seed=0); hot = sp.ohe(x); sp.decode_ohe(hot)\n"
        "sp.reverse_complement(x); sp.reverse_complement(hot); sp.k_shuffle(x, 2, seed=0)\n"
        "sp.jitter(x, max_jitter=2, seed=0); sp.kmer_counts(x, 3); sp.gc_content(x)\n"
        "used = {n: f for n, f in vars(k).items() if getattr(f, 'signatures', None)}\n"
        "print(json.dumps({n: [sum(f.stats.cache_hits.values()) - len(f.signatures), "
        "sum(f.stats.cache_misses.values())] for n, f in used.items()}))"
    )
    run(code)
    counts = run(code)
    assert len(counts) >= 8
    assert all(pair == [0, 0] for pair in counts.values()), counts
