"""Explain sequence models: attributions, motifs, in-silico experiments, designed sequences.

Everything takes a `torch.nn.Module` on `(n_seqs, n_letters, length)` and arrays from numpy or
torch. Names are loaded when they are first used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from seqpro.lazy import lazy_names

if TYPE_CHECKING:
    from seqexplainer import calls as calls
    from seqexplainer import errors as errors
    from seqexplainer import filters as filters
    from seqexplainer import methods as methods
    from seqexplainer import metrics as metrics
    from seqexplainer import motifs as motifs
    from seqexplainer import perturb as perturb
    from seqexplainer import plot as plot
    from seqexplainer import references as references
    from seqexplainer import running as running
    from seqexplainer import statistics as statistics
    from seqexplainer._inputs import letters_for as letters_for
    from seqexplainer._targets import OnlyOutput as OnlyOutput
    from seqexplainer.attribute import Result as Result
    from seqexplainer.attribute import attribute as attribute
    from seqexplainer.attribute import layer_attribution as layer_attribution
    from seqexplainer.attribute import saturation_mutagenesis as saturation_mutagenesis
    from seqexplainer.design import Constraints as Constraints
    from seqexplainer.design import Design as Design
    from seqexplainer.design import Objective as Objective
    from seqexplainer.design import design as design
    from seqexplainer.design import evolve as evolve
    from seqexplainer.errors import CompletenessWarning as CompletenessWarning
    from seqexplainer.errors import ReferenceWarning as ReferenceWarning
    from seqexplainer.errors import SeqexplainerError as SeqexplainerError
    from seqexplainer.errors import SeqexplainerWarning as SeqexplainerWarning
    from seqexplainer.errors import TargetWarning as TargetWarning
    from seqexplainer.evidence import motif_summary as motif_summary
    from seqexplainer.filters import generate_pfms as generate_pfms
    from seqexplainer.modisco import modisco as modisco
    from seqexplainer.motif_table import motif_table as motif_table
    from seqexplainer.motifs import annotate_pfms as annotate_pfms
    from seqexplainer.motifs import scan as scan
    from seqexplainer.perturb import ablate as ablate
    from seqexplainer.perturb import backgrounds as backgrounds
    from seqexplainer.perturb import cooperativity as cooperativity
    from seqexplainer.perturb import epistasis as epistasis
    from seqexplainer.perturb import footprint as footprint
    from seqexplainer.perturb import marginalize as marginalize
    from seqexplainer.perturb import occlude as occlude
    from seqexplainer.perturb import positional_importance as positional_importance
    from seqexplainer.perturb import space as space
    from seqexplainer.predict import predict as predict
    from seqexplainer.seqlets import annotate_seqlets as annotate_seqlets
    from seqexplainer.seqlets import recursive_seqlets as recursive_seqlets
    from seqexplainer.seqlets import tfmodisco_seqlets as tfmodisco_seqlets
    from seqexplainer.sis import sufficient_input_subsets as sufficient_input_subsets
    from seqexplainer.variants import variant_effects as variant_effects

    __version__: str
else:  # loaded when they are first asked for
    __getattr__, __dir__ = lazy_names(__name__)

__eugene_dist__ = "eugene-genomics"

_FUNCTIONS = ("attribute", "design", "modisco", "motif_table", "predict")


class _Package(ModuleType):
    """Package in which a function keeps its name when a module of that name is loaded."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _FUNCTIONS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
