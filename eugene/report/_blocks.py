"""The pieces a page is made of: text, tables, figures, numbers in a person's form."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from eugene.report._svg import as_uri, svg_text, text_uri

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_PIXELS_PER_INCH = 170
_SCREEN_PIXELS_PER_INCH = 92


@dataclass(frozen=True)
class Picture:
    """An image inside the page: data URI, name of its file, alternative text, caption, width."""

    uri: str
    name: str
    alt: str
    caption: str
    width: int


Cell: TypeAlias = "str | Picture"


@dataclass(frozen=True)
class Block:
    """One element of a section; ``kind`` is what the template switches on.

    ``text`` of a table is its caption, ``name`` that of its file, which has all rows; the page
    shows the first ``shown`` of them. A cell is text or a picture.
    """

    kind: str
    name: str = ""
    text: str = ""
    summary: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    numbers: frozenset[int] = frozenset()
    letters: frozenset[int] = frozenset()
    figures: tuple[Picture, ...] = ()
    shown: int | None = None

    @property
    def tsv(self) -> str:
        """The whole table as a data URI of tab-separated text, in the words of the page."""
        lines = (self.head, *self.rows)
        text = "".join("\t".join(_cell(c) for c in line) + "\n" for line in lines)
        return text_uri(text, "tab-separated-values")


def _cell(cell: Cell) -> str:
    """Return a cell without what would end it; of a picture the words that stand for it."""
    return re.sub(r"\s+", " ", cell.alt if isinstance(cell, Picture) else cell)


@dataclass
class Section:
    """A titled part of the page; empty ones are left out."""

    id: str
    title: str
    blocks: list[Block] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.blocks.append(Block("text", text=text))

    def heading(self, text: str) -> None:
        """Add a heading inside the section."""
        self.blocks.append(Block("heading", text=text))

    def code(self, text: str, *, summary: str = "") -> None:
        """Add preformatted text, folded behind ``summary`` where one is given."""
        self.blocks.append(Block("code", text=text, summary=summary))

    def words(self, text: str, *, name: str) -> None:
        """Add text to be copied as it is, called ``name``."""
        self.blocks.append(Block("words", text=text, summary=name))

    def links(self, paths: Iterable[tuple[str, str]]) -> None:
        """Add files beside the page: (path from the run's folder, what it holds)."""
        found = tuple(tuple(pair) for pair in paths)
        if found:
            self.blocks.append(Block("links", rows=found))

    def figures(self, pictures: Iterable[Picture]) -> None:
        """Add pictures side by side."""
        found = tuple(pictures)
        if found:
            self.blocks.append(Block("figures", figures=found))

    def table(
        self,
        head: Sequence[str],
        rows: Iterable[Iterable[object]],
        *,
        numbers: Iterable[int] = (),
        letters: Iterable[int] = (),
        caption: str = "",
        shown: int | None = None,
    ) -> None:
        """Add a table; columns in ``numbers`` are set flush right, ``letters`` hold sequences.

        A page offers it as a TSV file. Without a caption it is called by the heading above it.
        Of a long one the page shows the first ``shown`` rows, and its caption has to say so.
        A `Picture` in a cell is drawn there.
        """
        cells = tuple(
            tuple(cell if isinstance(cell, Picture) else str(cell) for cell in row) for row in rows
        )
        if cells:
            tables = sum(block.kind == "table" for block in self.blocks)
            headings = [block.text for block in self.blocks if block.kind == "heading"]
            title = ": ".join((self.title, *headings[-1:]))
            self.blocks.append(
                Block(
                    "table",
                    name=f"{self.id}_{tables + 1}",
                    text=caption or title,
                    head=tuple(head),
                    rows=cells,
                    numbers=frozenset(numbers),
                    letters=frozenset(letters),
                    shown=shown,
                )
            )

    def frame(self, table: pd.DataFrame) -> None:
        """Add a data frame as it is."""
        rows = table.astype(object).itertuples(index=False)
        self.table(list(table.columns), [[number(v) for v in row] for row in rows])


@dataclass(frozen=True)
class Tile:
    """A number at the head of the page and what it counts."""

    value: str
    label: str


def picture(figure: Figure, name: str, *, folder: Path, alt: str, caption: str) -> Picture:
    """Embed a figure in the page as SVG and keep a PNG of it under ``folder``.

    Parameters
    ----------
    figure
        A matplotlib figure; it is closed afterwards.
    name
        File name of the PNG without its suffix.
    folder
        The run's ``figures`` folder; made where absent.
    alt
        What the picture shows, for those who cannot see it.
    caption
        The line below the picture.

    Returns
    -------
    Picture
        The picture as a data URI; artists of very many points are pixels inside it.
    """
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=_PIXELS_PER_INCH, facecolor="white")
    figure.set_layout_engine("none")  # all is in its place now
    uri = as_uri(svg_text(figure, name))
    width = int(figure.get_size_inches()[0] * _SCREEN_PIXELS_PER_INCH)
    plt.close(figure)
    return Picture(uri, name, alt, caption, width)


def number(value: object, digits: int = 3) -> str:
    """Write a number as a person would: counts with commas, small p-values in powers of ten."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value and abs(value) < 10 ** (-digits):
            return f"{value:.1e}"
        return f"{value:,.{digits}f}"
    return str(value)


def interval(entry: object, digits: int = 3) -> str:
    """Write ``{"value", "low", "high"}`` as ``value (low to high)``."""
    if not isinstance(entry, dict):
        return number(entry, digits)
    text = number(entry.get("value"), digits)
    low, high = entry.get("low"), entry.get("high")
    if low is None or high is None:
        return text
    return f"{text} ({number(low, digits)} to {number(high, digits)})"


def duration(seconds: float) -> str:
    """Write a duration: ``8.1 s``, ``2 min 05 s``, ``1 h 03 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"
