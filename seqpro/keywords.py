"""Keywords that many functions share: declared once, shown in the signature of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from seqpro.errors import did_you_mean

Function = TypeVar("Function", bound=Callable[..., object])


def keywords(defaults: Mapping[str, object]) -> Callable[[Function], Function]:
    """Show the keywords that a function takes in a `TypedDict` in its signature, with defaults.

    Parameters
    ----------
    defaults : mapping of str to object
        Keywords and what they are by default.

    Returns
    -------
    callable
        Takes the function, and returns it with the signature that `help` and editors show.

    Examples
    --------
    >>> @keywords({"size": 3})
    ... def f(x, **more): ...
    >>> inspect.signature(f)
    <Signature (x, *, size=3)>
    """

    def shown(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
            for name, value in defaults.items()
        ]
        function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return function

    return shown


def check_keywords(
    given: Iterable[str],
    known: Collection[str],
    *,
    beside: Iterable[str] = (),
    same: Mapping[str, str] | None = None,
) -> None:
    """Refuse keywords that a function does not take, as Python does.

    Parameters
    ----------
    given : iterable of str
        Keywords of a call.
    known : collection of str
        Those that there are.
    beside : iterable of str, optional
        Further arguments that the function takes, which may have been meant.
    same : mapping of str to str, optional
        What other programs call an argument -> its name here.

    Raises
    ------
    TypeError
        With a guess at what was meant.

    Examples
    --------
    >>> check_keywords(["siz"], ["size"])
    Traceback (most recent call last):
    ...
    TypeError: got an unexpected keyword argument 'siz'; did you mean 'size'?
    """
    for name in given:
        if name not in known:
            hint = did_you_mean(name, [*known, *beside], listed=0)
            if same and name in same:
                hint = f"; it is called {same[name]!r} here"
            raise TypeError(f"got an unexpected keyword argument {name!r}{hint}")
