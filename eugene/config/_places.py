"""Relative paths of a configuration, settled once, so that they mean the same from everywhere."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

from eugene.config._layout import blocks
from eugene.config._loader import Document, json_path
from eugene.errors import EugeneWarning

# a mapping of anything is settings; one of paths says so
_SETTINGS = "Mapping[str, object]"
_IS_PATH = re.compile(r"\b(Path|PathLike|StrPath)\b")
# these hold names as well as paths, so their annotation is text
_NAMES_OR_PATHS = frozenset({"motif_db", "motif_files"})
# these folders are made where they are not there yet
_MADE = frozenset({"cache_dir"})


def is_path(name: str, annotation: str, value: object = None) -> bool:
    """Tell whether an argument holds paths.

    Parameters
    ----------
    name, annotation : str
        The argument.
    value : object, optional
        What it is given: where the argument takes settings as well as a path, a mapping is
        settings.

    Examples
    --------
    >>> is_path("bed", "PathLike | pd.DataFrame"), is_path("width", "int")
    (True, False)
    """
    if isinstance(value, dict) and _SETTINGS in annotation:
        return False
    return name in _NAMES_OR_PATHS or bool(_IS_PATH.search(annotation))


def settle_paths(document: Document, tree: dict[str, object]) -> None:
    """Make the paths of a resolved tree absolute, in place.

    A path that a file names is looked for beside that file first, then where the program runs;
    one from the command line only there. What is in neither place stays as it was typed.

    Parameters
    ----------
    document : Document
        Knows where each value was written.
    tree : dict
        The resolved tree.
    """
    for block in blocks(tree):
        if not isinstance(block.value, dict) or block.by_class_path():
            continue
        for parameter in block.parameters()[0]:
            given = block.value.get(parameter.name)
            if parameter.name in block.value and is_path(
                parameter.name, parameter.annotation, given
            ):
                keys = (*block.keys, parameter.name)
                found = settled(block.value[parameter.name], document, json_path(keys))
                if parameter.name in _MADE and isinstance(found, str):
                    found = str(Path(found).absolute())
                block.value[parameter.name] = found


def settled(value: object, document: Document, path: str) -> object:
    """Return paths made absolute, as `settle_paths` does; what is in no place stays.

    Parameters
    ----------
    value : object
        A path, or a list or mapping of them.
    document : Document
        Knows where it was written.
    path : str
        Its place there, such as ``"$.data.path"``.
    """
    if isinstance(value, dict):
        return {key: settled(item, document, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [settled(item, document, f"{path}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, str) or not value or "://" in value:
        return value
    typed = Path(value).expanduser()
    if typed.is_absolute():
        return str(typed)
    here = Path.cwd() / typed
    if document.source and document.where(path).startswith(f"{document.source}:"):
        beside = Path(document.source).absolute().parent / typed
        if beside.exists():
            if here.exists() and not beside.samefile(here):
                warnings.warn(
                    f"{document.where(path)}: {path}: {value} is beside {document.source} and in "
                    f"{Path.cwd()}; the one beside the file is taken. Write the whole path to take "
                    "the other",
                    EugeneWarning,
                    stacklevel=2,
                )
            return os.path.normpath(beside)
    return os.path.normpath(here) if here.exists() else value
