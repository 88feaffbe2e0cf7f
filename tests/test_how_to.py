"""The how-to pages do what they say: each adds something of its own to the toolkit.

A fenced block that begins with ``# file: NAME`` is written to that file, the lines of shell blocks
are run as they stand, and other Python blocks one after the other as the script of the page. All of
it happens in an empty folder and in this process, as torch takes longer to load than a page to run.
"""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import house
import pytest

REPO = Path(__file__).resolve().parents[1]
PAGES = sorted((REPO / "docs" / "how-to").glob("*.md"))
PAGES.append(REPO / "docs" / "explain" / "randomness.md")
FUNCTION = re.compile(r"`((?:seqpro|seqdata|seqexplainer|eugene|tests)/[\w/.]+\.py):?([\w.]*)`")
FILE = re.compile(r"# file: (\S+)\n")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of the fenced blocks of a page, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf8"), re.M | re.S)
    assert found, page
    return found


def words_of(line: str) -> list[str]:
    """Return the words of a line of the shell that stand behind ``eugene``."""
    program, *words = shlex.split(line, comments=True)
    assert program == "eugene", line
    return words


@pytest.mark.filterwarnings("ignore::eugene.errors.EugeneWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_registries: None
) -> None:
    import eugene as eu
    from eugene.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    script: list[str] = []
    lines: list[list[str]] = []
    for language, text in blocks(page):
        if named := FILE.match(text):
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text[named.end() :], encoding="utf8")
        elif language == "python":
            script.append(text)
        elif language == "shell":
            lines += [words_of(line) for line in text.splitlines() if line[:1] not in ("", "#")]
    assert script or lines
    for words in lines:
        assert main(words) == 0, words
    with eu.settings(seed=eu.settings.seed):
        exec(compile("\n".join(script), page.name, "exec"), {"__name__": "page"})


def test_there_is_a_page_for_whatever_can_be_added() -> None:
    named = {page.stem for page in PAGES}
    assert {"add_a_reader", "your_own_model", "add_a_step", "add_a_method"} <= named


def defined(path: Path) -> set[str]:
    """Return the qualified names of functions, methods and classes of a file."""
    tree = house.parsed(path)
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return classes | {name for name, _, _ in house.functions(path)}


def test_files_and_functions_that_the_pages_name_are_there() -> None:
    named = 0
    for page in [*PAGES, *(REPO / "docs" / "explain").glob("*.md"), REPO / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf8")
        for name in re.findall(r"\]\(([^)#]+)\)", text):
            # what is made with the site is looked for by Sphinx
            if not name.startswith("http") and "/made/" not in name:
                assert (page.parent / name).exists(), f"{page.name}: {name}"
        for name, function in FUNCTION.findall(text):
            assert (REPO / name).exists(), f"{page.name}: {name}"
            assert not function or function in defined(REPO / name), f"{page.name}: {function}"
            named += bool(function)
    assert named > 30
