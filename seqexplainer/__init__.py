"""Explain sequence models: attributions, motifs, in-silico experiments, designed sequences.

Everything takes a `torch.nn.Module` on `(n_seqs, n_letters, length)` and arrays from numpy or
torch. Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqexplainer import calls as calls
    from seqexplainer import methods as methods
    from seqexplainer import metrics as metrics
    from seqexplainer import perturb as perturb
    from seqexplainer import plot as plot
    from seqexplainer import references as references
    from seqexplainer import statistics as statistics
    from seqexplainer._inputs import letters_for as letters_for
    from seqexplainer.attribute import Result as Result
    from seqexplainer.attribute import attribute as attribute
    from seqexplainer.attribute import layer_attribution as layer_attribution
    from seqexplainer.attribute import saturation_mutagenesis as saturation_mutagenesis
    from seqexplainer.design import Constraints as Constraints
    from seqexplainer.design import Design as Design
    from seqexplainer.design import Objective as Objective
    from seqexplainer.design import design as design
    from seqexplainer.design import evolve as evolve
    from seqexplainer.filters import generate_pfms as generate_pfms
    from seqexplainer.modisco import modisco as modisco
    from seqexplainer.motif_table import motif_table as motif_table
    from seqexplainer.motifs import annotate_pfms as annotate_pfms
    from seqexplainer.motifs import scan as scan
    from seqexplainer.perturb import ablate as ablate
    from seqexplainer.perturb import backgrounds as backgrounds
    from seqexplainer.perturb import cooperativity as cooperativity
    from seqexplainer.perturb import epistasis as epistasis
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

__eugene_dist__ = "eugene-genomics"

_MODULES = (
    *("calls", "errors", "filters", "methods", "metrics", "motifs", "perturb", "plot"),
    *("references", "running", "statistics"),
)
_HOMES = {
    "Result": "attribute",
    "attribute": "attribute",
    "saturation_mutagenesis": "attribute",
    "layer_attribution": "attribute",
    "Constraints": "design",
    "Design": "design",
    "Objective": "design",
    "design": "design",
    "evolve": "design",
    "generate_pfms": "filters",
    "modisco": "modisco",
    "motif_table": "motif_table",
    "annotate_pfms": "motifs",
    "scan": "motifs",
    "ablate": "perturb",
    "backgrounds": "perturb",
    "cooperativity": "perturb",
    "epistasis": "perturb",
    "marginalize": "perturb",
    "occlude": "perturb",
    "positional_importance": "perturb",
    "space": "perturb",
    "predict": "predict",
    "annotate_seqlets": "seqlets",
    "recursive_seqlets": "seqlets",
    "tfmodisco_seqlets": "seqlets",
    "sufficient_input_subsets": "sis",
    "variant_effects": "variants",
    "SeqexplainerError": "errors",
    "SeqexplainerWarning": "errors",
    "CompletenessWarning": "errors",
    "ReferenceWarning": "errors",
    "letters_for": "_inputs",
}

__all__ = sorted({*_MODULES, *_HOMES})


class _Package(ModuleType):
    """Package in which a function keeps its name when a module of that name is loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from seqpro import __version__ as version

        value: Any = version
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
