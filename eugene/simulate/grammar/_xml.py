"""The XML of seqgra's data definitions, read to the tree of the YAML form and written from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from eugene.config import Document
from eugene.config._xml import Node, Reading, Schema, element, xml_text
from eugene.errors import ConfigError, Problem
from eugene.simulate.grammar._tree import Plain, Weights

if TYPE_CHECKING:
    from eugene.simulate.grammar._grammar import Grammar


_SHUFFLE = "kmer-frequency-preserving-shuffle"
# which elements and attributes there may be in each; in the order in which they are written
_SCHEMA: Schema = {
    "seqgradata": (
        ("general", "background", "datageneration", "conditions", "sequenceelements"),
        (),
    ),
    "general": (("name", "description", "task", "sequencespace", "seed"), ("id",)),
    "background": (("minlength", "maxlength", "alphabetdistributions"), ()),
    "alphabetdistributions": (("alphabetdistribution",), ()),
    "alphabetdistribution": (("letter",), ("cid", "setname")),
    "letter": ((), ("probability",)),
    "datageneration": (("sets", "postprocessing"), ()),
    "sets": (("set",), ()),
    "set": (("example",), ("name",)),
    "example": (("conditionref",), ("samples",)),
    "conditionref": ((), ("cid",)),
    "postprocessing": (("operation",), ()),
    "operation": ((), ("labels", "k")),
    "conditions": (("condition",), ()),
    "condition": (("label", "description", "mode", "grammar"), ("id", "mode")),
    "grammar": (("rule",), ()),
    "rule": (("position", "probability", "sequenceelementrefs", "spacingconstraints"), ()),
    "sequenceelementrefs": (("sequenceelementref",), ()),
    "sequenceelementref": ((), ("sid",)),
    "spacingconstraints": (("spacingconstraint",), ()),
    "spacingconstraint": ((), ("sid1", "sid2", "mindistance", "maxdistance", "order")),
    "sequenceelements": (("sequenceelement",), ()),
    "sequenceelement": (("kmerbased", "matrixbased"), ("id",)),
    "kmerbased": (("kmer",), ()),
    "kmer": ((), ("probability",)),
    "matrixbased": (("position",), ()),
    "position": (("letter",), ()),
    **dict.fromkeys(
        (
            *("name", "description", "task", "sequencespace", "seed", "minlength", "maxlength"),
            *("label", "mode", "probability"),
        ),
        ((), ()),
    ),
}
_MANY = {
    *("alphabetdistribution", "letter", "set", "example", "conditionref", "operation"),
    *("condition", "rule", "sequenceelementref", "spacingconstraint", "sequenceelement", "kmer"),
    "position",
}


_GENERAL = {
    **{tag: tag for tag in ("name", "description", "task")},
    "sequencespace": "space",
}


class _Reading(Reading):
    """Reads words with probabilities as well."""

    def weights(self, nodes: Iterable[Node], path: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for node in nodes:
            self.at(f"{path}.{node.text}", node)
            if node.text in found:
                self.wrong(node, f"{node.text!r} is there twice")
            found[node.text] = self.number(node, node.given.get("probability", ""), "probability")
        return found


def document_of(data: bytes, source: str) -> Document:
    """Read XML to the plain tree that the YAML form has.

    Parameters
    ----------
    data : bytes
    source : str
        Name of the file.

    Returns
    -------
    Document
        Its ``problems`` hold what is not of the language.

    Raises
    ------
    ConfigError
        If it is no XML, or has a document type.
    """
    reading = _Reading(source, _SCHEMA, _MANY)
    root = reading.begin(data, "seqgradata", "data definition of seqgra")
    reading.general(root, _GENERAL, always=True)
    tree = reading.document.tree
    tree["background"] = _background(reading, root.first("background"))
    generation = root.first("datageneration")
    tree["sets"] = _sets(reading, generation.first("sets"))
    shuffles = _shuffles(reading, generation.first("postprocessing"))
    if shuffles:
        tree["shuffles"] = shuffles
    tree["conditions"] = _conditions(reading, root.first("conditions"))
    tree["elements"] = _elements(reading, root.first("sequenceelements"))
    return reading.document


def _background(reading: _Reading, node: Node) -> Plain:
    path = reading.at("$.background", node)
    pair = [node.first(tag) for tag in ("minlength", "maxlength")]
    reading.at(f"{path}.length", pair[0])
    listed = []
    for index, one in enumerate(node.first("alphabetdistributions").all("alphabetdistribution")):
        here = reading.at(f"{path}.letters[{index}]", one)
        entry: Plain = {"letters": reading.weights(one.all("letter"), f"{here}.letters")}
        for attribute, key in (("cid", "condition"), ("setname", "set")):
            if one.given.get(attribute):
                entry[key] = one.given[attribute]
        listed.append(entry)
    lengths = [reading.whole(one, one.text, f"<{one.tag}>") for one in pair]
    return {"length": lengths, "letters": listed}


def _sets(reading: _Reading, node: Node) -> Plain:
    found: Plain = {}
    reading.at("$.sets", node)
    for one in node.all("set"):
        name = one.given.get("name", "")
        if name in found:
            reading.wrong(one, f"the set {name!r} is there twice")
        reading.at(f"$.sets.{name}", one)
        found[name] = []
        for index, example in enumerate(one.all("example")):
            reading.at(f"$.sets.{name}[{index}]", example)
            samples = reading.whole(example, example.given.get("samples", ""), "samples")
            refs = example.all("conditionref")
            for place, ref in enumerate(refs):
                reading.at(f"$.sets.{name}[{index}].conditions[{place}]", ref)
            listed = [ref.given.get("cid", "") for ref in refs]
            found[name].append({"samples": samples, "conditions": listed})
    return found


def _shuffles(reading: _Reading, node: Node) -> list[Plain]:
    found = []
    for index, one in enumerate(node.all("operation")):
        reading.at(f"$.shuffles[{index}]", one)
        if one.text != _SHUFFLE:
            reading.wrong(one, f"there is no operation {one.text!r}; expected {_SHUFFLE}")
        k = reading.whole(one, one.given.get("k", "1"), "k")
        found.append({"labels": one.given.get("labels", ""), "k": k})
    return found


def _conditions(reading: _Reading, node: Node) -> Plain:
    found: Plain = {}
    reading.at("$.conditions", node)
    for one in node.all("condition"):
        name = one.given.get("id", "")
        if name in found:
            reading.wrong(one, f"the condition {name!r} is there twice")
        path = reading.at(f"$.conditions.{name}", one)
        entry: Plain = {
            "label": one.first("label").text,
            "description": one.first("description").text,
            "rules": [
                _rule(reading, rule, f"{path}.rules[{index}]")
                for index, rule in enumerate(one.first("grammar").all("rule"))
            ],
        }
        mode = one.first("mode").text or one.given.get("mode")
        if mode:
            entry["mode"] = mode
        found[name] = entry
    return found


def _rule(reading: _Reading, node: Node, path: str) -> Plain:
    reading.at(path, node)
    place, chance = node.first("position"), node.first("probability")
    reading.at(f"{path}.position", place)
    reading.at(f"{path}.probability", chance)
    numbered = place.text.lstrip("-").isdigit()
    position = int(place.text) if numbered else place.text
    refs = node.first("sequenceelementrefs").all("sequenceelementref")
    for index, ref in enumerate(refs):
        reading.at(f"{path}.elements[{index}]", ref)
    entry: Plain = {
        "position": position,
        "probability": reading.number(chance, chance.text, "the probability"),
        "elements": [ref.given.get("sid", "") for ref in refs],
    }
    spacing = []
    for index, one in enumerate(node.first("spacingconstraints").all("spacingconstraint")):
        here = reading.at(f"{path}.spacing[{index}]", one)
        for key in ("between", "distance", "order"):
            reading.at(f"{here}.{key}", one)
        distance = [
            reading.whole(one, one.given.get(key, ""), key)
            for key in ("mindistance", "maxdistance")
        ]
        between = [one.given.get(key, "") for key in ("sid1", "sid2")]
        order = one.given.get("order", "random")
        spacing.append({"between": between, "distance": distance, "order": order})
    if spacing:
        entry["spacing"] = spacing
    return entry


def _elements(reading: _Reading, node: Node) -> Plain:
    found: Plain = {}
    reading.at("$.elements", node)
    for one in node.all("sequenceelement"):
        name = one.given.get("id", "")
        if name in found:
            reading.wrong(one, f"the element {name!r} is there twice")
        path = reading.at(f"$.elements.{name}", one)
        found[name] = {}
        if one.all("kmerbased"):
            kmers = one.first("kmerbased").all("kmer")
            found[name]["kmers"] = reading.weights(kmers, f"{path}.kmers")
        if one.all("matrixbased"):
            positions = one.first("matrixbased").all("position")
            found[name]["matrix"] = [
                reading.weights(p.all("letter"), reading.at(f"{path}.matrix[{i}]", p))
                for i, p in enumerate(positions)
            ]
    return found


def to_xml(grammar: Grammar) -> str:
    """Write a grammar as seqgra's XML.

    Parameters
    ----------
    grammar : Grammar
        Not of regression, which seqgra has none of.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If it is of regression.
    """
    if grammar.task == "regression":
        message = "seqgra's XML has no regression: write the grammar as YAML"
        raise ConfigError([Problem("$.task", message, grammar.source)])
    return xml_text(_xml_tree(grammar))


def _letters(weights: Weights, tag: str = "letter") -> list[Node]:
    return [element(tag, word, probability=repr(value)) for word, value in weights]


def _xml_tree(grammar: Grammar) -> Node:
    listed = [
        element("alphabetdistribution", *_letters(one.weights), cid=one.condition, setname=one.set)
        for one in grammar.background
    ]
    sets = [
        element(
            "set",
            *(
                element(
                    "example",
                    *(element("conditionref", cid=c) for c in example.conditions),
                    samples=example.samples,
                )
                for example in examples
            ),
            name=name,
        )
        for name, examples in grammar.sets.items()
    ]
    after = [element("operation", _SHUFFLE, labels=one.labels, k=one.k) for one in grammar.shuffles]
    conditions = []
    for condition in grammar.conditions:
        rules = []
        for rule in condition.rules:
            apart = [
                element(
                    "spacingconstraint",
                    sid1=s.first,
                    sid2=s.second,
                    mindistance=s.min_distance,
                    maxdistance=s.max_distance,
                    order=s.order,
                )
                for s in rule.spacing
            ]
            refs = [element("sequenceelementref", sid=name) for name in rule.elements]
            rules.append(
                element(
                    "rule",
                    element("position", rule.position),
                    element("probability", repr(rule.probability)),
                    element("sequenceelementrefs", *refs),
                    *([element("spacingconstraints", *apart)] if apart else []),
                )
            )
        mode = condition.mode if condition.mode != "sequential" else None
        conditions.append(
            element(
                "condition",
                element("label", condition.label),
                element("description", condition.description),
                *([element("mode", mode)] if mode else []),
                element("grammar", *rules),
                id=condition.id,
            )
        )
    elements = [
        element(
            "sequenceelement",
            element("kmerbased", *_letters(one.kmers, "kmer"))
            if one.kmers
            else element("matrixbased", *(element("position", *_letters(p)) for p in one.matrix)),
            id=one.id,
        )
        for one in grammar.elements
    ]
    return element(
        "seqgradata",
        element(
            "general",
            element("name", grammar.name),
            element("description", grammar.description),
            element("task", f"{grammar.task} classification"),
            element("sequencespace", grammar.space),
            element("seed", grammar.seed),
            id=grammar.id,
        ),
        element(
            "background",
            element("minlength", grammar.min_length),
            element("maxlength", grammar.max_length),
            element("alphabetdistributions", *listed),
        ),
        element(
            "datageneration",
            element("sets", *sets),
            *([element("postprocessing", *after)] if after else []),
        ),
        element("conditions", *conditions),
        element("sequenceelements", *elements),
    )
