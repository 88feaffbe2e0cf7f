"""Lines of VCF files that do not fit their header: told with file and line by every reader."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pysam
import pytest

import seqdata as sd
from seqdata.errors import VariantError

GENOME = "GTCATTGACCTAGGATCCATGCAAGTCTAGCATTAGCCGATCAGTACCATG"
TOP = f"##fileformat=VCFv4.2\n##contig=<ID=c,length={len(GENOME)}>\n"
NAMES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tanna\tbert\n"
GOOD = f"c\t5\t.\t{GENOME[4]}\tA\t.\t.\t.\tGT\t0|1\t0|0\n"
BED = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [40]})

BAD: dict[str, tuple[str, str]] = {
    "a sample less": ("c\t9\t.\tC\tA\t.\t.\t.\tGT\t0|1\n", "1 columns of genotypes, expected 2"),
    "a sample more": ("c\t9\t.\tC\tA\t.\t.\t.\tGT\t0|1\t0|1\t1|1\n", "3 columns of genotypes"),
    "no GT, a sample less": ("c\t9\t.\tC\tA\t.\t.\t.\tDP\t4\n", "1 columns of genotypes"),
    "no samples": ("c\t9\t.\tC\tA\t.\t.\t.\n", "FORMAT and sample columns, got 8"),
    "cut short": ("c\t9\t.\tC\n", "at least 5 fields"),
    "POS a word": ("c\tnine\t.\tC\tA\t.\t.\t.\tGT\t0|1\t0|0\n", "(POS|pos) is 'nine'"),
    "POS zero": ("c\t0\t.\tC\tA\t.\t.\t.\tGT\t0|1\t0|0\n", "(POS|pos) is '0'"),
    "POS with a point": ("c\t9.5\t.\tC\tA\t.\t.\t.\tGT\t0|1\t0|0\n", "(POS|pos) is '9.5'"),
    "no POS": ("c\t\t.\tC\tA\t.\t.\t.\tGT\t0|1\t0|0\n", "(POS|pos) is ''"),
    "no REF": ("c\t9\t.\t\tA\t.\t.\t.\tGT\t0|1\t0|0\n", "(REF|ref) is ''"),
    "behind the contig": (
        "c\t999\t.\tC\tA\t.\t.\t.\tGT\t0|1\t0|0\n",
        "header says that c has 51 bp",
    ),
    "over its end": ("c\t51\t.\tGC\tA\t.\t.\t.\tGT\t0|1\t0|0\n", "header says that c has 51 bp"),
}


def haplotypes(path: Path, fasta: Path, folder: Path) -> Any:
    return sd.from_region_files(
        sd.VCF("hap", path, fasta), path=folder / "x.zarr", bed=BED, fixed_length=True
    )


def by_name(path: Path, fasta: Path, folder: Path) -> Any:
    return sd.read_vcf("hap", folder / "x.zarr", path, fasta, None, BED, fixed_length=True)


def single(path: Path, fasta: Path, folder: Path) -> Any:
    return sd.variant_windows(fasta, path, 6)


READERS: list[Callable[[Path, Path, Path], Any]] = [haplotypes, by_name, single]


def write(folder: Path, text: str, form: str) -> Path:
    path = folder / f"v.{form}"
    if form == "vcf":
        path.write_text(text)
    elif form == "bgz.vcf.gz":
        with pysam.BGZFile(str(path), "wb", None) as out:
            out.write(text.encode())
    else:
        path.write_bytes(gzip.compress(text.encode()))
    return path


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">c\n{GENOME}\n")
    return path


@pytest.mark.parametrize("form", ["vcf", "vcf.gz", "bgz.vcf.gz"])
@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("reader", READERS)
def test_lines_that_do_not_fit(
    tmp_path: Path, fasta: Path, reader: Callable[..., Any], how: str, form: str
) -> None:
    line, message = BAD[how]
    path = write(tmp_path, TOP + NAMES + GOOD + line, form)
    with pytest.raises(VariantError, match=rf"{path.name}, line 5.*: .*{message}"):
        reader(path, fasta, tmp_path)
    assert not (tmp_path / "x.zarr").exists()


@pytest.mark.parametrize(
    "how", ["a sample less", "no GT, a sample less", "no samples", "over its end"]
)
def test_lines_of_a_large_file(
    tmp_path: Path, fasta: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not all lines are looked at first, those that are read are."""
    monkeypatch.setattr("seqdata.readers._vcf_file._SMALL", 0)
    line, message = BAD[how]
    path = write(tmp_path, TOP + NAMES + GOOD + line, "bgz.vcf.gz")
    bed = BED.assign(chromEnd=len(GENOME))
    with pytest.raises(VariantError, match=rf"{path.name}, line 5.*: .*{message}"):
        sd.read_vcf("hap", tmp_path / "x.zarr", path, fasta, None, bed, fixed_length=True)
    assert not (tmp_path / "x.zarr").exists()


def test_lines_that_fit(tmp_path: Path, fasta: Path) -> None:
    """Sites alone, no line of names, a contig without length, blank ends: all are sound."""
    sites = NAMES.split("\tFORMAT")[0] + "\n"
    row = f"c\t5\t.\t{GENOME[4]}\tA\t.\t.\t.\n"
    for text in (
        TOP + sites + row,
        row,
        f"##contig=<ID=c>\n{sites}{row}\n",
        TOP.replace("ID=c,length=51", "assembly=x,length=51,ID=c") + NAMES + GOOD,
    ):
        path = write(tmp_path, text, "vcf")
        assert sd.variant_windows(fasta, path, 6).table["pos"].tolist() == [5]
