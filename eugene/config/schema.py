"""The sections of a run's YAML file, each bound to the signature that its keys are.

The names of the arguments are the keys, the annotations the types and bounds, the numpydoc
texts the help. Things chosen by ``name:`` are described by their own signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from eugene.config import registries
from eugene.config._source import Parameter, read_signature
from eugene.config.marks import Least


@dataclass(frozen=True)
class ReplicatesSection:
    """The same run over several seeds or folds, and variants.

    Attributes
    ----------
    seeds : list of int, optional
        One training each; 0 to 4 by default, none with folds.
    folds : int, optional
        Folds of a cross-validation instead of seeds, 3 or more: each is tested once by a network
        that was neither trained nor stopped on it. They keep the rules of ``data.split``.
    leave_out : str, optional
        Column whose groups of rows are the folds instead, each group one of its own.
    arms : dict
        Name -> overrides with dotted keys: ``{wide: {model.n_filters: 64}}``.
    interpret : str
        Which of the runs are also explained: first, all or none.
    """

    seeds: list[int] | None = None
    folds: Annotated[int | None, Least(3)] = None
    leave_out: str | None = None
    arms: dict[str, object] = field(default_factory=lambda: {"default": {}})
    interpret: Literal["first", "all", "none"] = "first"


@dataclass(frozen=True)
class TuneSection:
    """How ``eugene tune`` searches: the space itself stands where the values would.

    Attributes
    ----------
    algorithm : str
        Where the next values come from: random draws, optuna (a model of what was good so far,
        the tree-structured Parzen estimator) or grid, every combination.
    scheduler : str
        Which trainings go on: none stops any early; asha lets the best go on at epochs that are
        reduction_factor times as far each; median stops what is worse than the median of the
        others; pbt gives the worst the weights of the best, with changed values.
    num_samples : int or None
        Trials that are drawn, 10 by default; with entries ``grid`` so many for each of their
        combinations.
    metric : str or None
        What trials are compared by, on validation rows; by default what the trainer watches.
    max_concurrent : int or None
        Most trials at a time; by default as many as there are resources for.
    resources : dict or None
        What a trial takes: ``{cpu: 2, gpu: 0.5}``; by default one CPU, and one GPU where the
        trainer uses such.
    seed : int or None
        Seed of the draws, by default that of the run, which all trials are trained with.
    grace_period : int
        Epochs that every trial is trained for at least.
    reduction_factor : int
        One in so many trials goes on at each rung of asha.
    perturbation_interval : int
        Epochs between the changes of pbt.
    address : str or None
        Address of a running Ray cluster, such as ``10.0.0.1:6379``, or auto; by default the
        search starts Ray on this machine and stops it at the end.
    """

    algorithm: Literal["random", "optuna", "grid"] = "random"
    scheduler: Literal["none", "asha", "median", "pbt"] = "none"
    num_samples: Annotated[int | None, Least(1)] = None
    metric: str | None = None
    max_concurrent: Annotated[int | None, Least(1)] = None
    resources: dict[str, float] | None = None
    seed: Annotated[int | None, Least(0)] = None
    grace_period: Annotated[int, Least(1)] = 1
    reduction_factor: Annotated[int, Least(2)] = 3
    perturbation_interval: Annotated[int, Least(1)] = 2
    address: str | None = None


@dataclass(frozen=True)
class StageSection:
    """One stage of a training: what differs from the run, and what is trained.

    Attributes
    ----------
    name : str
        Its name; its folder is stages/<number>_<name>.
    freeze : list of str
        Globs over names of parameters that stay as they are; ``part`` stands for ``part.*``.
    train : list of str
        Globs of those that are trained: alone, no other is; beside ``freeze``, these are though
        they are frozen by it.
    from_ : str
        Checkpoint of the stage before that this one starts from: best or last.
    adapters : dict, optional
        What is trained beside the weights, such as {name: lora, rank: 4}: nothing else is, apart
        from what train names and a new head.
    lr_scale : dict
        Globs of parameters and what the learning rate is multiplied by for them.
    lr_decay : float, optional
        Each part of the network learns so many times as fast as the part behind it.
    before : list of dict
        What is done before the first epoch: names of stage hooks and their arguments.
    data : dict, optional
        What differs in the data.
    model : dict, optional
        What differs in the network: its head or its adapters.
    module : dict, optional
        What differs in loss, metrics and optimiser.
    augment : dict, optional
        What differs in how training sequences are changed: ``{active: false}`` for original ones.
    trainer : dict, optional
        What differs in how it is trained.
    """

    name: str
    freeze: list[str] = field(default_factory=lambda: [])
    train: list[str] = field(default_factory=lambda: [])
    from_: Literal["best", "last"] = "best"
    adapters: dict[str, object] | None = None
    lr_scale: dict[str, float] = field(default_factory=lambda: {})
    lr_decay: float | None = None
    before: list[dict[str, object]] = field(default_factory=lambda: [])
    data: dict[str, object] | None = None
    model: dict[str, object] | None = None
    module: dict[str, object] | None = None
    augment: dict[str, object] | None = None
    trainer: dict[str, object] | None = None


@dataclass(frozen=True)
class SelectionSection:
    """Keys of a file of ``eugene select`` beside the sections that all its runs share.

    Attributes
    ----------
    name : str
        Name of the selection; its folder is runs/<name>_select.
    run_dir : str or None
        Another folder.
    models : dict
        Name -> what is trained: a name of the zoo, the file of a model definition (XML or YAML of
        seqgra), or sections of a run, of which ``model`` is one.
    definition : list of path, optional
        Data definitions of seqgra, XML or YAML, that rows are drawn from.
    sizes : list of int, optional
        With definitions: rows of all sets together, of which 70 % are trained on, 10 % validate
        and 20 % test.
    rates : list of float, optional
        With ``data``: shares of the training rows; of two, the larger has all rows of the smaller.
    data_seeds : list of int
        Seeds of the rows, or of the choice among them.
    model_seeds : list of int
        Seeds of the networks.
    seed_grid : bool
        Whether every data seed meets every model seed; else the first meets the first, and so on.
    explain : str
        Which of the runs also do steps that measure nothing, such as the report: none, all, or
        the first of each model.
    """

    models: dict[str, object]
    name: str = "select"
    run_dir: str | None = None
    definition: list[Path] = field(default_factory=lambda: [])
    sizes: list[int] = field(default_factory=lambda: [])
    rates: list[float] = field(default_factory=lambda: [])
    data_seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    model_seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    seed_grid: bool = False
    explain: Literal["none", "first", "all"] = "none"


# section -> whose arguments its keys are, which of them the program gives, other defaults
_BOUND: dict[str, tuple[str, frozenset[str], dict[str, str]]] = {
    "data": ("eugene.data.module:SequenceDataModule", frozenset({"ds", "seed"}), {}),
    "trainer": (
        "eugene.train:fit",
        frozenset(
            {
                *("module", "datamodule", "run_dir", "seed", "resume", "overwrite", "progress"),
                *("restore_best", "trainer_kwargs"),
            }
        ),
        {"accelerator": "'auto'"},
    ),
    "augment": ("eugene.augment:Augmenter", frozenset({"seed", "alphabet"}), {}),
    "replicates": ("eugene.config.schema:ReplicatesSection", frozenset(), {}),
    "tune": ("eugene.config.schema:TuneSection", frozenset(), {}),
    "stages": ("eugene.config.schema:StageSection", frozenset(), {}),
    "selection": ("eugene.config.schema:SelectionSection", frozenset(), {}),
}
_STEPS = {"evaluate": "test"}


def interpret_steps(asked: Iterable[str] = ()) -> list[str]:
    """Return the steps that a file asks for under ``interpret``.

    Parameters
    ----------
    asked : iterable of str, optional
        Keys that a file has there: where one is not known, plugins are loaded.

    Examples
    --------
    >>> interpret_steps()[:2]
    ['attribute', 'seqlets']
    """
    steps = registries.STEPS
    all(key in steps for key in asked)
    return [
        name
        for name in steps.entered
        if getattr(steps.get(name), "section", dotted := f"interpret.{name}") == dotted
    ]


def is_bound(section: str) -> bool:
    """Tell whether the keys of a section of the top are the arguments of one thing.

    Examples
    --------
    >>> is_bound("trainer"), is_bound("evaluate"), is_bound("baselines")
    (True, True, False)
    """
    return section in _BOUND or section in _STEPS


def parameters(section: str) -> tuple[Parameter, ...]:
    """Return the keys of a section that is bound to a signature.

    Parameters
    ----------
    section : str
        Such as ``"trainer"`` or ``"interpret.attribute"``.

    Returns
    -------
    tuple of Parameter
        With types, bounds, defaults and descriptions; the source is read, nothing is imported.

    Examples
    --------
    >>> [p.name for p in parameters("interpret.control")]
    ['shuffled_labels', 'max_epochs']
    """
    if section not in _BOUND:
        step = _STEPS.get(section, section.removeprefix("interpret."))
        return registries.STEPS.parameters(step)
    target, supplied, defaults = _BOUND[section]
    return tuple(
        replace(p, name=p.name.rstrip("_"), default=defaults.get(p.name, p.default))
        for p in read_signature(target).parameters
        if p.name not in supplied
    )


TOP: tuple[Parameter, ...] = (
    Parameter("name", "str", "'run'", "Name of the run; its folder is runs/<name>."),
    Parameter("seed", "int", "13", "Every random draw of the run follows from it."),
    Parameter("run_dir", "str | None", "None", "Folder of the run, instead of runs/<name>."),
    Parameter(
        "plugins", "list[str] | None", "None", "Modules or files that register what is named."
    ),
    Parameter("data", "dict[str, Any]", description="Sequences and targets."),
    Parameter("model", "dict[str, Any]", description="The network."),
    Parameter("module", "dict[str, Any]", "None", "Loss, metrics and optimiser around it."),
    Parameter("augment", "dict[str, Any] | None", "None", "How training sequences are changed."),
    Parameter("trainer", "dict[str, Any]", "None", "How long and on what it is trained."),
    Parameter(
        "stages", "list[dict[str, Any]] | None", "None", "Trainings one after another, and how."
    ),
    Parameter("baselines", "list[dict[str, Any]]", "[]", "Models to compare with."),
    Parameter("evaluate", "dict[str, Any]", "None", "What is measured on the test rows."),
    Parameter("interpret", "dict[str, Any] | None", "None", "What is explained."),
    Parameter("replicates", "dict[str, Any] | None", "None", "Seeds or folds, and arms."),
    Parameter("tune", "dict[str, Any] | None", "None", "How 'eugene tune' searches."),
)
"""What may stand at the top of a file, in the order in which it is written back."""

SECTIONS: tuple[str, ...] = tuple(parameter.name for parameter in TOP)
