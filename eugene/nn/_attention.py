"""Attention over positions, with and without their distances, and pooling by attention."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from eugene.nn._errors import ModelError


class MultiHeadAttention(nn.Module):
    """Every position a mean of all, weighted by how well they match, in several heads.

    Parameters
    ----------
    input_dim : int
        Channels of the input.
    head_dim, num_heads : int
        Width and number of the heads; the output has ``head_dim * num_heads`` channels.
    dropout_rate : float
        Share of weights dropped in training.
    bias : bool
        Whether queries, keys and values have biases.

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
    ) -> None:
        super().__init__()
        self.num_heads, self.dropout_rate = num_heads, dropout_rate
        self.out_channels = head_dim * num_heads
        self.query, self.key, self.value = (
            nn.Linear(input_dim, self.out_channels, bias=bias) for _ in range(3)
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
        torch.Tensor of float, shape (batch, length, head_dim * num_heads)
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
        self.logits = nn.Linear(channels, channels if per_channel else 1, bias=False)
        with torch.no_grad():
            if per_channel:
                self.logits.weight.copy_(torch.eye(channels) * init_gain)
            else:
                self.logits.weight.fill_(init_gain / channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, channels, windows) from ``x``, float (batch, channels, length)."""
        missing = -x.shape[2] % self.pool_size
        logits = self.logits(x.transpose(1, 2)).transpose(1, 2)
        if missing:
            x = F.pad(x, (0, missing))
            logits = F.pad(logits, (0, missing), value=-1e9)
        windows = (x.shape[2] // self.pool_size, self.pool_size)
        weights = logits.reshape(*logits.shape[:2], *windows).softmax(dim=-1)
        pooled: torch.Tensor = (x.reshape(*x.shape[:2], *windows) * weights).sum(dim=-1)
        return pooled


def relative_features(length: int, n_features: int) -> torch.Tensor:
    """Return what distances look like to relative attention.

    A sixth each of exponential decays with half-lives from 8 to ``length``, masks of the
    central ``2 ** i`` positions, and gamma densities, then the same with the sign of the distance.

    Parameters
    ----------
    length : int
        Number of positions.
    n_features : int
        Number of features, a multiple of 6.

    Returns
    -------
    torch.Tensor of float32, shape (2 * length - 1, n_features)
        Features of the distances ``1 - length`` to ``length - 1``.

    Raises
    ------
    ModelError
        If ``n_features`` is no multiple of 6.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> relative_features(4, 6).shape
    torch.Size([7, 6])
    """
    if n_features < 6 or n_features % 6:
        raise ModelError(f"n_features={n_features} must be a multiple of 6")
    n = n_features // 6
    signed = torch.arange(1 - length, length, dtype=torch.float64)
    distance = signed.abs()[:, None]
    top = max(math.log2(length), 3.0)
    decay = torch.exp2(-distance / torch.exp2(torch.linspace(3.0, top, n, dtype=torch.float64)))
    width = torch.exp2(torch.arange(1, n + 1, dtype=torch.float64)) - 1
    central = (width > distance).double()
    mean = torch.linspace(length / n, length, n, dtype=torch.float64)
    deviation = length / (2 * n)
    shape, rate = (mean / deviation) ** 2, mean / deviation**2
    log_density = (
        torch.xlogy(shape - 1, distance)
        - rate * distance
        - torch.lgamma(shape)
        + shape * torch.log(rate)
    )
    density = torch.exp(log_density) + 1e-8
    basis = torch.cat((decay, central, density / density.amax(dim=0)), dim=1)
    return torch.cat((basis, signed.sign()[:, None] * basis), dim=1).float()


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

    Raises
    ------
    ModelError
        If ``n_features`` is no multiple of 6.

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
    ) -> None:
        super().__init__()
        relative_features(2, n_features)  # refuses what cannot be
        self.num_heads, self.key_dim, self.n_features = num_heads, key_dim, n_features
        self.query = nn.Linear(input_dim, num_heads * key_dim, bias=False)
        self.key = nn.Linear(input_dim, num_heads * key_dim, bias=False)
        self.value = nn.Linear(input_dim, num_heads * value_dim, bias=False)
        self.distance = nn.Linear(n_features, num_heads * key_dim, bias=False)
        self.content_bias = nn.Parameter(torch.empty(num_heads, 1, key_dim))
        self.distance_bias = nn.Parameter(torch.empty(num_heads, 1, key_dim))
        self.output = nn.Linear(num_heads * value_dim, input_dim)
        self.dropout = nn.Dropout(dropout)
        self.position_dropout = nn.Dropout(position_dropout)
        nn.init.kaiming_uniform_(self.content_bias)
        nn.init.kaiming_uniform_(self.distance_bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, length, input_dim) from ``x``, of the same shape."""
        length = x.shape[1]
        query, key, value = (
            layer(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        query = query * self.key_dim**-0.5
        features = relative_features(length, self.n_features).to(x)
        distance = self.distance(self.position_dropout(features))
        distance = distance.unflatten(1, (self.num_heads, -1)).permute(1, 2, 0)
        content = (query + self.content_bias) @ key.transpose(-2, -1)
        relative = _shift((query + self.distance_bias) @ distance, length)
        weights = self.dropout((content + relative).softmax(dim=-1))
        found: torch.Tensor = self.output((weights @ value).transpose(1, 2).flatten(2))
        return found


def _shift(by_distance: torch.Tensor, length: int) -> torch.Tensor:
    """Turn (..., length, distances) into (..., length, length): at i and j the distance j - i."""
    shape = by_distance.shape[:-2]
    rolled = F.pad(by_distance, (1, 0)).reshape(*shape, 2 * length, length)[..., 1:, :]
    return rolled.reshape(*shape, length, 2 * length - 1)[..., :length]
