"""One lazy registry for everything that a string can name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from eugene.config._source import Parameter, Signature, read_signature
from eugene.errors import EugeneError, did_you_mean


class UnknownNameError(EugeneError, KeyError):
    """A name is not in a registry."""

    def __str__(self) -> str:
        return str(self.args[0])


class Registry(Mapping[str, str]):
    """Names and where the things they stand for can be imported from.

    Nothing is imported before `get` is called; `signature` reads the source text.

    Parameters
    ----------
    kind : str
        What the things are, for messages: ``"model"``.
    entries : mapping of str to str
        Name -> ``"module:attribute"``.
    aliases : mapping of str to str, optional
        Other names under which a thing is also found.
    supplied : iterable of str, optional
        Arguments that the program always gives and a file never may.
    filled : iterable of str, optional
        Arguments that the program fills in when a file leaves them out.
    defaults : mapping of str to mapping, optional
        Values of arguments that are other than the thing's own, by its name.

    Examples
    --------
    >>> shapes = Registry("counter", {"counter": "collections:Counter"})
    >>> shapes.get("counter")("aab")["a"]
    2
    >>> shapes.get("countr")
    Traceback (most recent call last):
    ...
    eugene.config._registry.UnknownNameError: no counter is called 'countr'; did you mean 'counter'?
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, str],
        *,
        aliases: Mapping[str, str] | None = None,
        supplied: tuple[str, ...] = (),
        filled: tuple[str, ...] = (),
        defaults: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self.aliases = dict(aliases or {})
        self.supplied = frozenset(supplied)
        self.filled = frozenset(filled)
        self._defaults = dict(defaults or {})

    def __getitem__(self, name: str) -> str:
        return self._entries[self.resolve(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self.aliases

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._entries)})"

    @property
    def names(self) -> tuple[str, ...]:
        """All names in the order in which they were entered."""
        return tuple(self._entries)

    def resolve(self, name: str) -> str:
        """Return the chief name for a name or alias.

        Raises
        ------
        UnknownNameError
            With a guess at what was meant.
        """
        if name in self._entries:
            return name
        if name in self.aliases:
            return self.aliases[name]
        hint = did_you_mean(name, [*self._entries, *self.aliases])
        message = f"no {self.kind} is called {name!r}{hint}"
        raise UnknownNameError(message)

    def signature(self, name: str) -> Signature:
        """Return the arguments of a thing, read from source without importing it.

        Raises
        ------
        UnknownNameError
            If the name is not registered.
        LookupError
            If its source cannot be found.
        """
        found, ours = read_signature(self[name]), self._defaults.get(self.resolve(name), {})
        parameters = [
            replace(p, default=repr(ours[p.name])) if p.name in ours else p
            for p in found.parameters
        ]
        return replace(found, parameters=tuple(parameters))

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """Return the arguments that a file may give."""
        return tuple(p for p in self.signature(name).parameters if p.name not in self.supplied)

    def summary(self, name: str) -> str:
        """Return the first line of a thing's docstring without importing it."""
        return self.signature(name).summary

    def get(self, name: str, default: Any = None) -> Any:
        """Import a thing and return it.

        Raises
        ------
        UnknownNameError
            If the name is not registered and no default is given.
        """
        if default is not None and name not in self:
            return default
        module, _, attribute = self[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def build(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Import a thing and call it.

        Examples
        --------
        >>> Registry("type", {"whole": "builtins:int"}).build("whole", "7")
        7
        """
        return self.get(name)(*args, **{**self._defaults.get(self.resolve(name), {}), **kwargs})
