"""Selection of architectures: grids of runs, and which of them found the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.select._compare import Comparison as Comparison
    from eugene.select._compare import compare as compare
    from eugene.select._evaluators import Evaluated as Evaluated
    from eugene.select._evaluators import evaluate_run as evaluate_run
    from eugene.select._grid import Grid as Grid
    from eugene.select._grid import grid as grid
    from eugene.select._grid import open_grid as open_grid
    from eugene.select._plan import Planned as Planned

__getattr__, __dir__ = facade(__name__)
