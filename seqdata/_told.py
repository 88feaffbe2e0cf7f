"""What was guessed, dropped or changed is said with one class of warning."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

_HERE = str(Path(__file__).parent)


class SeqdataWarning(UserWarning):
    """What was guessed, dropped or changed, and where."""


def tell(message: str) -> None:
    """Warn with the line of the first caller outside this package.

    Parameters
    ----------
    message : str
        What happened, where, and what to do if that was not meant.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     tell("x.bed: column 5 is taken for the strand.")
    >>> caught[0].category.__name__
    'SeqdataWarning'
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, SeqdataWarning, stacklevel=level)
