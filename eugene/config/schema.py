"""The sections of a run's YAML file, each bound to the signature that its keys are.

The names of the arguments are the keys, the annotations the types and bounds, the numpydoc
texts the help. Things chosen by ``name:`` are described by their own signatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from eugene.config import registries
from eugene.config._source import Parameter, read_signature


@dataclass(frozen=True)
class Section:
    """A part of the file whose keys are the arguments of a function or class.

    Attributes
    ----------
    target : str
        ``"module:name"``; its source is read, it is not imported.
    supplied : frozenset of str
        Arguments that the program gives and a file never may.
    defaults : mapping of str to str
        Source text of a default, where that of a run is another.
    """

    target: str
    supplied: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)

    def parameters(self) -> tuple[Parameter, ...]:
        """Return the keys, with types, bounds, defaults and descriptions.

        Examples
        --------
        >>> [p.name for p in section("interpret.control").parameters()]
        ['shuffled_labels', 'max_epochs']
        """
        return tuple(
            replace(p, default=self.defaults.get(p.name, p.default))
            for p in read_signature(self.target).parameters
            if p.name not in self.supplied
        )

    def defaults_of(self) -> dict[str, Any]:
        """Return the value of each key that a file may leave out.

        Examples
        --------
        >>> section("interpret.control").defaults_of()
        {'shuffled_labels': True, 'max_epochs': None}
        """
        found = {p.name: p.literal_default() for p in self.parameters()}
        return {name: value for name, (literal, value) in found.items() if literal}


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
    arms: dict[str, Any] = field(default_factory=lambda: {"default": {}})
    interpret: Literal["first", "all", "none"] = "first"


BOUND: dict[str, Section] = {
    "data": Section("eugene.data.module:SequenceDataModule", frozenset({"ds", "seed"})),
    "trainer": Section(
        "eugene.train:fit",
        frozenset(
            {
                *("module", "datamodule", "run_dir", "seed", "resume", "overwrite", "progress"),
                *("restore_best", "callbacks", "trainer_kwargs"),
            }
        ),
        {"accelerator": "'auto'"},
    ),
    "evaluate": Section(registries.STEPS["test"], registries.STEPS.supplied),
    "replicates": Section("eugene.config.schema:ReplicatesSection"),
}
"""Sections that are bound to a signature, beside ``interpret.STEP`` (`registries.STEPS`)."""


def interpret_steps() -> list[str]:
    """Return the steps that a file asks for under ``interpret``.

    Examples
    --------
    >>> interpret_steps()[:2]
    ['attribute', 'seqlets']
    """
    return [
        name
        for name in registries.STEPS
        if getattr(registries.STEPS.get(name), "section", dotted := f"interpret.{name}") == dotted
    ]


def section(dotted: str) -> Section:
    """Return what a section is bound to.

    Parameters
    ----------
    dotted : str
        Such as ``"trainer"`` or ``"interpret.attribute"``.

    Returns
    -------
    Section
        Its keys are the parameters of its target.

    Examples
    --------
    >>> section("interpret.evolve").defaults_of()["rounds"]
    10
    """
    outer, _, step = dotted.partition(".")
    if outer == "interpret":
        return Section(registries.STEPS[step], registries.STEPS.supplied)
    return BOUND[dotted]


SECTIONS: tuple[str, ...] = (
    "name",
    "seed",
    "run_dir",
    "data",
    "model",
    "module",
    "trainer",
    "baselines",
    "evaluate",
    "interpret",
    "replicates",
)
"""The keys at the top of a file, in the order in which they are written back."""
