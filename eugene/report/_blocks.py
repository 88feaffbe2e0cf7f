"""The pieces a page is made of: text, tables, figures, numbers in a person's form."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Logos hold thousands of outlines, so they travel as pixels; curves stay vectors.
_PIXELS_PER_INCH = 170
_SCREEN_PIXELS_PER_INCH = 92


@dataclass(frozen=True)
class Picture:
    """An image inside the page: data URI, alternative text, caption, width in CSS pixels."""

    uri: str
    alt: str
    caption: str
    width: int


@dataclass(frozen=True)
class Block:
    """One element of a section; ``kind`` is what the template switches on."""

    kind: str
    text: str = ""
    summary: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: frozenset[int] = frozenset()
    figures: tuple[Picture, ...] = ()


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
        self, head: Sequence[str], rows: Iterable[Iterable[object]], *, numbers: Iterable[int] = ()
    ) -> None:
        """Add a table; the columns in ``numbers`` are set flush right."""
        cells = tuple(tuple(str(cell) for cell in row) for row in rows)
        if cells:
            self.blocks.append(
                Block("table", head=tuple(head), rows=cells, numbers=frozenset(numbers))
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


def picture(
    figure: Figure, name: str, *, folder: Path, alt: str, caption: str, vector: bool = True
) -> Picture:
    """Embed a figure in the page and keep a PNG of it under ``folder``.

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
    vector
        Embed as SVG (curves) or as pixels (logos).

    Returns
    -------
    Picture
        The picture as a data URI.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    png = folder / f"{name}.png"
    figure.savefig(png, dpi=_PIXELS_PER_INCH, facecolor="white")
    if vector:
        buffer = io.BytesIO()
        # no date and a fixed salt: the same run gives the same bytes
        with mpl.rc_context({"svg.hashsalt": name}):
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        kind, data = "svg+xml", buffer.getvalue()
    else:
        kind, data = "png", png.read_bytes()
    width = int(figure.get_size_inches()[0] * _SCREEN_PIXELS_PER_INCH)
    plt.close(figure)
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(uri, alt, caption, width)


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
