"""Haplotypes of VCF files against slow string editing."""

from __future__ import annotations

import gzip
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import seqdata as sd
from seqdata.errors import ContigError, MissingFileError, SchemaError, VariantError
from seqdata.readers import Windows

GENOME = "ACGTTGCAACCGGTTAACGTATATCGCGAGCTTAGGCATTCGATCGGATTACAGGCTAACG"
HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
Record = tuple[int, str, str, list[str]]


def windows(rows: list[tuple[str, int, int]], strand: int = 0) -> Windows:
    names = tuple(dict.fromkeys(row[0] for row in rows))
    return Windows(
        names,
        np.array([names.index(row[0]) for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.full(len(rows), strand, dtype=np.int8),
    )


def write_vcf(path: Path, records: list[Record], samples: list[str], contig: str = "c") -> Path:
    lines = [
        f"{contig}\t{pos + 1}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t" + "\t".join(calls)
        for pos, ref, alt, calls in records
    ]
    path.write_text(HEAD + "\t".join(samples) + "\n" + "".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">c\n{GENOME}\n>d\n{GENOME[::-1]}\n")
    return path


def text(row: np.ndarray) -> str:
    return row.tobytes().decode()


def allele_of(call: str, haplotype: int) -> str:
    parts = call.replace("/", "|").split("|")
    return parts[0] if len(parts) == 1 else parts[haplotype]


def slow_edits(
    records: list[Record], sample: int, haplotype: int, start: int
) -> Iterator[tuple[int, int, str]]:
    """Yield what one haplotype changes: first base, number of bases, letters."""
    found = []
    for pos, ref, alts, calls in records:
        number = allele_of(calls[sample], haplotype)
        if number in (".", "0"):
            continue
        alt = alts.split(",")[int(number) - 1]
        if set(alt) - set("ACGT") or alt == ref:
            continue
        same = 0
        while (ref + "-")[same] == (alt + "+")[same]:
            same += 1
        found.append((pos + same, len(ref) - same, alt[same:]))
    taken = -(10**9)
    grown = set()
    for begin, size, alt in sorted(found, key=lambda edit: edit[0]):
        if begin + size <= start or begin < taken or (size == 0 and begin in grown):
            continue
        taken = begin + size
        if size == 0:
            grown.add(begin)
        yield begin, size, alt


def slow(
    records: list[Record],
    sample: int,
    haplotype: int,
    start: int,
    end: int,
    length: int | None,
    genome: str = GENOME,
) -> str:
    """Edit base by base: each base of the genome becomes the text that stands for it."""
    cells = {i: genome[i] if 0 <= i < len(genome) else "N" for i in range(start, end + 500)}
    behind = dict.fromkeys(cells, "")
    for begin, size, alt in slow_edits(records, sample, haplotype, start):
        if size == 0:
            behind[begin - 1] = alt
            continue
        for i in range(size):
            last = i == size - 1
            cells[begin + i] = alt[i:] if last else alt[i : i + 1]
    stop = end if length is None else end + 400
    whole = "".join(cells[i] + behind.get(i, "") for i in range(start, stop))
    return whole if length is None else whole[:length]


letters = st.text("ACGT", min_size=1, max_size=5)
calls = st.sampled_from(["0|0", "0|1", "1|0", "1|1", "0/1", "1/1", ".|.", "1|.", "1", "0", "2|1"])


@st.composite
def records_of(draw: st.DrawFn) -> list[Record]:
    out = []
    for pos in sorted(draw(st.lists(st.integers(0, len(GENOME) - 1), max_size=12))):
        ref = GENOME[pos : pos + draw(st.sampled_from([1, 1, 1, 2, 3, 6]))]
        alt = draw(st.one_of(letters, letters.map(lambda x, r=ref: r[0] + x), st.just("*")))
        other = draw(st.one_of(letters, st.just("<DEL>")))
        out.append((pos, ref, f"{alt},{other}", [draw(calls), draw(calls)]))
    return out


@settings(deadline=None, max_examples=120)
@given(
    records_of(),
    st.lists(st.tuples(st.integers(-8, 66), st.integers(1, 30)), min_size=1, max_size=4),
)
def test_haplotypes_equal_slow_editing(
    tmp_path_factory: pytest.TempPathFactory,
    fasta: Path,
    records: list[Record],
    places: list[tuple[int, int]],
) -> None:
    path = write_vcf(tmp_path_factory.mktemp("vcf") / "v.vcf", records, ["a", "b"])
    reader = sd.VCF("hap", path, fasta)
    rows = [("c", start, start + size) for start, size in places]
    width = max(size for _, size in places)
    out = reader.read(windows(rows), width)
    assert out.shape == (len(rows), 2, 2, width)
    for row, (_, start, end) in enumerate(rows):
        for sample, haplotype in np.ndindex(2, 2):
            expected = slow(records, sample, haplotype, start, end, end - start)
            found = out[row, sample, haplotype]
            assert text(found[: end - start]) == expected
            assert not found[end - start :].any()


@settings(deadline=None, max_examples=60)
@example(
    [(45, "GG", "G,<DEL>", ["0|1", "0|0"]), (45, "G", "GA,A", ["0|0", "0|1"])], 1, 0, 1
)  # a loss behind the exon in one haplotype, letters put in at its end in another
@given(records_of(), st.sampled_from([1, -1]), st.integers(0, 8), st.integers(1, 15))
def test_joined_exons_equal_slow_editing(
    tmp_path_factory: pytest.TempPathFactory,
    fasta: Path,
    records: list[Record],
    strand: int,
    first: int,
    size: int,
) -> None:
    path = write_vcf(tmp_path_factory.mktemp("vcf") / "v.vcf", records, ["a", "b"])
    reader = sd.VCF("hap", path, fasta)
    exons = [("c", first, first + size), ("c", 30, 41), ("c", 45, 46)]
    total = size + 12
    rows = windows([*exons, ("c", 3, 9)], strand)
    out = reader.read_joined(rows, np.array([0, 3, 4]), total + 2)
    for sample, haplotype in np.ndindex(2, 2):
        pieces = [slow(records, sample, haplotype, exon[1], exon[2], None) for exon in exons]
        whole = "".join(pieces)
        if strand > 0:
            expected = whole[:total].ljust(total, "N")
        else:
            expected = whole[max(0, len(whole) - total) :].rjust(total, "N")
        assert text(out[0, sample, haplotype]) == expected + "\0\0"


RECORDS: list[Record] = [
    (4, "T", "A", ["0|1", "1"]),
    (9, "CC", "C", ["1|0", "0/1"]),
    (12, "G", "GTTT,T", ["1|2", "0|0"]),
]


@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip", "tbi", "csi", "bcf"])
def test_every_kind_of_file(tmp_path: Path, fasta: Path, kind: str) -> None:
    plain = write_vcf(tmp_path / "v.vcf", RECORDS, ["a", "b"])
    expected = sd.VCF("hap", plain, fasta).read(windows([("c", 2, 22)]), 20)
    path = tmp_path / ("w.bcf" if kind == "bcf" else "w.vcf.gz")
    if kind == "gzip":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif kind == "bcf":
        body = plain.read_text().replace(
            "#CHROM",
            '##contig=<ID=c,length=60>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">'
            "\n#CHROM",
        )
        (tmp_path / "x.vcf").write_text(body)
        with pysam.VariantFile(str(tmp_path / "x.vcf")) as source:
            with pysam.VariantFile(str(path), "wb", header=source.header) as out:
                for record in source:
                    out.write(record)
    else:
        pysam.tabix_compress(str(plain), str(path))
        if kind != "bgzip":
            pysam.tabix_index(str(path), preset="vcf", csi=kind == "csi")
    reader = sd.VCF("hap", path, fasta, ["b", "a"])
    found = reader.read(windows([("c", 2, 22)]), 20)
    np.testing.assert_array_equal(found, expected[:, ::-1])
    assert text(found[0, 1, 1]) == slow(RECORDS, 0, 1, 2, 22, 20)
    assert reader.counts["unphased"] == 1
    beside = {entry.name for entry in tmp_path.iterdir()} - {"v.vcf", "x.vcf", path.name}
    assert beside <= {f"{path.name}.csi", f"{path.name}.tbi"}
    assert bool(beside) == (kind != "gzip")


def test_an_index_goes_into_the_cache(
    tmp_path: Path, fasta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = write_vcf(tmp_path / "v.vcf", RECORDS, ["a", "b"])
    folder = tmp_path / "readonly"
    folder.mkdir()
    pysam.tabix_compress(str(plain), str(folder / "v.vcf.gz"))
    touch = Path.touch

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        if self.parent == folder:
            raise PermissionError(13, "Permission denied")
        touch(self)

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    assert sd.VCF("hap", folder / "v.vcf.gz", fasta).samples == ["a", "b"]
    assert [entry.name for entry in folder.iterdir()] == ["v.vcf.gz"]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(VariantError, match=r"Pack it: bgzip .*EUGENE_CACHE_DIR"):
        sd.VCF("hap", plain, fasta)


def test_build(tmp_path: Path, fasta: Path) -> None:
    path = write_vcf(tmp_path / "v.vcf", RECORDS, ["a", "b"])
    bed = pd.DataFrame(
        {"chrom": ["c", "c", "d"], "chromStart": [2, 4, 50], "chromEnd": [22, 24, 70]}
    ).assign(strand=["+", "-", "-"])
    with pytest.warns(UserWarning, match=r"1 records have heterozygous calls without phase"):
        ds = sd.read_vcf("hap", tmp_path / "x.zarr", path, fasta, None, bed, fixed_length=True)
    assert ds["hap"].dims == ("_sequence", "hap_sample", "hap_haplotype", "_length")
    assert ds["hap"].dtype == "S1"
    assert ds["hap_sample"].values.tolist() == ["a", "b"]
    assert ds["mask"].values[2].tolist() == [0] * 9 + [1] * 11
    complement = str.maketrans("ACGT", "TGCA")
    for sample, haplotype in np.ndindex(2, 2):
        plus = slow(RECORDS, sample, haplotype, 2, 22, 20)
        minus = slow(RECORDS, sample, haplotype, 4, 24, 20).translate(complement)[::-1]
        assert text(ds["hap"].values[0, sample, haplotype]) == plus
        assert text(ds["hap"].values[1, sample, haplotype]) == minus
    again = sd.open_zarr(tmp_path / "x.zarr")
    sd.to_zarr(again, tmp_path / "y.zarr")
    np.testing.assert_array_equal(sd.open_zarr(tmp_path / "y.zarr")["hap"], ds["hap"])


def test_every_haplotype_is_a_row_for_the_loader(tmp_path: Path, fasta: Path) -> None:
    path = write_vcf(tmp_path / "v.vcf", RECORDS[:1], ["a", "b"])
    bed = pd.DataFrame({"chrom": "c", "chromStart": [2, 4, 6], "chromEnd": [12, 14, 16]})
    ds = sd.read_vcf("hap", tmp_path / "x.zarr", path, fasta, None, bed, fixed_length=True)
    dims = ["_sequence", "hap_sample", "hap_haplotype"]
    loader = sd.get_torch_dataloader(ds, sample_dims=dims, variables=["hap"], batch_size=5)
    rows = [text(row) for batch in loader for row in batch["hap"].numpy().astype("u1")]
    assert rows == [text(row) for row in ds["hap"].values.reshape(12, 10)]


@pytest.mark.parametrize("longest", [20, 55])
def test_variable_length(tmp_path: Path, fasta: Path, longest: int) -> None:
    path = write_vcf(tmp_path / "v.vcf", RECORDS[:1], ["a", "b"])
    sizes = [10, 12, 10, longest]
    bed = pd.DataFrame({"chrom": "c", "chromStart": 2, "chromEnd": [2 + n for n in sizes]})
    ds = sd.from_region_files(
        sd.VCF("hap", path, fasta, "a"), path=tmp_path / "x.zarr", bed=bed, fixed_length=False
    )
    values = ds["hap"].values
    for row, size in enumerate(sizes):
        expected = slow(RECORDS[:1], 0, 1, 2, 2 + size, size)
        if longest == 20:
            found = values[row, 0, 1, :size]
        else:
            begin, end = ds["hap_offsets"].values[row : row + 2]
            found = values[begin:end, 0, 1]
        assert text(np.ascontiguousarray(found)) == expected


def test_splice_keeps_introns_out(tmp_path: Path, fasta: Path) -> None:
    records: list[Record] = [(4, "TGC", "T", ["1|0"]), (31, "T", "TAA", ["0|1"])]
    path = write_vcf(tmp_path / "v.vcf", records, ["a"])
    bed = pd.DataFrame(
        {
            "chrom": "c",
            "chromStart": [2, 30, 2, 40],
            "chromEnd": [8, 34, 8, 42],
            "name": ["t", "t", "u", "v"],
            "strand": ["-", "-", "+", "+"],
        }
    )
    ds = sd.read_vcf(
        "hap", tmp_path / "x.zarr", path, fasta, "a", bed, fixed_length=False, splice=True
    )
    complement = str.maketrans("ACGT", "TGCA")
    short = "GT" + "T" + "A" + GENOME[30:34]
    long = GENOME[2:8] + "CT" + "AA" + "TA"
    values = ds["hap"].values
    assert text(values[0, 0, 0]) == short.translate(complement)[::-1] + "NN"
    assert text(values[0, 0, 1]) == long[2:].translate(complement)[::-1]
    assert text(values[1, 0, 0])[:6] == "GTTANN"
    # a shard of single exons is joined alike
    alone = sd.read_vcf(
        "hap", tmp_path / "y.zarr", path, fasta, "a", bed[2:3], fixed_length=False, splice=True
    )
    assert text(alone["hap"].values[0, 0, 0]) == "GTTANN"


def test_genotypes_that_are_missing(tmp_path: Path, fasta: Path) -> None:
    records: list[Record] = [(4, "TG", "T", ["./.", ".|1"]), (9, "C", "A", ["1|.", "0"])]
    path = write_vcf(tmp_path / "v.vcf", records, ["a", "b"])
    read = sd.VCF("hap", path, fasta).read(windows([("c", 2, 12)]), 10)[0]
    masked = sd.VCF("hap", path, fasta, on_missing="n").read(windows([("c", 2, 12)]), 10)[0]
    assert [text(row) for row in read.reshape(4, 10)] == [
        "GTTGCAAACG", "GTTGCAACCG", "GTTGCAACCG", "GTTCAACCGG",
    ]  # fmt: skip
    assert [text(row) for row in masked.reshape(4, 10)] == [
        "GTNNCAAACG", "GTNNCAANCG", "GTNNCAACCG", "GTTCAACCGG",
    ]  # fmt: skip
    # a file without genotypes, or a record without them, has nothing but missing alleles
    path.write_text(path.read_text().replace("\tGT\t", "\tDP\t"))
    none = sd.VCF("hap", path, fasta).read(windows([("c", 2, 12)]), 10)
    assert {text(row) for row in none.reshape(4, 10)} == {GENOME[2:12]}


def test_reference_alleles_may_have_ambiguity_codes(tmp_path: Path, fasta: Path) -> None:
    wild = "K" if GENOME[4] in "GT" else "M"
    path = write_vcf(tmp_path / "v.vcf", [(4, wild, "A", ["0|1"])], ["a"])
    out = sd.VCF("hap", path, fasta).read(windows([("c", 2, 7)]), 5)[0, 0]
    assert [text(row) for row in out] == [GENOME[2:7], GENOME[2:4] + "A" + GENOME[5:7]]
    wrong = "M" if GENOME[4] in "GT" else "K"
    path = write_vcf(tmp_path / "w.vcf", [(4, wrong, "A", ["0|1"])], ["a"])
    with pytest.raises(VariantError, match="the genome has"):
        sd.VCF("hap", path, fasta).read(windows([("c", 2, 7)]), 5)


def test_other_ploidies_and_fields(tmp_path: Path, fasta: Path) -> None:
    path = write_vcf(tmp_path / "v.vcf", [(4, "T", "A", ["0|1|1", "1"])], ["a", "b"])
    path.write_text(path.read_text().replace("GT\t0|1|1\t1", "DP:GT:AD\t9:0|1|1:3\t8:1:2"))
    out = sd.VCF("hap", path, fasta, ploidy=3).read(windows([("c", 4, 5)]), 1)
    assert out.tobytes() == b"TAAAAA"
    with pytest.raises(VariantError, match=r"c:5: the call of 'a' is '9:0\|1\|1:3', .* ploidy="):
        sd.VCF("hap", path, fasta).read(windows([("c", 4, 5)]), 1)
    assert sd.VCF("hap", path, fasta, "b").read(windows([("c", 4, 5)]), 1).tobytes() == b"AA"


def test_records_left_out_are_counted(tmp_path: Path, fasta: Path) -> None:
    records: list[Record] = [
        (3, "TTG", "T", ["1|1"]),
        (4, "T", "A", ["1|0"]),
        (8, "A", "<DEL>", ["0|1"]),
        (9, "C", "<INS>", ["0|0"]),
        (11, "A", "C", ["1|1"]),
        (12, "G", "*,T", ["1/2"]),
    ]
    path = write_vcf(tmp_path / "v.vcf", records, ["a"])
    reader = sd.VCF("hap", path, fasta, on_mismatch="skip")
    out = reader.read(windows([("c", 2, 14), ("c", 3, 15)]), 12)
    assert reader.counts == {"mismatch": 1, "symbolic": 1, "overlapping": 1, "unphased": 1}
    assert text(out[0, 0, 0]) == "GTCAACCGGTTA"
    assert text(out[0, 0, 1]) == "GTCAACCGTTTA"
    with pytest.warns(UserWarning, match=r"v\.vcf: 1 records whose REF .*; 1 records with .*DEL"):
        reader.close()
    for option, value, message in (
        ("on_mismatch", "error", r"c:12: REF is 'A', the genome has 'G' at c:12"),
        ("on_symbolic", "error", r"c:9: a sample has an allele without letters"),
        ("on_unphased", "error", r"c:13: 1 heterozygous calls have no phase"),
    ):
        strict = sd.VCF("hap", path, fasta, **{"on_mismatch": "skip", option: value})
        with pytest.raises(VariantError, match=message):
            strict.read(windows([("c", 2, 14)]), 12)


def test_deletions_draw_on_the_right_flank(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    genome = "".join(rng.choice(list("ACGT"), 3000))
    (tmp_path / "g.fa").write_text(f">c\n{genome}\n")
    # each deletion pulls in bases that hold the next one
    records: list[Record] = [
        (at, genome[at : at + 300], genome[at], ["1|0"]) for at in range(90, 2500, 310)
    ]
    path = write_vcf(tmp_path / "v.vcf", records, ["a"])
    out = sd.VCF("hap", path, tmp_path / "g.fa").read(windows([("c", 0, 100)]), 100)[0, 0]
    assert text(out[0]) == slow(records, 0, 0, 0, 3000, 100, genome)
    assert text(out[1]) == genome[:100]


def test_rows_do_not_depend_on_their_neighbours(tmp_path: Path, fasta: Path) -> None:
    records: list[Record] = [(10, GENOME[10:20], "C", ["1|1"]), (15, GENOME[15:24], "A", ["1|1"])]
    path = write_vcf(tmp_path / "v.vcf", records, ["a"])
    rows = [("c", 5, 18), ("c", 18, 31), ("d", 0, 13), ("c", 20, 33), ("c", 0, 13)]
    together = sd.VCF("hap", path, fasta).read(windows(rows), 13)
    for row, place in enumerate(rows):
        alone = sd.VCF("hap", path, fasta).read(windows([place]), 13)
        np.testing.assert_array_equal(together[row], alone[0])


def test_a_long_symbolic_allele_reads_no_letters(tmp_path: Path, fasta: Path) -> None:
    records: list[Record] = [(2, "A", "<DEL>", ["0|1"]), (40, GENOME[40], "AAA", ["1|0"])]
    path = write_vcf(tmp_path / "v.vcf", records, ["a"])
    path.write_text(path.read_text().replace("<DEL>\t.\t.\t.", "<DEL>\t.\t.\tEND=45"))
    reader = pickle.loads(pickle.dumps(sd.VCF("hap", path, fasta)))
    found = reader.read(windows([("c", 30, 50)]), 20)[0, 0]
    assert text(found[0]) == slow(records, 0, 0, 30, 50, 20)
    assert text(found[1]) == GENOME[30:50]
    assert reader.counts["symbolic"] == 1
    # the record's own letter is checked where a window holds it
    with pytest.raises(VariantError, match="c:3: REF is 'A', the genome has 'G'"):
        reader.read(windows([("c", 0, 20)]), 20)


@pytest.mark.parametrize(
    "body, message",
    [
        ("c\t5\t.\tT\tA\t.\t.\t.\tGT\t0|1\n", r"c:5: 1 columns of genotypes, expected 2"),
        ("c\t5\t.\tT\tA\t.\t.\t.\tGT\t0|1\t0\t1\n", r"c:5: 3 columns of genotypes, expected 2"),
        ("c\t5\t.\tT\tA\t.\t.\t.\tGT\t0|1\t0|2\n", r"the call of 'b' is '0\|2', .* from 0 to 1"),
        ("c\t5\t.\tT\tA\t.\t.\t.\tGT\t0|1\tx\n", r"the call of 'b' is 'x'"),
        ("c\t5\t.\tT\tA\t.\t.\t.\tGT\t0|1\t\n", r"the call of 'b' is ''"),
        ("c\t5\t.\tT\tA\t.\t.\t.\n", r"expected FORMAT and sample columns, got 8"),
        ("c\t5\t.\tR\tA\t.\t.\t.\tGT\t0|1\t0|0\n", r"c:5: REF is 'R'"),
    ],
)
def test_bad_lines(tmp_path: Path, fasta: Path, body: str, message: str) -> None:
    path = tmp_path / "v.vcf"
    path.write_text(HEAD + "a\tb\n" + body)
    with pytest.raises(VariantError, match=message):
        sd.VCF("hap", path, fasta).read(windows([("c", 0, 9)]), 9)


def test_files_that_cannot_be_read(tmp_path: Path, fasta: Path) -> None:
    with pytest.raises(MissingFileError, match="VCF file"):
        sd.VCF("hap", tmp_path / "none.vcf", fasta)
    path = tmp_path / "v.vcf"
    path.write_text("##fileformat=VCFv4.2\nc\t5\t.\tT\tA\n")
    with pytest.raises(VariantError, match=r"v\.vcf cannot be indexed|no line '#CHROM"):
        sd.VCF("hap", path, fasta)
    path.write_text(HEAD.split("\tFORMAT")[0] + "\nc\t5\t.\tT\tA\t.\t.\t.\n")
    with pytest.raises(VariantError, match=r"no samples.*seqdata\.variant_windows"):
        sd.VCF("hap", path, fasta)
    write_vcf(path, RECORDS[::-1], ["a", "b"])
    with pytest.raises(VariantError, match=r"cannot be indexed .*bcftools sort"):
        sd.VCF("hap", path, fasta)
    path.write_bytes(HEAD.encode() + b"a\xff\nc\t5\t.\tT\tA\t.\t.\t.\tGT\t0|1\n")
    with pytest.raises(VariantError, match=r"header of .*v\.vcf cannot be read .*UTF-8"):
        sd.VCF("hap", path, fasta)
    assert sd.VCF("hap", write_vcf(path, RECORDS, ["ä", "b"]), fasta).samples == ["ä", "b"]
    packed = tmp_path / "w.vcf.gz"
    packed.write_bytes(gzip.compress(path.read_bytes() * 99)[:-12])
    with pytest.raises(VariantError, match="damaged gzip"):
        sd.VCF("hap", packed, fasta)


def test_a_packed_file_that_was_cut_or_changed(tmp_path: Path, fasta: Path) -> None:
    rng = np.random.default_rng(0)
    records: list[Record] = [
        (pos, GENOME[pos], "N", [f"{a}|{b}" for a, b in rng.integers(0, 2, (4000, 2))])
        for pos in range(0, 60, 3)
    ]
    plain = write_vcf(tmp_path / "v.vcf", records, [f"s{i}" for i in range(4000)])
    whole = tmp_path / "v.vcf.gz"
    pysam.tabix_compress(str(plain), str(whole))
    pysam.tabix_index(str(whole), preset="vcf")
    data = whole.read_bytes()
    changed = bytearray(data)
    changed[len(data) // 2] ^= 255
    for name, content in (("cut", data[: len(data) * 2 // 3]), ("bit", bytes(changed))):
        path = tmp_path / f"{name}.vcf.gz"
        path.write_bytes(content)
        shutil.copy(f"{whole}.tbi", f"{path}.tbi")
        with pytest.raises(VariantError, match=r"damaged|cut short"):
            sd.VCF("hap", path, fasta).read(windows([("c", 0, 60)]), 60)


def test_names_that_do_not_fit(tmp_path: Path, fasta: Path) -> None:
    path = write_vcf(tmp_path / "v.vcf", RECORDS, ["anna", "bert"])
    with pytest.raises(SchemaError, match=r"no sample 'ana'\. Did you mean 'anna'"):
        sd.VCF("hap", path, fasta, ["ana"])
    with pytest.raises(SchemaError, match="names that differ"):
        sd.VCF("hap", path, fasta, ["anna", "anna"])
    for options, message in (
        ({"on_mismatch": "drop"}, "on_mismatch must be 'error' or 'skip'"),
        ({"ploidy": 0}, "ploidy must be"),
    ):
        with pytest.raises(SchemaError, match=message):
            bad: Any = options
            sd.VCF("hap", path, fasta, **bad)
    other = write_vcf(tmp_path / "w.vcf", RECORDS, ["a", "b"], contig="chrc")
    with pytest.raises(ContigError, match=r"w\.vcf has no contig 'c'.*calls it 'chrc'"):
        sd.VCF("hap", other, fasta).read(windows([("c", 0, 5)]), 5)
    with pytest.raises(ContigError, match=r"g\.fa has no contig 'chrc'"):
        sd.VCF("hap", other, fasta).read(windows([("chrc", 0, 5)]), 5)
    # a contig without variants is the reference
    out = sd.VCF("hap", path, fasta).read(windows([("d", 0, 5)]), 5)
    assert {text(row) for row in out.reshape(-1, 5)} == {GENOME[::-1][:5]}


def test_real_genome(tmp_path: Path, data_files) -> None:
    folder = data_files / "hg38_chr1_1m"
    lines = (folder / "eqtl.vcf").read_text().splitlines()[1:]
    records = []
    for i, line in enumerate(lines):
        _, pos, _, ref, alt = line.split("\t")[:5]
        records.append((int(pos) - 1, ref, alt, ["1|0" if i % 2 else "0|1", "1|1"]))
    path = write_vcf(tmp_path / "v.vcf", records, ["a", "b"], contig="chr1")
    reader = sd.VCF("hap", path, folder / "hg38_1m.fa.gz")
    rows = [("chr1", record[0] - 100, record[0] + 100) for record in records]
    out = reader.read(windows(rows), 200)
    both = sd.variant_windows(folder / "hg38_1m.fa.gz", folder / "eqtl.vcf", 200)
    near = np.array([sum(abs(a[0] - b[0]) < 100 for b in records) == 1 for a in records])
    assert near.sum() >= 5
    np.testing.assert_array_equal(out[near, 1, 0], both.alternate[near].view(np.uint8))
    for row in np.flatnonzero(near):
        np.testing.assert_array_equal(out[row, 0, row % 2], both.reference[row].view(np.uint8))
