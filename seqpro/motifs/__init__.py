"""Motifs: matrices, sets of them, and the files they come in."""

from __future__ import annotations

from seqpro.motifs._carried import CARRIED, MotifLossWarning
from seqpro.motifs._convert import (
    consensus,
    information_content,
    pfm_to_ppm,
    ppm_to_pwm,
    pwm_to_ppm,
    reverse_complement,
)
from seqpro.motifs._fasta_like import (
    read_homer,
    read_jaspar,
    read_simdna,
    write_homer,
    write_jaspar,
)
from seqpro.motifs._meme import read_meme, write_meme
from seqpro.motifs._motif import Motif, MotifSet
from seqpro.motifs._read import read
from seqpro.motifs._transfac import read_transfac, write_transfac

__all__ = [
    "CARRIED",
    "Motif",
    "MotifLossWarning",
    "MotifSet",
    "consensus",
    "information_content",
    "pfm_to_ppm",
    "ppm_to_pwm",
    "pwm_to_ppm",
    "read",
    "read_homer",
    "read_jaspar",
    "read_meme",
    "read_simdna",
    "read_transfac",
    "reverse_complement",
    "write_homer",
    "write_jaspar",
    "write_meme",
    "write_transfac",
]
