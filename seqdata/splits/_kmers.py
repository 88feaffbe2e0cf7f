"""Hashes of the k-mers of sequences, both strands alike."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from seqdata.schema import is_nucleotide

#: Digit of a letter outside the alphabet, which breaks a k-mer.
NO_DIGIT = 255


def digits_of(alphabet: str) -> NDArray[np.uint8]:
    """Return the digit of every byte under an alphabet.

    Parameters
    ----------
    alphabet : str
        Letters; of nucleotides, A, C, G and T (or U) are 0 to 3 whatever their order.

    Returns
    -------
    ndarray of uint8, shape (256,)
        Lower case counts as upper; 255 for letters outside the alphabet.

    Examples
    --------
    >>> digits_of("ACGU")[np.frombuffer(b"AcTN", np.uint8)].tolist()
    [0, 1, 3, 255]
    """
    kinds = ("A", "C", "G", "TU") if is_nucleotide(alphabet) else alphabet.upper()
    table = np.full(256, NO_DIGIT, np.uint8)
    for digit, letters in enumerate(kinds):
        for letter in letters:
            table[[ord(letter), ord(letter.lower())]] = digit
    return table


@numba.njit(nogil=True, cache=True)
def kmer_hashes(
    digits: NDArray[np.uint8],
    k: int,
    bits: int,
    both_strands: bool,
    salt: np.uint64,
    out: NDArray[np.uint64],
) -> int:
    """Write the hash of every k-mer of one row and return how many there are.

    Letters are packed ``bits`` to a digit, so ``k * bits`` is 63 at most. With
    ``both_strands`` the lesser of forward and reverse complement counts; digits are then those
    of nucleotides. ``out`` has room for as many as the row has letters.
    """
    wide = np.uint64(bits)
    high = np.uint64(bits * (k - 1))
    keep = (np.uint64(1) << np.uint64(bits * k)) - np.uint64(1)
    forward = np.uint64(0)
    reverse = np.uint64(0)
    run = 0
    count = 0
    for j in range(digits.shape[0]):
        digit = digits[j]
        if digit == 255:
            run = 0
            continue
        d = np.uint64(digit)
        forward = ((forward << wide) | d) & keep
        if both_strands:
            reverse = (reverse >> wide) | ((np.uint64(3) - d) << high)
        run += 1
        if run < k:
            continue
        z = (min(forward, reverse) if both_strands else forward) ^ salt
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[count] = z ^ (z >> np.uint64(31))
        count += 1
    return count
