"""Names that code written for SeqPro 0.1 imports from here."""

from __future__ import annotations

from collections import Counter

from seqpro._analyze import gc_content, length, nucleotide_content
from seqpro.errors import SeqproError

__all__ = ["count_kmers_seq", "gc_content", "length", "nucleotide_content"]


def count_kmers_seq(seq: str, k: int) -> dict[str, int]:
    """Count the k-mers of one string, whatever its letters; see `seqpro.kmer_counts` for arrays.

    Parameters
    ----------
    seq : str
    k : int

    Returns
    -------
    dict of str to int
        The k-mers that occur, in alphabetical order.

    Raises
    ------
    SeqproError
        If k is below 1 or the sequence is shorter.

    Examples
    --------
    >>> from seqpro._analyzers import count_kmers_seq
    >>> count_kmers_seq("ACACN", 2)
    {'AC': 2, 'CA': 1, 'CN': 1}
    """
    if not 1 <= k <= len(seq):
        msg = f"k must be between 1 and the length of the sequence, {len(seq)}, got {k}"
        raise SeqproError(msg)
    return dict(sorted(Counter(seq[i : i + k] for i in range(len(seq) - k + 1)).items()))
