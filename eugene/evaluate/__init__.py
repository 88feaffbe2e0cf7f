"""Predictions, scores with intervals, and baselines. Names are loaded when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eugene.evaluate import baselines as baselines
    from eugene.evaluate._evaluate import curves as curves
    from eugene.evaluate._evaluate import evaluate as evaluate
    from eugene.evaluate._evaluate import paired_difference as paired_difference
    from eugene.evaluate._predictions import predict_batches as predict_batches
    from eugene.evaluate._predictions import predictions as predictions

_NAMES = {
    "curves": "eugene.evaluate._evaluate",
    "evaluate": "eugene.evaluate._evaluate",
    "paired_difference": "eugene.evaluate._evaluate",
    "predict_batches": "eugene.evaluate._predictions",
    "predictions": "eugene.evaluate._predictions",
}


def __getattr__(name: str) -> Any:
    if name == "baselines":
        return importlib.import_module("eugene.evaluate.baselines")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    message = f"module 'eugene.evaluate' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, "baselines"})
