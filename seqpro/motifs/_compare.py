"""How far motifs are from each other, and how well one is found where another stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro.errors import SeqproError
from seqpro.motifs._convert import pfm_to_ppm
from seqpro.random import Seed, seed_from, uniform

_SMALLEST = np.finfo(np.float64).tiny
_LEAST = 1e-4
"""What stands for a probability of 0 in log-odds."""


def _ppm(matrix: ArrayLike, name: str) -> NDArray[np.float64]:
    found = pfm_to_ppm(matrix)
    if found.ndim != 2 or not found.shape[1]:
        raise SeqproError(f"{name} must have shape (A, width), got {found.shape}")
    return found


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, two = _ppm(first, "first"), _ppm(second, "second")
    if len(one) != len(two):
        raise SeqproError(f"the motifs have {len(one)} and {len(two)} letters: expected as many")
    return one, two


def min_divergence(first: ArrayLike, second: ArrayLike) -> float:
    """Compute the smallest relative entropy of two motifs over their alignments.

    The shorter one is slid along the longer, uniform positions around it; two of the same width
    are also shifted against each other by up to 0.7 of it, uniform positions filling both up.

    Parameters
    ----------
    first, second : ndarray of float, shape (A, width)
        Counts or probabilities, over the same letters.

    Returns
    -------
    float
        Bits, summed over positions: 0 for equal motifs. It is not symmetric, and about 1,000 for
        each letter that ``first`` has and ``second`` never (Krismer et al. 2022,
        doi:10.1093/bioinformatics/btac101).

    Raises
    ------
    SeqproError
        If a matrix has another shape, or they differ in their letters.

    Examples
    --------
    >>> import seqpro as sp
    >>> fixed = [[1.0], [0.0], [0.0], [0.0]]
    >>> sp.motifs.min_divergence(fixed, fixed), sp.motifs.min_divergence(fixed, [[1]] * 4)
    (0.0, 2.0)
    """
    one, two = _pair(first, second)
    letters, widths = len(one), (one.shape[1], two.shape[1])

    def padded(ppm: NDArray[np.float64], before: int, whole: int) -> NDArray[np.float64]:
        found = np.full((letters, whole), 1 / letters)
        found[:, before : before + ppm.shape[1]] = ppm
        return found

    if widths[0] == widths[1]:
        reach = widths[0] * 7 // 10
        whole = widths[0] + reach
        pairs = [(one, two)]
        pairs += [(padded(one, i, whole), padded(two, reach - i, whole)) for i in range(reach + 1)]
    else:
        whole = max(widths)
        pairs = [
            (padded(one, i if widths[0] < whole else 0, whole),
             padded(two, i if widths[1] < whole else 0, whole))
            for i in range(whole - min(widths) + 1)
        ]  # fmt: skip
    return min(_divergence(*pair) for pair in pairs)


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    p, q = np.maximum(p, _SMALLEST), np.maximum(q, _SMALLEST)
    return float((p * np.log2(p / q)).sum())


def best_scores(ppm: ArrayLike, codes: ArrayLike) -> NDArray[np.float64]:
    """Compute the largest log-odds of a motif in each sequence.

    Parameters
    ----------
    ppm : ndarray of float, shape (A, width)
        Counts or probabilities; a probability of 0 counts as 1e-4.
    codes : ndarray of int, shape (n, length)
        Sequences as rows of the matrix, from 0 to A - 1.

    Returns
    -------
    ndarray of float64, shape (n,)
        The largest sum of log2(A * probability) over all starts, on one strand.

    Raises
    ------
    SeqproError
        If sequences are shorter than the motif, or have other letters.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.best_scores([[1, 0], [0, 1], [0, 0], [0, 0]], [[3, 0, 1, 3]]).tolist()
    [4.0]
    """
    matrix, letters = _ppm(ppm, "ppm"), np.asarray(codes)
    width = matrix.shape[1]
    if letters.ndim != 2 or letters.shape[1] < width:
        raise SeqproError(f"codes must have shape (n, {width} or more), got {letters.shape}")
    if letters.size and not (letters.min() >= 0 and letters.max() < len(matrix)):
        raise SeqproError(f"codes must be from 0 to {len(matrix) - 1}")
    odds = np.log2(np.where(matrix <= 1e-8, _LEAST, matrix) * len(matrix))
    starts = letters.shape[1] - width + 1
    total = np.zeros((len(letters), starts))
    for place in range(width):
        total += odds[:, place][letters[:, place : place + starts]]
    return np.asarray(total.max(1))


def random_instances(ppm: ArrayLike, n: int, *, seed: Seed = None) -> NDArray[np.int64]:
    """Draw words from a motif, position by position.

    Parameters
    ----------
    ppm : ndarray of float, shape (A, width)
        Counts or probabilities.
    n : int
        Number of words.
    seed : int, Generator or None
        Each word depends on the seed and its number alone.

    Returns
    -------
    ndarray of int64, shape (n, width)
        Rows of the matrix.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.random_instances([[0, 1], [1, 0], [0, 0], [0, 0]], 2, seed=0).tolist()
    [[1, 0], [1, 0]]
    """
    matrix = _ppm(ppm, "ppm")
    drawn = uniform(seed_from(seed), np.arange(n)[:, None], np.arange(matrix.shape[1]))
    cuts = np.cumsum(matrix, axis=0)[:-1].T
    return np.asarray((drawn[..., None] >= cuts).sum(-1), np.int64)


def empirical_similarity(
    first: ArrayLike, second: ArrayLike, *, n: int = 100, flank: int = 100, seed: Seed = None
) -> NDArray[np.float64]:
    """Score random sequences in which one motif stands by another.

    Parameters
    ----------
    first : ndarray of float, shape (A, width)
        The motif that is looked for, by its log-odds.
    second : ndarray of float, shape (A, width)
        The motif whose instances stand in the middle of uniform letters.
    n : int
        Number of sequences.
    flank : int
        Uniform letters before and behind an instance.
    seed : int, Generator or None
        Seed of the draws.

    Returns
    -------
    ndarray of float64, shape (n,)
        The best score of ``first`` in each; their mean is the empirical similarity score
        (Krismer et al. 2022, doi:10.1093/bioinformatics/btac101). Not symmetric.

    Raises
    ------
    SeqproError
        If the motifs differ in their letters, or the flanks leave no room for ``first``.

    Examples
    --------
    >>> import seqpro as sp
    >>> gata = [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    >>> sp.motifs.empirical_similarity(gata, gata, n=3, seed=0).tolist()
    [8.0, 8.0, 8.0]
    """
    one, two = _pair(first, second)
    root = seed_from(seed)
    words = random_instances(two, n, seed=root)
    return best_scores(one, in_flanks(words, len(one), flank, seed=root))


def in_flanks(
    words: ArrayLike, n_letters: int, flank: int, *, seed: Seed = None
) -> NDArray[np.int64]:
    """Put words between uniform letters.

    Parameters
    ----------
    words : ndarray of int, shape (n, width)
        As `random_instances` gives them.
    n_letters : int
        Letters of the alphabet.
    flank : int
        Letters before and behind each word.
    seed : int, Generator or None
        Seed of the draws; they are others than those of `random_instances`.

    Returns
    -------
    ndarray of int64, shape (n, width + 2 * flank)

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.motifs.in_flanks([[0, 0, 0]], 4, 2, seed=0).shape
    (1, 7)
    """
    inside = np.asarray(words, np.int64)
    rows, columns = np.arange(len(inside))[:, None], np.arange(2 * flank)
    around = (uniform(seed_from(seed), 1, rows, columns) * n_letters).astype(np.int64)
    return np.concatenate([around[:, :flank], inside, around[:, flank:]], axis=1)
