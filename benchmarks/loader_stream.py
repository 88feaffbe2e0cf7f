"""The loader streaming from disk beside reading the store in order and row by row.

Run: python benchmarks/loader_stream.py [--rounds 3] [--save]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import _harness as h
import numpy as np
import xarray as xr

CASES = str(Path(__file__).with_name("_loader_cases.py"))
N, LENGTH, SAMPLES = 40_000, 1024, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    import seqdata as sd

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        ds = xr.Dataset(
            {
                "seq": (
                    ("_sequence", "_length"),
                    rng.choice(np.frombuffer(b"ACGT", "S1"), (N, LENGTH)),
                ),
                "cov": (
                    ("_sequence", "cov_sample", "_length"),
                    rng.poisson(0.1, (N, SAMPLES, LENGTH)).astype(np.float32),
                ),
                "row": ("_sequence", np.arange(N)),
            }
        )
        sd.to_zarr(ds, f"{folder}/store.zarr")
        peers = {
            "zarr, whole shards in order": "read_in_order",
            "zarr, 10 of 313 batches row by row": "random_rows",
        }
        contenders = [h.Contender("seqdata loader, shuffled", f"{CASES}:ours_streamed")]
        contenders += [h.Contender(k, f"{CASES}:{v}") for k, v in peers.items()]
        timings = h.compare(contenders, Path(folder), args.rounds)
        results = [
            h.report(f"epoch from disk, {N:,} x {LENGTH} bp x 2 tracks", timings, targets={})
        ]
    if args.save:
        print(h.save("loader_stream", results))


if __name__ == "__main__":
    main()
