"""Run every example in the documentation of the code."""

from __future__ import annotations

import doctest
import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGES = ("seqpro", "seqdata", "seqexplainer", "eugene")
# modules that act when they are imported or need what a test machine lacks
LEFT_OUT = {"eugene.__main__"}


def module_names() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            parts = path.relative_to(REPO).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name not in LEFT_OUT:
                yield name


def source(name: str) -> str:
    path = REPO / Path(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf8")


WITH_EXAMPLES = [name for name in module_names() if ">>> " in source(name)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(module, optionflags=options, verbose=False)
    assert result.failed == 0
    assert os.getcwd() == str(tmp_path)  # noqa: PTH109


def test_most_modules_have_examples() -> None:
    assert len(WITH_EXAMPLES) > 60
