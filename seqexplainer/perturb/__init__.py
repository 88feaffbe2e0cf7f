"""In-silico experiments: edit sequences, score them before and after, and test the difference."""

from __future__ import annotations

from seqexplainer.perturb._backgrounds import backgrounds
from seqexplainer.perturb._edit import find_pattern, insert, randomise, substitute
from seqexplainer.perturb._effect import Effect
from seqexplainer.perturb._pairs import (
    Cooperativity,
    Epistasis,
    Spacing,
    cooperativity,
    epistasis,
    space,
)
from seqexplainer.perturb._single import (
    Positional,
    ablate,
    marginalize,
    occlude,
    positional_importance,
)

__all__ = [
    "Cooperativity",
    "Effect",
    "Epistasis",
    "Positional",
    "Spacing",
    "ablate",
    "backgrounds",
    "cooperativity",
    "epistasis",
    "find_pattern",
    "insert",
    "marginalize",
    "occlude",
    "positional_importance",
    "randomise",
    "space",
    "substitute",
]
