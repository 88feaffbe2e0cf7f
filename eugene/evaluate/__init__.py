"""Predictions, scores with intervals, and baselines. Names are loaded when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eugene.errors import no_attribute

if TYPE_CHECKING:
    from eugene.evaluate import baselines as baselines
    from eugene.evaluate._eugene import (
        predictions_sequence_module as predictions_sequence_module,
    )
    from eugene.evaluate._eugene import (
        train_val_predictions_sequence_module as train_val_predictions_sequence_module,
    )
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
    "predictions_sequence_module": "eugene.evaluate._eugene",
    "train_val_predictions_sequence_module": "eugene.evaluate._eugene",
}

_GONE = {
    "auc_calc": "sklearn.metrics.roc_auc_score",
    "escore": "eugene.evaluate.evaluate gives AUROC and AUPRC with intervals",
    "evaluate_model": "use eugene.evaluate.evaluate",
    "median_calc": "numpy.median of the scores of each class",
    "train_val_predictions": "use eugene.evaluate.predictions with a datamodule and split=",
}


def __getattr__(name: str) -> Any:
    if name == "baselines":
        return importlib.import_module("eugene.evaluate.baselines")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise no_attribute(__name__, name, {*_NAMES, "baselines"}, _GONE)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, "baselines"})
