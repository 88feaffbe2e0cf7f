"""Both strands of a sequence: a wrapper for any network, and filters that share parameters."""

from __future__ import annotations

import torch
from torch import nn

from eugene.nn._errors import ModelError
from eugene.nn._layers import MergeStrands, ReverseComplement, SameConv1d


class BothStrands(nn.Module):
    """Any network, run on a sequence and on its reverse complement, with what both give merged.

    Parameters
    ----------
    network : torch.nn.Module
        From float (batch, 4, length) to (batch, features).
    aggregate : {"max", "mean", "sum", "concat"}
        How both results are brought together. All but ``"concat"`` give a sequence and its
        reverse complement the same value.

    Raises
    ------
    ModelError
        If ``aggregate`` is none of these.

    Examples
    --------
    >>> network = BothStrands(nn.Sequential(nn.Flatten(), nn.Linear(40, 2)), "mean")
    >>> x = torch.rand(3, 4, 10)
    >>> bool(torch.allclose(network(x), network(x.flip(1, 2)), atol=1e-6))
    True
    """

    def __init__(self, network: nn.Module, aggregate: str = "mean") -> None:
        super().__init__()
        self.network = network
        self.reverse_complement = ReverseComplement()
        self.merge_strands = MergeStrands(aggregate)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, features * multiplier) from ``x``, float (batch, 4, length)."""
        merged: torch.Tensor = self.merge_strands(
            self.network(x), self.network(self.reverse_complement(x))
        )
        return merged


class RCPSConv1d(SameConv1d):
    """A convolution whose second half of channels is the reverse complement of the first.

    The channels of the second half stand in reversed order, so that to turn channels and
    positions round is to take the reverse complement, for the output as for one-hot sequence:
    layers can follow one another.

    Parameters
    ----------
    in_channels : int
        4 for one-hot sequence, twice the filters of the layer before otherwise.
    filters : int
        Filters with parameters of their own; the output has twice as many channels.
    kernel_size, dilation, bias
        As in ``torch.nn.Conv1d``; the length is kept, and the kernel has an odd width.

    Raises
    ------
    ModelError
        If the kernel is even: its padding has no middle.

    References
    ----------
    Shrikumar et al. 2017, https://doi.org/10.1101/103663

    Examples
    --------
    >>> conv = RCPSConv1d(4, 8, 5)
    >>> x = torch.rand(2, 4, 20)
    >>> bool(torch.allclose(conv(x.flip(1, 2)), conv(x).flip(1, 2), atol=1e-6))
    True
    """

    def __init__(
        self,
        in_channels: int,
        filters: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        if kernel_size % 2 == 0:
            raise ModelError(f"kernel_size={kernel_size} must be odd: both strands share a middle")
        super().__init__(in_channels, filters, kernel_size, dilation=dilation, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, 2 * filters, length) from ``x``, (batch, in_channels, length)."""
        weight = torch.cat((self.weight, self.weight.flip(0, 1, 2)))
        bias = None if self.bias is None else torch.cat((self.bias, self.bias.flip(0)))
        padding = self.dilation[0] * (self.kernel_size[0] // 2)
        return nn.functional.conv1d(x, weight, bias, padding=padding, dilation=self.dilation)


class RCPSBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation that treats a channel and its reverse complement as one.

    Parameters
    ----------
    filters : int
        Half as many as the channels of the input.
    eps, momentum : float
        As in ``torch.nn.BatchNorm1d``.

    Examples
    --------
    >>> RCPSBatchNorm1d(3)(torch.rand(2, 6, 10)).shape
    torch.Size([2, 6, 10])
    """

    def __init__(self, filters: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(filters, eps=eps, momentum=momentum)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x``, (batch, 2 * filters, length), normalised."""
        ahead, back = x.chunk(2, dim=1)
        both = super().forward(torch.cat((ahead, back.flip(1)), dim=2))
        ahead, back = both.chunk(2, dim=2)
        return torch.cat((ahead, back.flip(1)), dim=1)


class RCPSPool(nn.Module):
    """A channel and its reverse complement brought together, which ends a stack of RCPS layers.

    With a pooling over all positions behind it the network is blind to the strand.

    Parameters
    ----------
    aggregate : {"max", "mean", "sum"}
        How the two are brought together.

    Raises
    ------
    ModelError
        If ``aggregate`` is none of these.

    Examples
    --------
    >>> pooled = nn.Sequential(RCPSConv1d(4, 8, 5), RCPSPool("max"), nn.AdaptiveMaxPool1d(1))
    >>> x = torch.rand(2, 4, 20)
    >>> bool(torch.allclose(pooled(x), pooled(x.flip(1, 2)), atol=1e-6))
    True
    """

    def __init__(self, aggregate: str = "max") -> None:
        super().__init__()
        if aggregate not in ("max", "mean", "sum"):
            raise ModelError(f"aggregate={aggregate!r} must be 'max', 'mean' or 'sum'")
        self.merge_strands = MergeStrands(aggregate)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, filters, length) from ``x``, (batch, 2 * filters, length)."""
        ahead, back = x.chunk(2, dim=1)
        merged: torch.Tensor = self.merge_strands(ahead.flatten(1), back.flip(1).flatten(1))
        return merged.view_as(ahead)
