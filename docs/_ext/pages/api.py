"""The reference of the four packages: a page a public module, every name that it shows.

What is public: the packages, the modules on their top floors whose names have no underscore, and
below them those that a facade names. What a module shows: ``__all__``, what its facade imports
under its own name, and what it defines. A thing that several modules show is described once,
where its name is shortest; the others link there.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar, get_origin

PACKAGES = ("seqpro", "seqdata", "seqexplainer", "eugene")
FOLDER = "reference/made/api"


@dataclass
class Shown:
    """A public module and what it shows.

    Attributes
    ----------
    name : str
        Dotted name.
    names : dict of str to object
        What it shows, modules left out.
    modules : list of str
        Public modules below it.
    """

    name: str
    names: dict[str, object] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _written(module: ModuleType) -> set[str]:
    """Return the names that a module defines, or imports under their own name to show them."""
    found: set[str] = set()
    body = ast.parse(inspect.getsource(module)).body
    typed = [line for branch in body if isinstance(branch, ast.If) for line in branch.body]
    for node in (*body, *typed):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname for alias in node.names if alias.asname is not None}
        else:
            found |= set(_assigned(node))
    return found


def _inner(module: ModuleType, wanted: set[str]) -> list[str]:
    """Return the public modules of a package, whatever has been imported so far."""
    if not hasattr(module, "__path__"):
        return []
    names = sorted(found.name for found in pkgutil.iter_modules(module.__path__))
    top = module.__name__ in PACKAGES
    return [name for name in names if not name.startswith("_") and (top or name in wanted)]


def shown(module: ModuleType) -> Shown:
    """Return what a public module shows."""
    wanted = _written(module) | set(getattr(module, "__all__", ()))
    inner = _inner(module, wanted)
    lent = set(getattr(module, "_NAMES", ()))  # what its __getattr__ answers beside modules
    result = Shown(module.__name__, modules=[f"{module.__name__}.{name}" for name in inner])
    for name in sorted(wanted | lent):
        value = getattr(module, name, None)
        if not name.startswith("_") and hasattr(module, name) and not isinstance(value, ModuleType):
            result.names[name] = value
    return result


@cache
def modules() -> dict[str, Shown]:
    """Return every public module by its name, outer ones before inner ones."""
    found: dict[str, Shown] = {}

    def visit(name: str) -> None:
        one = found[name] = shown(importlib.import_module(name))
        for inner in one.modules:
            visit(inner)

    for package in PACKAGES:
        visit(package)
    return found


def _described(value: object) -> bool:
    """Tell whether a thing is known by what it is: functions and classes."""
    return inspect.isclass(value) or inspect.isroutine(value)


@cache
def homes() -> dict[str, str]:
    """Return, for each public dotted name, the dotted name under which it is described."""
    shortest: dict[int, str] = {}
    every = [
        (f"{one.name}.{name}", value)
        for one in modules().values()
        for name, value in one.names.items()
    ]
    # a public module that defines a thing loses to its facade
    for dotted, value in sorted(every, key=lambda item: (item[0].count("."), item[0])):
        if _described(value):
            shortest.setdefault(id(value), dotted)
    return {dotted: shortest[id(value)] if _described(value) else dotted for dotted, value in every}


def summary(value: object) -> str:
    """Return the first sentence of a docstring."""
    text = inspect.getdoc(value) if _described(value) else None
    return (text or "").strip().split("\n\n")[0].replace("\n", " ")


def _directive(dotted: str, value: object) -> list[str]:
    if inspect.isclass(value):
        lines = [f".. autoclass:: {dotted}"]
        if issubclass(value, BaseException):
            return lines
        return [*lines, "   :members:"]
    if inspect.isroutine(value):
        return [f".. autofunction:: {dotted}"]
    if isinstance(value, TypeVar) or get_origin(value) is not None:  # names of types
        return [f".. py:data:: {dotted}", "", f"   Stands for ``{value}``."]
    return [f".. autodata:: {dotted}", "   :no-value:"]


def _page(one: Shown) -> Iterator[str]:
    yield from (".. made by docs/_ext/pages/api.py: a change here is lost", "")
    module = [f".. automodule:: {one.name}", "   :no-members:"]
    if one.name in homes():  # a function has the name of its module, and is what is found
        module = [inspect.getdoc(importlib.import_module(one.name)) or ""]
    yield from (one.name, "=" * len(one.name), "", *module, "")
    if one.modules:
        yield from (".. toctree::", "   :maxdepth: 1", "")
        yield from (f"   {inner}" for inner in one.modules)
        yield ""
    if not one.names:
        return
    yield from (".. list-table::", "   :widths: 30 70", "   :class: names", "")
    here = {}
    for name, value in one.names.items():
        home = homes()[f"{one.name}.{name}"]
        if home == f"{one.name}.{name}":
            here[home] = value
        yield f"   * - :py:obj:`{name} <{home}>`"
        yield f"     - {summary(value) or _shown(value)}"
    for dotted, value in here.items():
        yield from ("", *_directive(dotted, value))


def _shown(value: object) -> str:
    """Return a value as Python shows it, on one short line."""
    return f"``{reprlib.repr(value)}``"


def pages() -> dict[str, str]:
    """Return the pages of the reference: one a public module."""
    return {
        f"{FOLDER}/{one.name}.rst": "\n".join(_page(one)).rstrip() + "\n"
        for one in modules().values()
    }


def page_of(dotted: str) -> Path:
    """Return the file, below ``docs/``, of the page that describes a public name."""
    home = homes()[dotted]
    return Path(FOLDER) / f"{home.rpartition('.')[0]}.rst"
