"""The network of EUGENe's tutorial."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import GlobalPool


class TutorialCNN(Architecture):
    """One convolution, the largest value of each filter, a linear layer: 2,581 parameters.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; other lengths can be read as well.
    output_dim : int
        Number of outputs.
    filters, kernel_size : int
        Channels and width of the convolution.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Klie et al. 2023, https://doi.org/10.1038/s43588-023-00544-w

    Examples
    --------
    >>> sum(p.numel() for p in TutorialCNN(100, 1).parameters())
    2581
    """

    name: ClassVar[str] = "tutorial_cnn"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int,
        output_dim: int,
        *,
        filters: int = 30,
        kernel_size: int = 21,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        lengths(input_len, [Window("the convolution", kernel_size)])
        self.conv1 = nn.Conv1d(input_channels, filters, kernel_size)
        self.activation = nn.ReLU()
        self.pool = GlobalPool("max")
        self.dense = nn.Linear(filters, output_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, length)."""
        result: torch.Tensor = self.dense(self.pool(self.activation(self.conv1(x))))
        return result
