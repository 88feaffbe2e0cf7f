"""Names that code written for SeqPro 0.1 imports from here."""

from __future__ import annotations

import numpy as np

from seqpro._cast import cast_seqs
from seqpro._types import Sequences
from seqpro.errors import AxisError

__all__ = ["cast_seqs", "check_axes"]


def check_axes(
    seqs: Sequences,
    length_axis: int | bool | None = None,
    ohe_axis: int | bool | None = None,
) -> None:
    """Raise where an array of one-byte items comes without its axes.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray
    length_axis, ohe_axis : int, False or None
        None where it was not named, False where it is not needed.

    Raises
    ------
    AxisError
        If letters or one-hot come without length_axis, one-hot without ohe_axis, or both are
        the same.

    Examples
    --------
    >>> from seqpro._utils import check_axes
    >>> check_axes(["ACGT"])
    """
    if isinstance(seqs, np.ndarray) and seqs.itemsize == 1:
        if length_axis is None:
            msg = f"an array of {seqs.dtype} needs a length_axis"
            raise AxisError(msg)
        if ohe_axis is None and seqs.dtype == np.uint8:
            msg = "a one-hot array needs an ohe_axis"
            raise AxisError(msg)
    named = [axis for axis in (length_axis, ohe_axis) if axis is not None and axis is not False]
    if len(named) == 2 and named[0] == named[1]:
        msg = f"length_axis and ohe_axis are both {named[0]}; they must differ"
        raise AxisError(msg)
