"""ResidualBind: binding of RNA by proteins from a dilated residual network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from eugene._calls import eugene_call
from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import DenseBlock, ModelError, ResidualBlock, SameConv1d, make_activation

_EPS, _MOMENTUM = 1e-3, 0.01


# EUGENe's arguments, most of them lists of one value
_TURNED = {
    "conv_channels": "filters",
    "conv_kernel_size": "kernel_size",
    "residual_kernel_size": "residual_kernel_size",
    "residual_dilation_rate": "dilations",
    "conv_activation": "activation",
    "conv_dropout_rates": "dropout",
    "pool_kernel_size": "pool_size",
    "pool_dropout_rate": "pool_dropout",
    "dense_hidden_dims": "hidden_dim",
    "dense_dropout_rates": "dense_dropout",
}
_FIXED = (
    "conv_stride_size",
    "conv_dilation_rate",
    "conv_padding",
    "conv_batchnorm",
    "conv_batchnorm_first",
    "conv_biases",
    "residual_channels",
    "residual_stride_size",
    "residual_padding",
    "residual_activation",
    "residual_batchnorm",
    "residual_batchnorm_first",
    "residual_dropout_rates",
    "residual_biases",
    "dense_activation",
    "dense_batchnorm",
    "dense_batchnorm_first",
    "dense_biases",
)


def _in_our_words(kwargs: dict[str, object], known: list[str]) -> dict[str, object]:
    """Return EUGENe's arguments as ours: a list of one value, or of equal ones, is that value."""
    for old, new in _TURNED.items():
        if old in kwargs:
            value = kwargs.pop(old)
            if isinstance(value, (list, tuple)) and new != "dilations":
                if len(set(value)) != 1:
                    raise ModelError(f"ResidualBind: {old}={value!r}: one value is needed")
                value = value[0]
            kwargs[new] = value
    return kwargs


class ResidualBind(Architecture):
    """A convolution, one dilated residual block, average pooling, a dense layer.

    214,849 parameters at 41 nt and one output, counted on the layers of the authors' program:
    convolutions have no biases, the dilations are 1, 2, 4 and 8, and the pooling steps by its
    width.

    Parameters
    ----------
    input_len : int
        Length of the sequences in nt; published: 41.
    output_dim : int
        Number of outputs; published: 1 (intensity).
    filters, kernel_size : int
        Channels of all convolutions, and width of the first.
    residual_kernel_size : int
        Width of those in the residual block.
    dilations : list of int
        Their dilations.
    activation : str
        Behind the first convolution; published: relu, and exponential later.
    pool_size : int
        Width of the pooling.
    hidden_dim : int
        Width of the dense layer.
    dropout, pool_dropout, dense_dropout : float
        Share of values dropped in training between convolutions, behind the pooling, and behind
        the dense layer.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Koo et al. 2021, https://doi.org/10.1371/journal.pcbi.1008925

    Examples
    --------
    >>> sum(p.numel() for p in ResidualBind().parameters())
    214849
    """

    name: ClassVar[str] = "residualbind"

    @eugene_call(
        "eugene.models.zoo.ResidualBind",
        same={"input_chanels": "input_channels"},
        turned={old: f"`{new}`, one value" for old, new in _TURNED.items()},
        refused=dict.fromkeys(_FIXED, "it is part of the network as it was published"),
        translate=_in_our_words,
    )
    def __init__(
        self,
        input_len: int = 41,
        output_dim: int = 1,
        *,
        filters: int = 96,
        kernel_size: int = 11,
        residual_kernel_size: int = 3,
        dilations: Sequence[int] = (1, 2, 4, 8),
        activation: str = "relu",
        pool_size: int = 10,
        hidden_dim: int = 256,
        dropout: float = 0.1,
        pool_dropout: float = 0.2,
        dense_dropout: float = 0.5,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        positions = lengths(input_len, [Window("the pooling", pool_size, pool_size)])[-1]
        self.tower = nn.Sequential(
            SameConv1d(input_channels, filters, kernel_size, bias=False),
            nn.BatchNorm1d(filters, eps=_EPS, momentum=_MOMENTUM),
            make_activation(activation) or nn.Identity(),
            nn.Dropout(dropout),
            ResidualBlock(
                filters,
                residual_kernel_size,
                dilations=dilations,
                dropout=dropout,
                norm_eps=_EPS,
                norm_momentum=_MOMENTUM,
            ),
            nn.AvgPool1d(pool_size),
            nn.Dropout(pool_dropout),
            nn.Flatten(),
        )
        self.dense_block = DenseBlock(
            filters * positions,
            output_dim,
            [hidden_dim],
            dropout_rates=dense_dropout,
            batchnorm=True,
            batchnorm_first=True,
            biases=False,
            batchnorm_eps=_EPS,
            batchnorm_momentum=_MOMENTUM,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.tower(x))
        return result
