"""The sections of a run's YAML file, each bound to the signature that its keys are.

The names of the arguments are the keys, the annotations the types and bounds, the numpydoc
texts the help. Things chosen by ``name:`` are described by their own signatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from eugene.config import registries
from eugene.config._source import Parameter, read_signature
from eugene.config.marks import ArgumentsOf, Least, Names


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
class EvaluateSection:
    """What is measured on the test rows.

    Attributes
    ----------
    n_bootstrap : int
        Resamples of the test rows for the 95 % intervals.
    subsets : dict
        Name -> boolean variable: the figures are also given for those rows alone.
    """

    n_bootstrap: Annotated[int, Least(0)] = 1000
    subsets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AttributeSection:
    """Which sequences are explained and how.

    Attributes
    ----------
    methods : list of str
        Attribution methods.
    split : str
        The rows to choose from.
    top : int
        So many rows with the highest prediction; ``null`` for all.
    references : str
        What sequences are compared with, for the methods that need it.
    n_references : int
        References a sequence.
    target : int or str
        Output that is explained.
    batch_size : int
        Sequences at a time.
    hypothetical : bool
        Whether the hypothetical form, which TF-MoDISco reads, is kept as well.
    """

    methods: Annotated[list[str], Names("attributions")] = field(
        default_factory=lambda: ["deep_lift_shap", "saturation_mutagenesis"]
    )
    split: Literal["train", "val", "test"] = "test"
    top: Annotated[int | None, Least(1)] = 100
    references: Annotated[str, Names("references")] = "dinuc_shuffle"
    n_references: Annotated[int, Least(1)] = 20
    target: int | str = 0
    batch_size: Annotated[int, Least(1)] = 128
    hypothetical: bool = False


@dataclass(frozen=True)
class SeqletsSection:
    """Stretches of high attribution, named by the motifs that they resemble.

    They are called on what ``attribute`` wrote.

    Attributes
    ----------
    method : str
        Attribution method; ``null`` takes the first of ``attribute``.
    caller : str
        recursive or tfmodisco.
    threshold : float
        Largest p-value of a recursive seqlet; false discovery rate of a tfmodisco one.
    motif_db : str
        Motifs to name them by: ``embedded`` or a file.
    max_q_value : float
        A match counts up to this q-value.
    """

    method: Annotated[str | None, Names("attributions")] = None
    caller: Literal["recursive", "tfmodisco"] = "recursive"
    threshold: Annotated[float, Least(0)] = 0.005
    motif_db: str = "embedded"
    max_q_value: Annotated[float, Least(0)] = 0.1


@dataclass(frozen=True)
class ModiscoSection:
    """Motifs of attributions, by TF-MoDISco; needs the extra ``modisco``.

    Attributes
    ----------
    method : str
        Attribution method.
    split : str
        The rows to choose from; ``null`` takes every row.
    max_sequences : int
        So many rows with the highest prediction; ``null`` for all.
    references : str
        What sequences are compared with, for the methods that need it.
    n_references : int
        References a sequence.
    target : int or str
        Output that is explained.
    batch_size : int
        Sequences at a time.
    window : int
        Central positions to search in bp; ``null`` searches everything.
    max_seqlets : int
        Most seqlets of either sign.
    min_seqlets : int
        Fewest seqlets of a pattern.
    n_leiden_runs : int
        Runs of the clustering, of which the best is taken.
    target_fdr : float
        False discovery rate of seqlets.
    motif_db : str
        Motifs to compare with: ``embedded`` or a file.
    """

    method: Annotated[str, Names("attributions")] = "deep_lift_shap"
    split: Literal["train", "val", "test"] | None = "test"
    max_sequences: Annotated[int | None, Least(1)] = 5000
    references: Annotated[str, Names("references")] = "dinuc_shuffle"
    n_references: Annotated[int, Least(1)] = 20
    target: int | str = 0
    batch_size: Annotated[int, Least(1)] = 128
    window: Annotated[int | None, Least(1)] = 400
    max_seqlets: Annotated[int, Least(1)] = 20000
    min_seqlets: Annotated[int, Least(1)] = 20
    n_leiden_runs: Annotated[int, Least(1)] = 50
    target_fdr: float = 0.2
    motif_db: str = "embedded"


@dataclass(frozen=True)
class FiltersSection:
    """Filters of a convolution as motifs.

    Attributes
    ----------
    layer : str
        Name of the convolution, such as ``conv.2``; ``null`` takes the first.
    method : str
        threshold or top_n.
    n : int
        Windows a filter for top_n.
    threshold : float
        Fraction of the filter's largest activation for threshold.
    both_strands : bool
        Whether the reverse complements of the sequences are looked at as well.
    split : str
        Rows whose windows are collected.
    max_sequences : int
        At most so many of them.
    motif_db : str
        Motifs to compare with: ``embedded`` or a file.
    """

    layer: str | None = None
    method: Literal["threshold", "top_n"] = "threshold"
    n: Annotated[int, Least(1)] = 100
    threshold: float = 0.75
    both_strands: bool = False
    split: Literal["train", "val", "test"] = "test"
    max_sequences: Annotated[int | None, Least(1)] = 2000
    motif_db: str = "embedded"


@dataclass(frozen=True)
class PositionalSection:
    """Motifs slid across backgrounds.

    Attributes
    ----------
    motifs : list of str
        Accessions or names in the motif set, or plain sequences; empty takes what was planted.
    n_backgrounds : int
        Test sequences, shuffled, that the motif is put into.
    stride : int
        Step in bp.
    pairs : bool
        Also slide each motif over backgrounds that hold each other one in the middle.
    motif_db : str
        ``embedded`` or a motif file.
    target : int or str
        Output that is measured.
    """

    motifs: list[str] = field(default_factory=list)
    n_backgrounds: Annotated[int, Least(1)] = 100
    stride: Annotated[int, Least(1)] = 4
    pairs: bool = False
    motif_db: str = "embedded"
    target: int | str = 0


@dataclass(frozen=True)
class EvolveSection:
    """Sequences evolved towards a higher prediction.

    Attributes
    ----------
    rounds : int
        Rounds of the search; for greedy and beam the changes a sequence. ``null`` takes what
        suits the method.
    n : int
        Sequences: the test rows with the lowest predictions.
    method : str
        ``greedy``, ``beam``, ``annealing``, ``genetic`` or ``gradient``.
    beam : int
        Candidates kept a round.
    maximize : bool
        Whether the prediction is raised or lowered.
    target : int or str
        Output that is changed.
    constraints : dict
        Limits of every change: ``protected`` (list of [start, end], bp), ``gc`` ([lowest,
        highest]), ``max_homopolymer`` (bp), ``forbidden`` (list of sites), ``max_edits``.
    """

    rounds: Annotated[int | None, Least(1)] = 10
    n: Annotated[int, Least(1)] = 10
    method: str = "greedy"
    beam: Annotated[int, Least(1)] = 1
    maximize: bool = True
    target: int | str = 0
    constraints: Annotated[dict[str, Any], ArgumentsOf("seqexplainer.design:Constraints")] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class ControlSection:
    """Trainings that must find nothing.

    Attributes
    ----------
    shuffled_labels : bool
        Train the same network on permuted targets.
    max_epochs : int
        Passes over the rows for it; ``null`` takes the trainer's.
    """

    shuffled_labels: bool = True
    max_epochs: Annotated[int | None, Least(1)] = None


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
    "evaluate": Section("eugene.config.schema:EvaluateSection"),
    "replicates": Section("eugene.config.schema:ReplicatesSection"),
}
"""Sections that are bound to a signature, beside ``interpret.STEP`` (`registries.STEPS`)."""


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
