"""Explanations of trained networks on datasets and run folders.

The arrays' own functions are in `seqexplainer`; here they meet datasets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.interpret._attribute import attribute_sequences as attribute_dataset
    from eugene.interpret._attribute import attribute_sequences as attribute_sequences
    from eugene.interpret._bigwig import attributions_to_bigwig as attributions_to_bigwig
    from eugene.interpret._filters import filter_motifs as filter_motifs
    from eugene.interpret._footprints import BIAS_MOTIFS as BIAS_MOTIFS
    from eugene.interpret._footprints import bias_footprints as bias_footprints
    from eugene.interpret._footprints import cut_site_words as cut_site_words
    from eugene.interpret._hits import hits_table as hits_table
    from eugene.interpret._letters import attribution_table as attribution_table
    from eugene.interpret._motifs import read_motifs as read_motifs
    from eugene.interpret._sdata import attribute_sdata as attribute_sdata
    from eugene.interpret._sdata import evolve_seqs_sdata as evolve_seqs_sdata
    from eugene.interpret._sdata import feature_implant_seq_sdata as feature_implant_seq_sdata
    from eugene.interpret._sdata import filters_to_meme_sdata as filters_to_meme_sdata
    from eugene.interpret._sdata import generate_pfms_sdata as generate_pfms_sdata
    from eugene.interpret._sdata import positional_gia_sdata as positional_gia_sdata
    from eugene.interpret._sequences import one_hot as one_hot
    from eugene.interpret._slide import evolve_sequences as evolve_dataset
    from eugene.interpret._slide import evolve_sequences as evolve_sequences
    from eugene.interpret._slide import slide_motifs as slide_motifs
    from eugene.interpret._spans import modisco_sdata as modisco_sdata
    from eugene.interpret._spans import scan_sdata as scan_sdata
    from eugene.interpret._spans import seqlets_sdata as seqlets_sdata
    from eugene.interpret._truth import FOUND_BELOW as FOUND_BELOW
    from eugene.interpret._truth import attribution_truth as attribution_truth
    from eugene.interpret._truth import planted_motifs as planted_motifs
    from eugene.interpret._truth import planted_motifs_found as planted_motifs_found
    from eugene.interpret._variants import variant_effects as variant_effects
else:
    __getattr__, __dir__ = facade(__name__)
