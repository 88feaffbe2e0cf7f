"""Definitions from files: XML or YAML, plain or compressed by gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

from eugene.config._loader import Document, parse_text
from eugene.config._xml import parse_xml
from eugene.errors import ConfigError, MissingFileError, Problem


def read_definition(
    path: str | Path, from_xml: Callable[[bytes, str], Document], what: str
) -> Document:
    """Read a definition to the plain tree that its YAML form has.

    Parameters
    ----------
    path : str or Path
    from_xml : callable
        Takes the bytes of an XML file and its name, and returns the tree.
    what : str
        What it is, for messages, such as ``"data definition"``.

    Returns
    -------
    Document
        The tree, and the line of each value.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ConfigError
        If it is damaged, or neither XML nor YAML.
    """
    data = _content(path, what)
    if _is_xml(data):
        return from_xml(data, str(path))
    return parse_text(_decoded(data, path), str(path))


def holds_model(path: str | Path) -> bool:
    """Tell whether a file is the definition of a model, rather than that of data.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ConfigError
        If it is damaged, or neither XML nor YAML.
    """
    data = _content(path, "definition")
    if _is_xml(data):
        return parse_xml(data, str(path)).tag == "seqgramodel"
    return "architecture" in parse_text(_decoded(data, path), str(path)).tree


def _is_xml(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _content(path: str | Path, what: str) -> bytes:
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"the {what} {path} does not exist")
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ConfigError([Problem("$", f"is damaged: {error}", str(path))]) from error
    return data


def _decoded(data: bytes, path: str | Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem("$", f"not UTF-8 text (byte {error.start})", str(path))
        raise ConfigError([problem]) from error
