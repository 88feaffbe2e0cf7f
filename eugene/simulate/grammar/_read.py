"""A grammar from the plain tree of a file, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eugene.config import Document
from eugene.config._reader import ID, Reader
from eugene.errors import ConfigError
from eugene.simulate.grammar._checks import check
from eugene.simulate.grammar._grammar import Grammar
from eugene.simulate.grammar._tree import (
    SETS,
    Condition,
    Element,
    Example,
    Letters,
    Plain,
    Response,
    Rule,
    Shuffle,
    Spacing,
    Weights,
)

_TOP = (
    *("id", "name", "description", "task", "space", "seed", "background", "sets", "conditions"),
    *("elements", "shuffles", "response"),
)
_TASKS = {
    "multi-class classification": "multi-class",
    "multi-label classification": "multi-label",
    "multi-class": "multi-class",
    "multi-label": "multi-label",
    "regression": "regression",
}
_PLACES = ("random", "start", "center", "end")


class _Reader(Reader):
    """Reads words with probabilities as well."""

    def weights(self, tree: object, path: str, what: str) -> Weights:
        """Return words with probabilities, as they are."""
        if not isinstance(tree, dict) or not tree:
            self.wrong(path, f"expected {what} with their probabilities, got {tree!r}")
            return ()
        found = []
        for word in tree:
            value = self.number(tree, word, path, 0.0)
            if value < 0 or value == float("inf"):
                self.wrong(f"{path}.{word}", f"is {value}, expected a probability of 0 or more")
            else:
                found.append((str(word), value))
        if found and not sum(value for _, value in found):
            self.wrong(path, f"the probabilities of {what} are all 0")
            return ()
        return tuple(found)


def grammar_of(document: Document) -> Grammar:
    """Return the grammar that a tree describes.

    Parameters
    ----------
    document : Document
        The tree, with the line of each value.

    Returns
    -------
    Grammar

    Raises
    ------
    ConfigError
        With every mistake, its line, and how to mend it.
    """
    reader = _Reader(document)
    tree = reader.keys(
        document.tree, "$", _TOP, "id", "background", "sets", "conditions", "elements"
    )
    name = reader.text(tree, "id", "$")
    if not ID.fullmatch(name):
        reader.wrong("$.id", f"is {name!r}, expected letters, digits, '_' and '-'")
    background = _background(reader, tree)
    task = _TASKS[reader.choice(tree, "task", "$", tuple(_TASKS), "multi-class")]
    grammar = Grammar(
        id=name,
        background=background[1],
        sets=_sets(reader, tree),
        conditions=tuple(
            _condition(reader, path, key, item)
            for path, key, item in reader.named(tree, "conditions", "$")
        ),
        elements=tuple(
            _element(reader, path, key, item)
            for path, key, item in reader.named(tree, "elements", "$")
        ),
        min_length=background[0][0],
        max_length=background[0][1],
        task=task,  # type: ignore[arg-type]
        space=reader.choice(tree, "space", "$", ("DNA", "RNA", "protein"), "DNA"),
        seed=reader.whole(tree, "seed", "$", 0, 0),
        name=reader.text(tree, "name", "$"),
        description=reader.text(tree, "description", "$"),
        shuffles=tuple(
            Shuffle(reader.text(item, "labels", path), reader.whole(item, "k", path, 1, 1))
            for path, given in reader.items(tree, "shuffles", "$")
            if (item := reader.keys(given, path, ("labels", "k")))
        ),
        response=_response(reader, tree, task),
        source=document.source,
    )
    if not reader.problems:
        reader.problems += [document.problem(path, message) for path, message in check(grammar)]
    if reader.problems:
        raise ConfigError(list(dict.fromkeys(reader.problems)))
    return grammar


def _background(reader: _Reader, tree: Plain) -> tuple[tuple[int, int], tuple[Letters, ...]]:
    path = "$.background"
    given = reader.keys(tree.get("background") or {}, path, ("length", "letters"))
    length = given.get("length")
    pair = (
        list(length) if isinstance(length, Sequence) and not isinstance(length, str) else [length]
    )
    whole = [v for v in pair if isinstance(v, int) and not isinstance(v, bool) and v > 0]
    if len(whole) != len(pair) or len(pair) not in (1, 2) or whole[0] > whole[-1]:
        message = f"is {length!r}, expected a number of letters, or the smallest and the largest"
        reader.wrong(f"{path}.length", message)
        whole = [1]
    found = []
    for place, item in reader.items(given, "letters", path):
        entry = reader.keys(item, place, ("letters", "condition", "set"), "letters")
        one = Letters(
            reader.weights(entry.get("letters"), f"{place}.letters", "letters"),
            reader.text(entry, "condition", place) or None,
            reader.text(entry, "set", place) or None,
        )
        found.append(one)
    return (whole[0], whole[-1]), tuple(found)


def _sets(reader: _Reader, tree: Plain) -> dict[str, tuple[Example, ...]]:
    given = reader.keys(tree.get("sets") or {}, "$.sets", SETS, *SETS)
    found = {}
    for name in given:
        examples = []
        for path, item in reader.items(given, name, "$.sets"):
            entry = reader.keys(item, path, ("samples", "conditions"), "samples")
            listed = [str(c) for _, c in reader.items(entry, "conditions", path)]
            examples.append(Example(reader.whole(entry, "samples", path, 0, 0), tuple(listed)))
        found[name] = tuple(examples)
    return found


def _condition(reader: _Reader, path: str, key: str, item: object) -> Condition:
    entry = reader.keys(item, path, ("label", "description", "mode", "rules"), "rules")
    rules = []
    for place, given in reader.items(entry, "rules", path):
        known = ("elements", "position", "probability", "spacing", "effect")
        rule = reader.keys(given, place, known, "elements")
        position = rule.get("position", "random")
        numbered = isinstance(position, int) and not isinstance(position, bool) and position > 0
        if not numbered and position not in _PLACES:
            message = f"is {position!r}, expected {', '.join(_PLACES)}, or a number from 1"
            reader.wrong(f"{place}.position", message)
            position = "random"
        probability = reader.number(rule, "probability", place, 1.0)
        if not 0 < probability <= 1:
            message = f"is {probability}, expected a probability above 0 and at most 1"
            reader.wrong(f"{place}.probability", message)
        rules.append(
            Rule(
                tuple(str(one) for _, one in reader.items(rule, "elements", place)),
                position,
                probability,
                tuple(_spacing(reader, rule, place)),
                reader.number(rule, "effect", place, 0.0),
            )
        )
    modes = ("sequential", "mutually exclusive")
    return Condition(
        key,
        tuple(rules),
        reader.text(entry, "label", path),
        reader.text(entry, "description", path),
        reader.choice(entry, "mode", path, modes, "sequential"),
    )


def _spacing(reader: _Reader, rule: Plain, path: str) -> Iterator[Spacing]:
    for place, given in reader.items(rule, "spacing", path):
        entry = reader.keys(given, place, ("between", "distance", "order"), "between", "distance")
        pair = [str(one) for _, one in reader.items(entry, "between", place)]
        given_distance = [one for _, one in reader.items(entry, "distance", place)]
        distance = [d for d in given_distance if isinstance(d, int) and not isinstance(d, bool)]
        if len(pair) != 2:
            reader.wrong(f"{place}.between", f"is {pair}, expected two elements")
        elif not (len(given_distance) == len(distance) == 2 and 0 <= distance[0] <= distance[1]):
            message = (
                f"is {given_distance}, expected the smallest and the largest number of letters"
            )
            reader.wrong(f"{place}.distance", message)
        else:
            order = reader.choice(entry, "order", place, ("random", "in-order"), "random")
            yield Spacing(pair[0], pair[1], distance[0], distance[1], order)


def _element(reader: _Reader, path: str, key: str, item: object) -> Element:
    entry = reader.keys(item, path, ("kmers", "matrix"))
    if ("kmers" in entry) == ("matrix" in entry):
        reader.wrong(path, "expected either 'kmers' or 'matrix'")
        return Element(key, kmers=(("", 1.0),))
    if "kmers" in entry:
        kmers = reader.weights(entry["kmers"], f"{path}.kmers", "k-mers")
        if len({len(kmer) for kmer, _ in kmers}) > 1:
            reader.wrong(f"{path}.kmers", "k-mers of one element must have the same length")
        return Element(key, kmers=kmers or (("", 1.0),))
    rows = [
        reader.weights(position, place, "letters")
        for place, position in reader.items(entry, "matrix", path)
    ]
    if not rows:
        reader.wrong(f"{path}.matrix", "has no position")
    return Element(key, matrix=tuple(rows))


def _response(reader: _Reader, tree: Plain, task: str) -> Response | None:
    if task != "regression":
        if tree.get("response") is not None:
            reader.wrong("$.response", f"is of regression, and the task is {task}: leave it out")
        return None
    entry = reader.keys(tree.get("response") or {}, "$.response", ("combine", "base", "noise"))
    kinds = ("additive", "multiplicative")
    combine = reader.choice(entry, "combine", "$.response", kinds, "additive")
    base = reader.number(entry, "base", "$.response", 1.0 if combine == kinds[1] else 0.0)
    noise = reader.number(entry, "noise", "$.response", 0.0)
    if noise < 0:
        reader.wrong("$.response.noise", f"is {noise}, expected 0 or more")
    return Response(combine, base, noise)
