"""Malinois: the convolutions of Basset, then a branch for each cell type."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.nn import Conv1DTower, make_activation


class Malinois(Architecture):
    """Three convolutions, shared dense layers, and dense layers of each output by themselves.

    4,107,183 parameters at 600 bp and three outputs.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 600, of which 200 are the element.
    output_dim : int
        Number of outputs; published: 3 (K562, HepG2, SK-N-SH; log2 activity).
    n_linear_layers, linear_channels : int
        Shared dense layers and their width.
    linear_activation : str
        After these.
    linear_dropout_p : float
        Share of values dropped after these in training.
    n_branched_layers, branched_channels : int
        Dense layers of each output and their width. The last one has no activation.
    branched_activation : str
        After these.
    branched_dropout_p : float
        Share of values dropped after these in training.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Gosai et al. 2024, https://doi.org/10.1038/s41586-024-08070-z

    Examples
    --------
    >>> sum(p.numel() for p in Malinois().parameters())
    4107183
    """

    name: ClassVar[str] = "malinois"

    def __init__(
        self,
        input_len: int = 600,
        output_dim: int = 3,
        *,
        n_linear_layers: int = 1,
        linear_channels: int = 1_000,
        linear_activation: str = "relu",
        linear_dropout_p: float = 0.11625456877954289,
        n_branched_layers: int = 3,
        branched_channels: int = 140,
        branched_activation: str = "relu",
        branched_dropout_p: float = 0.5757068086404574,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        self.conv1d_tower = Conv1DTower(
            input_len,
            input_channels,
            [300, 200, 200],
            [19, 11, 7],
            conv_padding="same",
            pool_kernels=[3, 4, 4],
            pool_padding=[0, 0, 1],
            batchnorm=True,
            batchnorm_first=True,
        )
        self.shared = nn.Sequential(nn.Flatten())
        features = self.conv1d_tower.flatten_dim
        for _ in range(n_linear_layers):
            self.shared.extend(
                [
                    nn.Linear(features, linear_channels),
                    nn.BatchNorm1d(linear_channels),
                    make_activation(linear_activation) or nn.Identity(),
                    nn.Dropout(linear_dropout_p),
                ]
            )
            features = linear_channels
        # one linear layer for each output: a convolution of width 1 in as many groups
        self.branches = nn.Sequential()
        for i in range(n_branched_layers):
            if i:
                self.branches.append(make_activation(branched_activation) or nn.Identity())
                self.branches.append(nn.Dropout(branched_dropout_p))
            self.branches.append(
                nn.Conv1d(
                    features * output_dim, branched_channels * output_dim, 1, groups=output_dim
                )
            )
            features = branched_channels
        self.output = nn.Conv1d(features * output_dim, output_dim, 1, groups=output_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        features: torch.Tensor = self.shared(self.conv1d_tower(x))
        each = features.repeat(1, self.output_dim).unsqueeze(-1)
        result: torch.Tensor = self.output(self.branches(each))
        return result.squeeze(-1)
