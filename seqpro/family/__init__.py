"""EUGENe's names: what they were, and what answers to them now.

One table, ``names.tsv``, lists every public name of the packages that EUGENe 0.1 was made of
(eugene, seqdata, seqpro, seqexplainer, seqdatasets, motifdata) with the arguments it took, and
what takes its place. Modules that are not here any more are found by it, calls under the old
arguments are understood by it, and ``docs/switching/eugene.md`` is written from it.

Targets are ``module:name`` and are imported when they are asked for, so that this package, which
stands under all others, knows them as text alone.
"""

from __future__ import annotations

from seqpro.family._calls import Accepted as Accepted
from seqpro.family._calls import Judge as Judge
from seqpro.family._calls import anything as anything
from seqpro.family._calls import check_call as check_call
from seqpro.family._calls import old_call as old_call
from seqpro.family._calls import old_places as old_places
from seqpro.family._calls import only as only
from seqpro.family._calls import places_of as places_of
from seqpro.family._calls import rename as rename
from seqpro.family._meanings import MEANINGS as MEANINGS
from seqpro.family._meanings import as_it_was as as_it_was
from seqpro.family._meanings import meanings_on as meanings_on
from seqpro.family._meanings import meant as meant
from seqpro.family._modules import install as install
from seqpro.family._modules import named as named
from seqpro.family._modules import old_module as old_module
from seqpro.family._modules import old_names as old_names
from seqpro.family._table import PAGE as PAGE
from seqpro.family._table import Old as Old
from seqpro.family._table import parameters_of as parameters_of
from seqpro.family._table import table as table
