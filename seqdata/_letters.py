"""The other strand of letters: what pairs with what, and rows that are turned.

The kernels are serial and free of the GIL: a batch is small, and a busy core would make a parallel
loop wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

import seqpro as sp
from seqdata.errors import SchemaError
from seqdata.schema import alphabet_letters, is_nucleotide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.schema import AlphabetLike


def complement_table(alphabet: AlphabetLike, *, strict: bool = True) -> NDArray[np.uint8]:
    """Return the complement of each byte: case kept, IUPAC codes complemented, others unchanged.

    Parameters
    ----------
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    strict : bool, default True
        Whether an alphabet without complement is an error; if not, each byte stands for itself.

    Returns
    -------
    ndarray of uint8, shape (256,)

    Raises
    ------
    SchemaError
        If the alphabet has no complement (amino acids), under ``strict``.

    Examples
    --------
    >>> table = complement_table("DNA")
    >>> bytes(table[np.frombuffer(b"ACGTnRy", "u1")]).decode()
    'TGCAnYr'
    >>> chr(complement_table("AA", strict=False)[ord("R")])
    'R'
    """
    letters = alphabet_letters(alphabet)
    kind = sp.RNA if "U" in letters else sp.DNA
    if sorted(letters) == sorted(kind.alphabet) or (not strict and is_nucleotide(letters)):
        return kind.complement_table
    if not strict:
        return np.arange(256, dtype=np.uint8)
    raise SchemaError(
        f"Letters {letters!r} have no complement: regions on the '-' strand cannot be read. "
        "Set the strand of the regions to '.'."
    )


@numba.njit(nogil=True, cache=True)
def gather_letters(
    source: NDArray[np.uint8],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    flip: NDArray[np.bool_],
    complement: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Gather windows of ASCII letters, reverse-complementing the flagged ones.

    Parameters
    ----------
    source : ndarray of uint8, shape (n, width_in)
        ASCII codes, right-padded with 0 where a row is shorter.
    rows, starts : ndarray of int64, shape (b,)
        Row number and first position (bp) of each window.
    flip : ndarray of bool, shape (b,)
        Which windows to reverse-complement.
    complement : ndarray of uint8, shape (256,)
        Complement of every byte.
    out : ndarray of uint8, shape (b, width)
        Receives the windows.
    """
    width = np.uint64(out.shape[1])
    one = np.uint64(1)
    for i in range(rows.shape[0]):
        start = starts[i]
        line = source[rows[i]][start : start + out.shape[1]]
        row = out[i]
        if flip[i]:
            used = width
            while used > 0 and line[used - one] == 0:
                used -= one
            # unsigned places need no check for counting from the end
            for j in range(used):
                row[j] = complement[line[used - one - j]]
            for j in range(used, width):
                row[j] = 0
        else:
            for j in range(width):
                row[j] = line[j]


@numba.njit(nogil=True, cache=True)
def turn_letters(
    rows: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    complement: NDArray[np.uint8],
) -> None:
    """Reverse-complement the chosen rows in place, each within its own length."""
    for i in range(rows.shape[0]):
        if not chosen[i]:
            continue
        left = 0
        right = lengths[i] - 1
        while left < right:
            a = complement[rows[i, left]]
            rows[i, left] = complement[rows[i, right]]
            rows[i, right] = a
            left += 1
            right -= 1
        if left == right:
            rows[i, left] = complement[rows[i, left]]
