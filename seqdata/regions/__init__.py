"""Tables of regions: resize, tile, overlap, cut sequences, matched negatives."""

from seqdata.readers.bed import check_regions as check_regions
from seqdata.readers.bed import read_bedlike as read_bedlike
from seqdata.regions._blocks import blocks as blocks
from seqdata.regions._blocks import linked as linked
from seqdata.regions._contigs import check_known as check_known
from seqdata.regions._negatives import sample_negatives as sample_negatives
from seqdata.regions._regions import fetch_one_hot as fetch_one_hot
from seqdata.regions._regions import fetch_sequences as fetch_sequences
from seqdata.regions._regions import label_overlapping_regions as label_overlapping_regions
from seqdata.regions._regions import overlaps as overlaps
from seqdata.regions._regions import resize as resize
from seqdata.regions._regions import tile as tile
from seqdata.regions._shuffled import add_shuffled_negatives as add_shuffled_negatives
from seqdata.regions._tiling import tiled_bins as tiled_bins
