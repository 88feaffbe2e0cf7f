"""ExplaiNN: one small network for each motif, added up."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import Exponential


class ExplaiNN(Architecture):
    """Units of one filter each, that see nothing of one another, and a linear layer over them.

    308,301 parameters with 100 units, 200 bp and one output. The weight of a unit times its
    output is what its motif contributes.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 200.
    output_dim : int
        Number of outputs.
    n_units : int
        Number of units.
    filter_size : int
        Width of the filters.
    num_fc : int
        Dense layers of each unit, the last of width 1; 0 takes the largest value of the filter.
    fc_units : int
        Width of the other dense layers of a unit.
    pool_size, pool_stride : int
        Width and step of the pooling.
    dropout : float
        Share of values dropped between the dense layers of a unit in training.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Novakovsky et al. 2023, https://doi.org/10.1186/s13059-023-02985-y

    Examples
    --------
    >>> sum(p.numel() for p in ExplaiNN(200, 1, n_units=100).parameters())
    308301
    """

    name: ClassVar[str] = "explainn"

    def __init__(
        self,
        input_len: int = 200,
        output_dim: int = 1,
        *,
        n_units: int = 100,
        filter_size: int = 19,
        num_fc: int = 2,
        fc_units: int = 100,
        pool_size: int = 7,
        pool_stride: int = 7,
        dropout: float = 0.3,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        conv = Window("the filters", filter_size)
        found = lengths(input_len, [conv, Window("the pooling", pool_size, pool_stride)])
        whole = num_fc == 0
        self.detectors = nn.Sequential(
            nn.Conv1d(input_channels, n_units, filter_size),
            nn.BatchNorm1d(n_units),
            Exponential(),
            nn.AdaptiveMaxPool1d(1) if whole else nn.MaxPool1d(pool_size, stride=pool_stride),
        )
        # linear layers of each unit by itself: convolutions of width 1 in as many groups
        self.units = nn.Sequential()
        width = 1 if whole else found[-1]
        for i in range(num_fc):
            after = 1 if i == num_fc - 1 else fc_units
            if i:
                self.units.append(nn.Dropout(dropout))
            self.units.extend(
                [
                    nn.Conv1d(width * n_units, after * n_units, 1, groups=n_units),
                    nn.BatchNorm1d(after * n_units),
                    nn.ReLU(),
                ]
            )
            width = after
        self.linear = nn.Linear(n_units, output_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.linear(self.unit_outputs(x))
        return result

    def unit_outputs(self, x: torch.Tensor) -> torch.Tensor:
        """Return what each unit says, float (batch, n_units) from ``x`` as in :meth:`forward`."""
        windows: torch.Tensor = self.detectors(x)
        units: torch.Tensor = self.units(windows.flatten(1).unsqueeze(-1))
        return units.squeeze(-1)
