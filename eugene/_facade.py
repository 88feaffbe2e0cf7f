"""Packages whose names are loaded when they are first used, and listed once."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from functools import cache

from eugene.errors import no_attribute


def facade(
    package: str, gone: Mapping[str, str] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports nothing until it is asked.

    Its names are those that its ``__init__.py`` imports under ``if TYPE_CHECKING:``, so that they
    stand there once, for type checkers, readers and the program alike.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    gone : mapping, optional
        EUGENe's names, and what takes their place.

    Returns
    -------
    getattr : callable
        From a name to the object; AttributeError with a guess where there is none.
    dir : callable
        All names.

    Examples
    --------
    >>> load, names = facade("eugene.train")
    >>> "fit" in names(), load("read_checkpoint").__module__
    (True, 'eugene.models._weights')
    """

    def load(name: str) -> object:
        names = _deferred(package)
        if name not in names:
            raise no_attribute(package, name, names, gone or {})
        module = names[name]
        if module == package:  # a module of the package itself
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(module), name)

    def listed() -> list[str]:
        return sorted({*vars(importlib.import_module(package)), *_deferred(package)})

    return load, listed


@cache
def _deferred(package: str) -> dict[str, str]:
    """Return the modules of the names that a package imports for type checkers, by name."""
    spec = importlib.util.find_spec(package)
    source = None if spec is None or spec.origin is None else _source(spec.loader, package)
    return {
        alias.name: node.module
        for block in ast.parse(source or "").body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


def _source(loader: object, package: str) -> str | None:
    read = getattr(loader, "get_source", None)
    return None if read is None else read(package)
