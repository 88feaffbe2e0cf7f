"""Shuffled epochs of sequence + 4 tracks, 2,114 bp, batch 128, from disk and from files.

Every way visits each row once: equal digests say so.

Run: python benchmarks/loader_disk.py [--rounds 3] [--rows 4096] [--save]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import _harness as h
import numpy as np
import pandas as pd

CASES = str(Path(__file__).with_name("_loader_cases.py"))
WIDTH, TRACKS, CONTIG = 2114, 4, 20_000_000
WAYS = {
    "decoded memory map": "disk_memmap",
    "zarr, streamed": "disk_zarr",
    "genome mode, no store": "disk_genome",
    "NumPy fancy index in memory": "disk_numpy",
    "in memory": "disk_memory",
}


def make_files(folder: Path, rows: int) -> None:
    """Write a genome of one contig, four BigWigs (half sparse counts, half dense) and a store."""
    import pyBigWig

    import seqdata as sd

    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), CONTIG).tobytes()
    lines = [letters[i : i + 60] for i in range(0, CONTIG, 60)]
    (folder / "g.fa").write_bytes(b">c1\n" + b"\n".join(lines) + b"\n")
    for track in range(TRACKS):
        signal = pyBigWig.open(str(folder / f"{track}.bw"), "w")
        signal.addHeader([("c1", CONTIG)])
        step = 10 if track % 2 else 40
        edges = np.arange(0, CONTIG - step, step)
        values = rng.poisson(0.7, len(edges)).astype(float) if track < 2 else rng.random(len(edges))
        signal.addEntries(["c1"] * len(edges), edges, ends=edges + step, values=values)
        signal.close()
    start = rng.integers(0, CONTIG - WIDTH, rows)
    bed = pd.DataFrame({"chrom": "c1", "chromStart": start, "chromEnd": start + WIDTH})
    bed["row"] = np.arange(rows)
    bed.to_csv(folder / "regions.csv", index=False)
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", folder / "g.fa"),
        sd.BigWig("cov", [folder / f"{t}.bw" for t in range(TRACKS)], list("abcd")),
        path=folder / "store.zarr",
        bed=bed,
        fixed_length=WIDTH,
    )
    np.save(folder / "seq.npy", ds["seq"].values.view(np.uint8))
    np.save(folder / "cov.npy", ds["cov"].values)
    np.save(folder / "row.npy", ds["row"].values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["EUGENE_CACHE_DIR"] = str(folder / "cache")
        make_files(folder, args.rows)
        contenders = [h.Contender(k, f"{CASES}:{v}") for k, v in WAYS.items()]
        timings = h.compare(contenders, folder, args.rounds)
        case = f"epoch from disk, {args.rows:,} x {WIDTH} bp x {TRACKS} tracks"
        results = [h.report(case, timings, targets={})]
        batches = -(-args.rows // 128)
        for t in timings:
            wall = sorted(t.wall)[len(t.wall) // 2]
            print(
                f"{t.label:30s} {batches / t.median:8.0f} batches per CPU-second"
                f" {batches / wall:8.0f} per second"
            )
    if args.save:
        print(h.save("loader_disk", results))


if __name__ == "__main__":
    main()
