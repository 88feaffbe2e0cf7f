"""Calls as EUGENe's notebooks make them: old names are understood, the rest is refused by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from eugene.errors import EugeneError, did_you_mean

F = TypeVar("F", bound=Callable[..., Any])
Judge = Callable[[Any], "str | None"]


def anything(value: object) -> None:
    """Accept an argument that decides nothing here."""


def only(*values: object) -> Judge:
    """Accept values that ask for what is done anyway."""

    def judge(value: object) -> str | None:
        if any(value is v or (type(value) is type(v) and value == v) for v in values):
            return None
        return f"it can only be {' or '.join(map(repr, values))} here"

    return judge


def only_turns(transforms: object) -> str | None:
    """Accept EUGENe's ``{"ohe_seq": lambda x: x.swapaxes(1, 2)}``: axes are read by their names.

    Examples
    --------
    >>> only_turns({"ohe_seq": lambda x: x.swapaxes(1, 2)})
    >>> only_turns({"target": lambda y: y * 2})
    "'target' does more than turn axes: change the variable of the dataset instead"
    """
    import torch

    if transforms is None:
        return None
    if not isinstance(transforms, Mapping):
        return f"a dict of functions was expected, got {type(transforms).__name__}"
    probe = torch.arange(40.0).reshape(2, 5, 4)
    for name, transform in transforms.items():
        try:
            found = torch.as_tensor(transform(probe.clone()))
        except Exception as error:
            return f"{name!r} fails on an array of (2, 5, 4): {error}"
        same = found.dtype == probe.dtype
        if not same or not (torch.equal(found, probe) or torch.equal(found, probe.swapaxes(1, 2))):
            return f"{name!r} does more than turn axes: change the variable of the dataset instead"
    return None


def eugene_call(
    *,
    same: Mapping[str, str] | None = None,
    unheard: Mapping[str, Judge] | None = None,
    translate: Callable[[dict[str, object], list[str]], dict[str, object]] | None = None,
    more: Callable[[], Iterable[str]] | None = None,
) -> Callable[[F], F]:
    """Let a function take the arguments that EUGENe's of the same name took.

    Parameters
    ----------
    same : mapping, optional
        EUGENe's names, and ours.
    unheard : mapping, optional
        EUGENe's arguments that change nothing here, and what judges their value: None, or why
        it cannot be.
    translate : callable, optional
        Turns keyword arguments into those that the function takes, whose names it is given.
    more : callable, optional
        Names that ``**kwargs`` of the function may hold.

    Returns
    -------
    callable
        The decorator. Wrong calls raise `EugeneError` with the function's own arguments.
    """
    old, judged = dict(same or {}), dict(unheard or {})

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        name = function.__name__
        own = [
            p.name
            for p in signature.parameters.values()
            if p.kind is not p.VAR_KEYWORD and p.name != "self"
        ]

        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            rename(name, kwargs, old)
            for key in [k for k in kwargs if k in judged and k not in own]:
                wrong = judged[key](kwargs.pop(key))
                if wrong:
                    raise EugeneError(f"{name}: {key}: {wrong}")
            known = [*own, *(more() if more else ())]
            if translate is not None:
                kwargs = translate(kwargs, known)
            check_call(name, signature, args, kwargs, known)
            return function(*args, **kwargs)

        return cast("F", call)

    return decorate


def rename(function: str, kwargs: dict[str, object], same: Mapping[str, str]) -> None:
    """Put arguments under our names, in place.

    Parameters
    ----------
    function : str
        Its name, for messages.
    kwargs : dict
        Arguments of a call.
    same : mapping
        EUGENe's names, and ours.

    Raises
    ------
    EugeneError
        If an argument is given under both names.
    """
    for key in [k for k in kwargs if k in same]:
        if same[key] in kwargs:
            raise EugeneError(f"{function}: {key} and {same[key]} are one argument: give one")
        kwargs[same[key]] = kwargs.pop(key)


def check_call(
    name: str,
    signature: inspect.Signature,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    known: Iterable[str],
    *,
    further: Collection[str] = (),
    whose: str = "",
) -> None:
    """Raise where a call cannot be, with the arguments that there are.

    Parameters
    ----------
    name : str
        Name of the function.
    signature : inspect.Signature
        Its signature.
    args, kwargs
        The call.
    known : iterable of str
        Names of arguments.
    further : collection of str, optional
        Names that are handed on to something else.
    whose : str, optional
        Names of what takes those.

    Raises
    ------
    EugeneError
        If an argument is unknown, lacking or given twice.
    """
    listed = list(known)
    there = f" (its arguments: {', '.join(listed)}{whose and f', and those of {whose}'})"
    for key in kwargs:
        if key not in listed and key not in further:
            near = did_you_mean(key, listed, listed=0)
            raise EugeneError(f"{name} has no argument {key!r}{there}{near}")
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise EugeneError(f"{name}: {error}{there}") from None
