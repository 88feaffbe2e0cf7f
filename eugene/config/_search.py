"""The search space of a file: values written as ``{search: NAME, ...}``, and what is put there."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eugene.config._layout import Block, write_out
from eugene.config._loader import Document, PathKeys, json_path, override
from eugene.config.domains import Domain
from eugene.config.registries import SEARCHES

KEY = "search"
"""What makes a mapping of a file an entry of the search space."""


@dataclass(frozen=True)
class Entry:
    """One place of a file in which a value is looked for.

    Attributes
    ----------
    keys : tuple
        Where it is in the tree.
    value : dict
        The mapping as it is written.
    """

    keys: PathKeys
    value: dict[str, Any]

    @property
    def dotted(self) -> str:
        """The place as a key of the command line, such as ``module.optimizer_lr``."""
        return ".".join(map(str, self.keys))

    @property
    def path(self) -> str:
        """The place as messages have it, such as ``$.module.optimizer_lr``."""
        return json_path(self.keys)

    @property
    def block(self) -> Block:
        """The mapping as what may stand in it is judged by."""
        rest = {key: value for key, value in self.value.items() if key != KEY}
        return Block(self.keys, {"name": self.value[KEY], **rest}, SEARCHES)

    @property
    def domain(self) -> Domain:
        """What the entry stands for; its arguments have been judged before."""
        arguments = {key: value for key, value in self.value.items() if key != KEY}
        domain: Domain = SEARCHES.build(str(self.value[KEY]), **arguments)
        return domain


def search_entries(tree: object, keys: PathKeys = ()) -> list[Entry]:
    """Return the entries of the search space in a tree, outer ones alone, in their order.

    Examples
    --------
    >>> tree = {"module": {"optimizer_lr": {"search": "loguniform", "low": 1e-4, "high": 1e-2}}}
    >>> [entry.dotted for entry in search_entries(tree)]
    ['module.optimizer_lr']
    """
    if isinstance(tree, dict):
        if KEY in tree and keys:
            return [Entry(keys, tree)]
        items: Iterator[tuple[Any, object]] = iter(tree.items())
    elif isinstance(tree, list):
        items = iter(enumerate(tree))
    else:
        return []
    return [entry for key, value in items for entry in search_entries(value, (*keys, key))]


def with_values(document: Document, values: Mapping[str, object]) -> Document:
    """Return a copy of a document in which values stand in places of the search space.

    Parameters
    ----------
    document : Document
        The file with its search space.
    values : mapping
        Dotted place -> plain value.

    Returns
    -------
    Document
        Lines are those of the entries.

    Examples
    --------
    >>> from eugene.config import parse_text
    >>> document = parse_text("module: {optimizer_lr: {search: uniform, low: 0, high: 1}}")
    >>> with_values(document, {"module.optimizer_lr": 0.5}).tree
    {'module': {'name': 'sequence', 'optimizer_lr': 0.5}}
    """
    raw = dict(document.raw)
    changed = Document(copy.deepcopy(document.tree), dict(document.places), [], document.source)
    for dotted, value in values.items():
        path = json_path(tuple(int(k) if k.isdigit() else k for k in dotted.split(".")))
        raw.pop(path, None)
        override(changed, dotted, copy.deepcopy(value), place=document.where(path))
    changed.raw = raw
    write_out(changed.tree)
    return changed


def probes(found: list[Entry], most: int = 256) -> Iterator[dict[str, object]]:
    """Yield values for all places such that, if each set is legal, what a search tries is.

    Every combination of what each place is probed with, as long as these are few; else each
    place by itself, with the first value of the others, and all with their last.

    Parameters
    ----------
    found : list of Entry
        The space.
    most : int, optional
        Most combinations.
    """
    tried = {entry.dotted: entry.domain.probes() for entry in found}
    count = 1
    for values in tried.values():
        count *= len(values)
    if count <= most:
        for combination in itertools.product(*tried.values()):
            yield dict(zip(tried, combination, strict=True))
        return
    first = {dotted: values[0] for dotted, values in tried.items()}
    yield first
    for dotted, values in tried.items():
        for value in values[1:]:
            yield {**first, dotted: value}
    yield {dotted: values[-1] for dotted, values in tried.items()}


def put_back(tree: dict[str, Any], document: Document, found: list[Entry]) -> None:
    """Let the search space stand again in a tree that was resolved with some of its values.

    A section whose ``name`` is looked for is left as it was written: its defaults are those of
    each name.

    Parameters
    ----------
    tree : dict
        It is changed.
    document : Document
        The file with its search space.
    found : list of Entry
        The space.
    """
    for entry in found:
        keys = entry.keys[:-1] if entry.keys[-1] == "name" else entry.keys
        there: Any = document.tree
        inner: Any = tree
        for key in keys[:-1]:
            there, inner = there[key], inner[key]
        inner[keys[-1]] = copy.deepcopy(there[keys[-1]])


def first_values(document: Document) -> dict[str, object]:
    """Return a first value for each place of a document's search space, such as to try it out."""
    found = search_entries({key: value for key, value in document.tree.items() if key != "tune"})
    return next(probes(found))
