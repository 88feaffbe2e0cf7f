"""The definition of a model from the plain tree of a file, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from eugene.config import Document
from eugene.config._reader import ID, Plain, Reader
from eugene.errors import ConfigError, did_you_mean
from eugene.models._operation_table import flag, misspelt, operation_name, renamed
from eugene.models.definition._definition import ModelDefinition
from eugene.models.definition._training import (
    FORMATS,
    HYPERPARAMETERS,
    LIBRARIES,
    LOSSES,
    OPTIMIZERS,
    TASKS,
    TRAINING,
    word_of,
)
from eugene.models.definition._tree import (
    Architecture,
    External,
    LabelPattern,
    Operation,
    Settings,
    Value,
)

_TOP = (
    *("id", "name", "description", "task", "space", "library", "implementation", "encoding"),
    *("labels", "seed", "architecture", "loss", "optimizer", "training"),
)
_TASK_WORDS = {
    **{task: task for task in TASKS},
    **{f"{task} classification": task for task in ("multi-class", "multi-label")},
}
_PATTERN = ("prefix", "postfix", "first", "last")


def definition_of(document: Document) -> ModelDefinition:
    """Return the definition that a tree describes.

    Parameters
    ----------
    document : Document
        The tree, with the line of each value.

    Returns
    -------
    ModelDefinition

    Raises
    ------
    ConfigError
        With every mistake, its line, and how to mend it.
    """
    reader = Reader(document)
    tree = reader.keys(document.tree, "$", _TOP, "id", "labels", "architecture")
    name = reader.text(tree, "id", "$")
    if not ID.fullmatch(name):
        reader.wrong("$.id", f"is {name!r}, expected letters, digits, '_' and '-'")
    library = reader.choice(tree, "library", "$", LIBRARIES, LIBRARIES[0])
    task = reader.choice(tree, "task", "$", tuple(_TASK_WORDS), "multi-class")
    definition = ModelDefinition(
        id=name,
        labels=_labels(reader, tree),
        architecture=_architecture(reader, tree, library),
        library=library,
        loss=_named(reader, tree, "loss", ("loss",), LOSSES),
        optimizer=_named(reader, tree, "optimizer", HYPERPARAMETERS, OPTIMIZERS),
        training=_training(reader, tree),
        task=_TASK_WORDS[task],  # type: ignore[arg-type]
        space=reader.choice(tree, "space", "$", ("DNA", "RNA", "protein"), "DNA"),
        encoding=reader.choice(tree, "encoding", "$", ("1D", "2D"), "1D"),
        seed=reader.whole(tree, "seed", "$", 0, 0),
        name=reader.text(tree, "name", "$"),
        description=reader.text(tree, "description", "$"),
        implementation=reader.text(tree, "implementation", "$"),
        source=document.source,
        places=document.places,
    )
    if reader.problems:
        raise ConfigError(list(dict.fromkeys(reader.problems)))
    return definition


def _value(reader: Reader, given: object, path: str) -> Value:
    """Return a value of a definition: lists become tuples, mappings are refused."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        return tuple(_value(reader, one, f"{path}[{i}]") for i, one in enumerate(given))
    if given is None or isinstance(given, str | int | float | bool):
        return given
    reader.wrong(path, f"is {given!r}, expected a word, a number or a list")
    return None


def _settings(reader: Reader, given: object, path: str) -> Settings:
    if not isinstance(given, dict):
        reader.wrong(path, f"expected names and values, got {given!r}")
        return ()
    return tuple((str(key), _value(reader, one, f"{path}.{key}")) for key, one in given.items())


def _labels(reader: Reader, tree: Plain) -> tuple[str, ...] | LabelPattern:
    given = tree.get("labels")
    if isinstance(given, dict):
        entry = reader.keys(given, "$.labels", _PATTERN, "last")
        first = reader.whole(entry, "first", "$.labels", 1, 0)
        last = reader.whole(entry, "last", "$.labels", first, 0)
        if last < first:
            reader.wrong("$.labels", f"are numbered from {first} to {last}: none is left")
        words = [reader.text(entry, key, "$.labels") for key in ("prefix", "postfix")]
        return LabelPattern(last, first, *words)
    found = tuple(str(one) for _, one in reader.items(tree, "labels", "$"))
    if not found and "labels" in tree:
        reader.wrong("$.labels", "has no label")
    for index, name in enumerate(found):
        if name in found[:index]:
            reader.wrong(f"$.labels[{index}]", f"{name!r} is there twice")
    return found


def _architecture(reader: Reader, tree: Plain, library: str) -> Architecture:
    path = "$.architecture"
    known = ("operations", "external", "hyperparameters")
    said = reader.keys(tree.get("architecture") or {}, path, known)
    given = {key: value for key, value in said.items() if value is not None}
    if ("operations" in given) == ("external" in given):
        reader.wrong(path, "expected either 'operations' or 'external'")
    operations = [
        _operation(reader, place, item) for place, item in reader.items(given, "operations", path)
    ]
    if "operations" in given and not operations:
        reader.wrong(f"{path}.operations", "has no operation")
    external = None
    if given.get("external") is not None:
        here = f"{path}.external"
        entry = reader.keys(
            given["external"], here, ("format", "path", "classname"), "format", "path"
        )
        external = External(
            reader.choice(entry, "format", here, FORMATS, FORMATS[0]),
            reader.text(entry, "path", here),
            reader.text(entry, "classname", here),
        )
        wanted = {"data-definition": LIBRARIES[2], "pytorch-module": LIBRARIES[0]}
        suited = wanted.get(external.format, LIBRARIES[1])
        if suited != library:
            message = f"{external.format} is of the library {suited}, and the library is {library}"
            reader.wrong(f"{here}.format", message)
    elif library == LIBRARIES[2]:
        reader.wrong(path, f"{library} needs an external data-definition")
    hyper = given.get("hyperparameters")
    settings = () if hyper is None else _settings(reader, hyper, f"{path}.hyperparameters")
    return Architecture(tuple(operations), external, settings)


def _operation(reader: Reader, path: str, item: object) -> Operation:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        reader.wrong(path, f"expected a mapping with 'name' and arguments, got {item!r}")
        return Operation("flatten")
    name, said = operation_name(item["name"])
    rest = {str(key): one for key, one in item.items() if key != "name"}
    given = renamed(name, {k: _value(reader, one, f"{path}.{k}") for k, one in rest.items()})
    arguments = {**said, **given}
    for key, message in misspelt(name, arguments):
        reader.wrong(f"{path}.{key}" if key in rest else path, message)
    return Operation(name, tuple(arguments.items()))


def _named(
    reader: Reader, tree: Plain, key: str, known: Sequence[str], table: Collection[str]
) -> Settings:
    """Return the hyper-parameters of a loss or an optimiser, which may be its name alone."""
    given = tree.get(key)
    if given is None:
        return ()
    path = f"$.{key}"
    settings = _settings(reader, {key: given} if isinstance(given, str) else given, path)
    for name, _ in settings:
        if name not in known:
            hint = did_you_mean(name, known, listed=0)
            reader.wrong(f"{path}.{name}", f"is no hyper-parameter of the {key}{hint}")
    word = dict(settings).get(key)
    if word is None:
        reader.wrong(path, f"does not say which {key}: add {key!r}")
    elif word_of(word) not in table:
        hint = did_you_mean(word_of(word), table, listed=0)
        at = path if isinstance(given, str) else f"{path}.{key}"
        reader.wrong(at, f"there is no {key} {word!r}{hint}")
    return settings


def _training(reader: Reader, tree: Plain) -> Settings:
    given = tree.get("training")
    if given is None:
        return ()
    entry = reader.keys(given, "$.training", TRAINING)
    for key in ("batch_size", "epochs", "early_stopping_patience"):
        reader.whole(entry, key, "$.training", 1, 1)
    for key in ("early_stopping", "shuffle"):
        if flag(entry.get(key, True)) is None:
            reader.wrong(f"$.training.{key}", f"is {entry[key]!r}, expected true or false")
    return _settings(reader, entry, "$.training")
