"""Sei: chromatin profiles from convolutions with linear and non-linear paths side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import ModelError, SameConv1d


def spline_basis(positions: int, degrees: int) -> torch.Tensor:
    """Return cubic B-splines over positions, knots at equal steps.

    Parameters
    ----------
    positions, degrees : int
        Positions, and number of splines; at least 4.

    Returns
    -------
    torch.Tensor of float, shape (positions, degrees)
        Each row adds up to 1.

    Examples
    --------
    >>> spline_basis(20, 5).sum(dim=1).round(decimals=4).unique()
    tensor([1.])
    """
    from scipy.interpolate import BSpline

    place = np.arange(positions, dtype=float)
    last = float(positions - 1)
    inner = np.linspace(0, last, degrees - 2)[1:-1]
    knots = np.concatenate(([0.0] * 4, inner, [last] * 4))
    basis = BSpline.design_matrix(np.clip(place, 0, last), knots, 3).toarray()
    return torch.from_numpy(basis).float()


class Sei(Architecture):
    """Residual pairs of linear and non-linear convolutions, dilated ones, splines over positions.

    889,979,983 parameters at 4,096 bp and 21,907 outputs. Outputs are logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 4,096.
    output_dim : int
        Number of outputs, and the width of the layer before them.
    channels : list of int
        Channels of the three stages.
    kernel_size : int
        Width of their convolutions.
    pool_size : int
        Width of the poolings between them.
    dilations : list of int
        Of the residual convolutions, 5 wide, at the end.
    spline_df : int
        Splines that stand for the positions.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short or there are fewer than 4 splines.

    References
    ----------
    Chen et al. 2022, https://doi.org/10.1038/s41588-022-01102-2

    Examples
    --------
    >>> Sei(512, 3, channels=[8, 8, 8], spline_df=6)(torch.rand(1, 4, 512)).shape
    torch.Size([1, 3])
    """

    name: ClassVar[str] = "sei"

    def __init__(
        self,
        input_len: int = 4_096,
        output_dim: int = 21_907,
        *,
        channels: Sequence[int] = (480, 640, 960),
        kernel_size: int = 9,
        pool_size: int = 4,
        dilations: Sequence[int] = (2, 4, 8, 16, 25),
        spline_df: int = 16,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        if spline_df < 4:
            raise ModelError(f"spline_df={spline_df} must be at least 4: the splines are cubic")
        pools = [Window(f"pool {i}", pool_size, pool_size) for i in range(1, len(channels))]
        # a spline needs two positions to be drawn between
        positions = lengths(input_len, [*pools, Window("the splines", 2)])[-1] + 1
        self.linear, self.bent = nn.ModuleList(), nn.ModuleList()
        before = input_channels
        for i, width in enumerate(channels):

            def conv(incoming: int, outgoing: int) -> SameConv1d:
                return SameConv1d(incoming, outgoing, kernel_size)

            pool = [nn.MaxPool1d(pool_size), nn.Dropout(0.2)] if i else []
            drop = [nn.Dropout(0.2)] if i else []
            self.linear.append(nn.Sequential(*pool, conv(before, width), conv(width, width)))
            self.bent.append(
                nn.Sequential(*drop, conv(width, width), nn.ReLU(), conv(width, width), nn.ReLU())
            )
            before = width
        # the first dilated convolution reads both paths, its skip is the non-linear one alone
        self.dilated = nn.ModuleList(
            nn.Sequential(nn.Dropout(0.1), SameConv1d(before, before, 5, dilation=rate), nn.ReLU())
            for rate in dilations
        )
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("splines", spline_basis(positions, spline_df), persistent=False)
        self.splines: torch.Tensor
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(before * spline_df, output_dim),
            nn.ReLU(),
            nn.Linear(output_dim, output_dim),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        both = bent = x
        for linear, nonlinear in zip(self.linear, self.bent, strict=True):
            both = linear(both)
            bent = nonlinear(both)
            both = both + bent
        for i, layer in enumerate(self.dilated):
            bent = bent + layer(bent if i else both)
        result: torch.Tensor = self.classifier(self.dropout(bent) @ self.splines)
        return result
