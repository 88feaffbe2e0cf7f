"""Every mistake of a file with a search space: of its entries, and of the values they may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from eugene.config import _checks, registries, schema
from eugene.config._layout import Block, write_out
from eugene.config._loader import Document
from eugene.config._search import KEY, Entry, probes, search_entries, with_values
from eugene.config.domains import Listed, Range
from eugene.config.registries import SEARCHES
from eugene.errors import ConfigError, Problem, did_you_mean

SEARCHED = ("data", "model", "module", "trainer", "augment", "stages")
"""Sections in which values can be looked for."""
_OF_STAGE = ("freeze", "train", "before")
MUTABLE = (
    "module.optimizer_lr",
    "module.optimizer_kwargs.*",
    "trainer.gradient_clip_val",
    "model.*dropout*",
    "augment.max_augs",
    "augment.hard",
    "augment.homolog_rate",
    "augment.augmentations.*.*",
)
"""Places whose value can change while a network is trained, for population based training."""
_OF_LOSS = ("", "name", "task", "part", "*loss*", "*weight*")
"""Keys of the module that say what a loss is."""
_SAME_ROWS = "the rows, their split and their targets are the same in all trials"
_FIXED_DATA = ("", "name", "split", "targets", "rows", "target_*", "*_var", "*_vars", "*_cols")
_FIXED_TRAINER = {
    "monitor": "tune.metric says what trials are compared by",
    "mode": "tune.metric says what trials are compared by",
    "devices": "a trial is trained on one device",
    "strategy": "a trial is trained on one device",
}


def mutable(dotted: str, tree: Mapping[str, object]) -> bool:
    """Tell whether a value can change while a network is trained.

    Parameters
    ----------
    dotted : str
        Where it stands.
    tree : mapping
        The file: an augmentation may make sequences longer, and a network keeps its input.

    Examples
    --------
    >>> mutable("module.optimizer_lr", {}), mutable("model.n_filters", {})
    (True, False)
    >>> tree = {"augment": {"augmentations": [{"name": "insertion"}, {"name": "deletion"}]}}
    >>> [mutable(f"augment.augmentations.{i}.max_length", tree) for i in (0, 1)]
    [False, True]
    """
    if not any(fnmatchcase(dotted, pattern) for pattern in MUTABLE):
        return False
    section, *rest = dotted.split(".")
    return section != "augment" or len(rest) < 3 or not _grows(tree, rest[1], rest[2])


def _grows(tree: Mapping[str, object], index: str, key: str) -> bool:
    """Tell whether a value of an augmentation may change how long sequences are."""
    augment = tree.get("augment")
    found: dict[str, object] = augment if isinstance(augment, dict) else {}
    if found.get("length") == "keep" or found.get("compat") == "evoaug2":
        return False
    listed = found.get("augmentations")
    one = listed[int(index)] if isinstance(listed, list) and int(index) < len(listed) else None
    name = one.get("name") if isinstance(one, dict) else None
    # of others than ours only the object would know
    ours = isinstance(name, str) and registries.AUGMENTATIONS.ships(name)
    return key == "name" or not ours or (name == "insertion" and key == "max_length")


def _inside(entry: Entry) -> tuple[str | int, ...]:
    """Return where an entry stands in the run, or in the stage that it belongs to."""
    of_stage = entry.keys[0] == "stages" and len(entry.keys) > 2
    return entry.keys[2:] if of_stage else entry.keys


def _fixed(entry: Entry, document: Document) -> Iterator[Problem]:
    """Judge whether a value may be looked for where the entry stands."""
    section, *rest = _inside(entry)
    key = str(rest[0]) if rest else ""
    reason = ""
    if section in _OF_STAGE and entry.keys[0] == "stages":
        reason = ""
    elif section not in SEARCHED:
        reason = f"expected a place in {', '.join(SEARCHED)}"
        if section == "seed":
            reason = "all trials have the run's seed; 'replicates' compares seeds"
    elif section == "data":
        source = (document.tree["data"] or {}).get("name")
        made = isinstance(source, str) and source in registries.DATA_SOURCES
        of_source = made and key in registries.DATA_SOURCES.signature(str(source))
        if of_source or any(fnmatchcase(key, pattern) for pattern in _FIXED_DATA):
            reason = _SAME_ROWS
    elif section == "trainer" and (not key or key in _FIXED_TRAINER):
        reason = _FIXED_TRAINER.get(key, "expected a place inside it")
    if reason:
        message = f"cannot be searched: {reason}"
        yield document.problem(entry.path, message)
    elif any("." in str(k) or str(k).isdigit() for k in entry.keys if isinstance(k, str)):
        message = "cannot be searched: a key on the way to it holds a dot, or is a number"
        yield document.problem(entry.path, message)


def _entry(entry: Entry, document: Document) -> Iterator[Problem]:
    """Judge an entry by itself: its name, its arguments, what they say together."""
    name = entry.value[KEY]
    if not isinstance(name, str):
        message = (
            f"expected the name of a {SEARCHES.kind}, got {name!r}{did_you_mean('', SEARCHES)}"
        )
        yield document.problem(f"{entry.path}.{KEY}", message)
        return
    if name not in SEARCHES:
        message = _checks.unknown(SEARCHES, name, document)
        yield document.problem(f"{entry.path}.{KEY}", message)
        return
    wrong = list(_checks._arguments(entry.block, document, frozenset()))
    yield from wrong
    if wrong:
        return
    for key, message in entry.domain.faults():
        yield document.problem(f"{entry.path}.{key}", message)
    for value in entry.value.get("values", ()):
        for inner in search_entries({"value": value}):
            path = f"{entry.path}.values: {inner.path.removeprefix('$.value')}".rstrip(": ")
            yield document.problem(path, "a search cannot stand inside another one")


def _told(problem: Problem, values: dict[str, object], found: list[Entry]) -> tuple[Problem, bool]:
    """Return a problem with the value that brought it about, and whether that is of a range."""
    for entry in found:
        inside = (f"{entry.path}.", f"{entry.path}[")
        if problem.path == entry.path or problem.path.startswith(inside):
            message = f"the search may try {values[entry.dotted]!r}: {problem.message}"
            of_range = isinstance(entry.domain, Range)
            if of_range and "expected int" in problem.message:
                message += "; 'search: int' draws whole numbers"
            return Problem(problem.path, message, problem.where), of_range
    return problem, False


def _candidates(document: Document, found: list[Entry], allow_class_path: bool) -> list[Problem]:
    """Judge what a search may try; what is wrong whatever it tries is told once."""
    seen: dict[Problem, tuple[int, dict[str, object]]] = {}
    tried = 0
    tune = document.tree.get("tune")
    metric = tune.get("metric") if isinstance(tune, dict) else None
    watched = {"trainer.monitor": metric} if isinstance(metric, str) else {}
    for values in probes(found):
        tried += 1
        try:
            candidate = with_values(document, {**values, **watched})
            candidate.tree.pop("tune", None)
            problems = _checks.find_problems(candidate, allow_class_path=allow_class_path)
        except ConfigError as error:
            problems = list(error.problems)
        if watched:
            place = {"$.trainer.monitor": "$.tune.metric"}
            problems = [
                document.problem(place[p.path], p.message) if p.path in place else p
                for p in problems
            ]
        for problem in dict.fromkeys(problems):
            count, first = seen.get(problem, (0, values))
            seen[problem] = count + 1, first
    result: list[Problem] = []
    for problem, (count, values) in seen.items():
        told, of_range = _told(problem, values, found)
        if of_range and any(other.path == told.path for other in result):
            continue  # one end of a range is enough to say
        if told is problem and count < tried:
            shown = ", ".join(
                f"{e.path} {values[e.dotted]!r}" for e in found if len(e.domain.probes()) > 1
            )
            told = Problem(problem.path, f"{problem.message}; with {shown}", problem.where)
        result.append(told)
    return list(dict.fromkeys(result))


def _of_section(document: Document) -> Iterator[Problem]:
    """Judge the keys of the section ``tune`` and their values."""
    value = document.tree.get("tune")
    if value is None:
        return
    if not isinstance(value, dict):
        yield document.problem("$.tune", f"expected a mapping, got {value!r}")
        return
    block = Block(("tune",), value, None, schema.parameters("tune"))
    yield from _checks._arguments(block, document, frozenset())


def _section(document: Document, found: list[Entry]) -> Iterator[Problem]:
    """Judge the section ``tune`` beside the space that it is about."""
    tune = document.tree.get("tune")
    tune = tune if isinstance(tune, dict) else {}
    algorithm, scheduler = tune.get("algorithm"), tune.get("scheduler")
    if algorithm == "grid":
        for entry in found:
            if entry.domain.points() is None:
                message = (
                    f"has no grid: {entry.value[KEY]!r} has no end of values. Give them with "
                    "'search: grid', or steps with 'quniform', or choose tune.algorithm: random"
                )
                yield document.problem(entry.path, message)
        if tune.get("num_samples") is not None:
            message = "is given, but a grid has as many trials as points; leave it out"
            yield document.problem("$.tune.num_samples", message)
    elif algorithm == "optuna":
        for entry in found:
            if isinstance(entry.domain, Listed) and entry.domain.every:
                message = "optuna draws values and goes through no grid: use 'search: choice'"
                yield document.problem(entry.path, message)
        if scheduler == "pbt":
            message = (
                "pbt changes values itself, so that optuna would learn from others: use random"
            )
            yield document.problem("$.tune.algorithm", message)
    if scheduler not in (None, "none") and document.tree.get("stages"):
        message = (
            f"{scheduler} compares epochs, and trials of several stages are compared by their "
            "last one when it is over: use none"
        )
        yield document.problem("$.tune.scheduler", message)
    elif scheduler == "pbt" and tune.get("max_concurrent") is not None:
        message = (
            "pbt needs all its trials from the beginning, and trains them in turns where there are "
            "fewer places: leave it out, and say with tune.resources what a trial takes"
        )
        yield document.problem("$.tune.max_concurrent", message)
    elif scheduler == "pbt" and not any(mutable(e.dotted, document.tree) for e in found):
        message = (
            "pbt changes values while networks are trained, and the space has none for which that "
            f"is possible: {', '.join(MUTABLE)}"
        )
        yield document.problem("$.tune.scheduler", message)
    resources = tune.get("resources")
    for key, value in resources.items() if isinstance(resources, dict) else ():
        here = f"$.tune.resources.{key}"
        if key not in ("cpu", "gpu"):
            yield document.problem(here, f"expected cpu or gpu{did_you_mean(key, ('cpu', 'gpu'))}")
        elif isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
            yield document.problem(here, f"is {value}, expected 0 or more")
    yield from _metric(document, tune, found)
    trainer = document.tree.get("trainer")
    for key, one in (("devices", (1, "1", [0])), ("strategy", ("auto",))):
        value = trainer.get(key) if isinstance(trainer, dict) else None
        if value is not None and value not in one:
            message = f"is {value!r}: a trial is trained on one device; leave it out"
            yield document.problem(f"$.trainer.{key}", message)


def _metric(document: Document, tune: dict[str, object], found: list[Entry]) -> Iterator[Problem]:
    """Judge whether what trials are compared by means the same in all of them."""
    trainer = document.tree.get("trainer")
    monitor = trainer.get("monitor") if isinstance(trainer, dict) else None
    chosen = tune.get("metric")
    metric, where = (chosen, "metric") if chosen is not None else (monitor or "val_loss", "")
    path = "$.tune.metric" if where else "$.trainer.monitor"
    if not isinstance(metric, str):
        return
    if not metric.startswith("val_"):
        message = f"is {metric!r}: trials are compared on validation rows, by val_loss for example"
        yield document.problem(path, message)
    if "loss" in metric:
        for entry in found:
            section, key = (*map(str, _inside(entry)), "")[:2]
            if section == "module" and any(fnmatchcase(key, pattern) for pattern in _OF_LOSS):
                message = (
                    f"changes the loss, and trials are compared by {metric}, which is another "
                    "quantity in each then: give tune.metric, such as val_pearson"
                )
                yield document.problem(entry.path, message)


def find_problems(document: Document, *, allow_class_path: bool = False) -> list[Problem]:
    r"""Return every mistake of a file with a search space.

    Parameters
    ----------
    document : Document
        The parsed file with its overrides.
    allow_class_path : bool, optional
        Whether ``class_path`` and ``init_args`` are accepted.

    Returns
    -------
    list of Problem
        Of the entries, of the section ``tune``, and of whatever the search may try: nothing is
        imported for it.

    Examples
    --------
    >>> from eugene.config import parse_text
    >>> text = "data: {name: zarr, path: x}\nmodel: {name: cnn}\nmodule:\n  optimizer_lr:\n"
    >>> document = parse_text(f"{text}    {{search: loguniform, low: 0, high: 1}}", "run.yaml")
    >>> print(find_problems(document)[0])
    run.yaml:5: $.module.optimizer_lr.low: is 0, expected more than 0 on a logarithmic scale
    """
    write_out(document.tree)
    found = search_entries({key: value for key, value in document.tree.items() if key != "tune"})
    problems = list(document.problems)
    problems += _of_section(document)
    if not found:
        message = (
            "nothing is searched: write, in place of a value, for example optimizer_lr: "
            "{search: loguniform, low: 1e-4, high: 1e-2}"
        )
        return [*problems, document.problem("$", message)]
    own = [p for entry in found for check in (_fixed, _entry) for p in check(entry, document)]
    problems += own
    if not own:
        problems += _section(document, found)
        problems += _candidates(document, found, allow_class_path)
    return list(dict.fromkeys(problems))
