"""The XML of seqgra's model definitions, read to the tree of the YAML form and written from it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from eugene.config import Document
from eugene.config._reader import Plain
from eugene.config._xml import Node, Reading, Schema, element, xml_text
from eugene.errors import ConfigError, Problem
from eugene.models._operation_table import OPERATIONS
from eugene.models.definition._tree import LabelPattern, Settings, Value

if TYPE_CHECKING:
    from eugene.models.definition._definition import ModelDefinition

_SETTINGS = (("hyperparameter",), ())
_SCHEMA: Schema = {
    "seqgramodel": (("general", "architecture", "loss", "optimizer", "trainingprocess"), ()),
    "general": (
        (
            *("name", "description", "task", "sequencespace", "library", "implementation"),
            *("inputencoding", "labels", "seed"),
        ),
        ("id",),
    ),
    "labels": (("label", "pattern"), ()),
    "pattern": ((), ("prefix", "postfix", "min", "max")),
    "architecture": (("sequential", "hyperparameters", "external"), ()),
    "sequential": (("operation",), ()),
    # arguments are told by the table of operations
    "operation": ((), None),
    **dict.fromkeys(("hyperparameters", "loss", "optimizer", "trainingprocess"), _SETTINGS),
    "hyperparameter": ((), ("name",)),
    "external": ((), ("format", "classname")),
    **dict.fromkeys(
        (
            *("name", "description", "task", "sequencespace", "library", "implementation"),
            *("inputencoding", "label", "seed"),
        ),
        ((), ()),
    ),
}
_MANY = {"label", "operation", "hyperparameter"}
_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[(\[][-\d\s.,eE+]*[)\]]")
_GENERAL = {
    **{tag: tag for tag in ("name", "description", "task", "library", "implementation")},
    "sequencespace": "space",
    "inputencoding": "encoding",
}
_PARTS = {"loss": "loss", "optimizer": "optimizer", "trainingprocess": "training"}


def document_of(data: bytes, source: str) -> Document:
    """Read XML to the plain tree that the YAML form has.

    Parameters
    ----------
    data : bytes
    source : str
        Name of the file.

    Returns
    -------
    Document
        Its ``problems`` hold what is not of the language.

    Raises
    ------
    ConfigError
        If it is no XML, or has a document type.
    """
    reading = Reading(source, _SCHEMA, _MANY)
    root = reading.begin(data, "seqgramodel", "model definition of seqgra")
    reading.general(root, _GENERAL, always=False)
    tree, general = reading.document.tree, root.first("general")
    tree["labels"] = _labels(reading, general.first("labels"))
    tree["architecture"] = _architecture(reading, root.first("architecture"))
    for tag, key in _PARTS.items():
        if root.all(tag):
            tree[key] = _settings(reading, root.first(tag), f"$.{key}")
    return reading.document


def read_value(text: str) -> Value:
    """Return the number, the numbers, or the word that a text spells.

    Examples
    --------
    >>> read_value("1e-4"), read_value("(1000, 4)"), read_value("True"), read_value("relu")
    (0.0001, (1000, 4), True, 'relu')
    """
    text = text.strip()
    if text in ("True", "False", "true", "false"):
        return text.lower() == "true"
    if not _PLAIN.fullmatch(text):
        return text
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    return tuple(found) if isinstance(found, list | tuple) else found


def _labels(reading: Reading, node: Node) -> Plain | list[str]:
    reading.at("$.labels", node)
    if not node.all("pattern"):
        for index, one in enumerate(node.all("label")):
            reading.at(f"$.labels[{index}]", one)
        return [one.text for one in node.all("label")]
    pattern = node.first("pattern")
    if node.all("label"):
        reading.wrong(pattern, "stands beside labels that are listed: leave one of both out")
    given = pattern.given
    found: Plain = {key: given[key] for key in ("prefix", "postfix") if key in given}
    for key, ours in (("min", "first"), ("max", "last")):
        if key in given:
            found[ours] = reading.whole(pattern, given[key], key)
    for key in ("prefix", "postfix", "first", "last"):
        reading.at(f"$.labels.{key}", pattern)
    return found


def _architecture(reading: Reading, node: Node) -> Plain:
    path = reading.at("$.architecture", node)
    found: Plain = {}
    if node.all("sequential"):
        sequential = node.first("sequential")
        reading.at(f"{path}.operations", sequential)
        found["operations"] = []
        for index, one in enumerate(sequential.all("operation")):
            here = reading.at(f"{path}.operations[{index}]", one)
            for key in ("name", *one.given):
                reading.at(f"{here}.{key}", one)
            given = {key: read_value(text) for key, text in one.given.items()}
            if "name" in given:
                reading.wrong(one, "takes no name of a layer: take it out")
            found["operations"].append({**given, "name": one.text})
    if node.all("external"):
        external = node.first("external")
        here = reading.at(f"{path}.external", external)
        for key in ("format", "path", "classname"):
            reading.at(f"{here}.{key}", external)
        given_words = {"format": external.given.get("format", ""), "path": external.text}
        if "classname" in external.given:
            given_words["classname"] = external.given["classname"]
        found["external"] = given_words
    if node.all("hyperparameters"):
        here = f"{path}.hyperparameters"
        found["hyperparameters"] = _settings(reading, node.first("hyperparameters"), here)
    return found


def _settings(reading: Reading, node: Node, path: str) -> Plain:
    reading.at(path, node)
    found: Plain = {}
    for one in node.all("hyperparameter"):
        name = one.given.get("name", "")
        if not name:
            reading.wrong(one, "has no name")
        elif name in found:
            reading.wrong(one, f"{name!r} is there twice")
        reading.at(f"{path}.{name}", one)
        found[name] = read_value(one.text)
    return found


def to_xml(definition: ModelDefinition) -> str:
    """Write the definition of a model as seqgra's XML.

    Parameters
    ----------
    definition : ModelDefinition
        Not of regression, which seqgra has none of.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If it is of regression.
    """
    if definition.task == "regression":
        message = "seqgra's XML has no regression: write the definition as YAML"
        raise ConfigError([Problem("$.task", message, definition.source)])
    labels = definition.labels
    if isinstance(labels, LabelPattern):
        listed = [
            element(
                "pattern",
                prefix=labels.prefix,
                postfix=labels.postfix,
                min=labels.first,
                max=labels.last,
            )
        ]
    else:
        listed = [element("label", name) for name in labels]
    said = definition.implementation
    general = element(
        "general",
        element("name", definition.name),
        element("description", definition.description),
        element("task", f"{definition.task} classification"),
        element("sequencespace", definition.space),
        element("library", definition.library),
        *([element("implementation", said)] if said else []),
        element("inputencoding", definition.encoding),
        element("labels", *listed),
        element("seed", definition.seed),
        id=definition.id,
    )
    parts = [
        element(tag, *_written(getattr(definition, key)))
        for tag, key in _PARTS.items()
        if getattr(definition, key)
    ]
    return xml_text(element("seqgramodel", general, _network(definition), *parts))


def _network(definition: ModelDefinition) -> Node:
    found = definition.architecture
    inside = []
    if found.operations:
        operations = [
            element(
                "operation",
                OPERATIONS[one.name].keras,
                **{key: _spelt(value) for key, value in one.arguments},
            )
            for one in found.operations
        ]
        inside.append(element("sequential", *operations))
    if found.hyperparameters:
        inside.append(element("hyperparameters", *_written(found.hyperparameters)))
    if found.external is not None:
        given = {"format": found.external.format, "classname": found.external.classname or None}
        inside.append(element("external", found.external.path, **given))
    return element("architecture", *inside)


def _written(settings: Settings) -> Iterable[Node]:
    return [element("hyperparameter", _spelt(value), name=key) for key, value in settings]


def _spelt(value: Value) -> str:
    return value if isinstance(value, str) else repr(value)
