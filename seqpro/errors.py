"""Errors of seqpro.

All of them are `ValueError`, so code that catches `ValueError` keeps working.
"""

from __future__ import annotations


class SeqproError(ValueError):
    """Base of every error that seqpro raises on purpose.

    Examples
    --------
    >>> import seqpro as sp
    >>> issubclass(sp.errors.SeqproError, ValueError)
    True
    """


class AlphabetError(SeqproError):
    """An alphabet that contradicts itself, or data that do not fit the alphabet."""


class AxisError(SeqproError):
    """An axis that the array does not have, or that was needed and not named."""


class MotifFormatError(SeqproError):
    """A motif file that cannot be read; the message names file and line."""


class MissingMotifFileError(SeqproError, FileNotFoundError):
    """A motif file that does not exist."""
