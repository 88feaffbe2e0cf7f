"""Calls as EUGENe's notebooks make them: old arguments are understood, the rest is refused."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from seqpro.errors import SeqproError, did_you_mean
from seqpro.family._table import PAGE, parameters_of, table

F = TypeVar("F", bound=Callable[..., Any])
_MANY = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
Judge = Callable[[Any], "str | None"]
Translate = Callable[[dict[str, object], list[str]], dict[str, object]]
Pick = Callable[[object, Mapping[str, object], object], object]


def anything(value: object) -> None:
    """Accept an argument that decides nothing here."""


def only(*values: object) -> Judge:
    """Accept values that ask for what is done anyway."""

    def judge(value: object) -> str | None:
        if any(value is v or (type(value) is type(v) and value == v) for v in values):
            return None
        return f"it can only be {' or '.join(map(repr, values))} here"

    return judge


@dataclass(frozen=True)
class Accepted:
    """What a function makes of EUGENe's arguments.

    Attributes
    ----------
    of : tuple of str
        EUGENe's functions, as the table names them.
    same : mapping
        EUGENe's names of arguments, and ours.
    unheard : mapping
        EUGENe's arguments that change nothing here, and what judges their value.
    turned : mapping
        EUGENe's arguments that are translated, and into what, in words.
    refused : mapping
        EUGENe's arguments that cannot be, and what to write instead.
    returned : mapping
        EUGENe's arguments that say what is returned, and what makes that of our result, of the
        arguments and of the value.
    ours_first : bool
        Whether what takes either name is shown under ours.
    """

    of: tuple[str, ...]
    same: Mapping[str, str] = field(default_factory=dict)
    unheard: Mapping[str, Judge] = field(default_factory=dict)
    turned: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    returned: Mapping[str, Pick] = field(default_factory=dict)
    ours_first: bool = False

    def parameters(self) -> dict[str, inspect.Parameter]:
        """Return EUGENe's arguments of the first of the functions, in EUGENe's order."""
        return {p.name: p for p in parameters_of(table()[self.of[0]])} if self.of else {}

    def placed(
        self,
        name: str,
        places: Sequence[str] | None,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        error: type[Exception],
    ) -> tuple[object, ...]:
        """Return the arguments that stand at our places; EUGENe's further ones become keywords.

        Parameters
        ----------
        name : str
            Name of the function.
        places : sequence of str or None
            Our arguments that may be given by their place; None where any number may.
        args, kwargs
            The call; further arguments are put into ``kwargs``.
        error : type
            What is raised if an argument is given twice.
        """
        if places is None or len(args) <= len(places) or not self.of:
            return args
        old = [p.name for p in self.parameters().values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        further = ["self", *old] if places[:1] == ["self"] else old
        further = further[len(places) :]
        for key, value in zip(further, args[len(places) :], strict=False):
            if key in kwargs:
                raise error(f"{name}: multiple values for {key}: by its place and by name")
            kwargs[key] = value
        return args[: len(places)] + args[len(places) + len(further) :]

    def judge(
        self, name: str, own: Collection[str], kwargs: dict[str, object], error: type[Exception]
    ) -> None:
        """Put arguments under our names, and drop those that change nothing, in place.

        Parameters
        ----------
        name : str
            Name of the function.
        own : collection of str
            Its own arguments.
        kwargs : dict
            The call.
        error : type
            What is raised if an argument cannot be, or not as it is.
        """
        rename(name, kwargs, self.same, error=error)
        for key in [k for k in kwargs if k in self.unheard and k not in own]:
            wrong = self.unheard[key](kwargs.pop(key))
            if wrong:
                raise error(f"{name}: {key}: {wrong}; see {PAGE}")
        for key in [k for k in kwargs if k in self.refused and k not in own]:
            value, default = kwargs.pop(key), self.parameters()[key].default
            if value is not default and not (type(value) is type(default) and value == default):
                raise error(f"{name}: {key}={value!r}: {self.refused[key]}; see {PAGE}")

    def show(self, call: Callable[..., object], parameters: list[inspect.Parameter]) -> None:
        """Let a function say what it accepts, to `help` and to the page.

        Parameters
        ----------
        call : callable
            The function that understands EUGENe's arguments.
        parameters : list of inspect.Parameter
            Those of our own.
        """
        call.__eugene__ = self  # type: ignore[attr-defined]
        if self.of:
            shown = inspect.Signature(_shown(parameters, self))
            call.__signature__ = shown  # type: ignore[attr-defined]


def places_of(parameters: Iterable[inspect.Parameter]) -> list[str] | None:
    """Return the arguments that may be given by their place; None where any number may."""
    listed = list(parameters)
    if any(p.kind is p.VAR_POSITIONAL for p in listed):
        return None
    return [p.name for p in listed if p.kind is p.POSITIONAL_OR_KEYWORD]


def old_call(
    *of: str,
    same: Mapping[str, str] | None = None,
    unheard: Mapping[str, Judge] | None = None,
    turned: Mapping[str, str] | None = None,
    refused: Mapping[str, str] | None = None,
    returned: Mapping[str, Pick] | None = None,
    translate: Translate | None = None,
    more: Callable[[], Iterable[str]] | None = None,
    ours_first: bool = False,
    shown: bool = True,
    error: type[Exception] = SeqproError,
) -> Callable[[F], F]:
    """Let a function take the arguments that EUGENe's of the same name took.

    Parameters
    ----------
    *of : str
        EUGENe's functions in the table of old names; the order of their arguments by position
        is understood where ours ends.
    same : mapping, optional
        EUGENe's names, and ours.
    unheard : mapping, optional
        EUGENe's arguments that change nothing here, and what judges their value: None, or why
        it cannot be.
    turned : mapping, optional
        EUGENe's arguments that ``translate`` takes, and what they become, in words.
    refused : mapping, optional
        EUGENe's arguments that cannot be, and what to write instead. A value that is EUGENe's
        own default is taken, since it asks for nothing.
    returned : mapping, optional
        EUGENe's arguments that say what is returned, and what makes that of our result, of the
        arguments by our names, and of the value.
    translate : callable, optional
        Turns keyword arguments into those that the function takes, whose names it is given.
    more : callable, optional
        Names that ``**kwargs`` of the function may hold.
    ours_first : bool
        Whether `help` shows our names first where an argument has two.
    shown : bool
        Whether `help` shows EUGENe's arguments at all.
    error : type
        What wrong calls raise, with the function's own arguments.

    Returns
    -------
    callable
        The decorator. The signature that `help` shows has EUGENe's arguments as well, which is
        why ``inspect.signature`` tells what can be called.
    """
    accepted = Accepted(
        of,
        dict(same or {}),
        dict(unheard or {}),
        dict(turned or {}),
        dict(refused or {}),
        dict(returned or {}),
        ours_first,
    )

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        own = [p.name for p in parameters if p.kind not in _MANY and p.name != "self"]
        name = function.__name__
        if name == "__init__":
            name = function.__qualname__.split(".")[-2]
        places = places_of(parameters)
        takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters)

        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            args = accepted.placed(name, places, args, kwargs, error)
            picks = {key: kwargs.pop(key) for key in accepted.returned if key in kwargs}
            accepted.judge(name, own, kwargs, error)
            known = [*own, *(more() if more else ())]
            if translate is not None and places is not None:
                method = places[:1] == ["self"]
                for key, value in zip(places[method:], args[method:], strict=False):
                    if key in kwargs:
                        raise error(f"{name}: multiple values for {key}: by its place and by name")
                    kwargs[key] = value
                args = args[:method]
                kwargs = translate(kwargs, known)
            further = () if more or not takes_more else tuple(kwargs)
            page = PAGE if accepted.of else ""
            check_call(
                name, signature, args, kwargs, known, further=further, page=page, error=error
            )
            for key, value in {**dict(zip(places or (), args, strict=False)), **kwargs}.items():
                if key.endswith("_kwargs") and not isinstance(value, Mapping | None):
                    raise error(f"{name}: {key}: a mapping was expected, got {value!r}")
            result = function(*args, **kwargs)
            for key, value in picks.items():
                given = signature.bind(*args, **kwargs).arguments
                result = accepted.returned[key](result, given, value)
            return result

        if shown:
            accepted.show(call, parameters)
        return cast("F", call)

    return decorate


def old_places(
    *of: str, same: Mapping[str, str] | None = None, error: type[Exception] = SeqproError
) -> Callable[[F], F]:
    """Let a function that judges its keywords itself take EUGENe's further arguments by place.

    Parameters
    ----------
    *of : str
        EUGENe's functions in the table of old names.
    same : mapping, optional
        EUGENe's names, and ours, for `help`.
    error : type
        What is raised where an argument is given twice.

    Returns
    -------
    callable
        The decorator.
    """
    accepted = Accepted(of, dict(same or {}))

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters.values())
        places, name = places_of(parameters), function.__name__

        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            placed = accepted.placed(name, places, args, kwargs, error)
            return function(*placed, **kwargs)

        accepted.show(call, parameters)
        return cast("F", call)

    return decorate


def _shown(parameters: list[inspect.Parameter], accepted: Accepted) -> list[inspect.Parameter]:
    """Return our parameters with EUGENe's among them, at EUGENe's places where ours agree."""
    kinds = inspect.Parameter
    ours = {p.name: p for p in parameters}
    first = [p for p in parameters if p.name == "self"]
    many = [p for p in parameters if p.kind is p.VAR_POSITIONAL]
    placed = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    merged: dict[str, inspect.Parameter] = {}
    for i, old in enumerate(p for p in accepted.parameters().values() if p.kind not in _MANY):
        there = placed[i] if i < len(placed) else None
        same = accepted.same.get(old.name, old.name)
        by_place = old.kind is old.POSITIONAL_OR_KEYWORD and (there is None or there.name == same)
        kind = kinds.POSITIONAL_OR_KEYWORD if by_place and not many else kinds.KEYWORD_ONLY
        if there is not None and not by_place:
            merged.setdefault(there.name, there)
        own = ours.get(old.name)
        if accepted.ours_first and there is not None and there.name == same != old.name:
            merged.setdefault(same, there)
            kind = kinds.KEYWORD_ONLY
        shown = own.replace(kind=kind) if own is not None else old.replace(kind=kind)
        if own is None and same in ours:  # either name will do
            default = ours[same].default
            shown = shown.replace(default=None if default is kinds.empty else default)
        merged[old.name] = shown
    for p in parameters:
        if p.name not in merged and p.kind not in _MANY and p.name != "self":
            late = p.kind is p.POSITIONAL_OR_KEYWORD
            other = p.name in accepted.same.values()
            p = p.replace(default=None) if other and p.default is kinds.empty else p
            merged[p.name] = p.replace(kind=kinds.KEYWORD_ONLY) if late else p
    placed = [p for p in merged.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    optional = False
    for i, p in enumerate(placed):
        optional = optional or p.default is not kinds.empty
        if optional and p.default is kinds.empty:
            placed[i] = p.replace(default=None)
    named = [p for p in merged.values() if p.kind is p.KEYWORD_ONLY]
    last = [p for p in parameters if p.kind is p.VAR_KEYWORD]
    return [*first, *placed, *many, *named, *last]


def rename(
    function: str,
    kwargs: dict[str, object],
    same: Mapping[str, str],
    *,
    error: type[Exception] = SeqproError,
) -> None:
    """Put arguments under our names, in place.

    Parameters
    ----------
    function : str
        Its name, for messages.
    kwargs : dict
        Arguments of a call.
    same : mapping
        EUGENe's names, and ours.
    error : type
        What is raised if an argument is given under both names.
    """
    for key in [k for k in kwargs if k in same]:
        if same[key] in kwargs:
            raise error(f"{function}: {key} and {same[key]} are one argument: give one")
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
    page: str = "",
    error: type[Exception] = SeqproError,
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
    page : str, optional
        Where other names of the arguments are listed.
    error : type
        What is raised if an argument is unknown, lacking or given twice.
    """
    listed = list(known)
    there = f" (its arguments: {', '.join(listed)}{whose and f', and those of {whose}'})"
    for key in kwargs:
        if key not in listed and key not in further:
            near = did_you_mean(key, listed, listed=0)
            told = page and f"; EUGENe's arguments are listed in {page}"
            raise error(f"{name} has no argument {key!r}{there}{near}{told}")
    try:
        signature.bind(*args, **kwargs)
    except TypeError as wrong:
        raise error(f"{name}: {wrong}{there}") from None
