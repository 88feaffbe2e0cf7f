"""Plugins: modules that register a user's own things when they are imported.

Those that are installed name themselves under the entry points ``eugene.plugins`` and are loaded
where a name is not found; any other is imported where, and only where, the user names it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from eugene.errors import EugeneError, EugeneWarning, MissingFileError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "eugene.plugins"
"""Entry points of this group name a module, or a function that is called without arguments."""


class _State:
    """What has been loaded in this process."""

    def __init__(self) -> None:
        self.looked = False
        self.broken: dict[str, str] = {}
        self.loading: str | None = None


_state = _State()


def loading() -> str | None:
    """Return the plugin that is being loaded, as `load_plugin` returns it."""
    return _state.loading


@contextlib.contextmanager
def _as(plugin: str) -> Iterator[None]:
    outer, _state.loading = _state.loading, plugin
    try:
        yield
    finally:
        _state.loading = outer


def load_installed() -> None:
    """Load the plugins that are installed, once; one that fails is told and left out."""
    if _state.looked:
        return
    _state.looked = True
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        try:
            with _as(entry.module):
                _load(entry)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            _state.broken[entry.name] = what
            package = f" of {entry.dist.name}" if entry.dist is not None else ""
            message = f"the plugin {entry.name}{package} ({entry.value}) cannot be loaded: {what}"
            warnings.warn(message, EugeneWarning, stacklevel=3)


def _load(entry: EntryPoint) -> None:
    loaded = entry.load()
    if entry.attr:
        loaded()


def broken() -> str:
    """Return a remark on plugins that could not be loaded, for messages about unknown names."""
    if not _state.broken:
        return ""
    shown = "; ".join(f"{name} ({what})" for name, what in _state.broken.items())
    return f"; it may be of a plugin that cannot be loaded: {shown}"


def is_loaded(plugin: str) -> bool:
    """Tell whether a module or file is imported, as `load_plugin` names them.

    Examples
    --------
    >>> is_loaded("collections.abc"), is_loaded("/nowhere/mine.py")
    (True, False)
    """
    path = Path(plugin)
    module = sys.modules.get(path.stem if plugin.endswith(".py") else plugin)
    if module is None or not plugin.endswith(".py"):
        return module is not None
    return Path(getattr(module, "__file__", None) or ".").absolute() == path.absolute()


def load_plugin(plugin: str | Path) -> str:
    """Import a module or a Python file, which registers things.

    Parameters
    ----------
    plugin : str or Path
        Dotted name of a module, looked for in the working directory last; or a file that ends in
        ``.py``.

    Returns
    -------
    str
        The name of the module, or the whole path of the file: what a run writes down.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If it cannot be imported, or its name is that of another module.

    Examples
    --------
    >>> load_plugin("collections.abc")
    'collections.abc'
    """
    name = str(plugin)
    if not name.endswith(".py"):
        return _import(name, name, Path.cwd())
    path = Path(plugin).expanduser().absolute()
    if not path.is_file():
        raise MissingFileError(f"the plugin {path} does not exist")
    _import(path.stem, str(path), path.parent)
    found = getattr(sys.modules[path.stem], "__file__", None)
    if found is None or not path.samefile(found):
        message = f"the plugin {path} has the name of the module {path.stem} ({found}): rename it"
        raise EugeneError(message)
    return str(path)


def _import(module: str, plugin: str, folder: Path) -> str:
    """Import a module that may lie in a folder which is not searched for modules so far."""
    try:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            sys.path.append(str(folder))
            importlib.invalidate_caches()
        with _as(plugin):
            importlib.import_module(module)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise EugeneError(f"the plugin {plugin} cannot be imported: {what}") from error
    return plugin
