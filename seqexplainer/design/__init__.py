"""Design of sequences: evolution and its siblings under one set of constraints."""

from __future__ import annotations

from seqexplainer.design._constraints import Constraints
from seqexplainer.design._evolve import Evolution, evolve
from seqexplainer.design._search import Design, design

__all__ = ["Constraints", "Design", "Evolution", "design", "evolve"]
