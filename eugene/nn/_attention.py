"""Attention over positions, with and without their distances, and pooling by attention."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from eugene.nn._errors import ModelError
from eugene.nn._positions import check_features, relative_features


class MultiHeadAttention(nn.Module):
    """Every position a mean of all, weighted by how well they match, in several heads.

    Parameters
    ----------
    input_dim : int
        Channels of the input.
    head_dim, num_heads : int
        Width and number of the heads.
    dropout_rate : float
        Share of weights dropped in training.
    bias : bool
        Whether queries, keys and values have biases.
    value_dim : int, optional
        Width of the values of a head, ``head_dim`` by default; the output has
        ``value_dim * num_heads`` channels.

    References
    ----------
    Vaswani et al. 2017, https://doi.org/10.48550/arXiv.1706.03762

    Examples
    --------
    >>> MultiHeadAttention(16, head_dim=4, num_heads=2)(torch.rand(3, 30, 16)).shape
    torch.Size([3, 30, 8])
    """

    def __init__(
        self,
        input_dim: int,
        head_dim: int,
        num_heads: int = 1,
        dropout_rate: float = 0.0,
        *,
        bias: bool = True,
        value_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.num_heads, self.dropout_rate = num_heads, dropout_rate
        self.out_channels = (head_dim if value_dim is None else value_dim) * num_heads
        self.query, self.key, self.value = (
            nn.Linear(input_dim, channels, bias=bias)
            for channels in (head_dim * num_heads, head_dim * num_heads, self.out_channels)
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Attend.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, length, input_dim)
            Features.
        mask : torch.Tensor of bool, shape (batch, length), optional
            False where a position is not to be seen, such as padding.

        Returns
        -------
        torch.Tensor of float, shape (batch, length, value_dim * num_heads)
            The means, one head behind the other.
        """
        query, key, value = (
            layer(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        rate = self.dropout_rate if self.training else 0.0
        seen = None if mask is None else mask[:, None, None, :]
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=rate)
        return found.transpose(1, 2).flatten(2)


class AttentionPool1d(nn.Module):
    """Pooling in which every channel weighs the positions of a window by a softmax.

    Enformer's softmax pooling: begun as the mean if ``init_gain`` is 0, close to the maximum if
    it is large.

    Parameters
    ----------
    channels : int
        Channels.
    pool_size : int
        Width and step of the windows. What is left over at the end is filled up with zeros that
        have no weight.
    per_channel : bool
        Whether each channel has weights of its own, or all share them.
    init_gain : float
        Factor of the identity that the logits begin as.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> AttentionPool1d(8)(torch.rand(2, 8, 31)).shape
    torch.Size([2, 8, 16])
    """

    def __init__(
        self,
        channels: int,
        pool_size: int = 2,
        *,
        per_channel: bool = True,
        init_gain: float = 2.0,
    ) -> None:
        super().__init__()
        self.pool_size = pool_size
        self.kernel_size = self.stride = pool_size  # as other poolings say it
        self.logits = nn.Linear(channels, channels if per_channel else 1, bias=False)
        with torch.no_grad():
            if per_channel:
                self.logits.weight.copy_(torch.eye(channels) * init_gain)
            else:
                self.logits.weight.fill_(init_gain / channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, channels, windows) from ``x``, float (batch, channels, length)."""
        if self.pool_size == 2 and x.shape[2] % 2 == 0:
            # a softmax of two is a sigmoid of their difference, and the logits are linear
            first, second = x[..., ::2], x[..., 1::2]
            apart = first - second
            share = torch.sigmoid(self.logits(apart.transpose(1, 2)).transpose(1, 2))
            return second + share * apart
        missing = -x.shape[2] % self.pool_size
        logits = self.logits(x.transpose(1, 2)).transpose(1, 2)
        if missing:
            x = F.pad(x, (0, missing))
            logits = F.pad(logits, (0, missing), value=-1e9)
        windows = (x.shape[2] // self.pool_size, self.pool_size)
        weights = logits.reshape(*logits.shape[:2], *windows).softmax(dim=-1)
        pooled: torch.Tensor = (x.reshape(*x.shape[:2], *windows) * weights).sum(dim=-1)
        return pooled


class RelativeAttention(nn.Module):
    """Attention that weighs positions by their distance too, as in Enformer.

    Parameters
    ----------
    input_dim : int
        Channels of input and output.
    num_heads, key_dim, value_dim : int
        Number of heads, and their widths.
    n_features : int
        Features of a distance, see :func:`relative_features`; a multiple of 6.
    dropout, position_dropout : float
        Share of weights, and of features of distances, dropped in training.
    gamma : {"exact", "tensorflow", "enformer-pytorch"}, optional
        How features of distances are computed, see :func:`relative_features`; None where they
        are others, which the caller gives.
    zero_output : bool
        Whether the output begins as zero, so that a block that adds it begins as nothing.

    Raises
    ------
    ModelError
        If ``n_features`` is no multiple of 6 or ``gamma`` is unknown.

    References
    ----------
    Dai et al. 2019, https://doi.org/10.48550/arXiv.1901.02860; Avsec et al. 2021,
    https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> RelativeAttention(16, num_heads=2, key_dim=4, value_dim=8, n_features=12)(
    ...     torch.rand(3, 10, 16)).shape
    torch.Size([3, 10, 16])
    """

    def __init__(
        self,
        input_dim: int,
        *,
        num_heads: int = 8,
        key_dim: int = 64,
        value_dim: int = 192,
        n_features: int = 192,
        dropout: float = 0.05,
        position_dropout: float = 0.01,
        gamma: str | None = "exact",
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        if gamma is not None:
            check_features(n_features, gamma)
        self.num_heads, self.key_dim, self.n_features = num_heads, key_dim, n_features
        self.gamma, self.dropout_rate = gamma, dropout
        self.query = nn.Linear(input_dim, num_heads * key_dim, bias=False)
        self.key = nn.Linear(input_dim, num_heads * key_dim, bias=False)
        self.value = nn.Linear(input_dim, num_heads * value_dim, bias=False)
        self.distance = nn.Linear(n_features, num_heads * key_dim, bias=False)
        self.content_bias = nn.Parameter(torch.empty(num_heads, 1, key_dim))
        self.distance_bias = nn.Parameter(torch.empty(num_heads, 1, key_dim))
        self.output = nn.Linear(num_heads * value_dim, input_dim)
        self.position_dropout = nn.Dropout(position_dropout)
        for layer in (self.query, self.key, self.value, self.distance):
            nn.init.kaiming_normal_(layer.weight)
        nn.init.kaiming_normal_(self.content_bias)
        nn.init.kaiming_normal_(self.distance_bias)
        if zero_output:
            nn.init.zeros_(self.output.weight)
            nn.init.zeros_(self.output.bias)

    def forward(self, x: torch.Tensor, features: torch.Tensor | None = None) -> torch.Tensor:
        """Attend.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, length, input_dim)
            Features of positions.
        features : torch.Tensor of float, shape (2 * length - 1, n_features), optional
            Those of distances, where several layers share them.

        Returns
        -------
        torch.Tensor of float, shape (batch, length, input_dim)
            Means of all positions.
        """
        length = x.shape[1]
        query, key, value = (
            layer(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        query = query * self.key_dim**-0.5
        if features is None and self.gamma is None:
            raise ModelError("features of distances are to be given: gamma is None")
        if features is None:
            features = relative_features(length, self.n_features, self.gamma or "exact")
            features = features.to(device=x.device, dtype=x.dtype)
        distance = self.distance(self.position_dropout(features))
        distance = distance.unflatten(1, (self.num_heads, -1)).permute(1, 2, 0)
        relative = _shift((query + self.distance_bias.to(query.dtype)) @ distance, length)
        found = F.scaled_dot_product_attention(
            query + self.content_bias.to(query.dtype),
            key,
            value,
            attn_mask=relative,
            dropout_p=self.dropout_rate if self.training else 0.0,
            scale=1.0,
        )
        result: torch.Tensor = self.output(found.transpose(1, 2).flatten(2))
        return result


def _shift(by_distance: torch.Tensor, length: int) -> torch.Tensor:
    """Turn (..., length, distances) into (..., length, length): at i and j the distance j - i.

    One behind the other, rows of all distances become rows that begin one distance earlier each
    if they are cut one shorter; nothing is copied.
    """
    if length == 1:
        return by_distance
    wide = 2 * length - 2
    flat = by_distance.flatten(-2)[..., length - 1 : length - 1 + length * wide]
    return flat.reshape(*flat.shape[:-1], length, wide)[..., :length]
