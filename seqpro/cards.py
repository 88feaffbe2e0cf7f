"""Cards for notebooks: what an object holds, as a small HTML table.

Everything is text and inline styles, without scripts, so that a saved notebook shows it anywhere.
Whatever comes from users is escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

_FRAME = (
    "border:1px solid #8888;border-radius:6px;padding:0.5em 0.9em;margin:0.3em 0;"
    "display:inline-block;max-width:100%"
)
_KEY = "text-align:left;vertical-align:top;padding:0.1em 1em 0.1em 0;font-weight:600"
_CELL = "text-align:left;vertical-align:top;padding:0.1em 0"


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
        HTML or SVG between title and table, which is *not* escaped: such as a logo.

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
