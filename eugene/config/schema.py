"""The sections of a run's YAML file.

Each dataclass is one section: its fields are the keys, its annotations the types, its
docstring the help.  Things chosen by ``name:`` are described by their own signatures; what is
listed here for them are the keys that every choice takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class DataSection:
    """Where sequences and targets come from; beside ``name`` stand the source's arguments.

    Attributes
    ----------
    name : str
        The source: table, fasta, regions, genome, zarr or simulated.
    seq_var : str
        Variable that holds the sequences.
    target_vars : list of str
        Variables to be predicted, one output each.
    weight_var : str
        Variable with a weight for each sequence.
    sampler : dict
        Which training rows an epoch shows: ``{name: ratio, label: is_peak, ratio: 1}`` for all
        peaks and fresh negatives, ``{name: weighted, weights: w}`` for a draw by weights.
    split : dict
        How rows are dealt into train, validation and test: ``random``, or ``{name: random, ...}``
        with arguments; ``null`` keeps the split that the data carry.
    targets : list of dict
        Transforms of the targets, fitted on the training rows: ``[zscore]``, or
        ``[{name: zscore}]`` with arguments.
    batch_size : int
        Sequences in a batch.
    reverse_complement : bool
        Whether training sequences are reverse-complemented with probability one half.
    max_jitter : int
        Largest shift of a training window in bp.
    num_workers : int
        Loader processes; 0 is fast because batches are gathered by index.
    control_var : str
        Variable with tracks that are given to the network beside the sequence.
    mask_var : str
        Variable that says which positions of a target track count.
    length : int
        Positions of a window in bp; ``null`` for all stored, less the jitter on both sides. A
        source that makes sequences makes them so long.
    target_length : int
        Positions of a target track in bp, cut around the middle of the window.
    drop_last : bool
        Whether the last, smaller training batch is left out.
    pin_memory : bool
        Whether batches are put in page-locked memory; ``null`` where there is a GPU.
    in_memory : bool
        Whether the data are read whole; ``null`` up to 512 MiB.
    cache : str
        ``memmap`` decodes data that are read from files once, into files mapped into memory.
    cache_dir : path
        Where decoded files are kept; ``null`` for the cache directory.
    """

    name: str
    seq_var: str = "seq"
    target_vars: list[str] = field(default_factory=list)
    weight_var: str | None = None
    sampler: dict[str, Any] | None = None
    split: dict[str, Any] | None = None
    targets: list[dict[str, Any]] = field(default_factory=list)
    batch_size: int = 128
    reverse_complement: bool = False
    max_jitter: int = 0
    num_workers: int = 0
    control_var: str | None = None
    mask_var: str | None = None
    length: int | None = None
    target_length: int | None = None
    drop_last: bool = False
    pin_memory: bool | None = None
    in_memory: bool | None = None
    cache: Literal["memmap"] | None = None
    cache_dir: Path | None = None


@dataclass(frozen=True)
class TrainerSection:
    """How long and on what a network is trained.

    Attributes
    ----------
    max_epochs : int
        Largest number of passes over the training rows.
    patience : int
        Epochs without a better validation loss before training stops; ``null`` for never.
    accelerator : str
        auto, cpu, gpu or mps.
    devices : int
        How many of them.
    precision : str
        Lightning's name of the number format, such as 32-true or bf16-mixed.
    gradient_clip_val : float
        Largest norm of the gradient; ``null`` for no limit.
    accumulate_grad_batches : int
        Batches to a step of the optimiser.
    monitor : str
        What says which epoch is best, such as val_loss or val_auroc.
    min_delta : float
        Smaller changes of it are no improvement.
    strategy : str
        Lightning's name of how several devices work together.
    deterministic : bool
        Whether operations without a deterministic form are refused; ``null`` for Lightning's
        choice.
    mode : str
        ``min`` or ``max``: which way ``monitor`` is better; ``null`` for what is known of it.
    tensorboard : bool
        Whether values are logged for TensorBoard.
    """

    max_epochs: int = 30
    patience: int | None = 5
    accelerator: str = "auto"
    devices: int | str = 1
    precision: str | int = "32-true"
    gradient_clip_val: float | None = None
    accumulate_grad_batches: int = 1
    monitor: str = "val_loss"
    min_delta: float = 0.0
    strategy: str = "auto"
    deterministic: bool | None = None
    mode: Literal["min", "max"] | None = None
    tensorboard: bool = True


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

    n_bootstrap: int = 1000
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

    methods: list[str] = field(default_factory=lambda: ["deep_lift_shap", "saturation_mutagenesis"])
    split: str = "test"
    top: int | None = 100
    references: str = "dinuc_shuffle"
    n_references: int = 20
    target: int | str = 0
    batch_size: int = 128
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

    method: str | None = None
    caller: str = "recursive"
    threshold: float = 0.005
    motif_db: str = "embedded"
    max_q_value: float = 0.1


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

    method: str = "deep_lift_shap"
    split: str | None = "test"
    max_sequences: int | None = 5000
    references: str = "dinuc_shuffle"
    n_references: int = 20
    target: int | str = 0
    batch_size: int = 128
    window: int | None = 400
    max_seqlets: int = 20000
    min_seqlets: int = 20
    n_leiden_runs: int = 50
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
    method: str = "threshold"
    n: int = 100
    threshold: float = 0.75
    both_strands: bool = False
    split: str = "test"
    max_sequences: int | None = 2000
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
    n_backgrounds: int = 100
    stride: int = 4
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

    rounds: int | None = 10
    n: int = 10
    method: str = "greedy"
    beam: int = 1
    maximize: bool = True
    target: int | str = 0
    constraints: dict[str, Any] = field(default_factory=dict)


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
    max_epochs: int | None = None


@dataclass(frozen=True)
class InterpretSection:
    """What is done with the trained network; a part that is left out is not run.

    Attributes
    ----------
    attribute : dict
        See `AttributeSection`.
    seqlets : dict
        See `SeqletsSection`.
    modisco : dict
        See `ModiscoSection`.
    filters : dict
        See `FiltersSection`.
    positional : dict
        See `PositionalSection`.
    evolve : dict
        See `EvolveSection`.
    control : dict
        See `ControlSection`.
    """

    attribute: AttributeSection | None = None
    seqlets: SeqletsSection | None = None
    modisco: ModiscoSection | None = None
    filters: FiltersSection | None = None
    positional: PositionalSection | None = None
    evolve: EvolveSection | None = None
    control: ControlSection | None = None


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
    interpret: str = "first"


INTERPRET_SECTIONS: dict[str, type] = {
    "attribute": AttributeSection,
    "seqlets": SeqletsSection,
    "modisco": ModiscoSection,
    "filters": FiltersSection,
    "positional": PositionalSection,
    "evolve": EvolveSection,
    "control": ControlSection,
}

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


#: Least value of numbers, by section and key.
LEAST: dict[str, dict[str, float]] = {
    "data": {
        "batch_size": 1,
        "max_jitter": 0,
        "num_workers": 0,
        "length": 1,
        "target_length": 1,
    },
    "trainer": {
        "max_epochs": 1,
        "patience": 0,
        "accumulate_grad_batches": 1,
        "gradient_clip_val": 0,
        "min_delta": 0,
    },
    "evaluate": {"n_bootstrap": 0},
    "interpret.attribute": {"top": 1, "n_references": 1, "batch_size": 1},
    "interpret.seqlets": {"threshold": 0, "max_q_value": 0},
    "interpret.modisco": {
        "max_sequences": 1,
        "n_references": 1,
        "batch_size": 1,
        "window": 1,
        "max_seqlets": 1,
        "min_seqlets": 1,
        "n_leiden_runs": 1,
    },
    "interpret.filters": {"n": 1, "max_sequences": 1},
    "interpret.positional": {"n_backgrounds": 1, "stride": 1},
    "interpret.evolve": {"rounds": 1, "n": 1, "beam": 1},
    "interpret.control": {"max_epochs": 1},
}
