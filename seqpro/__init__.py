"""Arrays of biological sequences: encode, change, measure.

The dtype says what an array holds: ``S1`` letters, ``uint8`` one-hot, ``int32`` tokens.
"""

from __future__ import annotations

from typing import Any

from seqpro import _rng, alphabets, background, errors, motifs, transforms
from seqpro._analyze import (
    gc_content,
    kmer_counts,
    kmer_spectrum,
    kmers,
    length,
    nucleotide_content,
)
from seqpro._cast import cast_seqs
from seqpro._encode import decode_ohe, decode_tokens, ohe, tokenize
from seqpro._modify import (
    bin_coverage,
    jitter,
    k_shuffle,
    pad_seqs,
    random_seqs,
    remove_N_seqs,
    remove_only_N_seqs,
    reverse_complement,
)
from seqpro._translate import translate
from seqpro._which import alphabet_of, check_letters
from seqpro.alphabets import AA, DNA, RNA, AminoAlphabet, NucleotideAlphabet

__eugene_dist__ = "eugene-genomics"

__all__ = [
    "AA",
    "DNA",
    "RNA",
    "AminoAlphabet",
    "NucleotideAlphabet",
    "alphabet_of",
    "alphabets",
    "background",
    "bin_coverage",
    "cast_seqs",
    "check_letters",
    "decode_ohe",
    "decode_tokens",
    "errors",
    "gc_content",
    "jitter",
    "k_shuffle",
    "kmer_counts",
    "kmer_spectrum",
    "kmers",
    "length",
    "motifs",
    "nucleotide_content",
    "ohe",
    "pad_seqs",
    "random_seqs",
    "remove_N_seqs",
    "remove_only_N_seqs",
    "reverse_complement",
    "tokenize",
    "transforms",
    "translate",
]


def __getattr__(name: str) -> Any:
    """Look the version up when it is asked for."""
    if name == "__version__":
        from seqpro._version import version

        return version()
    message = f"module 'seqpro' has no attribute {name!r}"
    raise AttributeError(message)
