"""Everything that a string in a file or on the command line can name.

Each entry is ``name -> "module:attribute"``; nothing is imported here.
"""

from __future__ import annotations

from eugene.config._registry import Registry

MODELS = Registry(
    "model",
    {
        "cnn": "eugene.models.zoo:CNN",
        "hybrid": "eugene.models.zoo:Hybrid",
        "deepbind": "eugene.models.zoo:DeepBind",
        "deepstarr": "eugene.models.zoo:DeepSTARR",
        "jores21_cnn": "eugene.models.zoo:Jores21CNN",
        "kopp21_cnn": "eugene.models.zoo:Kopp21CNN",
    },
    aliases={
        "CNN": "cnn",
        "Hybrid": "hybrid",
        "DeepBind": "deepbind",
        "DeepSTARR": "deepstarr",
        "Jores21CNN": "jores21_cnn",
        "Kopp21CNN": "kopp21_cnn",
    },
    filled=("input_len", "output_dim"),
)
MODULES = Registry(
    "module",
    {"sequence": "eugene.models:SequenceModule"},
    aliases={"SequenceModule": "sequence"},
    supplied=("arch",),
)
LOSSES = Registry("loss", {})
METRICS = Registry("metric", {})
OPTIMIZERS = Registry("optimizer", {})
SCHEDULERS = Registry("scheduler", {})
DATA_SOURCES = Registry(
    "data source",
    {
        "table": "eugene.data.sources:table",
        "fasta": "eugene.data.sources:fasta",
        "regions": "eugene.data.sources:regions",
        "zarr": "eugene.data.sources:zarr",
        "simulated": "eugene.data.sources:simulated",
    },
    filled=("seed", "out"),
)
SPLITS = Registry(
    "split",
    {
        "random": "seqdata.splits:random",
        "chromosome": "seqdata.splits:chromosome",
        "column": "seqdata.splits:column",
        "stratified": "seqdata.splits:stratified",
        "kfold": "seqdata.splits:kfold",
    },
    supplied=("ds",),
    filled=("seed",),
)
TARGET_TRANSFORMS = Registry(
    "target transform",
    {
        "clamp": "seqdata.targets:Clamp",
        "zscore": "seqdata.targets:ZScore",
        "log": "seqdata.targets:Log",
        "binarise": "seqdata.targets:Binarise",
        "quantile": "seqdata.targets:Quantile",
    },
)
ATTRIBUTIONS = Registry("attribution method", {})
REFERENCES = Registry("reference", {})
INITIALIZERS = Registry("initializer", {})
BASELINES = Registry(
    "baseline",
    {
        "kmer_ridge": "eugene.evaluate.baselines:KmerRidge",
        "kmer_logistic": "eugene.evaluate.baselines:KmerLogistic",
    },
)

REGISTRIES: dict[str, Registry] = {
    "models": MODELS,
    "modules": MODULES,
    "losses": LOSSES,
    "metrics": METRICS,
    "optimizers": OPTIMIZERS,
    "schedulers": SCHEDULERS,
    "data_sources": DATA_SOURCES,
    "splits": SPLITS,
    "target_transforms": TARGET_TRANSFORMS,
    "attributions": ATTRIBUTIONS,
    "references": REFERENCES,
    "initializers": INITIALIZERS,
    "baselines": BASELINES,
}
"""All registries, by the word that documentation and tests use for them."""
