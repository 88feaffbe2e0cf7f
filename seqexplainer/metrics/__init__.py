"""Measures of how good explanations are."""

from __future__ import annotations

from seqexplainer._correction import gradient_correction as gradient_correction
from seqexplainer.metrics._divergence import Divergence as Divergence
from seqexplainer.metrics._divergence import incomparable as incomparable
from seqexplainer.metrics._sweep import sensitivity as sensitivity
from seqexplainer.metrics.angles import BASES as BASES
from seqexplainer.metrics.angles import KAttrMeanKLD as KAttrMeanKLD
from seqexplainer.metrics.angles import Points as Points
from seqexplainer.metrics.angles import k_attr_mean_kld as k_attr_mean_kld
from seqexplainer.metrics.groundtruth import agreement as agreement
from seqexplainer.metrics.groundtruth import position_auprc as position_auprc
from seqexplainer.metrics.kmers import KmerKLD as KmerKLD
from seqexplainer.metrics.kmers import kmer_kld as kmer_kld
from seqexplainer.metrics.positions import ElementRecovery as ElementRecovery
from seqexplainer.metrics.positions import PositionAgreement as PositionAgreement
from seqexplainer.metrics.positions import element_recovery as element_recovery
from seqexplainer.metrics.positions import position_vectors as position_vectors
from seqexplainer.metrics.positions import smooth_agreement as smooth_agreement
from seqexplainer.metrics.positions import strongest as strongest
from seqexplainer.metrics.positions import thresholded_agreement as thresholded_agreement
from seqexplainer.metrics.robustness import Robustness as Robustness
from seqexplainer.metrics.robustness import translational_robustness as translational_robustness
from seqexplainer.metrics.snr import AttributionSNR as AttributionSNR
from seqexplainer.metrics.snr import attribution_snr as attribution_snr
