"""Measures of how good explanations are."""

from __future__ import annotations

from seqexplainer._correction import gradient_correction as gradient_correction
from seqexplainer.metrics.groundtruth import agreement as agreement
from seqexplainer.metrics.groundtruth import position_auprc as position_auprc
from seqexplainer.metrics.robustness import Robustness as Robustness
from seqexplainer.metrics.robustness import translational_robustness as translational_robustness
