"""The sections of a run's YAML file, each bound to the signature that its keys are.

The names of the arguments are the keys, the annotations the types and bounds, the numpydoc
texts the help. Things chosen by ``name:`` are described by their own signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from eugene.config import registries
from eugene.config._source import Parameter, read_signature


@dataclass(frozen=True)
class ReplicatesSection:
    """The same run over several seeds and variants.

    Attributes
    ----------
    seeds : list of int
        One training each.
    arms : dict
        Name -> overrides with dotted keys: ``{wide: {model.n_filters: 64}}``.
    interpret : str
        Which of the runs are also explained: first, all or none.
    """

    seeds: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    arms: dict[str, object] = field(default_factory=lambda: {"default": {}})
    interpret: Literal["first", "all", "none"] = "first"


# section -> whose arguments its keys are, which of them the program gives, other defaults
_BOUND: dict[str, tuple[str, frozenset[str], dict[str, str]]] = {
    "data": ("eugene.data.module:SequenceDataModule", frozenset({"ds", "seed"}), {}),
    "trainer": (
        "eugene.train:fit",
        frozenset(
            {
                *("module", "datamodule", "run_dir", "seed", "resume", "overwrite", "progress"),
                *("restore_best", "callbacks", "trainer_kwargs"),
            }
        ),
        {"accelerator": "'auto'"},
    ),
    "replicates": ("eugene.config.schema:ReplicatesSection", frozenset(), {}),
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
        replace(p, default=defaults.get(p.name, p.default))
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
    Parameter("trainer", "dict[str, Any]", "None", "How long and on what it is trained."),
    Parameter("baselines", "list[dict[str, Any]]", "[]", "Models to compare with."),
    Parameter("evaluate", "dict[str, Any]", "None", "What is measured on the test rows."),
    Parameter("interpret", "dict[str, Any] | None", "None", "What is explained."),
    Parameter("replicates", "dict[str, Any] | None", "None", "Seeds and arms."),
)
"""What may stand at the top of a file, in the order in which it is written back."""

SECTIONS: tuple[str, ...] = tuple(parameter.name for parameter in TOP)
