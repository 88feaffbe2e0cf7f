"""Which keys a configuration may have, given the names that it chooses."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from eugene.config import registries, schema
from eugene.config._loader import PathKeys
from eugene.config._registry import Registry
from eugene.config._source import Parameter
from eugene.config.marks import Names
from eugene.errors import EugeneWarning

_STARTS = (
    Parameter(
        "first_activation",
        "str | None",
        "None",
        "What stands behind the first convolution instead of the network's own activation.",
    ),
    Parameter("init", "dict[str, Any] | None", "None", "How starting weights are drawn."),
    Parameter(
        "weights",
        "str | Path | None",
        "None",
        "Weights to start from: published ones by name, a run folder, or a file.",
    ),
    Parameter(
        "weights_part", "list[str] | None", "None", "Globs of the tensors that are taken of them."
    ),
    Parameter(
        "head",
        "dict[str, Any] | None",
        "None",
        "Arguments of a head that is drawn anew; {} where only the data change it.",
    ),
)


@dataclass(frozen=True)
class Block:
    """One mapping of the file and what may stand in it.

    Attributes
    ----------
    keys : tuple
        Where it is in the tree.
    value : object
        What the file has there; an absent section is an empty dict.
    registry : Registry or None
        Where its ``name`` is looked up.
    extra : tuple of Parameter
        Keys that do not depend on the name.
    """

    keys: PathKeys
    value: Any
    registry: Registry | None = None
    extra: tuple[Parameter, ...] = ()

    @property
    def chosen(self) -> str | None:
        """The name, if it is in the registry."""
        name = self.value.get("name") if isinstance(self.value, dict) else None
        if self.registry is not None and isinstance(name, str) and name in self.registry:
            return name
        return None

    @property
    def filled(self) -> frozenset[str]:
        """Keys that the program fills in where the file leaves them out."""
        return frozenset() if self.registry is None else self.registry.filled

    def by_class_path(self) -> bool:
        """Whether the thing is named by its import path."""
        return isinstance(self.value, dict) and "class_path" in self.value

    def parameters(self) -> tuple[tuple[Parameter, ...], bool]:
        """Return the keys that may stand here, and whether any other may as well."""
        if self.registry is None:
            return self.extra, False
        kind = self.registry.kind
        name = Parameter("name", "str", description=f"The {kind}.", marks=(Names(kind),))
        known = {"name": name, **{p.name: p for p in self.extra}}
        if self.chosen is None:
            return tuple(known.values()), True
        try:
            accepts_any = self.registry.signature(self.chosen).accepts_any
        except LookupError:
            return tuple(known.values()), True
        for parameter in self.registry.parameters(self.chosen):
            # what the section leaves open is settled by what is chosen
            if parameter.name not in known or known[parameter.name].default == "None":
                known[parameter.name] = parameter
        return tuple(known.values()), accepts_any


# places of what is chosen by name, alone and in lists
_ONE: dict[tuple[str, ...], Registry] = {
    ("data",): registries.DATA_SOURCES,
    ("data", "split"): registries.SPLITS,
    ("data", "sampler"): registries.SAMPLERS,
    ("model",): registries.MODELS,
    ("model", "init"): registries.INITIALIZERS,
    ("module",): registries.MODULES,
}
_MANY: dict[tuple[str, ...], Registry] = {
    ("data", "targets"): registries.TARGET_TRANSFORMS,
    ("baselines",): registries.BASELINES,
    ("trainer", "loggers"): registries.LOGGERS,
    ("trainer", "callbacks"): registries.CALLBACKS,
    ("augment", "augmentations"): registries.AUGMENTATIONS,
    ("module", "regularizers"): registries.REGULARIZERS,
}
NAMED: tuple[tuple[tuple[str, ...], Registry, bool], ...] = (
    *((keys, registry, False) for keys, registry in _ONE.items()),
    *((keys, registry, True) for keys, registry in _MANY.items()),
    (("stages", "adapters"), registries.ADAPTERS, False),
    (("stages", "before"), registries.STAGE_HOOKS, True),
)
"""Where a file names a thing: the place, where it is looked up, and whether many stand there."""
# keys of data and augment as they are once a file is written out
_WRITTEN_OUT = {
    "split": "dict[str, Any] | None",
    "sampler": "dict[str, Any] | None",
    "targets": "list[dict[str, Any]]",
    "target_vars": "list[str]",
    "augmentations": "list[dict[str, Any]]",
}


def _parent(tree: dict[str, object], keys: tuple[str, ...]) -> dict[str, object]:
    """Return the mapping that a place is in; an empty one where there is none."""
    parent = tree if len(keys) == 1 else tree.get(keys[0])
    return parent if isinstance(parent, dict) else {}


def _listed(tree: dict[str, object], key: str) -> list[dict[str, object]]:
    """Return the mappings of a list."""
    listed = tree.get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _by_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def write_out(tree: dict[str, object]) -> None:
    """Write out, in place, what a file may say in short.

    A word where a mapping with ``name`` is expected is that name, one word is a list of one,
    and a module without a name is the only one that every task has.

    Parameters
    ----------
    tree : dict
        The plain tree of a file.

    Examples
    --------
    >>> tree = {"data": {"split": "random", "targets": ["zscore"]}, "model": "cnn"}
    >>> write_out(tree)
    >>> tree["data"]
    {'split': {'name': 'random'}, 'targets': [{'name': 'zscore'}]}
    >>> tree["model"]
    {'name': 'cnn'}
    """
    data = _parent(tree, ("data", ""))
    _tell_table_from_transforms(data)
    lists = ((tree, "plugins"), (data, "target_vars"), (data, "target_cols"))
    for parent, key in (*lists, *((_parent(tree, keys), keys[-1]) for keys in _MANY)):
        if isinstance(parent.get(key), str):
            parent[key] = [parent[key]]
    for keys in _ONE:
        parent = _parent(tree, keys)
        if keys[-1] in parent:
            parent[keys[-1]] = _by_name(parent[keys[-1]])
    for keys in _MANY:
        listed = _parent(tree, keys).get(keys[-1])
        if isinstance(listed, list):
            listed[:] = map(_by_name, listed)
    for stage in _listed(tree, "stages"):
        for key in ("freeze", "train"):
            if isinstance(stage.get(key), str):
                stage[key] = [stage[key]]
        if "adapters" in stage:
            stage["adapters"] = _by_name(stage["adapters"])
        if isinstance(stage.get("before"), str | dict):
            stage["before"] = [stage["before"]]
        before = stage.get("before")
        if isinstance(before, list):
            stage["before"] = [_by_name(hook) for hook in before]
    module = tree.get("module")
    if isinstance(module, dict) and not {"name", "class_path", "search"} & set(module):
        tree["module"] = {"name": "sequence", **module}


def _tell_table_from_transforms(data: dict[str, object]) -> None:
    """Give the table of the ``fasta`` source its own key, where it stands under a former one."""
    given = data.get("targets")
    if data.get("name") != "fasta" or not isinstance(given, str) or "target_table" in data:
        return
    if given not in registries.TARGET_TRANSFORMS and ("." in given or "/" in given):
        data["target_table"] = data.pop("targets")
        message = (
            f"data.targets: {given} is taken for the table of the fasta source, whose key is "
            "data.target_table; data.targets lists transforms of the targets."
        )
        warnings.warn(message, EugeneWarning, stacklevel=3)


def _interpret(value: object) -> Iterator[Block]:
    names = schema.interpret_steps(value if isinstance(value, dict) else ())
    steps = tuple(
        Parameter(step, "dict[str, Any] | None", "None", registries.STEPS.summary(step))
        for step in names
    )
    yield Block(("interpret",), value, None, steps)
    if isinstance(value, dict):
        for step in names:
            if isinstance(value.get(step), dict):
                parameters = schema.parameters(f"interpret.{step}")
                yield Block(("interpret", step), value[step], None, parameters)


def _keys(section: str) -> tuple[Parameter, ...]:
    """Return the keys of a section as they are once a file is written out."""
    return tuple(
        replace(p, annotation=_WRITTEN_OUT.get(p.name, p.annotation))
        for p in schema.parameters(section)
    )


def common_keys(section: str) -> tuple[Parameter, ...]:
    """Return the keys of a section that do not depend on what it names.

    Parameters
    ----------
    section : str
        One of the top of a file.

    Returns
    -------
    tuple of Parameter
        None where all of them are the arguments of what is named.

    Examples
    --------
    >>> [p.name for p in common_keys("model")][:2], common_keys("baselines")
    (['first_activation', 'init'], ())
    """
    if section == "model":
        return _STARTS
    return _keys(section) if schema.is_bound(section) else ()


def blocks(tree: dict[str, object]) -> list[Block]:
    """Return every block of a configuration tree, the outer before the inner.

    Parameters
    ----------
    tree : dict
        The plain tree of a file.

    Returns
    -------
    list of Block
        Sections that the file leaves out and that have defaults are there as empty ones.
    """
    extra: dict[tuple[str, ...], tuple[Parameter, ...]] = {
        (section,): common_keys(section) for section in ("data", "model")
    }
    found = [Block((), tree, None, schema.TOP)]
    for keys, registry in _ONE.items():
        value = _parent(tree, keys).get(keys[-1])
        if value is None and keys == ("module",):
            value = {"name": "sequence"}
        if value is not None and (len(keys) == 1 or isinstance(value, dict)):
            found.append(Block(keys, value, registry, extra.get(keys, ())))
    for name in ("trainer", "evaluate"):
        value = {} if tree.get(name) is None else tree[name]
        found.append(Block((name,), value, None, schema.parameters(name)))
    for keys, registry in _MANY.items():
        listed = _parent(tree, keys).get(keys[-1])
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            found.append(Block((*keys, index), item, registry))
    if tree.get("interpret") is not None:
        found += _interpret(tree["interpret"])
    for name in ("augment", "replicates", "tune"):
        if tree.get(name) is not None:
            found.append(Block((name,), tree[name], None, _keys(name)))
    listed = tree.get("stages")
    for index, stage in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(stage, dict):
            found.append(Block(("stages", index), stage, None, schema.parameters("stages")))
            if stage.get("adapters") is not None:
                adapters = stage["adapters"]
                found.append(Block(("stages", index, "adapters"), adapters, registries.ADAPTERS))
            hooks = stage.get("before")
            for place, hook in enumerate(hooks if isinstance(hooks, list) else ()):
                found.append(
                    Block(("stages", index, "before", place), hook, registries.STAGE_HOOKS)
                )
    return found
