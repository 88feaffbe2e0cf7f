"""Steps between reading a dataset and training on it, under EUGENe's names.

Every function changes the dataset it is given and returns None; with ``copy=True`` it leaves that
alone and returns a changed copy.
"""

from __future__ import annotations

from eugene.preprocess._sequences import make_unique_ids_sdata as make_unique_ids_sdata
from eugene.preprocess._sequences import ohe_seqs_sdata as ohe_seqs_sdata
from eugene.preprocess._sequences import pad_seqs_sdata as pad_seqs_sdata
from eugene.preprocess._splits import train_test_chrom_split as train_test_chrom_split
from eugene.preprocess._splits import train_test_homology_split as train_test_homology_split
from eugene.preprocess._splits import train_test_random_split as train_test_random_split
from eugene.preprocess._targets import binarize_targets_sdata as binarize_targets_sdata
from eugene.preprocess._targets import clamp_targets_sdata as clamp_targets_sdata
from eugene.preprocess._targets import scale_targets_sdata as scale_targets_sdata
