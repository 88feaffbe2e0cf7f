"""Cards for notebooks: what they show, and that text of users stays text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from seqpro import cards
from seqpro.motifs import Motif, MotifSet
from seqpro.motifs._svg import logo_svg

EVIL = "<script>alert('x')</script>&\"quoted\""


class Page(HTMLParser):
    """Collects tags and text, and refuses what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.labels: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.labels += [value or "" for key, value in attrs if key == "aria-label"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_text_of_users_is_escaped():
    page = Page(cards.card(EVIL, [(EVIL, EVIL)], note=EVIL))
    assert "script" not in page.tags
    assert page.text.count(EVIL) == 4
    assert page.tags.count("tr") == 1


def test_a_logo_is_as_high_as_its_information():
    ppm = np.array([[1.0, 0.25, 0.5], [0, 0.25, 0.5], [0, 0.25, 0], [0, 0.25, 0]])
    root = ET.fromstring(logo_svg(ppm, "ACGT", label=EVIL))
    name = "{http://www.w3.org/2000/svg}text"
    drawn = {}
    for letter in root.iter(name):
        scale = float(letter.get("transform", "").split("scale(")[1].rstrip(")").split(",")[1])
        drawn[letter.text] = [*drawn.get(letter.text, []), scale * 72]
    # 2 bits of 2, none, and 1 bit shared by two letters
    np.testing.assert_allclose(drawn["A"], [48, 12], atol=0.01)
    np.testing.assert_allclose(drawn["C"], [12], atol=0.01)
    assert set(drawn) == {"A", "C"}
    assert root.get("aria-label") == EVIL


def test_motifs_show_themselves_and_a_set_is_bounded():
    motif = Motif(EVIL, np.eye(4)[[2, 0, 3]].T, accession="MA1<b>")
    page = Page(motif._repr_html_())
    assert "script" not in page.tags
    assert page.tags.count("svg") == 1
    assert "GAT" in page.text
    assert page.labels == [f"logo of {EVIL}"]
    many = MotifSet([Motif(f"m{i}", motif.matrix, accession=f"a{i}") for i in range(40)])
    page = Page(many._repr_html_())
    assert page.tags.count("svg") == 12
    assert "40 motifs" in page.text
    assert "28 more" in page.text
    assert len(many._repr_html_()) < 40_000
    assert Page(MotifSet([])._repr_html_()).text == "0 motifs"


@pytest.mark.parametrize("note", ["", "more"])
def test_plain_text_has_the_same_words(note):
    text = cards.lines("data", [("rows", "3"), ("longer key", "x")], note=note)
    assert text.splitlines()[1:3] == ["  rows        3", "  longer key  x"]
    assert text.endswith(note)
