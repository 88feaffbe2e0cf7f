"""SATORI: self-attention over what motif detectors see, to find motifs that act together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from torch import nn

from eugene._calls import eugene_call
from eugene.config.marks import ArgumentsOf
from eugene.models._base import Architecture, channels_of, make_part
from eugene.nn import Conv1DTower, MultiHeadAttention, RecurrentBlock

_CONV = {
    "conv_channels": [200],
    "conv_kernels": [13],
    "conv_padding": "same",
    "conv_biases": False,
    "pool_kernels": 6,
    "dropout_rates": 0.2,
    "batchnorm": True,
    "batchnorm_first": True,
}
_RECURRENT = {"hidden_dim": 100, "num_layers": 2, "bidirectional": True}
_MHA = {"head_dim": 32, "num_heads": 8, "dropout_rate": 0.2}


class Satori(Architecture):
    """A convolution, an LSTM, attention between all positions, their sum, a linear layer.

    The sizes are those of the authors' program with a recurrent net. Three of its ways are not
    kept, in which the prediction for a sequence depends on those in its batch: its LSTM runs over
    the batch in place of the positions, and what is summed is standardised over the whole batch;
    here over the features of each sequence. Its attention is the mean of a softmax and of that of
    the negated scores; here it is the softmax of the paper.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 600. Other lengths can be read as well.
    output_dim : int
        Number of outputs.
    conv_kwargs : dict, optional
        Changes to the convolution, arguments of :class:`eugene.nn.Conv1DTower`.
    mha_kwargs : dict, optional
        Changes to the attention, arguments of :class:`eugene.nn.MultiHeadAttention`.
    recurrent_kwargs : dict, optional
        Changes to the LSTM, arguments of :class:`eugene.nn.RecurrentBlock`.
    use_rnn : bool
        Whether there is an LSTM; both are published.
    recurrent_dropout : float
        Share of its states dropped in training.
    multihead_size : int
        Width of the layer behind the attention.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together or the sequences are too short.

    References
    ----------
    Ullah and Ben-Hur 2021, https://doi.org/10.1093/nar/gkab349

    Examples
    --------
    >>> heads = {"head_dim": 4, "num_heads": 2}
    >>> model = Satori(100, 2, {"conv_channels": [8]}, heads, use_rnn=False)
    >>> model(torch.rand(3, 4, 100)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "satori"
    length_free: ClassVar[bool] = True

    @eugene_call(
        "eugene.models.zoo.Satori",
        refused={"dense_kwargs": "the output is one linear layer behind the LSTM: use_rnn=False, "
                 "multihead_size and recurrent_kwargs are what there is"},
    )  # fmt: skip
    def __init__(
        self,
        input_len: int = 600,
        output_dim: int = 164,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        mha_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:MultiHeadAttention")
        ] = None,
        *,
        recurrent_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:RecurrentBlock")
        ] = None,
        use_rnn: bool = True,
        recurrent_dropout: float = 0.4,
        multihead_size: int = 100,
        input_channels: int | None = None,
    ) -> None:
        channels = channels_of(input_channels, conv_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            conv_kwargs=dict(conv_kwargs or {}),
            mha_kwargs=dict(mha_kwargs or {}),
            recurrent_kwargs=dict(recurrent_kwargs or {}),
            use_rnn=use_rnn,
            recurrent_dropout=recurrent_dropout,
            multihead_size=multihead_size,
        )
        self.conv1d_tower = make_part(
            Conv1DTower, "conv_kwargs", conv_kwargs, _CONV,
            input_len=input_len, input_channels=channels,
        )  # fmt: skip
        width = self.conv1d_tower.out_channels
        self.recurrent_block = None
        if use_rnn:
            self.recurrent_block = make_part(
                RecurrentBlock, "recurrent_kwargs", recurrent_kwargs, _RECURRENT,
                input_dim=width, batch_first=True,
            )  # fmt: skip
            width = self.recurrent_block.out_channels
        self.recurrent_dropout = nn.Dropout(recurrent_dropout)
        self.mha = make_part(MultiHeadAttention, "mha_kwargs", mha_kwargs, _MHA, input_dim=width)
        self.readout = nn.Sequential(
            nn.ReLU(), nn.Linear(self.mha.out_channels, multihead_size), nn.ReLU()
        )
        self.standardise = nn.LayerNorm(multihead_size, elementwise_affine=False)
        self.linear = nn.Linear(multihead_size, output_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, length)."""
        states = self.conv1d_tower(x).transpose(1, 2)
        if self.recurrent_block is not None:
            states, _ = self.recurrent_block(states)
            states = self.recurrent_dropout(states)
        summed = self.readout(self.mha(states)).sum(dim=1)
        result: torch.Tensor = self.linear(self.standardise(summed))
        return result
