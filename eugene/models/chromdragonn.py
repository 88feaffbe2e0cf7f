"""ChromDragoNN: open chromatin from sequence, and from sequence with gene expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import DenseBlock, InputShapeError, ModelError, ResidualBlock

_STAGES = (((3, 3), (3, 3)), ((3,), (7, 7)), ((1,), (7, 3, 3)), ((), (7, 7)))
"""Widths of the convolutions before the residual blocks of a stage, and inside each block."""


class ChromDragoNN(Architecture):
    """A residual network over sequence, and dense layers that also see expression.

    The sizes are those of the authors' program. Without ``n_expression`` it is their first stage,
    which predicts the cell types that it is trained on. With it, it is the second, which predicts
    accessibility in the cell whose expression is given, from the features of the sequence and of
    the first stage; freeze the latter to train as published. Outputs are logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 1,000.
    output_dim : int
        Number of outputs.
    blocks : list of int
        Residual blocks of each of the four stages.
    channels : list of int
        Channels of the four stages; the last two are equal.
    stem_channels : int
        Channels of the first convolution.
    hidden_dims : list of int
        Widths of the dense layers of the first stage.
    dropout : float
        Share of values dropped after dense layers in training.
    n_expression : int
        Expressed genes given beside a sequence; published: 1,630. 0 for the first stage.
    n_cell_types : int
        Outputs of the first stage inside the second.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short or lists have other lengths.

    References
    ----------
    Nair et al. 2019, https://doi.org/10.1093/bioinformatics/btz352

    Examples
    --------
    >>> small = {"channels": [8, 8, 8, 8], "hidden_dims": [8, 8]}
    >>> ChromDragoNN(200, 2, **small)(torch.rand(3, 4, 200)).shape
    torch.Size([3, 2])
    >>> second = ChromDragoNN(200, 1, n_expression=5, n_cell_types=4, **small)
    >>> second(torch.rand(3, 4, 200), torch.rand(3, 5)).shape
    torch.Size([3, 1])
    """

    name: ClassVar[str] = "chromdragonn"

    def __init__(
        self,
        input_len: int = 1000,
        output_dim: int = 103,
        *,
        blocks: Sequence[int] = (2, 2, 2, 2),
        channels: Sequence[int] = (64, 128, 200, 200),
        stem_channels: int = 48,
        hidden_dims: Sequence[int] = (1000, 1000),
        dropout: float = 0.3,
        n_expression: int = 0,
        n_cell_types: int = 103,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        for what, given in (("blocks", blocks), ("channels", channels)):
            if len(given) != len(_STAGES):
                raise ModelError(f"{what} has {len(given)} values, one for each of 4 stages needed")
        if channels[2] != channels[3]:
            raise ModelError(f"the last two channels must be equal, got {list(channels)}")
        pad = Window("the convolution of width 1", 1, padding=3)
        last = Window("the last convolution", 7, padding=4)
        pools = [Window(f"pool {i + 1}", k, k) for i, k in enumerate((3, 4, 4))]
        positions = lengths(input_len, [pools[0], pad, pools[1], last, pools[2]])
        self.tower = nn.Sequential()
        width = input_channels
        for i, (before, inside) in enumerate(_STAGES):
            for j, kernel in enumerate(before):
                after = stem_channels if i == 0 and j == 0 else channels[i]
                # 3 more positions at each end before stage 3, as in the authors' program
                padding = 3 if kernel == 1 else kernel // 2
                self.tower.append(_conv(width, after, kernel, padding))
                width = after
            self.tower.extend(
                ResidualBlock(width, inside, dilations=[1] * len(inside), bias=True)
                for _ in range(blocks[i])
            )
            if i in (1, 2):
                self.tower.append(nn.MaxPool1d(pools[i - 1].kernel))
        self.tower.extend([_conv(width, width, 7, 4), nn.MaxPool1d(pools[2].kernel), nn.Flatten()])
        features = width * positions[-1]
        norm: dict[str, Any] = {
            "batchnorm": True,
            "batchnorm_first": True,
            "dropout_rates": dropout,
        }
        cells = n_cell_types if n_expression else output_dim
        self.dense_block = DenseBlock(features, cells, hidden_dims, **norm)
        self.n_expression = n_expression
        if n_expression:
            self.joint = nn.Sequential(
                nn.Linear(features + n_expression, hidden_dims[0]),
                nn.BatchNorm1d(hidden_dims[0]),
                nn.ReLU(),
                nn.Dropout(dropout),
            )
            self.outputs = DenseBlock(hidden_dims[0] + cells + 1, output_dim, [100], **norm)

    def forward(self, x: torch.Tensor, expression: torch.Tensor | None = None) -> torch.Tensor:
        """Predict.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, input_len)
            Sequences.
        expression : torch.Tensor of float, shape (batch, n_expression), optional
            Expression in the cell that each is asked for; none counts as zero everywhere.

        Returns
        -------
        torch.Tensor of float, shape (batch, output_dim)
            Logits.

        Raises
        ------
        InputShapeError
            If expression has another shape than the network was built for.
        """
        shape = (len(x), self.n_expression)
        if expression is not None and tuple(expression.shape) != shape:
            raise InputShapeError(
                f"expression has the shape {tuple(expression.shape)}, the network was built for "
                f"{shape}: give n_expression when building it"
            )
        features: torch.Tensor = self.tower(x)
        cells: torch.Tensor = self.dense_block(features)
        if not self.n_expression:
            return cells
        given = x.new_zeros(shape) if expression is None else expression
        joint = self.joint(torch.cat((features, given), dim=1))
        mean = torch.sigmoid(cells).mean(dim=1, keepdim=True)
        result: torch.Tensor = self.outputs(torch.cat((joint, cells, mean), dim=1))
        return result


def _conv(before: int, after: int, kernel: int, padding: int) -> nn.Sequential:
    """Return a convolution with normalisation and ReLU."""
    conv = nn.Conv1d(before, after, kernel, padding=padding)
    return nn.Sequential(conv, nn.BatchNorm1d(after), nn.ReLU())
