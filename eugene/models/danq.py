"""DanQ: one convolution, then an LSTM over what it sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from torch import nn

from eugene.config.marks import ArgumentsOf
from eugene.models._base import Architecture, channels_of, make_part
from eugene.nn import Conv1DTower, DenseBlock, RecurrentBlock

_CONV = {"conv_channels": [320], "conv_kernels": [26], "pool_kernels": 13, "dropout_rates": 0.2}
_RECURRENT = {"hidden_dim": 320, "bidirectional": True}
_DENSE = {"hidden_dims": [925]}


class DanQ(Architecture):
    """DanQ as published: every state of the LSTM is seen by the dense layers.

    46,929,039 parameters at 1,000 bp and 919 outputs. Keras gives an LSTM one bias where torch
    gives two: 46,926,479 there. Outputs are logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 1,000.
    output_dim : int
        Number of outputs; published: 919.
    conv_kwargs : dict, optional
        Changes to the convolution, arguments of :class:`eugene.nn.Conv1DTower`.
    recurrent_kwargs : dict, optional
        Changes to the LSTM, arguments of :class:`eugene.nn.RecurrentBlock`.
    dense_kwargs : dict, optional
        Changes to the dense layers, arguments of :class:`eugene.nn.DenseBlock`.
    dropout : float
        Share of the states dropped in training.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together or the sequences are too short.

    References
    ----------
    Quang and Xie 2016, https://doi.org/10.1093/nar/gkw226

    Examples
    --------
    >>> small = DanQ(200, 2, {"conv_channels": [8]}, {"hidden_dim": 4}, {"hidden_dims": [8]})
    >>> small(torch.rand(3, 4, 200)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "danq"

    def __init__(
        self,
        input_len: int = 1000,
        output_dim: int = 919,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        recurrent_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:RecurrentBlock")
        ] = None,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        dropout: float = 0.5,
        input_channels: int | None = None,
    ) -> None:
        channels = channels_of(input_channels, conv_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            conv_kwargs=dict(conv_kwargs or {}),
            recurrent_kwargs=dict(recurrent_kwargs or {}),
            dense_kwargs=dict(dense_kwargs or {}),
            dropout=dropout,
        )
        self.conv1d_tower = make_part(
            Conv1DTower, "conv_kwargs", conv_kwargs, _CONV,
            input_len=input_len, input_channels=channels,
        )  # fmt: skip
        self.recurrent_block = make_part(
            RecurrentBlock, "recurrent_kwargs", recurrent_kwargs, _RECURRENT,
            input_dim=self.conv1d_tower.out_channels, batch_first=True,
        )  # fmt: skip
        self.reduce = nn.Sequential(nn.Dropout(dropout), nn.Flatten())
        features = self.recurrent_block.out_channels * self.conv1d_tower.output_len
        self.dense_block = make_part(
            DenseBlock, "dense_kwargs", dense_kwargs, _DENSE,
            input_dim=features, output_dim=output_dim,
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        states, _ = self.recurrent_block(self.conv1d_tower(x).transpose(1, 2))
        result: torch.Tensor = self.dense_block(self.reduce(states))
        return result
