"""Design of sequences: evolution and its siblings under one set of constraints."""

from __future__ import annotations

from seqexplainer.design._constraints import Constraints
from seqexplainer.design._evolve import Evolution, evolve
from seqexplainer.design._objective import Objective
from seqexplainer.design._search import SEARCHES, Search, design
from seqexplainer.design._task import Design, Front, Path

__all__ = [
    "SEARCHES",
    "Constraints",
    "Design",
    "Evolution",
    "Front",
    "Objective",
    "Path",
    "Search",
    "design",
    "evolve",
]
