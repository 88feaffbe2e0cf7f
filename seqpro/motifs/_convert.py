"""Arithmetic on motif matrices: counts, probabilities, log-odds, information, consensus."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro.alphabets import DNA, IUPAC, BaseAlphabet, NucleotideAlphabet, named
from seqpro.errors import SeqproError

DEFAULT_PSEUDOCOUNT = 0.01
"""Pseudocount per letter that keeps log-odds finite."""


def _matrix(matrix: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim < 2:
        raise SeqproError(f"{name} must have shape (..., A, width), got {array.shape}")
    return array


def _background(background: ArrayLike | None, n_letters: int) -> NDArray[np.float64]:
    if background is None:
        return np.full(n_letters, 1.0 / n_letters)
    array = np.asarray(background, dtype=np.float64)
    if array.shape != (n_letters,) or (array <= 0).any() or abs(array.sum() - 1) > 1e-2:
        msg = f"background must be {n_letters} positive probabilities that sum to 1, got {array}"
        raise SeqproError(msg)
    return array / array.sum()


def pfm_to_ppm(pfm: ArrayLike, *, pseudocount: float = 0.0) -> NDArray[np.float64]:
    """Turn counts into probabilities.

    Parameters
    ----------
    pfm : ndarray of float, shape (..., A, width)
        Counts, not negative.
    pseudocount : float
        Added to every count.

    Returns
    -------
    ndarray of float64, same shape
        Columns sum to 1; a column without any count is uniform.

    Raises
    ------
    SeqproError
        If a count is negative.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.pfm_to_ppm([[3], [1], [0], [0]])[:, 0].tolist()
    [0.75, 0.25, 0.0, 0.0]
    """
    counts = _matrix(pfm, "pfm")
    if (counts < 0).any() or pseudocount < 0:
        raise SeqproError("counts and pseudocount must not be negative")
    counts = counts + pseudocount
    total = counts.sum(-2, keepdims=True)
    uniform = 1.0 / counts.shape[-2]
    filled = np.where(total == 0, uniform, counts)
    return np.asarray(filled / np.where(total == 0, 1.0, total))


def ppm_to_pwm(
    ppm: ArrayLike, *, background: ArrayLike | None = None, pseudocount: float = 0.0
) -> NDArray[np.float64]:
    """Turn probabilities into log-odds.

    Parameters
    ----------
    ppm : ndarray of float, shape (..., A, width)
    background : ndarray of float, shape (A,), optional
        Uniform by default.
    pseudocount : float
        Added to every probability before columns are scaled to 1 again.

    Returns
    -------
    ndarray of float64, same shape
        log2(probability / background); ``-inf`` where the probability is 0.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.ppm_to_pwm([[0.5], [0.25], [0.125], [0.125]])[:, 0].tolist()
    [1.0, 0.0, -1.0, -1.0]
    """
    probs = pfm_to_ppm(ppm, pseudocount=pseudocount)
    odds = probs / _background(background, probs.shape[-2])[:, None]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(odds))


def pwm_to_ppm(pwm: ArrayLike, *, background: ArrayLike | None = None) -> NDArray[np.float64]:
    """Turn log-odds back into probabilities.

    Parameters
    ----------
    pwm : ndarray of float, shape (..., A, width)
        log2 units.
    background : ndarray of float, shape (A,), optional

    Returns
    -------
    ndarray of float64, same shape

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.pwm_to_ppm([[1.0], [0.0], [-1.0], [-1.0]])[:, 0].tolist()
    [0.5, 0.25, 0.125, 0.125]
    """
    odds = _matrix(pwm, "pwm")
    return pfm_to_ppm(np.exp2(odds) * _background(background, odds.shape[-2])[:, None])


def information_content(
    ppm: ArrayLike, *, background: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Compute the information of each position.

    Parameters
    ----------
    ppm : ndarray of float, shape (..., A, width)
    background : ndarray of float, shape (A,), optional
        Uniform by default; then a fixed DNA position has 2 bits.

    Returns
    -------
    ndarray of float64, shape (..., width)
        Relative entropy to the background, in bits (doi:10.1093/nar/18.20.6097).

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.information_content([[1, 0.25], [0, 0.25], [0, 0.25], [0, 0.25]]).tolist()
    [2.0, 0.0]
    """
    probs = pfm_to_ppm(ppm)
    base = _background(background, probs.shape[-2])[:, None]
    safe = np.where(probs > 0, probs, 1.0)
    return np.asarray((probs * np.log2(safe / base) * (probs > 0)).sum(-2))


def consensus(
    ppm: ArrayLike, *, alphabet: BaseAlphabet | str = DNA, degenerate: bool = False
) -> str:
    """Spell the most likely sequence.

    Parameters
    ----------
    ppm : ndarray of float, shape (A, width)
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    degenerate : bool
        Use IUPAC letters (nucleotides only): one base where it has more than half and more than
        twice the next one, two where they have over three quarters, three where the fourth
        never occurs, else N (doi:10.1093/nar/15.4.1353).

    Returns
    -------
    str
        Of two equally likely letters, the first of the alphabet.

    Raises
    ------
    SeqproError
        If the matrix does not fit the alphabet.

    Examples
    --------
    >>> import seqpro as sp
    >>> ppm = [[0.5, 0.0], [0.5, 0.1], [0.0, 0.9], [0.0, 0.0]]
    >>> sp.motifs.consensus(ppm), sp.motifs.consensus(ppm, degenerate=True)
    ('AG', 'MG')
    """
    alphabet = named(alphabet)
    probs = pfm_to_ppm(ppm)
    if probs.ndim != 2 or probs.shape[0] != len(alphabet):
        raise SeqproError(f"ppm must have shape ({len(alphabet)}, width), got {probs.shape}")
    if not degenerate:
        return alphabet.array[probs.argmax(0)].tobytes().decode("ascii")
    if not isinstance(alphabet, NucleotideAlphabet) or len(alphabet) != 4:
        raise SeqproError("degenerate consensus letters exist for nucleotides only")
    codes = {frozenset(bases): code for code, bases in IUPAC.items()}
    return "".join(_degenerate_letter(column, alphabet, codes) for column in probs.T)


def _degenerate_letter(
    column: NDArray[np.float64], alphabet: BaseAlphabet, codes: dict[frozenset[str], str]
) -> str:
    order = np.argsort(-column, kind="stable")
    top = column[order]
    if top[0] > 0.5 and top[0] > 2 * top[1]:
        kept = 1
    elif top[0] + top[1] > 0.75:
        kept = 2
    elif top[3] == 0:
        kept = 3
    else:
        kept = 4
    letters = frozenset(alphabet.alphabet[i].replace("U", "T") for i in order[:kept])
    code = codes[letters]
    return "U" if code == "T" and "U" in alphabet.alphabet else code


def reverse_complement(matrix: ArrayLike) -> NDArray[np.float64]:
    """Reverse complement a nucleotide motif.

    Parameters
    ----------
    matrix : ndarray of float, shape (..., A, width)
        Rows in an order whose reverse is the complement, such as ACGT.

    Returns
    -------
    ndarray of float64, same shape

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.reverse_complement([[1, 2], [3, 4], [5, 6], [7, 8]]).tolist()
    [[8.0, 7.0], [6.0, 5.0], [4.0, 3.0], [2.0, 1.0]]
    """
    return np.ascontiguousarray(_matrix(matrix, "matrix")[..., ::-1, ::-1])
