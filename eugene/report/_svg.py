"""Vector pictures that are small enough to travel inside a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_MOST_POINTS = 2000
"""Markers, vertices or cells of one artist that are drawn as vectors; more become pixels."""
_DOTS_PER_INCH = 200
_DECIMALS = 2
_PATH = re.compile(r' d="([^"]*)"')
_TOKEN = re.compile(r"[A-Za-z]|-?[\d.]+(?:e-?\d+)?")
_LONG = re.compile(r"(\d+\.\d{3})\d+")
# how many numbers each command takes that matplotlib writes
_TAKES = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0, "Z": 0}
# what a URI or an attribute may not hold as it is
_ESCAPED = {ord(c): f"%{ord(c):02X}" for c in '%#<>"&{}\\^`|\n\t'}


def svg_text(figure: Figure, name: str) -> str:
    """Return a figure as SVG: the same figure gives the same text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Artists of more points than a page can hold become pixels inside the SVG.
    name : str
        Salt of the identifiers inside.

    Returns
    -------
    str
        The SVG, without date or creator, outlines in relative coordinates of 0.01 pt.
    """
    import matplotlib as mpl

    for artist in _dense(figure):
        artist.set_rasterized(True)
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata=nothing, dpi=_DOTS_PER_INCH)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]  # declaration and document type, which name an address
    text = _PATH.sub(lambda found: f' d="{relative(found[1])}"', text)
    return re.sub(r"\s*\n\s*", " ", _LONG.sub(r"\1", text)).strip()


def _dense(figure: Figure) -> Iterator[Artist]:
    """Yield the artists that would write an element a point."""
    import numpy as np
    from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
    from matplotlib.lines import Line2D

    for artist in figure.findobj():
        if isinstance(artist, QuadMesh):
            array = artist.get_array()
            size = 0 if array is None else int(array.size)
        elif isinstance(artist, PolyCollection):
            size = sum(int(np.shape(path.vertices)[0]) for path in artist.get_paths())
        elif isinstance(artist, PathCollection):
            size = int(np.shape(artist.get_offsets())[0])
        elif isinstance(artist, Line2D):
            size = int(np.shape(artist.get_xydata())[0])
        else:
            continue
        if size > _MOST_POINTS:
            yield artist


def relative(path: str) -> str:
    """Write an outline of absolute coordinates with relative ones, which are shorter.

    Each step is taken from where the rounded outline is, so errors do not add up.

    Parameters
    ----------
    path : str
        Commands M, L, Q, C and z.

    Returns
    -------
    str
        The same outline to 0.01; unchanged where it has other commands.

    Examples
    --------
    >>> relative("M 10 20 L 12.004 20 L 12 25.5 z")
    'M10 20l2 0 0 5.5z'
    """
    tokens = _TOKEN.findall(path)
    if not tokens or any(t.isalpha() and t not in _TAKES for t in tokens):
        return path
    unit = 10**_DECIMALS
    out: list[str] = []
    at, begin, last, i, command = (0, 0), (0, 0), "", 0, "M"
    while i < len(tokens):
        if tokens[i].isalpha():
            command = tokens[i]
            i += 1
        takes = _TAKES[command]
        if not takes:
            out.append("z")
            at, last = begin, "z"
            continue
        numbers = [round(float(token) * unit) for token in tokens[i : i + takes]]
        i += takes
        if command == "M" and not out:
            shifted, letter = numbers, "M"
        else:
            shifted = [value - at[k % 2] for k, value in enumerate(numbers)]
            letter = command.lower()
        # a repeated command goes without its letter; after m a line would be meant
        said = "" if letter == last and letter != "m" else letter
        words = "".join(_joined(said, k, value / unit) for k, value in enumerate(shifted))
        out.append(said + words if said else words)
        at = (numbers[-2], numbers[-1])
        if command == "M":
            begin = at
        last = letter
    return "".join(out)


def _joined(said: str, place: int, value: float) -> str:
    """Write a number, with a space before it where it would run into the one before."""
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    text = {"-0": "0", "": "0"}.get(text, text)
    return text if text.startswith("-") or (said and place == 0) else f" {text}"


def as_uri(svg: str) -> str:
    """Return an SVG as a data URI that can stand in an attribute between double quotes.

    Examples
    --------
    >>> as_uri('<svg width="3"></svg>')
    "data:image/svg+xml,%3Csvg width='3'%3E%3C/svg%3E"
    """
    if "'" not in svg:
        svg = svg.replace('"', "'")
    return f"data:image/svg+xml,{svg.translate(_ESCAPED)}"


def text_uri(text: str, kind: str) -> str:
    """Return text as a data URI, such as that of a table of kind ``tab-separated-values``."""
    from urllib.parse import quote

    return f"data:text/{kind};charset=utf-8,{quote(text, safe=' ,:;=()/+')}"
