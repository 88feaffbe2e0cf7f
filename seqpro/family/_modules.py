"""Modules of EUGENe that are not here any more, made of the table when they are imported."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from seqpro._version import version
from seqpro.errors import GoneError, GoneImportError
from seqpro.family._homes import HOMES
from seqpro.family._table import NONE, SAME, Old, modules, table


def named(module: str, name: str) -> Old | None:
    """Return the row of a name, also where it was asked of a package above its module.

    Parameters
    ----------
    module, name : str
        Where, and what was asked for.

    Examples
    --------
    >>> named("seqexplainer.gia", "perturb_seqs").name
    'seqexplainer.gia._perturb.perturb_seqs'
    """
    found = table().get(f"{module}.{name}")
    if found is None and f"{module}." not in _PACKAGES:
        inside = [
            old
            for old in table().values()
            if old.name.startswith(f"{module}.") and old.name.endswith(f".{name}")
        ]
        found = inside[0] if inside else None
    above = module if module in HOMES or module.rpartition(".")[2].startswith("_") else ""
    while found is None and "." in above:
        above = above.rpartition(".")[0]
        found = table().get(f"{above}.{name}")
    return found


_TOP = ("eugene", "seqdata", "seqpro", "seqexplainer", "seqdatasets", "motifdata")
_PACKAGES = tuple(f"{package}." for package in _TOP)


_ERRORS = {"eugene": ("eugene.errors", "GoneError")}


def _error_for(old: Old) -> type[AttributeError]:
    """Return the error of the package that was asked, where it has its own."""
    module, name = _ERRORS.get(old.name.split(".")[0], ("", ""))
    found: type[AttributeError] = getattr(sys.modules.get(module), name, GoneError)
    return found


def load(old: Old, asked: str = "") -> object:
    """Return what answers to an old name.

    Parameters
    ----------
    old : Old
        The name.
    asked : str
        The module that was asked for it: where that is another than the module of the name, as
        one of its private ones, a name that stands as it was is fetched from there.

    Raises
    ------
    GoneError
        If nothing does; the message says what to call.
    """
    if old.here == NONE or (old.here == SAME and asked in ("", old.module)):
        raise _error_for(old)(old.message())
    where = old.name[::-1].replace(".", ":", 1)[::-1] if old.here == SAME else old.here
    module, _, attribute = where.partition(":")
    value: object = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        value = getattr(value, part)
    return value


def find(module: str, name: str) -> Callable[[], object] | None:
    """Return what fetches an old name of a module, or an old module of a package.

    Parameters
    ----------
    module, name : str
        Where, and what was asked for.

    Returns
    -------
    callable or None
        None where EUGENe had no such name.
    """
    if name.startswith("__"):
        return None
    old = named(module, name)
    if old is not None:
        return lambda: load(old, module)
    inner = f"{module}.{name}"
    return (lambda: importlib.import_module(inner)) if inner in modules() else None


def old_names(
    module: str, missing: Callable[[str], AttributeError] | None = None
) -> Callable[[str], object]:
    """Return a ``__getattr__`` that answers to EUGENe's names.

    Parameters
    ----------
    module : str
        ``__name__`` of the module.
    missing : callable, optional
        Makes the error for a name that is unknown.

    Returns
    -------
    callable

    Examples
    --------
    >>> old_names("seqexplainer.gia")("perturb_seqs").__module__
    'seqexplainer.family._changed'
    """

    def load_old(name: str) -> object:
        found = find(module, name)
        if found is not None:
            value = found()
            if module in sys.modules:
                setattr(sys.modules[module], name, value)
            return value
        if missing is not None:
            raise missing(name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return load_old


def old_module(
    module: str,
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a module that has EUGENe's names alone.

    Parameters
    ----------
    module : str
        Its ``__name__``.

    Examples
    --------
    >>> old_module("seqdatasets")[1]()[:2]
    ['deAlmeida22', 'deBoer20']
    """
    load_old = old_names(module)

    def names() -> list[str]:
        here = [old for old in table().values() if old.module == module and old.here != NONE]
        return sorted(old.name.removeprefix(f"{module}.") for old in here)

    def load_name(name: str) -> object:
        if name == "__version__":
            return version()
        return names() if name == "__all__" else load_old(name)

    return load_name, names


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the table, after everything else has looked."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how to make a module that only the table knows.

        ``from package import name`` asks for a module where the package has no such name: for a
        name that is gone, this is where it is said.
        """
        old = table().get(fullname)
        if old is None and fullname.startswith(_PACKAGES) and fullname not in modules():
            old = named(*fullname.rpartition(".")[::2])  # of a module below the package
        if old is not None and old.here == NONE:
            raise GoneImportError(old.message())
        if not fullname.startswith(_PACKAGES) or fullname not in modules():
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        """Let a module answer to its old names."""
        name = module.__name__
        module.__doc__ = f"EUGENe's {name}, made of the table of old names."
        load_old, names = old_module(name)
        vars(module).update(__getattr__=load_old, __dir__=names, __all__=names())


def install() -> None:
    """Let old modules be imported."""
    if not any(type(finder).__name__ == _Finder.__name__ for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
