"""What is looked at in the pages once they are built: what they fetch, and where links lead."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import unquote

# what a browser fetches by itself when it shows a page
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video|embed)\b[^>]*?\bsrc=["'](?:https?:)?//[^"']+"""
    r"""|<link\b(?=[^>]*\brel=["'](?:stylesheet|preload|icon|preconnect|modulepreload))[^>]*?\bhref=["'](?:https?:)?//[^"']+"""
    r"""|url\(["']?(?:https?:)?//[^)]+|@import\s+["'](?:https?:)?//[^"']+"""
)


def fetched(folder: Path) -> dict[str, list[str]]:
    """Return, by file, what the built pages would fetch from elsewhere."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".html", ".css"}:
            named = [match[0] for match in _FETCHED.finditer(path.read_text(encoding="utf8"))]
            if named:
                found[path.relative_to(folder).as_posix()] = named
    return found


_LINK = re.compile(r"""<(?:a|img|link|script)\b[^>]*?\b(?:href|src)=["']([^"']*)["']""")
_ANCHOR = re.compile(r"""\b(?:id|name)=["']([^"']+)["']""")


def broken(folder: Path) -> dict[str, list[str]]:
    """Return, by page, the links to files or places of the site that are not there."""
    texts = {
        path: path.read_text(encoding="utf8")
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.relative_to(folder).parts  # what the theme is made from
    }
    places = {path: set(map(html.unescape, _ANCHOR.findall(text))) for path, text in texts.items()}
    found: dict[str, list[str]] = {}
    for path, text in texts.items():
        for link in dict.fromkeys(map(html.unescape, _LINK.findall(text))):
            name, _, place = link.partition("#")
            if re.match(r"[a-z]+:|//", name):
                continue
            target = (path.parent / unquote(name.partition("?")[0])).resolve() if name else path
            there = target.exists() and (
                not place or target not in places or unquote(place) in places[target]
            )
            if not there:
                found.setdefault(path.relative_to(folder).as_posix(), []).append(link)
    return found
