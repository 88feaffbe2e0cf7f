"""Compiled functions of seqpro that other packages call inside their own compiled code.

With them go the numbers by which they know augmentations and random streams. Loading it also lets
numba do without a cache where none can be written, for all packages.
"""

from __future__ import annotations

from seqpro._kernels import BEFORE as BEFORE
from seqpro._kernels import CHOSEN as CHOSEN
from seqpro._kernels import DELETION as DELETION
from seqpro._kernels import INSERTION as INSERTION
from seqpro._kernels import INVERSION as INVERSION
from seqpro._kernels import LETTERS as LETTERS
from seqpro._kernels import MUTATION as MUTATION
from seqpro._kernels import PADDING as PADDING
from seqpro._kernels import REVERSE as REVERSE
from seqpro._kernels import SITES as SITES
from seqpro._kernels import TRANSLOCATION as TRANSLOCATION
from seqpro._kernels import VALUES as VALUES
from seqpro._kernels import add_normal as add_normal
from seqpro._kernels import below as below
from seqpro._kernels import combine as combine
from seqpro._kernels import letter_planes as letter_planes
from seqpro._kernels import mix64 as mix64
