"""The page itself: tables as TSV, pictures as SVG, nothing to fetch, words for screen readers."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest

from eugene.report._blocks import Section, picture
from eugene.report._build import write_page
from eugene.report._svg import relative, svg_text


class Tables(HTMLParser):
    """Collect the cells of each table, the TSV that it offers, and what has a label."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.files: list[tuple[str, str]] = []
        self.cell: list[str] | None = None
        self.images: list[dict[str, str | None]] = []
        self.captions = 0
        self.scopes: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.cell = []
            self.scopes += [found.get("scope")] if tag == "th" else []
        elif tag == "caption":
            self.captions += 1
        elif tag == "a" and str(found.get("download")).endswith(".tsv"):
            self.files.append((str(found["download"]), str(found["href"])))
        elif tag == "img":
            self.images.append(found)

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.tables[-1][-1].append("".join(self.cell or ()))
            self.cell = None


def page_of(section: Section, path: Path) -> tuple[Tables, str]:
    text = write_page(
        path / "page.html", title="t", subtitle="s", tiles=[], sections=[section]
    ).read_text(encoding="utf8")
    found = Tables()
    found.feed(text)
    return found, text


def test_every_table_is_offered_as_it_stands(tmp_path: Path) -> None:
    section = Section("motifs", "Motifs")
    section.table(("motif", 'p "q" <1'), [("CEBPB, α", "1.0e-06"), ("100 % & more", "–")])
    section.heading("Second")
    section.table(("a",), [("x",)], caption="Of one column")
    found, _ = page_of(section, tmp_path)
    assert [name for name, _ in found.files] == ["motifs_1.tsv", "motifs_2.tsv"]
    for table, (_, uri) in zip(found.tables, found.files, strict=True):
        kind, text = uri.split(",", 1)
        assert kind == "data:text/tab-separated-values;charset=utf-8"
        assert list(csv.reader(unquote(text).splitlines(), "excel-tab", quoting=3)) == table
    assert found.captions == len(found.tables) == 2
    assert set(found.scopes) == {"col"}


def test_cells_of_several_lines_stay_one_line_in_the_file(tmp_path: Path) -> None:
    section = Section("x", "X")
    section.table(("a", "b"), [("one\ttwo\nthree", "4")])
    found, _ = page_of(section, tmp_path)
    assert unquote(found.files[0][1].split(",", 1)[1]) == "a\tb\none two three\t4\n"


def test_pictures_are_vectors_with_words_and_nothing_is_fetched(tmp_path: Path) -> None:
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, 1, 2], [0, 1, 0.5], label="100 % & <x>")
    ax.legend()
    section = Section("x", "X")
    section.figures(
        [picture(figure, "curve", folder=tmp_path / "figures", alt="a curve", caption="c")]
    )
    found, text = page_of(section, tmp_path)
    assert [image["alt"] for image in found.images] == ["a curve"]
    uri = str(found.images[0]["src"])
    root = ET.fromstring(unquote(uri.split(",", 1)[1]))
    assert root.tag.endswith("svg")
    assert root.attrib["viewBox"] == "0 0 216 144"
    outside = re.sub(r'"data:[^"]*"', "", text)
    assert not re.search(r"https?:|@import|url\(|<link|<iframe", outside)
    assert "default-src 'none'" in outside
    assert (tmp_path / "figures" / "curve.png").is_file()


@pytest.mark.parametrize(("lang", "words"), [("html", 'lang="en"'), ("main", '<main id="main">'),
    ("nav", 'nav aria-label="Contents"'), ("skip", 'href="#main"'),
    ("section", 'aria-labelledby="title_x"'), ("print", "@media print")])  # fmt: skip
def test_landmarks(tmp_path: Path, lang: str, words: str) -> None:
    section = Section("x", "X")
    section.text("words")
    assert words in page_of(section, tmp_path)[1], lang


def walked(path: str) -> np.ndarray:
    """Return the points of an outline in absolute coordinates, by a reader of its own."""
    tokens = re.findall(r"[A-Za-z]|-?\d+(?:\.\d+)?", path)
    at, begin, command, points, i = np.zeros(2), np.zeros(2), "", [], 0
    takes = {"m": 1, "l": 1, "q": 2, "c": 3, "z": 0}
    while i < len(tokens):
        if tokens[i].isalpha():
            command = tokens[i]
            i += 1
            if command in "zZ":
                at = begin
                continue
        pairs = takes[command.lower()]
        read = np.array(tokens[i : i + 2 * pairs], dtype=float).reshape(-1, 2)
        i += 2 * pairs
        read = read if command.isupper() else read + at
        points.append(read)
        at = read[-1]
        if command in "mM":
            begin = at
    return np.concatenate(points)


def test_relative_outlines_are_the_same_outlines() -> None:
    rng = np.random.default_rng(2)
    parts = []
    for _ in range(40):
        p = rng.uniform(-50, 500, (7, 2)).round(6)
        parts.append(
            "M {} {} L {} {} L {} {} Q {} {} {} {} C {} {} {} {} {} {} z".format(
                *p[:5].ravel(), *rng.uniform(0, 9, 6).round(6)
            )
        )
    path = " \n".join(parts)
    short = relative(path)
    assert len(short) < 0.7 * len(path)
    assert np.abs(walked(short) - walked(path)).max() <= 0.00501
    assert relative("M 0 0 A 1 1 0 0 0 2 2") == "M 0 0 A 1 1 0 0 0 2 2"


def test_dense_scatters_become_pixels() -> None:
    sizes = {}
    for n in (1500, 60_000):
        figure, ax = plt.subplots()
        ax.scatter(*np.random.default_rng(0).random((2, n)), s=4)
        text = svg_text(figure, "scatter")
        sizes[n] = len(text)
        assert ("<image" in text) == (n > 2000)
        plt.close(figure)
    assert sizes[60_000] < 1_000_000
