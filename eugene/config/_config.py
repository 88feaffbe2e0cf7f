"""A configuration that has passed every check."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eugene.config import _checks, _keys, _layout, _search, _stages
from eugene.config._checks import listed_plugins
from eugene.config._dump import dump_yaml
from eugene.config._live import signature_of
from eugene.config._loader import (
    Document,
    override,
    parse_file,
    parse_scalar,
    parse_text,
)
from eugene.config._places import settle_paths
from eugene.config._plugins import load_plugin
from eugene.config._registry import Registry
from eugene.config.marks import Names
from eugene.config.registries import registry
from eugene.errors import ConfigError, Problem

Overrides = Sequence[tuple[str, str]] | Mapping[str, Any]


def value_at(tree: object, dotted: str) -> object:
    """Return what a plain tree has at a dotted path; the whole for an empty one, else None.

    Examples
    --------
    >>> value_at({"model": {"name": "cnn"}}, "model.name"), value_at({}, "model.name")
    ('cnn', None)
    """
    for key in filter(None, dotted.split(".")):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


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
    searched : bool
        Whether it holds a search space, so that it is what `candidate` makes runs of.
    """

    tree: dict[str, Any]
    document: Document = field(default_factory=Document, repr=False, compare=False)
    allow_class_path: bool = False
    searched: bool = False

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
        value = value_at(self.tree, dotted)
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

    def stages(self) -> list[RunConfig]:
        """Return the configuration of each stage of the training; of one without stages, itself.

        Examples
        --------
        >>> stage = {"name": "fine", "trainer": {"patience": 1}}
        >>> tree = {"trainer": {"patience": 3}, "stages": [stage]}
        >>> [stage.tree for stage in RunConfig(tree).stages()]
        [{'trainer': {'patience': 1}}]
        """
        listed = _stages.stages_of(self.tree)
        return [
            RunConfig(
                _stages.laid_over(self.tree, stage),
                self._stage_document(index),
                self.allow_class_path,
            )
            for index, stage in enumerate(listed)
        ] or [self]

    def _stage_document(self, index: int) -> Document:
        """Return the document of a stage; of a configuration made in Python, that of the run."""
        if index < len(_stages.stages_of(self.document.tree)):
            return _stages.stage_document(self.document, index)
        return self.document

    @property
    def last(self) -> RunConfig:
        """What the trained network was trained with last; steps after training go by it."""
        return self.stages()[-1]

    def replaced(self, overrides: Mapping[str, object]) -> RunConfig:
        """Return a copy with values set by dotted keys, checked again."""
        document = copy.deepcopy(self.document)
        for dotted, value in overrides.items():
            override(document, dotted, value, place=document.where(f"$.{dotted}"))
        return resolve_document(
            document, allow_class_path=self.allow_class_path, searched=self.searched
        )

    def candidate(self, values: Mapping[str, object]) -> RunConfig:
        """Return the configuration of one training of a search.

        Parameters
        ----------
        values : mapping
            Dotted place -> value, for every place of the search space.

        Returns
        -------
        RunConfig
            Without the sections ``tune`` and ``replicates``; it watches what trials are compared
            by.
        """
        document = _search.with_values(self.document, values)
        document.tree.pop("replicates", None)
        tune = document.tree.pop("tune", None) or {}
        trainer = document.tree.get("trainer") or {}
        metric = tune.get("metric")
        if metric is not None and metric != trainer.get("monitor"):
            override(document, "trainer.monitor", metric, place=self.document.where("$.tune"))
            override(document, "trainer.mode", None, place=self.document.where("$.tune"))
        for stage in _stages.stages_of(document.tree):
            if metric is not None and "monitor" in (stage.get("trainer") or {}):
                stage["trainer"] = {**stage["trainer"], "monitor": metric, "mode": None}
        return resolve_document(document, allow_class_path=self.allow_class_path)

    def arm(self, arm: str, seed: int) -> RunConfig:
        """Return the configuration of one replicate: an arm's overrides and a seed."""
        document = _checks.arm_document(self.document, arm)
        override(document, "seed", seed, place=self.document.where("$.replicates.seeds"))
        return resolve_document(document, allow_class_path=self.allow_class_path)

    def fold(self, arm: str, fold: int, n_folds: int | None = None) -> RunConfig:
        """Return the configuration of one fold: an arm's overrides, tested on that fold.

        Parameters
        ----------
        arm : str
            Name of the arm.
        fold : int
            Number of the fold.
        n_folds : int, optional
            How many there are; by default as ``replicates.folds`` says. Where groups are left
            out one at a time only the data tell.
        """
        document = _checks.arm_document(self.document, arm)
        like = value_at(document.tree, "data.split")
        groups = self.section("replicates").get("leave_out")
        if groups is not None:
            split: dict[str, object] = {"name": "kfold", "groups": groups}
            split |= {"n_folds": n_folds, "fold": fold}
            if isinstance(like, dict) and like.get("seed") is not None:
                split["seed"] = like["seed"]
            where = self.document.where("$.replicates.leave_out")
            override(document, "data.split", split, place=where)
            return resolve_document(document, allow_class_path=self.allow_class_path)
        if not isinstance(like, dict):
            message = (
                "folds keep the rules of data.split, and there is none: give one that says which "
                "rows stay together, for example split: {name: random}"
            )
            raise self.fail("$.replicates.folds", message)
        rules = {key: value for key, value in like.items() if key != "seed"}
        split = {"name": "kfold", "like": rules}
        split |= {"n_folds": n_folds or self.section("replicates")["folds"], "fold": fold}
        if like.get("seed") is not None:
            split["seed"] = like["seed"]
        override(document, "data.split", split, place=self.document.where("$.replicates.folds"))
        return resolve_document(document, allow_class_path=self.allow_class_path)


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


def _append(document: Document, dotted: str, value: object) -> None:
    """Add to a list of the document what ``--section.key+ value`` gives."""
    current: object = document.tree
    for key in dotted.split("."):
        current = current.get(key) if isinstance(current, dict) else None
    before = current if isinstance(current, list) else []
    added = value if isinstance(value, list) else [value]
    override(document, dotted, [*before, *added])


def resolve_document(
    document: Document, *, allow_class_path: bool = False, searched: bool = False
) -> RunConfig:
    """Check a document and fill in its defaults.

    Parameters
    ----------
    document : Document
        The parsed file with its overrides.
    allow_class_path : bool, optional
        Whether ``class_path`` and ``init_args`` are accepted.
    searched : bool, optional
        Whether it has to hold a search space, which no single run may.

    Raises
    ------
    ConfigError
        With every mistake.
    """
    _layout.write_out(document.tree)
    if searched:
        return _resolve_space(document, allow_class_path=allow_class_path)
    _checks.require_sound(document, allow_class_path=allow_class_path)
    count = len(_stages.stages_of(document.tree))
    overlaid = [_stages.stage_document(document, index).tree for index in range(count)]
    used = [origin for tree in (document.tree, *overlaid) for origin in _origins(tree)]
    if used:
        document.tree["plugins"] = [*dict.fromkeys([*listed_plugins(document), *used])]
    tree = _keys.resolve(document)
    settle_paths(document, tree)
    _stages.resolve(document, tree)
    return RunConfig(tree, document, allow_class_path)


def _resolve_space(document: Document, *, allow_class_path: bool) -> RunConfig:
    """Check a document with a search space and fill in the defaults around it."""
    from eugene.config import _search_checks

    problems = _search_checks.find_problems(document, allow_class_path=allow_class_path)
    if problems:
        raise ConfigError(sorted(problems, key=_checks.line_of))
    found = _search.search_entries({k: v for k, v in document.tree.items() if k != "tune"})
    document.tree.setdefault("tune", {})
    first = next(_search.probes(found))
    resolved = resolve_document(
        _search.with_values(document, first), allow_class_path=allow_class_path
    )
    used = [str(plugin) for plugin in resolved.tree.get("plugins") or ()]
    if used:
        document.tree["plugins"] = [*dict.fromkeys([*listed_plugins(document), *used])]
    for entry in found:
        # a path that is tried is settled as one that is given would be
        for index, value in enumerate(entry.value.get("values", ())):
            if isinstance(value, str):
                one = _search.with_values(document, {**first, entry.dotted: value})
                settled = _at(resolve_document(one, allow_class_path=allow_class_path), entry)
                if isinstance(settled, str):
                    entry.value["values"][index] = settled
    tree = resolved.tree
    _search.put_back(tree, document, found)
    return RunConfig(tree, document, allow_class_path, searched=True)


def _at(config: RunConfig, entry: _search.Entry) -> object:
    """Return what a configuration has where the entry of a search space was."""
    inner: Any = config.tree
    for key in entry.keys:
        inner = inner[key]
    return inner


def _origins(tree: dict[str, object]) -> list[str]:
    """Return what registered the things that a tree names, as far as they are not shipped."""
    found: list[str | None] = []
    for block in _layout.blocks(tree):
        if block.chosen is not None and block.registry is not None:
            found.append(block.registry.origin(block.chosen))
        if block.by_class_path():
            continue
        for parameter in block.parameters()[0]:
            names, value = parameter.mark(Names), block.value.get(parameter.name)
            if names is not None and parameter.name != "name":
                words = value if isinstance(value, list) else [value]
                known = registry(names.kind)
                found += [known.origin(word) for word in words if isinstance(word, str)]
    return [origin for origin in found if origin is not None]


def load_run_config(
    source: str | Path | Mapping[str, object] | None,
    *,
    overrides: Overrides = (),
    defaults: Mapping[str, object] | None = None,
    plugins: Sequence[str | Path] | None = (),
    allow_class_path: bool = False,
    searched: bool = False,
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
    plugins : sequence of str or Path, or None
        Modules or Python files that are imported first, because they register what is named.
        They are written down in the tree. None imports nothing, whatever the file lists.
    allow_class_path : bool, optional
        Whether ``class_path``/``init_args`` are accepted, and what the file itself lists under
        ``plugins`` is imported. Only for files that you trust.

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
    listed = listed_plugins(document)
    if plugins is not None:
        loaded = [load_plugin(p) for p in (*(listed if allow_class_path else ()), *plugins)]
        if loaded:
            document.tree["plugins"] = [*dict.fromkeys([*listed, *loaded])]
    return resolve_document(document, allow_class_path=allow_class_path, searched=searched)


def build(
    chooses: Registry,
    section: Mapping[str, Any],
    *args: object,
    config: RunConfig | None = None,
    path: str = "$",
    **supplied: object,
) -> Any:
    """Build the thing that a section names.

    Parameters
    ----------
    chooses : Registry
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
        taken = signature_of(factory, str(section["class_path"]))
        if "input_channels" not in taken and not taken.accepts_any:
            supplied.pop("input_channels", None)
        return factory(*args, **{**supplied, **arguments})
    name = str(section["name"])
    if name not in chooses and config is not None:
        raise config.fail(f"{path}.name", _checks.unknown(chooses, name, config.document))
    known = chooses.signature(name)
    for key, value in supplied.items():
        optional = chooses.filled | chooses.supplied
        takes = key in known or known.accepts_any or key not in optional
        if takes and arguments.get(key) is None:
            arguments[key] = value
    return chooses.build(name, *args, **arguments)
