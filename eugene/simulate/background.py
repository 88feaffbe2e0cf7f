"""A human-like background for simulated sequences, as numbers in the package."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from seqpro.background import MarkovModel

ORDER = 3
"""Letters that the next one depends on."""

# Per mille of A, C, G, T after AAA, AAC, AAG, AAT, ACA and so on; four contexts a line.
# fmt: off
_PER_MILLE = (
    (398, 151, 196, 255), (411, 241, 49, 299), (326, 194, 248, 232), (287, 173, 247, 293),
    (250, 224, 281, 245), (329, 282, 61, 328), (185, 252, 280, 283), (181, 240, 298, 281),
    (333, 182, 276, 209), (321, 311, 59, 309), (289, 260, 244, 207), (206, 199, 326, 269),
    (309, 169, 174, 348), (335, 266, 47, 352), (267, 192, 259, 282), (233, 202, 172, 393),
    (367, 184, 243, 206), (360, 276, 87, 277), (248, 251, 313, 188), (201, 214, 293, 292),
    (209, 241, 333, 217), (359, 264, 97, 280), (199, 285, 312, 204), (136, 294, 355, 215),
    (215, 202, 377, 206), (227, 393, 149, 231), (174, 283, 374, 169), (122, 241, 446, 191),
    (288, 232, 217, 263), (314, 329, 56, 301), (229, 237, 294, 240), (168, 255, 232, 345),
    (355, 163, 253, 229), (371, 269, 79, 281), (300, 197, 318, 185), (213, 203, 299, 285),
    (220, 216, 352, 212), (298, 271, 85, 346), (177, 263, 340, 220), (152, 244, 379, 225),
    (288, 161, 362, 189), (299, 292, 99, 310), (298, 233, 265, 204), (170, 215, 369, 246),
    (293, 157, 261, 289), (313, 269, 55, 363), (263, 195, 285, 257), (186, 221, 236, 357),
    (380, 149, 182, 289), (436, 220, 41, 303), (309, 207, 248, 236), (302, 154, 203, 341),
    (230, 243, 283, 244), (302, 308, 47, 343), (210, 243, 326, 221), (168, 275, 278, 279),
    (289, 173, 318, 220), (332, 295, 57, 316), (255, 224, 313, 208), (219, 194, 313, 274),
    (304, 178, 197, 321), (302, 278, 34, 386), (253, 202, 252, 293), (200, 203, 199, 398),
)
# fmt: on


@cache
def human_background() -> MarkovModel:
    """Return a Markov model of order 3 of the human genome.

    It was fitted with :meth:`seqpro.background.MarkovModel.fit` (pseudocount 1) on both strands
    of hg38 chr1:1-1,000,000 and chr22:32,000,001-32,300,000, 2.28 million letters after
    contexts without N, and rounded to per mille; AT-rich, with few CpG.

    Returns
    -------
    seqpro.background.MarkovModel
        Order 3 over ACGT; sequences start from its stationary distribution.

    Examples
    --------
    >>> human_background().sample(2, 50, seed=0).shape
    (2, 50)
    """
    from seqpro.background import MarkovModel

    return MarkovModel(ORDER, np.array(_PER_MILLE) / 1000.0)
