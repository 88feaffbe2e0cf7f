"""Convolutions with company: paths side by side, skips, dilation, weighted channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from eugene.nn._activations import Activation, make_activation
from eugene.nn._errors import ModelError
from eugene.nn._layers import Residual, SameConv1d


class InceptionConv1d(nn.Module):
    """Four paths side by side, their channels one after the other; the length is kept.

    The paths are a convolution of width 1; two wider ones behind such a convolution; and a
    pooling before one.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels; each path gives a quarter of ``out_channels``.
    kernel_size2, kernel_size3 : int
        Widths of the second and the third path.
    conv_maxpool_kernel_size : int
        Width of the pooling.
    activation : str, callable, torch.nn.Module or None
        After every convolution; EUGENe had none.

    Raises
    ------
    ModelError
        If ``out_channels`` cannot be divided by four or the pooling is even.

    References
    ----------
    Szegedy et al. 2015, https://doi.org/10.1109/CVPR.2015.7298594

    Examples
    --------
    >>> InceptionConv1d(4, 16)(torch.rand(2, 4, 30)).shape
    torch.Size([2, 16, 30])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size2: int = 3,
        kernel_size3: int = 5,
        conv_maxpool_kernel_size: int = 3,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        if out_channels % 4:
            raise ModelError(f"out_channels={out_channels} must be a multiple of 4, one a path")
        if conv_maxpool_kernel_size % 2 == 0:
            raise ModelError(
                f"conv_maxpool_kernel_size={conv_maxpool_kernel_size} must be odd, so that the "
                "length stays"
            )
        width = out_channels // 4

        def path(*kernels: int) -> nn.Sequential:
            steps = nn.Sequential()
            channels = in_channels
            for kernel in kernels:
                steps.append(SameConv1d(channels, width, kernel))
                steps.append(make_activation(activation) or nn.Identity())
                channels = width
            return steps

        pool = nn.MaxPool1d(
            conv_maxpool_kernel_size, stride=1, padding=conv_maxpool_kernel_size // 2
        )
        self.paths = nn.ModuleList(
            [path(1), path(1, kernel_size2), path(1, kernel_size3), nn.Sequential(pool, *path(1))]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, out_channels, length) from ``x``, (batch, in_channels, length)."""
        return torch.cat([path(x) for path in self.paths], dim=1)


class ResidualBlock(nn.Module):
    """Convolutions with normalisation, and what came in added to what comes out.

    The order is convolution, normalisation, then activation and dropout before the next one. The
    length and the number of channels are kept.

    Parameters
    ----------
    channels : int
        Channels.
    kernels : int or list of int
        Width of each convolution; a number for as many as there are dilations.
    dilations : list of int
        Dilation of each convolution; ``[1, 2, 4, 8]`` makes it a dilated residual block.
    activation : str, callable, torch.nn.Module or None
        Between the convolutions.
    last_activation : str, callable, torch.nn.Module or None
        Behind the sum.
    dropout : float
        Share of values dropped before every convolution but the first in training.
    bias : bool
        Whether the convolutions have biases.
    norm_eps, norm_momentum : float
        As in ``torch.nn.BatchNorm1d``.

    Raises
    ------
    ModelError
        If there is not one width a dilation.

    References
    ----------
    He et al. 2016, https://doi.org/10.1109/CVPR.2016.90; Yu and Koltun 2016,
    https://doi.org/10.48550/arXiv.1511.07122

    Examples
    --------
    >>> ResidualBlock(8, 3, dilations=[1, 2, 4])(torch.rand(2, 8, 30)).shape
    torch.Size([2, 8, 30])
    """

    def __init__(
        self,
        channels: int,
        kernels: int | Sequence[int] = 3,
        *,
        dilations: Sequence[int] = (1, 1),
        activation: Activation = "relu",
        last_activation: Activation = "relu",
        dropout: float = 0.0,
        bias: bool = False,
        norm_eps: float = 1e-5,
        norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        widths = [kernels] * len(dilations) if isinstance(kernels, int) else list(kernels)
        if len(widths) != len(dilations):
            raise ModelError(
                f"kernels has {len(widths)} values for {len(dilations)} dilations: give one value "
                "for all or one value a convolution"
            )
        steps = nn.Sequential()
        for i, (width, dilation) in enumerate(zip(widths, dilations, strict=True)):
            if i:
                steps.append(make_activation(activation) or nn.Identity())
                if dropout:
                    steps.append(nn.Dropout(dropout))
            steps.append(SameConv1d(channels, channels, width, dilation=dilation, bias=bias))
            steps.append(nn.BatchNorm1d(channels, eps=norm_eps, momentum=norm_momentum))
        self.residual = Residual(steps)
        self.activation = make_activation(last_activation) or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, channels, length) from ``x``, of the same shape."""
        result: torch.Tensor = self.activation(self.residual(x))
        return result


class SqueezeExcite(nn.Module):
    """Every channel weighted by what all channels are on average.

    Parameters
    ----------
    channels : int
        Channels.
    hidden : int
        Width of the layer between.
    activation : str, callable, torch.nn.Module or None
        Behind that layer.

    References
    ----------
    Hu et al. 2018, https://doi.org/10.1109/CVPR.2018.00745

    Examples
    --------
    >>> SqueezeExcite(8, 2)(torch.rand(2, 8, 30)).shape
    torch.Size([2, 8, 30])
    """

    def __init__(self, channels: int, hidden: int, *, activation: Activation = "silu") -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.weights = nn.Sequential(
            nn.Conv1d(channels, hidden, 1),
            make_activation(activation) or nn.Identity(),
            nn.Conv1d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, channels, length) from ``x``, of the same shape."""
        result: torch.Tensor = x * self.weights(self.pool(x))
        return result
