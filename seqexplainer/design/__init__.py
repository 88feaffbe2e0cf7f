"""Design of sequences: evolution and its siblings under one set of constraints."""

from __future__ import annotations

from seqexplainer.design._constraints import Constraints as Constraints
from seqexplainer.design._evolve import Evolution as Evolution
from seqexplainer.design._evolve import evolve as evolve
from seqexplainer.design._objective import Objective as Objective
from seqexplainer.design._search import SEARCHES as SEARCHES
from seqexplainer.design._search import Search as Search
from seqexplainer.design._search import design as design
from seqexplainer.design._task import Design as Design
from seqexplainer.design._task import Front as Front
from seqexplainer.design._task import Path as Path
