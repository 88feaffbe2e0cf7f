"""A network of inception blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

import torch
from torch import nn

from eugene._calls import eugene_call
from eugene.config.marks import ArgumentsOf
from eugene.models._base import Architecture, arguments, make_part
from eugene.nn import DenseBlock, InceptionConv1d, ModelError


class Inception(Architecture):
    """Inception blocks that keep the length, then dense layers.

    With the sizes of EUGENe's, which had no activation anywhere: ``activation=None`` is that.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs.
    channels : list of int
        Letters of the alphabet, then the channels of each block, multiples of 4.
    kernel_size2, kernel_size3, conv_maxpool_kernel_size : int
        Widths of the paths, see :class:`eugene.nn.InceptionConv1d`.
    activation : str, optional
        After every convolution.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`; left out, a plain linear layer.
    input_channels : int, optional
        Letters of the alphabet; by default what ``channels`` says.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    References
    ----------
    Klie et al. 2023, https://doi.org/10.1038/s43588-023-00544-w; Szegedy et al. 2015,
    https://doi.org/10.1109/CVPR.2015.7298594

    Examples
    --------
    >>> Inception(50, 2, channels=[4, 8, 8])(torch.rand(3, 4, 50)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "inception"

    @eugene_call("eugene.models.zoo.Inception")
    def __init__(
        self,
        input_len: int,
        output_dim: int,
        *,
        channels: Sequence[int] = (4, 32, 64, 128),
        kernel_size2: int = 4,
        kernel_size3: int = 8,
        conv_maxpool_kernel_size: int = 3,
        activation: str | None = "relu",
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        input_channels: int | None = None,
    ) -> None:
        given = arguments(locals())
        if len(channels) < 2:
            raise ModelError(f"channels={list(channels)} needs the letters and a block at least")
        widths = [channels[0] if input_channels is None else input_channels, *channels[1:]]
        super().__init__(**{**given, "input_channels": widths[0]})
        self.blocks = nn.Sequential(
            *(
                InceptionConv1d(
                    before,
                    after,
                    kernel_size2=kernel_size2,
                    kernel_size3=kernel_size3,
                    conv_maxpool_kernel_size=conv_maxpool_kernel_size,
                    activation=activation,
                )
                for before, after in pairwise(widths)
            )
        )
        self.flatten = nn.Flatten()
        self.dense_block = make_part(
            DenseBlock, "dense_kwargs", dense_kwargs, {},
            input_dim=widths[-1] * input_len, output_dim=output_dim,
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.flatten(self.blocks(x)))
        return result
