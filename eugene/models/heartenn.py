"""HeartENN: chromatin of the heart, with DeepSEA's "Beluga" arrangement at a smaller size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.nn import Conv1DTower, DenseBlock, ModelError


class HeartENN(Architecture):
    """Three pairs of convolutions, normalised behind each pair, and two dense layers.

    11,289,117 parameters at 1,000 bp and 919 outputs. Outputs are logits. Published with a limit
    of 0.9 on the norm of the weights, which is a matter of training.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 1,000.
    output_dim : int
        Number of outputs; the hidden dense layer is as wide.
    filters : list of int
        Channels of each pair of convolutions.
    conv_kernel_size, pool_kernel_size : int
        Width of the convolutions, and of the pooling behind every pair but the last.
    dropouts : list of float
        Share of values dropped behind each pair in training.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short or lists differ in length.

    References
    ----------
    Richter et al. 2020, https://doi.org/10.1038/s41588-020-0652-z

    Examples
    --------
    >>> HeartENN(310, 2, filters=[8, 8, 8])(torch.rand(3, 4, 310)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "heartenn"

    def __init__(
        self,
        input_len: int = 1000,
        output_dim: int = 919,
        *,
        filters: Sequence[int] = (60, 80, 240),
        conv_kernel_size: int = 8,
        pool_kernel_size: int = 4,
        dropouts: Sequence[float] = (0.0, 0.4, 0.6),
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        if len(dropouts) != len(filters):
            raise ModelError(
                f"dropouts has {len(dropouts)} values for {len(filters)} pairs of convolutions "
                "(filters): give one value a pair"
            )
        self.conv_net = nn.Sequential()
        length, channels = input_len, input_channels
        for i, (width, rate) in enumerate(zip(filters, dropouts, strict=True)):
            pool = None if i == len(filters) - 1 else pool_kernel_size
            tower = Conv1DTower(
                length,
                channels,
                [width, width],
                conv_kernel_size,
                pool_kernels=[None, pool],
            )
            self.conv_net.extend([tower, nn.BatchNorm1d(width), nn.Dropout(rate)])
            length, channels = tower.output_len, width
        self.flatten = nn.Flatten()
        self.dense_block = DenseBlock(length * channels, output_dim, [output_dim], batchnorm=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.flatten(self.conv_net(x)))
        return result
