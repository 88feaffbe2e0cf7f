"""Files of sequences and signal, as Zarr-backed xarray datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import seqdata._accessor
import seqpro.kernels  # before any compiled code of ours: it may have to do without a cache
from seqdata._told import SeqdataWarning as SeqdataWarning
from seqdata.build import from_flat_files as from_flat_files
from seqdata.build import from_region_files as from_region_files
from seqdata.build._layers import add_layers_from_files as add_layers_from_files
from seqdata.build._merge import merge_obs as merge_obs
from seqdata.build._one_call import read_bam as read_bam
from seqdata.build._one_call import read_bigwig as read_bigwig
from seqdata.build._one_call import read_flat_fasta as read_flat_fasta
from seqdata.build._one_call import read_genome_fasta as read_genome_fasta
from seqdata.build._one_call import read_table as read_table
from seqdata.build._one_call import read_vcf as read_vcf
from seqdata.errors import SeqdataError as SeqdataError
from seqdata.readers import BAM as BAM
from seqdata.readers import VCF as VCF
from seqdata.readers import BigWig as BigWig
from seqdata.readers import Binned as Binned
from seqdata.readers import FlatFASTA as FlatFASTA
from seqdata.readers import Fragments as Fragments
from seqdata.readers import GenomeFASTA as GenomeFASTA
from seqdata.readers import Table as Table
from seqdata.readers._old import read_bedlike as read_bedlike
from seqdata.store import open_zarr as open_zarr
from seqdata.store import to_zarr as to_zarr
from seqdata.store._lock import FileLock as FileLock
from seqdata.variants import variant_windows as variant_windows
from seqdata.windows._open import open_regions as open_regions
from seqpro.lazy import lazy_names

if TYPE_CHECKING:
    from seqdata import constructs as constructs
    from seqdata import convert as convert
    from seqdata import datasets as datasets
    from seqdata import regions as regions
    from seqdata import schema as schema
    from seqdata import splits as splits
    from seqdata import targets as targets
    from seqdata import torch as torch
    from seqdata.convert import to_bedgraph as to_bedgraph
    from seqdata.convert import to_bigwig as to_bigwig
    from seqdata.torch import get_torch_dataloader as get_torch_dataloader

    __version__: str
else:  # loaded when they are first asked for; only the loader needs torch
    __getattr__, __dir__ = lazy_names(__name__)

__eugene_dist__ = "eugene-genomics"
