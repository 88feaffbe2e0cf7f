"""A profile network of depthwise convolutions, of the size of Cherimoya."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._profile import ProfileHead, ProfileOutput, trimmed
from eugene.nn import SameConv1d


class DepthwiseBlock(nn.Module):
    """Dilated depthwise convolution, normalisation of the example, two layers a position, a skip.

    Parameters
    ----------
    channels, dilation : int
        Channels, and distance between the three positions that are read.
    expansion : int
        How many times wider the hidden layer is.
    residual_scale : float
        Factor of what is added to the input.
    """

    def __init__(
        self, channels: int, dilation: int, *, expansion: int = 2, residual_scale: float = 0.15
    ) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.layers = nn.Sequential(
            nn.Conv1d(
                channels,
                channels,
                3,
                padding=dilation,
                dilation=dilation,
                groups=channels,
                bias=False,
            ),
            # one group: mean and variance over channels and positions of each example
            nn.GroupNorm(1, channels, affine=False),
            nn.Conv1d(channels, expansion * channels, 1, bias=False),
            nn.GELU(approximate="tanh"),
            nn.Conv1d(expansion * channels, channels, 1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, channels, length) from ``x`` of that shape."""
        result: torch.Tensor = x + self.layers(x) * self.residual_scale
        return result


class Cherimoya(Architecture):
    """A wide convolution, dilated depthwise blocks, a profile and its counts.

    613,892 parameters with 128 filters and 9 layers, the two weights of the losses included.
    Weights start from a normal distribution of 0.02, cut off; biases from zero.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 2114. Other lengths can be read as well.
    output_dim : int
        Number of counts: one for each group of tracks.
    n_filters : int
        Channels.
    n_layers : int
        Blocks, with dilations 1, 2, ..., ``2 ** (n_layers - 1)``.
    n_outputs : int
        Tracks of the profile.
    n_control_tracks : int
        Control tracks that :meth:`forward` takes beside the sequence.
    expansion : int
        How many times wider the hidden layer of a block is.
    residual_scale : float
        Factor of what a block adds.
    trimming : int, optional
        Positions left out at each end of the profile; by default ``45 + 2 ** n_layers``, 557
        with 9 layers, which leaves 1000 of 2114.
    profile : bool
        Whether there is a profile, and the weights of its loss and of that of the counts
        (``loss_weights``, which only a loss reads). Without, counts alone are returned, a tensor.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Schreiber 2026, https://github.com/jmschrei/cherimoya; its blocks are those of Liu et al. 2022,
    https://doi.org/10.1109/CVPR52688.2022.01167

    Examples
    --------
    >>> output = Cherimoya(2114, n_filters=8)(torch.rand(1, 4, 2114))
    >>> output.profile.shape, output.counts.shape
    (torch.Size([1, 1, 1000]), torch.Size([1, 1]))
    """

    name: ClassVar[str] = "cherimoya"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int = 2114,
        output_dim: int = 1,
        *,
        n_filters: int = 128,
        n_layers: int = 9,
        n_outputs: int = 1,
        n_control_tracks: int = 0,
        expansion: int = 2,
        residual_scale: float = 0.15,
        trimming: int | None = None,
        profile: bool = True,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        stem, head = 21, 75
        if trimming is None:
            trimming = 46 + 2**n_layers - 1  # as published; the edges see one base less
        self.output_len = trimmed(input_len, trimming)
        self.stem = nn.Sequential(
            SameConv1d(input_channels, n_filters, stem), nn.GELU(approximate="tanh")
        )
        self.blocks = nn.Sequential(
            *(
                DepthwiseBlock(n_filters, 2**i, expansion=expansion, residual_scale=residual_scale)
                for i in range(n_layers)
            )
        )
        self.head = ProfileHead(
            n_filters,
            n_outputs,
            output_dim,
            n_control_tracks=n_control_tracks,
            trimming=trimming,
            kernel=head,
            margin=0,
            profile=profile,
        )
        for layer in self.modules():
            if isinstance(layer, (nn.Conv1d, nn.Linear)):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        self.loss_weights = nn.Parameter(torch.ones(2, output_dim)) if profile else None

    def forward(
        self, x: torch.Tensor, control: torch.Tensor | None = None
    ) -> ProfileOutput | torch.Tensor:
        """Return profile logits and logarithmic counts.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.
        control : torch.Tensor of float, shape (batch, n_control_tracks, length), optional
            Control tracks in counts; left out, they are zero everywhere.

        Returns
        -------
        ProfileOutput or torch.Tensor of float, shape (batch, output_dim)
            Profile (batch, n_outputs, length - 2 * trimming) and counts; without a profile the
            counts.
        """
        result: ProfileOutput | torch.Tensor = self.head(self.blocks(self.stem(x)), control)
        return result
