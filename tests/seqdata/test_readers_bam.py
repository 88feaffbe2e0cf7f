from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest

import seqdata as sd
from seqdata.errors import ContigError, MissingFileError, SchemaError, TrackError
from seqdata.readers import Windows


def windows(rows: list[tuple[str, int, int]]) -> Windows:
    names = tuple(dict.fromkeys(row[0] for row in rows))
    return Windows(
        names,
        np.array([names.index(row[0]) for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.zeros(len(rows), dtype=np.int8),
    )


def write_bam(path: Path, reads: list[dict[str, Any]], *, sort: bool = True) -> Path:
    """Write reads given as dicts of start, cigar, flag, mapq and template length."""
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": 1000}]}
    ordered = sorted(reads, key=lambda read: read["start"]) if sort else reads
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for i, read in enumerate(ordered):
            line = pysam.AlignedSegment()
            line.query_name = f"r{i}"
            line.flag = read.get("flag", 0)
            line.reference_id = 0
            line.reference_start = read["start"]
            line.mapping_quality = read.get("mapq", 60)
            line.cigarstring = read.get("cigar", "10M")
            line.template_length = read.get("tlen", 0)
            line.query_sequence = "N" * line.infer_query_length()
            out.write(line)
    return path


def count(path: Path, start: int = 0, end: int = 200, **options: Any) -> np.ndarray:
    reader = sd.BAM("cov", path, "a", **options)
    try:
        return reader.read(windows([("c", start, end)]), end - start)[0]
    finally:
        reader.close()


def on(*stretches: tuple[int, int], size: int = 200) -> np.ndarray:
    out = np.zeros(size, dtype=int)
    for start, end in stretches:
        out[start:end] += 1
    return out


PAIR = [
    {"start": 20, "flag": 0x1 | 0x2 | 0x20 | 0x40, "tlen": 60},
    {"start": 70, "flag": 0x1 | 0x2 | 0x10 | 0x80, "tlen": -60},
]


def test_depth_counts_aligned_bases_only(tmp_path: Path) -> None:
    reads = [{"start": 5}, {"start": 10, "cigar": "5M3D5M"}, {"start": 40, "cigar": "4S6M20N4M"}]
    got = count(write_bam(tmp_path / "x.bam", reads))
    expected = on((5, 15), (10, 15), (18, 23), (40, 46), (66, 70))
    np.testing.assert_array_equal(got[0], expected)
    assert got.dtype == np.uint16


@pytest.mark.parametrize(
    "read",
    [
        {"flag": 0x4}, {"flag": 0x100}, {"flag": 0x200}, {"flag": 0x400}, {"flag": 0x800},
        {"flag": 0x1}, {"mapq": 5},
    ],
)  # fmt: skip
def test_reads_that_are_left_out(tmp_path: Path, read: dict[str, Any]) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 5, **read}, {"start": 50}])
    np.testing.assert_array_equal(count(path, min_mapq=10)[0], on((50, 60)))


def test_filters_can_be_lifted(tmp_path: Path) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 5, "flag": 0x400}, {"start": 50, "flag": 0x1}])
    both = count(path, exclude_flags=0x4, proper_pairs=False)
    np.testing.assert_array_equal(both[0], on((5, 15), (50, 60)))


@pytest.mark.parametrize("offset", [False, True])
def test_cut_sites(tmp_path: Path, offset: bool) -> None:
    reads = [*PAIR, {"start": 100}, {"start": 120, "flag": 0x10}]
    got = count(write_bam(tmp_path / "x.bam", reads), count_method="tn5-cutsite", offset_tn5=offset)
    sites = (24, 74, 104, 124) if offset else (20, 79, 100, 129)
    np.testing.assert_array_equal(np.flatnonzero(got[0]), sites)


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("start, end", [(0, 200), (40, 50), (75, 90)])
def test_fragments_span_windows_without_reads(
    tmp_path: Path, offset: bool, start: int, end: int
) -> None:
    path = write_bam(tmp_path / "x.bam", [*PAIR, {"start": 100}])
    got = count(path, start, end, count_method="tn5-fragment", offset_tn5=offset)
    expected = on((24, 75)) if offset else on((20, 80))
    np.testing.assert_array_equal(got[0], expected[start:end])


@pytest.mark.parametrize("protocol", ["forward", "reverse"])
def test_strands(tmp_path: Path, protocol: str) -> None:
    path = write_bam(tmp_path / "x.bam", [*PAIR, {"start": 100, "flag": 0x10}])
    plus, minus = count(path, stranded=protocol)
    first, second = on((20, 30), (70, 80)), on((100, 110))
    if protocol == "reverse":
        first, second = second, first
    np.testing.assert_array_equal(plus, first)
    np.testing.assert_array_equal(minus, second)
    made = sd.BAM("cov", path, "a", stranded=protocol).track()
    assert made.samples == ("a+", "a-")
    assert made.strands == ("+", "-")
    assert made.mates.tolist() == [1, 0]


def test_off_the_contig_and_totals(tmp_path: Path) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 0}, {"start": 990}])
    reader = sd.BAM("cov", [path, path], ["a", "b"])
    out = reader.read(windows([("c", -5, 5), ("c", 995, 1005)]), 10)
    np.testing.assert_array_equal(out[0, 1], [0] * 5 + [1] * 5)
    np.testing.assert_array_equal(out[1, 0], [1] * 5 + [0] * 5)
    assert reader.totals().tolist() == [2, 2]


def test_counts_that_do_not_fit(tmp_path: Path) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 5}] * 300)
    with pytest.raises(TrackError, match=r"reaches 300 reads at one base, more than uint8 holds"):
        count(path, dtype=np.uint8)
    assert count(path, dtype=np.float32).max() == 300


def test_index_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 5}])
    count(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.bam", "x.bam.bai"]
    folder = tmp_path / "readonly"
    folder.mkdir()
    shutil.copy(path, folder / "y.bam")
    touch = Path.touch

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        if self.parent == folder:
            raise PermissionError(13, "Permission denied")
        touch(self)

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    assert count(folder / "y.bam").sum() == 10
    assert [entry.name for entry in folder.iterdir()] == ["y.bam"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="BAM file"):
        count(tmp_path / "none.bam")
    (tmp_path / "text.bam").write_text("hello\n" * 100)
    with pytest.raises(TrackError, match="cannot be opened"):
        count(tmp_path / "text.bam")
    unsorted = write_bam(tmp_path / "u.bam", [{"start": 50}, {"start": 5}], sort=False)
    with pytest.raises(TrackError, match="Sort it by coordinate"):
        count(unsorted)
    data = write_bam(tmp_path / "x.bam", [{"start": i} for i in range(500)]).read_bytes()
    (tmp_path / "cut.bam").write_bytes(data[:-40])
    with pytest.raises(TrackError, match="damaged or cut short"):
        count(tmp_path / "cut.bam")
    with pytest.raises(ContigError, match=r"no contig 'chrc'.* calls it 'c'"):
        sd.BAM("cov", tmp_path / "x.bam", "a").read(windows([("chrc", 0, 5)]), 5)


@pytest.mark.parametrize(
    "options, message",
    [({"count_method": "depth"}, "count_method must be"), ({"stranded": "yes"}, "stranded must")],
)
def test_options_that_make_no_sense(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        sd.BAM("cov", write_bam(tmp_path / "x.bam", [{"start": 1}]), "a", **options)


def test_cram(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\n" + "A" * 1000 + "\n")
    bam = write_bam(tmp_path / "x.bam", [{"start": 5}, {"start": 8}])
    pysam.view(
        "-C", "-T", str(tmp_path / "g.fa"), "-o", str(tmp_path / "x.cram"), str(bam),
        catch_stdout=False,
    )  # fmt: skip
    cram = tmp_path / "x.cram"
    np.testing.assert_array_equal(count(cram, reference=tmp_path / "g.fa"), count(bam))
    assert sd.BAM("cov", cram, "a", reference=tmp_path / "g.fa").totals().tolist() == [2]


def test_build_keeps_totals(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\n" + "ACGT" * 250 + "\n")
    bam = write_bam(tmp_path / "x.bam", [{"start": 5}, {"start": 50}])
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [20], "strand": ["-"]})
    ds = sd.read_bam(
        "seq", "cov", tmp_path / "x.zarr", tmp_path / "g.fa", bam, "a", bed, fixed_length=True
    )
    np.testing.assert_array_equal(ds["cov"].values[0, 0], on((5, 15), size=20)[::-1])
    assert ds["total_reads_cov"].values.tolist() == [2]


def test_depth_equals_its_bigwig(data_files) -> None:
    folder = data_files / "bam_bigwig_golden_dm3"
    reader = sd.BAM("cov", folder / "x.bam", "a")
    rng = np.random.default_rng(0)
    starts = np.concatenate([rng.integers(0, 5_000_000, 150), [9_300, 10_200]])
    rows = [("chr2L", int(s), int(s) + 1000) for s in starts]
    got = reader.read(windows(rows), 1000)[:, 0]
    with pyBigWig.open(str(folder / "x.bigwig")) as oracle:
        expected = np.array([np.nan_to_num(oracle.values(*row)) for row in rows])
    assert expected.sum() > 10_000
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("method", ["depth-only", "tn5-cutsite"])
@pytest.mark.parametrize("least", [0, 10])
def test_strands_equal_pysam(data_files, method: str, least: int) -> None:
    path = data_files / "bam_bigwig_golden_dm3" / "x.bam"
    rng = np.random.default_rng(1)
    rows = [("chr2L", int(s), int(s) + 3000) for s in rng.integers(0, 5_000_000, 40)]
    options: dict[str, Any] = {"count_method": method, "min_mapq": least, "offset_tn5": True}
    reader = sd.BAM("cov", path, "a", stranded="reverse", **options)
    got = reader.read(windows(rows), 3000)
    with pysam.AlignmentFile(str(path)) as handle:
        backward = [read.is_reverse for read in handle]
    totals = [sum(backward), len(backward) - sum(backward)]
    assert totals == [22_656, 22_937] or not data_files.is_real
    assert reader.totals().tolist() == totals
    expected = np.zeros_like(got)
    with pysam.AlignmentFile(str(path)) as handle:
        for row, (chrom, start, end) in enumerate(rows):
            for read in handle.fetch(chrom, start - 10, end + 10):
                if read.mapping_quality < least:
                    continue
                site = read.reference_end - 6 if read.is_reverse else read.reference_start + 4
                covered = read.get_reference_positions() if method == "depth-only" else [site]
                for base in covered:
                    if start <= base < end:
                        expected[row, int(not read.is_reverse), base - start] += 1
    assert expected[:, 0].sum() > 100
    assert expected[:, 1].sum() > 100
    np.testing.assert_array_equal(got, expected)


def pairs_of(rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """Return reads of pairs of either orientation, some of them marked to be left out."""
    reads = []
    for _ in range(n):
        start, size = int(rng.integers(0, 700)), int(rng.integers(12, 250))
        first, second = (0x40, 0x80) if rng.random() < 0.5 else (0x80, 0x40)
        shared = 0x1 | (0x2 if rng.random() < 0.8 else 0) | (0x400 if rng.random() < 0.1 else 0)
        left = {"start": start, "flag": shared | 0x20 | first, "tlen": size}
        right = {"start": start + size - 10, "flag": shared | 0x10 | second, "tlen": -size}
        mapq = int(rng.integers(0, 60))
        reads += [{**left, "mapq": mapq}, {**right, "mapq": mapq}]
    return reads


@pytest.mark.parametrize("method", ["depth-only", "tn5-cutsite", "tn5-fragment"])
@pytest.mark.parametrize("protocol", ["forward", "reverse"])
def test_pairs_equal_slow_counting(tmp_path: Path, method: str, protocol: str) -> None:
    reads = pairs_of(np.random.default_rng(2), 400)
    path = write_bam(tmp_path / "x.bam", reads)
    options: dict[str, Any] = {"stranded": protocol, "count_method": method, "min_mapq": 20}
    got = count(path, 100, 900, offset_tn5=True, **options)
    expected = np.zeros((2, 1000), dtype=int)
    totals = [0, 0]
    for read in reads:
        flag, start, size = read["flag"], read["start"], read["tlen"]
        minus = bool(flag & 0x10) != bool(flag & 0x80)
        strand = int(minus != (protocol == "reverse"))
        totals[strand] += 1
        if read["mapq"] < 20 or flag & 0x400 or not flag & 0x2:
            continue
        if method == "depth-only":
            expected[strand, start : start + 10] += 1
        elif method == "tn5-cutsite":
            expected[strand, start + 10 - 1 - 5 if flag & 0x10 else start + 4] += 1
        elif size > 0:
            expected[strand, start + 4 : start + size - 5] += 1
    np.testing.assert_array_equal(got, expected[:, 100:900])
    assert sd.BAM("cov", path, "a", **options).totals().tolist() == totals


def test_single_reads_have_no_fragments(tmp_path: Path) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 5}, {"start": 50}])
    with pytest.raises(SchemaError, match=r"x\.bam holds single-end reads .* no fragments"):
        count(path, count_method="tn5-fragment")


def test_an_index_older_than_its_file_is_built_again(tmp_path: Path) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 20}])
    assert count(path).sum() == 10
    index = Path(f"{path}.bai")
    old = index.read_bytes()
    write_bam(path, [{"start": 20}, {"start": 150}])
    os.utime(index, (1, 1))
    np.testing.assert_array_equal(count(path)[0], on((20, 30), (150, 160)))
    assert index.read_bytes() != old
    assert index.stat().st_mtime > 1


def test_an_index_that_can_be_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bam(tmp_path / "x.bam", [{"start": 20}])
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(TrackError, match=r"Cannot write the index of .*EUGENE_CACHE_DIR"):
        count(path)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (None, r"x\.cram cannot be read.* a CRAM needs the FASTA file .* Pass reference="),
        (">c\n" + "C" * 1000 + "\n", r"another reference than reference=.*whose 'c' has other"),
        (">c\n" + "C" * 999 + "\n", r"another reference.* 'c' has 999 bp and not 1000"),
        (">d\n" + "A" * 1000 + "\n", r"another reference.* no contig 'c'"),
    ],
)
@pytest.mark.parametrize("how", ["read", "totals", "pairs"])
def test_a_cram_and_its_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str | None, told: str, how: str
) -> None:
    monkeypatch.setenv("REF_PATH", str(tmp_path / "nowhere"))
    monkeypatch.setenv("REF_CACHE", str(tmp_path / "cache" / "%2s/%s"))
    (tmp_path / "g.fa").write_text(">c\n" + "A" * 1000 + "\n")
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": 1000}]}
    cram = str(tmp_path / "x.cram")
    with pysam.AlignmentFile(
        cram, "wc", header=header, reference_filename=str(tmp_path / "g.fa")
    ) as out:
        for start in range(0, 200, 10):
            line = pysam.AlignedSegment(out.header)
            line.query_name, line.query_sequence, line.cigarstring = "r", "A" * 10, "10M"
            line.flag, line.reference_id, line.reference_start = 0, 0, start
            out.write(line)
    (tmp_path / "g.fa").unlink()
    (tmp_path / "g.fa.fai").unlink()
    options: dict[str, Any] = {}
    if reference is not None:
        (tmp_path / "other.fa").write_text(reference)
        options["reference"] = tmp_path / "other.fa"
    quiet = pysam.set_verbosity(0)
    try:
        with pytest.raises(TrackError, match=told):
            if how == "read":
                count(tmp_path / "x.cram", **options)
            elif how == "pairs":
                sd.BAM("cov", cram, "a", count_method="tn5-fragment", **options)
            else:
                sd.BAM("cov", cram, "a", **options).totals()
    finally:
        pysam.set_verbosity(quiet)
