"""Pooling with the padding that Keras calls ``same``."""

from __future__ import annotations

from torch import nn


def same_max_pool(length: int, kernel: int) -> tuple[nn.MaxPool1d, int]:
    """Return a max pooling that steps by its width and reads every position, as in Keras.

    What is missing of the last window is shared between both ends, so that where windows begin
    depends on the length.

    Parameters
    ----------
    length, kernel : int
        Positions of the input and width of the windows.

    Returns
    -------
    pool : torch.nn.MaxPool1d
        The pooling.
    positions : int
        Positions that it gives: ``length / kernel``, rounded up.

    Examples
    --------
    >>> pool, positions = same_max_pool(10, 4)
    >>> positions, pool.padding
    (3, 1)
    """
    positions = -(-length // kernel)
    missing = positions * kernel - length
    return nn.MaxPool1d(kernel, padding=missing // 2, ceil_mode=True), positions
