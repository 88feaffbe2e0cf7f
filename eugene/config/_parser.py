"""The last step from text to values: jsonargparse gives types, defaults and help."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eugene.config._annotations import to_typing
from eugene.config._checks import class_paths
from eugene.config._layout import Block, blocks
from eugene.config._loader import Document
from eugene.config._source import Parameter
from eugene.config.schema import SECTIONS
from eugene.errors import ConfigError, Problem

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser


def _leaves(found: list[Block]) -> Iterator[tuple[str, Parameter, Any]]:
    """Yield dotted name, parameter and default of every value outside lists."""
    inner = {block.keys for block in found if block.keys}
    for block in found:
        if any(isinstance(key, int) for key in block.keys):
            continue
        if not isinstance(block.value, dict) or block.by_class_path():
            yield ".".join(map(str, block.keys)), Parameter("", ""), block.value
            continue
        parameters, _ = block.parameters()
        known = {parameter.name: parameter for parameter in parameters}
        extra = {key: Parameter(key) for key in block.value if key not in known}
        for name, parameter in {**known, **extra}.items():
            keys = (*block.keys, name)
            if keys in inner:
                continue
            has_default, default = parameter.literal_default()
            if name == "name" and block.registry is not None:
                default = block.value.get("name")
            elif not has_default or (block.registry and name in block.registry.filled):
                default = argparse.SUPPRESS
            yield ".".join(map(str, keys)), parameter, default


def dotted_names(document: Document) -> list[str]:
    """Return the dotted name of every value that a configuration may hold outside lists.

    Parameters
    ----------
    document : Document
        A configuration; sections that it leaves out are left out.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from eugene.config import Document
    >>> "trainer.max_epochs" in dotted_names(Document({}))
    True
    """
    return [name for name, _, _ in _leaves(blocks(document.tree))]


def build_parser(document: Document, *, prog: str = "eugene", usage: str = "") -> ArgumentParser:
    """Build the jsonargparse parser that fits the names which a document chooses.

    Parameters
    ----------
    document : Document
        A configuration without mistakes.
    prog : str, optional
        Name in the help.
    usage : str, optional
        First line of the help.

    Returns
    -------
    ArgumentParser
        With one option a value; nothing that the file names was imported.
    """
    from jsonargparse import ArgumentParser, set_parsing_settings

    trusted = [path for _, path in class_paths(document.tree)]
    set_parsing_settings(
        import_path_denylist=["*"],
        import_path_allowlist=["seqpro", "seqdata", "seqexplainer", "eugene", *trusted],
        validate_subclass_spec_in_any=True,
    )
    parser = ArgumentParser(
        prog=prog,
        usage=usage or None,
        exit_on_error=False,
        add_help=False,
    )
    groups: dict[str, Any] = {}
    for dotted, parameter, default in _leaves(blocks(document.tree)):
        if dotted in {"data", "model"} and default is argparse.SUPPRESS:
            continue
        section = dotted.rpartition(".")[0]
        group = groups.get(section)
        if group is None and section:
            group = groups[section] = parser.add_argument_group(section)
        kind = to_typing(parameter.annotation)
        options: dict[str, Any] = {} if kind is None else {"type": kind}
        text = parameter.description.replace("``", "").replace("%", "%%") or None
        if kind in {int, float, str, bool}:
            options["metavar"] = kind.__name__.upper()
        (group or parser).add_argument(f"--{dotted}", default=default, help=text, **options)
    return parser


def resolve(document: Document) -> dict[str, Any]:
    """Return the tree with types applied and every literal default filled in.

    Parameters
    ----------
    document : Document
        A configuration without mistakes.

    Returns
    -------
    dict
        Plain values only, sections in their usual order.

    Raises
    ------
    ConfigError
        If jsonargparse finds a value that does not fit its type.
    """
    from jsonargparse import ArgumentError, Namespace

    parser = build_parser(document)
    lists = {block.keys: block for block in blocks(document.tree)}
    try:
        parsed: Namespace = parser.parse_object(_without_none(document.tree, ()))
    except (ArgumentError, argparse.ArgumentError, SystemExit) as error:
        message = " ".join(str(error).split())
        raise ConfigError([Problem("$", message, document.source)]) from error
    tree = _plain(parsed.as_dict())
    for keys, block in lists.items():
        if keys and isinstance(keys[-1], int):
            _put(tree, keys, _plain({**_literal_defaults(block), **block.value}))
    tree = _without_unset(tree, blocks(document.tree))
    return {name: tree[name] for name in SECTIONS if name in tree}


def _literal_defaults(block: Block) -> dict[str, Any]:
    if block.by_class_path():
        return {}
    filled = block.registry.filled if block.registry is not None else frozenset()
    found = {p.name: p.literal_default() for p in block.parameters()[0] if p.name not in filled}
    return {name: value for name, (literal, value) in found.items() if literal}


def _put(tree: Any, keys: tuple[str | int, ...], value: Any) -> None:
    for key in keys[:-1]:
        tree = tree[key]
    tree[keys[-1]] = value


def _without_none(value: Any, keys: tuple[str | int, ...]) -> Any:
    """Leave out sections that are written but empty."""
    if isinstance(value, dict):
        return {
            key: _without_none(item, (*keys, key))
            for key, item in value.items()
            if not (item is None and not keys)
        }
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _without_unset(tree: dict[str, Any], found: list[Block]) -> dict[str, Any]:
    """Drop nulls that only stand for "not given"."""
    for block in found:
        if not isinstance(block.value, dict) or any(isinstance(k, int) for k in block.keys):
            continue
        target: Any = tree
        for key in block.keys:
            target = target.get(key) if isinstance(target, dict) else None
        if not isinstance(target, dict) or block.by_class_path():
            continue
        defaults = _literal_defaults(block)
        for key in [k for k, v in target.items() if v is None and k not in block.value]:
            if key not in defaults or not block.keys:
                del target[key]
    return tree
