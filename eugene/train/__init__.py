"""Training. Names are loaded when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eugene.errors import no_attribute

if TYPE_CHECKING:
    from eugene.train._checkpoint import load_checkpoint as load_checkpoint
    from eugene.train._checkpoint import load_weights as load_weights
    from eugene.train._checkpoint import read_checkpoint as read_checkpoint
    from eugene.train._checkpoint import save_weights as save_weights
    from eugene.train._fit import FitResult as FitResult
    from eugene.train._fit import fit as fit
    from eugene.train._fit import fit_sequence_module as fit_sequence_module

_NAMES = {
    "FitResult": "eugene.train._fit",
    "fit": "eugene.train._fit",
    "fit_sequence_module": "eugene.train._fit",
    "load_checkpoint": "eugene.train._checkpoint",
    "load_weights": "eugene.train._checkpoint",
    "read_checkpoint": "eugene.train._checkpoint",
    "save_weights": "eugene.train._checkpoint",
}

_GONE = {
    "fit_profile_module": "there is no ProfileModule; targets of one value a sequence are trained",
    "hyperopt": "replicates: {seeds: ..., arms: ...} of a run file compares settings",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise no_attribute(__name__, name, _NAMES, _GONE)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
