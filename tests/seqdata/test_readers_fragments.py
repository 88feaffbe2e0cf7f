from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import ContigError, SchemaError, TrackError
from seqdata.readers._base import Windows


def windows(rows: list[tuple[str, int, int]]) -> Windows:
    names = tuple(dict.fromkeys(row[0] for row in rows))
    return Windows(
        names,
        np.array([names.index(row[0]) for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.zeros(len(rows), dtype=np.int8),
    )


def count(path: Path, start: int, end: int, **options: Any) -> np.ndarray:
    reader = sd.Fragments("cov", path, "a", **options)
    return reader.read(windows([("c", start, end)]), end - start)[0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=20),
    st.integers(-10, 60),
    st.integers(1, 50),
    st.sampled_from(["cutsite", "fragment"]),
    st.sampled_from([(0, 0), (4, -5)]),
)
def test_counts_equal_slow_counting(
    tmp_path_factory: pytest.TempPathFactory,
    fragments: list[tuple[int, int]],
    start: int,
    size: int,
    method: str,
    shift: tuple[int, int],
) -> None:
    wide = [(s, s + n) for s, n in fragments]
    path = tmp_path_factory.mktemp("fragments") / "x.tsv"
    path.write_text("".join(f"c\t{s}\t{e}\tAAAC-1\t2\n" for s, e in wide))
    expected = np.zeros(size, dtype=int)
    for s, e in wide:
        s, e = s + shift[0], e + shift[1]
        bases = range(s, e) if method == "fragment" else (s, e - 1)
        for base in bases:
            if start <= base < start + size:
                expected[base - start] += 1
    got = count(path, start, start + size, count_method=method, shift=shift)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_comments_gzip_and_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool, ending: str
) -> None:
    text = "# id=x\nd\t5\t9\n" + "".join(f"c\t{i}\t{i + 5}\n" for i in range(50))
    data = text.replace("\n", ending).encode()
    path = tmp_path / "x.bed.gz"
    path.write_bytes(gzip.compress(data) if packed else data)
    monkeypatch.setattr("seqdata.readers.fragments._CHUNK", 37)
    reader = sd.Fragments("cov", path, "a")
    assert reader.totals().tolist() == [51]
    assert reader.contigs() == {"d": 9, "c": 54}
    assert reader.read(windows([("c", 0, 60)]), 60).sum() == 100


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "holds no fragment"),
        ("c\t1\t5\nc\t5\n", "line 2: expected contig, start and end"),
        ("#x\n\nc\tx\t5\n", "line 3: expected contig, start and end"),
        ("c\t5\t5\n", "line 1: expected 0 <= start < end, got 5 and 5"),
        ("c\t-1\t5\n", "line 1: expected 0 <= start < end"),
        ("c 1 5\n", "expected contig, start and end"),
    ],
)
def test_bad_lines(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.bed").write_text(text)
    with pytest.raises(TrackError, match=message):
        sd.Fragments("cov", tmp_path / "x.bed", "a")


def test_other_errors(tmp_path: Path) -> None:
    path = tmp_path / "x.bed"
    path.write_text("c\t1\t5\n" * 300)
    with pytest.raises(TrackError, match="reaches 300 at one base, more than uint8 holds"):
        count(path, 0, 10, dtype=np.uint8)
    with pytest.raises(SchemaError, match="count_method must be"):
        count(path, 0, 10, count_method="ends")
    reader = sd.Fragments("cov", path, "a")
    with pytest.raises(ContigError, match="no contig 'chrc'"):
        reader.read(windows([("chrc", 0, 5)]), 5)
    assert not sd.Fragments("cov", path, "a", missing="zero").read(windows([("d", 0, 5)]), 5).any()
    (tmp_path / "y.gz").write_bytes(gzip.compress(b"c\t1\t5\n" * 1000)[:-12])
    with pytest.raises(TrackError, match="damaged gzip"):
        sd.Fragments("cov", tmp_path / "y.gz", "a")


def test_contig_ends_come_from_the_genome(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\n" + "ACGT" * 5 + "\n")
    (tmp_path / "x.bed").write_text("c\t2\t8\n")
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [10], "chromEnd": [20]})
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", tmp_path / "g.fa"), sd.Fragments("cov", tmp_path / "x.bed", "a"),
        path=tmp_path / "x.zarr", bed=bed, fixed_length=14,
    )  # fmt: skip
    assert ds["mask"].values.tolist() == [[1] * 12 + [0] * 2]
    assert ds["total_reads_cov"].values.tolist() == [1]


@pytest.mark.parametrize(
    "method, file",
    [("cutsite", "ATAC_cutsites_both_ends.bw"), ("fragment", "ATAC_fragment_coverage.bw")],
)
def test_real_fragments_equal_both_bigwigs(shared_data: Path, method: str, file: str) -> None:
    folder = shared_data / "sacCer3"
    reader = sd.Fragments(
        "cov", folder / "ATAC_SRR1822137_500k_fragments.bed.gz", "a", count_method=method
    )
    assert reader.totals().tolist() == [451_032]
    rng = np.random.default_rng(0)
    with pyBigWig.open(str(folder / file)) as oracle:
        sizes = oracle.chroms()
        rows = []
        for name in sizes:
            starts = rng.integers(0, sizes[name] - 2000, 15).tolist()
            rows += [(name, start, start + 2000) for start in starts]
        got = reader.read(windows(rows), 2000)[:, 0]
        expected = np.array([np.nan_to_num(oracle.values(*row)) for row in rows])
    np.testing.assert_array_equal(got, expected)


def test_a_shift_that_turns_a_fragment_inside_out(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("c\t10\t15\nc\t10\t30\n")
    whole = sd.Fragments("f", path, "a", count_method="fragment", shift=(4, -5))
    values = whole.read(windows([("c", 0, 40)]), 40)[0, 0]
    np.testing.assert_array_equal(np.flatnonzero(values), np.arange(14, 25))
    assert values.max() == 1
    assert whole.totals().tolist() == [1]
