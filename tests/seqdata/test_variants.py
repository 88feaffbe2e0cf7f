from __future__ import annotations

import gzip
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import ContigError, LengthError, MissingFileError, SchemaError, VariantError

GENOME = "ACGTTGCAACCGGTTAACGTATATCGCGAGCT"


def table(*rows: tuple[int, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["pos", "ref", "alt"])
    return frame.assign(chrom="c")


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">c\n{GENOME}\n")
    return path


def text(rows: np.ndarray) -> list[str]:
    return [row.tobytes().decode() for row in rows]


def slow(
    position: int, ref: str, alt: str, length: int, align: str = "left", genome: str = GENOME
) -> tuple[str, str]:
    shared = 0
    while ref != alt and shared < min(len(ref), len(alt)) and ref[shared] == alt[shared]:
        shared += 1
    pad = "N" * 100
    at = position - 1 + 100
    whole = pad + genome + pad
    changed = whole[:at] + alt + whole[at + len(ref) :]
    begin = at + shared - length // 2
    other = begin + (len(alt) - len(ref) if align == "right" else 0)
    return whole[begin : begin + length], changed[other : other + length]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, len(GENOME)), st.integers(1, 6), st.text("ACGT", min_size=1, max_size=8)
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 30),
    st.sampled_from(["left", "right"]),
)
def test_windows_equal_slow_editing(
    fasta: Path, rows: list[tuple[int, int, str]], length: int, align: Literal["left", "right"]
) -> None:
    variants = [(pos, GENOME[pos - 1 : pos - 1 + size], alt) for pos, size, alt in rows]
    out = sd.variant_windows(fasta, table(*variants), length, align=align)
    expected = [slow(*variant, length, align) for variant in variants]
    assert text(out.reference) == [pair[0] for pair in expected]
    assert text(out.alternate) == [pair[1] for pair in expected]
    assert out.table["matches"].all()
    assert (out.table["end"] - out.table["start"] == length).all()


def test_a_thousand_indels_equal_string_slicing(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    genome = "".join(rng.choice(list("ACGT"), 20_000))
    (tmp_path / "g.fa").write_text(f">c\n{genome}\n")
    rows = []
    while len(rows) < 1000:
        position, size, extra = (int(v) for v in rng.integers([1, 0, 0], [19_990, 40, 40]))
        anchor = genome[position - 1]
        ref = genome[position - 1 : position + size]
        alt = anchor + "".join(rng.choice(list("ACGT"), extra))
        if len(ref) != len(alt):
            rows.append((position, ref, alt))
    length = 60
    variants = table(*rows)
    first = {}
    for align in ("left", "right"):
        out = sd.variant_windows(tmp_path / "g.fa", variants, length, align=align)  # type: ignore[arg-type]
        expected = [slow(*row, length, align, genome) for row in rows]
        assert text(out.reference) == [pair[0] for pair in expected]
        assert text(out.alternate) == [pair[1] for pair in expected]
        first[align] = out
    both = sd.variant_windows(tmp_path / "g.fa", variants, length, align="mean")
    assert (both.reference == first["left"].reference).all()
    for way, align in enumerate(("left", "right")):
        assert (both.alternate[:, way] == first[align].alternate).all()
    left = first["left"]
    half = length // 2
    assert (left.reference[:, :half] == left.alternate[:, :half]).all()
    # with the right ends in place, the bases behind the alleles are the same in both windows
    right = first["right"]
    for row, (_, ref, alt) in enumerate(rows):
        behind = min(half + max(len(ref), len(alt)), length)
        assert (right.reference[row, behind:] == right.alternate[row, behind:]).all()


def test_long_alleles_are_read_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    genome = "".join(rng.choice(list("ACGT"), 5000))
    (tmp_path / "g.fa").write_text(f">c\n{genome}\n")
    sizes = [1, 3000, 2, 900, 1, 40]
    rows = [(900 + i, genome[899 + i : 899 + i + size], "GATTACA") for i, size in enumerate(sizes)]
    monkeypatch.setattr("seqdata.variants._BYTES_TOGETHER", 100)
    out = sd.variant_windows(tmp_path / "g.fa", table(*rows), 30)
    expected = [slow(*row, 30, "left", genome) for row in rows]
    assert text(out.reference) == [pair[0] for pair in expected]
    assert text(out.alternate) == [pair[1] for pair in expected]
    assert out.table["genome"].tolist() == [row[1] for row in rows]


@pytest.mark.parametrize("packed", [False, True])
def test_vcf(fasta: Path, tmp_path: Path, packed: bool) -> None:
    body = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\nc\t5\trs1\tt\tA,TGG\t.\tPASS\n"
    path = tmp_path / "x.vcf.gz"
    path.write_bytes(gzip.compress(body.encode()) if packed else body.encode())
    out = sd.variant_windows(fasta, path, 6)
    assert out.table[["chrom", "pos", "id", "ref", "alt"]].to_numpy().tolist() == [
        ["c", 5, "rs1", "T", "A"],
        ["c", 5, "rs1", "T", "TGG"],
    ]
    assert text(out.reference) == ["CGTTGC", "GTTGCA"]
    assert text(out.alternate) == ["CGTAGC", "GTTGGG"]


def test_genome_that_differs(fasta: Path) -> None:
    variants = table((5, "A", "G"), (6, "G", "C"))
    with pytest.raises(VariantError, match=r"row 0: the genome has 'T' at c:5, .* says 'A'"):
        sd.variant_windows(fasta, variants, 4)
    with pytest.warns(UserWarning, match="differs from the reference allele of 1 of 2"):
        out = sd.variant_windows(fasta, variants, 4, on_mismatch="warn")
    assert text(out.reference) == ["GTAG", "TTGC"]
    assert text(out.alternate) == ["GTGG", "TTCC"]
    assert out.table["matches"].tolist() == [False, True]
    for name in ("skip", "drop"):
        out = sd.variant_windows(fasta, variants, 4, on_mismatch=name)  # type: ignore[arg-type]
        assert text(out.alternate) == ["TTCC"]
        assert out.table["pos"].tolist() == [6]
        assert out.table.attrs == {"n_variants": 2, "n_mismatches": 1, "n_dropped": 1}


@pytest.mark.parametrize(
    "row, message",
    [
        ("c\t0\t.\tA\tC\n", "line 1: pos is '0'"),
        ("c\tx\t.\tA\tC\n", "line 1: pos is 'x'"),
        ("#h\nc\t5\t.\tA\n", "line 2: expected at least 5 fields .* got 4"),
        ("c\t5\t.\tT\t<DEL>\n", "alt is '<DEL>'.*symbolic"),
        ("c\t5\t.\tT\t*\n", "alt is"),
        ("c\t5\t.\t\tC\n", "ref is ''"),
        ("#only\n", "holds no variant"),
    ],
)
def test_bad_lines(fasta: Path, tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "x.vcf").write_text(row)
    with pytest.raises(VariantError, match=message):
        sd.variant_windows(fasta, tmp_path / "x.vcf", 6)


SYMBOLIC = [".", "*", "<NON_REF>", "<DEL>", "<INS:ME:ALU>", "<*>", "G]c:9]", "[c:9[G", ".G", "G."]


@pytest.mark.parametrize("form", ["vcf", "tsv", "frame"])
@pytest.mark.parametrize("alt", SYMBOLIC)
def test_alleles_without_letters_are_left_out(fasta: Path, tmp_path: Path, alt: str, form) -> None:
    """They are counted beside the others of their record, whatever the variants come from."""
    rows = [(5, "T", alt), (6, "G", f"C,{alt},GA"), (9, "A", "T")]
    path = tmp_path / f"x.{form}"
    variants = table(*rows)
    if form == "vcf":
        path.write_text("".join(f"c\t{pos}\t.\t{ref}\t{a}\n" for pos, ref, a in rows))
    elif form == "tsv":
        variants.to_csv(path, sep="\t", index=False)
    given = variants if form == "frame" else path
    with pytest.warns(sd.SeqdataWarning, match=r"2 alleles without letters .*\(first: \w+ [012]: "):
        out = sd.variant_windows(fasta, given, 6)
    kept = [(6, "G", "C"), (6, "G", "GA"), (9, "A", "T")]
    assert list(out.table[["pos", "ref", "alt"]].itertuples(index=False, name=None)) == kept
    expected = [slow(*row, 6) for row in kept]
    assert text(out.reference) == [a for a, _ in expected]
    assert text(out.alternate) == [b for _, b in expected]
    assert out.table.attrs == {
        **{"n_variants": 3, "n_mismatches": 0, "n_dropped": 0},
        "n_symbolic": 2,
    }
    with pytest.raises(VariantError, match=r"alt is .* an allele without letters"):
        sd.variant_windows(fasta, given, 6, on_symbolic="error")


def test_ambiguity_codes_agree_with_their_letters(tmp_path: Path) -> None:
    """R is A or G on either side; N in the genome is no letter."""
    genome = "ACRTNYACGT"
    path = tmp_path / "g.fa"
    path.write_text(f">c\n{genome}\n")
    fits = [
        (3, "A", "C"),
        (3, "G", "C"),
        (3, "R", "C"),
        (1, "R", "C"),
        (5, "N", "A"),
        (2, "M", "T"),
    ]
    out = sd.variant_windows(path, table(*fits), 4)
    assert out.table["matches"].all()
    # the letter of the allele is written where the genome has a code, the genome's elsewhere
    assert text(out.reference) == ["ACAT", "ACGT", "ACRT", "NNAC", "RTNY", "NACR"]
    assert text(out.alternate) == ["ACCT", "ACCT", "ACCT", "NNCC", "RTAY", "NATR"]
    for wrong in ((3, "C", "A"), (5, "A", "C"), (6, "A", "G"), (1, "Y", "G")):
        with pytest.raises(VariantError, match="the genome has"):
            sd.variant_windows(path, table(wrong), 4)


def test_other_errors(fasta: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="VCF file"):
        sd.variant_windows(fasta, tmp_path / "none.vcf", 6)
    with pytest.raises(VariantError, match=r"no column 'alt'\. Did you mean 'alts'"):
        sd.variant_windows(fasta, table((5, "T", "A")).rename(columns={"alt": "alts"}), 6)
    with pytest.raises(ContigError, match="no contig 'chrc'"):
        sd.variant_windows(fasta, table((5, "T", "A")).assign(chrom="chrc"), 6)
    with pytest.raises(LengthError, match="length must be"):
        sd.variant_windows(fasta, table((5, "T", "A")), 0)
    with pytest.raises(SchemaError, match=r"align must be 'left' or .*, got 'centre'"):
        sd.variant_windows(fasta, table((5, "T", "A")), 6, align="centre")  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="on_mismatch must be"):
        sd.variant_windows(fasta, table((5, "T", "A")), 6, on_mismatch="ignore")  # type: ignore[arg-type]
    (tmp_path / "x.vcf.gz").write_bytes(gzip.compress(b"c\t5\t.\tT\tA\n" * 999)[:-12])
    with pytest.raises(VariantError, match="damaged gzip"):
        sd.variant_windows(fasta, tmp_path / "x.vcf.gz", 6)


def test_real_variants(data_files) -> None:
    folder = data_files / "hg38_chr1_1m"
    genome = pysam.FastaFile(str(folder / "hg38_1m.fa.gz"))
    out = sd.variant_windows(folder / "hg38_1m.fa.gz", folder / "eqtl.vcf", 200)
    assert len(out.table) == 8
    for reference, alternate, row in zip(
        text(out.reference), text(out.alternate), out.table.itertuples(), strict=True
    ):
        assert reference == genome.fetch(row.chrom, row.start, row.end)
        assert alternate == reference[:100] + row.alt + reference[101:]
        assert reference[100].upper() == row.ref
    with pytest.raises(VariantError, match=r"8 of 8 variants, 8 of which have .* alleles swapped"):
        sd.variant_windows(folder / "hg38_1m.fa.gz", folder / "eqtl_flip.vcf", 200)
    with pytest.warns(UserWarning, match="8 of 8 variants"):
        flipped = sd.variant_windows(
            folder / "hg38_1m.fa.gz", folder / "eqtl_flip.vcf", 200, on_mismatch="warn"
        )
    assert (flipped.table["genome"] == out.table["ref"]).all()
    np.testing.assert_array_equal(np.char.upper(flipped.alternate), np.char.upper(out.reference))
    np.testing.assert_array_equal(np.char.upper(flipped.reference), np.char.upper(out.alternate))


@pytest.mark.parametrize("column", ["ref", "alt"])
def test_a_missing_allele_is_not_read_as_letters(tmp_path, column):
    fasta = tmp_path / "g.fa"
    fasta.write_text(">c\nAACCGGTT\n")
    table = pd.DataFrame({"chrom": ["c"], "pos": [4], "ref": ["C"], "alt": ["T"]})
    table[column] = np.nan
    with pytest.raises(VariantError, match=f"row 0: {column} is 'nan'"):
        sd.variant_windows(fasta, table, 4)


@pytest.mark.parametrize("name", ["v.csv", "v.tsv.gz"])
def test_tables_in_files(fasta: Path, tmp_path: Path, name: str) -> None:
    frame = table((5, "T", "A,TGG")).assign(id="NA")
    frame.to_csv(tmp_path / name, sep="," if "csv" in name else "\t", index=False)
    out = sd.variant_windows(fasta, tmp_path / name, 6)
    expected = sd.variant_windows(fasta, frame, 6)
    pd.testing.assert_frame_equal(out.table, expected.table)
    assert text(out.alternate) == text(expected.alternate)
    table((5, "T", "A"), (6, "C", "A")).to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(VariantError, match=r"w\.csv, line 3: the genome has 'G' at c:6"):
        sd.variant_windows(fasta, tmp_path / "w.csv", 6)


def test_an_unknown_contig_names_both_files(tmp_path):
    (tmp_path / "g.fa").write_text(">c\nAACCGGTT\n")
    (tmp_path / "v.vcf").write_text("d\t1\t.\tA\tC\n")
    with pytest.raises(ContigError, match=r"g\.fa has no contig 'd'.* of .*v\.vcf name"):
        sd.variant_windows(tmp_path / "g.fa", tmp_path / "v.vcf", 4)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", bytes(range(128, 256)), b"\xff\xfe\x00", b'a\t"b\nc\td\n']
)
def test_tables_of_variants_that_are_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v.tsv"
    path.write_bytes(content)
    with pytest.raises(VariantError, match=r"v\.tsv"):
        sd.variants.as_variants(path)
