"""Datasets from files, one shard at a time."""

from seqdata.build._from_files import from_flat_files as from_flat_files
from seqdata.build._from_files import from_region_files as from_region_files
from seqdata.build._layers import add_layers_from_files as add_layers_from_files
from seqdata.build._merge import merge_obs as merge_obs
from seqdata.build._one_call import read_bam as read_bam
from seqdata.build._one_call import read_bigwig as read_bigwig
from seqdata.build._one_call import read_flat_fasta as read_flat_fasta
from seqdata.build._one_call import read_genome_fasta as read_genome_fasta
from seqdata.build._one_call import read_table as read_table
from seqdata.build._one_call import read_vcf as read_vcf
