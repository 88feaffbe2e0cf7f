"""Modules that stand in the folder of a test, and are nobody's afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path


def forget_modules_of(folder: Path, names: Iterable[str]) -> None:
    """Take modules, and packages without ``__init__``, out of Python's table.

    Parameters
    ----------
    folder : Path
        Those that lie in it are forgotten.
    names : iterable of str
        The modules that are looked at: those imported since a test began.
    """
    folder, found = folder.resolve(), []
    for name in names:
        module = sys.modules[name]
        if module is None:  # a test said that it is not installed
            continue
        places = vars(module).get("__path__")  # some modules answer any name with something
        files = [vars(module).get("__file__"), *(places if isinstance(places, Iterable) else ())]
        if any(isinstance(file, str) and folder in Path(file).resolve().parents for file in files):
            found.append(name)
    for name in found:  # not before: where an inner package lies is asked of the outer one
        del sys.modules[name]
