"""SeqExplainer's functions under EUGENe's names and arguments: each calls what is here.

Arrays are (sequences, letters, length), as SeqExplainer's were, and numpy arrays come back.
"""

from seqexplainer.family._changed import embed_pattern_seq as embed_pattern_seq
from seqexplainer.family._changed import embed_pattern_seqs as embed_pattern_seqs
from seqexplainer.family._changed import embed_patterns_seq as embed_patterns_seq
from seqexplainer.family._changed import embed_patterns_seqs as embed_patterns_seqs
from seqexplainer.family._changed import evolution as evolution
from seqexplainer.family._changed import perturb_seq as perturb_seq
from seqexplainer.family._changed import perturb_seqs as perturb_seqs
from seqexplainer.family._changed import tile_pattern_seq as tile_pattern_seq
from seqexplainer.family._changed import tile_pattern_seqs as tile_pattern_seqs
from seqexplainer.family._filters import FeatureExtractor as FeatureExtractor
from seqexplainer.family._filters import get_activators_max_seqlets as get_activators_max_seqlets
from seqexplainer.family._filters import get_activators_n_seqlets as get_activators_n_seqlets
from seqexplainer.family._filters import get_layer_outputs as get_layer_outputs
from seqexplainer.family._filters import get_pfms as get_pfms
from seqexplainer.family._filters import plot_filter_logo as plot_filter_logo
from seqexplainer.family._filters import plot_filter_logos as plot_filter_logos
from seqexplainer.family._found import best_k_muts as best_k_muts
from seqexplainer.family._found import best_mut_seqs as best_mut_seqs
from seqexplainer.family._found import find_patterns_seq as find_patterns_seq
from seqexplainer.family._found import find_patterns_seqs as find_patterns_seqs
from seqexplainer.family._found import occlude_patterns_seq as occlude_patterns_seq
from seqexplainer.family._found import occlude_patterns_seqs as occlude_patterns_seqs
from seqexplainer.family._found import perturb_many as perturb_many
from seqexplainer.family._found import perturb_one as perturb_one
from seqexplainer.family._matrices import per_position_ic as per_position_ic
from seqexplainer.family._matrices import pfm_to_df as pfm_to_df
from seqexplainer.family._matrices import pfms_to_df_dict as pfms_to_df_dict
from seqexplainer.family._matrices import pfms_to_ppms as pfms_to_ppms
from seqexplainer.family._matrices import plot_attribution_logo as plot_attribution_logo
from seqexplainer.family._matrices import (
    plot_attribution_logo_heatmap as plot_attribution_logo_heatmap,
)
from seqexplainer.family._matrices import plot_attribution_logos as plot_attribution_logos
from seqexplainer.family._matrices import ppms_to_igms as ppms_to_igms
from seqexplainer.family._matrices import ppms_to_pwms as ppms_to_pwms
from seqexplainer.family._modisco import modisco as modisco
from seqexplainer.family._modisco import modisco_extract as modisco_extract
from seqexplainer.family._modisco import modisco_load_h5 as modisco_load_h5
from seqexplainer.family._modisco import modisco_logos as modisco_logos
from seqexplainer.family._references import delta as delta
from seqexplainer.family._references import dinuc_shuffle_ref_inputs as dinuc_shuffle_ref_inputs
from seqexplainer.family._references import gc_ref_inputs as gc_ref_inputs
from seqexplainer.family._references import (
    generate_dinucleotide_shuffled_set as generate_dinucleotide_shuffled_set,
)
from seqexplainer.family._references import generate_profile_set as generate_profile_set
from seqexplainer.family._references import generate_shuffled_set as generate_shuffled_set
from seqexplainer.family._references import generate_subset_set as generate_subset_set
from seqexplainer.family._references import get_reference as get_reference
from seqexplainer.family._references import gradient_correction as gradient_correction
from seqexplainer.family._references import k_shuffle_ref_inputs as k_shuffle_ref_inputs
from seqexplainer.family._references import l1 as l1
from seqexplainer.family._references import l2 as l2
from seqexplainer.family._references import naive_ism as naive_ism
from seqexplainer.family._references import profile_ref_inputs as profile_ref_inputs
from seqexplainer.family._references import random_ref_inputs as random_ref_inputs
from seqexplainer.family._references import shuffle_ref_inputs as shuffle_ref_inputs
from seqexplainer.family._references import zero_ref_inputs as zero_ref_inputs
from seqexplainer.family._sequences import ascii_decode_seq as ascii_decode_seq
from seqexplainer.family._sequences import ascii_decode_seqs as ascii_decode_seqs
from seqexplainer.family._sequences import ascii_encode_seq as ascii_encode_seq
from seqexplainer.family._sequences import ascii_encode_seqs as ascii_encode_seqs
from seqexplainer.family._sequences import decode_seq as decode_seq
from seqexplainer.family._sequences import decode_seqs as decode_seqs
from seqexplainer.family._sequences import dinuc_shuffle_seq as dinuc_shuffle_seq
from seqexplainer.family._sequences import dinuc_shuffle_seqs as dinuc_shuffle_seqs
from seqexplainer.family._sequences import gc_content_seq as gc_content_seq
from seqexplainer.family._sequences import gc_content_seqs as gc_content_seqs
from seqexplainer.family._sequences import ohe_seq as ohe_seq
from seqexplainer.family._sequences import ohe_seqs as ohe_seqs
from seqexplainer.family._sequences import reverse_complement_seq as reverse_complement_seq
from seqexplainer.family._sequences import reverse_complement_seqs as reverse_complement_seqs
from seqexplainer.family._sequences import sanitize_seq as sanitize_seq
from seqexplainer.family._sequences import sanitize_seqs as sanitize_seqs
