"""Networks, and the module that trains them. Names are loaded when first used.

Examples
--------
>>> import eugene as eu
>>> eu.models.list_models()
['cnn', 'deepbind', 'deepstarr', 'hybrid', 'jores21_cnn', 'kopp21_cnn']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eugene.errors import no_attribute
from eugene.models._build import list_models as list_models

if TYPE_CHECKING:
    from eugene.models import zoo as zoo
    from eugene.models._build import build as build
    from eugene.models._config import load_config as load_config
    from eugene.models._convert import load_deepstarr_weights as load_deepstarr_weights
    from eugene.models._convert import load_eugene_checkpoint as load_eugene_checkpoint
    from eugene.modules import SequenceModule as SequenceModule
    from eugene.nn import Conv1DBlock as Conv1DBlock
    from eugene.nn import Conv1DTower as Conv1DTower
    from eugene.nn import DenseBlock as DenseBlock
    from eugene.nn import RecurrentBlock as RecurrentBlock
    from eugene.nn import Tower as Tower
    from eugene.nn import get_layer as get_layer
    from eugene.nn import init_motif_weights as init_motif_weights
    from eugene.nn import init_weights as init_weights
    from eugene.nn import list_available_layers as list_available_layers

_NAMES = {
    "Conv1DBlock": "eugene.nn",
    "Conv1DTower": "eugene.nn",
    "DenseBlock": "eugene.nn",
    "RecurrentBlock": "eugene.nn",
    "Tower": "eugene.nn",
    "SequenceModule": "eugene.modules",
    "build": "eugene.models._build",
    "get_layer": "eugene.nn",
    "init_motif_weights": "eugene.nn",
    "init_weights": "eugene.nn",
    "list_available_layers": "eugene.nn",
    "load_config": "eugene.models._config",
    "load_deepstarr_weights": "eugene.models._convert",
    "load_eugene_checkpoint": "eugene.models._convert",
}

_GONE = {
    "ProfileModule": "targets of one value a sequence are trained, with SequenceModule",
}


def __getattr__(name: str) -> Any:
    if name == "zoo":
        return importlib.import_module("eugene.models.zoo")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise no_attribute(__name__, name, {*_NAMES, "zoo"}, _GONE)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, "zoo"})
