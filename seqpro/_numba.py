"""Names that code written for SeqPro 0.1 imports from here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def gufunc_translate(
    seq_kmers: NDArray[np.uint8], kmer_keys: NDArray[np.uint8], kmer_values: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Look k-mers up in a table; `seqpro.translate` is the fast way for whole sequences.

    Parameters
    ----------
    seq_kmers : ndarray of uint8, shape (..., k)
        ASCII codes.
    kmer_keys : ndarray of uint8, shape (n_keys, k)
    kmer_values : ndarray of uint8, shape (n_keys,)

    Returns
    -------
    ndarray of uint8, shape of the leading axes
        0 for a k-mer that is not in the table.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> from seqpro._numba import gufunc_translate
    >>> codons, letters = sp.AA.codon_array.view(np.uint8), sp.AA.aa_array.view(np.uint8)
    >>> gufunc_translate(sp.cast_seqs(["ATG", "TAA"]).view(np.uint8), codons, letters).tobytes()
    b'M*'
    """
    same = (seq_kmers[..., None, :] == kmer_keys).all(-1)
    found: NDArray[np.uint8] = np.where(same.any(-1), kmer_values[same.argmax(-1)], np.uint8(0))
    return found
