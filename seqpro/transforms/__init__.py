"""Transforms: callables on arrays that carry a sequence and its tracks together.

Each takes one or more arrays and returns as many. Random transforms draw the same for every
array, and a draw depends on (seed, epoch, row id) only:

- ``epoch=None`` (the default) counts the calls, so each call draws afresh;
- ``row_ids=None`` draws for the rows by their place; give dataset row numbers to make the result
  independent of how rows are batched.
"""

from __future__ import annotations

from seqpro.transforms import evolution as evolution
from seqpro.transforms import plans as plans
from seqpro.transforms._augment import BaseTransform as BaseTransform
from seqpro.transforms._augment import Jitter as Jitter
from seqpro.transforms._augment import KShuffle as KShuffle
from seqpro.transforms._augment import Random as Random
from seqpro.transforms._augment import ReverseComplement as ReverseComplement
from seqpro.transforms._augment import Sequential as Sequential
from seqpro.transforms._augment import Tokenize as Tokenize
from seqpro.transforms._evolve import Evolve as Evolve
from seqpro.transforms._tmm import TMM as TMM
