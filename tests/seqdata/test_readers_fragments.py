from __future__ import annotations

import contextlib
import gc
import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import ContigError, SchemaError, TrackError
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


def count(path: Path, start: int, end: int, **options: Any) -> np.ndarray:
    reader = sd.Fragments("cov", path, "a", **options)
    return reader.read(windows([("c", start, end)]), end - start)[0, 0]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=20),
    st.integers(-10, 60),
    st.integers(1, 50),
    st.sampled_from(["cutsite", "fragment", "midpoint"]),
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
        middle = [(s + e) // 2] if s < e else []
        bases = {"fragment": range(s, e), "cutsite": (s, e - 1), "midpoint": middle}
        for base in bases[method]:
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
    monkeypatch.setattr("seqdata.readers._fragment_file._CHUNK", 37)
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
def test_fragments_equal_both_bigwigs(data_files, method: str, file: str) -> None:
    folder = data_files / "sacCer3"
    reader = sd.Fragments(
        "cov", folder / "ATAC_SRR1822137_500k_fragments.bed.gz", "a", count_method=method
    )
    with gzip.open(folder / "ATAC_SRR1822137_500k_fragments.bed.gz") as lines:
        n = sum(1 for _ in lines)
    assert n == 451_032 or not data_files.is_real
    assert reader.totals().tolist() == [n]
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


@pytest.mark.parametrize("method", ["cutsite", "fragment", "midpoint"])
def test_barcodes_make_samples(tmp_path: Path, method: str) -> None:
    rng = np.random.default_rng(1)
    cells = [f"CELL{i}-1" for i in range(40)]
    group = {cell: "ABC"[i % 3] for i, cell in enumerate(cells[:30])}
    rows = [
        (f"c{rng.integers(3)}", int(s), int(s + rng.integers(1, 50)), cells[rng.integers(40)])
        for s in rng.integers(0, 500, 600)
    ]
    path = tmp_path / "x.tsv.gz"
    lines = "".join(f"{c}\t{s}\t{e}\t{cell}\t1\n" for c, s, e, cell in rows)
    path.write_bytes(gzip.compress(lines.encode()))
    reader = sd.Fragments("cov", path, ["B", "A", "C"], barcodes=group, count_method=method)
    places = windows([(f"c{i}", 0, 600) for i in range(3)])
    found = reader.read(places, 600)
    for k, name in enumerate("BAC"):
        kept = [row for row in rows if group.get(row[3]) == name]
        (tmp_path / "y.tsv").write_text("".join(f"{c}\t{s}\t{e}\n" for c, s, e, _ in kept))
        alone = sd.Fragments("cov", tmp_path / "y.tsv", "a", count_method=method)
        np.testing.assert_array_equal(found[:, k], alone.read(places, 600)[:, 0])
        assert reader.totals()[k] == len(kept)


def test_the_same_barcode_in_two_files(tmp_path: Path) -> None:
    for name, start in (("x", 3), ("y", 7)):
        (tmp_path / name).write_text(f"c\t{start}\t{start + 2}\tAC\n")
    files = [tmp_path / "x", tmp_path / "y"]
    one = sd.Fragments("cov", files, ["p", "q"], barcodes={"AC": "q"})
    assert one.totals().tolist() == [0, 2]
    two = sd.Fragments("cov", files, ["p", "q"], barcodes=[{"AC": "q"}, {"AC": "p"}])
    out = two.read(windows([("c", 0, 10)]), 10)[0]
    assert [np.flatnonzero(row).tolist() for row in out] == [[7, 8], [3, 4]]


@pytest.mark.parametrize(
    "barcodes, message",
    [
        ({"AC": "z"}, r"puts 'AC' into sample 'z', which is none of samples"),
        ([{"AC": "p"}], r"1 mappings for 2 files"),
        ({}, "barcodes is empty"),
    ],
)
def test_barcodes_that_do_not_fit(tmp_path: Path, barcodes: Any, message: str) -> None:
    (tmp_path / "x").write_text("c\t1\t5\tAC\n")
    with pytest.raises(SchemaError, match=message):
        sd.Fragments("cov", [tmp_path / "x"] * 2, ["p", "q"], barcodes=barcodes)
    with pytest.raises(TrackError, match="no fragment with one of the barcodes"):
        (tmp_path / "y").write_text("# nothing\n")
        sd.Fragments("cov", tmp_path / "y", "p", barcodes={"AC": "p"})
    (tmp_path / "y").write_text("c\t1\t5\tAC\nc\t1\t5\n")
    with pytest.raises(TrackError, match="line 2: expected contig, start and end and barcode"):
        sd.Fragments("cov", tmp_path / "y", "p", barcodes={"AC": "p"})


@pytest.mark.parametrize("method", ["cutsite", "fragment", "midpoint"])
def test_many_fragments_go_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    rng = np.random.default_rng(2)
    lines = [f"c{rng.integers(4)}\t{s}\t{s + 20}\n" for s in rng.integers(0, 900, 3000)]
    path = tmp_path / "x.bed"
    path.write_text("".join(lines))
    places = windows([(f"c{i}", 0, 1000) for i in range(4)])
    held = sd.Fragments("cov", path, "a", count_method=method)
    monkeypatch.setattr("seqdata.readers._fragment_file._CHUNK", 4000)
    monkeypatch.setattr("seqdata.readers._fragment_file._HELD_BYTES", 5000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spilled = sd.Fragments("cov", path, "a", count_method=method)
    assert len(list(tmp_path.glob("eugene-fragments-*/*"))) == 4 * (1 + (method == "fragment"))
    expected = held.read(places, 1000)
    np.testing.assert_array_equal(spilled.read(places, 1000), expected)
    copy = pickle.loads(pickle.dumps(spilled))
    np.testing.assert_array_equal(copy.read(places, 1000), expected)
    assert spilled.totals().tolist() == [3000]
    del spilled
    gc.collect()
    assert not list(tmp_path.glob("eugene-fragments-*"))


def test_lines_of_every_form(tmp_path: Path) -> None:
    path = tmp_path / "x.bed"
    path.write_bytes(
        b"track name=x\n \t\r\n#c\t1\t2\nbrowser position c\ntrackc\t1\t3\r\n\nc\t2\t4\tAC\t9\r\n"
        b"c\t0\t2147483647"
    )
    reader = sd.Fragments("cov", path, "a")
    assert reader.totals().tolist() == [3]
    assert reader.contigs() == {"trackc": 3, "c": 2**31 - 1}
    assert reader.read(windows([("c", 0, 5)]), 5)[0, 0].tolist() == [1, 0, 1, 1, 0]


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("fragments") / "x.tsv"
    path.write_bytes(b"c\t1\t5\tAC\nd\t3\t9\tAC\n" + noise)
    with contextlib.suppress(TrackError):
        reader = sd.Fragments("cov", path, "a", barcodes={"AC": "a"})
        assert reader.totals()[0] >= 2
        assert reader.contigs()["d"] >= 9


@pytest.mark.parametrize("held", [1 << 27, 0])
def test_halves_add_up_and_depend_on_the_seed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """Both ends of a fragment go to one half, whatever the pieces that the file is read in."""
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 500, 400) * 2
    # a fragment begins at an even base and ends at an odd one, so each end tells of the other
    lines = [f"{'cd'[i % 2]}\t{s}\t{s + 100}\n" for i, s in enumerate(starts)]
    (tmp_path / "x.bed").write_text("".join(lines))
    wanted = windows([("c", 0, 1200), ("d", 0, 1200)])
    whole = sd.Fragments("cov", tmp_path / "x.bed", "a").read(wanted, 1200)[:, 0]
    reader = sd.Fragments("cov", tmp_path / "x.bed", "a", halves=7)
    assert list(reader.track().samples) == ["a.1", "a.2"]
    halves = reader.read(wanted, 1200)
    np.testing.assert_array_equal(halves.sum(axis=1), whole)
    for contig in halves:
        for half in contig:
            np.testing.assert_array_equal(half[0:1000:2], half[99:1099:2])
    assert 150 < reader.totals()[0] < 250 and reader.totals().sum() == 400
    monkeypatch.setattr("seqdata.readers._fragment_file._CHUNK", 137)
    monkeypatch.setattr("seqdata.readers._fragment_file._HELD_BYTES", held)
    again = sd.Fragments("cov", tmp_path / "x.bed", "a", halves=7)
    np.testing.assert_array_equal(again.read(wanted, 1200), halves)
    other = sd.Fragments("cov", tmp_path / "x.bed", "a", halves=8)
    assert (other.read(wanted, 1200) != halves).any()
    both = sd.Fragments(
        "cov", [tmp_path / "x.bed"] * 2, ["a", "b"], strands=["+", "-"], pairs=["b", "a"], halves=7
    )
    track = both.track()
    assert list(track.samples) == ["a.1", "a.2", "b.1", "b.2"]
    assert list(track.pairs) == ["b.1", "b.2", "a.1", "a.2"]
    np.testing.assert_array_equal(both.read(wanted, 1200)[:, :2], halves)
