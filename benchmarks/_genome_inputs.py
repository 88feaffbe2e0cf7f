"""Inputs of the data-path benchmarks: a genome, four BigWigs and regions, made once from a seed.

They are kept outside the repository, in ``$EUGENE_BENCH_CACHE`` or ``~/.cache/eugene-bench``:

* ``genome.fa`` with its index: 100 Mb (quick: 5 Mb) of random letters on contigs of 4 sizes;
* ``sparse0.bw``, ``sparse1.bw``: counts at single bases, clustered, on about 1 % of the genome;
* ``dense0.bw``, ``dense1.bw``: intervals of about 20 bp that cover 95 % of it, smooth values;
* ``regions.bed``, ``shuffled.bed``: 20,000 (quick: 1,000) windows of 2,114 bp, by position and
  in random order, and the same windows as arrays in ``regions.npz``.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np

WIDTH = 2114
SIZES = {"full": (100_000_000, 20_000), "quick": (5_000_000, 1_000)}
SHARES = (0.4, 0.3, 0.2, 0.1)
LINE = 60
TRACKS = ("sparse0", "sparse1", "dense0", "dense1")
VERSION = 1


def cache() -> Path:
    """Return the folder that keeps inputs, outside the repository."""
    named = os.environ.get("EUGENE_BENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "eugene-bench"


def inputs(*, quick: bool = False) -> Path:
    """Return the folder of the inputs, made on the first call."""
    size = "quick" if quick else "full"
    folder = cache() / f"genome-{size}-v{VERSION}"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bases, n_regions = SIZES[size]
    contigs = {f"chr{i + 1}": int(bases * share) for i, share in enumerate(SHARES)}
    print(f"making the inputs in {folder} (a minute, once)", flush=True)
    _write_fasta(folder / "genome.fa", contigs)
    for i, name in enumerate(TRACKS):
        _write_bigwig(folder / f"{name}.bw", contigs, dense=name.startswith("dense"), seed=10 + i)
    _write_regions(folder, contigs, n_regions)
    (folder / "contigs.json").write_text(json.dumps(contigs))
    (folder / "complete").touch()
    return folder


def bigwigs(folder: Path) -> list[Path]:
    """Return the four BigWigs in the order of the samples."""
    return [folder / f"{name}.bw" for name in TRACKS]


def _write_fasta(path: Path, contigs: dict[str, int]) -> None:
    rng = np.random.default_rng(1)
    letters = np.frombuffer(b"ACGT", np.uint8)
    index = []
    with path.open("wb") as out:
        for name, length in contigs.items():
            out.write(f">{name}\n".encode())
            index.append(f"{name}\t{length}\t{out.tell()}\t{LINE}\t{LINE + 1}\n")
            padded = -(-length // LINE) * LINE
            lines = np.full((padded // LINE, LINE + 1), ord("\n"), np.uint8)
            lines[:, :LINE] = letters[rng.integers(0, 4, padded, dtype=np.uint8)].reshape(-1, LINE)
            data = lines.tobytes()
            # the last line may be shorter than the others
            out.write(data[: len(data) - 1 - (padded - length)] + b"\n")
    path.with_name(path.name + ".fai").write_text("".join(index))


def _write_bigwig(path: Path, contigs: dict[str, int], *, dense: bool, seed: int) -> None:
    import pyBigWig

    rng = np.random.default_rng(seed)
    out = pyBigWig.open(str(path), "w")
    out.addHeader(list(contigs.items()))
    for name, length in contigs.items():
        start, end, value = (_dense if dense else _sparse)(length, rng)
        for i in range(0, len(start), 1_000_000):
            part = slice(i, i + 1_000_000)
            names = np.full(len(start[part]), name)
            out.addEntries(names, start[part], ends=end[part], values=value[part])
    out.close()


def _dense(length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals of 1 to 39 bp, one in twenty left out, values of a smooth random walk."""
    steps = rng.integers(1, 40, length // 19)
    edge = np.concatenate([[0], np.cumsum(steps)])
    edge = edge[edge < length]
    kept = rng.random(len(edge) - 1) < 0.95
    walk = np.convolve(rng.normal(size=len(edge) - 1), np.ones(50) / 50, "same")
    value = np.round(np.exp(3 * walk), 3)
    return edge[:-1][kept], edge[1:][kept], value[kept]


def _sparse(length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts at single bases: half of them near peaks, half anywhere."""
    n = length // 100
    peaks = rng.integers(0, length, max(1, length // 20_000))
    near = rng.choice(peaks, n // 2) + rng.normal(0, 100, n // 2).astype(np.int64)
    place = np.concatenate([near, rng.integers(0, length, n - n // 2)])
    place, count = np.unique(np.clip(place, 0, length - 1), return_counts=True)
    return place, place + 1, count.astype(np.float64)


def _write_regions(folder: Path, contigs: dict[str, int], n: int) -> None:
    rng = np.random.default_rng(2)
    lengths = np.array(list(contigs.values()))
    contig = np.sort(rng.choice(len(lengths), n, p=lengths / lengths.sum()))
    start = (rng.random(n) * (lengths[contig] - WIDTH)).astype(np.int64)
    order = np.lexsort((start, contig))
    contig, start = contig[order], start[order]
    shuffled = rng.permutation(n)
    names = list(contigs)
    for file, rows in (("regions.bed", np.arange(n)), ("shuffled.bed", shuffled)):
        lines = [f"{names[contig[i]]}\t{start[i]}\t{start[i] + WIDTH}\n" for i in rows]
        (folder / file).write_text("".join(lines))
    np.savez(folder / "regions.npz", names=names, contig=contig, start=start, shuffled=shuffled)
