"""Sequences whose ground truth is known, and the motifs and background they are made of."""

from __future__ import annotations

from eugene.simulate._code import CORE, synthetic_code
from eugene.simulate._dataset import KINDS, simulated
from eugene.simulate.background import human_background
from eugene.simulate.grammar import (
    Grammar,
    from_definition,
    grammar_rows,
    motif_ess_matrix,
    motif_kld_matrix,
    motif_table,
    read_text,
)
from eugene.simulate.motifs import code_motifs, embedded_motifs, find_motif

__all__ = [
    "CORE",
    "KINDS",
    "Grammar",
    "code_motifs",
    "embedded_motifs",
    "find_motif",
    "from_definition",
    "grammar_rows",
    "human_background",
    "motif_ess_matrix",
    "motif_kld_matrix",
    "motif_table",
    "read_text",
    "simulated",
    "synthetic_code",
]
