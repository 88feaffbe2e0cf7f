"""Predictions, scores with intervals, and baselines. Names are loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.evaluate import baselines as baselines
    from eugene.evaluate._bigwig import expected_counts as expected_counts
    from eugene.evaluate._bigwig import predictions_to_bigwig as predictions_to_bigwig
    from eugene.evaluate._choice import Choice as Choice
    from eugene.evaluate._choice import choose as choose
    from eugene.evaluate._consistency import ConsistencyFigures as ConsistencyFigures
    from eugene.evaluate._consistency import consistency_of as consistency_of
    from eugene.evaluate._constructs import ConstructPredictions as ConstructPredictions
    from eugene.evaluate._constructs import predict_constructs as predict_constructs
    from eugene.evaluate._constructs import site_masks as site_masks
    from eugene.evaluate._curves import Curve as Curve
    from eugene.evaluate._curves import Curves as Curves
    from eugene.evaluate._curves import class_curves as class_curves
    from eugene.evaluate._curves import curves as curves
    from eugene.evaluate._ensemble import Ensemble as Ensemble
    from eugene.evaluate._ensemble import Spread as Spread
    from eugene.evaluate._ensemble import ensemble as ensemble
    from eugene.evaluate._eugene import predictions_sequence_module as predictions_sequence_module
    from eugene.evaluate._eugene import (
        train_val_predictions_sequence_module as train_val_predictions_sequence_module,
    )
    from eugene.evaluate._evaluate import evaluate as evaluate
    from eugene.evaluate._evaluate import evaluate_beside as evaluate_beside
    from eugene.evaluate._evaluate import paired_difference as paired_difference
    from eugene.evaluate._grammar import GrammarAgreement as GrammarAgreement
    from eugene.evaluate._grammar import grammar_agreement as grammar_agreement
    from eugene.evaluate._grammar_rows import grammar_shares as grammar_shares
    from eugene.evaluate._groups import compare_groups as compare_groups
    from eugene.evaluate._kmers import RnaCompete as RnaCompete
    from eugene.evaluate._kmers import kmer_scores as kmer_scores
    from eugene.evaluate._kmers import rnacompete as rnacompete
    from eugene.evaluate._peaks import call_peaks as call_peaks
    from eugene.evaluate._peaks import runs_above as runs_above
    from eugene.evaluate._predictions import predict_batches as predict_batches
    from eugene.evaluate._predictions import predictions as predictions
    from eugene.evaluate._profile_references import MeanProfile as MeanProfile
    from eugene.evaluate._profile_references import best_smoothing as best_smoothing
    from eugene.evaluate._profile_references import fraction_of_reach as fraction_of_reach
    from eugene.evaluate._profile_references import half_profile as half_profile
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
    from eugene.evaluate._reliability import calibration_bins as calibration_bins
    from eugene.evaluate._score_table import score_table as score_table
    from eugene.evaluate._track_genes import GeneSignal as GeneSignal
    from eugene.evaluate._track_genes import gene_table as gene_table
    from eugene.evaluate._track_genes import plan_genes as plan_genes
    from eugene.evaluate._track_genes import quantile_normalised as quantile_normalised
    from eugene.evaluate._tracks import MeanTracks as MeanTracks
    from eugene.evaluate._tracks import Moments as Moments
    from eugene.evaluate._tracks import TrackRows as TrackRows
    from eugene.evaluate._tracks import bin_table as bin_table
    from eugene.evaluate._tracks import group_table as group_table
    from eugene.evaluate._tracks import metadata_of as metadata_of
    from eugene.evaluate._tracks import score_tracks as score_tracks
    from eugene.evaluate._tracks import track_table as track_table
    from eugene.evaluate._uncertainty import calibrated as calibrated
    from eugene.evaluate._uncertainty import calibration as calibration
    from eugene.evaluate._uncertainty import calibration_error as calibration_error
    from eugene.evaluate._uncertainty import conformal_width as conformal_width
    from eugene.evaluate._uncertainty import fit_temperature as fit_temperature
    from eugene.evaluate._uncertainty import monte_carlo_dropout as monte_carlo_dropout

__getattr__, __dir__ = facade(__name__)
