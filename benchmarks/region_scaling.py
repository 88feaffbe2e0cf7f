"""Cost per region from a thousand regions to a million, and with the number of BigWigs.

Regions of 1,000 bp lie anywhere on the genome, in no order; they are read 16,384 at a time, as a
build would. While regions are fewer than the blocks of a BigWig, each needs blocks of its own
unpacked; above that the cost is flat. Writes region_scaling.png beside the results.

Run: python benchmarks/region_scaling.py [--quick] [--save]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _genome_inputs
import _harness as h
import numpy as np

WIDTH = 1000
STEP = 16_384
COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
# the cost of tracks is taken at this number of regions
AT = 30_000
MOST_TRACKS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small genome, up to 30,000 regions")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    folder = _genome_inputs.inputs(quick=args.quick)
    counts = [n for n in COUNTS if n <= AT] if args.quick else list(COUNTS)
    files = _genome_inputs.bigwigs(folder)
    tracks = len(files)
    results: list[dict[str, Any]] = []
    for n in counts:
        windows = _windows(folder, n)
        results.append(_timed("FASTA", n, 1, lambda w=windows: _read(_fasta(folder), w)))
        results.append(_timed("BigWig", n, tracks, lambda w=windows: _read(_bigwig(files), w)))
    windows = _windows(folder, AT)
    with tempfile.TemporaryDirectory() as links:
        for i in range(MOST_TRACKS):
            file = _genome_inputs.bigwigs(folder)[(2 * i + i // 2) % tracks]
            (Path(links) / f"{i}.bw").symlink_to(file)
        for k in range(2, MOST_TRACKS + 1, 2):
            files = [Path(links) / f"{i}.bw" for i in range(k)]
            results.append(_timed("tracks", AT, k, lambda f=files: _read(_bigwig(f), windows)))
    if args.save:
        print(f"\nsaved {h.save('region_scaling', results)}")
        print(f"saved {_plot(results, h.REPO / 'benchmarks' / 'results' / 'region_scaling.png')}")


def _windows(folder: Path, n: int) -> Any:
    from seqdata.readers._base import Windows

    contigs = json.loads((folder / "contigs.json").read_text())
    rng = np.random.default_rng(n)
    lengths = np.array(list(contigs.values()))
    contig = rng.choice(len(lengths), n, p=lengths / lengths.sum())
    start = (rng.random(n) * (lengths[contig] - WIDTH)).astype(np.int64)
    kinds = contig.astype(np.int32), start, start + WIDTH, np.zeros(n, np.int8)
    return Windows(tuple(contigs), *kinds)


def _fasta(folder: Path) -> Any:
    import seqdata as sd

    return sd.GenomeFASTA("seq", folder / "genome.fa")


def _bigwig(files: list[Path]) -> Any:
    import seqdata as sd

    return sd.BigWig("cov", files, [str(i) for i in range(len(files))])


def _read(reader: Any, windows: Any) -> None:
    for i in range(0, len(windows), STEP):
        reader.read(windows[i : i + STEP], WIDTH)
    reader.close()


def _timed(what: str, n: int, tracks: int, run: Callable[[], None]) -> dict[str, Any]:
    rounds = 3 if n <= AT else 1
    if n == COUNTS[0]:
        run()
    seconds = []
    for _ in range(rounds):
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    each = 1e6 * float(np.median(seconds)) / n
    print(f"{what:<8}{n:>10,} regions  {tracks} tracks  {each:>9.2f} us a region", flush=True)
    return {"what": what, "regions": n, "tracks": tracks, "us_per_region": each}


def _plot(results: list[dict[str, Any]], path: Path) -> Path:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    names = {"FASTA": "FASTA", "BigWig": f"{len(_genome_inputs.TRACKS)} BigWigs"}
    for (what, label), mark in zip(names.items(), "os", strict=True):
        rows = [row for row in results if row["what"] == what]
        counts = [row["regions"] for row in rows]
        left.loglog(counts, [row["us_per_region"] for row in rows], mark + "-", label=label)
    left.set(
        xlabel="regions of 1,000 bp", ylabel="CPU time a region (µs)", title="Number of regions"
    )
    left.legend()
    left.grid(visible=True, which="major", alpha=0.3)
    rows = [row for row in results if row["what"] == "tracks"]
    tracks = [row["tracks"] for row in rows]
    right.plot(tracks, [row["us_per_region"] for row in rows], "o-")
    right.set(
        xlabel="BigWig files, half of them dense",
        ylabel="CPU time a region (µs)",
        title=f"Number of tracks, {AT:,} regions",
        ylim=(0, None),
    )
    right.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


if __name__ == "__main__":
    main()
