"""What the definition of a model is made of: plain values that never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from eugene.models._operation_table import Value as Value

Settings: TypeAlias = "tuple[tuple[str, Value], ...]"
"""Names and values, in the order of the file."""


@dataclass(frozen=True)
class LabelPattern:
    """Labels that are numbered.

    Attributes
    ----------
    last : int
        The largest number.
    first : int
        The smallest.
    prefix, postfix : str
        What stands before and behind the number.
    """

    last: int
    first: int = 1
    prefix: str = ""
    postfix: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels.

        Examples
        --------
        >>> LabelPattern(3, prefix="c").names
        ('c1', 'c2', 'c3')
        """
        numbers = range(self.first, self.last + 1)
        return tuple(f"{self.prefix}{number}{self.postfix}" for number in numbers)


@dataclass(frozen=True)
class Operation:
    """A layer of a sequential network.

    Attributes
    ----------
    name : str
        A name of `eugene.models._operation_table.OPERATIONS`.
    arguments : tuple of (str, Value)
        What was said; the rest is as in Keras.
    """

    name: str
    arguments: Settings = ()

    @property
    def given(self) -> dict[str, Value]:
        """The arguments as a dict."""
        return dict(self.arguments)


@dataclass(frozen=True)
class External:
    """A network that stands elsewhere.

    Attributes
    ----------
    format : str
        ``pytorch-module``, ``data-definition``, or one of Keras' own.
    path : str
        The file, as the definition names it.
    classname : str
        Class of a PyTorch module.
    """

    format: str
    path: str
    classname: str = ""


@dataclass(frozen=True)
class Architecture:
    """The network: a list of operations, or one that stands elsewhere.

    Attributes
    ----------
    operations : tuple of Operation
    external : External, optional
    hyperparameters : tuple of (str, Value)
        seqgra has a place for them, and reads nothing there.
    """

    operations: tuple[Operation, ...] = ()
    external: External | None = None
    hyperparameters: Settings = ()


def plain(value: Value) -> object:
    """Return a value as it stands in YAML: lists instead of tuples."""
    return [plain(one) for one in value] if isinstance(value, tuple) else value
