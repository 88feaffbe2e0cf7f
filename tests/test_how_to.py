"""The how-to pages do what they say: each adds something of its own to the toolkit.

A fenced block that begins with ``# file: NAME`` is written to that file, the lines of shell blocks
are run as they stand, and other Python blocks one after the other as the script of the page. All of
it happens in an empty folder: one process for the lines, so that torch is loaded once, and another
for the script, which has registered nothing.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import house
import pytest

REPO = Path(__file__).resolve().parents[1]
PAGES = sorted((REPO / "docs" / "how-to").glob("*.md"))
FUNCTION = re.compile(r"`((?:seqpro|seqdata|seqexplainer|eugene|tests)/[\w/.]+\.py):?([\w.]*)`")
FILE = re.compile(r"# file: (\S+)\n")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of the fenced blocks of a page, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf8"), re.M | re.S)
    assert found, page
    return found


def run(words: list[str], folder: Path) -> str:
    """Run a process in a folder whose own modules can be imported, and return what it printed."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(REPO)]),
        "PYTHONWARNINGS": "error::UserWarning:__main__",
        "MPLBACKEND": "Agg",
        "EUGENE_CACHE_DIR": str(folder / "cache"),
    }
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# runs the lines that stand in the file which it is given
SHELL = """
import json, sys
from eugene.cli import main
for words in json.load(open(sys.argv[1])):
    if code := main(words):
        sys.exit(f"eugene {' '.join(words)}: {code}")
"""


def words_of(line: str) -> list[str]:
    """Return the words of a line of the shell that stand behind ``eugene``."""
    program, *words = shlex.split(line, comments=True)
    assert program == "eugene", line
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    script: list[str] = []
    lines: list[str] = []
    for language, text in blocks(page):
        if named := FILE.match(text):
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text[named.end() :], encoding="utf8")
        elif language == "python":
            script.append(text)
        elif language == "shell":
            lines += [line for line in text.splitlines() if line and not line.startswith("#")]
    assert script or lines
    if lines:
        (tmp_path / "lines.json").write_text(json.dumps([words_of(line) for line in lines]))
        run([sys.executable, "-c", SHELL, "lines.json"], tmp_path)
    if script:
        (tmp_path / "page.py").write_text("\n".join(script), encoding="utf8")
        run([sys.executable, "page.py"], tmp_path)


def test_there_is_a_page_for_whatever_can_be_added() -> None:
    named = {page.stem for page in PAGES}
    assert {"add_a_reader", "add_a_model", "add_a_step", "add_a_method"} <= named


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
            if not name.startswith("http"):
                assert (page.parent / name).exists(), f"{page.name}: {name}"
        for name, function in FUNCTION.findall(text):
            assert (REPO / name).exists(), f"{page.name}: {name}"
            assert not function or function in defined(REPO / name), f"{page.name}: {function}"
            named += bool(function)
    assert named > 30
