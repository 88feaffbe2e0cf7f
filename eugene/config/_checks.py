"""Every mistake of a configuration at once, before anything heavy is imported."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

from eugene._tasks import TASKS
from eugene.config import _stages
from eugene.config._annotations import check_value, describe_text, takes_text
from eugene.config._layout import (
    Block,
    blocks,
    write_out,
)
from eugene.config._loader import Document, PathKeys, json_path, override, parse_scalar
from eugene.config._plugins import is_loaded
from eugene.config._registry import Registry
from eugene.config._search import search_entries
from eugene.config._source import Parameter, read_signature
from eugene.config.marks import ArgumentsOf, Least, Names, OneOf
from eugene.config.registries import CALLBACKS, LOSSES, METRICS, MODULES, registry
from eugene.errors import ConfigError, Problem, did_you_mean, nearest

_FORBIDDEN = ("class_path", "init_args")
_SURE = 0.65
"""From here on a name that is not there is a misspelt one, and not one of a plugin."""


def _walk(value: object, keys: PathKeys = ()) -> Iterator[tuple[PathKeys, Any]]:
    yield keys, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*keys, index))


def class_paths(tree: object) -> list[tuple[PathKeys, str]]:
    """Return where a tree names something by its import path.

    Examples
    --------
    >>> class_paths({"model": {"class_path": "a.B"}})
    [(('model', 'class_path'), 'a.B')]
    """
    return [
        (keys, str(value))
        for keys, value in _walk(tree)
        if keys and keys[-1] == "class_path" and isinstance(value, str)
    ]


def _forbidden(document: Document) -> Iterator[Problem]:
    for keys, _ in _walk(document.tree):
        if keys and keys[-1] in _FORBIDDEN:
            message = (
                f"{keys[-1]!r} would import what the file names; use 'name:' with a registered "
                "name, or give --allow-class-path if you trust this file"
            )
            yield document.problem(json_path(keys), message)


def _names(block: Block, document: Document) -> Iterator[Problem]:
    """Judge the ``name`` of a block."""
    chooses = block.registry
    if chooses is None or block.by_class_path():
        return
    path = json_path(block.keys)
    name = block.value.get("name")
    if name is None:
        hint = did_you_mean("", chooses)
        yield document.problem(path, f"needs a 'name' that chooses the {chooses.kind}{hint}")
    elif not isinstance(name, str):
        yield document.problem(
            f"{path}.name", f"expected the name of a {chooses.kind}, got {name!r}"
        )
    elif name not in chooses:
        yield document.problem(f"{path}.name", unknown(chooses, name, document))


def listed_plugins(document: Document) -> list[str]:
    """Return the plugins that a document says it needs."""
    listed = document.tree.get("plugins")
    return [str(plugin) for plugin in listed] if isinstance(listed, list) else []


def unknown(chooses: Registry, name: str, document: Document) -> str:
    """Return the message for a name that is not there, and which plugins the file says it needs.

    Parameters
    ----------
    chooses : Registry
        Where it was looked up.
    name : str
        The name.
    document : Document
        A run writes down under ``plugins`` what registered the things that it names.
    """
    message, plugins = chooses.unknown(name), listed_plugins(document)
    missing = [plugin for plugin in plugins if plugin != "__main__" and not is_loaded(plugin)]
    if missing:
        given = " ".join(f"--plugin {plugin}" for plugin in missing)
        told = (
            f"The file needs what {' and '.join(missing)} registers, which is not loaded: give "
            f"{given}, or import it first"
        )
    elif "__main__" in plugins:
        told = "It was registered in a Python session: register it again with eu.register"
    elif nearest(name, [*chooses, *chooses.aliases], cutoff=_SURE) is None:
        told = "One of your own is known once its file is named: --plugin FILE.py"
    else:
        return message
    return f"{message}{'' if message.endswith('?') else '.'} {told}"


def _registered(
    parameter: Parameter, value: object, path: str, document: Document
) -> Iterator[Problem]:
    """Judge values that must be names."""
    names, words = parameter.mark(Names), parameter.mark(OneOf)
    if names is None and words is None:
        return
    items = (
        [(f"{path}[{i}]", item) for i, item in enumerate(value)]
        if isinstance(value, list)
        else [(path, value)]
    )
    for where, item in items:
        if not isinstance(item, str):
            continue
        if names is not None and item not in (known := registry(names.kind)):
            yield document.problem(where, unknown(known, item, document))
        if words is not None and item not in words.choices:
            hint = did_you_mean(item, words.choices)
            yield document.problem(where, f"no {words.kind} is called {item!r}{hint}")


def _nested(
    block: Block, parameter: Parameter, value: object, path: str, document: Document
) -> Iterator[Problem]:
    """Judge the keys of an argument that is passed on to something else."""
    mark = parameter.mark(ArgumentsOf)
    if mark is None or not isinstance(value, dict):
        return
    if ":" in mark.target:
        parameters, what = read_signature(mark.target).parameters, parameter.name
    else:
        beside = {p.name: p for p in block.parameters()[0]}[mark.target]
        names = beside.mark(Names)
        chooses = registry("" if names is None else names.kind)
        chosen = block.value.get(mark.target) or beside.literal_default()[1]
        if chosen is None and mark.target == "loss_fxn":
            task = str(block.value.get("task") or "regression")
            chosen = TASKS[task].loss if task in TASKS else None
        if not chosen and value:
            message = f"is given, but {mark.target} names no {chooses.kind}"
            yield document.problem(path, message)
        if chosen not in chooses:
            return
        parameters, what = chooses.parameters(chosen), f"{chooses.kind} {chosen!r}"
    known = {p.name: p for p in parameters}
    for name, item in value.items():
        if name not in known:
            hint = did_you_mean(name, known)
            yield document.problem(f"{path}.{name}", f"{what} has no {name!r}{hint}")
            continue
        for at_item, message in check_value(item, known[name].annotation, f"{path}.{name}"):
            yield document.problem(at_item, message)


def _arguments(block: Block, document: Document, inner: frozenset[PathKeys]) -> Iterator[Problem]:
    """Judge the keys of a block and their values."""
    if block.by_class_path():
        return
    path = json_path(block.keys)
    parameters, accepts_any = block.parameters()
    known = {parameter.name: parameter for parameter in parameters}
    what = f"{block.registry.kind} {block.chosen!r}" if block.registry and block.chosen else path
    for key, value in block.value.items():
        here = f"{path}.{key}"
        if key not in known:
            if accepts_any:
                continue
            if block.registry is not None and key in block.registry.supplied:
                yield document.problem(here, f"{key!r} is set by the program, leave it out")
                continue
            hint = did_you_mean(key, known)
            yield document.problem(here, f"{what} has no {key!r}{hint}")
            continue
        judged_elsewhere = (*block.keys, key) in inner or (key == "name" and block.registry)
        if judged_elsewhere or (value is None and (known[key].required or _nullable(known[key]))):
            continue
        for at, message in check_value(value, known[key].annotation, here):
            yield document.problem(at, f"{what}: {message}" if block.registry else message)
        least = known[key].mark(Least)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if least is not None and number and not value >= least.value:
            yield document.problem(here, f"is {value}, expected {least.value} or more")
        yield from _registered(known[key], value, here, document)
        yield from _nested(block, known[key], value, here, document)
    for parameter in parameters:
        missing = parameter.required and block.value.get(parameter.name) is None
        if missing and parameter.name not in block.filled and parameter.name != "name":
            kind = describe_text(parameter.annotation)
            message = f"{what} needs {parameter.name!r} ({kind})"
            yield document.problem(path, message)


def problems_of(block: Block, document: Document) -> list[Problem]:
    """Return what is wrong with the keys of one block and their values."""
    return list(_arguments(block, document, frozenset()))


def _nullable(parameter: Parameter) -> bool:
    return parameter.default == "None"


def _restore_text(document: Document, found: list[Block]) -> None:
    """Give back a command-line word as text where a string is what is asked for."""
    for block in found:
        if not isinstance(block.value, dict) or block.by_class_path():
            continue
        for parameter in block.parameters()[0]:
            path = f"{json_path(block.keys)}.{parameter.name}"
            raw = document.raw.get(path)
            if raw is None or not takes_text(parameter.annotation):
                continue
            parsed = parse_scalar(raw)
            listed = isinstance(parsed, list | dict)
            if listed and not any(check_value(parsed, parameter.annotation, path)):
                continue  # such as a word or a list of them
            if parsed is not None:
                block.value[parameter.name] = raw


def _baselines(document: Document) -> Iterator[Problem]:
    """Judge whether baselines predict what the task asks for."""
    module, listed = document.tree.get("module") or {}, document.tree.get("baselines")
    task = module.get("task", "regression") if isinstance(module, dict) else None
    for index, section in enumerate(listed if isinstance(listed, list) else ()):
        name = section.get("name") if isinstance(section, dict) else None
        tasks = [known.name for known in TASKS.values() if name in known.baselines]
        if tasks and task in TASKS and task not in tasks:
            fitting = TASKS[task].baselines
            hint = f"use {fitting[0]}" if fitting else "leave it out"
            message = f"{name} predicts {' or '.join(tasks)}, the module's task is {task}; {hint}"
            yield document.problem(f"$.baselines[{index}]", message)


def _section(document: Document, name: str) -> dict[str, Any]:
    value = document.tree.get(name)
    return value if isinstance(value, dict) and "class_path" not in value else {}


def _task_parts(document: Document) -> Iterator[Problem]:
    """Judge whether metrics, loss and what is watched belong to the task."""
    module, trainer = _section(document, "module"), _section(document, "trainer")
    task = TASKS.get(module.get("task") or "regression")
    if task is None or "class_path" in (document.tree.get("module") or {}):
        return
    kind = str(module.get("name") or "sequence")
    if kind in MODULES and "metric" not in {p.name for p in MODULES.parameters(kind)}:
        return  # what it logs is settled by its data, and judged with them
    loss, given = module.get("loss_fxn"), module.get("metric")
    if isinstance(loss, str) and LOSSES.ships(loss) and not task.takes_loss(loss):
        message = f"{loss} is no loss of {task}; leave it out for {task.loss}"
        yield document.problem("$.module.loss_fxn", message)
    listed = [given] if isinstance(given, str) else given if isinstance(given, list) else None
    names = [METRICS.resolve(m) for m in listed or () if isinstance(m, str) and m in METRICS]
    for index, name in enumerate(names):
        of_others = any(name in known.measured_by for known in TASKS.values())
        if of_others and name not in task.measured_by:
            fitting = ", ".join(task.measured_by)
            where = "$.module.metric" + (f"[{index}]" if isinstance(given, list) else "")
            yield document.problem(where, f"{name} is no metric of {task}; there are {fitting}")
    metrics = names if listed else list(task.metrics)
    known = ["val_loss", "train_loss", *(f"val_{m}" for m in metrics)]
    given = trainer.get("callbacks")
    for one in given if isinstance(given, list) else []:
        listener = one.get("name") if isinstance(one, dict) else one
        if not isinstance(listener, str) or not CALLBACKS.ships(listener):
            return  # what one's own logs shows when it is made
        known.append(f"val_{listener}")
    watched = [("$.trainer.monitor", trainer.get("monitor"))]
    if module.get("scheduler") == "reduce_lr_on_plateau":
        watched.append(("$.module.scheduler_monitor", module.get("scheduler_monitor")))
    for where, value in watched:
        if not isinstance(value, str):
            continue
        name = value.removesuffix("_epoch")
        of_target = any(name.startswith(f"val_{m}_") for m in metrics)
        if name not in known and not of_target:
            message = f"nothing logs {value!r}{did_you_mean(name, known)}"
            yield document.problem(where, message)


def _trainer_parts(document: Document) -> Iterator[Problem]:
    """Judge numbers that only the machine would refuse, late."""
    trainer = _section(document, "trainer")
    devices = trainer.get("devices")
    if isinstance(devices, int) and not isinstance(devices, bool) and devices < 1:
        every = devices == -1 and trainer.get("accelerator") not in (None, "auto", "cpu")
        if not every:
            message = f"is {devices}, expected 1 or more (or -1 for all, where accelerator: gpu)"
            yield document.problem("$.trainer.devices", message)
    for keys, value in _walk(document.tree):
        listed = len(keys) > 1 and keys[-2:-1] == ("seeds",)
        if not keys or not (keys[-1] == "seed" or listed):
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and not 0 <= value < 2**63:
            message = f"is {value}, expected a whole number from 0 to 2**63 - 1"
            yield document.problem(json_path(keys), message)


def _blocks(document: Document) -> Iterator[Problem]:
    found = blocks(document.tree)
    inner = frozenset(block.keys for block in found)
    _restore_text(document, found)
    for block in found:
        if not isinstance(block.value, dict):
            if block.registry is not None or len(block.keys) == 1:
                path = json_path(block.keys)
                yield document.problem(path, f"expected a mapping, got {block.value!r}")
            continue
        yield from _names(block, document)
        yield from _arguments(block, document, inner)
    yield from _baselines(document)
    yield from _task_parts(document)
    yield from _trainer_parts(document)


def arm_document(document: Document, arm: str) -> Document:
    """Return the configuration of one arm of the replicates.

    Parameters
    ----------
    document : Document
        The whole file.
    arm : str
        A key of ``replicates.arms``.

    Returns
    -------
    Document
        A copy without ``replicates`` and with the arm's overrides.

    Raises
    ------
    ConfigError
        If an override does not fit the tree.
    """
    tree = copy.deepcopy(document.tree)
    arms = (tree.pop("replicates", None) or {}).get("arms") or {}
    changed = Document(tree, dict(document.places), [], document.source, dict(document.raw))
    for dotted, value in (arms.get(arm) or {}).items():
        place = document.where(f"$.replicates.arms.{arm}.{dotted}")
        override(changed, dotted, value, place=place)
    write_out(changed.tree)
    return changed


def _arms(document: Document, before: set[Problem]) -> Iterator[Problem]:
    replicates = document.tree.get("replicates")
    arms = replicates.get("arms") if isinstance(replicates, dict) else None
    if not isinstance(arms, dict):
        return
    for arm, overrides in arms.items():
        path = f"$.replicates.arms.{arm}"
        if overrides is not None and not isinstance(overrides, dict):
            yield document.problem(path, f"expected overrides with dotted keys, got {overrides!r}")
            continue
        try:
            changed = arm_document(document, arm)
            problems = list(_blocks(changed))
            problems += _in_stages(changed, set(problems))
        except ConfigError as error:
            problems = list(error.problems)
        for problem in problems:
            if problem not in before:
                yield Problem(f"{path}: {problem.path}", problem.message, problem.where)


def _in_stages(document: Document, before: set[Problem]) -> Iterator[Problem]:
    """Judge the stages of a training, and what each makes of the run."""
    found = list(_stages.find_problems(document))
    yield from found
    known = {(problem.path, problem.message) for problem in before}
    listed = document.tree.get("stages")
    for index, stage in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(stage, dict):
            own = _stages.stage_document(document, index)
            for problem in _blocks(own):
                if (problem.path, problem.message) not in known:
                    yield problem


def _seeds(document: Document) -> Iterator[Problem]:
    replicates = document.tree.get("replicates")
    seeds = replicates.get("seeds") if isinstance(replicates, dict) else None
    asked = replicates if isinstance(replicates, dict) else {}
    given = [key for key in ("seeds", "folds", "leave_out") if asked.get(key) is not None]
    for one, other in itertools.pairwise(given):
        message = (
            f"{one} and {other} are both given: one training a seed, or one a fold; "
            f"'--replicates.{one} null' leaves the {one} out"
        )
        yield document.problem(f"$.replicates.{other}", message)
    if isinstance(seeds, list):
        path = "$.replicates.seeds"
        if not seeds:
            yield document.problem(path, "expected at least one seed, such as [0, 1, 2], got none")
        twice = [seed for i, seed in enumerate(seeds) if seed in seeds[:i]]
        if twice:
            yield document.problem(path, f"the seed {twice[0]!r} is there twice: one run a seed")


def find_problems(document: Document, *, allow_class_path: bool = False) -> list[Problem]:
    r"""Return every mistake of a configuration.

    Parameters
    ----------
    document : Document
        The parsed file with its overrides.
    allow_class_path : bool, optional
        Whether ``class_path`` and ``init_args`` are accepted.

    Returns
    -------
    list of Problem
        In the order of the file as far as they have lines; empty if all is well.

    Examples
    --------
    >>> from eugene.config import parse_text
    >>> document = parse_text("data: {name: zar, path: x}\nmodel: {name: cnn}", "run.yaml")
    >>> print(find_problems(document)[0])
    run.yaml:1: $.data.name: no data source is called 'zar'; did you mean 'zarr'?
    """
    write_out(document.tree)
    searched = search_entries({key: value for key, value in document.tree.items() if key != "tune"})
    if searched:
        message = "is a search space: 'eugene tune' tries its values, a run takes one: give that"
        return [*document.problems, *(document.problem(e.path, message) for e in searched)]
    problems = list(document.problems)
    if not allow_class_path:
        problems += _forbidden(document)
    problems += _blocks(document)
    problems += _in_stages(document, set(problems))
    problems += _arms(document, set(problems))
    problems += _seeds(document)
    unique = list(dict.fromkeys(problems))
    forbidden = {p.path for p in unique if p.path.endswith(_FORBIDDEN)}
    return [
        p
        for p in unique
        if not any(f.startswith(f"{p.path}.") and "needs a 'name'" in p.message for f in forbidden)
    ]


def require_sound(document: Document, *, allow_class_path: bool = False) -> None:
    """Raise one error with every mistake of a configuration.

    Raises
    ------
    ConfigError
        If there is at least one.
    """
    problems = find_problems(document, allow_class_path=allow_class_path)
    if problems:
        raise ConfigError(sorted(problems, key=line_of))


def line_of(problem: Problem) -> int:
    """Return the line that a problem stands in, a large number where it is in no file."""
    tail = problem.where.rpartition(":")[2]
    return int(tail) if tail.isdigit() else 1_000_000
