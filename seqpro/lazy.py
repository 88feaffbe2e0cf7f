"""Facades: packages whose names are loaded when they are first asked for.

The imports that a facade holds under ``if TYPE_CHECKING:`` are the only table of its names: type
checkers and editors read them there, and `lazy_names` does at run time. ``import seqpro`` then
costs nothing, and neither does the error class of a package that stands on it.
"""

from __future__ import annotations

import ast
import functools
import importlib
import sys
from collections.abc import Callable, Mapping

from seqpro._version import version
from seqpro.family import _modules as family


def lazy_names(
    package: str, missing: Callable[[str, list[str]], AttributeError] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that loads its names when asked.

    Parameters
    ----------
    package : str
        ``__name__`` of the package. Its ``__init__`` imports what it shows under
        ``if TYPE_CHECKING:``, and calls this in the ``else`` of it.
    missing : callable, optional
        Makes the error for a name that is not there, from the name and what there is.

    Returns
    -------
    tuple of two callables
        They also answer ``__version__``, that of the distribution, and ``__all__``.

    Examples
    --------
    >>> load, names = lazy_names("seqpro")
    >>> load("DNA").alphabet, "gc_content" in names()
    ('ACGT', True)
    """

    def load(name: str) -> object:
        value: object
        if name == "__version__":
            value = version()
        elif name == "__all__":
            value = sorted(_homes(package))
        elif name in (homes := _homes(package) if name[:2] != "__" else {}):
            module, attribute = homes[name]
            value = importlib.import_module(module)
            value = getattr(value, attribute) if attribute else value
        elif (found := family.find(package, name)) is not None:
            value = found()
        elif missing is not None:
            raise missing(name, sorted(homes))
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *_homes(package)})

    return load, names


@functools.cache
def _homes(package: str) -> Mapping[str, tuple[str, str]]:
    """Return, for each name of a facade, its module, and what it is called there: modules, ""."""
    loader = sys.modules[package].__spec__.loader  # type: ignore[union-attr]
    source = loader.get_source(package)  # type: ignore[union-attr]
    homes = {}
    for branch in ast.parse(source).body:
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING":
            for line in branch.body:
                if isinstance(line, ast.ImportFrom) and line.module:
                    for alias in line.names:
                        shown = alias.asname or alias.name
                        if line.module == package:
                            homes[shown] = (f"{package}.{alias.name}", "")
                        else:
                            homes[shown] = (line.module, alias.name)
    return homes


family.install()
