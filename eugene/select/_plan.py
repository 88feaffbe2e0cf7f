"""Which runs a selection has: each a plain run with its own folder."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eugene.config import RunConfig, Selection
from eugene.config.registries import DATA_SOURCES, MODELS, SPLITS
from eugene.errors import EugeneError

if TYPE_CHECKING:
    from eugene.simulate.grammar import Grammar

logger = logging.getLogger("eugene.select")
_TASKS = {
    "multi-class": "multiclass_classification",
    "multi-label": "multilabel_classification",
    "regression": "regression",
}
_OF_SIZE = re.compile(r"-\d+k?-s\d+$")
_OF_SEED = re.compile(r"-s\d+$")


@dataclass(frozen=True)
class Planned:
    """One run of a selection.

    Attributes
    ----------
    grammar : str
        Id of the data definition; of other data the name of the selection.
    model : str
        Name of the network.
    data_seed, model_seed : int
    size : int, optional
        Rows of all sets together, of a data definition.
    rate : float, optional
        Share of the training rows, of other data.
    data_id, run_id : str
        Names of the folder of the data, and of that of the run in it.
    config : RunConfig
        The run.
    """

    grammar: str
    model: str
    data_seed: int
    model_seed: int
    size: int | None
    rate: float | None
    data_id: str
    run_id: str
    config: RunConfig = field(repr=False, compare=False)

    @property
    def path(self) -> str:
        """Folder of the run, in that of the selection."""
        return f"{self.data_id}/{self.run_id}"

    @property
    def facts(self) -> dict[str, object]:
        """What it is, as plain values."""
        found = asdict(self)
        found.pop("config")
        return {**found, "path": self.path}


def data_id(base: str, amount: int | float, seed: int) -> str:
    """Return the name of a data set, after seqgra.

    Examples
    --------
    >>> data_id("mc2", 10_000, 1), data_id("mc2", 1_500, 2), data_id("chip", 0.05, 1)
    ('mc2-10k-s1', 'mc2-1500-s2', 'chip-0.05-s1')
    """
    if isinstance(amount, float):
        return f"{base}-{amount:g}-s{seed}"
    return f"{base}-{amount // 1000}k-s{seed}" if amount % 1000 == 0 else f"{base}-{amount}-s{seed}"


def base_id(name: str) -> str:
    """Return the id of a definition without the size and seed that it was made for.

    Examples
    --------
    >>> base_id("mc2-dna1000-homer-100k-s1"), base_id("mc10")
    ('mc2-dna1000-homer', 'mc10')
    """
    return _OF_SIZE.sub("", name)


def planned(selection: Selection, grammars: dict[Path, Grammar]) -> list[Planned]:
    """Return the runs of a selection, in the order in which they are done.

    Parameters
    ----------
    selection : Selection
        The file.
    grammars : dict of Path to Grammar
        Its data definitions, and the file of each in the folder of the selection.

    Returns
    -------
    list of Planned
        Runs on the same rows follow each other.

    Raises
    ------
    ConfigError
        With every mistake that definitions reveal.
    """
    models = _models(selection)
    found: list[Planned] = []
    for base, amount, seed, below, own in _data(selection, grammars):
        place = data_id(base, amount, seed)
        for model, sections in models.items():
            for data_seed, model_seed in selection.seeds:
                if data_seed != seed:
                    continue
                run_id = f"{model}-s{model_seed}"
                name = {"name": f"{place}/{run_id}".replace("/", "_"), "seed": model_seed}
                where = {"run_dir": str(selection.folder.absolute() / place / run_id)}
                config = selection.run(
                    model, {**name, **where, **own}, below=below, sections=sections
                )
                counted = isinstance(amount, int)
                found.append(
                    Planned(
                        grammar=base,
                        model=model,
                        data_seed=data_seed,
                        model_seed=model_seed,
                        size=int(amount) if counted else None,
                        rate=None if counted else float(amount),
                        data_id=place,
                        run_id=run_id,
                        config=config,
                    )
                )
    return found


_Rows = tuple[str, int | float, int, dict[str, object], dict[str, object]]


def _data(selection: Selection, grammars: dict[Path, Grammar]) -> Iterator[_Rows]:
    """Yield name, amount and seed of every data set, and what runs on it say of their data."""
    seeds = list(dict.fromkeys(seed for seed, _ in selection.seeds))
    for path, grammar in grammars.items():
        below = _of_grammar(grammar)
        for size in selection.tree["sizes"]:
            try:
                grammar.resized(size)
            except EugeneError as error:
                raise selection.fail("$.sizes", str(error)) from error
            for seed in seeds:
                rows = {"name": "grammar", "definition": str(path.absolute())}
                own: dict[str, object] = {"data": {**rows, "n": size, "data_seed": seed}}
                yield base_id(grammar.id), size, seed, below, own
    if grammars:
        return
    data = dict(selection.tree["data"])
    like, drawn = data.get("split"), {}
    if data.get("seed") is None and "seed" in DATA_SOURCES.signature(str(data.get("name"))):
        drawn = {"seed": 0}
    if isinstance(like, dict) and "seed" in SPLITS.signature(str(like.get("name"))):
        # networks of all seeds are tested on the same rows
        like = {"seed": 0, **like}
    for rate in selection.tree["rates"]:
        for seed in seeds:
            split: dict[str, object] = {"name": "fewer", "rate": float(rate), "seed": seed}
            if like is not None:
                split["like"] = like
            own = {"data": {**drawn, "split": split}}
            yield selection.name, float(rate), seed, {}, own


def _of_grammar(grammar: Grammar) -> dict[str, object]:
    """Return what a run says of data that follow a grammar."""
    if grammar.task == "multi-class":
        if any(not e.conditions for examples in grammar.sets.values() for e in examples):
            raise EugeneError(
                f"{grammar.id} is multi-class and has rows of no condition, which are of no class: "
                "make it multi-label, or give these rows a condition of their own"
            )
        targets = ["label"]
    elif grammar.task == "multi-label":
        targets = [condition.id for condition in grammar.conditions]
    else:
        targets = ["value"]
    task = {"name": "sequence", "task": _TASKS[grammar.task]}
    return {"data": {"seq_var": "seq", "target_vars": targets}, "module": task}


def _models(selection: Selection) -> dict[str, dict[str, object]]:
    """Return the sections that each network says, by its name."""
    found: dict[str, dict[str, object]] = {}
    for name, given in selection.models.items():
        path = f"$.models.{name}"
        if not isinstance(given, str):
            found[name] = dict(given)
        elif given in MODELS:
            found[name] = {"model": {"name": given}}
        elif Path(given).is_file():
            found[_OF_SEED.sub("", name)] = _defined(given)
        else:
            hint = MODELS.unknown(given)
            raise selection.fail(path, f"{given!r} is no file, and {hint}")
    if len(found) < len(selection.models):
        raise selection.fail("$.models", "two definitions have one id without their seeds")
    return found


def _defined(path: str) -> dict[str, object]:
    """Return the sections of a model definition; its seed is one of those of the selection."""
    from eugene.models import from_definition

    definition = from_definition(path)
    for remark in definition.remarks():
        logger.warning("%s: %s", path, remark)
    sections: dict[str, object] = dict(definition.sections())
    sections.pop("seed", None)
    return sections


def read_grammars(
    selection: Selection, given: Sequence[str | Path | Grammar] | None = None
) -> dict[str, Grammar]:
    """Return the data definitions of a selection by their ids without size and seed.

    Parameters
    ----------
    selection : Selection
        The file.
    given : sequence of str, Path or Grammar, optional
        Definitions in place of those that it names, in the same order.

    Raises
    ------
    ConfigError
        With every mistake of them.
    """
    from eugene.simulate.grammar import from_definition

    found: dict[str, Grammar] = {}
    for i, one in enumerate(selection.tree["definition"] if given is None else given):
        at = f"$.definition[{i}]"
        grammar = from_definition(one) if isinstance(one, str | Path) else one
        grammar.check()
        base = base_id(grammar.id)
        if base in found:
            raise selection.fail(at, f"another definition has the id {base}, too: change one")
        try:
            _of_grammar(grammar)
        except EugeneError as error:
            raise selection.fail(at, str(error)) from error
        found[base] = grammar
    return found
