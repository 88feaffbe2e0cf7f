"""Nucleotides to amino acids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpro import _encode, _kernels
from seqpro._cast import cast_seqs, from_rows, letter_axis, one_hot_axes, to_rows
from seqpro._types import Sequences
from seqpro.alphabets import AA, AminoAlphabet, NucleotideAlphabet, nucleotides
from seqpro.errors import AlphabetError, SeqproError


def transcribe(seqs: Sequences) -> NDArray[np.bytes_]:
    """Write U for T: the letters of RNA, from sequences that were cut from a genome.

    Nothing is turned round: the strand that is given is the one that the RNA reads like.

    Parameters
    ----------
    seqs : str, bytes, list of them or ndarray of S1, shape (..., length)
        Letters of DNA; those of RNA stay what they are, and case is kept.

    Returns
    -------
    ndarray of S1, shape (..., length)

    Raises
    ------
    SeqproError
        If seqs are one-hot, which says the same of DNA and RNA.

    See Also
    --------
    seqpro.xr.transcribe : The same for a variable of a dataset, which then says that it is RNA.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.transcribe("TGTAaatNN").tobytes()
    b'UGUAaauNN'
    """
    array = cast_seqs(seqs)
    if array.dtype == np.uint8:
        raise SeqproError(
            "one-hot sequences have the same columns as DNA and RNA: there is no letter to "
            "change. Say alphabet='RNA' where their letters are asked for."
        )
    codes = array.view(np.uint8)
    rna = np.where((codes | 32) == ord("t"), codes + 1, codes).astype(np.uint8)
    return rna.view("S1")


def translate(
    seqs: Sequences,
    alphabet: AminoAlphabet = AA,
    *,
    length_axis: int | None = None,
    ohe_axis: int | None = None,
    nuc_alphabet: NucleotideAlphabet | str | None = None,
    truncate_stop: bool = False,
    validate: bool = False,
    unknown: str = "X",
) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    """Translate DNA or RNA to amino acids, frame 0.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 (..., length) or one-hot uint8 (..., length, 4)
        T and U mean the same, lower case counts as upper case. NUL codons (the padding of
        ragged lists) stay NUL.
    alphabet : AminoAlphabet
        Its codons; `AA` is the standard genetic code.
    length_axis, ohe_axis : int, optional
        As in `reverse_complement`.
    nuc_alphabet : NucleotideAlphabet, optional
        Order of the one-hot columns, `DNA` by default.
    truncate_stop : bool
        Blank everything after the first stop (NUL in letters, zeros in one-hot).
    validate : bool
        Raise where a codon is not in the table instead of writing unknown.
    unknown : str
        Letter of a codon that is not in the table.

    Returns
    -------
    ndarray of S1, shape (..., length / codon length)
        One-hot uint8 over ``alphabet.alphabet`` where seqs is one-hot.

    Raises
    ------
    SeqproError
        If the length is no multiple of the codon length, or validate finds an unknown codon.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.translate("ATGGCCTAAAAA").tobytes()
    b'MA*K'
    >>> sp.translate("AUGNCC").tobytes()
    b'MX'
    """
    array = cast_seqs(seqs)
    unknown_code = np.uint8(_encode.single_letter(unknown, "unknown"))
    if array.dtype != np.uint8:
        axis = letter_axis(array, length_axis)
        rows, leading = to_rows(array.view(np.uint8), axis)
        out = _translate_rows(rows, alphabet, unknown_code, truncate_stop, validate)
        return from_rows(out, leading, axis).view("S1")
    bases = nucleotides(nuc_alphabet or "DNA")
    positions, columns = one_hot_axes(array, length_axis, ohe_axis, bases)
    hot, leading = to_rows(array.view(np.uint8), positions, columns)
    letters = _encode.decode_ohe(hot, -1, bases).view(np.uint8)
    out = _translate_rows(letters, alphabet, unknown_code, truncate_stop, validate)
    encoded = _encode.ohe(out.view("S1"), alphabet)
    return from_rows(encoded, leading, positions, columns).astype(np.uint8, copy=False)


def _translate_rows(
    rows: NDArray[np.uint8],
    alphabet: AminoAlphabet,
    unknown: np.uint8,
    truncate_stop: bool,
    validate: bool,
) -> NDArray[np.uint8]:
    size = alphabet.codon_array.shape[1]
    if rows.shape[1] % size:
        raise SeqproError(f"length {rows.shape[1]} is not evenly divisible by codon length {size}")
    lookup, table = _codon_tables(alphabet, unknown)
    out = np.empty((rows.shape[0], rows.shape[1] // size), np.uint8)
    _kernels.translate_rows(rows, lookup, table, size, truncate_stop, out)
    if validate and (bad := np.argwhere(_unknown_codons(rows, lookup, table, size))).size:
        row, codon = (int(v) for v in bad[0])
        text = rows[row, codon * size : (codon + 1) * size].tobytes().decode("latin-1")
        msg = f"sequence {row} has no amino acid for codon {text!r} at position {codon * size}"
        raise AlphabetError(msg)
    return out


def _codon_tables(
    alphabet: AminoAlphabet, unknown: np.uint8
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the table byte -> digit and the table codon number -> amino acid.

    The digit after the last letter stands for any other letter, the one after that for NUL.
    """
    letters = sorted({letter for codon in alphabet.codons for letter in codon})
    base = len(letters) + 2
    lookup = np.full(256, base - 2, np.uint8)
    lookup[0] = base - 1
    for digit, letter in enumerate(letters):
        for same in _equal_letters(letter, letters):
            lookup[ord(same)] = digit
    size = alphabet.codon_array.shape[1]
    table = np.full(base**size, unknown, np.uint8)
    table[-1] = 0
    for codon, amino in alphabet.codon_to_aa.items():
        number = 0
        for letter in codon:
            number = number * base + int(lookup[ord(letter)])
        table[number] = ord(amino)
    return lookup, table


def _equal_letters(letter: str, letters: list[str]) -> list[str]:
    """List the spellings of a letter: either case, and T for U, unless they are letters too."""
    twins = {"T": "U", "U": "T", "t": "u", "u": "t"}
    same = {letter, letter.swapcase()}
    same |= {twins[c] for c in same if c in twins}
    return [c for c in same if c == letter or c not in letters]


def _unknown_codons(
    rows: NDArray[np.uint8], lookup: NDArray[np.uint8], table: NDArray[np.uint8], size: int
) -> NDArray[np.bool_]:
    """Mark the codons (n, L / size) that hold a letter outside the table."""
    other = lookup[255]
    digits = lookup[rows].reshape(rows.shape[0], -1, size)
    mixed = (digits == other + 1).any(-1) & ~(digits == other + 1).all(-1)
    return np.asarray((digits == other).any(-1) | mixed)
