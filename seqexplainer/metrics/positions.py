"""Agreement of importance along a sequence with positions that are known to matter."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqexplainer._inputs import ArrayLike, as_array, check_choice
from seqexplainer.errors import InputError

Compat = Literal["seqgra"]


class PositionAgreement(NamedTuple):
    """How well importance and the true positions of each sequence cover each other.

    Attributes
    ----------
    precision, recall, specificity, f1 : ndarray of float64, shape (n_seqs,)
        Between 0 and 1.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    specificity: NDArray[np.float64]
    f1: NDArray[np.float64]


class ElementRecovery(NamedTuple):
    """How important each placed element is: one entry an element, in the order of sequences.

    Attributes
    ----------
    sequence, element, start, width : ndarray of int64, shape (n_elements,)
        Which sequence it is in, what it is (its code), where it begins (0-based) and how many
        positions of it there are.
    importance, background : ndarray of float64, shape (n_elements,)
        Mean importance of its positions, and of the positions of its sequence that are part of no
        element (NaN where there are none).
    found : ndarray of bool, shape (n_elements,)
        Whether its importance is above that of the background.
    """

    sequence: NDArray[np.int64]
    element: NDArray[np.int64]
    start: NDArray[np.int64]
    width: NDArray[np.int64]
    importance: NDArray[np.float64]
    background: NDArray[np.float64]
    found: NDArray[np.bool_]


def position_vectors(
    attributions: ArrayLike, *, lengths: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return how important each position is, as a share of the most important one.

    What speaks against the explained output (negative numbers) counts as nothing, the letters of
    a position are summed, and the result is divided by the highest of its sequence.

    Parameters
    ----------
    attributions : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Attributions; of positions alone (n_seqs, length).
    lengths : array of int, shape (n_seqs,), optional
        Length of each sequence, where they differ and are padded on the right.

    Returns
    -------
    ndarray of float64, shape (n_seqs, length)
        From 0 to 1; all 0 where nothing is positive, and behind the end of a sequence.

    Raises
    ------
    InputError
        If attributions are not finite, or shapes do not fit.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> position_vectors(np.array([[[-1.0, 2.0], [0.5, 1.0]]]))
    array([[0.16666667, 1.        ]])
    """
    values = np.maximum(_columns(attributions), 0).sum(axis=1)
    values *= _inside(values.shape, lengths)
    highest = values.max(axis=1, initial=0, keepdims=True)
    vectors: NDArray[np.float64] = np.zeros_like(values)
    np.divide(values, highest, out=vectors, where=highest > 0)
    return vectors


def smooth_agreement(
    vectors: ArrayLike,
    grammar: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    compat: Compat | None = None,
) -> PositionAgreement:
    """Compare importance, as it is, with the positions of the grammar.

    Precision is the share of all importance that lies on the grammar, recall the mean importance
    of its positions, specificity 1 minus the mean importance of all others, and F1 the harmonic
    mean of the first two. Where there is nothing to find, precision and recall are 1 if nothing
    was found, and 0 otherwise, as they are with a threshold; precision is 0 where there was
    something to find and nothing is important; specificity is 1 where all is grammar.

    Parameters
    ----------
    vectors : ndarray or Tensor, shape (n_seqs, length)
        Importance from 0 to 1, as `position_vectors` gives it.
    grammar : ndarray or Tensor of bool or int, shape (n_seqs, length)
        Where the grammar is (not 0). Confounders are not.
    lengths : array of int, shape (n_seqs,), optional
        Length of each sequence, where they differ.
    compat : {"seqgra"}, optional
        The program's precision without grammar (1 if anything is important, 0 if nothing is), and
        its specificity without background (0 unless every position has an importance of 1).

    Returns
    -------
    PositionAgreement

    Raises
    ------
    InputError
        If shapes differ, or importance is not from 0 to 1.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> found = smooth_agreement(np.array([[0, 0, 1, 0.5, 0]]), np.array([[0, 0, 1, 1, 0]]))
    >>> found.precision, found.recall, found.specificity
    (array([1.]), array([0.75]), array([1.]))
    """
    z, truth, other = _sides(vectors, grammar, lengths)
    if z.size and (z.min() < 0 or z.max() > 1):
        raise InputError(
            f"importance must be from 0 to 1, found {z.min():.3g} to {z.max():.3g}: give what "
            "position_vectors returns"
        )
    on, off = (z * truth).sum(axis=1), (z * other).sum(axis=1)
    n_true, n_other = truth.sum(axis=1), other.sum(axis=1)
    nothing = on + off == 0
    precision = _share(on, on + off, np.where(n_true > 0, 0.0, 1.0))
    recall = _share(on, n_true, nothing.astype(np.float64))
    specificity = _share(n_other - off, n_other, np.ones(len(z)))
    if _is_seqgra(compat):
        precision = np.where(n_true > 0, precision, np.where(nothing, 0.0, 1.0))
        lit = np.isclose(on, n_true)
        specificity = np.where(n_other > 0, specificity, lit.astype(np.float64))
    return PositionAgreement(precision, recall, specificity, _harmonic(precision, recall))


def thresholded_agreement(
    attributions: ArrayLike,
    grammar: ArrayLike,
    *,
    threshold: float = 0.01,
    lengths: ArrayLike | None = None,
) -> PositionAgreement:
    """Compare the positions that are called important with those of the grammar.

    A position is called if the highest attribution of its letters, neither summed nor divided by
    anything, reaches the threshold. Where nothing is called and nothing was to be found, precision
    and recall are 1; specificity is 1 where all is grammar.

    Parameters
    ----------
    attributions : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Attributions; of positions alone (n_seqs, length).
    grammar : ndarray or Tensor of bool or int, shape (n_seqs, length)
        Where the grammar is (not 0).
    threshold : float
        Lowest attribution of a position that is called.
    lengths : array of int, shape (n_seqs,), optional
        Length of each sequence, where they differ.

    Returns
    -------
    PositionAgreement

    Raises
    ------
    InputError
        If shapes differ, or attributions are not finite.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> found = thresholded_agreement(np.array([[0.5, 0.2, 0.02, 0]]), np.array([[1, 1, 0, 0]]))
    >>> found.precision.round(3), found.recall, found.specificity
    (array([0.667]), array([1.]), array([0.5]))
    """
    called, truth, other = _sides(strongest(attributions) >= threshold, grammar, lengths)
    hits, false = (called * truth).sum(axis=1), (called * other).sum(axis=1)
    n_true, n_other = truth.sum(axis=1), other.sum(axis=1)
    precision = _share(hits, hits + false, np.where(n_true > 0, 0.0, 1.0))
    recall = _share(hits, n_true, (false == 0).astype(np.float64))
    specificity = _share(n_other - false, n_other, np.ones(len(called)))
    return PositionAgreement(precision, recall, specificity, _harmonic(precision, recall))


def strongest(attributions: ArrayLike) -> NDArray[np.float64]:
    """Return the highest attribution of the letters of each position.

    Parameters
    ----------
    attributions : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Attributions; of positions alone (n_seqs, length).

    Returns
    -------
    ndarray of float64, shape (n_seqs, length)

    Raises
    ------
    InputError
        If attributions are not finite, or have another shape.

    Examples
    --------
    >>> strongest(np.array([[[-1.0, 2.0], [0.5, 1.0]]]))
    array([[0.5, 2. ]])
    """
    highest: NDArray[np.float64] = _columns(attributions).max(axis=1)
    return highest


def element_recovery(
    vectors: ArrayLike,
    elements: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> ElementRecovery:
    """Tell how important each element is that was placed in a sequence.

    An element is a run of positions with one code. One that another was written over is as long
    as what is left of it.

    Parameters
    ----------
    vectors : ndarray or Tensor, shape (n_seqs, length)
        Importance, as `position_vectors` gives it.
    elements : ndarray or Tensor of int, shape (n_seqs, length)
        What each position is part of, 0 for nothing.
    groups : ndarray or Tensor of int, shape (n_seqs, length), optional
        What tells apart elements of one code that touch each other, such as the rule that placed
        them.
    lengths : array of int, shape (n_seqs,), optional
        Length of each sequence, where they differ.

    Returns
    -------
    ElementRecovery

    Raises
    ------
    InputError
        If shapes differ.

    Examples
    --------
    >>> found = element_recovery(np.array([[0, 1, 0.5, 0, 0.1]]), np.array([[0, 2, 2, 0, 3]]))
    >>> found.element, found.importance, found.found
    (array([2, 3]), array([0.75, 0.1 ]), array([ True,  True]))
    """
    codes = as_array(elements).astype(np.int64)
    z, truth, other = _sides(vectors, codes, lengths)
    codes = np.where(truth, codes, 0)
    other_ids = np.zeros_like(codes) if groups is None else as_array(groups).astype(np.int64)
    if other_ids.shape != codes.shape:
        raise InputError(f"groups must have shape {codes.shape}, got {other_ids.shape}")
    begins = np.zeros(codes.shape, np.bool_)
    begins[:, :1] = True
    begins[:, 1:] = (codes[:, 1:] != codes[:, :-1]) | (other_ids[:, 1:] != other_ids[:, :-1])
    at = np.flatnonzero(begins)
    sums = np.add.reduceat(z.ravel(), at) if len(at) else np.empty(0)
    width = np.diff(np.append(at, codes.size))
    kept = codes.ravel()[at] != 0
    at, sums, width = at[kept], sums[kept], width[kept]
    sequence, start = np.divmod(at, max(codes.shape[1], 1))
    empty = np.full(len(z), np.nan)
    background = _share((z * other).sum(axis=1), other.sum(axis=1), empty)[sequence]
    importance = sums / width
    return ElementRecovery(
        sequence,
        codes.ravel()[at],
        start,
        width,
        importance,
        background,
        importance > np.nan_to_num(background),
    )


def _columns(attributions: ArrayLike) -> NDArray[np.float64]:
    """Return attributions as finite numbers, shape (n_seqs, n_letters, length)."""
    values = as_array(attributions).astype(np.float64)
    values = values[:, None] if values.ndim == 2 else values
    if values.ndim != 3:
        raise InputError(
            "attributions must have shape (n_seqs, n_letters, length) or (n_seqs, length), "
            f"got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise InputError("attributions hold NaN or infinite values")
    return values


def _inside(shape: tuple[int, ...], lengths: ArrayLike | None) -> NDArray[np.bool_]:
    """Tell which positions are part of a sequence, shape (n_seqs, length)."""
    if lengths is None:
        return np.ones(shape, np.bool_)
    ends = as_array(lengths)
    if ends.shape != shape[:1]:
        raise InputError(f"lengths must be one a sequence, shape {shape[:1]}, got {ends.shape}")
    inside: NDArray[np.bool_] = np.arange(shape[1]) < ends[:, None]
    return inside


def _sides(
    values: ArrayLike, grammar: ArrayLike, lengths: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return numbers of positions, where the grammar is, and where other positions are."""
    numbers, truth = as_array(values).astype(np.float64), as_array(grammar) != 0
    if numbers.ndim != 2 or truth.shape != numbers.shape:
        raise InputError(
            f"positions have shape {numbers.shape} and the grammar {truth.shape}: expected "
            "(n_seqs, length) of both"
        )
    if not np.isfinite(numbers).all():
        raise InputError("importance holds NaN or infinite values")
    inside = _inside(numbers.shape, lengths)
    return numbers, truth & inside, ~truth & inside


def _share(
    part: NDArray[np.float64] | NDArray[np.int64],
    whole: NDArray[np.float64] | NDArray[np.int64],
    empty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return part / whole, and something else where the whole is 0."""
    found: NDArray[np.float64] = empty.copy()
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def _harmonic(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the harmonic mean, 0 where both are 0."""
    return _share(2 * a * b, a + b, np.zeros(len(a)))


def _is_seqgra(compat: str | None) -> bool:
    if compat is not None:
        check_choice(compat, ("seqgra",), "compat")
    return compat == "seqgra"
