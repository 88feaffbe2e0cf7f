"""The page of motifs: what stands on it, and in which order."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

import seqexplainer as se
from seqexplainer.errors import SeqexplainerError
from seqpro.motifs import Motif, MotifSet


class Table(HTMLParser):
    """Collect the words and pictures of every row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[list[str]]] = []
        self.depth: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append([])
        if tag == "img":
            self.rows[-1][-1].append(values["alt"])
            assert values["src"].startswith("data:image/png;base64,iVBOR")

    def handle_data(self, data):
        if self.rows and self.rows[-1] and data.strip() and "querySelector" not in data:
            self.rows[-1][-1].append(data.strip())


def database(n: int = 30) -> MotifSet:
    rng = np.random.default_rng(0)
    draw = [rng.dirichlet([0.2] * 4, 9).T for _ in range(n)]
    return MotifSet([Motif(f"m{i}", d, kind="ppm", accession=f"A{i}") for i, d in enumerate(draw)])


def test_matches_stand_beside_their_motif(tmp_path: Path) -> None:
    known = database()
    queries = MotifSet(
        [
            Motif("first", known[7].ppm() * 50, kind="pfm", n_sites=50),
            Motif("second <&>", known[3].reverse_complement().ppm(), kind="ppm"),
        ]
    )
    path = se.motif_table(queries, tmp_path / "page.html", known, top=2, title="A & B")
    page = path.read_text()
    assert "<title>A &amp; B</title>" in page
    assert "second &lt;&amp;&gt;" in page
    table = Table(page)
    assert [cell[0] for cell in table.rows[0]] == [
        "motif",
        "sites",
        "information (bits)",
        "letters",
        "match 1",
        "match 2",
    ]
    assert table.rows[1][1] == ["50"]
    assert table.rows[1][4][:3] == ["logo of m7", "m7", "A7"]
    assert table.rows[2][4][1] == "m3"
    p = float(re.search(r"p = (\S+)", " ".join(table.rows[1][4]))[1])
    expected = se.annotate_pfms(queries, known, top=2)["p_value"][0]
    assert p == pytest.approx(expected, rel=0.05)
    assert list(tmp_path.iterdir()) == [path]


def test_filters_without_a_database(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv1d(4, 3, 5), torch.nn.ReLU(), torch.nn.Flatten())
    with torch.no_grad():
        net[0].bias[1] = -1e6
    X = torch.eye(4)[torch.randint(0, 4, (20, 30))].swapaxes(1, 2)
    page = se.motif_table(se.generate_pfms(net, X), tmp_path / "f.html").read_text()
    rows = Table(page).rows
    assert [row[0][0] for row in rows[1:]] == ["filter_0", "filter_2"]
    assert len(rows[0]) == 4
    assert "2 motifs." in page


def test_patterns_show_their_contributions(tmp_path: Path) -> None:
    from seqexplainer.modisco import Pattern, Patterns

    width = 40
    contributions = np.zeros((4, width))
    contributions[2, 18:22] = [0.5, 1.0, -1.0, 0.6]
    ppm = np.full((4, width), 0.25)
    none = np.zeros(0, dtype=np.int64)
    found = Patterns(
        (Pattern("pos_0", ppm, contributions, contributions, none, none, none.astype(bool)),),
        (0, 100),
    )
    rows = Table(se.motif_table(found, tmp_path / "p.html").read_text()).rows
    assert [cell[0] for cell in rows[0]][3:] == ["contributions", "letters"]
    assert rows[1][3] == ["contributions of pos_0"]


def test_bad_input_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SeqexplainerError, match="no motif to show"):
        se.motif_table(MotifSet([]), tmp_path / "page.html")
    with pytest.raises(SeqexplainerError, match=r"the folder .* does not exist"):
        se.motif_table(database(3), tmp_path / "no" / "page.html")
    assert not list(tmp_path.iterdir())
