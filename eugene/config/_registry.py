"""One lazy registry for everything that a string can name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from eugene.config import _plugins
from eugene.config._live import signature_of
from eugene.config._source import Parameter, Signature, read_signature
from eugene.errors import EugeneError, did_you_mean


class UnknownNameError(EugeneError, KeyError):
    """A name is not in a registry."""

    def __str__(self) -> str:
        return str(self.args[0])


class Registry(Mapping[str, str]):
    """Names and where the things they stand for can be imported from.

    Nothing of this package is imported before `get` is called; `signature` reads the source
    text. Where a name is not there, or all are listed, the plugins that are installed (entry
    points of the group ``eugene.plugins``) are loaded, as they may register it.

    Parameters
    ----------
    kind : str
        What the things are, for messages: ``"model"``.
    entries : mapping of str to str
        Name -> ``"module:attribute"``.
    aliases : mapping of str to str, optional
        Other names under which a thing is also found.
    args : tuple of str, optional
        Arguments that the program gives by position, and a file never may.
    supplied : tuple of str, optional
        Arguments that the program gives by keyword, and a file never may.
    filled : tuple of str, optional
        Arguments that the program fills in when a file leaves them out.
    defaults : mapping of str to mapping, optional
        Values of arguments that are other than the thing's own, by its name.
    by_class : bool, optional
        Whether a thing is also found under the name that it has in its module.

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
        args: tuple[str, ...] = (),
        supplied: tuple[str, ...] = (),
        filled: tuple[str, ...] = (),
        defaults: Mapping[str, Mapping[str, object]] | None = None,
        by_class: bool = False,
    ) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._objects: dict[str, Callable[..., object]] = {}
        self._origins: dict[str, str] = {}
        self._aliases = dict(aliases or {})
        self.by_class = by_class
        if by_class:
            self._aliases |= {t.partition(":")[2]: name for name, t in entries.items()}
        self.args = args
        self.supplied = frozenset({*args, *supplied})
        self.filled = frozenset(filled)
        self._defaults = dict(defaults or {})

    def register(
        self,
        name: str,
        target: str | Callable[..., object],
        *,
        aliases: Iterable[str] = (),
    ) -> None:
        """Enter a thing under a name.

        Parameters
        ----------
        name : str
            The name in files, on the command line and in messages.
        target : str or callable
            ``"module:attribute"``, whose source is read and which is imported when it is built;
            or the class or function itself.
        aliases : iterable of str, optional
            Other names of it.

        Raises
        ------
        EugeneError
            If the name stands for something else already, or is no word.

        Examples
        --------
        >>> counters = Registry("counter", {})
        >>> counters.register("counter", "collections:Counter", aliases=["tally"])
        >>> counters.resolve("tally")
        'counter'
        """
        where = target if isinstance(target, str) else _place(target)
        for word in (name, *aliases):
            if not word or not isinstance(word, str) or word != word.strip():
                message = f"cannot register a {self.kind} as {word!r}: expected a word"
                raise EugeneError(message)
            before = self._entries.get(self._aliases.get(word, word))
            if before not in (None, where):
                message = (
                    f"cannot register {where} as the {self.kind} {word!r}: that is {before}; "
                    "choose another name"
                )
                raise EugeneError(message)
        self._entries[name] = where
        self._origins[name] = _plugins.loading() or where.partition(":")[0]
        self._aliases |= dict.fromkeys(aliases, name)
        if not isinstance(target, str):
            self._objects[name] = target

    def __getitem__(self, name: str) -> str:
        return self._entries[self.resolve(name)]

    def __iter__(self) -> Iterator[str]:
        _plugins.load_installed()
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        _plugins.load_installed()
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        if name in self._entries or name in self._aliases:
            return True
        # only words are names, and a mistake in the file loads no plugin twice
        if isinstance(name, str):
            _plugins.load_installed()
        return name in self._entries or name in self._aliases

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._entries)})"

    @property
    def entered(self) -> tuple[str, ...]:
        """Names that are there so far: no plugin is loaded for them."""
        return tuple(self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        """All names in the order in which they were entered."""
        return tuple(self)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names -> chief names."""
        return dict(self._aliases)

    def resolve(self, name: str) -> str:
        """Return the chief name for a name or alias.

        Raises
        ------
        UnknownNameError
            With a guess at what was meant.
        """
        if name not in self:
            raise UnknownNameError(self.unknown(name))
        return self._aliases.get(name, name)

    def unknown(self, name: str) -> str:
        """Return the message for a name that is not there, with a guess at what was meant."""
        hint = did_you_mean(name, [*self, *self._aliases])
        return f"no {self.kind} is called {name!r}{hint}{_plugins.broken()}"

    def origin(self, name: str) -> str | None:
        """Return the plugin or module that registered a thing; None for what is shipped."""
        return self._origins.get(self.resolve(name))

    def ships(self, name: object) -> bool:
        """Tell whether a name or alias is one of the distribution's own; loads no plugin."""
        chief = self._aliases.get(str(name), name)
        return chief in self._entries and chief not in self._origins

    def signature(self, name: str) -> Signature:
        """Return the arguments of a thing; of what was not registered as an object, from source.

        Raises
        ------
        UnknownNameError
            If the name is not registered.
        LookupError
            If its source cannot be found.
        """
        name = self.resolve(name)
        if name in self._objects:
            return signature_of(self._objects[name], self._entries[name])
        found, ours = read_signature(self._entries[name]), self._defaults.get(name, {})
        parameters = [
            replace(p, default=repr(ours[p.name])) if p.name in ours else p
            for p in found.parameters
        ]
        return replace(found, parameters=tuple(parameters))

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """Return the arguments that a file may give."""
        signature = self.signature(name)
        # what is given by position may have any name
        known = {*self.args} <= {*signature.names}
        first = 0 if known else min(len(self.args), signature.positional)
        return tuple(p for p in signature.parameters[first:] if p.name not in self.supplied)

    def summary(self, name: str) -> str:
        """Return the first line of a thing's docstring without importing it."""
        return self.signature(name).summary

    def get(self, name: str, default: object = None) -> Any:
        """Import a thing and return it.

        Raises
        ------
        UnknownNameError
            If the name is not registered and no default is given.
        """
        if default is not None and name not in self:
            return default
        name = self.resolve(name)
        if name in self._objects:
            return self._objects[name]
        module, _, attribute = self._entries[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def build(self, name: str, *args: object, **kwargs: object) -> Any:
        """Import a thing and call it.

        Examples
        --------
        >>> Registry("type", {"whole": "builtins:int"}).build("whole", "7")
        7
        """
        return self.get(name)(*args, **{**self._defaults.get(self.resolve(name), {}), **kwargs})

    def made(
        self,
        given: str | Mapping[str, Any],
        where: str,
        *args: object,
        error: type[EugeneError] = EugeneError,
        **filled: object,
    ) -> Any:
        """Build what is given by its name, or by its name and arguments.

        Parameters
        ----------
        given : str or mapping
            ``"mixup"``, or ``{"name": "mixup", "alpha": 0.5}``.
        where : str
            What messages begin with.
        *args
            Given by position.
        error : type of EugeneError
            What is raised.
        **filled
            Arguments that are handed on where the thing takes them and ``given`` does not say
            otherwise.

        Returns
        -------
        object
            What was built.

        Raises
        ------
        EugeneError
            If there is nothing of that name, or it takes no such argument.

        Examples
        --------
        >>> Registry("type", {"whole": "builtins:int"}).made("hole", "types[0]")
        Traceback (most recent call last):
        ...
        eugene.errors.EugeneError: types[0]: there is no type 'hole'; did you mean 'whole'?
        """
        options = {"name": given} if isinstance(given, str) else dict(given)
        name = str(options.pop("name", None))
        if name not in self:
            hint = did_you_mean(name, self, listed=20)
            raise error(f"{where}: there is no {self.kind} {name!r}{hint}")
        takes = self.signature(name) if filled else ()
        ours = {key: value for key, value in filled.items() if key in takes}
        try:
            return self.build(name, *args, **{**ours, **options})
        except TypeError as problem:
            raise error(f"{where} {name!r}: {problem}") from problem


def _place(thing: object) -> str:
    """Return where an object was defined, as ``"module:name"``."""
    if not callable(thing):
        message = f"cannot register {thing!r}: expected a class, a function or 'module:name'"
        raise EugeneError(message)
    thing = inspect.unwrap(thing)
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}:{named.__qualname__}"
