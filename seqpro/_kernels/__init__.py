"""All compiled code of seqpro.

Every kernel is serial, releases the GIL and is compiled at its first call, then read back from
the cache on disk. Serial kernels cost a few microseconds on a batch and are safe in forked data
loader workers. The variants that use several threads carry ``_parallel`` in their name and run
only where a caller asks for them.

Indices are unsigned on purpose: it spares the test for negative indices and lets reversed loops
vectorise. Arrays are C-contiguous unless a docstring says otherwise.
"""

from __future__ import annotations

from seqpro._kernels import _uncached as _uncached
from seqpro._kernels._count import (
    count_codes,
    count_kmers,
    effective_lengths,
    translate_rows,
)
from seqpro._kernels._encode import (
    decode_last,
    decode_planes,
    decode_words,
    encode_planes,
    gather,
    gather_parallel,
    gather_planes,
    gather_rows,
    letter_planes,
)
from seqpro._kernels._markov import (
    count_contexts,
    sample_markov,
    score_markov,
)
from seqpro._kernels._move import (
    align_rows,
    complement_reversed,
    complement_reversed_4,
    reverse_rows,
    slice_rows,
)
from seqpro._kernels._random import (
    combine,
    draw_below,
    hash_rows,
    mix64,
)
from seqpro._kernels._shuffle import (
    shuffle_rows,
)

__all__ = [
    "align_rows",
    "combine",
    "complement_reversed",
    "complement_reversed_4",
    "count_codes",
    "count_contexts",
    "count_kmers",
    "decode_last",
    "decode_planes",
    "decode_words",
    "draw_below",
    "effective_lengths",
    "encode_planes",
    "gather",
    "gather_parallel",
    "gather_planes",
    "gather_rows",
    "hash_rows",
    "letter_planes",
    "mix64",
    "reverse_rows",
    "sample_markov",
    "score_markov",
    "shuffle_rows",
    "slice_rows",
    "translate_rows",
]
