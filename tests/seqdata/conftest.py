"""Genomes that the tests of builds share, and slow ways to read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd

COMPLEMENT = str.maketrans("ACGTNacgtn", "TGCANtgcan")


def reverse_complement(seq: str) -> str:
    return seq.translate(COMPLEMENT)[::-1]


@pytest.fixture(scope="session")
def turned() -> Callable[[str], str]:
    """Return the other strand of a text."""
    return reverse_complement


@pytest.fixture(scope="session")
def letters() -> Callable[..., list[str]]:
    """Return the sequences of a dataset as text."""

    def texts(ds: xr.Dataset, name: str = "seq") -> list[str]:
        return [row.tobytes().rstrip(b"\0").decode() for row in ds[name].values]

    return texts


@dataclass
class Genome:
    """Two contigs with a forward and a reverse track."""

    folder: Path
    fasta: Path
    seqs: dict[str, str]
    signal: dict[str, dict[str, np.ndarray]]

    def readers(self) -> tuple[sd.GenomeFASTA, sd.BigWig]:
        bigwigs = [self.folder / "pos.bw", self.folder / "neg.bw"]
        return (
            sd.GenomeFASTA("seq", self.fasta),
            sd.BigWig("cov", bigwigs, ["pos", "neg"], strands=["+", "-"]),
        )

    def window(self, chrom: str, start: int, end: int, strand: str) -> tuple:
        seq = self.seqs[chrom]
        inside = [0 <= i < len(seq) for i in range(start, end)]
        text = "".join(
            seq[i] if ok else "N" for i, ok in zip(range(start, end), inside, strict=True)
        )
        tracks = np.array(
            [
                [
                    self.signal[s][chrom][i] if ok else 0
                    for i, ok in zip(range(start, end), inside, strict=True)
                ]
                for s in ("pos", "neg")
            ]
        )
        mask = np.array(inside, dtype=np.uint8)
        if strand == "-":
            return reverse_complement(text), tracks[::-1, ::-1], mask[::-1]
        return text, tracks, mask

    def random_bed(self, n: int, seed: int = 1) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        rows = []
        for _ in range(n):
            chrom = str(rng.choice(["chr2", "chr1"]))
            size = len(self.seqs[chrom])
            start = int(rng.integers(0, size - 2))
            end = int(rng.integers(start + 1, min(size, start + 60)))
            peak = int(rng.integers(-1, end - start))
            rows.append((chrom, start, end, str(rng.choice(list("+-."))), peak))
        return pd.DataFrame(rows, columns=["chrom", "chromStart", "chromEnd", "strand", "peak"])


@pytest.fixture(scope="session")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    seqs = {"chr1": "".join(rng.choice(list("ACGTNacgt"), 5000)), "chr2": "ACGTTGCA" * 25}
    fasta = folder / "g.fa"
    with fasta.open("w") as out:
        for name, seq in seqs.items():
            out.write(
                f">{name}\n" + "\n".join(seq[k : k + 70] for k in range(0, len(seq), 70)) + "\n"
            )
    signal: dict[str, dict[str, np.ndarray]] = {}
    for strand in ("pos", "neg"):
        signal[strand] = {}
        with pyBigWig.open(str(folder / f"{strand}.bw"), "w") as bw:
            bw.addHeader([(name, len(seq)) for name, seq in seqs.items()])
            for name, seq in seqs.items():
                values = rng.integers(0, 5, len(seq)).astype(np.float32)
                signal[strand][name] = values
                some = np.flatnonzero(values)
                bw.addEntries(
                    [name] * len(some), some.tolist(), ends=(some + 1).tolist(),
                    values=values[some].tolist(),
                )  # fmt: skip
    return Genome(folder, fasta, seqs, signal)
