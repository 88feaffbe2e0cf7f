"""Training. Names are loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.models._weights import load_weights as load_weights
    from eugene.models._weights import read_checkpoint as read_checkpoint
    from eugene.models._weights import save_weights as save_weights
    from eugene.modules._checkpoint import load_checkpoint as load_checkpoint
    from eugene.train._consistency import Consistency as Consistency
    from eugene.train._embeddings import KeptEmbeddings as KeptEmbeddings
    from eugene.train._fit import FitResult as FitResult
    from eugene.train._fit import fit as fit
    from eugene.train._scale import scale_counts as scale_counts
    from eugene.train._sequences import fit_profile_module as fit_profile_module
    from eugene.train._sequences import fit_sequence_module as fit_sequence_module
    from eugene.train._stages import Stage as Stage
    from eugene.train._stages import StageResult as StageResult
    from eugene.train._stages import StagesResult as StagesResult
    from eugene.train._stages import stages as stages

__getattr__, __dir__ = facade(__name__)
