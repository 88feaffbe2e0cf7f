"""Rows as seqgra draws them, number by number, from Python's and NumPy's generators."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eugene.errors import EugeneError
from eugene.simulate.grammar._letters import Shuffler
from eugene.simulate.grammar._tree import Condition, Rule, Weights

if TYPE_CHECKING:
    from eugene.simulate.grammar._grammar import Grammar


@dataclass
class Row:
    """One sequence while things are put into it.

    Attributes
    ----------
    letters : list of str
    element, rule : ndarray of int16, shape (length,)
        Number from 1 of what stands at each position, 0 for background.
    followed : list of int
        Numbers of the rules that were followed.
    """

    letters: list[str]
    element: NDArray[np.int16]
    rule: NDArray[np.int16]
    followed: list[int]


class Replay:
    """Draws rows one after the other.

    Parameters
    ----------
    grammar : Grammar
    seed : int
        For both generators.

    Raises
    ------
    EugeneError
        If elements are in two distances, which seqgra cannot do.
    """

    def __init__(self, grammar: Grammar, seed: int) -> None:
        self.grammar = grammar
        self.python = random.Random(seed)
        self.shuffler = Shuffler(self.python, seed) if grammar.shuffles else None
        self.numpy = np.random.RandomState(seed)
        self._letters = {
            (one.condition, one.set): _split(one.weights) for one in grammar.background
        }
        self._kmers = {e.id: _split(e.kmers) for e in grammar.elements if e.kmers}
        self._matrix = {e.id: [_split(p) for p in e.matrix] for e in grammar.elements if e.matrix}
        self._element = {e.id: i + 1 for i, e in enumerate(grammar.elements)}
        self._rule: dict[int, int] = {}
        for condition in grammar.conditions:
            for rule in condition.rules:
                self._rule[id(rule)] = len(self._rule) + 1
                named = [e for s in rule.spacing for e in (s.first, s.second)]
                if len(set(named)) < len(named):
                    raise EugeneError(
                        f"compat='seqgra': an element of {condition.id} is in two distances, at "
                        "which seqgra stops; leave compat out"
                    )

    def rows(self, name: str) -> tuple[list[tuple[str, ...]], list[Row]]:
        """Draw the rows of a set.

        Parameters
        ----------
        name : str
            Sets have to be drawn in the order of the grammar.

        Returns
        -------
        conditions : list of tuple of str
            Of each row.
        rows : list of Row
        """
        asked = [
            example.conditions
            for example in self.grammar.sets[name]
            for _ in range(example.samples)
        ]
        self.python.shuffle(asked)
        return asked, [self._row(list(conditions), name) for conditions in asked]

    def copies(self, rows: list[Row]) -> list[tuple[str, Row]]:
        """Draw the shuffled copies of a set, once the rows of all sets are drawn.

        Parameters
        ----------
        rows : list of Row
            Of the set.

        Returns
        -------
        list of tuple of (str, Row)
            Label and copy. A second shuffle copies the copies of the first, too.
        """
        there, made = list(rows), []
        for shuffle in self.grammar.shuffles:
            assert self.shuffler is not None
            for row in list(there):
                letters = list(self.shuffler.shuffled("".join(row.letters), shuffle.k))
                blank = np.zeros(len(letters), np.int16)
                there.append(Row(letters, blank, blank, []))
                made.append((shuffle.labels, there[-1]))
        return made

    def _row(self, conditions: list[str], name: str) -> Row:
        self.python.shuffle(conditions)
        low, high = self.grammar.min_length, self.grammar.max_length
        length = low if low == high else int(self.numpy.randint(low, high + 1))
        letters, chances = self._background(conditions[0] if conditions else None, name)
        row = Row(
            list(self.numpy.choice(letters, length, p=chances)),
            np.zeros(length, np.int16),
            np.zeros(length, np.int16),
            [],
        )
        for one in conditions:
            self._condition(self.grammar.condition_by_id[one], row)
        return row

    def _background(
        self, condition: str | None, name: str
    ) -> tuple[list[str], NDArray[np.float64]]:
        ranks: list[tuple[str | None, str | None]] = [(None, name), (None, None)]
        if condition is not None:
            ranks = [(condition, name), (None, name), (condition, None), (None, None)]
        for rank in ranks:
            if rank in self._letters:
                return self._letters[rank]
        listed = list(self._letters.values())
        return listed[self.numpy.randint(len(listed))]

    def _condition(self, condition: Condition, row: Row) -> None:
        if condition.mode == "sequential":
            for rule in condition.rules:
                if self.python.random() <= rule.probability:
                    self._follow(rule, row)
            return
        drawn, total = self.python.random(), 0.0
        for rule in condition.rules:
            total += rule.probability
            if total >= drawn:
                self._follow(rule, row)
                return

    def _follow(self, rule: Rule, row: Row) -> None:
        length, pending = len(row.letters), {e: self._drawn(e) for e in rule.elements}
        number = self._rule[id(rule)]
        row.followed.append(number)
        for spacing in rule.spacing:
            pair = [spacing.first, spacing.second]
            words = [pending[e] for e in pair]
            room = length - len(words[0]) - len(words[1])
            if isinstance(rule.position, int):
                room -= rule.position  # one letter too many
            gap = int(self.numpy.randint(spacing.min_distance, min(spacing.max_distance, room) + 1))
            if spacing.order == "random" and self.python.random() < 0.5:
                pair.reverse()
                words.reverse()
            at = self._placed(rule, length, len(words[0]) + gap + len(words[1]))
            self._write(row, at, words[0], pair[0], number)
            self._write(row, at + len(words[0]) + gap, words[1], pair[1], number)
            for name in pair:
                del pending[name]
        for name, word in pending.items():
            self._write(row, self._placed(rule, length, len(word)), word, name, number)

    def _drawn(self, element: str) -> str:
        if element in self._kmers:
            kmers, chances = self._kmers[element]
            return str(self.numpy.choice(kmers, p=chances))
        matrix = self._matrix[element]
        return "".join(self.numpy.choice(letters, p=chances) for letters, chances in matrix)

    def _placed(self, rule: Rule, length: int, width: int) -> int:
        if rule.position == "random":
            return int(self.numpy.randint(0, length - width + 1))
        return fixed_place(rule, length, width)

    def _write(self, row: Row, at: int, word: str, element: str, rule: int) -> None:
        row.letters[at : at + len(word)] = word
        row.element[at : at + len(word)] = self._element[element]
        row.rule[at : at + len(word)] = rule


def fixed_place(rule: Rule, length: int, width: int) -> int:
    """Return where a block of letters stands that is not placed at random, counted from 0.

    Examples
    --------
    >>> fixed_place(Rule(("a",), "center"), 11, 4), fixed_place(Rule(("a",), 65), 150, 4)
    (3, 64)
    """
    if isinstance(rule.position, int):
        return rule.position - 1
    return {"start": 0, "end": length - width, "center": int(length / 2 - width / 2)}[rule.position]


def _split(weights: Weights) -> tuple[list[str], NDArray[np.float64]]:
    chances = np.array([value for _, value in weights])
    return [word for word, _ in weights], chances / chances.sum()
