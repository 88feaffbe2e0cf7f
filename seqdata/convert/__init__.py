"""Datasets as FASTA, BED, BigWig, AnnData and HDF5; stores of seqdata 0.1 and 0.2 read."""

from seqdata.convert._convert import to_anndata as to_anndata
from seqdata.convert._convert import to_bed as to_bed
from seqdata.convert._convert import to_fasta as to_fasta
from seqdata.convert._hdf5 import open_hdf5 as open_hdf5
from seqdata.convert._hdf5 import read_hdf5 as read_hdf5
from seqdata.convert._hdf5 import to_hdf5 as to_hdf5
from seqdata.convert._motifs import read_h5 as read_h5
from seqdata.convert._motifs import write_h5 as write_h5
from seqdata.convert._signal import contig_sizes as contig_sizes
from seqdata.convert._signal import to_bedgraph as to_bedgraph
from seqdata.convert._signal import to_bigwig as to_bigwig
from seqdata.store import read_legacy as read_legacy
