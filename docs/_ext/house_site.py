"""Sphinx extension of the site: makes the pages that are made, and keeps the built ones at home."""

from __future__ import annotations

from pathlib import Path

import pages
from pages._built import broken, fetched
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

LOG = logging.getLogger(__name__)


def _notebooks(folder: Path) -> None:
    """Copy the tutorials below ``docs/``, where Sphinx reads them; those that went are removed.

    Links to pages are right in the repository; in the copies they lead to the same pages.
    """
    made = folder / "tutorials" / "made"
    made.mkdir(parents=True, exist_ok=True)
    sources = sorted((pages.REPO / "tutorials").glob("*.ipynb"))
    for old in set(made.glob("*.ipynb")) - {made / source.name for source in sources}:
        old.unlink()
    for source in sources:
        copy, text = made / source.name, source.read_text(encoding="utf8")
        text = text.replace("](../docs/", "](../../")
        if not copy.exists() or copy.read_text(encoding="utf8") != text:
            copy.write_text(text, encoding="utf8")


def _make(app: Sphinx, config: Config) -> None:
    pages.write(Path(app.srcdir))
    _notebooks(Path(app.srcdir))


def _keep_home(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for name, named in fetched(Path(app.outdir)).items():
            LOG.warning("%s fetches from elsewhere: %s", name, "; ".join(named[:3]))
        for name, links in broken(Path(app.outdir).resolve()).items():
            LOG.warning("%s has links that lead nowhere: %s", name, "; ".join(links[:3]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Enter what the site does beyond Sphinx."""
    app.connect("config-inited", _make)
    app.connect("build-finished", _keep_home)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
