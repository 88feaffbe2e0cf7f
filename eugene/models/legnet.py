"""LegNet: convolutions with squeeze and excitation, for massively parallel reporter assays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import GlobalPool, ModelError, SameConv1d, SqueezeExcite, make_activation


class _Beside(nn.Module):
    """Put what a module gives and its input side by side."""

    def __init__(self, wrapped: nn.Module) -> None:
        super().__init__()
        self.wrapped = wrapped

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, 2 * channels, length) from ``x``."""
        return torch.cat((self.wrapped(x), x), dim=1)


class LegNet(Architecture):
    """MPRA-LegNet: a stem, blocks of a widened depthwise convolution and a plain one, dense layers.

    1,322,465 parameters with one output. The LegNet of CREsted has narrower convolutions and
    pools four times: ``LegNet(2114, 19, stem_ks=5, ef_ks=3, pool_sizes=[2, 2, 2, 2],
    batchnorm_eps=1e-3, output_activation="softplus")``, 862,451 parameters.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 230. Other lengths can be read as well.
    output_dim : int
        Number of outputs; published: 1.
    stem_ch, stem_ks : int
        Channels and width of the first convolution.
    ef_ks : int
        Width of the convolutions in blocks.
    ef_block_sizes : list of int
        Channels after each block.
    pool_sizes : list of int
        Pooling after each block.
    resize_factor : int
        How many times wider a block is inside.
    activation : str
        See :func:`eugene.nn.make_activation`.
    output_activation : str, optional
        Behind the outputs; None returns raw outputs, as published.
    batchnorm_eps : float
        As in ``torch.nn.BatchNorm1d``.
    input_channels : int
        Letters of the alphabet; 5 with the channel that tells the strand, as published too.

    Raises
    ------
    ModelError
        If the sequences are too short or lists differ in length.

    References
    ----------
    Agarwal et al. 2025, https://doi.org/10.1038/s41586-024-08430-9; Penzar et al. 2023,
    https://doi.org/10.1093/bioinformatics/btad457

    Examples
    --------
    >>> LegNet(100, 1, stem_ch=8, ef_block_sizes=[8, 8], pool_sizes=[2, 2])(
    ...     torch.rand(2, 4, 100)).shape
    torch.Size([2, 1])
    """

    name: ClassVar[str] = "legnet"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int = 230,
        output_dim: int = 1,
        *,
        stem_ch: int = 64,
        stem_ks: int = 11,
        ef_ks: int = 9,
        ef_block_sizes: Sequence[int] = (80, 96, 112, 128),
        pool_sizes: Sequence[int] = (2, 2, 2, 2),
        resize_factor: int = 4,
        activation: str = "silu",
        output_activation: str | None = None,
        batchnorm_eps: float = 1e-5,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        if len(ef_block_sizes) != len(pool_sizes):
            raise ModelError(
                f"pool_sizes has {len(pool_sizes)} values for {len(ef_block_sizes)} blocks "
                "(ef_block_sizes): give one value a block"
            )
        lengths(input_len, [Window(f"pool {i + 1}", p, p) for i, p in enumerate(pool_sizes)])

        if ef_ks % 2 == 0:
            raise ModelError(f"ef_ks={ef_ks} must be odd, so that the length stays")

        def conv(before: int, after: int, kernel: int, *, groups: int = 1) -> list[nn.Module]:
            layer = (
                nn.Conv1d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False)
                if groups > 1
                else SameConv1d(before, after, kernel, bias=False)
            )
            norm = nn.BatchNorm1d(after, eps=batchnorm_eps)
            return [layer, norm, make_activation(activation) or nn.Identity()]

        self.stem = nn.Sequential(*conv(input_channels, stem_ch, stem_ks))
        self.blocks = nn.Sequential()
        channels = stem_ch
        for after, pool in zip(ef_block_sizes, pool_sizes, strict=True):
            wide = channels * resize_factor
            widened = nn.Sequential(
                *conv(channels, wide, 1),
                *conv(wide, wide, ef_ks, groups=wide),
                SqueezeExcite(wide, wide // resize_factor),
                *conv(wide, channels, 1),
            )
            block = nn.Sequential(_Beside(widened), *conv(2 * channels, after, ef_ks))
            if pool != 1:
                block.append(nn.MaxPool1d(pool))
            self.blocks.append(block)
            channels = after
        self.mapper = nn.Sequential(
            nn.BatchNorm1d(channels, eps=batchnorm_eps), nn.Conv1d(channels, 2 * channels, 1)
        )
        self.pool = GlobalPool("avg")
        self.dense = nn.Sequential(
            nn.Linear(2 * channels, 2 * channels),
            nn.BatchNorm1d(2 * channels, eps=batchnorm_eps),
            make_activation(activation) or nn.Identity(),
            nn.Linear(2 * channels, output_dim),
            make_activation(output_activation) or nn.Identity(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, length)."""
        result: torch.Tensor = self.dense(self.pool(self.mapper(self.blocks(self.stem(x)))))
        return result
