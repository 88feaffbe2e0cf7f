"""A configuration that has passed every check."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from eugene.config import _checks, _layout, _parser
from eugene.config._loader import (
    Document,
    StrictLoader,
    override,
    parse_file,
    parse_scalar,
    parse_text,
)
from eugene.config._places import settle_paths
from eugene.config._registry import Registry
from eugene.errors import ConfigError, Problem

Overrides = Sequence[tuple[str, str]] | Mapping[str, Any]


@dataclass(frozen=True)
class RunConfig:
    """One run: the resolved tree and the document that it came from.

    Attributes
    ----------
    tree : dict
        Plain values with all defaults; what is written to ``config.yaml``.
    document : Document
        Knows the line of each value, for messages of later checks.
    allow_class_path : bool
        Whether the file may name things by import path.
    """

    tree: dict[str, Any]
    document: Document = field(default_factory=Document, repr=False, compare=False)
    allow_class_path: bool = False

    @property
    def name(self) -> str:
        """Name of the run."""
        return str(self.tree["name"])

    @property
    def seed(self) -> int:
        """Seed that every draw follows from."""
        return int(self.tree["seed"])

    def section(self, dotted: str) -> dict[str, Any]:
        """Return a copy of a section; empty where it is absent.

        Examples
        --------
        >>> config = RunConfig({"name": "x", "seed": 1, "model": {"name": "cnn"}})
        >>> config.section("model"), config.section("interpret.attribute")
        ({'name': 'cnn'}, {})
        """
        value: Any = self.tree
        for key in dotted.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return copy.deepcopy(value) if isinstance(value, dict) else {}

    def fail(self, path: str, message: str) -> ConfigError:
        """Return the error for a mistake that only the data reveal.

        Parameters
        ----------
        path : str
            Such as ``"$.model.input_len"``.
        message : str
            What is wrong and how to mend it.
        """
        return ConfigError([self.document.problem(path, message)])

    def to_yaml(self) -> str:
        """Return the resolved tree as YAML text.

        Examples
        --------
        >>> print(RunConfig({"name": "x", "seed": 1}).to_yaml(), end="")
        name: x
        seed: 1
        """
        return dump_yaml(self.tree)

    def replaced(self, overrides: Mapping[str, Any]) -> RunConfig:
        """Return a copy with values set by dotted keys, checked again."""
        document = copy.deepcopy(self.document)
        for dotted, value in overrides.items():
            override(document, dotted, value, place=document.where(f"$.{dotted}"))
        return resolve_document(document, allow_class_path=self.allow_class_path)

    def arm(self, arm: str, seed: int) -> RunConfig:
        """Return the configuration of one replicate: an arm's overrides and a seed."""
        document = _checks.arm_document(self.document, arm)
        override(document, "seed", seed, place=self.document.where("$.replicates.seeds"))
        return resolve_document(document, allow_class_path=self.allow_class_path)


class _Dumper(yaml.SafeDumper):
    """Mappings in blocks, lists of plain values in one line, no aliases.

    Text that YAML 1.1 or 1.2 would take for something else is quoted.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [
            *StrictLoader.yaml_implicit_resolvers.get(first, []),
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {
            *StrictLoader.yaml_implicit_resolvers,
            *yaml.SafeDumper.yaml_implicit_resolvers,
        }
    }

    def represent_mapping(
        self, tag: str, mapping: Any, flow_style: bool | None = None
    ) -> yaml.MappingNode:
        return super().represent_mapping(tag, mapping, flow_style=not mapping)

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        plain = not any(isinstance(item, dict | list) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump_yaml(tree: Mapping[str, Any]) -> str:
    """Write a plain tree as YAML that `parse_text` reads back unchanged.

    Examples
    --------
    >>> print(dump_yaml({"a": 0.001, "b": [1, 2], "c": "on"}), end="")
    a: 0.001
    b: [1, 2]
    c: 'on'
    """
    return yaml.dump(dict(tree), Dumper=_Dumper, sort_keys=False, width=96)


def apply_overrides(document: Document, overrides: Overrides) -> None:
    """Set values of a document from the command line or a mapping, in place.

    Parameters
    ----------
    document : Document
        It is changed.
    overrides : sequence of (str, str) or mapping
        Dotted key and the text as typed, or dotted key -> plain value. A key that ends in ``+``
        adds to a list.
    """
    _layout.write_out(document.tree)
    if isinstance(overrides, Mapping):
        for dotted, value in overrides.items():
            override(document, dotted, value, place="overrides")
        return
    for dotted, text in overrides:
        if dotted.endswith("+"):
            _append(document, dotted[:-1], parse_scalar(text))
            continue
        override(document, dotted, parse_scalar(text))
        document.raw[f"$.{dotted}"] = text


def _append(document: Document, dotted: str, value: Any) -> None:
    """Add to a list of the document what ``--section.key+ value`` gives."""
    current: Any = document.tree
    for key in dotted.split("."):
        current = current.get(key) if isinstance(current, dict) else None
    before = current if isinstance(current, list) else []
    added = value if isinstance(value, list) else [value]
    override(document, dotted, [*before, *added])


def resolve_document(document: Document, *, allow_class_path: bool = False) -> RunConfig:
    """Check a document and fill in its defaults.

    Raises
    ------
    ConfigError
        With every mistake.
    """
    _layout.write_out(document.tree)
    _checks.require_sound(document, allow_class_path=allow_class_path)
    tree = _parser.resolve(document)
    settle_paths(document, tree)
    return RunConfig(tree, document, allow_class_path)


def load_run_config(
    source: str | Path | Mapping[str, Any] | None,
    *,
    overrides: Overrides = (),
    defaults: Mapping[str, Any] | None = None,
    allow_class_path: bool = False,
) -> RunConfig:
    """Read a run's configuration, apply overrides and check everything.

    Parameters
    ----------
    source : path, mapping or None
        A YAML file, or the tree itself; None where the overrides say everything.
    overrides : sequence of (str, str) or mapping, optional
        Dotted keys and what to set them to.
    defaults : mapping, optional
        Sections to take where the file leaves them out.
    allow_class_path : bool, optional
        Whether ``class_path``/``init_args`` are accepted. Only for files that you trust.

    Returns
    -------
    RunConfig
        Resolved and ready to run.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ConfigError
        With every mistake, its line, its path and what was meant.

    Examples
    --------
    >>> from eugene.config import find_recipe
    >>> config = load_run_config(find_recipe("quickstart"), overrides={"trainer.max_epochs": 5})
    >>> config.name, config.tree["trainer"]["max_epochs"]
    ('quickstart', 5)
    """
    if source is None:
        document = Document(source="command line")
    elif isinstance(source, Mapping):
        document = parse_text(dump_yaml(source), "<mapping>")
    else:
        document = parse_file(source)
        document.tree.setdefault("name", Path(source).stem)
    for section, value in (defaults or {}).items():
        document.tree.setdefault(section, copy.deepcopy(value))
    apply_overrides(document, overrides)
    return resolve_document(document, allow_class_path=allow_class_path)


def _takes(factory: Any, key: str) -> bool:
    """Tell whether a class or function of the user takes an argument."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False
    return key in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def build(
    registry: Registry,
    section: Mapping[str, Any],
    *args: Any,
    config: RunConfig | None = None,
    path: str = "$",
    **supplied: Any,
) -> Any:
    """Build the thing that a section names.

    Parameters
    ----------
    registry : Registry
        Where its name is looked up.
    section : mapping
        ``name`` and arguments, or ``class_path`` and ``init_args``.
    *args : object
        Given before the arguments of the section.
    config : RunConfig, optional
        Says whether ``class_path`` is allowed.
    path : str, optional
        Where the section stands, for messages.
    **supplied : object
        Further keyword arguments; those that the thing does not take are left out when the
        registry lists them as filled.

    Returns
    -------
    object
        What calling it returned.

    Raises
    ------
    ConfigError
        If ``class_path`` is not allowed or cannot be imported.
    """
    arguments = {key: value for key, value in section.items() if key != "name"}
    if "class_path" in section:
        if config is None or not config.allow_class_path:
            raise ConfigError([Problem(path, "'class_path' needs --allow-class-path")])
        module, _, attribute = str(section["class_path"]).rpartition(".")
        try:
            factory = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise config.fail(f"{path}.class_path", f"cannot be imported: {error}") from error
        arguments = dict(section.get("init_args") or {})
        if not _takes(factory, "input_channels"):
            supplied.pop("input_channels", None)
        return factory(*args, **{**supplied, **arguments})
    name = str(section["name"])
    known = registry.signature(name)
    for key, value in supplied.items():
        optional = registry.filled | registry.supplied
        takes = key in known or known.accepts_any or key not in optional
        if takes and arguments.get(key) is None:
            arguments[key] = value
    return registry.build(name, *args, **arguments)
