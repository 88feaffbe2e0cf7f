"""Readers: flat files (one record, one row) and region files (windows on contigs)."""

from seqdata.readers.bam import BAM as BAM
from seqdata.readers.bed import read_bedlike as read_bedlike
from seqdata.readers.bigwig import BigWig as BigWig
from seqdata.readers.fasta import FlatFASTA as FlatFASTA
from seqdata.readers.fasta import GenomeFASTA as GenomeFASTA
from seqdata.readers.fragments import Fragments as Fragments
from seqdata.readers.table import Table as Table
from seqdata.readers.vcf import VCF as VCF
