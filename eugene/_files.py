"""Small files of a run: never half written, and told by name where they are damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._shapes import SHAPES, misfit
from eugene.errors import NotARunError

if TYPE_CHECKING:
    import pandas as pd


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new one, never half.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    text : str
        The whole content.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_atomic(path, "whole")
    >>> path.read_text()
    'whole'
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def put_back(path: Path, content: bytes | None) -> None:
    """Let a file hold again what it held, or be gone again; one that still does is not touched.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes or None
        What it held; None where it was not there.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> put_back(path, b"as before")
    >>> path.read_text()
    'as before'
    >>> put_back(path, None)
    >>> path.exists()
    False
    """
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_bytes() != content:
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        partial.write_bytes(content)
        partial.replace(path)


def read_object(path: Path) -> dict[str, object]:
    """Read a JSON file that holds an object, of the shape that `SHAPES` has under its name.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    NotARunError
        If it is damaged, or holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        message = f"{path} is not readable as JSON ({error}); the run folder is damaged"
        raise NotARunError(message) from error
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise NotARunError(f"{path} holds a {kind}, expected an object; the run folder is damaged")
    if fault := misfit(found, SHAPES.get(path.name, {})):
        raise NotARunError(f"{path} holds what no run writes ({fault}); the run folder is damaged")
    return found


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table that a run wrote.

    Raises
    ------
    NotARunError
        If it is damaged.
    """
    import pandas as pd

    try:
        return pd.read_csv(path)
    except (ValueError, OverflowError) as error:
        message = f"{path} is not readable as a table ({error}); the run folder is damaged"
        raise NotARunError(message) from error
