"""A progress bar for work that takes more than a few seconds."""

from __future__ import annotations

from typing import Any


def progress_bar(what: str, total: int | None = None) -> Any:
    """Return a bar over rows; it shows after two seconds, and only in a terminal.

    Parameters
    ----------
    what : str
        What is being done.
    total : int, optional
        Number of rows, where it is known.

    Returns
    -------
    tqdm
        To be used as a context manager; ``update(n)`` moves it.

    Examples
    --------
    >>> with progress_bar("build", 3) as bar:
    ...     _ = bar.update(3)
    """
    from tqdm import tqdm

    # None switches the bar off where no one looks
    return tqdm(desc=what, total=total, unit="row", unit_scale=True, delay=2, leave=False,
                disable=None)  # fmt: skip
