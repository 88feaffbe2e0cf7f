"""EUGENe's functions that are called otherwise here, under its names; the table is seqpro.family's.

Each calls what is here. `page` writes ``docs/switching/eugene.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.family._cooperativity import (
        motif_distance_dependence_gia as motif_distance_dependence_gia,
    )
    from eugene.family._figures import auc_calc as auc_calc
    from eugene.family._figures import binarize_values as binarize_values
    from eugene.family._figures import calculate_aupr as calculate_aupr
    from eugene.family._figures import calculate_auroc as calculate_auroc
    from eugene.family._figures import calculate_metric as calculate_metric
    from eugene.family._figures import calculate_mse as calculate_mse
    from eugene.family._figures import calculate_pearsonr as calculate_pearsonr
    from eugene.family._figures import calculate_spearmanr as calculate_spearmanr
    from eugene.family._figures import escore as escore
    from eugene.family._figures import evaluate_model as evaluate_model
    from eugene.family._figures import log1p_mse as log1p_mse
    from eugene.family._figures import make_dirs as make_dirs
    from eugene.family._figures import median_calc as median_calc
    from eugene.family._implant import RandomJitter as RandomJitter
    from eugene.family._implant import feature_implant_seq_sdata as feature_implant_seq_sdata
    from eugene.family._layers import GELU as GELU
    from eugene.family._layers import BiConv1D as BiConv1D
    from eugene.family._layers import Exponential as Exponential
    from eugene.family._layers import Flatten as Flatten
    from eugene.family._layers import InceptionConv1D as InceptionConv1D
    from eugene.family._layers import Residual as Residual
    from eugene.family._layers import RevComp as RevComp
    from eugene.family._layers import Sigmoid as Sigmoid
    from eugene.family._layers import Softplus as Softplus
    from eugene.family._layers import Unsqueeze as Unsqueeze
    from eugene.family._layers import View as View
    from eugene.family._layers import output_length as output_length
    from eugene.family._layers import output_size as output_size
    from eugene.family._layers import to_kernel as to_kernel
    from eugene.family._page import page as page
    from eugene.family._penalties import L1 as L1
    from eugene.family._penalties import L2 as L2
    from eugene.family._penalties import WeightDecay as WeightDecay
    from eugene.family._penalties import logcosh_loss as logcosh_loss
    from eugene.family._profiles import batched_smoothed_function as batched_smoothed_function
    from eugene.family._profiles import (
        calculate_performance_measures as calculate_performance_measures,
    )
    from eugene.family._profiles import jensen_shannon_distance as jensen_shannon_distance
    from eugene.family._profiles import mean_squared_error as mean_squared_error
    from eugene.family._profiles import mnll as mnll
    from eugene.family._profiles import pearson_corr as pearson_corr
    from eugene.family._profiles import smooth_gaussian1d as smooth_gaussian1d
    from eugene.family._profiles import spearman_corr as spearman_corr
    from eugene.family._registries import ACTIVATION_REGISTRY as ACTIVATION_REGISTRY
    from eugene.family._registries import BLOCK_REGISTRY as BLOCK_REGISTRY
    from eugene.family._registries import CONVOLUTION_REGISTRY as CONVOLUTION_REGISTRY
    from eugene.family._registries import DEFAULT_LOSS_REGISTRY as DEFAULT_LOSS_REGISTRY
    from eugene.family._registries import DEFAULT_METRIC_KWARGS as DEFAULT_METRIC_KWARGS
    from eugene.family._registries import DEFAULT_TASK_METRICS as DEFAULT_TASK_METRICS
    from eugene.family._registries import GLUER_REGISTRY as GLUER_REGISTRY
    from eugene.family._registries import INITIALIZERS_REGISTRY as INITIALIZERS_REGISTRY
    from eugene.family._registries import LOGGER_REGISTRY as LOGGER_REGISTRY
    from eugene.family._registries import LOSS_REGISTRY as LOSS_REGISTRY
    from eugene.family._registries import METRIC_REGISTRY as METRIC_REGISTRY
    from eugene.family._registries import MISC_REGISTRY as MISC_REGISTRY
    from eugene.family._registries import NORMALIZER_REGISTRY as NORMALIZER_REGISTRY
    from eugene.family._registries import OPTIMIZER_REGISTRY as OPTIMIZER_REGISTRY
    from eugene.family._registries import POOLING_REGISTRY as POOLING_REGISTRY
    from eugene.family._registries import RECURRENT_REGISTRY as RECURRENT_REGISTRY
    from eugene.family._registries import REGULARIZER_REGISTRY as REGULARIZER_REGISTRY
    from eugene.family._registries import SCHEDULER_REGISTRY as SCHEDULER_REGISTRY
    from eugene.family._registries import TRANSFORMER_REGISTRY as TRANSFORMER_REGISTRY
    from eugene.family._registries import WRAPPER_REGISTRY as WRAPPER_REGISTRY

__getattr__, __dir__ = facade(__name__)
