"""Curated datasets, motif sets and genomes by name: fetched once, checked, built, cached.

``list()`` tells what there is, ``info(name)`` what it is and where it comes from, ``get(name)``
returns it as a dataset.
"""

from __future__ import annotations

from seqdata.datasets._api import Genome as Genome
from seqdata.datasets._api import fetch as fetch
from seqdata.datasets._api import fetch_files as fetch_files
from seqdata.datasets._api import genome as genome
from seqdata.datasets._api import get as get
from seqdata.datasets._api import info as info
from seqdata.datasets._api import list_datasets as list
from seqdata.datasets._api import motifs as motifs
from seqdata.datasets._archive import extract as extract
from seqdata.datasets._download import download as download
from seqdata.datasets._family import K562_ATAC_seq as K562_ATAC_seq
from seqdata.datasets._family import K562_CTCF_ChIP_seq as K562_CTCF_ChIP_seq
from seqpro.family import old_names

__all__ = [
    "Genome",
    "K562_ATAC_seq",
    "K562_CTCF_ChIP_seq",
    "download",
    "extract",
    "fetch",
    "fetch_files",
    "genome",
    "get",
    "info",
    "list",
    "motifs",
]

__getattr__ = old_names(__name__)
