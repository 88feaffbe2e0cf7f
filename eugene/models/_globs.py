"""Globs over the names of parts and tensors of a network."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from eugene.errors import EugeneError, did_you_mean


def matching(globs: Iterable[str], names: Iterable[str], what: str) -> list[str]:
    """Return the names that any of some globs matches, in their order.

    Parameters
    ----------
    globs : iterable of str
        ``*`` and ``?`` as in file names, ``*`` also across dots; a glob that matches the name of
        a part matches everything in it.
    names : iterable of str
        What there is.
    what : str
        Where the globs were given, for the message.

    Returns
    -------
    list of str
        The names.

    Raises
    ------
    EugeneError
        If a glob matches nothing.

    Examples
    --------
    >>> matching(["trunk", "*.bias"], ["trunk.0.weight", "head.weight", "head.bias"], "freeze")
    ['trunk.0.weight', 'head.bias']
    """
    names = list(names)
    found: set[str] = set()
    for glob in globs:
        hits = [name for name in names if _hits(glob, name)]
        if not hits:
            parts = dict.fromkeys(part for name in names for part in parts_of(name))
            hint = did_you_mean(glob.rstrip(".*"), parts)
            raise EugeneError(f"{what}: {glob!r} matches no parameter of the network{hint}")
        found.update(hits)
    return [name for name in names if name in found]


def parts_of(name: str) -> list[str]:
    """Return the names of what a tensor lies in, from the outermost to itself."""
    pieces = name.split(".")
    return [".".join(pieces[:n]) for n in range(1, len(pieces) + 1)]


def _hits(glob: str, name: str) -> bool:
    return any(fnmatch.fnmatchcase(part, glob) for part in parts_of(name))
