"""Stages of a training: overlays on the run, judged and filled up as the run itself is."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eugene.config import _keys, _layout, registries, schema
from eugene.config._loader import Document
from eugene.config._places import settle_paths
from eugene.config._registry import Registry
from eugene.errors import Problem, did_you_mean

OVERLAID: tuple[str, ...] = tuple(
    p.name for p in schema.parameters("stages") if p.name in schema.SECTIONS and p.name != "name"
)
"""Sections of a run that a stage may change."""

_NAMED: dict[str, Registry] = {
    "data": registries.DATA_SOURCES,
    "module": registries.MODULES,
}
_NOT_OF_A_STAGE = ("stages", "replicates", "tune")
# what all stages have in common: one network, started together by the same processes
_SETTLED = {
    "model": (
        *("name", "class_path", "init_args", "first_activation"),
        *("weights", "weights_part", "init"),
    ),
    "trainer": ("devices", "strategy", "accelerator"),
}


@dataclass
class StageDocument(Document):
    """The configuration of one stage, which knows where in the run's file its values stand.

    Attributes
    ----------
    under : str
        Path of the stage in the run's file, such as ``$.stages[1]``.
    """

    under: str = ""
    whole: dict[str, str] = field(default_factory=dict)

    def mapped(self, path: str) -> str:
        """Return where a path of the stage's own configuration stands in the run's file."""
        section = path[2:].partition(".")[0].partition("[")[0]
        if f"{self.under}.{section}" not in self.whole:
            return path
        tail = path
        while tail.count(".") + tail.count("[") > 1:
            if self.under + tail[1:] in self.whole:
                return self.under + path[1:]
            if tail in self.whole:
                return path
            tail = tail[: max(tail.rfind("."), tail.rfind("["))]
        return self.under + path[1:]

    def problem(self, path: str, message: str) -> Problem:
        """Return a Problem at a path, told as it stands in the run's file."""
        return Problem(self.mapped(path), message, self.where(path))


def stages_of(tree: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return the stages of a tree as far as they are mappings in a list."""
    listed = tree.get("stages")
    return [s for s in listed if isinstance(s, dict)] if isinstance(listed, list) else []


def laid_over(tree: Mapping[str, Any], stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree of one stage: the run's own with the stage's sections laid over it.

    Mappings are laid over key by key, everything else is replaced. Where another ``name`` is
    chosen, the arguments of the one before go.

    Parameters
    ----------
    tree : mapping
        The run's.
    stage : mapping
        One of its ``stages``.

    Returns
    -------
    dict
        Without ``stages``, ``replicates`` and ``tune``.

    Examples
    --------
    >>> tree = {"trainer": {"max_epochs": 9, "patience": 3}, "stages": []}
    >>> laid_over(tree, {"name": "fine", "trainer": {"max_epochs": 2}})
    {'trainer': {'max_epochs': 2, 'patience': 3}}
    """
    found = {k: copy.deepcopy(v) for k, v in tree.items() if k not in _NOT_OF_A_STAGE}
    for section in OVERLAID:
        if stage.get(section) is not None:
            found[section] = _merged(section, found.get(section), stage[section])
    return found


def _merged(section: str, under: object, over: object) -> object:
    if isinstance(over, str) and isinstance(under, dict):
        over = {"name": over}
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return copy.deepcopy(over)
    if _other(under, over):
        under = _kept(section, under, over)
    found = dict(under)
    for key, value in over.items():
        found[key] = _merged("", found.get(key), value) if key in found else copy.deepcopy(value)
    return found


def _other(under: Mapping[str, object], over: Mapping[str, object]) -> bool:
    """Tell whether another thing is chosen."""
    return any(key in over and over[key] != under.get(key) for key in ("name", "class_path"))


def _kept(section: str, under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays of a section where another thing is chosen by name."""
    registry, name = _NAMED.get(section), over.get("name")
    if registry is None:
        return {}
    known = {p.name for p in schema.parameters("data")} if section == "data" else set()
    if isinstance(name, str) and name in registry:
        known |= {p.name for p in registry.parameters(name)}
    return {k: v for k, v in under.items() if k in known and k != "name"}


def stage_document(document: Document, index: int) -> StageDocument:
    """Return the configuration of one stage as a document of its own.

    Parameters
    ----------
    document : Document
        The run's.
    index : int
        Number of the stage, from 0.

    Returns
    -------
    StageDocument
        Values know the lines that they have in the run's file.
    """
    stage, under = document.tree["stages"][index], f"$.stages[{index}]"
    places, raw = ({**known} for known in (document.places, document.raw))
    for known in (places, raw):
        moved = {f"${k[len(under) :]}": v for k, v in known.items() if k.startswith(f"{under}.")}
        known.update(moved)
    tree = laid_over(document.tree, stage)
    _layout.write_out(tree)
    return StageDocument(tree, places, [], document.source, raw, under, document.places)


def find_problems(document: Document) -> Iterator[Problem]:
    """Yield what is wrong with the stages themselves; what they make of the run is judged as a run.

    Parameters
    ----------
    document : Document
        The run's.
    """
    listed = document.tree.get("stages")
    if listed is None:
        return
    if not isinstance(listed, list) or not listed:
        message = f"expected a list of stages with at least one, got {listed!r}"
        yield document.problem("$.stages", message)
        return
    names: list[object] = []
    for index, stage in enumerate(listed):
        path = f"$.stages[{index}]"
        if not isinstance(stage, dict):
            yield document.problem(path, f"expected a mapping with a name, got {stage!r}")
            continue
        name = stage.get("name")
        if isinstance(name, str) and not _is_name(name):
            message = f"{name!r} names a folder: expected letters, digits, '_' and '-'"
            yield document.problem(f"{path}.name", message)
        if name is not None and name in names:
            yield document.problem(f"{path}.name", f"another stage is called {name!r}, too")
        names.append(name)
        for section, keys in _SETTLED.items():
            found = stage.get(section)
            given: dict[str, object] = found if isinstance(found, dict) else {}
            for key in keys:
                if key in given and given[key] != _value(document.tree, section, key):
                    message = f"all stages have the same {section}.{key}: say it in '{section}:'"
                    yield document.problem(f"{path}.{section}.{key}", message)


def _value(tree: Mapping[str, object], section: str, key: str) -> object:
    found = tree.get(section)
    return found.get(key) if isinstance(found, dict) else None


def _is_name(name: str) -> bool:
    return bool(name) and all(c.isalnum() or c in "_-" for c in name)


def resolve(document: Document, tree: dict[str, Any]) -> None:
    """Write out, in place, what each stage changes, with the defaults of what it chooses anew.

    Parameters
    ----------
    document : Document
        The run's; without mistakes.
    tree : dict
        Its resolved tree, paths settled.
    """
    for index, stage in enumerate(stages_of(tree)):
        own = stage_document(document, index)
        resolved = _keys.resolve(own)
        settle_paths(own, resolved)
        given = document.tree["stages"][index]
        for section in OVERLAID:
            stage.pop(section, None)
            if given.get(section) is not None:
                base = tree.get(section)
                stage[section] = _difference(base, resolved[section], given[section])
        for key in [key for key, value in stage.items() if value is None]:
            del stage[key]


def _difference(base: object, resolved: object, given: object) -> object:
    """Return what of a resolved section is said by the stage, or follows from what it says."""
    if not (isinstance(base, dict) and isinstance(resolved, dict)):
        return resolved
    named = given if isinstance(given, dict) else {}
    chosen = {k: resolved[k] for k in ("name", "class_path") if k in resolved and k in named}
    other = isinstance(given, str) or _other(base, chosen)
    found = {}
    for key, value in resolved.items():
        if key in named and isinstance(value, dict) and isinstance(base.get(key), dict):
            found[key] = _difference(base[key], value, named[key])
            continue
        changed = base.get(key) != value or (key not in base and value is not None)
        if key in named or changed or (other and key == "name"):
            found[key] = value
    return found


def unknown_stage(name: str, stages: list[dict[str, Any]]) -> str:
    """Return the message that no stage is called so."""
    return f"no stage is called {name!r}{did_you_mean(name, [str(s['name']) for s in stages])}"
