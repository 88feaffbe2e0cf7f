"""Chunks, shards, codecs and types of a store, measured on the BigWigs of yeast.

Windows of 2,114 bp tile all contigs of sacCer3, both tracks; each layout is written with zarr
and read back: whole shards in order (rows per CPU second), and 256 random rows one by one.

Run: python benchmarks/store_layout.py [--data ../shared/data] [--quick] [--save]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _harness as h
import numpy as np

WIDTH = 2114
FILES = ("ATAC_cutsites_both_ends.bw", "ATAC_fragment_coverage.bw")


@dataclass(frozen=True)
class Layout:
    """Rows of a shard and of an inner chunk (0: no shards), codec, level, filter and type."""

    shard: int = 1024
    inner: int = 64
    codec: str = "zstd"
    level: int = 3
    shuffle: str = ""
    dtype: str = "f4"
    per_track: bool = False

    def __str__(self) -> str:
        rows = f"{self.shard}/{self.inner}" if self.shard else f"-/{self.inner}"
        codec = f"{self.codec}-{self.level}" if self.codec != "none" else "none"
        name = f"{rows:<9} {codec:<9} {self.shuffle or '-':<11} {self.dtype}"
        return name + (" one track a chunk" if self.per_track else "")


FIXED = Layout()
LAYOUTS = [
    FIXED,
    Layout(inner=1),
    Layout(inner=16),
    Layout(inner=256),
    Layout(inner=1024),
    Layout(shard=2048),
    Layout(shard=256),
    Layout(shard=0, inner=64),
    Layout(shard=0, inner=1024),
    Layout(per_track=True),
    Layout(level=1),
    Layout(level=0),
    Layout(level=7),
    Layout(level=12),
    Layout(codec="blosc-zstd", shuffle="noshuffle"),
    Layout(codec="blosc-zstd", shuffle="shuffle"),
    Layout(codec="blosc-zstd", shuffle="bitshuffle"),
    Layout(codec="blosc-lz4", level=5, shuffle="noshuffle"),
    Layout(codec="blosc-lz4", level=5, shuffle="shuffle"),
    Layout(codec="blosc-lz4", level=5, shuffle="bitshuffle"),
    Layout(codec="none"),
    Layout(dtype="f2"),
    Layout(dtype="u2"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=h.REPO.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    args = parser.parse_args()
    folder = args.data / "sacCer3"
    if not folder.exists():
        print(f"{folder} is not there: pass --data")
        return
    values = _values(folder)[:: 4 if args.quick else 1]
    print(f"{len(values):,} windows x {values.shape[1]} tracks x {WIDTH} bp, sacCer3")
    print(f"{'shard/chunk codec filter type':<48}{'MB':>8}{'build s':>9}{'shard':>9}{'random':>9}")
    results = [_measure(layout, values, args.rounds) for layout in LAYOUTS]
    if args.save:
        print(f"\nsaved {h.save('store_layout', results)}")


def _values(folder: Path) -> np.ndarray:
    import seqdata as sd
    from seqdata.readers._base import Windows

    reader = sd.BigWig("cov", [folder / name for name in FILES], ["cuts", "fragments"])
    contigs = reader.contigs()
    starts = [np.arange(0, length - WIDTH, WIDTH // 2) for length in contigs.values()]
    contig = np.repeat(np.arange(len(contigs), dtype=np.int32), [len(part) for part in starts])
    start = np.concatenate(starts)
    rows = np.random.default_rng(0).permutation(len(start))
    contig, start = contig[rows], start[rows]
    strand = np.zeros(len(start), np.int8)
    return reader.read(Windows(tuple(contigs), contig, start, start + WIDTH, strand), WIDTH)


def _measure(layout: Layout, values: np.ndarray, rounds: int) -> dict[str, Any]:
    kept = values.astype(layout.dtype)
    exact = bool((kept.astype(np.float32) == values).all())
    step = layout.shard or layout.inner
    build, whole, single = [], [], []
    random = np.random.default_rng(1).choice(len(values), 256, replace=False).tolist()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.process_time()
            array = _create(Path(folder) / "x.zarr", layout, kept)
            for i in range(0, len(kept), step):
                array[i : i + step] = kept[i : i + step]
            build.append(time.process_time() - begin)
            files = [f for f in Path(folder).rglob("*") if f.is_file()]
            megabytes = sum(f.stat().st_size for f in files) / 1e6
            begin = time.process_time()
            for i in range(0, len(kept), step):
                array[i : i + step]
            whole.append(len(kept) / (time.process_time() - begin))
            begin = time.process_time()
            for i in random:
                array[i]
            single.append(len(random) / (time.process_time() - begin))
    row = {
        "layout": str(layout),
        "megabytes": megabytes,
        "files": len(files),
        "build_s": float(np.median(build)),
        "whole_rows_per_s": float(np.median(whole)),
        "random_rows_per_s": float(np.median(single)),
        "exact": exact,
    }
    print(
        f"{layout!s:<48}{megabytes:>8.2f}{row['build_s']:>9.2f}{row['whole_rows_per_s']:>9.0f}"
        f"{row['random_rows_per_s']:>9.0f}{'' if exact else '  rounded'}",
        flush=True,
    )
    return row


def _create(path: Path, layout: Layout, values: np.ndarray) -> Any:
    import zarr
    from zarr import codecs

    compressor: Any = None
    if layout.codec == "zstd":
        compressor = codecs.ZstdCodec(level=layout.level)
    elif layout.codec.startswith("blosc"):
        compressor = codecs.BloscCodec(
            cname=layout.codec.partition("-")[2],
            clevel=layout.level,
            shuffle=layout.shuffle,
            typesize=values.itemsize,
        )
    tracks = 1 if layout.per_track else values.shape[1]
    return zarr.create_array(
        store=str(path),
        shape=values.shape,
        dtype=values.dtype,
        chunks=(layout.inner, tracks, WIDTH),
        shards=(layout.shard, *values.shape[1:]) if layout.shard else None,
        compressors=compressor,
        fill_value=0,
    )


if __name__ == "__main__":
    main()
