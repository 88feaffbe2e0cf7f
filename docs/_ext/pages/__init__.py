"""Pages of the site that are made of the packages themselves. Sphinx is not needed to make them.

Each module makes the pages of one section: a mapping of file below ``docs/`` to text. Nothing is
listed here a second time: names come from the facades, keys from the registries and signatures,
verbs from their declarations, figures from the files of results.
"""

from __future__ import annotations

from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
DOCS = REPO / "docs"


def made() -> dict[str, str]:
    """Return every page that is made: its path below ``docs/`` and its text."""
    from pages import api, keys, results, shell, speed, tables

    found: dict[str, str] = {}
    for room in (api, keys, shell, tables, results, speed):
        found |= room.pages()
    return found


def write(folder: Path = DOCS) -> list[Path]:
    """Write the pages that changed below a folder, take away those that went; return what is there.

    A page that is as before keeps its time, so that Sphinx reads only what is new.
    """
    now = made()
    for old in folder.glob("**/made/**/*"):
        if old.is_file() and old.relative_to(folder).as_posix() not in now:
            old.unlink()
    for name, text in now.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf8") != text:
            path.write_text(text, encoding="utf8")
    return [folder / name for name in now]
