"""Reading YAML with the place of every value, and without surprises.

Differences from plain PyYAML: ``1e-3`` is a number, ``on``, ``yes`` and dates are strings,
only ``true`` and ``false`` are booleans, a key given twice is an error, and tags that would
build objects are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from eugene.errors import ConfigError, MissingFileError, Problem, did_you_mean

PathKeys = tuple[str | int, ...]
_MAX_NODES = 100_000
_PLAIN = {
    "tag:yaml.org,2002:null",
    "tag:yaml.org,2002:bool",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:str",
}


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalar rules of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+0123456789."),
    ),
):
    StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def json_path(keys: PathKeys) -> str:
    """Return a path in the tree as text.

    Examples
    --------
    >>> json_path(("model", "conv", "kernels", 1))
    '$.model.conv.kernels[1]'
    """
    text = "$"
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text


@dataclass
class Document:
    """A configuration tree that knows where each value was written.

    Attributes
    ----------
    tree : dict
        Plain values: numbers, strings, lists, dicts.
    places : dict of str to str
        ``$.path`` -> ``file:line`` or ``command line``.
    problems : list of Problem
        What was wrong with the text itself.
    source : str
        The file, or ``""``.
    raw : dict of str to str
        ``$.path`` -> text as it was typed, for values from the command line.
    """

    tree: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    source: str = ""
    raw: dict[str, str] = field(default_factory=dict)

    def where(self, path: str) -> str:
        """Return the place of a path, or of the nearest thing around it."""
        while path not in self.places and path not in {"$", ""}:
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else "$"
        return self.places.get(path, self.source)

    def problem(self, path: str, message: str) -> Problem:
        """Return a Problem at a path of this document."""
        return Problem(path, message, self.where(path))


class _Builder:
    """Turns composed nodes into plain values and remembers their lines."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0

    def place(self, node: yaml.Node) -> str:
        return f"{self.document.source}:{node.start_mark.line + 1}"

    def complain(self, keys: PathKeys, node: yaml.Node, message: str) -> None:
        self.document.problems.append(Problem(json_path(keys), message, self.place(node)))

    def build(self, node: yaml.Node, keys: PathKeys) -> object:
        self.count += 1
        if self.count > _MAX_NODES:
            message = f"more than {_MAX_NODES} values; is an alias repeated inside itself?"
            raise ConfigError([Problem(json_path(keys), message, self.place(node))])
        self.document.places.setdefault(json_path(keys), self.place(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*keys, i)) for i, item in enumerate(node.value)]
        return self.scalar(node, keys)

    def mapping(self, node: yaml.MappingNode, keys: PathKeys) -> dict[str, object]:
        result: dict[str, object] = {}
        lines: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.complain(keys, key_node, "a key must be a plain word")
                continue
            key = str(key_node.value)
            if key == "<<":
                merged.append(value_node)
                continue
            if key in lines:
                message = f"the key {key!r} is given twice; the first is in line {lines[key]}"
                self.complain((*keys, key), key_node, message)
                continue
            lines[key] = key_node.start_mark.line + 1
            self.document.places[json_path((*keys, key))] = self.place(key_node)
            result[key] = self.build(value_node, (*keys, key))
        for value_node in merged:
            several = isinstance(value_node, yaml.SequenceNode)
            for source in value_node.value if several else [value_node]:
                extra = self.build(source, keys)
                if isinstance(extra, dict):
                    result = {**extra, **result}
                else:
                    self.complain(keys, source, "'<<' must name a mapping")
        return result

    def scalar(self, node: yaml.Node, keys: PathKeys) -> object:
        if node.tag not in _PLAIN:
            self.complain(keys, node, f"the tag {node.tag!r} is not allowed; write plain values")
            return None
        kind = node.tag.rpartition(":")[2]
        text = str(node.value)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
        if kind == "float":
            return float(text.replace(".inf", "inf").replace(".nan", "nan").lower().lstrip("+"))
        return text


def _syntax_problem(error: yaml.YAMLError, source: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or str(error)
    if mark is None:
        return Problem("$", f"not readable as YAML: {what}", source)
    place = f"{source}:{mark.line + 1}"
    return Problem("$", f"not readable as YAML, column {mark.column + 1}: {what}", place)


def parse_text(text: str, source: str = "<text>") -> Document:
    r"""Parse YAML text.

    Parameters
    ----------
    text : str
        The YAML.
    source : str, optional
        Name of the file for messages.

    Returns
    -------
    Document
        Its ``problems`` hold duplicate keys, unknown tags and the like.

    Raises
    ------
    ConfigError
        If the text is not YAML, or is not a mapping.

    Examples
    --------
    >>> document = parse_text("a: 1e-3\nb: on\n", "x.yaml")
    >>> document.tree, document.where("$.b")
    ({'a': 0.001, 'b': 'on'}, 'x.yaml:2')
    """
    document = Document(source=source)
    loader = StrictLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_problem(error, source)]) from error
    finally:
        loader.dispose()
    if node is None:
        raise ConfigError([Problem("$", "the file is empty", source)])
    try:
        tree = _Builder(document).build(node, ())
    except RecursionError as error:
        message = "an alias contains itself"
        raise ConfigError([Problem("$", message, source)]) from error
    if not isinstance(tree, dict):
        message = f"expected a mapping of sections, got {type(tree).__name__}"
        raise ConfigError([Problem("$", message, document.where("$"))])
    document.tree = tree
    return document


def parse_scalar(text: str) -> object:
    """Read one value as it would be written in YAML.

    Parameters
    ----------
    text : str
        Such as ``"5"``, ``"[1, 2]"`` or ``"{k: 6}"``.

    Returns
    -------
    object
        The plain value; text that is no YAML is returned as it is.

    Examples
    --------
    >>> parse_scalar("1e-3"), parse_scalar("[1, 2]"), parse_scalar("on")
    (0.001, [1, 2], 'on')
    """
    try:
        node = yaml.compose(text, Loader=StrictLoader)
    except yaml.YAMLError:
        return text
    if node is None:
        return None
    document = Document(source="command line")
    value = _Builder(document).build(node, ())
    return text if document.problems else value


def parse_file(path: str | Path) -> Document:
    """Parse a YAML file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Document
        The tree with file and line of every value.

    Raises
    ------
    MissingFileError
        If there is no such file; names a similar one beside it.
    ConfigError
        If it is not YAML.
    """
    path = Path(path)
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, beside)
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise MissingFileError(f"the configuration file {path} {what}{hint}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text (byte {error.start})"
        raise ConfigError([Problem("$", message, str(path))]) from error
    return parse_text(text, str(path))


def _steps(dotted: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in dotted.split(".")]


def override(document: Document, dotted: str, value: Any, *, place: str = "command line") -> None:
    """Set one value of a document in place.

    Parameters
    ----------
    document : Document
        It is changed.
    dotted : str
        Such as ``"trainer.max_epochs"``; a number is an index into a list.
    value : object
        The new plain value.
    place : str, optional
        What messages say about where it came from.

    Raises
    ------
    ConfigError
        If the path runs through something that is not a mapping or list.

    Examples
    --------
    >>> document = parse_text("trainer: {max_epochs: 30}")
    >>> override(document, "trainer.max_epochs", 5)
    >>> document.tree, document.where("$.trainer.max_epochs")
    ({'trainer': {'max_epochs': 5}}, 'command line')
    """
    keys = _steps(dotted)
    current: Any = document.tree
    for depth, key in enumerate(keys):
        here = json_path(tuple(keys[:depth]))
        last = depth == len(keys) - 1
        if isinstance(current, list):
            if not isinstance(key, int) or key >= len(current):
                message = f"{dotted!r}: the list here has {len(current)} items, got index {key!r}"
                raise ConfigError([Problem(here, message, place)])
        elif isinstance(current, dict):
            key = str(key)
            if not last and current.get(key) is None:
                current[key] = {}
        else:
            message = f"{dotted!r} looks for {key!r} inside the value {current!r}"
            raise ConfigError([Problem(here, message, place)])
        if last:
            current[key] = value
        else:
            current = current[key]
    base = json_path(tuple(keys))
    for path in [p for p in document.places if p.startswith((f"{base}.", f"{base}["))]:
        del document.places[path]
    document.places[base] = place
