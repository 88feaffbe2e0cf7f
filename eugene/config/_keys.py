"""The keys that a document may have, and the tree with every default written out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass

from eugene.config._annotations import describe_text
from eugene.config._layout import Block, blocks
from eugene.config._loader import Document
from eugene.config._source import Parameter
from eugene.config.marks import Least, Names
from eugene.config.registries import registry
from eugene.config.schema import SECTIONS


@dataclass(frozen=True)
class Key:
    """A value that a configuration may hold outside lists, for help and completion.

    Attributes
    ----------
    section : str
        Dotted name of the mapping that it stands in; ``""`` at the top.
    parameter : Parameter
        Its name, type and text.
    default : str
        What it is if it is left out, as YAML shows it; ``""`` if nothing.
    """

    section: str
    parameter: Parameter
    default: str

    @property
    def dotted(self) -> str:
        """The whole name, such as ``trainer.max_epochs``."""
        return f"{self.section}.{self.parameter.name}".removeprefix(".")

    @property
    def expected(self) -> str:
        """What it may be, in words."""
        least = self.parameter.mark(Least)
        bound = "" if least is None else f", {least.value} or more"
        return f"{describe_text(self.parameter.annotation)}{bound}"

    @property
    def text(self) -> str:
        """What it is; with the names where it is looked up in a registry."""
        names = self.parameter.mark(Names)
        listed = "" if names is None else f" There are {', '.join(registry(names.kind))}."
        return f"{self.parameter.description}{listed}".replace("``", "").strip()

    @staticmethod
    def shown(parameter: Parameter) -> str:
        """Return the default of an argument as YAML shows it; ``""`` if it is no plain value.

        Examples
        --------
        >>> Key.shown(Parameter("shuffle", default="True")), Key.shown(Parameter("n", "int"))
        ('true', '')
        """
        literal, default = parameter.literal_default()
        if not literal:
            return ""
        return default if isinstance(default, str) else json.dumps(_plain(default))


def keys_of(document: Document) -> list[Key]:
    """Return every key that fits the names which a document chooses, section by section.

    Parameters
    ----------
    document : Document
        A configuration; sections that it leaves out and that have no defaults are left out.

    Returns
    -------
    list of Key
        Nothing that the file names was imported.

    Examples
    --------
    >>> from eugene.config import Document
    >>> "trainer.max_epochs" in [key.dotted for key in keys_of(Document({}))]
    True
    """
    found = blocks(document.tree)
    inner = {block.keys for block in found}
    return [
        key
        for block in found
        if isinstance(block.value, dict)
        and not any(isinstance(k, int) for k in block.keys)
        and not block.by_class_path()
        for key in keys_of_block(block)
        if (*block.keys, key.parameter.name) not in inner
    ]


def keys_of_block(block: Block) -> list[Key]:
    """Return the keys that one mapping of a document may have.

    Parameters
    ----------
    block : Block
        A mapping, and where what it names is looked up.

    Returns
    -------
    list of Key
        In the order of the signature.
    """
    section = ".".join(map(str, block.keys))
    return [Key(section, p, _shown(block, p)) for p in block.parameters()[0]]


def _shown(block: Block, parameter: Parameter) -> str:
    if parameter.name in block.value:
        value = block.value[parameter.name]
        return value if isinstance(value, str) else json.dumps(_plain(value))
    return "" if parameter.name in block.filled else Key.shown(parameter)


def resolve(document: Document) -> dict[str, object]:
    """Return the tree with every default that is a plain value written out.

    Parameters
    ----------
    document : Document
        A configuration without mistakes.

    Returns
    -------
    dict
        Plain values only, sections in their usual order.
    """
    tree = copy.deepcopy({k: v for k, v in document.tree.items() if v is not None})
    for block in blocks(tree):
        if block.by_class_path():
            continue
        filled = dict(_filled(block))
        block.value.clear()
        block.value.update(filled)
        if len(block.keys) == 1 and tree.get(str(block.keys[0])) is None:
            tree[str(block.keys[0])] = block.value
    return {key: _plain(tree[key]) for key in SECTIONS if tree.get(key) is not None}


def _filled(block: Block) -> Iterator[tuple[str, object]]:
    """Yield keys and values in the order of the signature, then what it leaves open."""
    parameters, _ = block.parameters()
    for parameter in parameters:
        literal, default = parameter.literal_default()
        if parameter.name in block.value:
            yield parameter.name, block.value[parameter.name]
        elif literal and parameter.name not in block.filled:
            yield parameter.name, default
    known = {parameter.name for parameter in parameters}
    yield from ((name, value) for name, value in block.value.items() if name not in known)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
