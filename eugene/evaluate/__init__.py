"""Predictions, scores with intervals, and baselines. Names are loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.evaluate import baselines as baselines
    from eugene.evaluate._eugene import predictions_sequence_module as predictions_sequence_module
    from eugene.evaluate._eugene import (
        train_val_predictions_sequence_module as train_val_predictions_sequence_module,
    )
    from eugene.evaluate._evaluate import curves as curves
    from eugene.evaluate._evaluate import evaluate as evaluate
    from eugene.evaluate._evaluate import paired_difference as paired_difference
    from eugene.evaluate._predictions import predict_batches as predict_batches
    from eugene.evaluate._predictions import predictions as predictions
    from eugene.evaluate._profile_references import MeanProfile as MeanProfile
    from eugene.evaluate._profile_references import best_smoothing as best_smoothing
    from eugene.evaluate._profile_references import fraction_of_reach as fraction_of_reach
    from eugene.evaluate._profile_references import thin as thin
    from eugene.evaluate._profile_rows import Smooth as Smooth
    from eugene.evaluate._profile_rows import jensen_shannon as jensen_shannon
    from eugene.evaluate._profile_rows import multinomial_nll as multinomial_nll
    from eugene.evaluate._profile_rows import row_pearson as row_pearson
    from eugene.evaluate._profile_rows import row_spearman as row_spearman
    from eugene.evaluate._profile_rows import smooth_profiles as smooth_profiles
    from eugene.evaluate._profiles import ProfileRows as ProfileRows
    from eugene.evaluate._profiles import evaluate_profiles as evaluate_profiles
    from eugene.evaluate._profiles import score_profiles as score_profiles
    from eugene.evaluate._profiles import summarise_profiles as summarise_profiles
    from eugene.evaluate._uncertainty import Spread as Spread
    from eugene.evaluate._uncertainty import calibrated as calibrated
    from eugene.evaluate._uncertainty import calibration as calibration
    from eugene.evaluate._uncertainty import calibration_error as calibration_error
    from eugene.evaluate._uncertainty import conformal_width as conformal_width
    from eugene.evaluate._uncertainty import ensemble as ensemble
    from eugene.evaluate._uncertainty import fit_temperature as fit_temperature
    from eugene.evaluate._uncertainty import monte_carlo_dropout as monte_carlo_dropout

__getattr__, __dir__ = facade(
    __name__,
    {
        "auc_calc": "sklearn.metrics.roc_auc_score",
        "escore": "eugene.evaluate.evaluate gives AUROC and AUPRC with intervals",
        "evaluate_model": "use eugene.evaluate.evaluate",
        "median_calc": "numpy.median of the scores of each class",
        "train_val_predictions": "use eugene.evaluate.predictions with a datamodule and split=",
    },
)
