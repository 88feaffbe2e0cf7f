"""Synthetic constructs: payloads put into a locus, and windows drawn from them as views.

`build` makes one long window a payload; `sample` draws strides of them, a network's input long,
which hold nothing but offsets. `to_tsv`, `read_tsv`, `to_npy`: the files of finetune-enformer.
"""

from seqdata.constructs._build import build as build
from seqdata.constructs._original import fold_split as fold_split
from seqdata.constructs._original import one_hot as one_hot
from seqdata.constructs._original import read_tsv as read_tsv
from seqdata.constructs._original import to_npy as to_npy
from seqdata.constructs._original import to_tsv as to_tsv
from seqdata.constructs._place import Site as Site
from seqdata.constructs._place import centred as centred
from seqdata.constructs._place import in_window as in_window
from seqdata.constructs._place import place as place
from seqdata.constructs._place import read_site as read_site
from seqdata.constructs._place import read_sites as read_sites
from seqdata.constructs._place import tiles as tiles
from seqdata.constructs._place import write_sites as write_sites
from seqdata.constructs._sample import offsets as offsets
from seqdata.constructs._sample import require_constructs as require_constructs
from seqdata.constructs._sample import sample as sample
from seqdata.constructs._statistics import statistics as statistics
