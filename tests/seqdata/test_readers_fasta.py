from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import ContigError, FastaError, MissingFileError, UnknownLetterError
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


def read(reader: sd.GenomeFASTA, rows: list[tuple[str, int, int]]) -> list[str]:
    picked = windows(rows)
    out = reader.read(picked, int(picked.lengths.max()))
    return [bytes(row).rstrip(b"\0").decode() for row in out]


def flat(path: Path, **options: object) -> tuple[list[str], list[str]]:
    reader = sd.FlatFASTA("seq", path, **options)
    ids: list[str] = []
    seqs: list[str] = []
    for block in reader.blocks({}):
        ids += block.columns["id"].tolist()
        ends = np.cumsum(block.lengths)
        text = block.letters.tobytes().decode()
        seqs += [text[e - n : e] for e, n in zip(ends, block.lengths, strict=True)]
    return ids, seqs


# ------------------------------------------------------------------ rows


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_flat_records(tmp_path: Path, ending: bytes, packed: bool) -> None:
    text = b"\n>a one\nACGT\nAC\n>b\nnnRY\n\n>c\nT".replace(b"\n", ending)
    path = tmp_path / "x.fa"
    path.write_bytes(gzip.compress(text) if packed else text)
    assert flat(path) == (["a", "b", "c"], ["ACGTAC", "nnRY", "T"])


def test_flat_bgzip_and_batches(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text("".join(f">r{i}\n{'ACGT' * (i % 5 + 1)}\n" for i in range(50)))
    pysam.tabix_compress(str(path), str(tmp_path / "x.fa.gz"))
    whole = flat(path)
    assert flat(tmp_path / "x.fa.gz") == whole
    assert flat(path, batch_size=7) == whole
    sizes = [len(block) for block in sd.FlatFASTA("s", path, batch_size=7).blocks({})]
    assert sizes == [7] * 7 + [1]


@settings(max_examples=40)
@given(
    st.lists(st.text("ACGTNacgtn", min_size=1, max_size=50), min_size=1, max_size=12),
    st.integers(1, 30),
    st.integers(2, 64),
)
def test_flat_records_across_pieces(
    tmp_path_factory: pytest.TempPathFactory, seqs: list[str], wrap: int, piece: int
) -> None:
    path = tmp_path_factory.mktemp("fa") / "x.fa"
    lines = []
    for i, seq in enumerate(seqs):
        lines += [f">r{i}", *(seq[k : k + wrap] for k in range(0, len(seq), wrap))]
    path.write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seqdata.readers.fasta._CHUNK", piece)
        assert flat(path) == ([f"r{i}" for i in range(len(seqs))], seqs)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is empty"),
        ("ACGT\n", "line 1: expected '>'"),
        (">a\nAC\n>b\n>c\nG\n", r"record 2 \('b'\) has no letters"),
        (">\nAC\n", "a record has no name"),
        (">a\nACGT\n>b\nAC-T\n", r"Unknown letter '-' in .*, record 2 \('b'\), position 3"),
        (">a\nACGU\n", "Is this RNA"),
        (">a\nAC\0T\n", "Unknown letter 'byte 0'"),
    ],
)
def test_flat_errors(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.fa"
    path.write_text(text)
    with pytest.raises((FastaError, UnknownLetterError), match=message):
        flat(path)


def test_flat_truncated_gzip(tmp_path: Path) -> None:
    data = gzip.compress(b">a\nACGT\n" * 500)
    (tmp_path / "x.fa.gz").write_bytes(data[:-12])
    with pytest.raises(FastaError, match="damaged gzip"):
        flat(tmp_path / "x.fa.gz")


def test_unknown_letters_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text(">a\nAC-T\n>b\nA*GT\n")
    assert flat(path, on_unknown="n")[1] == ["ACNT", "ANGT"]
    with pytest.warns(UserWarning, match="2 unknown letters in .* were replaced by 'N'"):
        assert flat(path, on_unknown="warn")[1] == ["ACNT", "ANGT"]
    with pytest.raises(ValueError, match="on_unknown must be"):
        sd.FlatFASTA("s", path, on_unknown="maybe")  # type: ignore[arg-type]


def test_protein(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text(">a\nMKLVWX*\n")
    assert flat(path, alphabet="AA")[1] == ["MKLVWX*"]


# ------------------------------------------------------------------ windows


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    lines = []
    for name, size in (("chr1", 200_123), ("chr2", 61), ("chr3", 60), ("chr4", 1)):
        text = "".join(rng.choice(list("ACGTNacgt"), size))
        lines += [f">{name} words", *(text[k : k + 60] for k in range(0, size, 60))]
    out = {"plain": folder / "g.fa", "crlf": folder / "crlf.fa", "bgzip": folder / "g.fa.gz"}
    out["plain"].write_text("\n".join(lines) + "\n")
    out["crlf"].write_bytes("\r\n".join(lines).encode() + b"\r\n")
    pysam.tabix_compress(str(out["plain"]), str(out["bgzip"]))
    return out


@pytest.mark.parametrize("kind", ["plain", "crlf", "bgzip"])
def test_windows_equal_pyfaidx(genome: dict[str, Path], kind: str) -> None:
    reader = sd.GenomeFASTA("seq", genome[kind])
    oracle = pyfaidx.Fasta(str(genome["plain"]), as_raw=True, rebuild=False)
    rng = np.random.default_rng(1)
    sizes = reader.contigs()
    assert sizes == {"chr1": 200_123, "chr2": 61, "chr3": 60, "chr4": 1}
    rows = [("chr1", 0, 200_123), ("chr2", 60, 61), ("chr3", 0, 60), ("chr4", 0, 1)]
    for _ in range(300):
        name = str(rng.choice(list(sizes)))
        start = int(rng.integers(0, sizes[name]))
        rows.append((name, start, int(rng.integers(start + 1, sizes[name] + 1))))
    for got, (name, start, end) in zip(read(reader, rows), rows, strict=True):
        assert got == oracle[name][start:end]
    reader.close()


@pytest.mark.parametrize("kind", ["plain", "bgzip"])
def test_windows_over_the_ends(genome: dict[str, Path], kind: str) -> None:
    reader = sd.GenomeFASTA("seq", genome[kind])
    whole = read(reader, [("chr2", 0, 61)])[0]
    got = read(
        reader,
        [
            ("chr2", -3, 64),
            ("chr2", -10, -2),
            ("chr2", 61, 70),
            ("chr2", 100, 105),
            ("chr2", -2, 0),
        ],
    )
    assert got == ["NNN" + whole + "NNN", "N" * 8, "N" * 9, "N" * 5, "NN"]


def test_contig_not_there(genome: dict[str, Path]) -> None:
    reader = sd.GenomeFASTA("seq", genome["plain"])
    with pytest.raises(ContigError, match=r"no contig '1', which 1 of 1 .* calls it 'chr1'"):
        read(reader, [("1", 0, 5)])
    with pytest.raises(ContigError, match="Did you mean 'chr3'"):
        read(reader, [("chr33", 0, 5)])


def test_unknown_letter_in_a_window(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">c\nACGTAC\nGTZCGT\n")
    reader = sd.GenomeFASTA("seq", path)
    assert read(reader, [("c", 0, 8)]) == ["ACGTACGT"]
    with pytest.raises(UnknownLetterError, match=r"Unknown letter 'Z' in .*record 'c', position 9"):
        read(reader, [("c", 5, 12)])
    assert read(sd.GenomeFASTA("seq", path, on_unknown="n"), [("c", 5, 12)]) == ["CGTNCGT"]


def test_reader_survives_pickling(genome: dict[str, Path]) -> None:
    reader = sd.GenomeFASTA("seq", genome["bgzip"])
    rows = [("chr1", 5, 500)]
    before = read(reader, rows)
    assert read(pickle.loads(pickle.dumps(reader)), rows) == before


# ------------------------------------------------------------------ indexes


@pytest.mark.parametrize("packed", [False, True])
def test_index_goes_beside_the_file(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\nAC\n")
    if packed:
        pysam.tabix_compress(str(path), str(tmp_path / "g.fa.gz"))
        path = tmp_path / "g.fa.gz"
    assert read(sd.GenomeFASTA("seq", path), [("a", 1, 6)]) == ["CGTAC"]
    assert Path(f"{path}.fai").read_text().startswith("a\t6\t")
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


@pytest.mark.parametrize("packed", [False, True])
def test_index_goes_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir()
    path = folder / "g.fa"
    path.write_text(">a\nACGT\nAC\n")
    if packed:
        pysam.tabix_compress(str(path), str(folder / "g.fa.gz"))
        path.unlink()
        path = folder / "g.fa.gz"
    cache = tmp_path / "cache"
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(cache))
    touch = Path.touch

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        if self.parent == folder:
            raise PermissionError(13, "Permission denied", str(self))
        touch(self)

    monkeypatch.setattr(Path, "touch", refuse)
    assert read(sd.GenomeFASTA("seq", path), [("a", 1, 6)]) == ["CGTAC"]
    assert [entry.name for entry in folder.iterdir()] == [path.name]
    kept = sorted(p.suffix for p in (cache / "fasta_index").iterdir())
    assert kept == ([".fai", ".gzi"] if packed else [".fai"])
    before = {p: p.stat().st_mtime_ns for p in (cache / "fasta_index").iterdir()}
    assert read(sd.GenomeFASTA("seq", path), [("a", 0, 2)]) == ["AC"]
    assert before == {p: p.stat().st_mtime_ns for p in (cache / "fasta_index").iterdir()}


def test_index_nowhere_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\n")
    (tmp_path / "g.fa.fai").mkdir()
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(blocked))
    with pytest.raises(FastaError, match=r"neither beside it nor in .*EUGENE_CACHE_DIR"):
        sd.GenomeFASTA("seq", path)


def test_folder_in_the_place_of_the_index(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\n")
    (tmp_path / "g.fa.fai").mkdir()
    assert read(sd.GenomeFASTA("seq", path), [("a", 0, 4)]) == ["ACGT"]


def test_stale_index_is_built_again(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\n")
    sd.GenomeFASTA("seq", path)
    path.write_text(">b\nGGGGGG\n")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 10))
    assert read(sd.GenomeFASTA("seq", path), [("b", 0, 6)]) == ["GGGGGG"]


def test_index_that_promises_too_much(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\n")
    Path(f"{path}.fai").write_text("a\t400\t3\t4\t5\n")
    with pytest.raises(FastaError, match="promises more bases than the file holds"):
        read(sd.GenomeFASTA("seq", path), [("a", 0, 4)])
    for numbers in ("4\t-3\t4\t5", "4\t3\t0\t5", "4\t3\t4\t2", f"{2**55}\t3\t1\t9"):
        Path(f"{path}.fai").write_text(f"a\t{numbers}\n")
        with pytest.raises(FastaError, match="impossible numbers"):
            sd.GenomeFASTA("seq", path)
    Path(f"{path}.fai").write_text("a\tx\t3\t4\t5\n")
    with pytest.raises(FastaError, match="line 1 is no FASTA index line"):
        sd.GenomeFASTA("seq", path)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is empty"),
        (">a\nACGT\nAC\nACGT\n", "cannot be indexed.*same length"),
        (">a\nAC\n>a\nGT\n", "cannot be indexed|more than one record"),
        ("hello\n", "holds no record|cannot be indexed"),
    ],
)
def test_files_that_cannot_be_indexed(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "g.fa"
    path.write_text(text)
    with pytest.raises(FastaError, match=message):
        sd.GenomeFASTA("seq", path)
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_gzip_genome_names_bgzip(tmp_path: Path) -> None:
    path = tmp_path / "g.fa.gz"
    path.write_bytes(gzip.compress(b">a\nACGT\n"))
    with pytest.raises(FastaError, match=r"ordinary gzip.*gunzip -c .*\.gz \| bgzip > "):
        sd.GenomeFASTA("seq", path)


def test_damaged_bgzip_block(tmp_path: Path, genome: dict[str, Path]) -> None:
    data = bytearray(genome["bgzip"].read_bytes())
    path = tmp_path / "g.fa.gz"
    path.write_bytes(data)
    sd.GenomeFASTA("seq", path)
    data[40:200] = bytes(160)
    stamp = Path(f"{path}.fai").stat().st_mtime
    path.write_bytes(data)
    os.utime(path, (stamp, stamp))
    with pytest.raises(FastaError, match=r"damaged|cut short"):
        read(sd.GenomeFASTA("seq", path), [("chr1", 0, 1000)])


def test_missing_fasta(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="FASTA file"):
        sd.GenomeFASTA("seq", tmp_path / "none.fa")


# ------------------------------------------------------------------ real data


def test_real_yeast_genome(data_files) -> None:
    path = data_files / "sacCer3" / "sacCer3.fa.gz"
    reader = sd.GenomeFASTA("seq", path)
    oracle = pysam.FastaFile(str(path))
    assert reader.contigs() == dict(zip(oracle.references, oracle.lengths, strict=True))
    rng = np.random.default_rng(2)
    names = list(reader.contigs())
    rows = []
    for _ in range(500):
        name = str(rng.choice(names))
        start = int(rng.integers(0, reader.contigs()[name] - 512))
        rows.append((name, start, start + 512))
    assert read(reader, rows) == [oracle.fetch(*row) for row in rows]


def test_real_chromosome_piece(data_files, tmp_path: Path) -> None:
    source = data_files / "hg38_chr22_300kb" / "chr22_32000000_32300000.fa"
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    reader = sd.GenomeFASTA("seq", path)
    oracle = pyfaidx.Fasta(str(path), as_raw=True)
    (name,) = reader.contigs()
    rng = np.random.default_rng(3)
    rows = [(name, int(s), int(s) + 2114) for s in rng.integers(0, 297_000, 200)]
    assert read(reader, rows) == [oracle[name][s:e] for _, s, e in rows]


def test_fetch_sequences_strands(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">c\nAACCGRtn\n")
    bed = pd.DataFrame(
        {"chrom": "c", "chromStart": [0, 4, 6], "chromEnd": [3, 8, 9], "strand": ["+", "-", "-"]}
    )
    got = sd.regions.fetch_sequences(path, bed)
    assert [row.tobytes().rstrip(b"\0").decode() for row in got] == ["AAC", "naYC", "Nna"]


@pytest.mark.parametrize("seed", range(30))
def test_damaged_bytes_never_crash(genome: dict[str, Path], tmp_path: Path, seed: int) -> None:
    path = tmp_path / "g.fa.gz"
    path.write_bytes(genome["bgzip"].read_bytes())
    sd.GenomeFASTA("seq", path)
    rng = np.random.default_rng(seed)
    victim = path.with_name(path.name + ".fai") if seed % 3 == 0 else path
    victim = path.with_name(path.name + ".gzi") if seed % 3 == 1 else victim
    data = bytearray(victim.read_bytes())
    for _ in range(3):
        data[int(rng.integers(0, len(data)))] = int(rng.integers(0, 256))
    stamp = victim.stat().st_mtime
    victim.write_bytes(data)
    os.utime(victim, (stamp, stamp))
    try:
        reader = sd.GenomeFASTA("seq", path, on_unknown="n")
        rows = [(name, 0, min(size, 5000)) for name, size in reader.contigs().items()]
        got = read(reader, rows)
    except (FastaError, MemoryError):
        return
    assert all(got)


def test_nul_inside_a_window_is_no_padding(tmp_path: Path) -> None:
    fasta = tmp_path / "x.fa"
    fasta.write_bytes(b">c\nACGT\0\0ACGT\n")
    bed = pd.DataFrame({"chrom": ["c", "c"], "chromStart": [0, 1], "chromEnd": [3, 9]})
    with pytest.raises(UnknownLetterError, match=r"byte 0.*position 5"):
        sd.regions.fetch_sequences(fasta, bed)
    found = sd.regions.fetch_sequences(fasta, bed, on_unknown="n")
    assert [row.tobytes() for row in found] == [b"ACG\0\0\0\0\0", b"CGTNNACG"]
