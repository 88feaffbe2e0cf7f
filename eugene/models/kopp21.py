"""The JunD binding network of Kopp et al. 2020 (Janggu)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, check_strands
from eugene.nn import GlobalPool, ModelError, ReverseComplement, TooShortError


class Kopp21CNN(Architecture):
    """Detectors read on both strands, pooled, a second convolution, a linear output.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 500. Other lengths can be read as well.
    output_dim : int
        Number of outputs.
    aggr : {"max", "avg", "concat"} or None
        How the two strands are brought together: the larger or the mean of each detector, one
        behind the other along the positions (``"concat"``), or as twice as many channels (None).
    filters, conv_kernel_size : list of int
        Channels and kernel width of the two convolutions.
    maxpool_kernel_size : int
        Width of the pooling between them.
    stride : int
        Step of the convolutions.
    variant : {"corrected", "eugene"}
        ``"corrected"`` is the published arrangement: the reverse strand is turned round again, so
        that both strands are compared at the same place, the pooling steps by its width, and what
        it gives is normalised (with the constants of Keras). ``"eugene"`` is the arrangement of
        EUGENe 0.1.2, whose weights then predict alike: the reverse strand is compared back to
        front, the pooling steps by ``stride`` and the first normalisation is never applied.
    input_channels : int
        Letters of the alphabet; both strands are read, so only the 4 of DNA or RNA will do.

    Raises
    ------
    ModelError
        If an argument has an unknown value.

    References
    ----------
    Kopp et al. 2020, https://doi.org/10.1038/s41467-020-17155-y

    Examples
    --------
    >>> sum(p.numel() for p in Kopp21CNN(1000, 1).parameters())
    743
    """

    name: ClassVar[str] = "kopp21_cnn"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int = 500,
        output_dim: int = 1,
        aggr: str | None = "max",
        filters: Sequence[int] = (10, 8),
        conv_kernel_size: Sequence[int] = (11, 3),
        maxpool_kernel_size: int = 30,
        stride: int = 1,
        *,
        variant: str = "corrected",
        input_channels: int = 4,
    ) -> None:
        check_strands(self.name, input_channels)
        super().__init__(
            input_len,
            output_dim,
            input_channels=input_channels,
            aggr=aggr,
            filters=list(filters),
            conv_kernel_size=list(conv_kernel_size),
            maxpool_kernel_size=maxpool_kernel_size,
            stride=stride,
            variant=variant,
        )
        if aggr not in ("max", "avg", "concat", None):
            raise ModelError(f"aggr={aggr!r} must be 'max', 'avg', 'concat' or None")
        if variant not in ("corrected", "eugene"):
            raise ModelError(f"variant={variant!r} must be 'corrected' or 'eugene'")
        if len(filters) != 2 or len(conv_kernel_size) != 2:
            raise ModelError(
                f"filters and conv_kernel_size need two values each, got {list(filters)} and "
                f"{list(conv_kernel_size)}"
            )
        self.aggr, self.variant = aggr, variant
        channels = filters[0] * (2 if aggr is None else 1)
        step = stride if variant == "eugene" else maxpool_kernel_size
        self.revcomp = ReverseComplement()
        self.conv = nn.Conv1d(4, filters[0], conv_kernel_size[0], stride=stride)
        self.forward_activation, self.reverse_activation = nn.ReLU(), nn.ReLU()
        self.strand_pool = nn.MaxPool1d(2)
        self.maxpool = nn.MaxPool1d(maxpool_kernel_size, stride=step)
        eps, momentum = (1e-5, 0.1) if variant == "eugene" else (1e-3, 0.01)
        self.batchnorm = nn.BatchNorm1d(channels, eps=eps, momentum=momentum)
        self.conv2 = nn.Conv1d(channels, filters[1], conv_kernel_size[1], stride=stride)
        self.activation2 = nn.ReLU()
        self.global_pool = GlobalPool("max")
        self.batchnorm2 = nn.BatchNorm1d(filters[1], eps=eps, momentum=momentum)
        self.linear = nn.Linear(filters[1], output_dim)
        self._check_length(step, maxpool_kernel_size, conv_kernel_size, stride)

    def _check_length(self, step: int, pool: int, kernels: Sequence[int], stride: int) -> None:
        positions = (self.input_len - kernels[0]) // stride + 1
        if self.aggr == "concat":
            positions *= 2
        pooled = (positions - pool) // step + 1
        if positions < pool or pooled < kernels[1]:
            raise TooShortError(
                f"input_len={self.input_len} is too short: {positions} positions after the first "
                f"convolution, {max(pooled, 0)} after pooling by {pool}, and the second "
                f"convolution needs {kernels[1]}"
            )

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments of EUGENe's arrangement."""
        return {"variant": "eugene"}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, 4, length)."""
        ahead = self.forward_activation(self.conv(x))
        back = self.reverse_activation(self.conv(self.revcomp(x)))
        if self.variant == "corrected":
            back = torch.flip(back, dims=(2,))
        if self.aggr == "max":
            pairs = torch.stack((ahead, back), dim=-1).flatten(1, 2)
            x = self.strand_pool(pairs).squeeze(-1).view(ahead.shape)
        elif self.aggr == "avg":
            x = (ahead + back) / 2
        elif self.aggr == "concat":
            x = torch.cat((ahead, back), dim=2)
        else:
            x = torch.cat((ahead, back), dim=1)
        x = self.maxpool(x)
        if self.variant == "corrected":
            x = self.batchnorm(x)
        x = self.batchnorm2(self.global_pool(self.activation2(self.conv2(x))))
        result: torch.Tensor = self.linear(x)
        return result
