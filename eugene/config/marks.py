"""What an annotation says of an argument beyond its type, for keys of a YAML file.

They stand in ``Annotated`` beside the type, in the signature of the function or class itself,
and are read from its source: ``n: Annotated[int, Least(1)] = 10``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Least:
    """The smallest value that a number may have.

    Examples
    --------
    >>> Least(1).value
    1
    """

    value: float


@dataclass(frozen=True)
class Names:
    """Words that are looked up in a registry, alone or in a list.

    Attributes
    ----------
    kind : str
        What `eugene.config.registries.registry` finds it by.

    Examples
    --------
    >>> Names("losses").kind
    'losses'
    """

    kind: str


@dataclass(frozen=True)
class OneOf:
    """Words that something outside this package knows; values that are no text are left to it.

    Attributes
    ----------
    kind : str
        What the words name, for messages.
    words : str
        The words, with spaces between them.

    Examples
    --------
    >>> OneOf("accelerator", "auto cpu").choices
    ('auto', 'cpu')
    """

    kind: str
    words: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The words one by one."""
        return tuple(self.words.split())


@dataclass(frozen=True)
class ArgumentsOf:
    """A mapping that is handed on as the keyword arguments of something.

    Attributes
    ----------
    target : str
        ``"module:name"`` of what takes them, or the argument beside this one that names it.

    Examples
    --------
    >>> ArgumentsOf("eugene.nn:DenseBlock").target
    'eugene.nn:DenseBlock'
    """

    target: str


Mark = Least | Names | OneOf | ArgumentsOf
MARKS: dict[str, type[Mark]] = {kind.__name__: kind for kind in (Least, Names, OneOf, ArgumentsOf)}
