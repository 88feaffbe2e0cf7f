"""Rows of a grammar: our kernel beside the algorithm of seqgra, in CPU time a row.

Run with ``python benchmarks/simulate_grammar.py [--rows 100000] [--save]``. The original draws one
letter after the other from Python's and NumPy's generators; `Grammar.generate(compat="seqgra")` is
that algorithm, which gives the files of the original byte for byte (``tests/eugene/simulate/
test_grammar.py``), hence its time stands for it, and without writing text, which the original also
does. It draws a sample of the rows; the kernel draws all. Both draws are compared: shares of the
letters by contingency, places of the first element by Kolmogorov and Smirnov.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numba
import numpy as np
import xarray as xr
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save

from eugene.simulate import Grammar, from_definition

FOLDER = Path(__file__).resolve().parents[2] / "shared/data/seqgra_definitions/data"
CASES = {
    "two classes, 1,000 bp": "mc2-dna1000-homer-100k-s1",
    "ten classes with distances, 1,000 bp": "mc10-dna1000-homer-interaction-spacing-100k-s2",
}
TARGET = 20.0
ROUNDS = 3


def with_rows(grammar: Grammar, rows: int) -> Grammar:
    """Return the grammar with as many training rows, dealt over its examples."""
    examples = grammar.sets["training"]
    each = rows // len(examples)
    training = tuple(dataclasses.replace(example, samples=each) for example in examples)
    return dataclasses.replace(grammar, sets={"training": training, "validation": (), "test": ()})


def timed(function: Callable[[], xr.Dataset]) -> tuple[float, float, xr.Dataset]:
    """Return CPU and wall seconds of a call, and its result."""
    cpu, wall = time.process_time(), time.perf_counter()
    made = function()
    return time.process_time() - cpu, time.perf_counter() - wall, made


def alike(ours: xr.Dataset, theirs: xr.Dataset) -> tuple[float, float]:
    """Return p-values: the same letters in the background, the same places of the first element."""
    counts = []
    for ds in (ours, theirs):
        letters = ds["seq"].values[:2000][ds["annotation"].values[:2000] == 0]
        counts.append([(letters == letter).sum() for letter in (b"A", b"C", b"G", b"T")])
    places = [
        (ds["element"].values == 1).argmax(1)[ds["label"].values == 0] for ds in (ours, theirs)
    ]
    return (
        float(stats.chi2_contingency(np.array(counts)).pvalue),
        float(stats.ks_2samp(*places).pvalue),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=2_000, help="rows that seqgra's way draws")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    if not FOLDER.is_dir():
        print(f"left out: no definitions at {FOLDER}")
        return 0
    results = []
    for case, name in CASES.items():
        grammar = from_definition(FOLDER / f"{name}.xml.gz")
        large, small = with_rows(grammar, options.rows), with_rows(grammar, options.sample)
        with_rows(grammar, 100).generate()  # compiles
        sides = [
            [timed(partial(small.generate, compat="seqgra")) for _ in range(ROUNDS)],
            [timed(large.generate) for _ in range(ROUNDS)],
        ]
        _, wall, ours = sides[1][-1]
        letters, places = alike(ours, sides[0][-1][2])
        assert min(letters, places) > 1e-3, (letters, places)
        theirs, mine = (
            1e6 * statistics.median(cpu for cpu, _, _ in side) / side[0][2].sizes["_sequence"]
            for side in sides
        )
        ratio = theirs / mine
        verdict = "met" if ratio >= TARGET else "MISSED"
        print(
            f"{case}: {options.rows:,} rows {mine:.1f} us a row, seqgra's way {theirs:.0f} us: "
            f"{ratio:.1f}x  target {TARGET:g}x  {verdict}; on {numba.config.NUMBA_NUM_THREADS} "
            f"threads {wall:.2f} s in all; p of letters {letters:.2f}, of places {places:.2f}"
        )
        results.append(
            {
                "case": case,
                "rows": options.rows,
                "us_per_row": mine,
                "us_per_row_seqgra": theirs,
                "ratio": ratio,
                "target": TARGET,
                "met": ratio >= TARGET,
                "wall_s_threads": wall,
                "threads": numba.config.NUMBA_NUM_THREADS,
                "p_letters": letters,
                "p_places": places,
            }
        )
    if options.save:
        print(save("simulate_grammar", results, unit="CPU microseconds a row, median of 3"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
