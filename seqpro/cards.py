"""Cards for notebooks: what an object holds, as a small HTML table; logos of motifs as inline SVG.

Everything is text and inline styles, without scripts, so that a saved notebook shows it anywhere.
Whatever comes from users is escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_FRAME = (
    "border:1px solid #8888;border-radius:6px;padding:0.5em 0.9em;margin:0.3em 0;"
    "display:inline-block;max-width:100%"
)
_KEY = "text-align:left;vertical-align:top;padding:0.1em 1em 0.1em 0;font-weight:600"
_CELL = "text-align:left;vertical-align:top;padding:0.1em 0"
_COLUMN, _HEIGHT = 16, 48
# the height of a capital letter, and the width of a wide one, of a bold sans-serif font of 100 px
_CAP, _WIDE = 72.0, 74.0
_COLOURS = {"A": "#109648", "C": "#255c99", "G": "#f7931e", "T": "#d62839", "U": "#d62839"}
_OTHER = "#666666"


def card(title: str, rows: Iterable[tuple[str, str]], *, note: str = "", drawing: str = "") -> str:
    """Return a card: a title and a table of two columns.

    Parameters
    ----------
    title : str
        Plain text.
    rows : iterable of (str, str)
        What it is, and its value; both are plain text and are escaped.
    note : str, optional
        A line below, plain text.
    drawing : str, optional
        HTML or SVG between title and table, which is *not* escaped: from `logo_svg`.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> "&lt;b&gt;" in card("<b>", [("n", "3")])
    True
    """
    cells = "".join(
        f'<tr style="background:none"><th scope="row" style="{_KEY}">{html.escape(key)}</th>'
        f'<td style="{_CELL}">{html.escape(value)}</td></tr>'
        for key, value in rows
    )
    table = f'<table style="border-collapse:collapse;margin:0.3em 0">{cells}</table>' * bool(cells)
    below = f'<div style="opacity:0.75">{html.escape(note)}</div>' * bool(note)
    return (
        f'<div style="{_FRAME}"><div style="font-weight:700">{html.escape(title)}</div>'
        f"{drawing}{table}{below}</div>"
    )


def lines(title: str, rows: Iterable[tuple[str, str]], *, note: str = "") -> str:
    """Return what `card` shows as plain text.

    Examples
    --------
    >>> print(lines("data", [("rows", "3"), ("length", "10 bp")]))
    data
      rows    3
      length  10 bp
    """
    listed = list(rows)
    width = max((len(key) for key, _ in listed), default=0) + 2
    body = [f"  {key:<{width}}{value}".rstrip() for key, value in listed]
    return "\n".join([title, *body, *([f"  {note}"] if note else [])])


def logo_svg(ppm: NDArray[np.float64], letters: Sequence[str] | str, *, label: str = "") -> str:
    """Draw a motif as an inline SVG; letters are as high as the information (bits) they carry.

    Parameters
    ----------
    ppm : ndarray of float64, shape (A, width)
        Probabilities of the letters at each position.
    letters : sequence of str
        The letters of the rows.
    label : str, optional
        What a screen reader says.

    Returns
    -------
    str
        SVG.

    Examples
    --------
    >>> logo_svg(np.eye(4)[[2, 0]].T, "ACGT", label="GA").count("<text")
    2
    """
    probabilities = np.asarray(ppm, dtype=np.float64)
    n, width = probabilities.shape
    logs = np.log2(np.where(probabilities > 0, probabilities, 1.0))
    bits = np.log2(n) + (probabilities * logs).sum(axis=0)
    heights = probabilities * np.clip(bits, 0, None) * (_HEIGHT / np.log2(n))
    drawn = []
    for column in range(width):
        bottom = float(_HEIGHT)
        for row in np.argsort(heights[:, column], kind="stable"):
            height = float(heights[row, column])
            if height < 0.3:
                continue
            letter = html.escape(letters[row])
            x = (column + 0.5) * _COLUMN
            drawn.append(
                f'<text transform="translate({x:g},{bottom:.2f}) '
                f'scale({0.94 * _COLUMN / _WIDE:.4f},{height / _CAP:.4f})" '
                f'fill="{_COLOURS.get(letters[row], _OTHER)}">{letter}</text>'
            )
            bottom -= height
    said = html.escape(label, quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" '
        f'width="{width * _COLUMN}" height="{_HEIGHT + 2}" '
        f'viewBox="0 0 {width * _COLUMN} {_HEIGHT + 2}" style="vertical-align:middle" '
        'font-family="Helvetica,Arial,sans-serif" font-weight="bold" font-size="100" '
        f'text-anchor="middle"><title>{said}</title>{"".join(drawn)}'
        f'<path d="M0 {_HEIGHT + 1}H{width * _COLUMN}" stroke="#888" fill="none"/></svg>'
    )
