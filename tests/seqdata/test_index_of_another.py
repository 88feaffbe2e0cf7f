"""Indexes that were made of another file, or are damaged: told, built again, and never believed."""

from __future__ import annotations

import gzip
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pysam
import pytest

import seqdata as sd
from seqdata.readers import Windows, _index_files

SIZE = 200_000
GENOME = "".join(np.random.default_rng(5).choice(list("ACGT"), SIZE))
STARTS = np.arange(0, SIZE - 3000, 3000)
KINDS = ("vcf tbi", "vcf csi", "bcf csi", "bam bai", "bam csi", "cram crai")


def places(release: str) -> np.ndarray:
    """Where records stand in a release of a file."""
    whole = np.arange(500, SIZE - 500, 40)
    return {
        "sound": whole,
        "shorter": whole[: len(whole) // 2],
        "longer": np.sort(np.concatenate([whole, [SIZE - 300]])),
        "without the first": whole[200:],
        "moved": whole + 7,
        "other middle": np.delete(whole, slice(900, 1500)),
    }[release]


RELEASES = ("shorter", "longer", "without the first", "moved", "other middle")


def write(folder: Path, kind: str, release: str) -> Path:
    what, index = kind.split()
    path = folder / {"vcf": "x.vcf.gz", "bcf": "x.bcf", "bam": "x.bam", "cram": "x.cram"}[what]
    if what in ("bam", "cram"):
        header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": SIZE}]}
        mode, genome = ("wb" if what == "bam" else "wc"), str(folder / "g.fa")
        with pysam.AlignmentFile(str(path), mode, header=header, reference_filename=genome) as out:
            for i, place in enumerate(places(release).tolist()):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.flag, read.reference_id = f"r{i}", 0, 0
                read.reference_start, read.mapping_quality = place, 60
                read.cigartuples = [(0, 30)]
                read.query_sequence = GENOME[place : place + 30]
                read.query_qualities = pysam.qualitystring_to_array("I" * 30)
                out.write(read)
        pysam.index(*(["-c"] if index == "csi" else []), str(path))
        return path
    rows = "".join(
        f"c\t{p + 1}\t.\t{GENOME[p]}\t{'ACGT'['CGTA'.index(GENOME[p])]}\t.\t.\t.\tGT\t1|1\n"
        for p in places(release).tolist()
    )
    (folder / "x.vcf").write_text(
        f"##fileformat=VCFv4.2\n##contig=<ID=c,length={SIZE}>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n{rows}"
    )
    if what == "bcf":
        with pysam.VariantFile(str(folder / "x.vcf")) as source:
            with pysam.VariantFile(str(path), "wb", header=source.header) as out:
                for record in source:
                    out.write(record)
        pysam.tabix_index(str(path), preset="bcf", force=True)
    else:
        pysam.tabix_compress(str(folder / "x.vcf"), str(path), force=True)
        pysam.tabix_index(str(path), preset="vcf", csi=index == "csi", force=True)
    return path


def wanted(kind: str) -> np.ndarray:
    """Count by hand what each window holds: changed letters, or reads over its bases."""
    at = places("sound")
    size = 30 if kind.split()[0] in ("bam", "cram") else 1
    ends = np.minimum(at[None] + size, STARTS[:, None] + 1000)
    return np.maximum(0, ends - np.maximum(at[None], STARTS[:, None])).sum(1)


def found(folder: Path, kind: str) -> np.ndarray:
    windows = Windows(
        ("c",),
        np.zeros(len(STARTS), np.int32),
        STARTS,
        STARTS + 1000,
        np.ones(len(STARTS), np.int8),
    )
    what = kind.split()[0]
    if what in ("bam", "cram"):
        options = {"reference": folder / "g.fa"} if what == "cram" else {}
        reader = sd.BAM("x", folder / f"x.{what}", "s", proper_pairs=False, **options)
        return reader.read(windows, 1000)[:, 0].sum(1)
    path = folder / ("x.bcf" if what == "bcf" else "x.vcf.gz")
    letters = sd.VCF("h", path, folder / "g.fa").read(windows, 1000)[:, 0, 0].view(np.uint8)
    reference = np.array([list(GENOME[s : s + 1000].encode()) for s in STARTS], np.uint8)
    return (letters.reshape(len(STARTS), -1) != reference).sum(1)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Treat the same file as one that is indexed at once, and as one that is only looked into."""
    if request.param == "large":
        monkeypatch.setattr(_index_files, "_SMALL", 0)
    return request.param


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "g.fa").write_text(f">c\n{GENOME}\n")
    return tmp_path


def put_index(path: Path, kind: str, data: bytes) -> Path:
    index = Path(f"{path}.{kind.split()[1]}")
    index.write_bytes(data)
    later = time.time() + 5
    os.utime(index, (later, later))
    return index


@pytest.mark.parametrize("release", RELEASES)
def test_index_of_another_release(folder: Path, kind: str, size: str, release: str) -> None:
    old = Path(f"{write(folder, kind, release)}.{kind.split()[1]}").read_bytes()
    path = write(folder, kind, "sound")
    put_index(path, kind, old)
    with pytest.warns(sd.SeqdataWarning, match="of another file than x"):
        np.testing.assert_array_equal(found(folder, kind), wanted(kind))


def test_index_of_the_file(folder: Path, kind: str, size: str) -> None:
    path = write(folder, kind, "sound")
    before = Path(f"{path}.{kind.split()[1]}").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error", sd.SeqdataWarning)
        for _ in range(2):
            np.testing.assert_array_equal(found(folder, kind), wanted(kind))
    assert Path(f"{path}.{kind.split()[1]}").read_bytes() == before
    built = [*(folder / "cache").rglob("x.*")] if (folder / "cache").exists() else []
    assert len(built) == (size == "small")


def test_damaged_index(folder: Path, kind: str, size: str) -> None:
    """Damage inside the packing, whose checksum is right: nothing of it reaches htslib."""
    path = write(folder, kind, "sound")
    index = Path(f"{path}.{kind.split()[1]}")
    raw = index.read_bytes()
    packed = raw[:2] == b"\x1f\x8b"
    plain = gzip.decompress(raw) if packed else raw
    rng = np.random.default_rng(11)
    for i in range(8):
        data = bytearray(plain)
        at = int(rng.integers(4, len(data) - 8))
        data[at : at + 4] = (b"\xff" * 4, b"\0" * 4, rng.bytes(4))[i % 3]
        content = bytes(data[: len(data) // 2] if i == 7 else data)
        if kind == "cram crai":
            content = plain.replace(b"\t", b"\t9", 1 + i % 3)
        if packed:
            with pysam.BGZFile(str(folder / "i"), "wb") as out:
                out.write(content)
            content = (folder / "i").read_bytes()
        put_index(path, kind, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(found(folder, kind), wanted(kind))


def test_the_same_size_and_time(folder: Path, kind: str) -> None:
    """What was built of a file is not used for another that cannot be told from it by its size."""
    path = write(folder, kind, "shorter")
    for index in folder.glob("x.*.*i"):
        if not index.name.endswith(".gz"):
            index.unlink()
    state = path.stat()
    put_index(path, kind, b"nothing")
    with pytest.warns(sd.SeqdataWarning):
        found(folder, kind)
    shorter = path.read_bytes()
    sound = write(folder, kind, "sound").read_bytes()
    assert len(sound) > len(shorter)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    put_index(path, kind, b"nothing")
    with pytest.warns(sd.SeqdataWarning):
        np.testing.assert_array_equal(found(folder, kind), wanted(kind))


def test_cached_index_by_content(tmp_path: Path) -> None:
    """Two states of a file with one size and one time have two names in the cache."""
    file = tmp_path / "x"
    names = set()
    for text in ("ACGT", "ACGA"):
        file.write_text(text)
        os.utime(file, (1000, 1000))
        names.add(_index_files.cached_path(file, "f", ".i"))
    assert len(names) == 2
