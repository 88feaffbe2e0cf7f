"""Motif files as programs write them, and round trips over every format."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqpro.errors import MotifFormatError, SeqproError
from seqpro.motifs import CARRIED, Motif, MotifLossWarning

STARS = "*" * 80
LINE = "-" * 80
BLOCKS = {
    "DNA": 'ALPHABET "DNA" DNA-LIKE\nA "Adenine" CC0000 ~ T "Thymine" 008000\n'
    'C "Cytosine" 0000CC ~ G "Guanine = G" FFB300\nN "Any base" = ACGT\nX = ACGT\nR = AG\n'
    "END ALPHABET",
    "RNA": 'ALPHABET "RNA" RNA-LIKE\nA "Adenine" CC0000\nC "Cytosine" 0000CC\n'
    'G "Guanine" FFB300\nU "Uracil" 008000\nN "Any base" = ACGU\nEND ALPHABET',
    "AA": "ALPHABET= ACDEFGHIKLMNPQRSTVWY",
}
LETTERS = {"DNA": "ACGT", "RNA": "ACGU", "AA": "ACDEFGHIKLMNPQRSTVWY"}
KINDS = {"DNA": sp.DNA, "RNA": sp.RNA, "AA": sp.AA}


def matrix(kind: str, width: int = 4, seed: int = 0) -> np.ndarray:
    """Return probabilities of three decimals, shape (width, letters), that sum to 1."""
    n = len(LETTERS[kind])
    counts = np.random.default_rng(seed).multinomial(1000 - n, np.full(n, 1 / n), size=width) + 1
    return counts / 1000


def rows(values: np.ndarray) -> str:
    return "".join(" ".join(f"{v:.3f}" for v in row) + "\n" for row in values)


def background(kind: str) -> tuple[str, np.ndarray]:
    n = len(LETTERS[kind])
    shares = np.full(n, round(0.9 / n, 4))
    shares[0] = 1 - shares[1:].sum()
    pairs = [f"{a} {f:.4f}" for a, f in zip(LETTERS[kind], shares, strict=True)]
    # MEME breaks the line of proteins
    return "\n".join(" ".join(pairs[i : i + 9]) for i in range(0, n, 9)) + "\n", shares


def meme_txt(kind: str) -> str:
    """Return what MEME writes as meme.txt, its tables of sites and log odds included."""
    first, second = matrix(kind, 4, 1), matrix(kind, 6, 2)
    text, _ = background(kind)
    motifs = ""
    for i, (name, values) in enumerate((("GGATWW", first), ("2-TTT", second)), 1):
        head = f"Motif {name} MEME-{i}"
        motifs += (
            f"{STARS}\nMOTIF {name} MEME-{i}\twidth = {len(values):3d}  sites =  17  llr = 253  "
            f"E-value = 1.4e-019\n{STARS}\n{LINE}\n\t{head} Description\n{LINE}\nSimplified A\n"
            f"{LINE}\n\t{head} sites sorted by position p-value\n{LINE}\nSequence name  Start\n"
            f"MOTIFS_1   12  1.2e-06 TT ACGT GG\n{LINE}\n{LINE}\n"
            f"BL   MOTIF {name} width=0 seqs=17\n//\n{LINE}\n"
            f"\t{head} position-specific scoring matrix\n{LINE}\n"
            f"log-odds matrix: alength= {values.shape[1]} w= {len(values)} n= 879 bayes= 8.9 E= 1\n"
            + "".join(" ".join(["-12"] * values.shape[1]) + " \n" for _ in values)
            + f"{LINE}\n{LINE}\n\t{head} position-specific probability matrix\n{LINE}\n"
            f"letter-probability matrix: alength= {values.shape[1]} w= {len(values)} nsites= 17 "
            f"E= 1.4e-019 \n{rows(values)}{LINE}\n\n{LINE}\n\t{head} regular expression\n{LINE}\n"
            f"[GT]G\n{LINE}\n\nTime  0.32 secs.\n\n"
        )
    return (
        f"{STARS}\nMEME - Motif discovery tool\n{STARS}\nMEME version 5.5.5 (Release date: Thu Sep)"
        "\n\nFor further information please access https://meme-suite.org/meme.\n"
        f"{STARS}\nTRAINING SET\n{STARS}\nPRIMARY SEQUENCES= x.fa\n{BLOCKS[kind]}\n"
        "Sequence name            Weight Length  \nMOTIFS_1                 1.0000    105  \n"
        f"{STARS}\n\n{STARS}\nCOMMAND LINE SUMMARY\n{STARS}\ncommand: meme x.fa\n\n"
        f"Letter frequencies in dataset:\n{text}"
        f"Background letter frequencies (from file dataset with add-one prior applied):\n{text}"
        f"{STARS}\n\n\n{motifs}{STARS}\nSUMMARY OF MOTIFS\n{STARS}\n"
    )


def minimal(kind: str) -> str:
    text, _ = background(kind)
    strands = "" if kind == "AA" else "strands: + -\n\n"
    body = "".join(
        f"MOTIF {name} MEME-{i}\n{{between}}letter-probability matrix: alength= {v.shape[1]} "
        f"w= {len(v)} nsites= 17 E= 3.6e-003\n{rows(v)}\n"
        for i, (name, v) in enumerate(
            (("GGATWW", matrix(kind, 4, 1)), ("2-TTT", matrix(kind, 6, 2))), 1
        )
    )
    return (
        f"MEME version 5.3.3\n\n{BLOCKS[kind]}\n\n{strands}"
        f"Background letter frequencies (from unknown source):\n{text}\n{body}"
    )


FILES = {
    "minimal.meme": lambda kind: minimal(kind).replace("{between}", ""),
    "meme.txt": meme_txt,
    "dreme.txt": lambda kind: (
        "# DREME 5.1.1\n# command: dreme -p x.fa\n# positives: 10 from x.fa\n\n"
        + minimal(kind).replace(
            "{between}", "#   Word   RC Word   Pos  Neg\n# BEST  GGAT  ATCC\n\n"
        )
    ),
    "streme.txt": lambda kind: (
        f"{STARS}\nSTREME - Sensitive, Thorough, Rapid, Enriched Motif Elicitation\n{STARS}\n"
        + minimal(kind).replace("{between}", "")
    ),
    "xstreme.txt": lambda kind: (
        f"{STARS}\nXSTREME - Motif Discovery and Enrichment Analysis\n{STARS}\n"
        + "\n".join(
            minimal(kind).replace("{between}", "").split("MOTIF 2-TTT")[part] for part in (0,)
        )
        + "\n# found by MEME\nMEME version 5.3.3\n"
        + BLOCKS[kind]
        + "\n"
        + ("" if kind == "AA" else "strands: + -\n")
        + "Background letter frequencies\n"
        + background(kind)[0]
        + "MOTIF 2-TTT"
        + minimal(kind).replace("{between}", "").split("MOTIF 2-TTT")[1]
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_files_of_the_meme_suite(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name](kind))
    found = sp.motifs.read(path)
    assert [(m.name, m.accession) for m in found] == [("MEME-1", "GGATWW"), ("MEME-2", "2-TTT")]
    n = len(LETTERS[kind])
    for motif, values in zip(found, (matrix(kind, 4, 1), matrix(kind, 6, 2)), strict=True):
        assert motif.alphabet == KINDS[kind]
        np.testing.assert_allclose(motif.ppm()[:n], values.T, atol=1e-12)
        np.testing.assert_allclose(motif.background[:n], background(kind)[1], atol=1e-4)
        assert motif.n_sites == 17
        if kind != "AA" and name != "meme.txt":
            assert motif.strands == "+-"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# only a comment\n", r"line 1: .*not a motif file|the file is empty"),
        (STARS + "\nMEME - x\n", "line 1"),
        ("ALPHABET= ACGT\nMEME version 4\n", r"line 1: expected 'MEME version'"),
        ('MEME version 4\nALPHABET "Odd"\nA\nB\nEND ALPHABET\n', "line 5: unknown alphabet"),
    ],
)
def test_what_is_no_meme_file_is_told(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.meme"
    path.write_text(text)
    with pytest.raises(MotifFormatError, match=message):
        (sp.motifs.read_meme if "ALPHABET=" in text else sp.motifs.read)(path)


COUNTS = np.array([[3, 10, 0, 1], [4, 0, 2, 9], [1, 0, 12, 5], [12, 10, 6, 5]], float)
"""Four positions of 20 sites; rows are letters, and do not sum to one number."""


def bare(values: np.ndarray, title: str = ">MA0001.1\tAGL3\n", sep: str = " ") -> str:
    return title + "".join(sep.join(f"{v:g}" for v in row) + "\n" for row in values)


@pytest.mark.parametrize("sep", [" ", "\t"])
@pytest.mark.parametrize("title", [">MA0001.1\tAGL3\n", ">MA0001.1 AGL3\n", ""])
@pytest.mark.parametrize("width", [1, 3, 4, 5, 12])
def test_bare_numbers_of_jaspar(title: str, sep: str, width: int, tmp_path: Path) -> None:
    values = np.tile(COUNTS, (1, 3))[:, :width]
    path = tmp_path / "AGL3.pfm"
    path.write_text(bare(values, title, sep))
    (found,) = sp.motifs.read(path)
    np.testing.assert_array_equal(found.pfm(), values)
    expected = ("AGL3", "MA0001.1") if title else ("AGL3", None)
    assert (found.name, found.accession) == expected


def test_four_by_four_is_told_by_its_sums(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(bare(COUNTS.T, ">AP1\n"))  # a row a position
    np.testing.assert_array_equal(sp.motifs.read(path)[0].pfm(), COUNTS)
    # an even square can be read both ways
    square = np.full((4, 4), 5.0)
    path.write_text(bare(square))
    with pytest.raises(MotifFormatError, match=r"read_jaspar .* or read_homer"):
        sp.motifs.read(path)
    np.testing.assert_array_equal(sp.motifs.read_jaspar(path)[0].pfm(), square)
    # another motif of the file, or HOMER's title, tells
    path.write_text(bare(square) + bare(COUNTS[:, :3], ">MA2 B\n"))
    assert [m.width for m in sp.motifs.read(path)] == [4, 3]
    path.write_text(bare(square / 20, ">ACGT\tAP1\t6.049537\t-1782.996\t0\n", "\t"))
    assert sp.motifs.read(path)[0].name == "AP1"
    # four positions of each letter that sum to nothing alike
    path.write_text(bare(np.arange(16.0).reshape(4, 4) + 1))
    with pytest.raises(MotifFormatError, match="their sums do not tell"):
        sp.motifs.read(path)


@pytest.mark.parametrize("sep", ["\t", "  "])
@pytest.mark.parametrize("letters", ["ACGT", "ACGU", "TGCA"])
def test_transfac_with_tabs_or_blanks(sep: str, letters: str, tmp_path: Path) -> None:
    order = ["ACGT".index(c) for c in letters.replace("U", "T")]
    lines = [("AC", "M0001 x"), ("XX",), ("ID", "V$A B"), ("NA", "two words"), ("P0", *letters)]
    lines += [
        (f"{i:02d}", *(f"{column[j]:g}" for j in order), "N")
        for i, column in enumerate(COUNTS.T, 1)
    ]
    path = tmp_path / "x.transfac"
    path.write_text("\n".join(sep.join(line) for line in [*lines, ("XX",), ("//",)]) + "\n")
    (found,) = sp.motifs.read(path)
    assert (found.name, found.accession) == ("two words", "M0001 x")
    assert found.alphabet == (sp.RNA if "U" in letters else sp.DNA)
    np.testing.assert_array_equal(found.pfm(), COUNTS)


@pytest.mark.parametrize("blanks", [False, True])
def test_homer_with_names_and_log_odds(blanks: bool, tmp_path: Path) -> None:
    title = (
        ">NATGASTCABNN\tFra1(bZIP)/BT549-Fra1-ChIP-Seq(GSE46166)/Homer\t6.049537\t-1.782996e+03"
        "\t0\tT:9371.0(44.36%),B:2181.5(5.80%),P:1e-10317\n"
    )
    path = tmp_path / "known.motifs"
    path.write_text(bare(COUNTS.T / 20, title.replace("\t", " ") if blanks else title, "\t"))
    (found,) = sp.motifs.read(path)
    assert found.name == "Fra1(bZIP)"
    assert found.accession == "Fra1(bZIP)/BT549-Fra1-ChIP-Seq(GSE46166)/Homer"
    np.testing.assert_allclose(found.ppm(), COUNTS / 20)


READ = {
    "meme": (sp.motifs.write_meme, sp.motifs.read_meme),
    "jaspar": (sp.motifs.write_jaspar, sp.motifs.read_jaspar),
    "homer": (sp.motifs.write_homer, sp.motifs.read_homer),
    "transfac": (sp.motifs.write_transfac, sp.motifs.read_transfac),
}


@st.composite
def drawn(draw: Any, alphabet: Any) -> Motif:
    """Draw a motif with everything that a file may hold."""
    total = draw(st.integers(2, 400))
    n = len(alphabet)
    width = draw(st.integers(1, 6))
    columns = []
    for _ in range(width):
        cuts = sorted(draw(st.lists(st.integers(0, total), min_size=n - 1, max_size=n - 1)))
        columns.append(np.diff([0, *cuts, total]))
    text = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:()-]{0,9}", fullmatch=True)
    name = draw(st.one_of(text, st.tuples(text, text).map(" ".join), text.map(lambda t: t + "/x")))
    accession = draw(st.one_of(st.none(), text))
    shares = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    return Motif(
        name,
        np.array(columns, float).T,
        "pfm",
        accession if accession != name else None,
        alphabet,
        background=draw(st.sampled_from([None, np.array(shares) / sum(shares)])),
        strands=draw(st.sampled_from([None, "+", "+-"])),
    )


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_what_a_format_carries_comes_back(
    form: str, kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    motif = data.draw(drawn(KINDS[kind]))
    path = tmp_path_factory.mktemp("m") / "x.txt"
    write, read = READ[form]
    carried = CARRIED[form]
    if kind == "AA" and "protein" not in carried:
        with pytest.raises(SeqproError, match="write MEME"):
            write([motif], path)
        assert not path.exists()
        return
    base = motif.background
    uneven = base is not None and not np.allclose(base, 1 / len(base), rtol=0, atol=1e-5)
    lost = ("strands" not in carried and motif.strands == "+") or (
        "background" not in carried and uneven
    )
    if lost:
        with pytest.warns(MotifLossWarning, match=f"a {form} file does not hold"):
            write([motif], path)
    else:
        write([motif], path)
    # a name alone is what accession and name are told apart by, so its blanks go
    alone = motif.accession is None and form in ("meme", "jaspar")
    for found in (read(path), sp.motifs.read(path)):
        (back,) = found
        assert back.name == ("_".join(motif.name.split()) if alone else motif.name)
        assert back.accession == motif.accession
        assert back.n_sites == motif.n_sites
        # HOMER shows RNA by the U of a consensus, where there is one
        plain = form == "homer" and "U" not in motif.consensus(degenerate=True)
        assert back.alphabet == (sp.DNA if plain else motif.alphabet)
        np.testing.assert_allclose(back.pfm(), motif.pfm(), atol=1e-6 * motif.n_sites)
        if "background" in carried and base is not None:
            np.testing.assert_allclose(back.background, base, atol=2e-6)
        if "strands" in carried and kind != "AA":
            assert back.strands == (motif.strands or "+-")


def test_the_table_names_fields_that_exist() -> None:
    fields = {field.name for field in dataclasses.fields(Motif)} | {"counts", "protein"}
    assert set(CARRIED) == set(READ)
    assert all(names <= fields for names in CARRIED.values())
