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
    Parameter("init", "dict[str, Any] | None", "None", "How starting weights are drawn."),
    Parameter(
        "weights", "str | Path | None", "None", "Published weights by name, or a file of weights."
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


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _all_by_name(value: Any) -> Any:
    if isinstance(value, str):
        return [_by_name(value)]
    return [_by_name(item) for item in value] if isinstance(value, list) else value


def write_out(tree: dict[str, Any]) -> None:
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
    if isinstance(tree.get("plugins"), str):
        tree["plugins"] = [tree["plugins"]]
    places: tuple[tuple[Any, str, Any], ...] = (
        (tree, "data", _by_name),
        (tree, "model", _by_name),
        (tree, "module", _by_name),
        (tree, "baselines", _all_by_name),
    )
    for parent, key, written in places:
        if key in parent:
            parent[key] = written(parent[key])
    data, model, module = (tree.get(key) for key in ("data", "model", "module"))
    if isinstance(data, dict):
        _tell_table_from_transforms(data)
        for key, written in (("split", _by_name), ("sampler", _by_name), ("targets", _all_by_name)):
            if key in data:
                data[key] = written(data[key])
        for key in ("target_vars", "target_cols"):
            if isinstance(data.get(key), str):
                data[key] = [data[key]]
    if isinstance(model, dict) and "init" in model:
        model["init"] = _by_name(model["init"])
    if isinstance(module, dict) and not {"name", "class_path"} & set(module):
        tree["module"] = {"name": "sequence", **module}


def _tell_table_from_transforms(data: dict[str, Any]) -> None:
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


def _items(value: Any, keys: PathKeys, registry: Registry) -> Iterator[Block]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield Block((*keys, index), item, registry)


# keys of the data that are mappings of their own once a file is written out
_DATA_CHILDREN = {
    "split": "dict[str, Any] | None",
    "sampler": "dict[str, Any] | None",
    "targets": "list[dict[str, Any]]",
    "target_vars": "list[str]",
}


def _data(value: Any) -> Iterator[Block]:
    extra = tuple(
        replace(p, annotation=_DATA_CHILDREN.get(p.name, p.annotation))
        for p in schema.parameters("data")
    )
    yield Block(("data",), value, registries.DATA_SOURCES, extra)
    if isinstance(value, dict):
        if isinstance(value.get("split"), dict):
            yield Block(("data", "split"), value["split"], registries.SPLITS)
        if isinstance(value.get("sampler"), dict):
            yield Block(("data", "sampler"), value["sampler"], registries.SAMPLERS)
        yield from _items(value.get("targets"), ("data", "targets"), registries.TARGET_TRANSFORMS)


def _interpret(value: Any) -> Iterator[Block]:
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


def blocks(tree: dict[str, Any]) -> list[Block]:
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
    found = [Block((), tree, None, schema.TOP)]
    if tree.get("data") is not None:
        found += _data(tree["data"])
    model = tree.get("model")
    if model is not None:
        found.append(Block(("model",), model, registries.MODELS, _STARTS))
        if isinstance(model, dict) and isinstance(model.get("init"), dict):
            found.append(Block(("model", "init"), model["init"], registries.INITIALIZERS))
    module = {"name": "sequence"} if tree.get("module") is None else tree["module"]
    found.append(Block(("module",), module, registries.MODULES))
    for name in ("trainer", "evaluate"):
        value = {} if tree.get(name) is None else tree[name]
        found.append(Block((name,), value, None, schema.parameters(name)))
    found += _items(tree.get("baselines"), ("baselines",), registries.BASELINES)
    if tree.get("interpret") is not None:
        found += _interpret(tree["interpret"])
    if tree.get("replicates") is not None:
        extra = schema.parameters("replicates")
        found.append(Block(("replicates",), tree["replicates"], None, extra))
    return found
