"""What turns features into outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from eugene.nn._activations import Activation, make_activation
from eugene.nn._attention import MultiHeadAttention
from eugene.nn._blocks import DenseBlock
from eugene.nn._errors import InputShapeError


class AttentionHead(nn.Module):
    """Positions that attend to each other, then a dense layer over all of them.

    No position is told from another but by the dense layer, which makes the head one of sequences
    of one length.

    Parameters
    ----------
    input_dim, length : int
        Channels and positions of the features.
    output_dim : int
        Number of outputs.
    key_dim, value_dim, num_heads : int
        Widths of keys and values of a head of the attention, and number of these.
    dropout : float
        Share of weights of the attention dropped in training.

    References
    ----------
    Ribeiro-dos-Santos and Maurano 2025, Genome Research 35, 2539

    Examples
    --------
    >>> AttentionHead(16, 20, key_dim=8, value_dim=8)(torch.rand(3, 20, 16)).shape
    torch.Size([3, 1])
    """

    def __init__(
        self,
        input_dim: int,
        length: int,
        output_dim: int = 1,
        *,
        key_dim: int = 64,
        value_dim: int = 64,
        num_heads: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.length = length
        self.attention = MultiHeadAttention(
            input_dim, key_dim, num_heads, dropout, bias=False, value_dim=value_dim
        )
        for layer in (self.attention.query, self.attention.key, self.attention.value):
            nn.init.kaiming_normal_(layer.weight)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(length * self.attention.out_channels, output_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs, raw.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, length, input_dim)
            Features of positions.

        Returns
        -------
        torch.Tensor of float, shape (batch, output_dim)

        Raises
        ------
        InputShapeError
            If the features have another number of positions than the head was made for.
        """
        if x.shape[1] != self.length:
            raise InputShapeError(
                f"the head was made for {self.length} positions, the features have {x.shape[1]}: "
                "give sequences as long as those that it was trained on, or train a new head"
            )
        result: torch.Tensor = self.linear(self.flatten(self.attention(x)))
        return result


class GatedHead(nn.Module):
    """Features weighted by gates that are computed from them, then a linear layer.

    Parameters
    ----------
    input_dim, output_dim : int
        Number of features and of outputs.
    hidden_dim : int
        Number of gated features.
    activation : str, callable, torch.nn.Module or None
        Of the values that are gated; the gates have a sigmoid.
    dropout : float
        Share of gated features dropped in training.

    References
    ----------
    Dauphin et al. 2017, https://doi.org/10.48550/arXiv.1612.08083

    Examples
    --------
    >>> GatedHead(16, 2, hidden_dim=8)(torch.rand(3, 16)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        hidden_dim: int,
        activation: Activation = "tanh",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.value = nn.Linear(input_dim, hidden_dim)
        self.activation = make_activation(activation) or nn.Identity()
        self.gate = nn.Linear(input_dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_dim, output_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, input_dim)."""
        gated = self.activation(self.value(x)) * torch.sigmoid(self.gate(x))
        result: torch.Tensor = self.linear(self.dropout(gated))
        return result


class MLPHead(nn.Module):
    """Every position of a feature map put through the same dense layers.

    Parameters
    ----------
    input_dim, output_dim : int
        Channels of the features and number of outputs.
    hidden_dims : list of int
        Widths of the hidden layers.
    activation : str, callable, torch.nn.Module or None
        After each hidden layer.
    dropout : float
        Share of values dropped after each hidden layer in training.
    pool : bool
        Whether positions are averaged first, so that there is one output a sequence.

    Examples
    --------
    >>> MLPHead(16, 2, hidden_dims=[8])(torch.rand(3, 16, 30)).shape
    torch.Size([3, 2, 30])
    >>> MLPHead(16, 2, hidden_dims=[8], pool=True)(torch.rand(3, 16, 30)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        hidden_dims: Sequence[int] = (),
        activation: Activation = "relu",
        dropout: float = 0.0,
        pool: bool = False,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.dense_block = DenseBlock(
            input_dim, output_dim, hidden_dims, activations=activation, dropout_rates=dropout
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs from ``x``, float (batch, input_dim, length).

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, input_dim, length)
            Features.

        Returns
        -------
        torch.Tensor of float, shape (batch, output_dim[, length])
            Outputs of each position, or of each sequence with ``pool``.
        """
        result: torch.Tensor
        if self.pool:
            result = self.dense_block(x.mean(dim=2))
            return result
        result = self.dense_block(x.transpose(1, 2)).transpose(1, 2)
        return result
