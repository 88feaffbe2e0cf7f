"""Borzoi: Enformer's attention between convolutions down to 128 bp and up again to 32 bp."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import arguments, make_part
from eugene.models._enformer_trunk import BinTrunk, TransformerBlock, conv_block
from eugene.models.enformer import TrackHeads
from eugene.nn import ModelError, RelativeAttention, SameConv1d, make_activation
from eugene.nn._positions import central_features

BIN, STEP = 32, 128
HEADS = {"human": 7_611, "mouse": 2_608}
_WIDTHS = (512, 608, 736, 896, 1_056, 1_280, 1_536)
_EPS = 1e-3


def borzoi_widths(channels: int) -> list[int]:
    """Return the channels of the convolutions, those published times ``channels / 1536``.

    Parameters
    ----------
    channels : int
        Those of the last convolution.

    Returns
    -------
    list of int

    Examples
    --------
    >>> borzoi_widths(1536)
    [512, 608, 736, 896, 1056, 1280, 1536]
    """
    return [max(1, round(width * channels / _WIDTHS[-1])) for width in _WIDTHS]


def _block(before: int, after: int, kernel: int) -> nn.Sequential:
    return conv_block(before, after, kernel, eps=_EPS, activation="gelu_tanh")


class UpStage(nn.Module):
    """Twice as many positions, with what the way down had there, and a separable convolution.

    Parameters
    ----------
    channels, across : int
        Channels, and those of what comes from the way down.
    """

    def __init__(self, channels: int, across: int) -> None:
        super().__init__()
        self.up = nn.Sequential(_block(channels, channels, 1), nn.Upsample(scale_factor=2))
        self.across = _block(across, channels, 1)
        self.separable = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.Conv1d(channels, channels, 1),
        )

    def forward(self, x: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
        """Return float (batch, channels, 2 * length) from ``x`` and ``across``, of that length."""
        result: torch.Tensor = self.separable(self.up(x) + self.across(across))
        return result


class BorzoiTrunk(BinTrunk):
    """What Borzoi embeds a sequence by, in bins of 32 bp.

    Parameters
    ----------
    channels : int
        Channels of the attention; the convolutions before have less, as published.
    n_transformers : int
        Blocks of attention, over bins of 128 bp.
    n_heads, key_size, value_size : int
        Heads of the attention, and the widths of their keys and values.
    crop : int, optional
        Bins of 32 bp left out at each end of the sequence; none by default. Published: 5,120 of
        16,384.
    position_features : int
        Features of a distance, an even number.
    trained_bins : int
        Bins of the sequences that the network is trained on, which the features are spaced for;
        published: 4,096, whatever the length.
    dropout, attention_dropout, position_dropout : float
        Shares dropped in training: of values behind layers of a block (half of it before the
        embedding), of weights of the attention, of features of distances.
    recompute : bool
        Keep only what goes into the blocks when training, and compute the rest again in the
        backward pass: less memory, the same results.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If an argument cannot be.

    References
    ----------
    Linder et al. 2025, https://doi.org/10.1038/s41588-024-02053-6

    Examples
    --------
    >>> trunk = BorzoiTrunk(channels=24, n_transformers=1, n_heads=2, key_size=4, value_size=4)
    >>> trunk(torch.rand(1, 4, 512)).shape
    torch.Size([1, 16, 30])
    """

    step: ClassVar[int] = STEP
    bin_size: ClassVar[int] = BIN

    def __init__(
        self,
        *,
        channels: int = 1_536,
        n_transformers: int = 8,
        n_heads: int = 8,
        key_size: int = 64,
        value_size: int = 192,
        crop: int | None = None,
        position_features: int = 32,
        trained_bins: int = 4_096,
        dropout: float = 0.2,
        attention_dropout: float = 0.05,
        position_dropout: float = 0.01,
        recompute: bool = False,
        input_channels: int = 4,
    ) -> None:
        super().__init__(crop, recompute)
        if position_features < 2 or position_features % 2:
            raise ModelError(f"position_features={position_features} must be an even number")
        self.position_features, self.trained_bins = position_features, trained_bins
        self.out_channels = round(1.25 * channels)
        first, *widths = borzoi_widths(channels)
        self.stem = SameConv1d(input_channels, first, 15)
        self.pool = nn.MaxPool1d(2)
        self.tower = nn.ModuleList(
            _block(before, after, 5) for before, after in pairwise([first, *widths])
        )
        self.transformer = nn.ModuleList()
        for _ in range(n_transformers):
            attention = RelativeAttention(
                channels,
                num_heads=n_heads,
                key_dim=key_size,
                value_dim=value_size,
                n_features=position_features,
                dropout=attention_dropout,
                position_dropout=position_dropout,
                gamma=None,
                zero_output=True,
            )
            self.transformer.append(TransformerBlock(attention, channels, dropout, eps=_EPS))
        self.up = nn.ModuleList([UpStage(channels, channels), UpStage(channels, widths[-2])])
        self.final = nn.Sequential(
            _block(channels, self.out_channels, 1),
            nn.Dropout(dropout / 2),
            make_activation("gelu_tanh") or nn.Identity(),
        )

    def embedded(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, bins, out_channels) from ``x``, one-hot (batch, letters, length)."""
        x, kept = self.stem(x), []
        for block in self.tower:
            x = block(self.pool(x))
            kept.append(x)
        x = self.pool(x).transpose(1, 2)
        features = central_features(x.shape[1], self.position_features, self.trained_bins)
        x = self.attended(x, features).transpose(1, 2)
        for stage, across in zip(self.up, (kept[-1], kept[-2]), strict=True):
            x = stage(x, across)
        x = x[..., self.crop : x.shape[2] - self.crop]
        result: torch.Tensor = self.final(x).transpose(1, 2)
        return result


class Borzoi(TrackHeads):
    """Borzoi, tracks in bins of 32 bp from sequences of up to 524 kb.

    185,892,699 parameters with the head of human, 190,902,667 with both. Outputs are raw:
    published is a softplus behind them, and tracks are squashed, which is to be undone.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp, a multiple of 128; published: 524,288. Other multiples can
        be read as well.
    output_dim : int, optional
        Tracks of the one head that there is instead of ``heads``; with ``heads``, their sum.
    heads : mapping of str to int, optional
        Tracks of each head; published, and there if nothing else is asked for: 7,611 of human,
        2,608 of mouse.
    channels, n_transformers, n_heads, key_size, value_size, crop
        The trunk, see `BorzoiTrunk`.
    trunk_kwargs : dict, optional
        Other arguments of the trunk that differ from those published, such as ``dropout`` and
        ``recompute``.
    pool : {"none", "avg", "max"}
        ``"none"`` returns (batch, output_dim, bins), as published; the others one value for
        each sequence, from embeddings that are pooled over the bins.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the length is no multiple of 128, heads and outputs contradict each other, or the
        trunk cannot be built.

    References
    ----------
    Linder et al. 2025, https://doi.org/10.1038/s41588-024-02053-6

    Examples
    --------
    >>> model = Borzoi(512, 3, channels=24, n_transformers=1, n_heads=2, key_size=4, value_size=4)
    >>> model(torch.rand(1, 4, 512)).shape
    torch.Size([1, 3, 16])
    """

    name: ClassVar[str] = "borzoi"
    trunk: BorzoiTrunk

    def __init__(
        self,
        input_len: int = 524_288,
        output_dim: int | None = None,
        *,
        heads: Mapping[str, int] | None = None,
        channels: int = 1_536,
        n_transformers: int = 8,
        n_heads: int = 8,
        key_size: int = 64,
        value_size: int = 192,
        crop: int | None = None,
        trunk_kwargs: Mapping[str, object] | None = None,
        pool: str = "none",
        input_channels: int = 4,
    ) -> None:
        super().__init__(arguments(locals()), HEADS)
        self.trunk = make_part(
            BorzoiTrunk,
            "trunk_kwargs",
            trunk_kwargs,
            {},
            channels=channels,
            n_transformers=n_transformers,
            n_heads=n_heads,
            key_size=key_size,
            value_size=value_size,
            crop=crop,
            input_channels=input_channels,
        )
        self.output_len = self.trunk.bins(input_len)
        self._make_heads(self.trunk.out_channels)
