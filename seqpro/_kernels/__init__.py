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
from seqpro._kernels._count import count_codes as count_codes
from seqpro._kernels._count import count_kmers as count_kmers
from seqpro._kernels._count import effective_lengths as effective_lengths
from seqpro._kernels._count import list_kmers as list_kmers
from seqpro._kernels._count import translate_rows as translate_rows
from seqpro._kernels._encode import decode_last as decode_last
from seqpro._kernels._encode import decode_planes as decode_planes
from seqpro._kernels._encode import decode_words as decode_words
from seqpro._kernels._encode import encode_planes as encode_planes
from seqpro._kernels._encode import gather as gather
from seqpro._kernels._encode import gather_parallel as gather_parallel
from seqpro._kernels._encode import gather_planes as gather_planes
from seqpro._kernels._encode import gather_rows as gather_rows
from seqpro._kernels._encode import letter_planes as letter_planes
from seqpro._kernels._evolve import AMOUNT as AMOUNT
from seqpro._kernels._evolve import BEFORE as BEFORE
from seqpro._kernels._evolve import CHOSEN as CHOSEN
from seqpro._kernels._evolve import DELETION as DELETION
from seqpro._kernels._evolve import INSERTION as INSERTION
from seqpro._kernels._evolve import INVERSION as INVERSION
from seqpro._kernels._evolve import LETTERS as LETTERS
from seqpro._kernels._evolve import MUTATION as MUTATION
from seqpro._kernels._evolve import PADDING as PADDING
from seqpro._kernels._evolve import REVERSE as REVERSE
from seqpro._kernels._evolve import SITES as SITES
from seqpro._kernels._evolve import START as START
from seqpro._kernels._evolve import TRANSLOCATION as TRANSLOCATION
from seqpro._kernels._evolve import VALUES as VALUES
from seqpro._kernels._evolve import add_noise as add_noise
from seqpro._kernels._evolve import draw_rows as draw_rows
from seqpro._kernels._evolve import evolve_planes as evolve_planes
from seqpro._kernels._evolve import map_rows as map_rows
from seqpro._kernels._evolve import move_planes as move_planes
from seqpro._kernels._evolve import spell_rows as spell_rows
from seqpro._kernels._markov import count_contexts as count_contexts
from seqpro._kernels._markov import sample_markov as sample_markov
from seqpro._kernels._markov import score_markov as score_markov
from seqpro._kernels._move import align_rows as align_rows
from seqpro._kernels._move import complement_reversed as complement_reversed
from seqpro._kernels._move import complement_reversed_4 as complement_reversed_4
from seqpro._kernels._move import reverse_rows as reverse_rows
from seqpro._kernels._move import slice_rows as slice_rows
from seqpro._kernels._normal import add_normal as add_normal
from seqpro._kernels._random import below as below
from seqpro._kernels._random import combine as combine
from seqpro._kernels._random import draw_below as draw_below
from seqpro._kernels._random import hash_rows as hash_rows
from seqpro._kernels._random import mix64 as mix64
from seqpro._kernels._shuffle import shuffle_rows as shuffle_rows
