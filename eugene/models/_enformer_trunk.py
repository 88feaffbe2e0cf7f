"""Enformer's trunk: convolutions that halve the sequence, and attention over bins of 128 bp."""

from __future__ import annotations

import contextlib
import math
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import nn

from eugene.nn import (
    AttentionPool1d,
    InputShapeError,
    ModelError,
    RelativeAttention,
    Residual,
    SameConv1d,
    SigmoidGELU,
    make_activation,
    recomputing,
    relative_features,
)

BIN = 128
_POOLINGS = 7
_EPS = 1e-5


def tower_widths(channels: int, multiple_of: int) -> list[int]:
    """Return the channels of the tower, which double in six steps that are rounded.

    Parameters
    ----------
    channels : int
        Those of its last convolution; the stem has half as many.
    multiple_of : int
        What each is rounded to a multiple of.

    Returns
    -------
    list of int

    Examples
    --------
    >>> tower_widths(1536, 128)
    [768, 896, 1024, 1152, 1280, 1536]
    """
    steps = _POOLINGS - 1
    growth = math.exp(math.log(2) / (steps - 1))
    return [round(channels / 2 * growth**i / multiple_of) * multiple_of for i in range(steps)]


def conv_block(
    before: int, after: int, kernel: int, *, eps: float = _EPS, activation: str = "gelu_sigmoid"
) -> nn.Sequential:
    """Return normalisation, activation, convolution.

    Parameters
    ----------
    before, after, kernel : int
        Channels and width of the convolution.
    eps : float
        Epsilon of the normalisation.
    activation : str
        A name of `eugene.nn.ACTIVATIONS`.
    """
    return nn.Sequential(
        nn.BatchNorm1d(before, eps=eps, momentum=0.1),
        make_activation(activation) or nn.Identity(),
        SameConv1d(before, after, kernel),
    )


def whole_bins(length: int, step: int, size: int, crop: int, *, fed: bool = False) -> int:
    """Return how many bins are left of a sequence.

    Parameters
    ----------
    length, step, size : int
        Length of the sequence in bp, what it has to be a multiple of, and length of a bin.
    crop : int
        Bins left out at each end.
    fed : bool
        Whether a sequence was read that is so long, or a network is built for it.

    Raises
    ------
    ModelError, InputShapeError
        If there are none; the latter where a sequence was ``fed``.
    """
    error = InputShapeError if fed else ModelError
    least = -(-size * (2 * crop + 1) // step) * step
    if length < step or length % step:
        raise error(
            f"input_len={length} must be a multiple of {step} bp, the length of a bin of the "
            f"attention, and at least {least}"
        )
    found = length // size - 2 * crop
    if found < 1:
        raise error(
            f"input_len={length} gives {length // size} bins, of which crop={crop} leaves none: it "
            f"must be at least {least}"
        )
    return found


def _make_pool(pooling: str, channels: int) -> nn.Module:
    if pooling == "attention":
        return AttentionPool1d(channels)
    return nn.MaxPool1d(2) if pooling == "max" else nn.AvgPool1d(2)


class ConvStage(nn.Module):
    """A convolution, one of width 1 that is added to it, and a pooling by 2.

    Parameters
    ----------
    first : torch.nn.Module
        The convolution, perhaps with what comes before it.
    channels : int
        Channels that it gives.
    pooling : {"attention", "max", "avg"}
        How two positions become one.
    """

    def __init__(self, first: nn.Module, channels: int, pooling: str) -> None:
        super().__init__()
        self.first = first
        self.pointwise = Residual(conv_block(channels, channels, 1))
        self.pool = _make_pool(pooling, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, channels, length / 2) from ``x``, (batch, ..., length)."""
        pooled: torch.Tensor = self.pool(self.pointwise(self.first(x)))
        return pooled


class TransformerBlock(nn.Module):
    """Attention and two dense layers, each added to what it reads normalised.

    Parameters
    ----------
    attention : torch.nn.Module
        From float (batch, bins, channels) and features of distances to the shape of the former.
    channels : int
        Channels.
    dropout : float
        Share of values dropped in training, behind the attention and either dense layer.
    eps : float
        Epsilon of the normalisations.
    """

    def __init__(
        self, attention: nn.Module, channels: int, dropout: float, *, eps: float = _EPS
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=eps)
        self.attention = attention
        self.dropout = nn.Dropout(dropout)
        dense = nn.Sequential(
            nn.LayerNorm(channels, eps=eps),
            nn.Linear(channels, 2 * channels),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(2 * channels, channels),
            nn.Dropout(dropout),
        )
        self.dense = Residual(dense)

    def forward(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return float (batch, bins, channels) from ``x``, of the same shape."""
        result: torch.Tensor = self.dense(x + self.dropout(self.attention(self.norm(x), features)))
        return result


class BinTrunk(nn.Module):
    """A trunk of convolutions and blocks of attention, which embeds sequences in bins.

    Parameters
    ----------
    crop : int, optional
        Bins left out at each end of the sequence.
    recompute : bool
        Whether training keeps only what goes into the blocks, and computes the rest again.

    Raises
    ------
    ModelError
        If the crop is negative.
    """

    of_blocks: ClassVar[bool] = True
    step: ClassVar[int]
    """What the length of a sequence has to be a multiple of, in bp."""
    bin_size: ClassVar[int]
    """Length of a bin in bp."""
    transformer: nn.ModuleList

    def __init__(self, crop: int | None, recompute: bool) -> None:
        super().__init__()
        if crop is not None and crop < 0:
            raise ModelError(f"crop={crop} must be at least 0, bins left out at each end")
        self.crop, self.recompute = crop or 0, recompute

    def bins(self, length: int) -> int:
        """Return how many bins a sequence of some length (bp) is embedded in.

        Raises
        ------
        ModelError
            If the length is no multiple of what it has to be, or no bin is left of it.
        """
        return whole_bins(length, self.step, self.bin_size, self.crop)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embed sequences.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences, their length a multiple of ``step`` bp.

        Returns
        -------
        torch.Tensor of float, shape (batch, bins, out_channels)

        Raises
        ------
        InputShapeError
            If the sequences are no whole number of bins long.
        """
        whole_bins(x.shape[2], self.step, self.bin_size, self.crop, fed=True)
        again = self.recompute and self.training
        with recomputing(self) if again else contextlib.nullcontext():
            return self.embedded(x)

    @abstractmethod
    def embedded(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, bins, channels) from ``x``, one-hot (batch, letters, length)."""

    def attended(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return ``x``, float (batch, bins, channels), behind all blocks of attention."""
        features = features.to(device=x.device, dtype=x.dtype)
        for block in self.transformer:
            x = block(x, features)
        return x


class EnformerTrunk(BinTrunk):
    """What Enformer embeds a sequence by: 229,845,504 parameters as published.

    Parameters
    ----------
    channels : int
        Channels of the attention; the stem has half as many, an embedding twice as many.
    n_transformers : int
        Blocks of attention.
    n_heads, key_size : int
        Heads of the attention, and the width of their keys. A distance has as many features as
        the largest multiple of 6 up to ``channels / n_heads``.
    value_size : int, optional
        Width of the values of a head; ``channels / n_heads`` by default.
    pooling : {"attention", "max", "avg"}
        How two positions become one.
    crop : int, optional
        Bins left out at each end of the sequence; none by default. Published: 320 of 1,536.
    multiple_of : int, optional
        What the channels of the tower are rounded to a multiple of; by default 128 as published,
        or half of ``channels`` where that is less.
    dropout, attention_dropout, position_dropout : float
        Shares dropped in training: of values behind layers of a block (an eighth of it before the
        embedding), of weights of the attention, of features of distances.
    gamma : {"tensorflow", "exact", "enformer-pytorch"}
        How features of distances are computed, see `eugene.nn.relative_features`. Published
        weights were trained with those of TensorFlow.
    batchnorm : {"updated", "frozen"}
        Whether training normalises by the statistics of its batches and moves the running ones,
        or leaves these as they are and normalises by them, as for a few constructs it may be
        better; scales and shifts are trained either way. A trunk that is frozen as a whole keeps
        them anyway.
    recompute : bool
        Keep only what goes into the blocks when training, and compute the rest again in the
        backward pass: less memory, the same results.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the widths do not fit each other or an argument is unknown.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> trunk = EnformerTrunk(channels=24, n_transformers=1, n_heads=2, key_size=4)
    >>> trunk(torch.rand(1, 4, 512)).shape
    torch.Size([1, 4, 48])
    """

    step: ClassVar[int] = BIN
    bin_size: ClassVar[int] = BIN

    def __init__(
        self,
        *,
        channels: int = 1_536,
        n_transformers: int = 11,
        n_heads: int = 8,
        key_size: int = 64,
        value_size: int | None = None,
        pooling: str = "attention",
        crop: int | None = None,
        multiple_of: int | None = None,
        dropout: float = 0.4,
        attention_dropout: float = 0.05,
        position_dropout: float = 0.01,
        gamma: str = "tensorflow",
        batchnorm: str = "updated",
        recompute: bool = False,
        input_channels: int = 4,
    ) -> None:
        super().__init__(crop, recompute)
        if batchnorm not in ("updated", "frozen"):
            raise ModelError(f"batchnorm={batchnorm!r} must be 'updated' or 'frozen'")
        multiple = min(128, channels // 2) if multiple_of is None else multiple_of
        if channels < 2 or multiple < 1 or channels % 2 or channels % multiple:
            raise ModelError(
                f"channels={channels} must be an even number and a multiple of multiple_of="
                f"{multiple}, as the tower ends with so many"
            )
        if channels % n_heads:
            raise ModelError(f"channels={channels} must be a multiple of n_heads={n_heads}")
        if pooling not in ("attention", "max", "avg"):
            raise ModelError(f"pooling={pooling!r} must be 'attention', 'max' or 'avg'")
        share = channels // n_heads
        self.channels, self.position_features = channels, share // 6 * 6
        self.gamma, self.batchnorm = gamma, batchnorm
        widths = tower_widths(channels, multiple)
        half = channels // 2
        self.stem = ConvStage(SameConv1d(input_channels, half, 15), half, pooling)
        self.tower = nn.Sequential(
            *(
                ConvStage(conv_block(before, after, 5), after, pooling)
                for before, after in zip([half, *widths], widths, strict=False)
            )
        )
        self.transformer = nn.ModuleList()
        for _ in range(n_transformers):
            attention = RelativeAttention(
                channels,
                num_heads=n_heads,
                key_dim=key_size,
                value_dim=share if value_size is None else value_size,
                n_features=self.position_features,
                dropout=attention_dropout,
                position_dropout=position_dropout,
                gamma=gamma,
                zero_output=True,
            )
            self.transformer.append(TransformerBlock(attention, channels, dropout))
        self.final = nn.Sequential(
            conv_block(channels, 2 * channels, 1), nn.Dropout(dropout / 8), SigmoidGELU()
        )

    @property
    def out_channels(self) -> int:
        """Channels of an embedding."""
        return 2 * self.channels

    def train(self, mode: bool = True) -> EnformerTrunk:
        """Set training or evaluation mode; normalisations stay in the latter if they are frozen.

        Parameters
        ----------
        mode : bool
            Whether it is to be trained.
        """
        super().train(mode)
        if self.batchnorm == "frozen":
            for layer in self.modules():
                if isinstance(layer, nn.BatchNorm1d):
                    layer.eval()
        return self

    def embedded(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, bins, 2 * channels) from ``x``, one-hot (batch, letters, length)."""
        x = self.tower(self.stem(x)).transpose(1, 2)
        x = self.attended(x, relative_features(x.shape[1], self.position_features, self.gamma))
        x = x[:, self.crop : x.shape[1] - self.crop]
        result: torch.Tensor = self.final(x.transpose(1, 2)).transpose(1, 2)
        return result
