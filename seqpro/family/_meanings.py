"""What names mean otherwise than they did, and how to have the old meaning back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType

from seqpro.errors import SeqproError, did_you_mean
from seqpro.family._table import PAGE

VARIABLE = "EUGENE_AS_IT_WAS"
"""Environment variable of the old meanings that are on, separated by commas; or ``all``."""
MEANINGS: Mapping[str, str] = {
    "lower_case": "letters in lower case are none of the alphabet: seqpro.ohe makes zeros of them",
    "one_draw": "seqpro.transforms.Random draws once for all rows of a call, and calls its "
    "transforms as they are",
    "objects": "what seqdata opens holds sequences and tracks of any length as arrays of Python "
    "objects, in memory",
    "polars": "seqdata.read_bedlike returns a polars table, with summits as they stand in the file",
}
"""The old meanings that can be had, and what they are."""


def meanings_on() -> frozenset[str]:
    """Return the old meanings that are on, of `MEANINGS`.

    Raises
    ------
    SeqproError
        If the environment variable ``EUGENE_AS_IT_WAS`` names what there is not.
    """
    said = os.environ.get(VARIABLE, "")
    names = {name.strip() for name in said.split(",") if name.strip()}
    if names == {"all"}:
        return frozenset(MEANINGS)
    _check(names, f"The environment variable {VARIABLE}")
    return frozenset(names)


def _check(names: set[str], where: str) -> None:
    for name in sorted(names - set(MEANINGS)):
        hint = did_you_mean(name, [*MEANINGS, "all"])
        raise SeqproError(f"{where}: {name!r} is no meaning that can be had.{hint} See {PAGE}")


def meant(name: str) -> bool:
    """Tell whether an old meaning is on.

    Parameters
    ----------
    name : str
        One of `MEANINGS`.

    Raises
    ------
    SeqproError
        If the environment variable ``EUGENE_AS_IT_WAS`` names what there is not.
    """
    return VARIABLE in os.environ and name in meanings_on()


class OldMeanings:
    """Old meanings that were put on; a context, at whose end they are off again.

    Parameters
    ----------
    names : sequence of str
        Of `MEANINGS`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._before = os.environ.get(VARIABLE)
        self.names = sorted(meanings_on() | set(names))
        os.environ[VARIABLE] = ",".join(self.names)

    def __repr__(self) -> str:
        lines = [f"{name}: {MEANINGS[name]}" for name in self.names]
        return "As it was, until end() is called:\n" + "\n".join(lines)

    def end(self) -> None:
        """Let names mean what they meant before."""
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before

    def __enter__(self) -> OldMeanings:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


def as_it_was(*names: str) -> OldMeanings:
    """Let names mean what they meant, from here on; or in a ``with`` block alone.

    Where a name of EUGENe's or SeqPro's means otherwise here, ours is what we hold to be right.
    This is for numbers that were published: what is on is on for everything in this process and
    in those that it starts, our own steps included. The environment variable
    ``EUGENE_AS_IT_WAS`` does the same without a line of code.

    Parameters
    ----------
    *names : str
        Of `MEANINGS`; all by default.

    Returns
    -------
    OldMeanings
        Shows what is on; ``end()`` puts it off.

    Raises
    ------
    SeqproError
        If there is no such meaning.

    Examples
    --------
    >>> import seqpro as sp
    >>> with as_it_was("lower_case"):
    ...     sp.DNA.ohe("Aa").tolist()
    [[1, 0, 0, 0], [0, 0, 0, 0]]
    >>> sp.DNA.ohe("Aa").tolist()
    [[1, 0, 0, 0], [1, 0, 0, 0]]
    """
    _check(set(names), "as_it_was")
    return OldMeanings(names or tuple(MEANINGS))
