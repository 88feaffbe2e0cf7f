"""A grammar as YAML: the language of seqgra, nicer to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.config import dump_yaml
from eugene.simulate.grammar._tree import Condition, Element, Plain

if TYPE_CHECKING:
    from eugene.simulate.grammar._grammar import Grammar


def to_yaml(grammar: Grammar) -> str:
    """Write a grammar as YAML, from which it is read without loss.

    Parameters
    ----------
    grammar : Grammar

    Returns
    -------
    str
    """
    return dump_yaml(tree_of(grammar))


def tree_of(grammar: Grammar) -> Plain:
    """Return the plain tree of a grammar; what is as it would be anyway is left out."""
    low, high = grammar.min_length, grammar.max_length
    background = []
    for letters in grammar.background:
        ranks = {"condition": letters.condition, "set": letters.set}
        chosen = {key: value for key, value in ranks.items() if value is not None}
        background.append({**chosen, "letters": dict(letters.weights)})
    tree: Plain = {
        "id": grammar.id,
        "name": grammar.name,
        "description": grammar.description,
        "task": grammar.task,
        "space": grammar.space,
        "seed": grammar.seed,
        "background": {"length": low if low == high else [low, high], "letters": background},
        "sets": {
            name: [{"samples": e.samples, "conditions": list(e.conditions)} for e in examples]
            for name, examples in grammar.sets.items()
        },
        "conditions": {c.id: _condition(c) for c in grammar.conditions},
        "elements": {e.id: _element(e) for e in grammar.elements},
    }
    if grammar.shuffles:
        tree["shuffles"] = [{"labels": s.labels, "k": s.k} for s in grammar.shuffles]
    if grammar.response is not None:
        response = grammar.response
        tree["response"] = {key: getattr(response, key) for key in ("combine", "base", "noise")}
    return tree


def _condition(condition: Condition) -> Plain:
    rules = []
    for rule in condition.rules:
        entry: Plain = {
            "elements": list(rule.elements),
            "position": rule.position,
            "probability": rule.probability,
        }
        if rule.spacing:
            entry["spacing"] = [
                {
                    "between": [s.first, s.second],
                    "distance": [s.min_distance, s.max_distance],
                    "order": s.order,
                }
                for s in rule.spacing
            ]
        if rule.effect:
            entry["effect"] = rule.effect
        rules.append(entry)
    said = {"label": condition.label, "description": condition.description}
    return {**said, "mode": condition.mode, "rules": rules}


def _element(element: Element) -> Plain:
    if element.kmers:
        return {"kmers": dict(element.kmers)}
    return {"matrix": [dict(position) for position in element.matrix]}
