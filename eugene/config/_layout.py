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
from eugene.errors import EugeneWarning

_TOP = (
    Parameter("name", "str", "'run'", "Name of the run; its folder is runs/<name>."),
    Parameter("seed", "int", "13", "Every random draw of the run follows from it."),
    Parameter("run_dir", "str | None", "None", "Folder of the run, instead of runs/<name>."),
    Parameter("data", "dict[str, Any]", description="Sequences and targets."),
    Parameter("model", "dict[str, Any]", description="The network."),
    Parameter("module", "dict[str, Any]", "None", "Loss, metrics and optimiser around it."),
    Parameter("trainer", "dict[str, Any]", "None", "How long and on what it is trained."),
    Parameter("baselines", "list[dict[str, Any]]", "[]", "Models to compare with."),
    Parameter("evaluate", "dict[str, Any]", "None", "What is measured on the test rows."),
    Parameter("interpret", "dict[str, Any] | None", "None", "What is explained."),
    Parameter("replicates", "dict[str, Any] | None", "None", "Seeds and arms."),
)
_STARTS = (
    Parameter("init", "dict[str, Any] | None", "None", "How starting weights are drawn."),
    Parameter(
        "weights", "str | Path | None", "None", "Published weights by name, or a file of weights."
    ),
)


def _choices(registry: Registry) -> tuple[str, tuple[str, ...]]:
    return registry.kind, (*registry, *registry.aliases)


NAMED_ARGUMENTS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("module", "task"): ("task", registries.TASKS),
    ("module", "loss_fxn"): _choices(registries.LOSSES),
    ("module", "optimizer"): _choices(registries.OPTIMIZERS),
    ("module", "scheduler"): _choices(registries.SCHEDULERS),
    ("module", "metric"): _choices(registries.METRICS),
}
"""Arguments whose value, or whose items, are names: what they name, and which there are."""

NESTED_ARGUMENTS: dict[tuple[str, str], str] = {
    ("model", "conv_kwargs"): "eugene.nn:Conv1DTower",
    ("model", "dense_kwargs"): "eugene.nn:DenseBlock",
    ("model", "recurrent_kwargs"): "eugene.nn:RecurrentBlock",
}
"""Arguments that are themselves the arguments of something."""


CHOSEN_ARGUMENTS: dict[tuple[str, str], tuple[str, Registry, str]] = {
    ("module", "loss_kwargs"): ("loss_fxn", registries.LOSSES, ""),
    ("module", "optimizer_kwargs"): ("optimizer", registries.OPTIMIZERS, "adam"),
    ("module", "scheduler_kwargs"): ("scheduler", registries.SCHEDULERS, ""),
}
"""Arguments of what another key names: that key, its registry, and the name by default."""


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

    def by_class_path(self) -> bool:
        """Whether the thing is named by its import path."""
        return isinstance(self.value, dict) and "class_path" in self.value

    def parameters(self) -> tuple[tuple[Parameter, ...], bool]:
        """Return the keys that may stand here, and whether any other may as well."""
        if self.registry is None:
            return self.extra, False
        choices = f"The {self.registry.kind}: {', '.join(self.registry)}."
        name = Parameter("name", "str", description=choices)
        known = {"name": name, **{p.name: p for p in self.extra}}
        if self.chosen is None:
            return tuple(known.values()), True
        try:
            signature = self.registry.signature(self.chosen)
        except LookupError:
            return tuple(known.values()), True
        for parameter in signature.parameters:
            if parameter.name in self.registry.supplied:
                continue
            # what the section leaves open is settled by what is chosen
            if parameter.name not in known or known[parameter.name].default == "None":
                known[parameter.name] = parameter
        return tuple(known.values()), signature.accepts_any


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
        for p in schema.section("data").parameters()
    )
    yield Block(("data",), value, registries.DATA_SOURCES, extra)
    if isinstance(value, dict):
        if isinstance(value.get("split"), dict):
            yield Block(("data", "split"), value["split"], registries.SPLITS)
        if isinstance(value.get("sampler"), dict):
            yield Block(("data", "sampler"), value["sampler"], registries.SAMPLERS)
        yield from _items(value.get("targets"), ("data", "targets"), registries.TARGET_TRANSFORMS)


def _interpret(value: Any) -> Iterator[Block]:
    steps = tuple(
        Parameter(step, "dict[str, Any] | None", "None", registries.STEPS.summary(step))
        for step in schema.interpret_steps()
    )
    yield Block(("interpret",), value, None, steps)
    if isinstance(value, dict):
        for step in schema.interpret_steps():
            if isinstance(value.get(step), dict):
                parameters = schema.section(f"interpret.{step}").parameters()
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
    found = [Block((), tree, None, _TOP)]
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
        found.append(Block((name,), value, None, schema.section(name).parameters()))
    found += _items(tree.get("baselines"), ("baselines",), registries.BASELINES)
    if tree.get("interpret") is not None:
        found += _interpret(tree["interpret"])
    if tree.get("replicates") is not None:
        extra = schema.section("replicates").parameters()
        found.append(Block(("replicates",), tree["replicates"], None, extra))
    return found
