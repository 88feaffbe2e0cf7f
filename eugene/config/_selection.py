"""The file of a selection: definitions or data, networks, sizes and seeds, and what all share."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from eugene.config import _checks, schema
from eugene.config._config import RunConfig, resolve_document
from eugene.config._dump import dump_yaml
from eugene.config._layout import Block, write_out
from eugene.config._loader import Document, override, parse_file, parse_text
from eugene.config._places import settled
from eugene.config._plugins import load_plugin
from eugene.config._source import Parameter
from eugene.errors import ConfigError, Problem

SHARED = ("plugins", "data", "module", "augment", "trainer", "stages", "baselines")
"""Sections of a run that stand at the top of a selection's file, with those of later steps."""
_LATER = ("evaluate", "interpret")
_OF_MODEL = ("data", "model", "module", "augment", "trainer", "stages")
Tree: TypeAlias = "dict[str, Any]"
"""Plain values by their keys."""
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Selection:
    """A file of ``eugene select`` that has passed every check that needs no data.

    Attributes
    ----------
    tree : dict
        Plain values with all defaults.
    document : Document
        Knows the line of each value.
    allow_class_path : bool
        Whether it may name things by import path.
    """

    tree: Tree
    document: Document = field(default_factory=Document, repr=False, compare=False)
    allow_class_path: bool = False

    @property
    def name(self) -> str:
        """Name of the selection."""
        return str(self.tree["name"])

    @property
    def folder(self) -> Path:
        """Where its runs are."""
        chosen = self.tree.get("run_dir")
        return Path(str(chosen)) if chosen else Path("runs") / f"{self.name}_select"

    @property
    def models(self) -> Tree:
        """What is trained, by its name."""
        return dict(self.tree["models"])

    @property
    def seeds(self) -> list[tuple[int, int]]:
        """Data seed and model seed of the runs of each size."""
        data, model = self.tree["data_seeds"], self.tree["model_seeds"]
        if self.tree["seed_grid"]:
            return [(a, b) for a in data for b in model]
        return list(zip(data, model, strict=True))

    def fail(self, path: str, message: str) -> ConfigError:
        """Return the error for a mistake that only files or data reveal."""
        return ConfigError([self.document.problem(path, message)])

    def to_yaml(self) -> str:
        """Return it as YAML."""
        return dump_yaml(self.tree)

    def run(
        self,
        model: str,
        own: Mapping[str, object],
        *,
        below: Mapping[str, object],
        sections: Mapping[str, object],
    ) -> RunConfig:
        """Return the configuration of one run.

        Parameters
        ----------
        model : str
            Name of the network.
        own : mapping
            What this run alone has; above all else.
        below : mapping
            What follows from the data, below all else.
        sections : mapping
            What the network says: of the file, or of its definition.

        Returns
        -------
        RunConfig
            Checked; its lines are those of this file.

        Raises
        ------
        ConfigError
            With every mistake.
        """
        tree: Tree = copy.deepcopy(dict(below))
        for part in (
            {k: self.tree[k] for k in (*SHARED, *_LATER) if k in self.tree},
            sections,
            own,
        ):
            _lay_over(tree, part)
        at = f"$.models.{model}"
        places = {p: w for p, w in self.document.places.items() if not p.startswith("$.models.")}
        places |= {
            f"${path.removeprefix(at)}": where
            for path, where in self.document.places.items()
            if path == at or path.startswith(f"{at}.")
        }
        document = Document(tree, places, [], self.document.source)
        try:
            return resolve_document(document, allow_class_path=self.allow_class_path)
        except ConfigError as error:
            raise ConfigError(
                [Problem(f"{at}: {p.path}", p.message, p.where) for p in error.problems]
            ) from error


def _lay_over(tree: Tree, above: Mapping[str, object]) -> None:
    """Put what is above into a tree, in place.

    Mappings are put together, unless the one above has the name of another thing.
    """
    for key, value in above.items():
        below = tree.get(key)
        if (
            isinstance(below, dict)
            and isinstance(value, Mapping)
            and (not {"name"} <= below.keys() & value.keys() or below["name"] == value["name"])
        ):
            _lay_over(below, value)
        else:
            tree[key] = copy.deepcopy(value)


def is_selection(path: str | Path) -> bool:
    """Tell whether a file is one of ``eugene select``: it has several models.

    Examples
    --------
    >>> from eugene.config import find_recipe
    >>> is_selection(find_recipe("quickstart"))
    False
    """
    return "models" in parse_file(path).tree


def load_selection(
    source: str | Path | Mapping[str, object],
    *,
    overrides: Mapping[str, object] | None = None,
    plugins: Sequence[str | Path] = (),
    allow_class_path: bool = False,
) -> Selection:
    """Read the file of a selection and check it.

    Parameters
    ----------
    source : str, Path or mapping
        YAML file, or its content.
    overrides : mapping, optional
        Dotted key -> plain value.
    plugins : sequence of str or Path, optional
        Modules or files that are imported first, because they register what is named.
    allow_class_path : bool, optional
        Whether it may name things by import path.

    Returns
    -------
    Selection
        With all defaults.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ConfigError
        With every mistake and its line.
    """
    if isinstance(source, Mapping):
        document = parse_text(dump_yaml(source), "<mapping>")
    else:
        document = parse_file(source)
        document.tree.setdefault("name", Path(source).stem)
    for dotted, value in (overrides or {}).items():
        override(document, dotted, value)
    tree = document.tree
    _write_out(tree)
    listed = _checks.listed_plugins(document)
    loaded = [load_plugin(p) for p in (*(listed if allow_class_path else ()), *plugins)]
    if loaded:
        tree["plugins"] = [*dict.fromkeys([*listed, *loaded])]
    own = schema.parameters("selection")
    shared = tuple(p for p in schema.TOP if p.name in (*SHARED, *_LATER))
    shared = tuple(Parameter(p.name, p.annotation, "None", p.description) for p in shared)
    found = [
        *document.problems,
        *_checks.problems_of(Block((), tree, None, own + shared), document),
    ]
    if not found:
        found = list(_faults(document))
    if found:
        raise ConfigError(sorted(dict.fromkeys(found), key=_checks.line_of))
    resolved: Tree = {}
    for parameter in own:
        resolved[parameter.name] = tree.get(parameter.name, parameter.literal_default()[1])
    for key in ("definition", "sizes", "rates"):
        resolved[key] = resolved[key] or []
    for key in ("data_seeds", "model_seeds"):
        resolved[key] = resolved[key] or [1, 2, 3]
    resolved |= {key: tree[key] for key in (*SHARED, *_LATER) if tree.get(key) is not None}
    resolved["definition"] = settled(resolved["definition"], document, "$.definition")
    resolved["models"] = {
        name: settled(value, document, f"$.models.{name}") if isinstance(value, str) else value
        for name, value in tree["models"].items()
    }
    return Selection(resolved, document, allow_class_path)


def _write_out(tree: Tree) -> None:
    """Write out, in place, what a selection may say in short."""
    if isinstance(tree.get("definition"), str):
        tree["definition"] = [tree["definition"]]
    listed = tree.get("models")
    if isinstance(listed, str):
        listed = [listed]
    if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
        tree["models"] = {Path(one).name.split(".")[0]: one for one in listed}
        if len(tree["models"]) < len(listed):
            tree["models"] = listed
    write_out(tree)


def _faults(document: Document) -> Iterator[Problem]:
    """Yield what does not go together."""
    tree = document.tree
    data = tree.get("data") or {}
    drawn, real = bool(tree.get("definition")), bool({"name", "class_path"} & set(data))
    if drawn and real:
        yield document.problem(
            "$.data.name", "there are data definitions as well: give them, or data with a name"
        )
    elif not drawn and not real:
        message = (
            "needs data definitions ('definition:'), or data with a name ('data: {name: ...}')"
        )
        yield document.problem("$", message)
    for key, other, has in (("sizes", "rates", drawn), ("rates", "sizes", real)):
        if has and tree.get(other):
            what = (
                "data definitions have sizes" if drawn else "data have rates, shares of their rows"
            )
            yield document.problem(f"$.{other}", f"{what}: give {key} instead")
        if has and not tree.get(key):
            example = "[1000, 10000]" if key == "sizes" else "[0.1, 1.0]"
            yield document.problem(f"$.{key}", f"is needed, such as {key}: {example}")
    for key, least in (("sizes", 1), ("data_seeds", 0), ("model_seeds", 0)):
        for i, value in enumerate(tree.get(key) or ()):
            if value < least:
                message = f"is {value}, expected a whole number from {least}"
                yield document.problem(f"$.{key}[{i}]", message)
    for i, value in enumerate(tree.get("rates") or ()):
        if not 0 < value <= 1:
            message = f"is {value}, expected a share of the training rows, above 0 and at most 1"
            yield document.problem(f"$.rates[{i}]", message)
    for key in ("sizes", "rates", "data_seeds", "model_seeds", "definition"):
        values = tree.get(key) or []
        twice = [v for i, v in enumerate(values) if v in values[:i]]
        if twice:
            yield document.problem(f"$.{key}", f"{twice[0]!r} is there twice")
    counts = [len(tree.get(key) or [1, 2, 3]) for key in ("data_seeds", "model_seeds")]
    if not tree.get("seed_grid") and counts[0] != counts[1]:
        message = (
            f"{counts[1]} model seeds for {counts[0]} data seeds: each data seed meets one model "
            "seed, so there must be as many; 'seed_grid: true' lets every one meet every other"
        )
        yield document.problem("$.model_seeds", message)
    if not tree["models"]:
        yield document.problem("$.models", "is empty: name at least one network")
    for name, value in tree["models"].items():
        path = f"$.models.{name}"
        if not _ID.fullmatch(str(name)):
            message = "is the name of a folder: letters, digits, _ and - alone"
            yield document.problem(path, f"{name!r} {message}")
        if isinstance(value, str):
            continue
        if not isinstance(value, dict) or not value.get("model"):
            message = (
                "expected a name of the zoo, the file of a model definition, or sections of a run "
                f"with 'model' among them, got {value!r}"
            )
            yield document.problem(path, message)
            continue
        for key in value:
            if key not in _OF_MODEL:
                message = f"is no section of a network; there are {', '.join(_OF_MODEL)}"
                yield document.problem(f"{path}.{key}", message)
