"""The table of old names."""

from __future__ import annotations

import ast
import csv
import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seqpro.family._homes import HOMES

PAGE = "docs/switching/eugene.md"
"""Where the table can be read."""
SAME, NONE = "=", "-"


@dataclass(frozen=True)
class Old:
    """One name of EUGENe's.

    Attributes
    ----------
    name : str
        As it was imported, such as ``eugene.train.fit``.
    kind : str
        function, class, value or attribute.
    public : bool
        Whether its package showed it; others lay in private modules.
    signature : str
        Its arguments as EUGENe wrote them; empty for what is not called.
    here : str
        ``=`` where the name stands as it was, ``module:name`` of what answers to it, or ``-``
        where nothing does.
    say : str
        What to call instead, or what is to be known about it.
    """

    name: str
    kind: str
    public: bool
    signature: str
    here: str
    say: str

    @property
    def module(self) -> str:
        """The module that it was in."""
        return self.name.rpartition(".")[0]

    def message(self) -> str:
        """Return what is said to whom asks for a name that is not here.

        Examples
        --------
        >>> table()["eugene.train.hyperopt"].message()[:41]
        "EUGENe's eugene.train.hyperopt is not her"
        """
        return f"EUGENe's {self.name} is not here: {self.say}; see {PAGE}"


@functools.cache
def table() -> Mapping[str, Old]:
    """Return the old names.

    Returns
    -------
    mapping of str to Old
        By full name, in the order of the file.

    Examples
    --------
    >>> table()["seqdatasets.jores21"].here
    'seqdata.datasets._family:jores21'
    """
    with (Path(__file__).with_name("names.tsv")).open(encoding="utf8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        found = [Old(**{**row, "public": row["public"] == "yes"}) for row in rows]  # type: ignore[arg-type]
    return {old.name: old for old in found}


@functools.cache
def modules() -> frozenset[str]:
    """Return every module that an old name was in, and the packages above."""
    found = set()
    for module in [*(old.module for old in table().values()), *HOMES]:
        parts = module.split(".")
        found |= {".".join(parts[: i + 1]) for i in range(len(parts))}
    return frozenset(found)


def parameters_of(old: Old) -> list[inspect.Parameter]:
    """Return EUGENe's arguments; defaults that are no plain values are None.

    Parameters
    ----------
    old : Old
        A name.

    Returns
    -------
    list of inspect.Parameter

    Examples
    --------
    >>> [p.name for p in parameters_of(table()["seqexplainer.get_reference"])]
    ['inputs', 'method', 'kwargs']
    """
    if not old.signature:
        return []
    (function,) = ast.parse(f"def f({old.signature}): ...").body
    arguments = function.args  # type: ignore[attr-defined]
    kinds = inspect.Parameter
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[object] = [kinds.empty] * (len(plain) - len(arguments.defaults))
    defaults += [_value(node) for node in arguments.defaults]
    found = [
        kinds(a.arg, kinds.POSITIONAL_OR_KEYWORD, default=d)
        for a, d in zip(plain, defaults, strict=True)
    ]
    if arguments.vararg:
        found.append(kinds(arguments.vararg.arg, kinds.VAR_POSITIONAL))
    for a, node in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        default = kinds.empty if node is None else _value(node)
        found.append(kinds(a.arg, kinds.KEYWORD_ONLY, default=default))
    if arguments.kwarg:
        found.append(kinds(arguments.kwarg.arg, kinds.VAR_KEYWORD))
    return found


def _value(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
