"""Whether a grammar makes sense: what no type tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eugene.errors import did_you_mean
from eugene.simulate.grammar._tree import Rule, Spacing

if TYPE_CHECKING:
    from eugene.simulate.grammar._grammar import Grammar


Faults = Iterator[tuple[str, str]]
"""Path of each mistake, and what is wrong."""


def check(grammar: Grammar) -> Faults:
    """Yield what is wrong with a grammar.

    Parameters
    ----------
    grammar : Grammar

    Yields
    ------
    path : str
        Such as ``$.conditions.c1.rules[0].position``.
    message : str
        What is wrong and how to mend it.
    """
    yield from _names(grammar)
    yield from _letters(grammar)
    yield from _rows(grammar)
    for condition in grammar.conditions:
        path = f"$.conditions.{condition.id}"
        if condition.mode == "mutually exclusive":
            total = sum(rule.probability for rule in condition.rules)
            if total > 1 + 1e-9:
                message = (
                    f"the probabilities of mutually exclusive rules add up to {total:.6g}, "
                    "expected at most 1: lower them, or say mode: sequential"
                )
                yield f"{path}.rules", message
        for index, rule in enumerate(condition.rules):
            yield from _rule(grammar, rule, f"{path}.rules[{index}]")


def remarks(grammar: Grammar) -> list[str]:
    """Return what may be meant, and should be said.

    Examples
    --------
    >>> from eugene.simulate import Grammar
    >>> remarks(Grammar("g", (), {}, (), (), 1, 1))
    []
    """
    said = []
    asked = {c for examples in grammar.sets.values() for e in examples for c in e.conditions}
    used = {e for c in grammar.conditions for rule in c.rules for e in rule.elements}
    unused = [c.id for c in grammar.conditions if c.id not in asked]
    if unused:
        said.append(f"no row has the conditions {', '.join(unused)}.")
    idle = [e.id for e in grammar.elements if e.id not in used]
    if idle:
        said.append(f"no rule has the elements {', '.join(idle)}.")
    for condition in grammar.conditions:
        for rule in condition.rules:
            apart = {name for s in rule.spacing for name in (s.first, s.second)}
            alone = [e for e in rule.elements if e not in apart]
            places = len(alone) + (1 if apart else 0)
            if rule.position != "random" and places > 1:
                said.append(
                    f"a rule of {condition.id} puts {', '.join(rule.elements)} to the same place "
                    f"({rule.position}): the later overwrite the earlier."
                )
    return said


def _names(grammar: Grammar) -> Faults:
    elements = [e.id for e in grammar.elements]
    conditions = [c.id for c in grammar.conditions]
    for condition in grammar.conditions:
        for index, rule in enumerate(condition.rules):
            path = f"$.conditions.{condition.id}.rules[{index}]"
            if not rule.elements:
                yield f"{path}.elements", "a rule needs at least one element"
            for place, name in enumerate(rule.elements):
                if name not in elements:
                    hint = did_you_mean(name, elements, listed=20)
                    yield f"{path}.elements[{place}]", f"there is no element {name!r}{hint}"
                elif name in rule.elements[:place]:
                    message = f"{name!r} is there twice: write it down as two elements"
                    yield f"{path}.elements[{place}]", message
            for place, spacing in enumerate(rule.spacing):
                where = f"{path}.spacing[{place}].between"
                if spacing.first == spacing.second:
                    yield where, f"{spacing.first!r} has no distance to itself"
                for name in (spacing.first, spacing.second):
                    if name not in rule.elements:
                        hint = did_you_mean(name, rule.elements, listed=20)
                        yield where, f"{name!r} is not an element of the rule{hint}"
    for name, examples in grammar.sets.items():
        for index, example in enumerate(examples):
            for place, condition_id in enumerate(example.conditions):
                where = f"$.sets.{name}[{index}].conditions[{place}]"
                if condition_id not in conditions:
                    hint = did_you_mean(condition_id, conditions, listed=20)
                    yield where, f"there is no condition {condition_id!r}{hint}"
                elif condition_id in example.conditions[:place]:
                    yield where, f"{condition_id!r} is there twice"
            if grammar.task == "multi-class" and len(example.conditions) > 1:
                message = (
                    f"has {len(example.conditions)} conditions, and the task is multi-class: "
                    "expected one, or say task: multi-label"
                )
                yield f"$.sets.{name}[{index}].conditions", message


def _letters(grammar: Grammar) -> Faults:
    known = set(grammar.alphabet)
    conditions, seen = [c.id for c in grammar.conditions], set()
    if not grammar.background:
        yield "$.background", "has no letters: say how often each of them is"
    for index, letters in enumerate(grammar.background):
        path = f"$.background.letters[{index}]"
        odd = [letter for letter, _ in letters.weights if letter not in known]
        if odd:
            message = f"{odd[0]!r} is no letter of {grammar.space}, which are {grammar.alphabet}"
            yield f"{path}.letters.{odd[0]}", message
        if letters.condition is not None and letters.condition not in conditions:
            hint = did_you_mean(letters.condition, conditions, listed=20)
            yield f"{path}.condition", f"there is no condition {letters.condition!r}{hint}"
        if letters.set is not None and letters.set not in grammar.sets:
            hint = did_you_mean(letters.set, grammar.sets, listed=5)
            yield f"{path}.set", f"there is no set {letters.set!r}{hint}"
        key = (letters.condition, letters.set)
        if key in seen:
            yield path, "the same condition and set have letters already: leave one out"
        seen.add(key)
    for element in grammar.elements:
        odd = [letter for letter in element.letters() if letter not in known]
        if odd:
            message = f"{odd[0]!r} is no letter of {grammar.space}, which are {grammar.alphabet}"
            yield f"$.elements.{element.id}", message


def _rows(grammar: Grammar) -> Faults:
    if not any(e.samples for examples in grammar.sets.values() for e in examples):
        yield "$.sets", "no set has a row"
    there = {(letters.condition, letters.set) for letters in grammar.background}
    for name, examples in grammar.sets.items():
        for index, example in enumerate(examples):
            lacking = [
                c
                for c in example.conditions
                if not {(c, name), (None, name), (c, None), (None, None)} & there
            ]
            if lacking:
                message = (
                    f"nothing says the letters of the background of {lacking[0]!r} in {name}: add "
                    "letters for all, for the set, or for the condition"
                )
                yield f"$.sets.{name}[{index}]", message
    for index, shuffle in enumerate(grammar.shuffles):
        known = {c.id for c in grammar.conditions}
        odd = [c for c in shuffle.labels.split("|") if c and c not in known]
        if odd:
            yield f"$.shuffles[{index}].labels", f"there is no condition {odd[0]!r}"


def _rule(grammar: Grammar, rule: Rule, path: str) -> Faults:
    widths = {name: grammar.by_id[name].width for name in rule.elements if name in grammar.by_id}
    shortest = grammar.min_length
    start = rule.position - 1 if isinstance(rule.position, int) else 0
    room = shortest - start
    if room < 1:
        message = (
            f"is {rule.position}, but sequences may be as short as {shortest}: expected a position "
            "within them"
        )
        yield f"{path}.position", message
        return
    where = f" from position {rule.position}" if isinstance(rule.position, int) else ""
    for place, name in enumerate(rule.elements):
        if widths.get(name, 0) > room:
            message = (
                f"{name!r} is {widths[name]} letters long and does not fit{where}: sequences may "
                f"be as short as {shortest}"
            )
            yield f"{path}.elements[{place}]", message
    for chain in chains(rule):
        if any(name not in widths for s in chain for name in (s.first, s.second)):
            continue
        needed = sum(widths[name] for name in _members(chain)) + sum(s.min_distance for s in chain)
        if needed > room:
            message = (
                f"elements and smallest distances take {needed} letters and do not fit{where}: "
                f"sequences may be as short as {shortest}"
            )
            yield f"{path}.spacing", message
        if len(chain) != len(_members(chain)) - 1:
            message = (
                "the distances between "
                f"{', '.join(_members(chain))} form a ring: leave one of them out"
            )
            yield f"{path}.spacing", message


def _members(chain: list[Spacing]) -> list[str]:
    return list(dict.fromkeys(name for s in chain for name in (s.first, s.second)))


def chains(rule: Rule) -> list[list[Spacing]]:
    """Return distances that share elements together, each beside one that stands already.

    Parameters
    ----------
    rule : Rule

    Returns
    -------
    list of list of Spacing
        In the order of the rule, but for those that would hang in the air.

    Examples
    --------
    >>> from eugene.simulate.grammar._tree import Rule, Spacing
    >>> rule = Rule(tuple("abcd"), spacing=(Spacing("a", "b", 0, 1), Spacing("c", "b", 2, 3)))
    >>> [[(s.first, s.second) for s in chain] for chain in chains(rule)]
    [[('a', 'b'), ('c', 'b')]]
    """
    left, found = list(rule.spacing), []
    while left:
        chain = [left.pop(0)]
        names = {chain[0].first, chain[0].second}
        while True:
            touching = [s for s in left if {s.first, s.second} & names]
            if not touching:
                break
            left.remove(touching[0])
            chain.append(touching[0])
            names |= {touching[0].first, touching[0].second}
        found.append(chain)
    return found
