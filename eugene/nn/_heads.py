"""What turns features into outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from eugene.nn._activations import Activation, make_activation
from eugene.nn._blocks import DenseBlock


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
