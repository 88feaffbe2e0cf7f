"""Everything that a string in a file or on the command line can name.

Each entry is ``name -> "module:attribute"``; nothing is imported here.
"""

from __future__ import annotations

from eugene._tasks import TASKS as _TASKS
from eugene.config._registry import Registry
from seqexplainer.methods import ALIASES, METHODS

MODELS = Registry(
    "model",
    {
        "cnn": "eugene.models.zoo:CNN",
        "hybrid": "eugene.models.zoo:Hybrid",
        "deepbind": "eugene.models.zoo:DeepBind",
        "deepstarr": "eugene.models.zoo:DeepSTARR",
        "jores21_cnn": "eugene.models.zoo:Jores21CNN",
        "kopp21_cnn": "eugene.models.zoo:Kopp21CNN",
        "bpnet": "eugene.models.zoo:BPNet",
        "chrombpnet": "eugene.models.zoo:ChromBPNet",
        "cherimoya": "eugene.models.zoo:Cherimoya",
        "basenji": "eugene.models.zoo:Basenji",
        "crested_basenji": "eugene.models.zoo:CREstedBasenji",
        "simple_convnet": "eugene.models.zoo:SimpleConvNet",
        "deeptopic_cnn": "eugene.models.zoo:DeepTopicCNN",
        "deeptopic_lstm": "eugene.models.zoo:DeepTopicLSTM",
        "dilated_cnn": "eugene.models.zoo:DilatedCNN",
        "legnet": "eugene.models.zoo:LegNet",
        "malinois": "eugene.models.zoo:Malinois",
        "explainn": "eugene.models.zoo:ExplaiNN",
        "sei": "eugene.models.zoo:Sei",
        "aparent": "eugene.models.zoo:APARENT",
        "optimus": "eugene.models.zoo:Optimus5Prime",
        "fcn": "eugene.models.zoo:FCN",
        "rnn": "eugene.models.zoo:RNN",
        "ds_fcn": "eugene.models.zoo:dsFCN",
        "ds_cnn": "eugene.models.zoo:dsCNN",
        "ds_rnn": "eugene.models.zoo:dsRNN",
        "ds_hybrid": "eugene.models.zoo:dsHybrid",
        "tutorial_cnn": "eugene.models.zoo:TutorialCNN",
        "inception": "eugene.models.zoo:Inception",
        "residualbind": "eugene.models.zoo:ResidualBind",
        "deepsea": "eugene.models.zoo:DeepSEA",
        "basset": "eugene.models.zoo:Basset",
        "factorized_basset": "eugene.models.zoo:FactorizedBasset",
        "danq": "eugene.models.zoo:DanQ",
        "satori": "eugene.models.zoo:Satori",
        "deepmel": "eugene.models.zoo:DeepMEL",
        "scbasset": "eugene.models.zoo:scBasset",
        "chromdragonn": "eugene.models.zoo:ChromDragoNN",
        "heartenn": "eugene.models.zoo:HeartENN",
        "acme_cnn": "eugene.models.zoo:AcmeCNN",
    },
    aliases={
        "CNN": "cnn",
        "Hybrid": "hybrid",
        "DeepBind": "deepbind",
        "DeepSTARR": "deepstarr",
        "Jores21CNN": "jores21_cnn",
        "Kopp21CNN": "kopp21_cnn",
        "BPNet": "bpnet",
        "ChromBPNet": "chrombpnet",
        "Cherimoya": "cherimoya",
        "Basenji": "basenji",
        "CREstedBasenji": "crested_basenji",
        "SimpleConvNet": "simple_convnet",
        "DeepTopicCNN": "deeptopic_cnn",
        "DeepTopicLSTM": "deeptopic_lstm",
        "DilatedCNN": "dilated_cnn",
        "LegNet": "legnet",
        "Malinois": "malinois",
        "ExplaiNN": "explainn",
        "Sei": "sei",
        "APARENT": "aparent",
        "Optimus5Prime": "optimus",
        "FCN": "fcn",
        "RNN": "rnn",
        "dsFCN": "ds_fcn",
        "dsCNN": "ds_cnn",
        "dsRNN": "ds_rnn",
        "dsHybrid": "ds_hybrid",
        "TutorialCNN": "tutorial_cnn",
        "Inception": "inception",
        "ResidualBind": "residualbind",
        "DeepSEA": "deepsea",
        "Basset": "basset",
        "FactorizedBasset": "factorized_basset",
        "DanQ": "danq",
        "Satori": "satori",
        "DeepMEL": "deepmel",
        "scBasset": "scbasset",
        "ChromDragoNN": "chromdragonn",
        "HeartENN": "heartenn",
        "AcmeCNN": "acme_cnn",
    },
    filled=("input_len", "output_dim", "input_channels"),
)
MODULES = Registry(
    "module",
    {"sequence": "eugene.models:SequenceModule"},
    aliases={"SequenceModule": "sequence"},
    supplied=("arch",),
    filled=("alphabet",),
)
_TENSORS = ("prediction", "target")
LOSSES = Registry(
    "loss",
    {
        "mse": "eugene.modules.losses:mse",
        "mae": "eugene.modules.losses:mae",
        "huber": "eugene.modules.losses:huber",
        "poisson": "eugene.modules.losses:poisson",
        "bce": "eugene.modules.losses:bce",
        "cross_entropy": "eugene.modules.losses:cross_entropy",
        "log1p_mse": "eugene.modules.losses:log1p_mse",
        "rmsle": "eugene.modules.losses:rmsle",
    },
    aliases={"log1pMSELoss": "log1p_mse", "binary_cross_entropy": "bce", "l1": "mae"},
    supplied=_TENSORS,
)
METRICS = Registry(
    "metric",
    {
        "r2": "eugene.modules.metrics:R2Score",
        "pearson": "eugene.modules.metrics:Pearson",
        "spearman": "eugene.modules.metrics:Spearman",
        "mse": "eugene.modules.metrics:MeanSquaredError",
        "mae": "eugene.modules.metrics:MeanAbsoluteError",
        "explained_variance": "eugene.modules.metrics:ExplainedVariance",
        "auroc": "eugene.modules.metrics:AUROC",
        "auprc": "eugene.modules.metrics:AveragePrecision",
        "accuracy": "eugene.modules.metrics:Accuracy",
        "precision": "eugene.modules.metrics:Precision",
        "recall": "eugene.modules.metrics:Recall",
        "f1": "eugene.modules.metrics:F1Score",
    },
    aliases={
        "r2score": "r2",
        "explainedvariance": "explained_variance",
        "f1score": "f1",
        "average_precision": "auprc",
    },
)
OPTIMIZERS = Registry(
    "optimizer",
    {
        "adam": "torch.optim:Adam",
        "adamw": "torch.optim:AdamW",
        "sgd": "torch.optim:SGD",
        "rmsprop": "torch.optim:RMSprop",
    },
    supplied=("params", "lr"),
)
SCHEDULERS = Registry(
    "scheduler",
    {
        "reduce_lr_on_plateau": "torch.optim.lr_scheduler:ReduceLROnPlateau",
        "cosine": "eugene.modules.optimizers:cosine",
        "one_cycle": "eugene.modules.optimizers:one_cycle",
        "exponential": "eugene.modules.optimizers:exponential",
    },
    supplied=("optimizer",),
    filled=("total_steps",),
    defaults={"reduce_lr_on_plateau": {"patience": 2}},
)
TASKS: tuple[str, ...] = tuple(_TASKS)
"""What a module can be trained for."""
DATA_SOURCES = Registry(
    "data source",
    {
        "table": "eugene.data.sources:table",
        "fasta": "eugene.data.sources:fasta",
        "regions": "eugene.data.sources:regions",
        "genome": "eugene.data.sources:genome",
        "zarr": "eugene.data.sources:zarr",
        "dataset": "eugene.data.sources:dataset",
        "simulated": "eugene.simulate:simulated",
    },
    supplied=("out", "overwrite"),
    filled=("seed",),
)
SPLITS = Registry(
    "split",
    {
        "random": "seqdata.splits:random",
        "chromosome": "seqdata.splits:chromosome",
        "column": "seqdata.splits:column",
        "stratified": "seqdata.splits:stratified",
        "kfold": "seqdata.splits:kfold",
        "group": "seqdata.splits:group",
        "homology": "seqdata.splits:homology",
    },
    supplied=("ds",),
    filled=("seed",),
)
SAMPLERS = Registry(
    "sampler",
    {
        "ratio": "seqdata.loading._samplers:RatioSampler",
        "weighted": "seqdata.loading._samplers:WeightedSampler",
    },
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
    aliases={"binarize": "binarise"},
)
ATTRIBUTIONS = Registry(
    "attribution method",
    {name: str(method.compute) for name, method in METHODS.items()},
    aliases=ALIASES,
    supplied=("explained", "X"),
)
REFERENCES = Registry(
    "reference",
    {
        "dinuc_shuffle": "seqexplainer.references:dinuc_shuffle",
        "shuffle": "seqexplainer.references:shuffle",
        "zero": "seqexplainer.references:zero",
        "uniform": "seqexplainer.references:uniform",
        "gc": "seqexplainer.references:gc",
    },
    supplied=("X",),
)
INITIALIZERS = Registry(
    "initializer",
    {"motifs": "eugene.runs._network:motifs", "random": "eugene.runs._network:random"},
    supplied=("arch",),
    filled=("seed",),
)
BASELINES = Registry(
    "baseline",
    {
        "kmer_ridge": "eugene.evaluate.baselines:KmerRidge",
        "kmer_logistic": "eugene.evaluate.baselines:KmerLogistic",
    },
    filled=("seed",),
)
STEPS = Registry(
    "step",
    {
        "data": "eugene.runs.steps.data:data",
        "fit": "eugene.runs.steps.fit:fit",
        "test": "eugene.runs.steps.test:test",
        "attribute": "eugene.runs.steps.attribute:attribute",
        "seqlets": "eugene.runs.steps.seqlets:seqlets",
        "modisco": "eugene.runs.steps.modisco:modisco",
        "filters": "eugene.runs.steps.filters:filters",
        "positional": "eugene.runs.steps.positional:positional",
        "evolve": "eugene.runs.steps.evolve:evolve",
        "control": "eugene.runs.steps.control:control",
        "truth": "eugene.runs.steps.truth:truth",
        "report": "eugene.runs.steps.report:report",
    },
    supplied=("run",),
)
"""Steps of a run, each a file; the signature of each, less ``run``, is its section."""

REGISTRIES: dict[str, Registry] = {
    "models": MODELS,
    "modules": MODULES,
    "losses": LOSSES,
    "metrics": METRICS,
    "optimizers": OPTIMIZERS,
    "schedulers": SCHEDULERS,
    "data_sources": DATA_SOURCES,
    "splits": SPLITS,
    "samplers": SAMPLERS,
    "target_transforms": TARGET_TRANSFORMS,
    "attributions": ATTRIBUTIONS,
    "references": REFERENCES,
    "initializers": INITIALIZERS,
    "baselines": BASELINES,
}
"""All registries, by the word that documentation and tests use for them."""
