"""Readers that several threads and datasets share: one of them reads at a time."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable, Generator
from typing import Any, Concatenate, ParamSpec, TypeVar

Owner = TypeVar("Owner")
Params = ParamSpec("Params")
Result = TypeVar("Result")
Item = TypeVar("Item")

_TURNS: weakref.WeakKeyDictionary[Any, threading.RLock] = weakref.WeakKeyDictionary()
_MAKING = threading.Lock()
# open files of readers that were forked off: closing them here could wait for threads of the parent
_LEFT: list[dict[str, object]] = []


def in_turn(
    method: Callable[Concatenate[Owner, Params], Result],
) -> Callable[Concatenate[Owner, Params], Result]:
    """Let one thread at a time into the methods of an object that are marked so.

    Files have one position, and what was unpacked of them is kept in plain dictionaries. A
    process that is forked off opens the files of a reader anew: its parent reads on in the ones
    that were open.

    Parameters
    ----------
    method : callable
        Method of a reader whose ``__getstate__`` leaves open files out.

    Returns
    -------
    callable
        The method.
    """

    @functools.wraps(method)
    def one(self: Owner, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        with _turn(self):
            return method(self, *args, **kwargs)

    return one


def step_in_turn(
    method: Callable[Concatenate[Owner, Params], Generator[Item]],
) -> Callable[Concatenate[Owner, Params], Generator[Item]]:
    """Let one thread at a time into each step of a generator (see :func:`in_turn`)."""

    @functools.wraps(method)
    def steps(self: Owner, /, *args: Params.args, **kwargs: Params.kwargs) -> Generator[Item]:
        items = method(self, *args, **kwargs)
        try:
            while True:
                with _turn(self):
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                yield item
        finally:
            with _turn(self):
                items.close()

    return steps


def _turn(reader: object) -> threading.RLock:
    turn = _TURNS.get(reader)
    if turn is None:
        with _MAKING:
            turn = _TURNS.setdefault(reader, threading.RLock())
    return turn


def _open_anew() -> None:
    global _MAKING
    _MAKING = threading.Lock()
    for reader in list(_TURNS):
        _LEFT.append(dict(reader.__dict__))
        reader.__dict__.update(reader.__getstate__())
    _TURNS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_anew)
