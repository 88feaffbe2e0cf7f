"""The pages for those who come from elsewhere: our side of every row is executed.

Blocks that begin with ``# file: NAME`` are written to that file, Python blocks are run first, and
then the code spans of the last column of each table, row by row, in an empty folder. A span that
begins with ``eugene`` goes through the shell.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from test_how_to import FILE, blocks, words_of

REPO = Path(__file__).resolve().parents[2]
PAGES = sorted((REPO / "docs" / "switching").glob("*.md"))
# EUGENe's names are a table of their own, held by tests/eugene/family
PEERS = [page for page in PAGES if page.stem not in {"index", "eugene"}]
SPAN = re.compile(r"`([^`]+)`")


def rows(page: Path) -> list[list[str]]:
    """Return the cells of the rows of every table, headers left out."""
    found: list[list[str]] = []
    for line in page.read_text(encoding="utf8").splitlines():
        if line.startswith("|---"):
            found = found[:-1]
        elif line.startswith("| "):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.append([cell.replace("\\|", "|") for cell in cells])
    return found


def spans(page: Path) -> list[str]:
    """Return the code of the last column."""
    return [span for cells in rows(page) for span in SPAN.findall(cells[-1])]


@pytest.mark.filterwarnings("ignore::eugene.errors.EugeneWarning")
@pytest.mark.filterwarnings("ignore::seqexplainer.errors.SeqexplainerWarning")
@pytest.mark.filterwarnings("ignore::seqdata.SeqdataWarning")
@pytest.mark.parametrize("page", PEERS, ids=lambda page: page.stem)
def test_our_side_of_every_row_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_registries: None
) -> None:
    import eugene as eu
    from eugene.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    script = []
    for language, text in blocks(page):
        if named := FILE.match(text):
            (tmp_path / named[1]).write_text(text[named.end() :], encoding="utf8")
        elif language == "python":
            script.append(text)
    here = {"__name__": "page"}
    with eu.settings(seed=eu.settings.seed):
        exec(compile("\n".join(script), page.name, "exec"), here)
        for span in spans(page):
            if span.startswith("eugene "):
                assert main(words_of(span)) == 0, span
            else:
                exec(compile(span, f"{page.name}: {span}", "exec"), here)


def test_every_toolkit_has_its_page_with_rows_of_three_columns() -> None:
    wanted = {"tangermeme", "grelu", "crested", "bpnet_lite", "evoaug", "seqgra"}
    assert wanted | {"finetune_enformer"} <= {page.stem for page in PEERS}
    for page in PEERS:
        found = rows(page)
        assert len(found) >= 8, page.stem
        assert len(spans(page)) >= len(found) - 1, page.stem


def test_their_side_names_what_tangermeme_has() -> None:
    """The functions in the middle column are there under these names, with these arguments."""
    tangermeme = pytest.importorskip("tangermeme")
    known = {}
    for found in pkgutil.walk_packages(tangermeme.__path__, "tangermeme."):
        if "._" not in found.name:
            module = importlib.import_module(found.name)
            known |= {n: v for n, v in vars(module).items() if inspect.isfunction(v)}
    checked = 0
    for cells in rows(REPO / "docs" / "switching" / "tangermeme.md"):
        for name, arguments in re.findall(r"(\w+)\((.*)\)", cells[1]):
            assert name in known, name
            words = re.findall(r"\b(\w+)=", arguments)
            assert set(words) <= set(inspect.signature(known[name]).parameters), cells[1]
            checked += 1
    assert checked > 20
