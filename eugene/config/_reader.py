"""Values taken out of the plain tree of a definition, with every mistake at its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from eugene.config._loader import Document
from eugene.errors import did_you_mean

Plain: TypeAlias = dict[str, Any]
"""A mapping of a file: words, numbers, lists and mappings."""
ID = re.compile(r"[A-Za-z0-9_-]+")
"""What the ids of definitions are made of."""


class Reader:
    """Takes values out of a tree and notes what is wrong with them.

    Parameters
    ----------
    document : Document
        Knows the lines.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems = list(document.problems)

    def wrong(self, path: str, message: str) -> None:
        """Note a mistake."""
        self.problems.append(self.document.problem(path, message))

    def keys(self, tree: object, path: str, known: Sequence[str], *needed: str) -> Plain:
        """Return a mapping; what it has too much, and what it lacks, is noted."""
        if not isinstance(tree, dict):
            self.wrong(path, f"expected a mapping with {', '.join(known)}, got {tree!r}")
            return {}
        for key in tree:
            if key not in known:
                self.wrong(f"{path}.{key}", f"is unknown{did_you_mean(str(key), known, listed=20)}")
        for key in needed:
            if tree.get(key) is None:
                self.wrong(path, f"has no {key!r}, which is needed")
        return tree

    def items(self, tree: Plain, key: str, path: str) -> Iterator[tuple[str, object]]:
        """Yield the path and value of each item of a list."""
        given = tree.get(key)
        if given is None:
            return
        if not isinstance(given, Sequence) or isinstance(given, str):
            self.wrong(f"{path}.{key}", f"expected a list, got {given!r}")
            return
        for index, item in enumerate(given):
            yield f"{path}.{key}[{index}]", item

    def named(self, tree: Plain, key: str, path: str) -> Iterator[tuple[str, str, object]]:
        """Yield the path, name and value of each item of a mapping."""
        given = tree.get(key)
        if given is None:
            return
        if not isinstance(given, dict):
            self.wrong(f"{path}.{key}", f"expected a mapping by name, got {given!r}")
            return
        for name, item in given.items():
            here = f"{path}.{key}.{name}"
            if not ID.fullmatch(str(name)):
                self.wrong(here, f"the id {name!r} may have letters, digits, '_' and '-' only")
            yield here, str(name), item

    def text(self, tree: Plain, key: str, path: str, default: str = "") -> str:
        """Return words."""
        value = tree.get(key)
        if value is None:
            return default
        if isinstance(value, Mapping | list):
            self.wrong(f"{path}.{key}", f"expected words, got {value!r}")
            return default
        return str(value)

    def choice(self, tree: Plain, key: str, path: str, known: Sequence[str], default: str) -> Any:
        """Return one of some words."""
        value = self.text(tree, key, path, default)
        if value not in known:
            listed = did_you_mean(value, known, listed=20)
            self.wrong(f"{path}.{key}", f"is {value!r}, expected one of {', '.join(known)}{listed}")
            return default
        return value

    def whole(self, tree: Plain, key: str, path: str, default: int, least: int) -> int:
        """Return a whole number."""
        value = tree.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(f"{path}.{key}", f"is {value!r}, expected a whole number")
            return default
        if value < least:
            self.wrong(f"{path}.{key}", f"is {value}, expected {least} or more")
            return default
        return value

    def number(self, tree: Plain, key: str, path: str, default: float) -> float:
        """Return a number."""
        value = tree.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            self.wrong(f"{path}.{key}", f"is {value!r}, expected a number")
            return default
        return float(value)
