"""Indexes of FASTA files that lack records, or belong to another release of the same genome."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pysam
import pytest

import seqdata as sd
from seqdata.errors import FastaError

RNG = np.random.default_rng(5)
CONTIGS = {
    f"chr{i}": "".join(RNG.choice(list("ACGT"), size))
    for i, size in enumerate((95, 160, 61, 30), start=1)
}


BED = {"chrom": "chr1", "chromStart": 2, "chromEnd": 9}


def fasta_text(contigs: dict[str, str], end: str = "\n") -> str:
    return "".join(
        f">{name} a title{end}"
        + "".join(f"{letters[at : at + 30]}{end}" for at in range(0, len(letters), 30))
        for name, letters in contigs.items()
    )


def samtools(path: Path) -> None:
    pysam.faidx(str(path))


def by_pyfaidx(path: Path) -> None:
    pyfaidx.Faidx(str(path)).close()


def ours(path: Path) -> None:
    sd.GenomeFASTA("seq", path)


def write(path: Path, text: str) -> None:
    if path.suffix == ".gz":
        with pysam.BGZFile(str(path), "wb", None) as out:
            out.write(text.encode())
    else:
        path.write_bytes(text.encode())


MAKERS = [
    ("g.fa", samtools),
    ("g.fa", by_pyfaidx),
    ("g.fa", ours),
    ("g.fa.gz", samtools),
    ("g.fa.gz", ours),
]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_sound_indexes_are_used(
    tmp_path: Path, name: str, make: Callable[[Path], None], end: str
) -> None:
    path = tmp_path / name
    write(path, fasta_text(CONTIGS, end) + end)
    make(path)
    before = Path(f"{path}.fai").read_bytes()
    found = sd.GenomeFASTA("seq", path).contigs()
    assert found == {name: len(letters) for name, letters in CONTIGS.items()}
    assert Path(f"{path}.fai").read_bytes() == before


LINES: dict[str, Callable[[list[str]], list[str]]] = {
    "lacks the last": lambda lines: lines[:-1],
    "lacks the last two": lambda lines: lines[:-2],
    "lacks the first": lambda lines: lines[1:],
    "lacks one in the middle": lambda lines: [*lines[:1], *lines[2:]],
    "has the names exchanged": lambda lines: [
        *lines[:2],
        "\t".join(["chr4", *lines[2].split("\t")[1:]]),
        "\t".join(["chr3", *lines[3].split("\t")[1:]]),
    ],
    "has a record too short": lambda lines: [
        *lines[:3],
        "\t".join(["chr4", "29", *lines[3].split("\t")[2:]]),
    ],
    "has the first too short": lambda lines: [
        "\t".join(["chr1", "90", *lines[0].split("\t")[2:]]),
        *lines[1:],
    ],
}


@pytest.mark.parametrize("how", LINES)
@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_index_that_misses_records(
    tmp_path: Path, name: str, make: Callable[[Path], None], how: str
) -> None:
    path = tmp_path / name
    write(path, fasta_text(CONTIGS))
    make(path)
    index = Path(f"{path}.fai")
    index.write_text("\n".join(LINES[how](index.read_text().splitlines())) + "\n")
    with pytest.raises(FastaError, match=r"g\.fa(\.gz)? does not fit record 'chr\d'.*\.fai"):
        sd.GenomeFASTA("seq", path)
    # what is built on its contigs never begins
    with pytest.raises(FastaError, match=r"does not fit record"):
        sd.regions.fetch_sequences(path, pd.DataFrame([BED]))


RELEASES: dict[str, dict[str, str]] = {
    "one contig more": {**CONTIGS, "chr5": "ACGT" * 20},
    "one contig less": {name: CONTIGS[name] for name in ("chr1", "chr2", "chr3")},
    "another name": {
        **{name: CONTIGS[name] for name in ("chr1", "chr2", "chr3")},
        "chrX": "A" * 30,
    },
    "other lengths, same size": {
        **CONTIGS,
        "chr1": CONTIGS["chr1"] + "A" * 10,
        "chr2": CONTIGS["chr2"][:-10],
    },
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_index_of_another_release(
    tmp_path: Path, name: str, make: Callable[[Path], None], release: str
) -> None:
    """The index of one release stands, and is newer, beside another release."""
    path = tmp_path / name
    write(path, fasta_text(CONTIGS))
    make(path)
    write(path, fasta_text(RELEASES[release]))
    for suffix in (".fai", ".gzi"):
        if Path(f"{path}{suffix}").exists():
            os.utime(f"{path}{suffix}", (path.stat().st_mtime + 5,) * 2)
    with pytest.raises(FastaError, match=r"[dD]elete"):
        sd.GenomeFASTA("seq", path)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_blocks_that_are_not_listed(tmp_path: Path, kept: int) -> None:
    """A ``.gzi`` without its last blocks does not hide what stands in them."""
    path = tmp_path / "g.fa.gz"
    big = {f"chr{i}": "".join(RNG.choice(list("ACGT"), 90_000)) for i in range(3)}
    write(path, fasta_text(big))
    sd.GenomeFASTA("seq", path)
    index = Path(f"{path}.gzi")
    packed = index.read_bytes()
    assert (len(packed) - 8) // 16 > kept
    index.write_bytes(kept.to_bytes(8, "little") + packed[8 : 8 + 16 * kept])
    with pytest.raises(FastaError, match=r"gzi|cut short|does not fit"):
        sd.GenomeFASTA("seq", path)


def test_records_without_letters(tmp_path: Path) -> None:
    """samtools leaves them out, pyfaidx lists them: both indexes are sound."""
    for make in (samtools, by_pyfaidx):
        path = tmp_path / f"{make.__name__}.fa"
        path.write_text(">e\n>a\nACGT\n>f\n\n>b\nAC\n\n")
        make(path)
        found = sd.GenomeFASTA("seq", path).contigs()
        assert {name: size for name, size in found.items() if size} == {"a": 4, "b": 2}
