"""Callbacks by name: what else listens to a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import pytorch_lightning as pl

from eugene.config import build, registries
from eugene.errors import EugeneError

Named: TypeAlias = "str | Mapping[str, object] | pl.Callback"


def make_callbacks(callbacks: Iterable[Named]) -> list[pl.Callback]:
    """Return callbacks by their names.

    Parameters
    ----------
    callbacks : iterable of str, mapping or pytorch_lightning.Callback
        Names of the registry ``callbacks``, mappings with ``name`` and arguments, or Lightning's
        own.

    Returns
    -------
    list of pytorch_lightning.Callback

    Raises
    ------
    EugeneError
        If a name is unknown, or an argument is wrong.
    """
    made: list[pl.Callback] = []
    for one in callbacks:
        if isinstance(one, pl.Callback):
            made.append(one)
            continue
        if not isinstance(one, str | Mapping):
            raise EugeneError(
                f"callbacks: {one!r} is a {type(one).__name__}; expected a name, a mapping with "
                "name, or a pytorch_lightning.Callback"
            )
        section = {"name": one} if isinstance(one, str) else dict(one)
        made.append(build(registries.CALLBACKS, section))
    return made


def all_say(callbacks: Sequence[pl.Callback]) -> bool:
    """Tell whether every callback says what it logs; one of Lightning's says nothing."""
    return all(hasattr(one, "logs") for one in callbacks)


def logged_by(callbacks: Sequence[pl.Callback]) -> tuple[str, ...]:
    """Return the names of the values that callbacks say they log."""
    return tuple(name for one in callbacks for name in getattr(one, "logs", ()))


def check_watched(
    callbacks: Sequence[pl.Callback], module: pl.LightningModule, monitor: str
) -> None:
    """Raise where a value of a callback is watched in epochs that will not have it.

    Parameters
    ----------
    callbacks : sequence of pytorch_lightning.Callback
        Those with a method ``check_watched`` are asked.
    module : pytorch_lightning.LightningModule
        Its scheduler may watch as well.
    monitor : str
        Value that says which epoch is best.

    Raises
    ------
    EugeneError
        What a callback refuses.
    """
    watched = {"monitor": monitor}
    hparams = dict(getattr(module, "hparams", {}) or {})
    if hparams.get("scheduler") == "reduce_lr_on_plateau":
        watched["scheduler_monitor"] = str(hparams.get("scheduler_monitor"))
    for one in callbacks:
        ask = getattr(one, "check_watched", None)
        if callable(ask):
            ask({what: name.removesuffix("_epoch") for what, name in watched.items()})
