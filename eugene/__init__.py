"""EUGENe: from sequence files to a trained model to an explanation.

The names below are loaded when first used, so that importing the package is cheap.

Examples
--------
>>> import eugene as eu
>>> eu.__eugene_dist__
'eugene-genomics'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eugene import _guard
from eugene._version import __version__ as __version__
from seqpro.family import old_names

if TYPE_CHECKING:
    from eugene.config import register as register
    from eugene.runs import load as load

__eugene_dist__ = "eugene-genomics"

_guard.check()

_ROOMS = (
    "augment",
    "cli",
    "config",
    "data",
    "dataload",
    "errors",
    "evaluate",
    "family",
    "interpret",
    "models",
    "modules",
    "nn",
    "plot",
    "preprocess",
    "report",
    "runs",
    "select",
    "simulate",
    "tracks",
    "train",
    "tune",
)
_NAMES = {
    "load": "eugene.runs:load",
    "register": "eugene.config:register",
    "settings": "eugene.settings:settings",
}


_old = old_names(__name__)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"eugene.{name}")
    if name in _NAMES:
        module, _, attribute = _NAMES[name].partition(":")
        value = getattr(importlib.import_module(module), attribute)
        globals()[name] = value
        return value
    return _old(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_NAMES})
