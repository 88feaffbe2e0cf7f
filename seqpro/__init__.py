"""Arrays of biological sequences: encode, change, measure.

The dtype says what an array holds: ``S1`` letters, ``uint8`` one-hot, ``int32`` tokens. Names are
loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqpro.lazy import lazy_names

if TYPE_CHECKING:
    from seqpro import alphabets as alphabets
    from seqpro import background as background
    from seqpro import errors as errors
    from seqpro import motifs as motifs
    from seqpro import random as random
    from seqpro import transforms as transforms
    from seqpro._analyze import gc_content as gc_content
    from seqpro._analyze import kmer_counts as kmer_counts
    from seqpro._analyze import kmer_rows as kmer_rows
    from seqpro._analyze import kmer_spectrum as kmer_spectrum
    from seqpro._analyze import kmers as kmers
    from seqpro._analyze import length as length
    from seqpro._analyze import nucleotide_content as nucleotide_content
    from seqpro._cast import cast_seqs as cast_seqs
    from seqpro._encode import decode_ohe as decode_ohe
    from seqpro._encode import decode_tokens as decode_tokens
    from seqpro._encode import ohe as ohe
    from seqpro._encode import tokenize as tokenize
    from seqpro._modify import bin_coverage as bin_coverage
    from seqpro._modify import jitter as jitter
    from seqpro._modify import k_shuffle as k_shuffle
    from seqpro._modify import pad_seqs as pad_seqs
    from seqpro._modify import random_seqs as random_seqs
    from seqpro._modify import remove_N_seqs as remove_N_seqs
    from seqpro._modify import remove_only_N_seqs as remove_only_N_seqs
    from seqpro._modify import reverse_complement as reverse_complement
    from seqpro._translate import transcribe as transcribe
    from seqpro._translate import translate as translate
    from seqpro._which import alphabet_name as alphabet_name
    from seqpro._which import alphabet_of as alphabet_of
    from seqpro._which import check_letters as check_letters
    from seqpro._which import other_alphabet as other_alphabet
    from seqpro.alphabets import AA as AA
    from seqpro.alphabets import DNA as DNA
    from seqpro.alphabets import RNA as RNA
    from seqpro.alphabets import AminoAlphabet as AminoAlphabet
    from seqpro.alphabets import NucleotideAlphabet as NucleotideAlphabet

    __version__: str
else:
    __getattr__, __dir__ = lazy_names(__name__)

__eugene_dist__ = "eugene-genomics"
