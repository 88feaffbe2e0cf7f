"""Everything that a string in a file or on the command line can name.

Each entry is ``name -> "module:attribute"``; nothing is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from eugene._tasks import TASKS as _TASKS
from eugene.config._registry import Registry
from eugene.errors import EugeneError, did_you_mean
from seqexplainer.methods import ALIASES, METHODS

Thing = TypeVar("Thing", bound="str | Callable[..., Any]")

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
    by_class=True,
    filled=("input_len", "output_dim", "input_channels"),
)
MODULES = Registry(
    "module",
    {"sequence": "eugene.models:SequenceModule"},
    by_class=True,
    supplied=("arch",),
    filled=("alphabet",),
)
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
    args=("prediction", "target"),
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
    args=("params", "lr"),
)
SCHEDULERS = Registry(
    "scheduler",
    {
        "reduce_lr_on_plateau": "torch.optim.lr_scheduler:ReduceLROnPlateau",
        "cosine": "eugene.modules.optimizers:cosine",
        "one_cycle": "eugene.modules.optimizers:one_cycle",
        "exponential": "eugene.modules.optimizers:exponential",
    },
    args=("optimizer",),
    filled=("total_steps",),
    defaults={"reduce_lr_on_plateau": {"patience": 2}},
)
TASKS = Registry("task", dict.fromkeys(_TASKS, "eugene._tasks:get_task"), args=("name",))
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
    args=("ds",),
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
    args=("explained", "X"),
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
    args=("X",),
)
INITIALIZERS = Registry(
    "initializer",
    {"motifs": "eugene.runs._network:motifs", "random": "eugene.runs._network:random"},
    args=("arch",),
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
    args=("run",),
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
    "steps": STEPS,
}
"""All registries, by the word that documentation and tests use for them."""


def registry(kind: str) -> Registry:
    """Return the registry of a kind of things.

    Parameters
    ----------
    kind : str
        A key of `REGISTRIES` such as ``"models"``, or what messages call one of them, such as
        ``"model"``.

    Returns
    -------
    Registry
        Names and what they stand for.

    Raises
    ------
    EugeneError
        If there is no such kind.

    Examples
    --------
    >>> registry("models") is registry("model") is MODELS
    True
    """
    found = {"tasks": TASKS, **REGISTRIES, **{r.kind: r for r in REGISTRIES.values()}}
    if kind not in found:
        message = f"there are no {kind!r}{did_you_mean(kind, REGISTRIES, listed=20)}"
        raise EugeneError(message)
    return found[kind]


def register(kind: str, name: str, *, aliases: Iterable[str] = ()) -> Callable[[Thing], Thing]:
    """Enter a class or function of your own under a name; used as a decorator or a call.

    Parameters
    ----------
    kind : str
        What it is: a key of `REGISTRIES`, such as ``"models"`` or ``"losses"``.
    name : str
        Its name in YAML files, on the command line and in Python.
    aliases : iterable of str, optional
        Other names of it.

    Returns
    -------
    callable
        Takes the class, the function, or ``"module:name"``, and returns it as it is.

    Raises
    ------
    EugeneError
        If there is no such kind, or the name stands for something else.

    Examples
    --------
    >>> @register("losses", "my_error")
    ... def my_error(prediction, target, *, power: float = 2.0):
    ...     return (prediction - target).abs() ** power
    >>> [p.name for p in LOSSES.parameters("my_error")]
    ['power']
    """
    chosen = registry(kind)

    def enter(thing: Thing) -> Thing:
        chosen.register(name, thing, aliases=aliases)
        return thing

    return enter
