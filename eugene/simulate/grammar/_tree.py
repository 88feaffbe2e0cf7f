"""What a grammar is made of: plain values that never change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eugene.config._reader import Plain as Plain

Task: TypeAlias = Literal["multi-class", "multi-label", "regression"]
Mode: TypeAlias = Literal["sequential", "mutually exclusive"]
Order: TypeAlias = Literal["random", "in-order"]
Place: TypeAlias = "Literal['random', 'start', 'center', 'end'] | int"
Weights: TypeAlias = tuple[tuple[str, float], ...]

SETS = ("training", "validation", "test")
"""Names of the three sets, in the order of a file."""


@dataclass(frozen=True)
class Letters:
    """How often letters are in the background.

    Attributes
    ----------
    weights : tuple of (str, float)
        Letters and their probabilities; they are scaled to a sum of 1.
    condition : str, optional
        Condition of the rows that it is for; None for all.
    set : str, optional
        Set of the rows that it is for; None for all.
    """

    weights: Weights
    condition: str | None = None
    set: str | None = None


@dataclass(frozen=True)
class Element:
    """A motif: k-mers with probabilities, or a probability of each letter at each position.

    Attributes
    ----------
    id : str
    kmers : tuple of (str, float)
        K-mers of one length; empty for a matrix.
    matrix : tuple of tuple of (str, float)
        A tuple of letters and probabilities for each position; empty for k-mers.
    """

    id: str
    kmers: Weights = ()
    matrix: tuple[Weights, ...] = ()

    @property
    def width(self) -> int:
        """Length in letters."""
        return len(self.kmers[0][0]) if self.kmers else len(self.matrix)

    def letters(self) -> Iterator[str]:
        """Yield the letters that may be in it."""
        for kmer, _ in self.kmers:
            yield from kmer
        for position in self.matrix:
            yield from (letter for letter, _ in position)


@dataclass(frozen=True)
class Spacing:
    """How far two elements of a rule are apart.

    Attributes
    ----------
    first, second : str
        Ids of the elements.
    min_distance, max_distance : int
        Letters between the end of one and the start of the other, both included.
    order : {"random", "in-order"}
        Whether either may come first.
    """

    first: str
    second: str
    min_distance: int
    max_distance: int
    order: Order = "random"


@dataclass(frozen=True)
class Rule:
    """Elements that a sequence gets together.

    Attributes
    ----------
    elements : tuple of str
        Ids.
    position : {"random", "start", "center", "end"} or int
        Where they stand; a number is that of the first letter, counted from 1.
    probability : float
        Chance that the rule is followed, above 0 and at most 1.
    spacing : tuple of Spacing
        Elements that are not in one are placed each by itself.
    effect : float
        In regression, what following the rule does to the value.
    """

    elements: tuple[str, ...]
    position: Place = "random"
    probability: float = 1.0
    spacing: tuple[Spacing, ...] = ()
    effect: float = 0.0


@dataclass(frozen=True)
class Condition:
    """A class or label, and the rules that its sequences follow.

    Attributes
    ----------
    id : str
    rules : tuple of Rule
    label, description : str
        For people.
    mode : {"sequential", "mutually exclusive"}
        Whether each rule is drawn for by itself, or at most one of them is followed.
    """

    id: str
    rules: tuple[Rule, ...]
    label: str = ""
    description: str = ""
    mode: Mode = "sequential"


@dataclass(frozen=True)
class Example:
    """Rows of a set that have the same conditions.

    Attributes
    ----------
    samples : int
        Number of rows.
    conditions : tuple of str
        Ids; none for background alone.
    """

    samples: int
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shuffle:
    """A shuffled copy of every row, appended to its set.

    Attributes
    ----------
    labels : str
        What the copies are labelled: ids joined by ``|``, or nothing.
    k : int
        Counts of words of so many letters stay.
    """

    labels: str = ""
    k: int = 1


@dataclass(frozen=True)
class Response:
    """How the value of a row follows from its rules, in regression.

    Attributes
    ----------
    combine : {"additive", "multiplicative"}
        Whether effects are added to the base, or the base is multiplied by them.
    base : float
        Value of a row that follows no rule.
    noise : float
        Standard deviation of normal noise that is added.
    """

    combine: Literal["additive", "multiplicative"] = "additive"
    base: float = 0.0
    noise: float = 0.0


ALPHABETS = {"DNA": "ACGT", "RNA": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}
"""Letters of each kind of sequence."""
