"""Optimus 5-prime: ribosome load from the 5' untranslated region."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.nn import Conv1DTower, DenseBlock


class Optimus5Prime(Architecture):
    """Convolutions and one dense layer over the 50 bases before the start codon.

    The network that the authors designed sequences with is smaller: ``Optimus5Prime(54,
    n_conv=2, conv_filters=40, padding="valid")``, which reads the start codon and one more base
    (ATGG) too.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 50, the base before the start codon last.
    output_dim : int
        Number of outputs; published: 1, the mean ribosome load, scaled to mean 0 and deviation 1.
    conv_filters : int
        Channels of all convolutions.
    kernel_size : int
        Their width.
    n_conv : int
        Their number.
    padding : {"same", "valid"}
        Whether they keep the length.
    dense_nodes : int
        Width of the dense layer.
    conv_dropout, dense_dropout : float
        Share of values dropped in training, after convolutions and the dense layer.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Sample et al. 2019, https://doi.org/10.1038/s41587-019-0164-5

    Examples
    --------
    >>> Optimus5Prime(50)(torch.rand(2, 4, 50)).shape
    torch.Size([2, 1])
    """

    name: ClassVar[str] = "optimus"

    def __init__(
        self,
        input_len: int = 50,
        output_dim: int = 1,
        *,
        conv_filters: int = 120,
        kernel_size: int = 8,
        n_conv: int = 3,
        padding: str = "same",
        dense_nodes: int = 40,
        conv_dropout: float = 0.0,
        dense_dropout: float = 0.2,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        self.conv1d_tower = Conv1DTower(
            input_len,
            input_channels,
            [conv_filters] * n_conv,
            kernel_size,
            conv_padding=padding,
            dropout_rates=conv_dropout,
        )
        self.flatten = nn.Flatten()
        self.dense_block = DenseBlock(
            self.conv1d_tower.flatten_dim,
            output_dim,
            [dense_nodes],
            dropout_rates=dense_dropout,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.flatten(self.conv1d_tower(x)))
        return result
