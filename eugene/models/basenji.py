"""Basenji: convolutions that halve the sequence, then dilated convolutions with skips."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import GlobalPool, ModelError, Residual, SameConv1d, make_activation


def _block(
    channels: int,
    filters: int,
    kernel: int,
    *,
    activation: str,
    norm_first: bool = False,
    dilation: int = 1,
    dropout: float = 0.0,
    pool: int = 1,
) -> nn.Sequential:
    """Return activation, convolution, normalisation, dropout, pooling.

    With ``norm_first`` the normalisation comes before the activation, and the convolution has a
    bias.
    """
    norm = nn.BatchNorm1d(channels if norm_first else filters, eps=1e-3, momentum=0.1)
    conv = SameConv1d(channels, filters, kernel, dilation=dilation, bias=norm_first)
    active = make_activation(activation)
    parts = [norm, active, conv] if norm_first else [active, conv, norm]
    if dropout:
        parts.append(nn.Dropout(dropout))
    if pool > 1:
        parts.append(nn.MaxPool1d(pool, ceil_mode=True))
    return nn.Sequential(*(part for part in parts if part is not None))


def _dilated(
    channels: int, filters: int, *, rates: list[int], dropout: float, kernel: int, **shared: Any
) -> Iterator[Residual]:
    """Yield residual pairs: a dilated convolution, and one of width 1 that starts from zero."""
    for rate in rates:
        wide = _block(channels, filters, kernel, dilation=rate, **shared)
        back = _block(filters, channels, 1, dropout=dropout, **shared)
        nn.init.zeros_(next(m for m in back if isinstance(m, nn.BatchNorm1d)).weight)
        yield Residual(nn.Sequential(wide, back))


def dilation_rates(repeat: int, mult: float, *, rounded: bool) -> list[int]:
    """Return dilations that grow by a factor.

    Parameters
    ----------
    repeat : int
        How many.
    mult : float
        The factor.
    rounded : bool
        Whether each grows from the rounded one before it.

    Returns
    -------
    list of int
        The dilations, from 1 on.

    Examples
    --------
    >>> dilation_rates(11, 1.5, rounded=True)
    [1, 2, 3, 4, 6, 9, 14, 21, 32, 48, 72]
    """
    rate, rates = 1.0, []
    for _ in range(repeat):
        rates.append(round(rate))
        rate = round(rate * mult) if rounded else rate * mult
    return rates


class Basenji(Architecture):
    """Basenji2, the network of Kelley 2020 that Enformer was measured against.

    Each block is activation, convolution without a bias, normalisation, dropout and pooling;
    bins of 128 bp are predicted, those at the ends left out. Outputs are raw: published is a
    softplus behind them.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 131,072. Other lengths can be read as well.
    output_dim : int
        Tracks; published: 5,313 of human, 1,643 of mouse.
    stem_filters : int
        Channels of the first convolution, 15 wide.
    tower_filters : int
        Channels of the first convolution of the tower, 5 wide as all of them.
    tower_mult : float
        Factor from each to the next.
    tower_repeat : int
        Number of these.
    dilated_filters, dilated_repeat : int
        Inner channels and number of residual pairs.
    dilated_mult : float
        Factor from each dilation to the next.
    dilated_dropout : float
        Share of values dropped after each pair in training.
    cropping : int
        Bins left out at each end; published: 64, which leaves 896 of 1,024.
    final_filters : int
        Channels before the tracks.
    activation : str
        See :func:`eugene.nn.make_activation`; published: ``"gelu_sigmoid"``.
    pool : {"none", "avg", "max"}
        ``"none"`` returns (batch, output_dim, bins), as published; the others one value for
        each sequence.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short or an argument is unknown.

    References
    ----------
    Kelley 2020, https://doi.org/10.1371/journal.pcbi.1008050

    Examples
    --------
    >>> model = Basenji(2048, 3, stem_filters=4, tower_filters=4, tower_mult=1, cropping=2,
    ...                 dilated_filters=2, final_filters=8)
    >>> model(torch.rand(1, 4, 2048)).shape
    torch.Size([1, 3, 12])
    """

    name: ClassVar[str] = "basenji"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int = 131_072,
        output_dim: int = 5_313,
        *,
        stem_filters: int = 288,
        tower_filters: int = 339,
        tower_mult: float = 1.1776,
        tower_repeat: int = 6,
        dilated_filters: int = 384,
        dilated_repeat: int = 11,
        dilated_mult: float = 1.5,
        dilated_dropout: float = 0.3,
        cropping: int = 64,
        final_filters: int = 1_536,
        activation: str = "gelu_sigmoid",
        pool: str = "none",
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        if pool not in ("none", "avg", "max"):
            raise ModelError(f"pool={pool!r} must be 'none', 'avg' or 'max'")
        halvings = [Window(f"pool {i + 1}", 2, 2, partial=True) for i in range(tower_repeat + 1)]
        crop = Window("the cropping", 2 * cropping + 1)
        self.output_len = lengths(input_len, [*halvings, crop])[-1]
        self.cropping = cropping
        self.stem = _block(input_channels, stem_filters, 15, activation=activation, pool=2)
        widths = [stem_filters]
        widths += [round(tower_filters * tower_mult**i) for i in range(tower_repeat)]
        self.tower = nn.Sequential(
            *(
                _block(before, after, 5, activation=activation, pool=2)
                for before, after in pairwise(widths)
            )
        )
        self.dilated = nn.Sequential(
            *_dilated(
                widths[-1],
                dilated_filters,
                rates=dilation_rates(dilated_repeat, dilated_mult, rounded=True),
                dropout=dilated_dropout,
                kernel=3,
                activation=activation,
            )
        )
        self.final = _block(widths[-1], final_filters, 1, activation=activation, dropout=0.05)
        self.final_activation = make_activation(activation)
        self.pool = GlobalPool(pool) if pool != "none" else None
        self.tracks = nn.Conv1d(final_filters, output_dim, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a value for each track and bin.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.

        Returns
        -------
        torch.Tensor of float, shape (batch, output_dim, bins)
            Raw outputs; (batch, output_dim) where they are pooled.
        """
        x = self.dilated(self.tower(self.stem(x)))
        x = x[..., self.cropping : x.shape[-1] - self.cropping]
        x = self.final(x)
        if self.final_activation is not None:
            x = self.final_activation(x)
        if self.pool is not None:
            x = self.pool(x).unsqueeze(-1)
        result: torch.Tensor = self.tracks(x)
        return result if self.pool is None else result.squeeze(-1)


class CREstedBasenji(Architecture):
    """The Basenji of CREsted: one pooling, dilated pairs, the mean over the positions.

    2,035,867 parameters with 19 outputs. Here the normalisation comes before the activation,
    as in Enformer, and convolutions have biases.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 2,114. Other lengths can be read as well.
    output_dim : int
        Number of outputs.
    first_filters, first_kernel_size : int
        Channels and width of the first convolution.
    filters : int
        Channels before the mean.
    kernel_size : int
        Width of the dilated convolutions.
    first_activation, activation : str
        In the first block, and in the others.
    output_activation : str, optional
        Behind the outputs; published: softplus. None returns raw outputs.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If an activation is unknown.

    References
    ----------
    Kempynck et al. 2025, https://doi.org/10.1101/2025.04.02.646812; Kelley 2020,
    https://doi.org/10.1371/journal.pcbi.1008050

    Examples
    --------
    >>> CREstedBasenji(100, 3, first_filters=8, filters=8)(torch.rand(2, 4, 100)).shape
    torch.Size([2, 3])
    """

    name: ClassVar[str] = "crested_basenji"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int = 2_114,
        output_dim: int = 19,
        *,
        first_filters: int = 256,
        filters: int = 2_048,
        first_kernel_size: int = 15,
        kernel_size: int = 3,
        first_activation: str = "gelu",
        activation: str = "gelu",
        output_activation: str | None = "softplus",
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        self.stem = _block(
            input_channels,
            first_filters,
            first_kernel_size,
            activation=first_activation,
            norm_first=True,
            pool=2,
        )
        self.dilated = nn.Sequential(
            *_dilated(
                first_filters,
                first_filters // 2,
                rates=dilation_rates(11, 1.5, rounded=False),
                dropout=0.3,
                kernel=kernel_size,
                activation=activation,
                norm_first=True,
            )
        )
        self.final = _block(
            first_filters, filters, 1, activation=activation, norm_first=True, dropout=0.05
        )
        self.pool = GlobalPool("avg")
        self.linear = nn.Linear(filters, output_dim)
        self.output_activation = make_activation(output_activation) or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, length)."""
        x = self.pool(self.final(self.dilated(self.stem(x))))
        result: torch.Tensor = self.output_activation(self.linear(x))
        return result
