"""Readers: flat files (one record, one row) and region files (windows on contigs).

A reader of your own derives from `FlatReader`, which yields a `Block` of rows at a time, or from
`RegionReader`, which says what `Track` it makes and reads `Windows`.
"""

from seqdata.readers._base import Block as Block
from seqdata.readers._base import FlatReader as FlatReader
from seqdata.readers._base import RegionReader as RegionReader
from seqdata.readers._base import Track as Track
from seqdata.readers._base import Windows as Windows
from seqdata.readers._index_files import cache_dir as cache_dir
from seqdata.readers._squash import Squash as Squash
from seqdata.readers.bam import BAM as BAM
from seqdata.readers.bed import read_bedlike as read_bedlike
from seqdata.readers.bigwig import BigWig as BigWig
from seqdata.readers.binned import Binned as Binned
from seqdata.readers.fasta import FlatFASTA as FlatFASTA
from seqdata.readers.fasta import GenomeFASTA as GenomeFASTA
from seqdata.readers.fragments import Fragments as Fragments
from seqdata.readers.table import Table as Table
from seqdata.readers.track_table import TrackTable as TrackTable
from seqdata.readers.track_table import read_track_table as read_track_table
from seqdata.readers.vcf import VCF as VCF
