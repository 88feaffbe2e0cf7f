"""Where a search may look for a value: what ``{search: NAME, ...}`` in a file stands for."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from eugene.config.marks import Least

_MOST_POINTS = 10_000
Faults = Iterator[tuple[str, str]]
"""What is wrong: the key of the entry, and the message."""


class Domain(ABC):
    """Values that a search may try in one place."""

    @abstractmethod
    def faults(self) -> Faults:
        """Yield what is wrong with the arguments together: key and message."""

    @abstractmethod
    def probes(self) -> list[object]:
        """Return values such that, if each of them is legal in a place, all are."""

    @abstractmethod
    def points(self) -> list[object] | None:
        """Return every value; None where there is no end of them."""


class Range(Domain):
    """Numbers between two ends, both of which can be drawn.

    Attributes
    ----------
    low, high : float
        The ends.
    log : bool
        Whether each order of magnitude is as likely as another.
    whole : bool
        Whether the numbers are whole.
    """

    low: float
    high: float
    log = False
    whole = False

    @property
    def step(self) -> float:
        """Distance of values from each other; 0 where any number will do."""
        return 0.0

    def faults(self) -> Faults:
        """Yield what is wrong with the ends."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            yield "low", f"expected finite ends, got {self.low} and {self.high}"
        elif not self.low < self.high:
            yield "high", f"is {self.high}, expected more than low, which is {self.low}"
        elif self.log and self.low <= 0:
            yield "low", f"is {self.low}, expected more than 0 on a logarithmic scale"
        elif self.step:
            steps = (self.high - self.low) / self.step
            if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
                message = f"{self.high} is no whole number of steps of {self.step} above {self.low}"
                yield "high", message

    def probes(self) -> list[object]:
        """Return the ends, with a point where numbers are not whole."""
        if self.whole:
            return [int(self.low), int(self.high)]
        return [float(self.low), float(self.high)]

    def points(self) -> list[object] | None:
        """Return every step from low to high."""
        if not self.step or (count := round((self.high - self.low) / self.step)) > _MOST_POINTS:
            return None
        return [self.at(i) for i in range(count + 1)]

    def at(self, index: int) -> float:
        """Return the value that is so many steps above low, as one would write it."""
        value = self.low + index * self.step
        return value if self.whole else float(f"{value:.12g}")


@dataclass(frozen=True)
class Uniform(Range):
    """Any number between low and high, each as likely as another.

    Attributes
    ----------
    low, high : float
        The ends.

    Examples
    --------
    >>> Uniform(0, 0.5).probes(), Uniform(0, 0.5).points()
    ([0.0, 0.5], None)
    """

    low: float
    high: float


@dataclass(frozen=True)
class LogUniform(Range):
    """Any number between low and high, each order of magnitude as likely as another.

    Attributes
    ----------
    low, high : float
        The ends, above 0.

    Examples
    --------
    >>> list(LogUniform(0, 1).faults())
    [('low', 'is 0, expected more than 0 on a logarithmic scale')]
    """

    low: float
    high: float
    log = True


@dataclass(frozen=True)
class QUniform(Range):
    """Numbers from low to high in equal steps.

    Attributes
    ----------
    low, high : float
        The ends; high is a whole number of steps above low.
    q : float
        The step.

    Examples
    --------
    >>> QUniform(0.0, 0.5, 0.25).points()
    [0.0, 0.25, 0.5]
    """

    low: float
    high: float
    q: float

    @property
    def step(self) -> float:
        """The step."""
        return self.q

    def faults(self) -> Faults:
        """Yield what is wrong with ends and step."""
        if not self.q > 0:
            yield "q", f"is {self.q}, expected more than 0"
        else:
            yield from super().faults()


@dataclass(frozen=True)
class Int(Range):
    """Whole numbers from low to high, both included.

    Attributes
    ----------
    low, high : int
        The ends; high is a whole number of steps above low.
    q : int
        The step.

    Examples
    --------
    >>> Int(1, 5, q=2).points()
    [1, 3, 5]
    """

    low: int
    high: int
    q: Annotated[int, Least(1)] = 1
    whole = True

    @property
    def step(self) -> int:
        """The step."""
        return self.q


@dataclass(frozen=True)
class LogInt(Range):
    """Whole numbers from low to high, each order of magnitude as likely as another.

    Attributes
    ----------
    low, high : int
        The ends, above 0.

    Examples
    --------
    >>> LogInt(1, 3).points()
    [1, 2, 3]
    """

    low: int
    high: int
    log = True
    whole = True

    def points(self) -> list[object] | None:
        """Return every whole number from low to high."""
        if self.high - self.low > _MOST_POINTS:
            return None
        return list(range(self.low, self.high + 1))


class Listed(Domain):
    """Values that are written down one by one.

    Attributes
    ----------
    values : list
        Anything that may stand in the place: numbers, words, lists, mappings.
    """

    values: list[object]
    every = False

    def faults(self) -> Faults:
        """Yield what is wrong with the list."""
        if not self.values:
            yield "values", "expected at least one value, got none"
        for index, value in enumerate(self.values):
            if any(value == other and type(value) is type(other) for other in self.values[:index]):
                yield "values", f"{value!r} is there twice"

    def probes(self) -> list[object]:
        """Return all of them."""
        return list(self.values)

    def points(self) -> list[object] | None:
        """Return all of them."""
        return list(self.values)


@dataclass(frozen=True)
class Choice(Listed):
    """One of some values, each as likely as another.

    Attributes
    ----------
    values : list
        Anything that may stand in the place: numbers, words, lists, mappings.

    Examples
    --------
    >>> Choice(["adam", "sgd"]).points()
    ['adam', 'sgd']
    """

    values: list[object]


@dataclass(frozen=True)
class Grid(Listed):
    """Every one of some values, in turn.

    Attributes
    ----------
    values : list
        Anything that may stand in the place: numbers, words, lists, mappings.

    Examples
    --------
    >>> list(Grid([1, 1]).faults())
    [('values', '1 is there twice')]
    """

    values: list[object]
    every = True
