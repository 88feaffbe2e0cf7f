"""The plant promoter network of Jores et al. 2021."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, check_strands
from eugene.nn import BiConv1DTower, SameConv1d


class Jores21CNN(Architecture):
    """Both strands read with shared filters, one more convolution, two dense layers.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 170.
    output_dim : int
        Number of outputs; published: 1 (log2 enrichment).
    filters, kernel_size : int
        Channels and kernel width of all convolutions.
    layers : int
        Convolutions that are read on both strands.
    stride : int
        1, as EUGENe could not step further either.
    dropout : float
        Share of values dropped after each convolution in training.
    hidden_dim : int
        Width of the hidden dense layer.
    variant : {"corrected", "eugene", "published"}
        ``"corrected"`` uses true reverse complements of the filters. ``"eugene"`` flips filters
        and channels instead, as EUGENe 0.1.2 did, so that its weights load and predict alike.
        ``"published"`` is what the authors' program computes, which reads the forward strand
        alone, with the constants of Keras for the normalisation. Its dropout, which stays on when
        it predicts, is not kept.
    input_channels : int
        Letters of the alphabet; both strands are read, so only the 4 of DNA or RNA will do.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    References
    ----------
    Jores et al. 2021, https://doi.org/10.1038/s41477-021-00932-y

    Examples
    --------
    >>> sum(p.numel() for p in Jores21CNN().parameters())
    1825921
    """

    name: ClassVar[str] = "jores21_cnn"

    def __init__(
        self,
        input_len: int = 170,
        output_dim: int = 1,
        filters: int = 128,
        kernel_size: int = 13,
        layers: int = 2,
        stride: int = 1,
        dropout: float = 0.15,
        hidden_dim: int = 64,
        *,
        variant: str = "corrected",
        input_channels: int = 4,
    ) -> None:
        check_strands(self.name, input_channels)
        super().__init__(
            input_len,
            output_dim,
            input_channels=input_channels,
            filters=filters,
            kernel_size=kernel_size,
            layers=layers,
            stride=stride,
            dropout=dropout,
            hidden_dim=hidden_dim,
            variant=variant,
        )
        self.biconv = BiConv1DTower(
            filters,
            kernel_size,
            layers=layers,
            stride=stride,
            dropout_rate=dropout,
            variant=variant,
        )
        self.conv = SameConv1d(filters, filters, kernel_size)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(input_len * filters, hidden_dim)
        eps, momentum = (1e-3, 0.01) if variant == "published" else (1e-5, 0.1)
        self.batchnorm = nn.BatchNorm1d(hidden_dim, eps=eps, momentum=momentum)
        self.fc_activation = nn.ReLU()
        self.fc2 = nn.Linear(hidden_dim, output_dim)

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments of EUGENe's arrangement."""
        return {"variant": "eugene"}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, 4, input_len)."""
        x = self.dropout(self.activation(self.conv(self.biconv(x))))
        x = self.fc_activation(self.batchnorm(self.fc(self.flatten(x))))
        result: torch.Tensor = self.fc2(x)
        return result
