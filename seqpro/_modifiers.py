"""Names that code written for SeqPro 0.1 imports from here."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro._cast import normalize_axis
from seqpro._modify import (
    _slice_windows,
    bin_coverage,
    jitter,
    k_shuffle,
    random_seqs,
    reverse_complement,
)
from seqpro.errors import AxisError, SeqproError

__all__ = [
    "bin_coverage",
    "jitter",
    "k_shuffle",
    "normalize_coverage",
    "random_seqs",
    "reverse_complement",
]


def _align_axes(
    *arrays: NDArray[Any], axes: int | tuple[int, ...]
) -> tuple[tuple[NDArray[Any], ...], tuple[int, ...]]:
    """Move axes to the end of every array; return the arrays and where the axes went."""
    named = (axes,) if isinstance(axes, int) else tuple(axes)
    places = tuple(range(-len(named), 0))
    moved = tuple(np.moveaxis(array, named, places) for array in arrays)
    if len({array.shape[-len(named) : -1] for array in moved}) > 1:
        msg = f"arrays differ in size along axes {named[:-1]}"
        raise AxisError(msg)
    return moved, places


def _slice_kmers(array: NDArray[Any], starts: NDArray[np.integer], k: int) -> NDArray[Any]:
    """Cut k positions from each start; starts has the axes that come before the last one."""
    last = array.ndim - 1
    axes = tuple(range(last - starts.ndim, last))
    return _slice_windows(array, axes, last, starts.reshape(-1).astype(np.int64), k)


def normalize_coverage(
    coverage: NDArray[Any],
    method: Literal["CPM", "CPKM"],
    total_counts: ArrayLike,
    length_axis: int,
) -> NDArray[np.float64]:
    """Scale counts to a million reads, or to a million reads and a kilobase.

    Parameters
    ----------
    coverage : ndarray of numbers
    method : {"CPM", "CPKM"}
        Counts per million, or counts per kilobase and million.
    total_counts : int or ndarray of int
        Reads or fragments of the experiment; broadcasts against coverage.
    length_axis : int
        Its size, in bp, is the length that CPKM divides by.

    Returns
    -------
    ndarray of float64, shape of coverage

    Raises
    ------
    SeqproError
        If method is neither choice.

    Examples
    --------
    >>> import numpy as np
    >>> from seqpro._modifiers import normalize_coverage
    >>> normalize_coverage(np.array([1, 3]), "CPM", 1_000_000, -1).tolist()
    [1.0, 3.0]
    >>> normalize_coverage(np.array([1, 3]), "CPKM", 1_000_000, -1).tolist()
    [500.0, 1500.0]
    """
    if method not in ("CPM", "CPKM"):
        msg = f"method must be 'CPM' or 'CPKM', got {method!r}"
        raise SeqproError(msg)
    size = coverage.shape[normalize_axis(length_axis, coverage.ndim, "length_axis")]
    kilobases = size / 1e3 if method == "CPKM" else 1.0
    return np.asarray(coverage * 1e6 / np.asarray(total_counts) / kilobases)
