"""How long a sequence is after each layer, and how long it has to be for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eugene.nn import ModelError


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

    def before(self, positions: int) -> int:
        """Return how many positions the layer needs to give ``positions``."""
        if self.partial:
            return (positions - 1) * self.stride - 2 * self.padding + 1
        return (positions - 1) * self.stride + self.dilation * (self.kernel - 1) + 1 - (
            2 * self.padding
        )


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
    ModelError
        If the sequence is too short, with the layer and the length that would do.

    Examples
    --------
    >>> lengths(100, [Window("conv", 9), Window("pool", 4, 4)])
    [92, 23]
    >>> lengths(10, [Window("conv", 9), Window("pool", 4, 4)])
    Traceback (most recent call last):
    ...
    eugene.nn._errors.ModelError: input_len=10 is too short for pool, 4 wide: 2 positions are left \
before it; at least 12 bp will do
    """
    found: list[int] = []
    for window in windows:
        before = found[-1] if found else input_len
        found.append(window.after(before))
        if found[-1] < 1 or (window.partial and before < 1):
            needed = 1
            for step in reversed(windows):
                needed = max(step.before(needed), 1)
            width = window.dilation * (window.kernel - 1) + 1
            raise ModelError(
                f"input_len={input_len} is too short for {window.layer}, {width} wide: {before} "
                f"positions are left before it; at least {needed} bp will do"
            )
    return found
