"""From files or a dataset to the batches that a network is trained on.

`SequenceDataModule` turns a dataset into Lightning loaders; `sources` makes datasets from tables,
FASTA files, genome regions and stores, as the ``data`` section of a run names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.data import sources as sources
    from eugene.data._summary import summarise as summarise
    from eugene.data.module import SequenceDataModule as SequenceDataModule

__getattr__, __dir__ = facade(__name__)
