"""What the window benchmarks time: values and letters of 20,000 windows of 2,114 bp.

Files are opened within the timed call, as a script would, so nothing is kept between calls.
``BENCH_ORDER`` says whether the windows are sorted or shuffled, ``BENCH_STEP`` how many are
asked for in one call (0: all).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _genome_inputs import TRACKS, WIDTH, bigwigs

ORDER = os.environ.get("BENCH_ORDER", "sorted")
STEP = int(os.environ.get("BENCH_STEP", "0"))
N_FILES = int(os.environ.get("BENCH_FILES", str(len(TRACKS))))


class Regions:
    """The windows as arrays."""

    def __init__(self, folder: Path) -> None:
        held = np.load(folder / "regions.npz")
        order = held["shuffled"] if ORDER == "shuffled" else slice(None)
        self.names = [str(name) for name in held["names"]]
        self.contig, self.start = held["contig"][order], held["start"][order]

    def __len__(self) -> int:
        return len(self.start)

    def rows(self) -> Iterator[tuple[int, str, int, int]]:
        starts = self.start.tolist()
        for i, (code, start) in enumerate(zip(self.contig.tolist(), starts, strict=True)):
            yield i, self.names[code], start, start + WIDTH

    def steps(self) -> Iterator[slice]:
        step = STEP or len(self)
        for i in range(0, len(self), step):
            yield slice(i, i + step)

    def table(self, chrom: str, start: str, end: str) -> Any:
        import pandas as pd

        names = np.array(self.names, dtype=object)[self.contig]
        return pd.DataFrame({chrom: names, start: self.start, end: self.start + WIDTH})

    def windows(self) -> Any:
        from seqdata.readers._base import Windows

        return Windows(
            tuple(self.names),
            self.contig.astype(np.int32),
            self.start.astype(np.int64),
            self.start.astype(np.int64) + WIDTH,
            np.zeros(len(self), np.int8),
        )


def _values(run: Callable[[], Any]) -> tuple[Any, Any]:
    return run, lambda out: np.ascontiguousarray(out if STEP == 0 else np.concatenate(out)).data


def bigwig_ours(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    regions = Regions(folder)
    windows = regions.windows()

    def run() -> Any:
        reader = sd.BigWig("x", bigwigs(folder)[:N_FILES], TRACKS[:N_FILES])
        out = [reader.read(windows[part], WIDTH) for part in regions.steps()]
        reader.close()
        return out if STEP else out[0]

    return _values(run)


def bigwig_pybigwig(folder: Path) -> tuple[Any, Any]:
    import pyBigWig

    regions = Regions(folder)

    def run() -> Any:
        files = [pyBigWig.open(str(path)) for path in bigwigs(folder)[:N_FILES]]
        out = np.empty((len(regions), len(files), WIDTH), np.float32)
        for i, name, start, end in regions.rows():
            for k, file in enumerate(files):
                out[i, k] = file.values(name, start, end, numpy=True)
        np.nan_to_num(out, copy=False)
        return [out] if STEP else out

    return _values(run)


def bigwig_pybigtools(folder: Path) -> tuple[Any, Any]:
    import pybigtools

    regions = Regions(folder)

    def run() -> Any:
        files = [pybigtools.open(str(path)) for path in bigwigs(folder)[:N_FILES]]
        out = np.empty((len(regions), len(files), WIDTH), np.float32)
        for i, name, start, end in regions.rows():
            for k, file in enumerate(files):
                out[i, k] = file.values(name, start, end, missing=0.0)
        return [out] if STEP else out

    return _values(run)


def bigwig_figwig(folder: Path) -> tuple[Any, Any]:
    import figwig

    regions = Regions(folder)
    names = np.array(regions.names)[regions.contig]

    def run() -> Any:
        files = [figwig.BigWigReader(path) for path in bigwigs(folder)[:N_FILES]]
        out = [
            figwig.read_bigwig(files, names[part], regions.start[part], WIDTH, n_jobs=1)
            for part in regions.steps()
        ]
        return out if STEP else out[0]

    return _values(run)


def fasta_ours(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    regions = Regions(folder)
    windows = regions.windows()

    def run() -> Any:
        reader = sd.GenomeFASTA("x", folder / "genome.fa")
        out = reader.read(windows, WIDTH)
        reader.close()
        return out

    return _values(run)


def fasta_pysam(folder: Path) -> tuple[Any, Any]:
    import pysam

    regions = Regions(folder)

    def run() -> Any:
        out = np.empty((len(regions), WIDTH), np.uint8)
        with pysam.FastaFile(str(folder / "genome.fa")) as file:
            for i, name, start, end in regions.rows():
                out[i] = np.frombuffer(file.fetch(name, start, end).encode(), np.uint8)
        return out

    return _values(run)


def one_hot_ours(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    bed = Regions(folder).table("chrom", "chromStart", "chromEnd")
    return lambda: sd.regions.fetch_one_hot(folder / "genome.fa", bed), _one_byte_each


def one_hot_tangermeme(folder: Path) -> tuple[Any, Any]:
    from tangermeme.io import extract_loci

    bed = Regions(folder).table("chrom", "start", "end")

    def run() -> Any:
        return extract_loci(bed, str(folder / "genome.fa"), in_window=WIDTH, n_jobs=1)

    return run, lambda out: _one_byte_each(out.numpy())


def _one_byte_each(one_hot: Any) -> Any:
    """Return the bytes of one-hot windows; both sides make (N, 4, L) of 8-bit integers."""
    assert one_hot.shape[1:] == (4, WIDTH), one_hot.shape
    assert one_hot.dtype.itemsize == 1, one_hot.dtype
    assert one_hot.flags.c_contiguous
    return one_hot.view(np.uint8).data
