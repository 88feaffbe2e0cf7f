"""MotifData's names; motifs are `seqpro.motifs`. See ``docs/switching/eugene.md``."""

from __future__ import annotations

from seqpro.family import old_module

__eugene_dist__ = "eugene-genomics"

__getattr__, __dir__ = old_module(__name__)
