"""Design of sequences: evolution and its siblings under one set of constraints."""

from __future__ import annotations

from seqexplainer.design._constraints import Constraints
from seqexplainer.design._evolve import Evolution, evolve

__all__ = ["Constraints", "Evolution", "evolve"]
