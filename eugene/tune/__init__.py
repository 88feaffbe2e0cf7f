"""Search of hyper-parameters on Ray Tune. Names are loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.tune._results import best_config as best_config
    from eugene.tune._results import trials as trials
    from eugene.tune._run import run as run

__getattr__, __dir__ = facade(__name__)
