"""Private modules that held EUGENe's public names and nothing else."""

from __future__ import annotations

HOMES = frozenset(
    {
        "eugene._settings",
        "eugene.dataload._utils",
        "eugene.evaluate._predict",
        "eugene.evaluate.metrics._binary_classification",
        "eugene.interpret._generative",
        "eugene.models._ProfileModule",
        "eugene.models._SequenceModule",
        "eugene.models.zoo._basic_models",
        "eugene.models.zoo._cre_activity_predictors",
        "eugene.models.zoo._profile_predictors",
        "eugene.models.zoo._regulatory_classifiers",
        "eugene.models.zoo._single_cell_predictors",
        "eugene.models.zoo._tf_binding_predictors",
        "eugene.plot._catplot",
        "eugene.plot._classification",
        "eugene.plot._regression",
        "eugene.plot._seq",
        "eugene.preprocess._seqdata",
        "eugene.train._hyperopt",
        "eugene.utils._utils",
        "motifdata._Motif",
        "motifdata._convert",
        "motifdata._io",
        "motifdata._transform",
        "seqdata._io",
        "seqdata._io.bed_ops",
        "seqdata._io.read",
        "seqdata._io.readers",
        "seqdata._io.readers.bam",
        "seqdata._io.readers.fasta",
        "seqdata._io.readers.table",
        "seqdata._io.readers.vcf",
        "seqdata._io.readers.wig",
        "seqdata.xarray.seqdata",
        "seqdatasets._datasets",
        "seqexplainer.attributions",
        "seqexplainer.filters._activations",
        "seqexplainer.generative",
        "seqexplainer.filters._annotate",
        "seqexplainer.filters._plot",
        "seqpro._encoders",
        "seqpro.alphabets._alphabets",
        "seqpro.transforms.augmentation",
        "seqpro.transforms.tmm",
    }
)
"""Modules of EUGENe 0.1.2, SeqData 0.2.2, SeqPro 0.1.16, SeqExplainer 0.1.2 and MotifData 0.1.2.

What is asked of one is looked up in the packages above it.
"""
