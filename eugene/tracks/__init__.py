"""New tracks on a trunk: data from BigWig files, embeddings that are kept, predictions of regions.

`build` draws windows of a genome with binned signal; a run trains a head on them (module
``tracks``, callback ``embeddings`` for a frozen trunk); `predict` puts what it predicts back on the
genome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.tracks._build import build as build
    from eugene.tracks._build import draw_windows as draw_windows
    from eugene.tracks._fit import fit as fit
    from eugene.tracks._fit import with_store as with_store
    from eugene.tracks._hdf5 import read_hdf5 as read_hdf5
    from eugene.tracks._hdf5 import to_hdf5 as to_hdf5
    from eugene.tracks._measured import correlate as correlate
    from eugene.tracks._predict import predict as predict
    from eugene.tracks._predict import tile as tile
    from eugene.tracks._write import write as write

__getattr__, __dir__ = facade(__name__)
