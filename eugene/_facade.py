"""Packages whose names are loaded when they are first used, and listed once."""

from __future__ import annotations

from collections.abc import Callable

from eugene.errors import no_attribute
from seqpro.lazy import lazy_names


def facade(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` as `seqpro.lazy.lazy_names` makes them.

    Parameters
    ----------
    package : str
        Its ``__name__``.

    Returns
    -------
    getattr : callable
        From a name to the object; AttributeError with a guess where there is none.
    dir : callable
        All names.

    Examples
    --------
    >>> import eugene.train
    >>> load, names = facade("eugene.train")
    >>> "fit" in names(), load("read_checkpoint").__module__
    (True, 'eugene.models._weights')
    """
    return lazy_names(package, lambda name, known: no_attribute(package, name, known))
