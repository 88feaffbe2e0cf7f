"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]<>|$])")
_CODE = re.compile(r"(`+)(.+?)\1")


def plain(text: object) -> str:
    """Return text that shows as it is; what stands in backticks is code.

    Examples
    --------
    >>> plain("a*b|c, `x_y`")
    'a\\*b\\|c, `x_y`'
    """
    joined = " ".join(str(text).split())
    parts, place = [], 0
    for found in _CODE.finditer(joined):
        parts += [_SPECIAL.sub(r"\\\1", joined[place : found.start()]), code(found[2])]
        place = found.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\1", joined[place:])])


def code(text: object) -> str:
    """Return text as code for a cell of a table; empty text stays empty.

    Examples
    --------
    >>> code("int | None")
    '`int \\| None`'
    """
    inner = " ".join(str(text).split()).replace("|", "\\|")
    if not inner:
        return ""
    return f"`` {inner} ``" if "`" in inner else f"`{inner}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown already.

    Examples
    --------
    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    <BLANKLINE>
    """
    lines = [header, ["---"] * len(header), *rows]
    joined = [f"| {' | '.join(line)} |" for line in lines]
    joined[1] = f"|{'|'.join(lines[1])}|"
    return "\n".join(joined) + "\n"


def toctree(entries: Iterable[str], *options: str) -> str:
    """Return a list of pages that belong below this one."""
    lines = ["```{toctree}", *(f":{option}" for option in options), "", *entries, "```"]
    return "\n".join(lines) + "\n"


def page(title: str, *parts: str) -> str:
    """Return a page of a title and parts with empty lines between them."""
    note = "<!-- made by docs/_ext/pages: a change here is lost -->"
    return "\n\n".join([note, f"# {title}", *(part.rstrip("\n") for part in parts if part)]) + "\n"
