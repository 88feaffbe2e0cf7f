"""One-hot windows beside letters, pyfaidx and tangermeme."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pysam
import pytest

import seqdata as sd
import seqpro as sp
from seqdata.errors import ContigError, FastaError, UnknownLetterError
from seqdata.readers._fasta_bytes import PlainBytes

LINES = {"wrapped": 60, "long": 100, "one": 10_000, "short": 7}


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    contigs = {"a": 5000, "b": 61, "c": 1}
    letters = {name: "".join(rng.choice(list("ACGTacgtNR"), n)) for name, n in contigs.items()}
    out = {}
    for kind, width in LINES.items():
        out[kind] = folder / f"{kind}.fa"
        with out[kind].open("w") as handle:
            for name, text in letters.items():
                handle.write(f">{name}\n")
                handle.writelines(text[i : i + width] + "\n" for i in range(0, len(text), width))
    out["bgzip"] = folder / "g.fa.gz"
    pysam.tabix_compress(str(out["wrapped"]), str(out["bgzip"]))
    return out


def regions(width: int | None, *, n: int = 200, inside: bool = False) -> pd.DataFrame:
    """Regions of contig a, of one width or of many, over its ends unless they are to be inside."""
    rng = np.random.default_rng(1)
    size = np.full(n, width) if width else rng.integers(1, 300, n)
    start = rng.integers(0 if inside else -150, 4600, n)
    if not inside:
        # at least one base lies behind the start of the contig
        start = np.maximum(start, 1 - size)
        start[:2] = 4990, 6000
    return pd.DataFrame(
        {
            "chrom": "a",
            "chromStart": start,
            "chromEnd": start + size,
            "strand": rng.choice(["+", "-", "."], n),
        }
    )


@pytest.mark.parametrize("piece", [1, 5000, 1 << 20])
@pytest.mark.parametrize("width", [None, 150])
@pytest.mark.parametrize("kind", [*LINES, "bgzip"])
def test_equals_letters_then_one_hot(
    genome: dict[str, Path],
    kind: str,
    width: int | None,
    piece: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bed = regions(width)
    with monkeypatch.context() as patch:
        patch.setattr(PlainBytes, "piece", piece)
        out = sd.regions.fetch_one_hot(genome[kind], bed)
        letters = sd.regions.fetch_sequences(genome[kind], bed)
    np.testing.assert_array_equal(letters, sd.regions.fetch_sequences(genome["wrapped"], bed))
    assert out.dtype == np.uint8
    assert out.shape == (len(bed), 4, letters.shape[1])
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(out, sp.ohe(letters, sp.DNA).swapaxes(1, 2))


@pytest.mark.parametrize("kind", [*LINES, "bgzip"])
@pytest.mark.parametrize(("width", "strand"), [(150, "+"), (150, "."), (1, "+"), (150, "-")])
def test_plain_windows_take_the_short_way(genome, kind, width, strand, monkeypatch):
    bed = regions(width, inside=True).assign(strand=strand)
    ways = []
    short = sd.GenomeFASTA.read_one_hot
    monkeypatch.setattr(
        sd.GenomeFASTA, "read_one_hot", lambda *a: ways.append(short(*a)) or ways[-1]
    )
    out = sd.regions.fetch_one_hot(genome[kind], bed)
    assert ways == [kind != "bgzip" and strand != "-"]
    letters = sd.regions.fetch_sequences(genome["wrapped"], bed)
    np.testing.assert_array_equal(out, sp.ohe(letters, sp.DNA).swapaxes(1, 2))


@pytest.mark.parametrize(("byte", "shown"), [(b"Z", "'Z'"), (b"\0", "'byte 0'"), (b"z", "'z'")])
def test_one_odd_letter_among_plain_windows(tmp_path: Path, byte: bytes, shown: str) -> None:
    path = tmp_path / "g.fa"
    letters = bytearray(b"ACGT" * 30)
    letters[101:102] = byte
    path.write_bytes(b">c\n" + letters[:60] + b"\n" + letters[60:] + b"\n")
    bed = pd.DataFrame({"chrom": "c", "chromStart": [0, 40, 100], "chromEnd": [20, 60, 120]})
    assert sd.regions.fetch_one_hot(path, bed[:2]).sum() == 40
    with pytest.raises(UnknownLetterError, match=rf"{shown} in .*record 'c', position 102"):
        sd.regions.fetch_one_hot(path, bed)
    assert sd.regions.fetch_one_hot(path, bed, on_unknown="n").sum(axis=(1, 2)).tolist() == [
        20, 20, 19,
    ]  # fmt: skip


def test_a_line_of_another_length_among_plain_windows(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    lines = ["ACGTA" * 4, "ACGTA" * 4, "ACGTA" * 3 + "ACG", "ACGTA" * 4 + "AC", "ACGTA" * 4]
    path.write_text(">c\n" + "\n".join(lines) + "\n")
    Path(f"{path}.fai").write_text("c\t100\t3\t20\t21\n")
    bed = pd.DataFrame({"chrom": "c", "chromStart": [0, 30], "chromEnd": [40, 70]})
    with pytest.raises(FastaError, match="does not fit record 'c': a line does not end"):
        sd.regions.fetch_one_hot(path, bed)
    assert sd.regions.fetch_one_hot(path, bed[:1]).sum() == 40


@pytest.mark.parametrize("kind", ["wrapped", "bgzip"])
def test_equals_pyfaidx(genome: dict[str, Path], kind: str) -> None:
    bed = regions(None, inside=True)
    out = sd.regions.fetch_one_hot(genome[kind], bed)
    oracle = pyfaidx.Fasta(str(genome["wrapped"]))
    for row, region in zip(out, bed.itertuples(), strict=True):
        cut = oracle["a"][region.chromStart : region.chromEnd]
        text = str(-cut if region.strand == "-" else cut).upper()
        expected = np.array([[letter == base for letter in text] for base in "ACGT"])
        np.testing.assert_array_equal(row[:, : len(text)], expected)
        assert not row[:, len(text) :].any()


def test_equals_tangermeme(genome: dict[str, Path]) -> None:
    peer = pytest.importorskip("tangermeme.io")
    # the peer knows no strand
    bed = regions(150, inside=True).drop(columns="strand")
    hot = peer.extract_loci(bed, str(genome["wrapped"]), in_window=150, ignore=["N", "R"], n_jobs=1)
    np.testing.assert_array_equal(sd.regions.fetch_one_hot(genome["wrapped"], bed), hot.numpy())


def test_alphabets_give_the_rows(tmp_path: Path) -> None:
    (tmp_path / "rna.fa").write_text(">c\nACGUn\n")
    (tmp_path / "dna.fa").write_text(">c\nACGTn\n")
    bed = pd.DataFrame({"chrom": ["c"] * 2, "chromStart": 0, "chromEnd": 5, "strand": ["+", "-"]})
    rna = sd.regions.fetch_one_hot(tmp_path / "rna.fa", bed, alphabet="RNA")
    dna = sd.regions.fetch_one_hot(tmp_path / "dna.fa", bed)
    np.testing.assert_array_equal(rna, dna)
    assert dna.argmax(axis=1).tolist() == [[0, 1, 2, 3, 0], [0, 0, 1, 2, 3]]
    assert dna.sum(axis=1).tolist() == [[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]]
    turned = sd.regions.fetch_one_hot(tmp_path / "dna.fa", bed, alphabet="TGCA")
    np.testing.assert_array_equal(turned, dna[:, ::-1])
    reader = sd.GenomeFASTA("seq", tmp_path / "rna.fa", alphabet="RNA")
    for _ in range(2):
        np.testing.assert_array_equal(sd.regions.fetch_one_hot(reader, bed), rna)
    reader.close()


@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_unknown_letters(tmp_path: Path, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainBytes, "piece", piece)
    path = tmp_path / "g.fa"
    path.write_text(">c\nACGTAC\nGTZCGT\n")
    bed = pd.DataFrame({"chrom": "c", "chromStart": [0, 5, 7, 2], "chromEnd": [8, 12, 12, 4]})
    with pytest.raises(UnknownLetterError, match=r"'Z' in .*record 'c', position 9"):
        sd.regions.fetch_one_hot(path, bed)
    with pytest.warns(UserWarning, match="2 unknown letters in .* replaced by 'N'"):
        out = sd.regions.fetch_one_hot(path, bed, on_unknown="warn")
    assert out[1].sum(axis=0).tolist() == [1, 1, 1, 0, 1, 1, 1, 0]
    np.testing.assert_array_equal(out, sd.regions.fetch_one_hot(path, bed, on_unknown="n"))


def test_what_cannot_be_read(genome: dict[str, Path], tmp_path: Path) -> None:
    bed = regions(10)
    with pytest.raises(ContigError, match="no contig 'z'"):
        sd.regions.fetch_one_hot(genome["wrapped"], bed.assign(chrom="z"))
    path = tmp_path / "g.fa"
    path.write_text(">c\nACGTAC\nGTCCGT\n")
    (tmp_path / "g.fa.fai").write_text("c\t12\t3\t5\t6\n")
    whole = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [12]})
    with pytest.raises(FastaError, match="does not fit record 'c'"):
        sd.regions.fetch_one_hot(path, whole)


def test_only_letters_with_a_complement_are_turned(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">c\nACDEF\n")
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [5], "strand": ["."]})
    out = sd.regions.fetch_one_hot(path, bed, alphabet="AA")
    np.testing.assert_array_equal(out[0], np.eye(21, dtype=np.uint8)[:5].T)
    with pytest.raises(sd.SeqdataError, match="have no complement"):
        sd.regions.fetch_one_hot(path, bed.assign(strand="-"), alphabet="AA")


def test_a_bed_file_on_disk(genome: dict[str, Path], tmp_path: Path) -> None:
    bed = regions(50, inside=True)
    table = bed.assign(name=".", score=0)[
        ["chrom", "chromStart", "chromEnd", "name", "score", "strand"]
    ]
    table.to_csv(tmp_path / "x.bed", sep="\t", header=False, index=False)
    np.testing.assert_array_equal(
        sd.regions.fetch_one_hot(genome["wrapped"], tmp_path / "x.bed"),
        sd.regions.fetch_one_hot(genome["wrapped"], bed),
    )
