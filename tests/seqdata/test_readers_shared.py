"""One reader for several threads, datasets and processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest

import seqdata as sd
from seqdata.windows._regions import make_windows

LENGTH = 200_000
WIDTH = 90


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    rng = np.random.default_rng(5)
    genome = rng.choice(np.frombuffer(b"ACGT", "u1"), LENGTH).astype("u1").tobytes().decode()
    text = ">c\n" + "\n".join(genome[i : i + 60] for i in range(0, LENGTH, 60)) + "\n"
    (folder / "g.fa").write_text(text)
    with pysam.BGZFile(str(folder / "g.fa.gz"), "w") as out:
        out.write(text.encode())
    with pyBigWig.open(str(folder / "s.bw"), "w") as out:
        out.addHeader([("c", LENGTH)])
        starts = np.arange(0, LENGTH, 50)
        values = rng.random(len(starts))
        out.addEntries(
            ["c"] * len(starts),
            starts.tolist(),
            ends=(starts + 50).tolist(),
            values=values.tolist(),
        )
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": LENGTH}]}
    for name, mode in (("r.bam", "wb"), ("r.cram", "wc")):
        given = {"reference_filename": str(folder / "g.fa")} if mode == "wc" else {}
        with pysam.AlignmentFile(str(folder / name), mode, header=header, **given) as out:
            for start in range(0, LENGTH - 40, 30):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.query_sequence = "r", genome[start : start + 30]
                read.cigarstring, read.flag, read.reference_id = "30M", 0, 0
                read.reference_start, read.mapping_quality = start, 60
                out.write(read)
    swap = str.maketrans("ACGT", "CGTA")
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID=c,length={LENGTH}>"]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="x">']
    lines += ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta"]
    for at in range(10, LENGTH, 45):
        ref = genome[at]
        lines.append(f"c\t{at + 1}\t.\t{ref}\t{ref.translate(swap)}\t.\t.\t.\tGT\t{at % 2}|1")
    (folder / "v.vcf").write_text("\n".join(lines) + "\n")
    pysam.tabix_compress(str(folder / "v.vcf"), str(folder / "v.vcf.gz"))
    pysam.tabix_index(str(folder / "v.vcf.gz"), preset="vcf")
    (folder / "f.tsv").write_text(
        "".join(f"c\t{at}\t{at + 70}\tb\t1\n" for at in range(0, LENGTH - 100, 35))
    )
    return folder


READERS: dict[str, Callable[[Path], Any]] = {
    "plain FASTA": lambda d: sd.GenomeFASTA("x", d / "g.fa"),
    "bgzip FASTA": lambda d: sd.GenomeFASTA("x", d / "g.fa.gz"),
    "BigWig": lambda d: sd.BigWig("x", d / "s.bw", "s"),
    "BAM": lambda d: sd.BAM("x", d / "r.bam", "s"),
    "CRAM": lambda d: sd.BAM("x", d / "r.cram", "s", reference=d / "g.fa"),
    "VCF": lambda d: sd.VCF("x", d / "v.vcf.gz", d / "g.fa.gz", None),
    "fragments": lambda d: sd.Fragments("x", d / "f.tsv", "s", contigs={"c": LENGTH}),
}


def windows(seed: int, n: int = 45) -> pd.DataFrame:
    start = np.random.default_rng(seed).integers(0, LENGTH - WIDTH, n)
    return pd.DataFrame({"chrom": "c", "chromStart": start, "chromEnd": start + WIDTH})


def read(reader: Any, table: pd.DataFrame) -> np.ndarray:
    start, end = table["chromStart"].to_numpy(), table["chromEnd"].to_numpy()
    return np.asarray(reader.read(make_windows(table, start, end), WIDTH))


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, files: Path) -> Any:
    return READERS[request.param](files)


@pytest.fixture(autouse=True)
def _switch_often() -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run(works: list[Callable[[], None]]) -> list[BaseException]:
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("how", ["read", "open_regions"])
def test_threads_read_what_one_reads(reader: Any, how: str) -> None:
    tables = [windows(seed) for seed in range(3)]
    want = [read(reader, table) for table in tables]
    reader.close()
    sets = [
        sd.open_regions(reader, bed=table, fixed_length=WIDTH) if how != "read" else None
        for table in tables
    ]

    def work(i: int) -> None:
        for low in range(0, len(tables[i]), 15):
            part = slice(low, low + 15)
            if sets[i] is None:
                got = read(reader, tables[i].iloc[part].reset_index(drop=True))
            else:
                got = sets[i]["x"].isel(_sequence=part).to_numpy()
                got = got.view(np.uint8) if got.dtype.kind == "S" else got
            np.testing.assert_array_equal(got, want[i][part])
            if i == 0:
                # a dataset that is built of the same reader closes it
                reader.close()

    errors = run([lambda i=i: work(i) for i in range(3)])  # type: ignore[misc]
    assert not errors


def test_threads_of_loaders(files: Path, tmp_path: Path) -> None:
    signal, letters = READERS["BigWig"](files), READERS["bgzip FASTA"](files)
    letters.name = "seq"
    tables = [windows(seed, 60) for seed in range(3)]
    want = [(read(letters, table), read(signal, table)) for table in tables]
    sets = [
        sd.open_regions(letters, signal, bed=table, fixed_length=WIDTH, cache_dir=tmp_path)
        for table in tables
    ]

    def work(i: int) -> None:
        loader = sd.get_torch_dataloader(
            sets[i], variables=["seq", "x"], batch_size=20, in_memory=False
        )
        for number, batch in enumerate(loader):
            part = slice(20 * number, 20 * number + 20)
            np.testing.assert_array_equal(batch["seq"].numpy(), want[i][0][part])
            np.testing.assert_array_equal(batch["x"].numpy(), want[i][1][part])

    assert not run([lambda i=i: work(i) for i in range(3)])  # type: ignore[misc]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_reads_beside_its_parent(reader: Any) -> None:
    tables = [windows(seed) for seed in range(2)]
    want = [read(reader, table) for table in tables]

    def work(i: int) -> None:
        for low in range(0, len(tables[i]), 8):
            got = read(reader, tables[i].iloc[low : low + 8].reset_index(drop=True))
            np.testing.assert_array_equal(got, want[i][low : low + 8])

    child = multiprocessing.get_context("fork").Process(target=work, args=(1,))
    child.start()
    work(0)
    child.join(60)
    assert child.exitcode == 0
