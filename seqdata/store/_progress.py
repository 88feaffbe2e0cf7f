"""A progress bar for work that takes more than a few seconds."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager

from seqpro.progress import Bar, counted


def progress_bar(what: str, total: int | None = None) -> AbstractContextManager[Bar]:
    """Return a bar over rows; it shows after a second, and only in a terminal.

    Parameters
    ----------
    what : str
        What is being done.
    total : int, optional
        Number of rows, where it is known.

    Returns
    -------
    context manager
        Of a bar; ``update(n)`` moves it.

    Examples
    --------
    >>> with progress_bar("build", 3) as bar:
    ...     _ = bar.update(3)
    """
    return counted(desc=what, total=total, unit="row", scale=1000, shown=sys.stderr.isatty())
