"""SeqDatasets' names; the data sets are `seqdata.datasets`. See ``docs/switching/eugene.md``."""

from __future__ import annotations

from seqpro.family import old_module

__eugene_dist__ = "eugene-genomics"

__getattr__, __dir__ = old_module(__name__)
