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


def _in(module: str, *names: str, **called: str) -> dict[str, str]:
    """Return where the things of a module are; keywords say what it calls them otherwise."""
    return {name: f"{module}:{called.get(name, name)}" for name in (*names, *called)}


MODELS = Registry(
    "model",
    _in(
        "eugene.models.zoo",
        cnn="CNN",
        hybrid="Hybrid",
        deepbind="DeepBind",
        deepstarr="DeepSTARR",
        jores21_cnn="Jores21CNN",
        kopp21_cnn="Kopp21CNN",
        bpnet="BPNet",
        chrombpnet="ChromBPNet",
        cherimoya="Cherimoya",
        basenji="Basenji",
        crested_basenji="CREstedBasenji",
        simple_convnet="SimpleConvNet",
        deeptopic_cnn="DeepTopicCNN",
        deeptopic_lstm="DeepTopicLSTM",
        dilated_cnn="DilatedCNN",
        legnet="LegNet",
        malinois="Malinois",
        explainn="ExplaiNN",
        sei="Sei",
        aparent="APARENT",
        optimus="Optimus5Prime",
        fcn="FCN",
        rnn="RNN",
        ds_fcn="dsFCN",
        ds_cnn="dsCNN",
        ds_rnn="dsRNN",
        ds_hybrid="dsHybrid",
        tutorial_cnn="TutorialCNN",
        inception="Inception",
        residualbind="ResidualBind",
        deepsea="DeepSEA",
        basset="Basset",
        factorized_basset="FactorizedBasset",
        danq="DanQ",
        satori="Satori",
        deepmel="DeepMEL",
        scbasset="scBasset",
        chromdragonn="ChromDragoNN",
        heartenn="HeartENN",
        acme_cnn="AcmeCNN",
        enformer="Enformer",
        enformer_finetune="EnformerFinetune",
        borzoi="Borzoi",
        operations="Operations",
        bayes_optimal="BayesOptimal",
    ),
    by_class=True,
    filled=(
        *("input_len", "output_dim", "input_channels", "profile"),
        *("n_outputs", "n_control_tracks", "trimming"),
    ),
)
MODULES = Registry(
    "module",
    _in(
        "eugene.models",
        sequence="SequenceModule",
        profile="ProfileModule",
        tracks="TrackModule",
    ),
    by_class=True,
    supplied=("arch", "augment"),
    filled=("alphabet", "pairs", "target_bins", "bin_size"),
)
LOSSES = Registry(
    "loss",
    _in(
        "eugene.modules.losses",
        *("mse", "mae", "huber", "poisson", "bce", "cross_entropy", "log1p_mse", "rmsle"),
        *("focal", "quantile", "negative_binomial"),
    )
    | _in("eugene.modules.row_losses", "poisson_multinomial", "cosine_mse", "mnll"),
    aliases={
        "log1pMSELoss": "log1p_mse",
        "binary_cross_entropy": "bce",
        "l1": "mae",
        "CosineMSELoss": "cosine_mse",
        "PoissonMultinomialLoss": "poisson_multinomial",
        "pinball": "quantile",
    },
    args=("prediction", "target"),
)
METRICS = Registry(
    "metric",
    _in(
        "eugene.modules.metrics",
        r2="R2Score",
        pearson="Pearson",
        spearman="Spearman",
        mse="MeanSquaredError",
        mae="MeanAbsoluteError",
        explained_variance="ExplainedVariance",
        ccc="ConcordanceCorrelation",
        poisson_deviance="PoissonDeviance",
        auroc="AUROC",
        auprc="AveragePrecision",
        accuracy="Accuracy",
        precision="Precision",
        recall="Recall",
        f1="F1Score",
        mcc="MatthewsCorrelation",
    ),
    aliases={
        "r2score": "r2",
        "explainedvariance": "explained_variance",
        "f1score": "f1",
        "average_precision": "auprc",
    },
)
OPTIMIZERS = Registry(
    "optimizer",
    _in(
        "torch.optim",
        adam="Adam",
        adamw="AdamW",
        sgd="SGD",
        rmsprop="RMSprop",
        adadelta="Adadelta",
        adagrad="Adagrad",
        adamax="Adamax",
        asgd="ASGD",
        nadam="NAdam",
        rprop="Rprop",
    ),
    args=("params", "lr"),
)
SCHEDULERS = Registry(
    "scheduler",
    {
        "reduce_lr_on_plateau": "torch.optim.lr_scheduler:ReduceLROnPlateau",
        **_in("eugene.modules.optimizers", "cosine", "one_cycle", "exponential"),
    },
    args=("optimizer",),
    filled=("total_steps",),
    defaults={"reduce_lr_on_plateau": {"patience": 2}},
)
LOGGERS = Registry(
    "logger",
    _in("eugene.train._loggers", "csv", "tensorboard", "wandb", "mlflow"),
    args=("folder",),
)
"""Where the figures of each epoch of a training are written."""
CALLBACKS = Registry(
    "callback",
    _in("eugene.train", consistency="Consistency", embeddings="KeptEmbeddings"),
    by_class=True,
)
"""What else listens to a training; what is shipped logs ``val_`` and its name."""
TASKS = Registry("task", dict.fromkeys(_TASKS, "eugene._tasks:get_task"), args=("name",))
"""What a module can be trained for."""
DATA_SOURCES = Registry(
    "data source",
    {
        **_in("eugene.data.sources", "table", "fasta", "regions", "genome", "zarr", "dataset"),
        **_in("eugene.data.sources", "tracks", "binned", "constructs"),
        **_in("eugene.simulate", "simulated", "synthetic_code", grammar="grammar_rows"),
        "seqgra_text": "eugene.simulate:read_text",
    },
    supplied=("out", "overwrite"),
    filled=("seed",),
)
SPLITS = Registry(
    "split",
    _in(
        "seqdata.splits",
        *("random", "chromosome", "column", "stratified", "kfold", "group", "homology", "fewer"),
    ),
    args=("ds",),
    filled=("seed",),
)
SAMPLERS = Registry(
    "sampler", _in("seqdata.loading", ratio="RatioSampler", weighted="WeightedSampler")
)
TARGET_TRANSFORMS = Registry(
    "target transform",
    _in(
        "seqdata.targets",
        clamp="Clamp",
        zscore="ZScore",
        log="Log",
        binarise="Binarise",
        quantile="Quantile",
    ),
    aliases={"binarize": "binarise"},
)
AUGMENTATIONS = Registry(
    "augmentation",
    {
        **_in(
            "seqpro.transforms.evolution",
            deletion="Deletion",
            insertion="Insertion",
            translocation="Translocation",
            inversion="Inversion",
            mutation="Mutation",
            reverse_complement="ReverseComplement",
        ),
        "noise": "eugene.augment:Noise",
    },
    aliases={"rc": "reverse_complement"},
)
REGULARIZERS = Registry(
    "regularizer",
    _in(
        "eugene.augment.regularizers",
        mixup="Mixup",
        manifold_mixup="ManifoldMixup",
        noise="InputNoise",
        manifold_noise="ManifoldNoise",
        adversarial="Adversarial",
        spectral_norm="SpectralNorm",
    ),
)
ATTRIBUTIONS = Registry(
    "attribution method",
    {name: str(method.compute) for name, method in METHODS.items()},
    aliases=ALIASES,
    args=("explained", "X"),
)
REFERENCES = Registry(
    "reference",
    _in("seqexplainer.references", "dinuc_shuffle", "shuffle", "zero", "uniform", "gc"),
    args=("X",),
)
INITIALIZERS = Registry(
    "initializer",
    _in("eugene.runs._network", "motifs", "random"),
    args=("arch",),
    filled=("seed",),
)
BASELINES = Registry(
    "baseline",
    _in("eugene.evaluate.baselines", kmer_ridge="KmerRidge", kmer_logistic="KmerLogistic"),
    filled=("seed",),
)
SEARCHES = Registry(
    "search",
    _in(
        "eugene.config.domains",
        uniform="Uniform",
        loguniform="LogUniform",
        quniform="QUniform",
        int="Int",
        lograndint="LogInt",
        choice="Choice",
        grid="Grid",
    ),
)
"""How ``eugene tune`` looks for the value of an argument: ``{search: NAME, ...}`` in its place."""
ADAPTERS = Registry(
    "adapter", _in("eugene.train._adapters", "lora"), args=("arch",), filled=("seed",)
)
"""What is trained beside the weights of a network."""
STAGE_HOOKS = Registry(
    "stage hook",
    {**_in("eugene.train._hooks", "redraw"), **_in("eugene.train._scale", "scale_counts")},
    args=("module", "datamodule"),
    filled=("seed",),
)
"""What a stage of a training does before its first epoch."""
_STEPS = (
    "data",
    "fit",
    "test",
    "attribute",
    "seqlets",
    "spacing",
    "modisco",
    "filters",
    "motif_table",
    "positional",
    "footprints",
    "robustness",
    "consistency",
    "grammar",
    "variants",
)
STEPS = Registry(
    "step",
    {
        name: f"eugene.runs.steps.{name}:{name}"
        for name in (*_STEPS, "evolve", "control", "truth", "report")
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
    "loggers": LOGGERS,
    "callbacks": CALLBACKS,
    "data_sources": DATA_SOURCES,
    "splits": SPLITS,
    "samplers": SAMPLERS,
    "target_transforms": TARGET_TRANSFORMS,
    "augmentations": AUGMENTATIONS,
    "regularizers": REGULARIZERS,
    "attributions": ATTRIBUTIONS,
    "references": REFERENCES,
    "initializers": INITIALIZERS,
    "baselines": BASELINES,
    "searches": SEARCHES,
    "adapters": ADAPTERS,
    "stage_hooks": STAGE_HOOKS,
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
        raise EugeneError(f"there are no {kind!r}{did_you_mean(kind, REGISTRIES, listed=20)}")
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
