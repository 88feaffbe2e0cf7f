"""How long a sequence is after each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eugene.nn import TooShortError


class Window(NamedTuple):
    """A layer that slides over positions.

    Attributes
    ----------
    layer : str
        Its name, for errors.
    kernel, stride, padding, dilation : int
        As in ``torch.nn.Conv1d``; the padding is at each end.
    partial : bool
        Whether a last window that reaches beyond the end counts, as ``ceil_mode`` of pooling.
    """

    layer: str
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    partial: bool = False

    def after(self, length: int) -> int:
        """Return how many positions the layer gives for ``length``; below 1 if it does not fit."""
        room = length + 2 * self.padding - self.dilation * (self.kernel - 1) - 1
        return (-(-room // self.stride) if self.partial else room // self.stride) + 1


def lengths(input_len: int, windows: Sequence[Window]) -> list[int]:
    """Follow a sequence through layers.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp.
    windows : sequence of Window
        The layers that change it, in order.

    Returns
    -------
    list of int
        Positions after each layer.

    Raises
    ------
    TooShortError
        If the sequence is too short, with the layer.

    Examples
    --------
    >>> lengths(100, [Window("conv", 9), Window("pool", 4, 4)])
    [92, 23]
    >>> lengths(10, [Window("conv", 9), Window("pool", 4, 4)])
    Traceback (most recent call last):
    ...
    eugene.nn._errors.TooShortError: input_len=10 is too short: 2 positions are left before pool, \
which is 4 wide
    """
    found: list[int] = []
    for window in windows:
        before = found[-1] if found else input_len
        found.append(window.after(before))
        if found[-1] < 1:
            width = window.dilation * (window.kernel - 1) + 1
            raise TooShortError(
                f"input_len={input_len} is too short: {before} positions are left before "
                f"{window.layer}, which is {width} wide"
            )
    return found
