"""Sound files for the fuzzers: real ones where the folder of real data is, made ones beside."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pysam

import seqdata as sd

LETTERS = np.array(list("ACGT"))
GENOME = {"c1": 3333, "c2": 1200, "c3": 3, "c4": 70_001}


@dataclass(frozen=True)
class Kind:
    """What is read, which of its files is damaged, which lie beside it, and how it is read."""

    file: str
    reads: str
    beside: tuple[str, ...] = ()
    of: str = ""
    windows: str = ""

    @property
    def damaged(self) -> str:
        return self.of or self.file


KINDS = {
    "csv": Kind("t.csv", "table"),
    "tsv": Kind("t.tsv", "table"),
    "csv.gz": Kind("t.csv.gz", "table"),
    "fasta": Kind("x.fa", "fasta"),
    "fasta.gz": Kind("x.fa.gz", "fasta"),
    "fasta bgzip": Kind("xb.fa.gz", "fasta"),
    "genome": Kind("g.fa", "genome", ("g.fa.fai",), windows="genome"),
    "genome fai": Kind("g.fa", "genome", ("g.fa.fai",), "g.fa.fai", "genome"),
    "genome bgzip": Kind("g.fa.gz", "genome", ("g.fa.gz.fai", "g.fa.gz.gzi"), windows="genome"),
    "genome gzi": Kind(
        "g.fa.gz", "genome", ("g.fa.gz.fai", "g.fa.gz.gzi"), "g.fa.gz.gzi", "genome"
    ),
    "bed": Kind("x.bed", "bed", ("ref.fa",)),
    "bed.gz": Kind("x.bed.gz", "bed", ("ref.fa",)),
    "bed bgzip": Kind("xb.bed.gz", "bed", ("ref.fa",)),
    "narrowPeak": Kind("x.narrowPeak", "bed", ("ref.fa",)),
    "bigwig": Kind("x.bw", "bigwig", windows="signal"),
    "bam": Kind("x.bam", "alignment", ("x.bam.bai",), windows="signal"),
    "bai": Kind("x.bam", "alignment", ("x.bam.bai",), "x.bam.bai", "signal"),
    "cram": Kind("x.cram", "alignment", ("x.cram.crai", "ref.fa"), windows="short"),
    "crai": Kind("x.cram", "alignment", ("x.cram.crai", "ref.fa"), "x.cram.crai", "short"),
    "fragments": Kind("f.tsv", "fragments", windows="short"),
    "fragments.gz": Kind("f.tsv.gz", "fragments", windows="short"),
    "fragments bgzip": Kind("fb.tsv.gz", "fragments", windows="short"),
    "store": Kind("s.zarr", "store"),
}
WINDOWS = {
    "genome": [
        (name, start, start + 100)
        for name, size in GENOME.items()
        for start in range(-30, size, max(97, size // 12))
    ],
    "signal": [("chr2L", start, start + 3000) for start in range(0, 1_500_000, 25_000)],
    "short": [("c4", start, start + 2000) for start in range(0, 70_000, 5000)],
}


def prepare(folder: Path, real: Path) -> None:
    """Make the sound files of every kind; ``real`` is the folder of real data, or a missing one."""
    rng = np.random.default_rng(0)
    _genome(folder, rng)
    _tables(folder, rng)
    _alignments(folder, rng, real / "bam_bigwig_golden_dm3")
    _lines(folder, rng)
    bed = pd.DataFrame(
        {"chrom": "c4", "chromStart": np.arange(0, 60_000, 300), "strand": "+",
         "chromEnd": np.arange(0, 60_000, 300) + 200, "y": rng.normal(size=200),
         "label": [f"n{i}" for i in range(200)]}
    )  # fmt: skip
    genome = sd.GenomeFASTA("seq", folder / "g.fa")
    sd.from_region_files(genome, path=folder / "s.zarr", bed=bed, fixed_length=200)


def _genome(folder: Path, rng: np.random.Generator) -> None:
    records = {name: "".join(rng.choice(LETTERS, size)) for name, size in GENOME.items()}
    text = ""
    for name, letters in records.items():
        lines = (letters[i : i + 60] for i in range(0, len(letters), 60))
        text += f">{name} made up\n" + "".join(f"{line}\n" for line in lines)
    (folder / "g.fa").write_text(text)
    pysam.faidx(str(folder / "g.fa"))
    _pack(folder / "g.fa", folder / "g.fa.gz")
    pysam.faidx(str(folder / "g.fa.gz"))
    (folder / "ref.fa").write_text(">c4\n" + records["c4"] + "\n")
    pysam.faidx(str(folder / "ref.fa"))
    flat = "".join(f">r{i} x\n{''.join(rng.choice(LETTERS, 100))}\n" for i in range(150))
    _three(folder, "x.fa", flat)


def _tables(folder: Path, rng: np.random.Generator) -> None:
    rows = [
        ["".join(rng.choice(LETTERS, 30)), f"{rng.normal():.4f}", str(rng.integers(1000)), f"a {i}"]
        for i in range(150)
    ]
    head = ["sequence", "y", "n", "name"]
    csv = "".join(",".join([*row[:3], f'"{row[3]},"']) + "\n" for row in rows)
    (folder / "t.csv").write_text(",".join(head) + "\n" + csv)
    (folder / "t.csv.gz").write_bytes(gzip.compress((folder / "t.csv").read_bytes()))
    (folder / "t.tsv").write_text("".join("\t".join(row) + "\n" for row in [head, *rows]))


def _alignments(folder: Path, rng: np.random.Generator, real: Path) -> None:
    bam, wig = folder / "x.bam", folder / "x.bw"
    sizes = [("chr2L", 23_011_544), ("chr2R", 21_146_708)]
    if real.is_dir():
        with (
            pysam.AlignmentFile(str(real / "x.bam")) as source,
            pysam.AlignmentFile(str(bam), "wb", template=source) as out,
        ):
            for read in source.fetch("chr2L", 0, 1_500_000):
                out.write(read)
        wig.write_bytes((real / "x.bigwig").read_bytes())
    else:
        starts = np.sort(rng.integers(0, 1_500_000, 12_000))
        _write_reads(bam, "wb", sizes, starts, None, rng)
        with pyBigWig.open(str(wig), "w") as out:
            out.addHeader(sizes)
            starts = np.arange(0, 1_490_000, 70)
            values = rng.random(len(starts))
            out.addEntries(["chr2L"] * len(starts), starts, ends=starts + 60, values=values)
    pysam.index(str(bam))
    letters = (folder / "ref.fa").read_text().split()[1]
    starts = np.sort(rng.integers(0, 69_900, 5000))
    _write_reads(folder / "x.cram", "wc", [("c4", 70_001)], starts, letters, rng)
    pysam.index(str(folder / "x.cram"))


def _write_reads(
    path: Path,
    mode: str,
    sizes: list[tuple[str, int]],
    starts: np.ndarray,
    letters: str | None,
    rng: np.random.Generator,
) -> None:
    header = {"HD": {"VN": "1.6", "SO": "coordinate"},
              "SQ": [{"SN": name, "LN": size} for name, size in sizes]}  # fmt: skip
    reference = None if letters is None else str(path.parent / "ref.fa")
    with pysam.AlignmentFile(str(path), mode, header=header, reference_filename=reference) as out:
        for i, start in enumerate(starts.tolist()):
            read = pysam.AlignedSegment(out.header)
            read.query_name = f"r{i}"
            read.flag = 16 * int(rng.integers(2))
            read.reference_id = 0
            read.reference_start = start
            read.mapping_quality = 30
            read.cigartuples = [(0, 50)]
            read.query_sequence = letters[start : start + 50] if letters else "A" * 50
            read.query_qualities = pysam.qualitystring_to_array("I" * 50)
            out.write(read)


def _lines(folder: Path, rng: np.random.Generator) -> None:
    starts = np.sort(rng.integers(0, 69_000, 800)).tolist()
    bed = "".join(
        f"c4\t{s}\t{s + 36}\tp{i}\t{i % 9}\t{'+-.'[i % 3]}\n" for i, s in enumerate(starts)
    )
    _three(folder, "x.bed", "track name=made\n" + bed)
    peaks = [
        f"c4\t{s}\t{s + 300}\tp{s}\t100\t.\t3.5\t2.0\t-1\t{int(rng.integers(300))}\n"
        for s in starts[::4]
    ]
    (folder / "x.narrowPeak").write_text("".join(peaks))
    lines = [f"c4\t{s}\t{s + int(rng.integers(30, 400))}\tBC{s % 9}\t1\n" for s in starts]
    _three(folder, "f.tsv", "".join(lines))


def _three(folder: Path, name: str, text: str) -> None:
    """Write a text file plain, with gzip, and with bgzip (its name behind a ``b``)."""
    plain = folder / name
    plain.write_text(text)
    (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    _pack(plain, folder / f"{plain.stem}b{plain.suffix}.gz")


def _pack(plain: Path, packed: Path) -> None:
    pysam.tabix_compress(str(plain), str(packed), force=True)
